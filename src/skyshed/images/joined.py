"""Several files that are one image."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import astropy.units as u
import numpy as np

from skyshed.cached import cached_property
from skyshed.images.cards import Cards, SharedCards
from skyshed.images.doubted import warn_of_image
from skyshed.images.grid import gaps, locate
from skyshed.images.open import OpenedImage, open_image, register
from skyshed.images.source import ImageSource
from skyshed.images.wcs import moved_wcs
from skyshed.images.window import Window

__all__ = ["JoinedSource", "join", "warn_of_scales"]

#: Cards that say what flux one unit of the pixels is, in whatever system and convention.
OF_SCALE = (
    "FLUXMAG0", "PHOTFLAM", "PHOTFNU", "PHOTZP", "MAGZP", "MAGZERO", "MAGZPT", "MAGZEROP", "ZPTMAG",
    "ZEROPT", "PHOTZPT", "ZP", "SEXMGZPT",
)  # fmt: skip
#: What is divided by the exposure time, which then must be the same in all parts.
OF_EXPOSURE = (u.electron, u.ct, u.DN, u.adu, u.photon)


def _is_list_of_images(given: Any) -> bool:
    """Whether something is a list of images; lists of numbers and of arrays are an array."""
    if not isinstance(given, list | tuple) or hasattr(given, "index_of"):  # an HDUList
        return False
    return all(
        isinstance(each, str | os.PathLike | ImageSource)
        or hasattr(each, "header")
        or hasattr(each, "uncertainty")
        for each in given
    )


@register(_is_list_of_images)
def open_list(given: Sequence[Any], name: str) -> OpenedImage:
    """Open images that abut, as one."""
    if not given:
        raise ValueError(f"{name} is an empty list: give at least one file")
    parts = [open_image(each, name) for each in given]
    for number, part in enumerate(parts):
        if part.mask is not None or part.error is not None:
            what = "mask" if part.error is None else "uncertainty"
            raise ValueError(
                f"{name}[{number}] has its own {what}, which images of a list cannot have: "
                "give it beside the list"
            )
    return OpenedImage(join([part.image for part in parts]))


@dataclass(frozen=True, eq=False)
class JoinedSource(ImageSource):
    """Images that abut in one grid of pixels, as one image.

    Attributes
    ----------
    parts : tuple of ImageSource
        The images.
    windows : tuple of Window
        Where each lies in the whole.
    shape : tuple of int
        The least that holds them all.
    dtype : dtype
        Of what `read` returns.
    unit : `~astropy.units.UnitBase` or None
        The unit of all of them.
    missing : int or None
        Of integers, what pixels without a value are read as: those in gaps, and blank ones of the
        parts. -1 has all bits. They are NaN if `None`.
    of_bits : bool
        Whether the integers of the parts have unlike widths or signs, and only their bits count.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from astropy.io import fits
    >>> from skyshed.images import Window, open_image
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> for name, where in (("a.fits", "[1:2,1:2]"), ("b.fits", "[4:5,1:2]")):
    ...     fits.writeto(folder / name, np.ones((2, 2)), fits.Header({"DETSEC": where}))
    >>> both = open_image([folder / "a.fits", folder / "b.fits"]).image
    >>> both.read(Window(0, 1, 0, 5))
    array([[ 1.,  1., nan,  1.,  1.]])
    """

    parts: tuple[ImageSource, ...]
    windows: tuple[Window, ...]
    shape: tuple[int, int]
    dtype: np.dtype
    unit: Any = None
    missing: int | None = None
    of_bits: bool = False

    @property
    def label(self) -> str:
        """What messages call the image."""
        n = len(self.parts) - 1
        return (
            f"{self.parts[0].label} and {n} other{'s' if n > 1 else ''}"
            if n
            else (self.parts[0].label)
        )

    @property
    def unit_from_header(self) -> bool:  # type: ignore[override]
        """Whether the unit comes from a file's header."""
        return self.parts[0].unit_from_header

    @property
    def unknown_unit(self) -> str:  # type: ignore[override]
        """What a header says the unit is, where that is not known."""
        return self.parts[0].unknown_unit

    @cached_property
    def header(self) -> Cards | None:  # type: ignore[override]
        """The cards that all parts have in common; `None` if none has any."""
        if all(part.header is None for part in self.parts):
            return None
        cards = [part.header or Cards({}, label=part.label) for part in self.parts]
        return SharedCards(cards[0].own, cards[0].primary, cards[0].label, tuple(cards))

    @property
    def blank(self) -> int | None:  # type: ignore[override]
        """None: pixels without a value are NaN, or 0 bits, or all bits."""
        return None

    def as_integers(self) -> ImageSource:
        """Return the same of the parts as integers, pixels without a value 0; see `ImageSource`."""
        return self._of_integers(0)

    def as_bits(self) -> ImageSource:
        """Return the same, each bit with its number in its own part; see `ImageSource.as_bits`."""
        return _with_bits(self._of_integers(0))

    def as_mask(self) -> ImageSource:
        """Return the same, pixels without a value bad by any bit; see `ImageSource.as_mask`."""
        return _with_bits(self._of_integers(-1))

    def _of_integers(self, missing: int) -> ImageSource:
        """Return the image of the integers that the parts hold; itself if one holds none."""
        parts = tuple(part.as_integers() for part in self.parts)
        if any(part.dtype.kind not in "biu" for part in parts):
            return self
        dtype = np.result_type(*(part.dtype for part in parts))
        if dtype.kind == "f":  # of uint64 with signed ones: all bits stay, and no label is as large
            dtype = np.dtype(np.int64)
        return replace(self, parts=parts, dtype=dtype, missing=missing)

    @property
    def windowed(self) -> bool:  # type: ignore[override]
        """Whether a window takes less memory to read than the whole image."""
        return any(part.windowed for part in self.parts)

    @property
    def held_bytes(self) -> int:
        """The bytes of this process's memory that the pixels take already."""
        return sum(part.held_bytes for part in self.parts)

    @cached_property
    def wcs(self) -> Any:
        """The celestial WCS of the first part, for the pixels of the whole; `None` if it has none.

        All parts share one grid of pixels, so that the WCS of any would do.
        """
        wcs = self.parts[0].wcs
        return None if wcs is None else moved_wcs(wcs, *self.windows[0].origin, self.shape)

    def read(self, window: Window) -> Any:
        """Return the pixels of a window, NaN or `missing` where there is no part."""
        common = [each.overlap(window) for each in self.windows]
        whole = np.empty(window.shape, self.dtype)
        missing = np.nan if self.missing is None else np.array(self.missing).astype(self.dtype)
        if gaps(common, whole.shape):
            whole.fill(missing)
        for part, where, here in zip(self.parts, self.windows, common, strict=True):
            if 0 not in here.shape:
                pixels = part.read(here.moved(-where.y0, -where.x0))
                whole[here.within(window)] = self._bits(pixels) if self.of_bits else pixels
                if part.blank is not None:
                    whole[here.within(window)][pixels == pixels.dtype.type(part.blank)] = missing
        return whole

    @staticmethod
    def _bits(pixels: Any) -> Any:
        """Return integers whose sign bit is a bit like any other, which wider ones would repeat."""
        return pixels.view(f"u{pixels.dtype.itemsize}") if pixels.dtype.kind == "i" else pixels

    def laid(self, parts: Sequence[ImageSource]) -> "JoinedSource":
        """Return other images of the same pixels as the parts, in the places of these.

        Raises
        ------
        ValueError
            If their units differ.
        """
        return _joined(parts, self.windows, self.shape)

    def origin(self) -> dict[str, Any]:
        """Return the names of all parts; see `ImageSource.origin`."""
        return {"input": ", ".join(str(part.origin()["input"]) for part in self.parts)}

    @property
    def files(self) -> list[str]:
        """Those of all parts; see `ImageSource.files`."""
        return [file for part in self.parts for file in part.files]

    @property
    def bases(self) -> tuple[ImageSource, ...]:
        """Those of all parts."""
        return tuple(base for part in self.parts for base in part.bases)

    def lacks(self, window: Window) -> str:
        """Say why a window of the first part that lacks any cannot be read."""
        for part, where in zip(self.parts, self.windows, strict=True):
            here = where.overlap(window)
            why = part.lacks(here.moved(-where.y0, -where.x0)) if 0 not in here.shape else ""
            if why:
                return f"{part.label}: {why}"
        return ""

    def fingerprint(self) -> dict[str, Any]:
        """Return those of all parts, and where they lie."""
        return {
            "parts": [part.fingerprint() for part in self.parts],
            "places": [list(each.bounds) for each in self.windows],
            **self.description(),
        }

    def __getstate__(self) -> dict[str, Any]:
        derived = ("wcs", "header")
        return {name: value for name, value in self.__dict__.items() if name not in derived}


