"""What the value of a parameter may be: how it is checked, and how it is read from a command line.

Light on purpose (no NumPy, no astropy): the command line's help is made from it.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

__all__ = [
    "Bits",
    "CardOr",
    "Choice",
    "Designation",
    "Flag",
    "Integer",
    "Kernel",
    "Kind",
    "Number",
    "Optional",
    "Several",
    "Text",
]


def _refuse(name: str, allowed: str, value: Any) -> ValueError:
    return ValueError(f"{name} must be {allowed}; got {value!r}")


class Kind:
    """A kind of value: `check` takes what Python or TOML give, `parse` what a command line does."""

    metavar = "VALUE"

    def check(self, value: Any, name: str) -> Any:
        """Return ``value`` in its normal form, or raise a ValueError that names ``name``."""
        raise NotImplementedError

    def parse(self, text: str) -> Any:
        """Return the value that ``text`` spells, or ``text`` itself; `check` judges it."""
        return text


@dataclass(frozen=True)
class Integer(Kind):
    """A whole number of at least ``least`` (``5.0`` is 5); odd where ``odd``, unless it is 0."""

    least: int = 1
    odd: bool = False
    metavar = "N"

    def check(self, value: Any, name: str) -> int:
        """Return ``value`` as an int."""
        allowed = f"{'an odd' if self.odd else 'an'} integer of at least {self.least}"
        if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
            raise _refuse(name, allowed, value)
        if value % 1 or value < self.least or (self.odd and value and not value % 2):
            raise _refuse(name, allowed, value)
        return int(float(value)) if not isinstance(value, Integral) else int(value)

    def parse(self, text: str) -> Any:
        """Read an integer."""
        try:
            return int(text)
        except ValueError:
            return text


@dataclass(frozen=True)
class Number(Kind):
    """A finite number with ``low <= value <= high``; ``low < value`` where ``above``."""

    low: float = -math.inf
    high: float = math.inf
    above: bool = False
    metavar = "X"

    def check(self, value: Any, name: str) -> float:
        """Return ``value`` as a float."""
        good = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
        if not good or not self.low <= value <= self.high or (self.above and value == self.low):
            raise _refuse(name, self.allowed(), value)
        return float(value)

    def parse(self, text: str) -> Any:
        """Read a number."""
        try:
            return float(text)
        except ValueError:
            return text

    def allowed(self) -> str:
        """Say which numbers are allowed."""
        if self.low == -math.inf:
            return "a number"
        least = f"a number {'above' if self.above else 'of at least'} {self.low:g}"
        return least if self.high == math.inf else f"{least} and at most {self.high:g}"


@dataclass(frozen=True)
class Choice(Kind):
    """One of ``options``, which are all strings or all integers."""

    options: tuple[Any, ...]

    @property
    def metavar(self) -> str:  # type: ignore[override]
        """The options, as a usage line shows them."""
        return "{" + ",".join(str(option) for option in self.options) + "}"

    def check(self, value: Any, name: str) -> Any:
        """Return the option that equals ``value``, of strings in capitals or not."""
        wanted = value.casefold() if isinstance(value, str) else value
        for option in self.options:
            same = option.casefold() if isinstance(option, str) else option
            if not isinstance(value, bool) and wanted == same:
                return option
        *others, last = (repr(option) for option in self.options)
        listed = f"{', '.join(others)}{',' * (len(others) > 1)} or {last}" if others else last
        raise _refuse(name, listed, value)

    def parse(self, text: str) -> Any:
        """Read an option."""
        return {str(option): option for option in self.options}.get(text, text)


class Flag(Kind):
    """True or False."""

    def check(self, value: Any, name: str) -> bool:
        """Return ``value``, a bool."""
        if value is not True and value is not False:
            raise _refuse(name, "true or false", value)
        return value

    def parse(self, text: str) -> Any:
        """Read true or false."""
        return {"true": True, "false": False}.get(text.lower(), text)


class Text(Kind):
    """A string that is not empty."""

    metavar = "NAME"

    def check(self, value: Any, name: str) -> str:
        """Return ``value``, a string."""
        if not isinstance(value, str) or not value.strip():
            raise _refuse(name, "a text", value)
        return value.strip()


@dataclass(frozen=True)
class Several(Kind):
    """A tuple of values of one kind; a single value too where ``single``.

    ``lengths`` are the numbers of values allowed, any where it is empty. The values from the third
    on are of the kind ``rest``, if it is given.
    """

    kind: Kind
    lengths: tuple[int, ...] = ()
    single: bool = False
    rest: Kind | None = None

    @property
    def metavar(self) -> str:  # type: ignore[override]
        """The values, as a usage line shows them."""
        one = self.kind.metavar
        return f"{one}[,{one}...]" if not self.single else f"{one}[,{one}]"

    def check(self, value: Any, name: str) -> Any:
        """Return a tuple of checked values, or one checked value where ``value`` is one."""
        counts = " or ".join(str(length) for length in self.lengths)
        if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
            if self.single:
                return self.kind.check(value, name)
            counted = f"a list of {counts} values"
            raise _refuse(name, counted if counts else f"a list such as [{value!r}]", value)
        values = tuple(value)
        if self.lengths and len(values) not in self.lengths:
            one = "a single value or " if self.single else ""
            raise _refuse(name, f"{one}{counts} values", value)
        rest = self.rest or self.kind
        kinds = [self.kind if place < 2 else rest for place in range(len(values))]
        return tuple(
            kind.check(each, f"value {place} of {name}" if self.rest else f"each value of {name}")
            for place, (kind, each) in enumerate(zip(kinds, values, strict=True), start=1)
        )

    def parse(self, text: str) -> Any:
        """Read values with commas between them; nothing is an empty list."""
        if self.single and "," not in text:
            return self.kind.parse(text)
        return tuple(self.kind.parse(part.strip()) for part in text.split(",") if part.strip())


@dataclass(frozen=True)
class CardOr(Kind):
    """A number, or the name of the card of the image's header that has it."""

    kind: Number
    NAME = re.compile(r"[A-Za-z][\w .-]*")

    @property
    def metavar(self) -> str:  # type: ignore[override]
        """Either, as a usage line shows them."""
        return f"{self.kind.metavar}|CARD"

    def check(self, value: Any, name: str) -> float | str:
        """Return the checked number, or the name in capitals."""
        if not isinstance(value, str):
            return self.kind.check(value, name)
        if not self.NAME.fullmatch(value.strip()):
            raise _refuse(name, f"{self.kind.allowed()}, or the name of a header's card", value)
        return value.strip().upper()

    def parse(self, text: str) -> Any:
        """Read a number, or a name."""
        return self.kind.parse(text)


