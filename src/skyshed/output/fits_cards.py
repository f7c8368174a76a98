"""Binary tables of FITS from plain columns, with the headers that astropy would write.

For columns of the usual kinds, what `astropy.io.fits` writes is known beforehand (standard 4.0,
sections 4.2 and 7.3). Writing it so takes neither `astropy.table` nor an HDU, which are a
sixth of the time of a command for a small image; others are left to astropy.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from skyshed.output.fits_parts import BLOCK, padding

__all__ = [
    "card",
    "comment_card",
    "fits_a_card",
    "form_of",
    "header_bytes",
    "rows_of_texts",
    "table_bytes",
    "table_cards",
]

#: Bytes of a card; of the value of one, where it is filled up.
CARD, VALUE = 80, 20
#: The most bytes of a text that fits a card, its quotes and a keyword with it.
MOST_TEXT = 68
#: Kind and size of a dtype -> its letter (table 18).
LETTERS = {"u1": "B", "i2": "I", "i4": "J", "i8": "K", "f4": "E", "f8": "D", "b1": "L"}


def card(keyword: str, value: int | str, comment: str = "") -> str:
    """Return a card of 80 bytes.

    Examples
    --------
    >>> from skyshed.output.fits_cards import card
    >>> card("NAXIS", 2, "number of array dimensions").rstrip()
    'NAXIS   =                    2 / number of array dimensions'
    >>> card("TUNIT1", "pix").rstrip()
    "TUNIT1  = 'pix     '"
    """
    if isinstance(value, str):
        quoted = value.replace("'", "''")
        spelled = f"'{quoted:8}'"
        if comment:
            spelled = f"{spelled:{VALUE}}"
    else:
        spelled = f"{value:{VALUE}d}"
    text = f"{keyword:8}= {spelled}" + (f" / {comment}" if comment else "")
    if len(text) > CARD:
        raise ValueError(f"{keyword} = {value!r} does not fit a card")
    return f"{text:{CARD}}"


def fits_a_card(text: str) -> bool:
    """Return whether a card has room for a text; in longer ones, FITS goes on in further cards.

    Examples
    --------
    >>> from skyshed.output.fits_cards import fits_a_card
    >>> fits_a_card("x" * 68), fits_a_card("x" * 69)
    (True, False)
    """
    return len(text.replace("'", "''")) <= MOST_TEXT


def comment_card(text: str) -> str:
    """Return a COMMENT of one line."""
    return f"{f'COMMENT {text}':{CARD}}"


def header_bytes(cards: Iterable[str]) -> bytes:
    """Return a header of whole blocks, its END included."""
    text = "".join([*cards, f"{'END':{CARD}}"])
    return f"{text}{' ' * (-len(text) % BLOCK)}".encode("ascii")


def form_of(dtype: np.dtype) -> str | None:
    """Return the TFORM of a column of single values; `None` if it takes more cards than that.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.output.fits_cards import form_of
    >>> form_of(np.dtype("f8")), form_of(np.dtype("U12")), form_of(np.dtype("u4"))
    ('D', '12A', None)
    """
    if dtype.kind == "U":
        width = dtype.itemsize // np.dtype("U1").itemsize
        return f"{width}A" if width else None
    return LETTERS.get(f"{dtype.kind}{dtype.itemsize}")


def table_cards(
    columns: Sequence[tuple[str, str, str | None]], row_bytes: int, n_rows: int
) -> list[str]:
    """Return the cards of a binary table, up to those of its columns.

    Parameters
    ----------
    columns : sequence of (str, str, str or None)
        Name, TFORM and unit of each.
    row_bytes, n_rows : int
        The size of the data.
    """
    cards = [
        card("XTENSION", "BINTABLE", "binary table extension"),
        card("BITPIX", 8, "array data type"),
        card("NAXIS", 2, "number of array dimensions"),
        card("NAXIS1", row_bytes, "length of dimension 1"),
        card("NAXIS2", n_rows, "length of dimension 2"),
        card("PCOUNT", 0, "number of group parameters"),
        card("GCOUNT", 1, "number of groups"),
        card("TFIELDS", len(columns), "number of table fields"),
    ]
    for number, (name, form, unit) in enumerate(columns, 1):
        cards += [card(f"TTYPE{number}", name), card(f"TFORM{number}", form)]
        if unit is not None:
            cards.append(card(f"TUNIT{number}", unit))
    return cards


def rows_of_texts(texts: Mapping[str, Sequence[str]]) -> Any:
    """Return columns of texts, ASCII, as the rows of a table; there is at least one."""
    columns = {key: np.char.encode(np.array(values, str), "ascii") for key, values in texts.items()}
    dtype = np.dtype([(key, values.dtype) for key, values in columns.items()])
    rows = np.zeros(len(next(iter(columns.values()))), dtype)
    for key, values in columns.items():
        rows[key] = values
    return rows


def table_bytes(rows: Any, name: str) -> bytes:
    """Return a table of texts as an extension of a FITS file.

    Parameters
    ----------
    rows : structured array of bytes
        What `rows_of_texts` returns.
    name : str
        Its EXTNAME.
    """
    described = [(key, f"{rows.dtype[key].itemsize}A", None) for key in rows.dtype.names]
    cards = table_cards(described, rows.dtype.itemsize, len(rows))
    cards.append(card("EXTNAME", name, "extension name"))
    content: bytes = header_bytes(cards) + rows.tobytes() + padding(rows.nbytes)
    return content
