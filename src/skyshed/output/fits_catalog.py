"""A catalog as FITS, by astropy: the table CATALOG, and the parameters and record beside it."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from astropy.io import fits

from skyshed.images.astropy_says import quiet
from skyshed.output.fits_tables import (
    CATALOG,
    NO_WORD,
    PARAMETERS,
    RECORD,
    file_header,
    tables_beside,
    with_units,
)
from skyshed.parameters import Parameters

if TYPE_CHECKING:  # slow to import, and not needed to write a catalog of the usual columns
    from astropy.table import QTable

__all__ = ["read_fits_catalog", "write_fits_catalog"]


def write_fits_catalog(
    table: "QTable", path: Path, parameters: Parameters, record: dict[str, str]
) -> None:
    """Write a catalog as FITS, as astropy does, and what belongs to it."""
    table = with_units(table, CATALOG)
    fits.PrimaryHDU(header=file_header(record)).writeto(path, overwrite=True)
    with quiet(NO_WORD):
        table.write(path, format="fits", append=True)
    for beside in tables_beside(parameters, record):
        fits.append(path, beside.data, beside.header)


def read_fits_catalog(path: str | os.PathLike[str], name: str = CATALOG) -> "QTable":
    """Read the table of a FITS file, and what belongs to it."""
    from astropy.table import Column, QTable, Table

    table = QTable.read(path, format="fits", hdu=name)
    ucds = _ucds(fits.getheader(path, name))
    for name in table.colnames:  # texts, which FITS keeps as bytes
        if getattr(getattr(table[name], "dtype", None), "kind", "") == "S":
            info = table[name].info
            table[name] = Column(
                np.char.decode(table[name], "ascii"), description=info.description, meta=info.meta
            )
        if name in ucds:
            table[name].info.meta = {**(table[name].info.meta or {}), "ucd": ucds[name]}
    parameters, record = (Table.read(path, hdu=name) for name in (PARAMETERS, RECORD))
    table.meta = {
        "parameters": {row["name"]: json.loads(row["value"]) for row in parameters},
        "record": {row["name"]: json.loads(f'"{row["value"]}"') for row in record},
    }
    return table


def _ucds(header: fits.Header) -> dict[str, str]:
    """Return the UCDs of columns; of a position, the first word of those of its coordinates."""
    found: dict[str, str] = {}
    for number in range(1, header["TFIELDS"] + 1):
        ucd, name = header.get(f"TUCD{number}"), header[f"TTYPE{number}"]
        if ucd is not None:
            whole, _, _ = name.rpartition(".")
            found[whole or name] = ucd.partition(".")[0] if whole else ucd
    return found
