"""What tells the images of a file apart: number, EXTNAME, EXTVER, and the numbers of detectors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["HduFacts", "facts_of", "holds_image", "images_of", "listed", "null_shape", "shape_of"]

#: Cards in which cameras number their detectors: NOAO's mosaics, DECam, and others.
DETECTORS = ("IMAGEID", "CCDNUM", "CHIPID", "CCDID", "DETECTOR", "DETNAME")
#: Images that are tables of distortions, which a WCS refers to by these names.
OF_WCS = ("WCSDVARR", "D2IMARR")
#: Images that are listed in a message, at the beginning and at the end.
LISTED = 8, 2


@dataclass(frozen=True)
class HduFacts:
    """What an HDU says it is.

    Attributes
    ----------
    number : int
        Its number in the file.
    name : str
        EXTNAME in capitals; empty where there is none.
    version : int or None
        EXTVER, if the card is there.
    detectors : tuple of (str, str)
        Cards that say which detector it is of, and their values.
    shape : tuple of int
        The shape of its image.
    """

    number: int
    name: str
    version: int | None
    detectors: tuple[tuple[str, str], ...]
    shape: tuple[int, ...]

    @property
    def key(self) -> str:
        """What names it in brackets: EXTNAME, with EXTVER where that is not 1, or the number."""
        version = f",{self.version}" if self.version not in (None, 1) else ""
        return f"{self.name}{version}" if self.name else str(self.number)

    def __str__(self) -> str:
        return f"{self.number} {self.key}" if self.name else str(self.number)


def holds_image(hdu: Any) -> bool:
    """Whether an HDU holds an image of two axes, or more."""
    shape = shape_of(hdu)
    return getattr(hdu, "is_image", False) and len(shape) >= 2 and 0 not in shape


def shape_of(hdu: Any) -> tuple[int, ...]:
    """Return the shape of an HDU's image, whether it has pixels or a value for all of them."""
    shape = getattr(hdu, "shape", ()) or null_shape(hdu.header)
    return tuple(int(length) for length in shape)


def null_shape(header: Any) -> tuple[int, ...]:
    """Return the shape of a plane of one value, for which there are no pixels; empty for others.

    Examples
    --------
    >>> from skyshed.images.hdu_facts import null_shape
    >>> null_shape({"NAXIS": 0, "NPIX1": 40, "NPIX2": 30, "PIXVALUE": 0.0})
    (30, 40)
    """
    lengths = tuple(header.get(name) for name in ("NPIX2", "NPIX1"))
    value = header.get("PIXVALUE")
    sound = all(isinstance(n, int) and not isinstance(n, bool) and n > 0 for n in lengths)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return lengths if sound and is_number and header.get("NAXIS") == 0 else ()


def facts_of(hdu: Any, number: int) -> HduFacts:
    """Return what an HDU says it is."""
    header, version = hdu.header, hdu.header.get("EXTVER")
    return HduFacts(
        number,
        str(header.get("EXTNAME", "")).strip().upper(),
        version if isinstance(version, int) else None,
        tuple((name, str(header[name]).strip()) for name in DETECTORS if name in header),
        shape_of(hdu),
    )


def images_of(hdus: Any) -> list[HduFacts]:
    """Return what the HDUs say they are that hold an image of the sky, or what goes with one."""
    found = [facts_of(hdu, number) for number, hdu in enumerate(hdus) if holds_image(hdu)]
    return [each for each in found if each.name not in OF_WCS]


def listed(images: Sequence[HduFacts]) -> str:
    """Return images in one line, those in the middle left out where there are many."""
    first, last = LISTED
    if len(images) <= first + last:
        return ", ".join(map(str, images))
    shown = [*map(str, images[:first]), "...", *map(str, images[-last:])]
    return ", ".join(shown)