def _with_bits(image: ImageSource) -> ImageSource:
    """Return joined integers for their bits: unsigned where parts of several kinds are signed."""
    if not isinstance(image, JoinedSource) or image.dtype.kind not in "iu":
        return image
    dtypes = {part.dtype for part in image.parts}
    if len(dtypes) == 1 or all(dtype.kind != "i" for dtype in dtypes):
        return image
    width = max(dtype.itemsize for dtype in dtypes)
    return replace(image, dtype=np.dtype(f"u{width}"), of_bits=True)


def join(parts: Sequence[ImageSource]) -> JoinedSource:
    """Return images that abut as one.

    Parameters
    ----------
    parts : sequence of ImageSource
        The images, at least one; `skyshed.images.grid.locate` says how it is known where they lie.

    Returns
    -------
    joined : JoinedSource
        Integers are float64 if there are gaps, which are NaN.

    Raises
    ------
    ValueError
        If units differ, or parts do not share a grid of pixels.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.images import open_image
    >>> from skyshed.images.joined import join
    >>> join([open_image(np.zeros((3, 4))).image]).shape
    (3, 4)
    """
    check_units(parts)
    windows = locate(parts)
    shape = max(each.y1 for each in windows), max(each.x1 for each in windows)
    return _joined(parts, windows, shape)


