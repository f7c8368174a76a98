"""How the usual columns of a catalog are stored in FITS, known without asking astropy."""

import json
from typing import Any

import astropy.units as u
import numpy as np
from astropy.io import fits

from skyshed.images.astropy_says import quiet
from skyshed.output.column_comments import UnknownSpellingError, comments_of
from skyshed.output.fits_cards import (
    card,
    comment_card,
    fits_a_card,
    form_of,
    header_bytes,
    table_cards,
)
from skyshed.output.fits_tables import NO_WORD, spelled
from skyshed.output.fits_tables import described as described_by
from skyshed.output.table_parts import PlainTable

__all__ = ["stored_as"]

#: What may be said of a column; of others, astropy is asked.
KNOWN = frozenset({"name", "kind", "columns", "unit", "description", "facts", "meta"})


def stored_as(table: PlainTable, name: str) -> tuple[np.dtype, tuple[str, ...], bytes] | None:
    """Return what astropy would make of a table of one row, in FITS.

    Parameters
    ----------
    table : PlainTable
        The columns.
    name : str
        The table's EXTNAME.

    Returns
    -------
    dtype, names, header : dtype, tuple of str, bytes
        Of a row, of the columns, and of the HDU; `None` if a column is not one of the usual: of
        several values a row, of a dtype or unit that FITS has no word for, a mixin but Quantities
        and ICRS coordinates, of a name that needs more than a card, or called or described so that
        YAML needs more than quotes.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy.table import QTable
    >>> from skyshed.output.plain_fits import stored_as
    >>> from skyshed.output.table_parts import to_plain
    >>> stored_as(to_plain(QTable({"label": [1]})), "CATALOG")[0]
    dtype([('label', '>i8')])
    >>> stored_as(to_plain(QTable({"label": np.ones(1, "u2")})), "CATALOG") is None
    True
    """
    try:
        with quiet(NO_WORD):
            return _stored_as(table, name)
    except (UnknownSpellingError, UnicodeEncodeError):
        return None


def _stored_as(table: PlainTable, name: str) -> tuple[np.dtype, tuple[str, ...], bytes] | None:
    fields, columns, described, objects = [], [], [], {}
    for about in json.loads(table.header):
        more = about.get("meta", {}).keys() - {"ucd"}  # a UCD is a card
        if about["kind"] == "mixin" or more or not about.keys() <= KNOWN:
            return None
        is_sky, description = about["kind"] == "sky", about.get("description")
        if about["kind"] != "column":
            objects[about["name"]] = (about["kind"], description if is_sky else about["unit"])
        for each in about["columns"]:
            dtype = table.columns[each].dtype
            form = form_of(dtype)
            if form is None or table.columns[each].ndim != 1 or not fits_a_card(each):
                return None
            unit = "deg" if is_sky else about.get("unit")
            word = None
            if unit is not None:
                try:
                    word = spelled(u.Unit(unit))
                except ValueError:
                    return None
            fields.append((each, _stored(dtype)))
            columns.append((each, form, word or None))
            described.append((each, dtype, unit, None if is_sky else description))
    row = np.dtype(fields)
    cards = [*table_cards(columns, row.itemsize, 1), card("EXTNAME", name)]
    comments = comments_of(described, objects, lambda unit: u.Unit(unit) is u.Unit(unit))
    # Descriptions may be longer than a card.
    cards += [str(fits.Card(*each)) for each in described_by(table.header).items()]
    header = header_bytes([*cards, *map(comment_card, comments)])
    return row, tuple(each for each, _ in fields), header


def _stored(dtype: np.dtype) -> Any:
    """Return the dtype of a column in a row of the file."""
    if dtype.kind == "U":
        return f"S{dtype.itemsize // np.dtype('U1').itemsize}"
    return "i1" if dtype.kind == "b" else dtype.newbyteorder(">")
