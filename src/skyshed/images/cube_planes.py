"""One plane of an image with more than two axes: ``cube.fits[DATA][1]``, counted from 0."""

import os
import re
from typing import Any

from skyshed.images.pixels import RefusedError, image_axes

__all__ = ["Axes", "axes_of", "check_plane", "first_pixel", "split_plane"]

#: The axes of an image, rows and columns, and where on each of all axes its first pixel is.
Axes = tuple[tuple[int, int], tuple[int, ...]]


def split_plane(wanted: Any) -> tuple[Any, tuple[int, ...] | None]:
    """Split what names an HDU, ``DATA[1]``, into the HDU and the plane.

    Examples
    --------
    >>> from skyshed.images.cube_planes import split_plane
    >>> split_plane("DATA[1]"), split_plane("SCI,2"), split_plane(3)
    (('DATA', (1,)), ('SCI,2', None), (3, None))
    """
    if not isinstance(wanted, str):
        return wanted, None
    match = re.fullmatch(r"(.+)\[\s*(\d+(?:\s*,\s*\d+)*)\s*\]", wanted)
    if match is None:
        return wanted, None
    return match[1], tuple(int(number) for number in match[2].split(","))


def check_plane(given: str | os.PathLike[str]) -> None:
    """Refuse ``cube.fits[DATA][-1]``, whose last brackets name no plane, where the file is there.

    Raises
    ------
    ValueError
        If so.
    """
    path = os.fspath(given)
    match = re.fullmatch(r"(.+)\[[^\[\]]+\]\[([^\[\]]*)\]", path)
    if match is None or os.path.exists(path) or not os.path.exists(match[1]):
        return
    if split_plane(path)[1] is not None:
        return
    raise RefusedError(
        f"{path}: [{match[2]}] names no plane of a cube: planes are counted from 0, with one "
        "number for each further axis, as in cube.fits[DATA][0]"
    )


def axes_of(shape: tuple[int, ...], label: str, plane: tuple[int, ...] | None) -> Axes:
    """Return which axes are those of the image, and where its first pixel is.

    Parameters
    ----------
    shape : tuple of int
        The lengths of all axes.
    label : str
        What messages call the image.
    plane : tuple of int, or None
        One number for each axis longer than 1 but the last two of them, in NumPy's order; `None`
        where there are no such axes.

    Raises
    ------
    ValueError
        If there are, and ``plane`` is `None`; if there is no such plane, or nothing to choose.

    Examples
    --------
    >>> from skyshed.images.cube_planes import axes_of
    >>> axes_of((3, 1, 30, 40), "cube", (2,))
    ((2, 3), (2, 0, 0, 0))
    """
    long = [axis for axis, length in enumerate(shape) if length > 1]
    others = long[:-2]
    if plane is None and others and 0 not in shape:
        lengths = [shape[axis] for axis in others]
        one, last = (",".join(str(n - 1) if to else "0" for n in lengths) for to in (False, True))
        raise RefusedError(
            f"{label} holds {' x '.join(map(str, lengths))} planes of "
            f"{' x '.join(str(shape[axis]) for axis in long[-2:])} pixels: name one behind the "
            f"HDU, [{one}] to [{last}], as in cube.fits[DATA][{one}], or give one as an array"
        )
    first = [0] * len(shape)
    if plane is not None:
        _check(plane, [shape[axis] for axis in others], shape, label)
        for axis, number in zip(others, plane, strict=True):
            first[axis] = number
    of_plane = tuple(1 if axis in others else length for axis, length in enumerate(shape))
    return image_axes(of_plane, label), tuple(first)


def _check(plane: tuple[int, ...], lengths: list[int], shape: tuple[int, ...], label: str) -> None:
    """Refuse a plane that is not there."""
    asked = f"[{','.join(map(str, plane))}]"
    if len(plane) != len(lengths):
        what = f"{len(lengths)} numbers name a plane" if lengths else "it is a single plane"
        raise RefusedError(f"{label} has no plane {asked}: its shape is {shape}, and {what}")
    if any(number >= length for number, length in zip(plane, lengths, strict=True)):
        last = ",".join(str(length - 1) for length in lengths)
        raise RefusedError(
            f"{label} has no plane {asked}: planes are counted from 0, and the last is [{last}]"
        )


def first_pixel(shape: tuple[int, ...], first: tuple[int, ...]) -> int:
    """Return the flat index of a plane's first pixel.

    Examples
    --------
    >>> from skyshed.images.cube_planes import first_pixel
    >>> first_pixel((3, 30, 40), (2, 0, 0))
    2400
    """
    flat = 0
    for length, index in zip(shape, first, strict=True):
        flat = flat * length + index
    return flat