def _joined(
    parts: Sequence[ImageSource], windows: Sequence[Window], shape: tuple[int, int]
) -> JoinedSource:
    """Return images as one; integers are float64 where a pixel may have no value."""
    check_units(parts)
    dtype = np.result_type(*(part.dtype for part in parts))
    lost = gaps(windows, shape) or any(part.blank is not None for part in parts)
    if lost and dtype.kind != "f":
        dtype = np.dtype(np.float64)
    return JoinedSource(tuple(parts), tuple(windows), shape, dtype, parts[0].unit)


def check_units(parts: Sequence[ImageSource]) -> None:
    """Refuse parts of which two have different units, also where these are not known."""
    for part in parts:
        if (part.unit, part.unknown_unit) != (parts[0].unit, parts[0].unknown_unit):
            one, other = (each.unit or each.unknown_unit or "none" for each in (parts[0], part))
            raise ValueError(
                f"all parts must have the same unit: {parts[0].label} has {one}, {part.label} has "
                f"{other}"
            )


def warn_of_scales(image: ImageSource) -> bool:
    """Return whether an image is of parts of which one unit is not the same flux.

    Warns
    -----
    ImageWarning
        If it is: the card that differs is named, with two of the parts.
    """
    if not isinstance(image, JoinedSource) or image.header is None:
        return False
    counted = ("EXPTIME",) if any(image.unit == each for each in OF_EXPOSURE) else ()
    for name in (*OF_SCALE, *counted):
        doubt = image.header.doubt(name)
        if doubt is not None:
            warn_of_image(
                f"{doubt}; one unit of the pixels is not the same flux in all parts: fluxes are "
                "not on one scale, and the headers give no flux densities; bring the parts to one "
                "scale first, or take each of them by skyshed.extract_each or skyshed extract "
                "--each"
            )
            return True
    return False
