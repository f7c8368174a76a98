"""What astropy keeps of columns in comments of a FITS table: descriptions, units, coordinates.

astropy writes it as YAML, which it reads back into a `~astropy.table.QTable`. Here the same text is
made for the columns that `skyshed.output.table_parts.PlainTable` has plain words for, without the
imports of astropy's own writer. Where it is not known how YAML would spell a text, there is no
answer, and astropy is to be asked.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np

__all__ = ["UnknownSpellingError", "comments_of"]

#: Characters of a line after which YAML goes on in the next one, where there is a blank.
WIDTH = 130
#: Characters of a line that go into a card; the mark that it goes on.
LINE, GOES_ON = 70, "\\"
BEGIN, END = "--BEGIN-ASTROPY-SERIALIZED-COLUMNS--", "--END-ASTROPY-SERIALIZED-COLUMNS--"
#: Texts that need no quotes in braces, and those that are known to be fine in single ones.
PLAIN, QUOTED = re.compile(r"[\w(][^,?\[\]{}:]*", re.ASCII), re.compile(r"[\w(][ -~]*", re.ASCII)
#: What neither numbers nor dates have.
WORDS = re.compile(r"[A-Za-z]{2}.* | .*[A-Za-z]{2}")
#: Words that YAML 1.1 takes for something else than text.
OTHER_WORDS = frozenset({"yes", "no", "true", "false", "on", "off", "null"})
#: Names longer than that might make YAML begin a new line where none is foreseen.
MOST_NAME = 40


class UnknownSpellingError(ValueError):
    """A text of which it is not known how YAML spells it."""


def comments_of(
    columns: Iterable[tuple[str, np.dtype, str | None, str | None]],
    objects: Mapping[str, tuple[str, str | None]],
    same_unit: Callable[[str], bool],
) -> list[str]:
    """Return the comments of a table; none if nothing would be lost without them.

    Parameters
    ----------
    columns : iterable of (str, dtype, str or None, str or None)
        Name, dtype, unit and description of the plain columns.
    objects : mapping of str to (str, str or None)
        The columns that are Quantities, ``("quantity", unit)``, or ICRS coordinates,
        ``("sky", description)``.
    same_unit : callable
        Whether a unit is one object wherever it is spelled so, which YAML then writes once.

    Returns
    -------
    comments : list of str

    Raises
    ------
    UnknownSpellingError
        If astropy must be asked.
    """
    columns = list(columns)
    if not objects and all(description is None for *_, description in columns):
        return []
    lines = ["datatype:"]
    for name, dtype, unit, description in columns:
        if len(name) > MOST_NAME:
            raise UnknownSpellingError(name)
        datatype = "string" if dtype.kind == "U" else dtype.name
        about = {
            "name": name,
            "unit": unit or None,
            "datatype": datatype,
            "description": description,
        }
        lines += _braces("- ", {key: each for key, each in about.items() if each is not None}, 4)
    lines.append("meta: !!omap")
    lines += _objects(objects, same_unit)
    return [BEGIN, *(part for line in lines for part in _cut(line)), END]


def _objects(
    objects: Mapping[str, tuple[str, str | None]], same_unit: Callable[[str], bool]
) -> list[str]:
    """Return what the objects are made of, in alphabetical order."""
    if not objects:
        return ["- __serialized_columns__: {}"]
    if sum(kind == "sky" for kind, _ in objects.values()) > 1:
        raise UnknownSpellingError("coordinates that share their wrap angle")
    units = _Units(same_unit)
    for _ in range(2):  # first to see which units come again
        lines = ["- __serialized_columns__:"]
        for name in sorted(objects):
            kind, about = objects[name]
            if len(name) > MOST_NAME:
                raise UnknownSpellingError(name)
            lines.append(f"    {name}:")
            if kind == "quantity":
                lines += _quantity(name, about or "", units)
            else:
                lines += _sky(name, about, units)
        units.begin_again()
    return lines


def _quantity(name: str, unit: str, units: "_Units") -> Iterator[str]:
    yield "      __class__: astropy.units.quantity.Quantity"
    yield f"      unit: {units.spelled(unit)}"
    yield f"      value: !astropy.table.SerializedColumn {{name: {_scalar(name)}}}"


def _sky(name: str, description: str | None, units: "_Units") -> Iterator[str]:
    yield "      __class__: astropy.coordinates.sky_coordinate.SkyCoord"
    if description is not None:
        yield from _braces("      __info__: ", {"description": description}, 8)
    for axis, kind in (("dec", "Latitude"), ("ra", "Longitude")):
        if axis == "ra":
            yield "      frame: icrs"
        yield f"      {axis}: !astropy.table.SerializedColumn"
        yield f"        __class__: astropy.coordinates.angles.core.{kind}"
        yield f"        unit: {units.spelled('deg')}"
        yield f"        value: !astropy.table.SerializedColumn {{name: {name}.{axis}}}"
    yield "        wrap_angle: !astropy.coordinates.Angle"
    yield f"          unit: {units.spelled('deg')}"
    yield "          value: 360.0"
    yield "      representation_type: spherical"


class _Units:
    """How units are spelled: those that come again get a name, in the order in which they do."""

    def __init__(self, same_unit: Callable[[str], bool]) -> None:
        self._same, self._seen, self._named = same_unit, set[str](), dict[str, str]()

    def begin_again(self) -> None:
        """Begin again from the first line, knowing the names."""
        self._seen.clear()

    def spelled(self, unit: str) -> str:
        """Return the unit, or the name of one that came before."""
        again, shared = unit in self._seen, self._same(unit)
        self._seen.add(unit)
        if again and shared:
            return "*" + self._named.setdefault(unit, f"id{len(self._named) + 1:03d}")
        name = f"&{self._named[unit]} " if unit in self._named else ""
        return f"{name}!astropy.units.Unit {{unit: {_scalar(unit)}}}"


def _scalar(text: str) -> str:
    """Return a text as YAML writes it in braces, on one line."""
    if not text:
        return "''"
    is_text = WORDS.search(text) if text[0].isdigit() else text.lower() not in OTHER_WORDS
    if not is_text or not QUOTED.fullmatch(text) or text[-1] == " ":
        raise UnknownSpellingError(text)
    if PLAIN.fullmatch(text) and " #" not in text:
        return text
    return "'" + text.replace("'", "''") + "'"


def _braces(begin: str, about: Mapping[str, str], indent: int) -> list[str]:
    """Return keys and values in braces; a line ends at the first blank beyond its width."""
    lines: list[str] = []
    line = begin + "{"
    for number, (key, text) in enumerate(about.items()):
        if number:
            line += ","
            if len(line) > WIDTH:
                lines, line = [*lines, line], " " * indent
            else:
                line += " "
        line += f"{key}: "
        for place, word in enumerate(re.split(r"(?<! ) (?! )", _scalar(text))):
            if place and len(line) > WIDTH:
                lines, line = [*lines, line], " " * indent + word
            else:
                line += f" {word}" if place else word
    return [*lines, line + "}"]


def _cut(line: str) -> list[str]:
    """Return a line as parts that fit cards."""
    starts = range(0, len(line), LINE) if line else (0,)
    parts = [line[start : start + LINE] for start in starts]
    return [f"{part}{GOES_ON}" for part in parts[:-1]] + parts[-1:]
