"""Where the parts of an image lie in it: by their WCS, or else on the detector."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["Rectangle", "gaps", "label_of", "place"]

#: How far, in pixels, a part may be off the grid of the first: what headers round, not what can be
#: seen in a picture.
GRID_TOLERANCE = 0.01
DETSEC = re.compile(r"\s*\[\s*(\d+)\s*:\s*(\d+)\s*,\s*(\d+)\s*:\s*(\d+)\s*\]\s*")

#: ``y0, y1, x0, x1``, half open.
Rectangle = tuple[int, int, int, int]


def place(parts: Sequence[Any]) -> list[Rectangle]:
    """Return where each part lies in the image that they make together.

    Parts that have a celestial WCS lie where it says; parts of which none has one, where DETSEC of
    their headers says.

    Parameters
    ----------
    parts : sequence of Windows
        The parts.

    Returns
    -------
    places : list of tuple of int
        ``y0, y1, x0, x1`` of each, half open, least first rows and columns at 0.

    Raises
    ------
    ValueError
        If it is not known where a part lies, it is not on the pixels of the first, or it overlaps
        another.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from astropy.io import fits
    >>> from skyshed.images import open_windows
    >>> from skyshed.images.grid import place
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> for name, where in (("a.fits", "[1:4,1:3]"), ("b.fits", "[1:4,4:6]")):
    ...     fits.writeto(folder / name, np.zeros((3, 4)), fits.Header({"DETSEC": where}))
    >>> place([open_windows(folder / name) for name in ("a.fits", "b.fits")])
    [(0, 3, 0, 4), (3, 6, 0, 4)]
    """
    if len(parts) == 1:
        ny, nx = parts[0].shape
        return [(0, ny, 0, nx)]
    lost = [label_of(part) for part in parts if part.wcs is None]
    if not lost:
        first = [_offset_on_sky(part, parts[0]) for part in parts]
    elif len(lost) == len(parts):
        first = [_offset_on_detector(part) for part in parts]
    else:
        raise ValueError(
            f"{lost[0]} has no celestial WCS, and other parts have one: it is not known where it "
            "lies. Give all parts a WCS, or none of them one and all of them DETSEC"
        )
    top, left = (min(each) for each in zip(*first, strict=True))
    places = [
        (y - top, y - top + part.shape[0], x - left, x - left + part.shape[1])
        for (y, x), part in zip(first, parts, strict=True)
    ]
    _refuse_overlaps(places, parts)
    return places


def gaps(places: Sequence[Rectangle], shape: tuple[int, int]) -> bool:
    """Whether rectangles that don't overlap leave pixels of the image out.

    Examples
    --------
    >>> from skyshed.images.grid import gaps
    >>> gaps([(0, 3, 0, 4), (4, 6, 0, 4)], (6, 4)), gaps([(0, 3, 0, 4), (3, 6, 0, 4)], (6, 4))
    (True, False)
    """
    return sum((y1 - y0) * (x1 - x0) for y0, y1, x0, x1 in places) < shape[0] * shape[1]


def label_of(part: Any) -> str:
    """Return what messages call a part.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.images import open_windows
    >>> from skyshed.images.grid import label_of
    >>> label_of(open_windows(np.zeros((3, 4))))
    'ArrayWindows'
    """
    return str(getattr(part, "label", None) or getattr(part, "path", type(part).__name__))


def _offset_on_sky(part: Any, first: Any) -> tuple[int, int]:
    """Return where, in the pixels of the first part, the first pixel of another is."""
    from astropy.wcs.utils import pixel_to_pixel

    if part is first:
        return 0, 0
    one, other = (getattr(getattr(each.wcs, "wcs", None), "ctype", ()) for each in (first, part))
    if list(one) != list(other):
        raise ValueError(
            f"{label_of(part)} has the projection {' '.join(other)}, {label_of(first)} has "
            f"{' '.join(one)}: parts must share one grid of pixels"
        )
    ny, nx = part.shape
    x = np.array([0, nx - 1, 0, nx - 1], np.float64)
    y = np.array([0, 0, ny - 1, ny - 1], np.float64)
    try:
        at = np.array(pixel_to_pixel(part.wcs, first.wcs, x, y))
    except Exception:  # solvers of distortions say in their own ways that they found nothing
        at = np.full((2, 4), np.nan)
    offset = at - (x, y)
    if not np.isfinite(offset).all():
        raise ValueError(f"{label_of(part)} lies nowhere on the pixels of {label_of(first)}")
    whole = np.rint(np.median(offset, axis=1))
    off_x, off_y = np.abs(offset - whole[:, np.newaxis]).max(axis=1)
    if max(off_x, off_y) > GRID_TOLERANCE:
        turned = np.ptp(offset, axis=1).max() > GRID_TOLERANCE
        why = "scale or orientation differ" if turned else "it is shifted by part of a pixel"
        raise ValueError(
            f"{label_of(part)} is off the pixels of {label_of(first)} by up to {off_x:.3g} pixels "
            f"in x and {off_y:.3g} in y ({why}); up to {GRID_TOLERANCE} are allowed: resample it"
        )
    return int(whole[1]), int(whole[0])


def _offset_on_detector(part: Any) -> tuple[int, int]:
    """Return where, counted from 0, the first pixel of a part is on the detector."""
    text = getattr(part, "detsec", None)
    if text is None:
        raise ValueError(
            f"{label_of(part)} has no celestial WCS and no DETSEC: it is not known where it lies "
            "among the parts. Give all parts a WCS, or all of them DETSEC"
        )
    match = DETSEC.fullmatch(text)
    x1, x2, y1, y2 = map(int, match.groups()) if match else (0, 0, 0, 0)
    if (y2 - y1 + 1, x2 - x1 + 1) != tuple(part.shape):
        ny, nx = part.shape
        raise ValueError(
            f"{label_of(part)} has DETSEC = {text!r}, which must be [x1:x2,y1:y2] of its "
            f"{nx} x {ny} pixels, neither flipped nor binned"
        )
    return y1 - 1, x1 - 1


def _refuse_overlaps(places: Sequence[Rectangle], parts: Sequence[Any]) -> None:
    """Refuse parts of which two have a pixel in common."""
    y0, y1, x0, x1 = np.array(places).T
    for number, (top, bottom, left, right) in enumerate(places[:-1]):
        after = slice(number + 1, None)
        height = np.minimum(y1[after], bottom) - np.maximum(y0[after], top)
        width = np.minimum(x1[after], right) - np.maximum(x0[after], left)
        both = np.flatnonzero((height > 0) & (width > 0))
        if both.size:
            k = both[0]
            raise ValueError(
                f"{label_of(parts[number])} and {label_of(parts[number + 1 + k])} overlap by "
                f"{width[k]} x {height[k]} pixels; parts must abut: combine them first"
            )