class Bits(Kind):
    """Bits of an integer: ``(0, 3, "SAT")``, ``"0,3-5,SAT"``, or a hexadecimal sum ``"0x39"``."""

    metavar = "BITS"
    #: An integer image has at most 64 bits.
    HIGHEST = 63
    NAME = re.compile(r"[A-Za-z][^,]*")

    def check(self, value: Any, name: str) -> tuple[int | str, ...]:
        """Return the bit numbers, ascending and each once, then the names."""
        allowed = (
            "bit numbers from 0 to 63 such as '0,3-5', names of bits, or a hexadecimal sum such as "
            "'0x39'"
        )
        bits: Any = self._spelled(value) if isinstance(value, str) else value
        if isinstance(bits, Integral) and not isinstance(bits, bool):
            bits = (bits,)
        good = isinstance(bits, Iterable) and not isinstance(bits, str)
        bits = tuple(bits) if good else ()
        names = [bit.strip() for bit in bits if isinstance(bit, str)]
        bits = tuple(bit for bit in bits if not isinstance(bit, str))
        whole = all(isinstance(bit, Integral) and not isinstance(bit, bool) for bit in bits)
        whole &= all(self.NAME.fullmatch(bit) for bit in names)
        if not (bits or names) or not whole or not {*bits} <= {*range(self.HIGHEST + 1)}:
            raise _refuse(name, allowed, value)
        return (*sorted({int(bit) for bit in bits}), *dict.fromkeys(names))

    @staticmethod
    def _spelled(text: str) -> list[int | str] | None:
        if re.fullmatch(r"0[xX][0-9a-fA-F]{1,16}", text.strip()):
            total = int(text, 16)
            return [bit for bit in range(64) if total >> bit & 1]
        bits: list[int | str] = []
        for part in text.split(","):
            if Bits.NAME.fullmatch(part.strip()):
                bits.append(part.strip())
                continue
            match = re.fullmatch(r"\s*(\d{1,2})(?:\s*-\s*(\d{1,2}))?\s*", part)
            if not match or int(match[2] or match[1]) < int(match[1]):
                return None
            bits.extend(range(int(match[1]), int(match[2] or match[1]) + 1))
        return bits


class Kernel(Kind):
    """A kernel: rows of numbers, both sizes odd and not all 0; or the path of a file of one."""

    metavar = "FILE"
    ALLOWED = (
        "the path of a file, or rows of numbers of equal length, both counts odd, with a sum above "
        "0"
    )

    def check(self, value: Any, name: str) -> str | tuple[tuple[float, ...], ...]:
        """Return the path, or the rows."""
        if hasattr(value, "__fspath__"):
            value = value.__fspath__()
        if isinstance(value, str):
            if not value.strip():
                raise _refuse(name, self.ALLOWED, value)
            return value
        try:  # also an array, or a kernel of astropy
            rows = tuple(tuple(map(float, row)) for row in getattr(value, "array", value))
        except (TypeError, ValueError):
            raise _refuse(name, self.ALLOWED, value) from None
        finite = all(math.isfinite(each) for row in rows for each in row)
        odd = len(rows) % 2 and all(len(row) % 2 and len(row) == len(rows[0]) for row in rows)
        if not odd or not finite or not sum(map(sum, rows)) > 0:
            raise _refuse(name, self.ALLOWED, value)
        return rows


class Designation(Kind):
    """A pattern of IAU-style names: a prefix, then ``Jhhmmss[.s...]+ddmmss[.s...]``."""

    metavar = "PATTERN"
    PATTERN = re.compile(
        r"(?P<prefix>.*)Jhhmmss(?:\.(?P<ra>s{1,6}))?\+ddmmss(?:\.(?P<dec>s{1,6}))?"
    )

    def check(self, value: Any, name: str) -> str:
        """Return the pattern."""
        good = isinstance(value, str) and value.isascii() and self.PATTERN.fullmatch(value)
        if not good:  # FITS holds ASCII only
            raise _refuse(name, "a pattern such as 'SKYSHED Jhhmmss.ss+ddmmss.s'", value)
        return str(value)


@dataclass(frozen=True)
class Optional(Kind):
    """A value of ``kind``, or `None`, spelled ``none`` on a command line and in TOML."""

    kind: Kind

    @property
    def metavar(self) -> str:  # type: ignore[override]
        """That of the value."""
        return self.kind.metavar

    def check(self, value: Any, name: str) -> Any:
        """Return `None` or the checked value."""
        none = value is None or (isinstance(value, str) and value == "none")
        return None if none else self.kind.check(value, name)

    def parse(self, text: str) -> Any:
        """Read ``none`` or the value."""
        return None if text.lower() == "none" else self.kind.parse(text)
