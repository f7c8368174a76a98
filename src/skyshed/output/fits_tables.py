"""What every FITS file of ours holds besides its content: cards, parameters, record."""

import io
import json
from collections.abc import Callable
from dataclasses import fields, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from astropy.io import fits
from astropy.units import Unit, UnitScaleError

from skyshed.output.column_facts import facts_in, fits_cards
from skyshed.output.fits_cards import rows_of_texts, table_bytes
from skyshed.output.fits_parts import BLOCK
from skyshed.output.table_parts import to_plain
from skyshed.parameters import Parameters

if TYPE_CHECKING:  # slow to import
    from astropy.table import QTable

__all__ = [
    "CATALOG",
    "NO_WORD",
    "PARAMETERS",
    "RECORD",
    "bytes_beside",
    "check_unit",
    "described",
    "extension_bytes",
    "file_header",
    "spelled",
    "tables_beside",
    "with_units",
]

#: The name of the table of sources.
CATALOG = "CATALOG"
#: Names of the tables beside the main content.
PARAMETERS, RECORD = "PARAMETERS", "RECORD"


def file_header(record: dict[str, str]) -> fits.Header:
    """Return the cards that say what made a file, and when."""
    header = fits.Header()
    header["CREATOR"] = (f"skyshed {record.get('skyshed', '')}".strip(), "software")
    header["DATE"] = (record.get("date", "").removesuffix("+00:00"), "UTC")
    return header


def tables_beside(parameters: Parameters, record: dict[str, str]) -> list[fits.BinTableHDU]:
    """Return the parameters and the record as FITS tables; values of parameters are JSON."""
    texts = {PARAMETERS: _parameters(parameters), RECORD: _record(record)}
    return [fits.BinTableHDU(rows_of_texts(each), name=name) for name, each in texts.items()]


def bytes_beside(parameters: Parameters, record: dict[str, str]) -> bytes:
    """Return the same as they lie in a file; what several files hold is formatted once."""
    return _parameters_bytes(parameters) + _record_bytes(tuple(record.items()))


@lru_cache(maxsize=8)
def _parameters_bytes(parameters: Parameters) -> bytes:
    return table_bytes(rows_of_texts(_parameters(parameters)), PARAMETERS)


@lru_cache(maxsize=8)
def _record_bytes(record: tuple[tuple[str, str], ...]) -> bytes:
    return table_bytes(rows_of_texts(_record(dict(record))), RECORD)


#: What astropy says of units that FITS has no word for (DN, electrons, maggies): nobody can do
#: anything about it, and nothing is lost, as it writes them in its own spelling besides.
NO_WORD = "The unit .* could not be saved in native FITS format"


def described(header: str) -> dict[str, str]:
    """Return the cards that say what the columns of a plain table are, by its header.

    Units that FITS has no word for (standard 4.0, section 4.3) have no TUNIT, which readers would
    warn of: those that do not know astropy's spelling find them in TCOMM.
    """
    facts = [
        each
        if not each.unit or _has_word(Unit(each.unit))
        else replace(each, description=_with_unit(each.description, each.unit))
        for each in facts_in(header)
    ]
    return fits_cards(facts)


def with_units(table: "QTable", name: str) -> "QTable":
    """Return a table, as it is to be written, with its name and what it says of columns as cards.

    UCDs, too, are in cards alone: see `described`.
    """
    table = table.copy(copy_data=False)
    for each in {getattr(table[each], "unit", None) for each in table.colnames}:
        _has_word(each)  # one that can't be written is refused
    table.meta = {"EXTNAME": name, **described(to_plain(table[:1]).header)}
    for each in table.colnames:
        info = table[each].info
        if info.meta and "ucd" in info.meta:
            info.meta = {key: value for key, value in info.meta.items() if key != "ucd"}
    return table


def _with_unit(description: str, unit: str) -> str:
    """Say the unit of a column together with what it is."""
    return f"{description} In {unit}." if description else f"in {unit}"


def check_unit(unit: Any, format: str = "fits") -> None:
    """Refuse a unit that a table of this format cannot hold: FITS has powers of ten alone.

    Raises
    ------
    ValueError
        If it is one of these, such as 3 nJy.

    Examples
    --------
    >>> import astropy.units as u
    >>> from skyshed.output.fits_tables import check_unit
    >>> check_unit(u.Unit("1e-9 Jy"))
    >>> check_unit(u.Unit("3 nJy"), "parquet")
    """
    if format in ("fits", "ldac"):
        _has_word(unit)


@lru_cache(maxsize=256)
def spelled(unit: Any) -> str:
    """Return the FITS word of a unit, as `~astropy.units.UnitBase.to_string` does, or raise."""
    word: str = unit.to_string("fits")
    return word


def _has_word(unit: Any) -> bool:
    """Whether FITS has a word for a unit; a ValueError if it can't be written."""
    if unit is None:
        return True
    try:
        spelled(unit)
    except UnitScaleError:
        raise ValueError(
            f"the unit {str(unit)!r} has a factor that is no power of ten, which FITS has no word "
            "for: choose another format of the catalog (format='ecsv', --format ecsv), or bring "
            "the image to another unit"
        ) from None
    except ValueError:
        return False
    return True


def extension_bytes(hdu: Any) -> bytes:
    """Return an extension as astropy writes it."""
    content = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(content)
    return content.getvalue()[BLOCK:]


def _parameters(parameters: Parameters) -> dict[str, list[str]]:
    values, declared = parameters.to_dict(), fields(parameters)
    rows: dict[str, Callable[[Any], str]] = {
        "name": lambda each: each.name,
        "value": lambda each: json.dumps(values[each.name]),
        "unit": lambda each: each.metadata["unit"],
        "description": lambda each: each.metadata["about"],
    }
    return {name: [text(each) for each in declared] for name, text in rows.items()}


def _record(record: dict[str, str]) -> dict[str, list[str]]:
    # FITS is ASCII; a path need not be.
    texts = [json.dumps(value)[1:-1] for value in record.values()]
    return {"name": list(record), "value": texts}
