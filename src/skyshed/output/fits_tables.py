"""What every FITS file of ours holds besides its content: cards, parameters, record."""

import json
import os
import warnings
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from astropy.io import fits
from astropy.table import Table

from skyshed.exceptions import ImageWarning
from skyshed.messages import find_stack_level
from skyshed.parameters import Parameters

__all__ = ["PARAMETERS", "RECORD", "file_header", "tables_beside", "wcs_cards"]

#: Names of the tables beside the main content.
PARAMETERS, RECORD = "PARAMETERS", "RECORD"


def wcs_cards(wcs: Any, path: str | os.PathLike[str]) -> Any:
    """Return the cards of a WCS; none, with a warning, for one that FITS headers can't hold."""
    if wcs is None:
        return {}
    if hasattr(wcs, "to_header"):
        return wcs.to_header(relax=True)
    kind = f"{type(wcs).__module__.partition('.')[0]}.{type(wcs).__name__}"
    warnings.warn(
        f"{os.fspath(path)} is written without a WCS, because a {kind} fits no FITS header; the "
        "positions in the catalog come from it",
        ImageWarning,
        stacklevel=find_stack_level(),
    )
    return {}


def file_header(record: dict[str, str]) -> fits.Header:
    """Return the cards that say what made a file, and when."""
    header = fits.Header()
    header["CREATOR"] = (f"skyshed {record.get('skyshed', '')}".strip(), "software")
    header["DATE"] = (record.get("date", "").removesuffix("+00:00"), "UTC")
    return header


def tables_beside(parameters: Parameters, record: dict[str, str]) -> list[fits.BinTableHDU]:
    """Return the parameters and the record as FITS tables; values of parameters are JSON."""
    values, declared = parameters.to_dict(), fields(parameters)
    rows: dict[str, Callable[[Any], str]] = {
        "name": lambda each: each.name,
        "value": lambda each: json.dumps(values[each.name]),
        "unit": lambda each: each.metadata["unit"],
        "description": lambda each: each.metadata["about"],
    }
    first = Table({name: [text(each) for each in declared] for name, text in rows.items()})
    # FITS is ASCII; a path need not be.
    texts = [json.dumps(value)[1:-1] for value in record.values()]
    second = Table({"name": list(record), "value": texts}, dtype=[str, str])
    hdus = [fits.table_to_hdu(first), fits.table_to_hdu(second)]
    for hdu, name in zip(hdus, (PARAMETERS, RECORD), strict=True):
        hdu.name = name
    return hdus
