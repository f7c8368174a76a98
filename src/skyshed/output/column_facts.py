"""What files of every format say of a column: its unit, what it is, and its UCD.

Light on purpose: it is plain text, of which a FITS file is written without tables of astropy's.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["ColumnFacts", "facts_in", "fits_cards", "without_facts"]


@dataclass(frozen=True)
class ColumnFacts:
    """What is said of a column of plain values.

    Attributes
    ----------
    name : str
        Of the column, as it is in files: ``sky_centroid.ra``.
    unit : str
        As astropy spells it; empty without one.
    description : str
        A sentence for people.
    ucd : str
        UCD1+ of the IVOA.
    """

    name: str
    unit: str = ""
    description: str = ""
    ucd: str = ""


def facts_in(header: str) -> list[ColumnFacts]:
    """Return the facts of all columns of a `skyshed.output.table_parts.PlainTable`, by its header.

    Examples
    --------
    >>> import astropy.units as u
    >>> from astropy.table import QTable
    >>> from skyshed.output.column_facts import facts_in
    >>> from skyshed.output.table_parts import to_plain
    >>> facts_in(to_plain(QTable({"flux": [1.0] * u.Jy})).header)
    [ColumnFacts(name='flux', unit='Jy', description='', ucd='')]
    """
    return [ColumnFacts(*each) for column in json.loads(header) for each in column["facts"]]


def without_facts(header: str) -> str:
    """Return a header without the facts, for a file that has them in its own words."""
    return json.dumps(
        [
            {key: value for key, value in each.items() if key != "facts"}
            for each in json.loads(header)
        ]
    )


def fits_cards(facts: Iterable[ColumnFacts]) -> dict[str, str]:
    """Return the cards that describe columns, in their order, and which FITS leaves to convention.

    TCOMMn is what TOPCAT, fv and CFITSIO's users know as the comment of a column, TUCDn its UCD.

    Examples
    --------
    >>> from skyshed.output.column_facts import ColumnFacts, fits_cards
    >>> fits_cards([ColumnFacts("label"), ColumnFacts("ra", "deg", "Position.", "pos.eq.ra")])
    {'TCOMM2': 'Position.', 'TUCD2': 'pos.eq.ra'}
    """
    cards = {}
    for number, each in enumerate(facts, 1):
        if each.description:
            cards[f"TCOMM{number}"] = each.description
        if each.ucd:
            cards[f"TUCD{number}"] = each.ucd
    return cards
