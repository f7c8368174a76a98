"""Which HDUs of a file are meant: by number, name and version, by pattern, or all of them."""

import re
from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from skyshed.images.hdu_facts import HduFacts
from skyshed.images.pixels import RefusedError

__all__ = [
    "ALL", "PLANES", "SCIENCE", "Wanted", "is_name_and_version", "keys_of", "names_several",
    "select", "wanted_hdus",
]  # fmt: skip

#: What stands for every image of a file, but the planes that go with others.
ALL = "all"
#: Names of the one image of a file that others (errors, quality, weights) belong to, as STScI,
#: Rubin and ESO write them.
SCIENCE = {"SCI", "SCIENCE", "IMAGE", "DATA"}
#: Beginnings of the names of planes that go with an image: quality, masks, errors, weights.
PLANES = (
    "DQ", "MASK", "FLAG", "BPM", "ERR", "RMS", "SIGMA", "NOISE", "STD", "VAR", "IVAR", "WHT",
    "WEIGHT", "CON", "CTX", "EXP", "COVERAGE",
)  # fmt: skip
#: What messages say may be given.
ALLOWED = (
    "a number, NAME or NAME,VERSION names one; 1,2,3, 1-60, S29,S30, S*, SCI,* (every version) and "
    "all name several"
)
_RANGE = re.compile(r"(\d+)(?:-(\d+))?")
_WILD = re.compile(r"[*?]")
#: Names that mean nothing else in brackets.
_PLAIN = re.compile(r"(?![\d-]+$)[^\s,*?\[\]]+(?<!^ALL)")


@dataclass(frozen=True)
class Wanted:
    """One of the HDUs, or groups of HDUs, that are named between commas.

    Attributes
    ----------
    text : str
        As it is written.
    numbers : range or None
        The numbers of the HDUs; `None` if they are named.
    name : str
        Their name in capitals, or a pattern of names with ``*`` and ``?``.
    versions : range or None
        Their versions; `None` if none is asked for.
    every_version : bool
        Whether all versions of the name are asked for.
    """

    text: str
    numbers: range | None = None
    name: str = ""
    versions: range | None = None
    every_version: bool = False

    @property
    def has_version(self) -> bool:
        """Whether it says which versions of a name are meant."""
        return self.versions is not None or self.every_version

    @property
    def several(self) -> bool:
        """Whether it may be more than one HDU."""
        many = any(each is not None and len(each) > 1 for each in (self.numbers, self.versions))
        return many or self.every_version or self.is_all or bool(_WILD.search(self.name))

    @property
    def is_all(self) -> bool:
        """Whether it stands for every image of a file."""
        return self.name == ALL.upper() and not self.has_version

    def matches(self, hdu: HduFacts) -> bool:
        """Whether an image is meant; without EXTVER its version is 1 (FITS standard 4.0, 4.4.2.6).

        `ALL` is not looked at here.
        """
        if self.numbers is not None:
            return hdu.number in self.numbers
        named = fnmatchcase(hdu.name, self.name) or (hdu.number, self.name) == (0, "PRIMARY")
        version = 1 if hdu.version is None else hdu.version
        return named and (self.versions is None or version in self.versions)


def wanted_hdus(wanted: Any) -> list[Wanted]:
    """Return what is named, as ``N``, ``NAME``, ``NAME,VERSION``, or several of them.

    Parameters
    ----------
    wanted : int, str, or tuple or list of them
        The tuple ``(NAME, VERSION)`` is one HDU.

    Raises
    ------
    ValueError
        If it cannot be read; the message says what is allowed.

    Examples
    --------
    >>> from skyshed.images.hdu_names import wanted_hdus
    >>> [each.text for each in wanted_hdus("1,2,SCI,2,ERR,S*")]
    ['1', '2', 'SCI,2', 'ERR', 'S*']
    """
    if isinstance(wanted, list) or (isinstance(wanted, tuple) and not is_name_and_version(wanted)):
        return [one for each in wanted for one in wanted_hdus(each)]
    text = ",".join(map(str, wanted)) if isinstance(wanted, tuple) else str(wanted)
    found: list[Wanted] = []
    for word in (each.strip() for each in text.split(",")):
        last = found[-1] if found else None
        match = _RANGE.fullmatch(word)
        if not word:
            raise RefusedError(f"hdu = {text!r} cannot be read: {ALLOWED}")
        if match is None and word != "*":
            found.append(Wanted(word, name=word.upper()))
        elif last is None or last.numbers is not None or last.is_all:
            found.append(_counted(word, match, text))
        elif last.has_version:
            raise RefusedError(
                f"hdu = {text!r}: {word} after {last.text} may be a version or an HDU; write "
                f"{last.text},{last.text.partition(',')[0]},{word} or put numbers first: {ALLOWED}"
            )
        else:
            versions = None if match is None else _numbers(match, text)
            found[-1] = Wanted(f"{last.text},{word}", None, last.name, versions, match is None)
    return found


