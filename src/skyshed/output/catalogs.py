"""A catalog to a file of any format, and back."""

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from skyshed.arguments import check_choice
from skyshed.messages import one_line
from skyshed.output.atomic import whole_file
from skyshed.output.catalog_parts import stream_catalog
from skyshed.output.fits_catalog import read_fits_catalog, write_fits_catalog
from skyshed.output.formats import FORMATS, module_of
from skyshed.output.table_parts import to_plain
from skyshed.parameters import Parameters

if TYPE_CHECKING:  # slow to import, and not needed to write a catalog of the usual columns
    from astropy.table import QTable

__all__ = ["read_catalog", "write_catalog"]


def write_catalog(
    table: "QTable",
    path: str | os.PathLike[str],
    parameters: Parameters,
    record: dict[str, str],
    format: str = "fits",
) -> None:
    """Write a catalog; `read_catalog` reads it back with units, coordinates and metadata.

    In FITS the catalog is the table CATALOG, the parameters and the record are tables beside it.
    The other formats hold them in their metadata.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from astropy.table import QTable
    >>> from skyshed import Parameters
    >>> from skyshed.output.catalogs import read_catalog, write_catalog
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "catalog.fits"
    >>> write_catalog(QTable({"label": [1, 2]}), path, Parameters(), {"input": "deep.fits"})
    >>> read_catalog(path).meta["record"]["input"]
    'deep.fits'
    """
    check_choice(format, "format", tuple(FORMATS))
    table = table.copy(copy_data=False)
    _refuse_objects(table)
    if format == "fits":
        with whole_file(Path(path)) as part:
            write_fits_catalog(table, part, parameters, record)
        return
    whole = replace(to_plain(table), rows=np.arange(len(table)))
    stream_catalog([whole], len(table), path, parameters, record, format)


def read_catalog(path: str | os.PathLike[str]) -> "QTable":
    """Read a catalog that `write_catalog` wrote, in any of its formats.

    Returns
    -------
    table : `~astropy.table.QTable`
        The catalog; ``meta["parameters"]`` is a dict that `Parameters` takes, ``meta["record"]``
        says versions, date and input.

    Raises
    ------
    ValueError
        If the name of the file does not end in that of a format.
    OSError
        If the file is damaged, or no such catalog.
    ImportError
        If the format needs a package that is not installed.
    """
    format = Path(path).suffix.lstrip(".")
    check_choice(format, f"the ending of {os.fspath(path)!r}", tuple(FORMATS))
    try:
        return _read_catalog(path, format)
    except (FileNotFoundError, IsADirectoryError, PermissionError, ImportError, MemoryError):
        raise
    except Exception as error:  # of FITS, YAML, JSON, Arrow, units, ...
        reason = one_line(error) or type(error).__name__
        raise OSError(
            f"{os.fspath(path)} is damaged, or no catalog of skyshed ({reason}): write it anew"
        ) from error


def _read_catalog(path: str | os.PathLike[str], format: str) -> "QTable":
    """Read a catalog of a format."""
    if format == "parquet":
        from skyshed.output.parquet import read_parquet

        return read_parquet(path)
    module = module_of(format)
    table: QTable = read_fits_catalog(path) if module is None else module.read(Path(path))
    return table


def _refuse_objects(table: "QTable") -> None:
    """Refuse columns of Python objects, which no format holds."""
    for name in table.colnames:
        if getattr(getattr(table[name], "dtype", None), "kind", "") == "O":
            raise ValueError(
                f"column {name!r} holds Python objects and cannot be written: leave it out"
            )