def is_name_and_version(wanted: Any) -> bool:
    """Whether it is a tuple ``(NAME, VERSION)``."""
    if not isinstance(wanted, tuple) or len(wanted) != 2 or not isinstance(wanted[0], str):
        return False
    return hasattr(wanted[1], "__index__") and _RANGE.fullmatch(wanted[0].strip()) is None


def names_several(wanted: Any) -> bool:
    """Whether it may be more than one HDU.

    Examples
    --------
    >>> from skyshed.images.hdu_names import names_several
    >>> [names_several(each) for each in (1, "SCI", "SCI,2", ("SCI", 2), "1,2", "SCI,*", "all")]
    [False, False, False, False, True, True, True]
    """
    if wanted is None:
        return False
    found = wanted_hdus(wanted)
    return len(found) > 1 or any(each.several for each in found)


def select(
    images: Sequence[HduFacts], wanted: Any, known: Container[int] | None = None
) -> list[HduFacts | Wanted]:
    """Return the images that are meant, each once, in the order in which they are named.

    Parameters
    ----------
    images : sequence of HduFacts
        The images of a file.
    wanted : int, str, or tuple or list of them
        What `wanted_hdus` takes.
    known : container of int, optional
        The numbers of those that are images, and no planes of one, where that is known.

    Returns
    -------
    found : list of HduFacts and Wanted
        In place of what names no image, or not clearly one, itself: whoever opens it says so.

    Examples
    --------
    >>> from skyshed.images.hdu_facts import HduFacts
    >>> from skyshed.images.hdu_names import select
    >>> images = [HduFacts(n, f"S{n}", None, (), (4, 4)) for n in (1, 2, 3)]
    >>> [str(each) for each in select(images, "3,S*")]
    ['3 S3', '1 S1', '2 S2']
    """
    if isinstance(wanted, str):  # a name may have commas and stars of its own
        exact = [each for each in images if each.name == wanted.strip().upper()]
        if exact:
            return [exact[0] if len(exact) == 1 else Wanted(wanted, name=exact[0].name)]
    found: dict[HduFacts | Wanted, None] = {}
    for each in wanted_hdus(wanted):
        some = _all(images, known) if each.is_all else [hdu for hdu in images if each.matches(hdu)]
        clear = bool(some) and (each.several or len(some) == 1)
        found.update(dict.fromkeys(some if clear else [each]))
    return list(found)


def keys_of(images: Sequence[HduFacts]) -> dict[HduFacts, str]:
    """Return what names each image of a file in brackets: a name that is its own, or the number.

    Examples
    --------
    >>> from skyshed.images.hdu_facts import HduFacts
    >>> from skyshed.images.hdu_names import keys_of
    >>> hdus = enumerate([("SCI", None), ("SCI", 2), ("ERR", 1), ("A", None), ("A", None)])
    >>> list(keys_of([HduFacts(n, *each, (), (4, 4)) for n, each in hdus]).values())
    ['SCI,1', 'SCI,2', 'ERR', '3', '4']
    """
    of_name = Counter(each.name for each in images)
    texts = {
        each: f"{each.name},{each.version or 1}" if of_name[each.name] > 1 else each.key
        for each in images
    }
    seen = Counter(texts.values())
    return {
        each: text if seen[text] == 1 and _PLAIN.fullmatch(each.name) else str(each.number)
        for each, text in texts.items()
    }


def _all(images: Sequence[HduFacts], known: Container[int] | None) -> list[HduFacts]:
    """Return all images but the planes that go with others: by the product, or their names."""
    named = [each for each in images if not each.name.startswith(PLANES)] or list(images)
    return [each for each in named if known is None or each.number in known] or named


def _counted(word: str, match: re.Match[str] | None, text: str) -> Wanted:
    """Return what a number, a range of numbers or a star stands for that follows no name."""
    return Wanted(word, name=word) if match is None else Wanted(word, _numbers(match, text))


def _numbers(match: re.Match[str], text: str) -> range:
    """Return the numbers from one to another."""
    first, last = int(match[1]), int(match[2] or match[1])
    if last < first:
        raise RefusedError(f"hdu = {text!r}: {match[0]} must go up: {ALLOWED}")
    return range(first, last + 1)
