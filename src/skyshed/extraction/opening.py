"""Images of all kinds as windows; what is read of them at once all the same."""

import os
from typing import Any

import numpy as np

from skyshed.images import ArrayWindows, cut, open_windows
from skyshed.images.exposure import as_input
from skyshed.images.field import COMPANIONS, Field, origin_of
from skyshed.images.read import Image
from skyshed.namespace import is_device_array

__all__ = ["as_region", "as_windows", "is_list_of_paths", "open_field", "read_whole"]


def open_field(
    image: Any,
    *,
    hdu: int | str | None,
    region: Any,
    mask_bits: tuple[int, ...] | None,
    scale_weight: bool,
    device: str | None,
    **companions: Any,
) -> Field | None:
    """Open an image and its companions to be read window by window.

    Parameters
    ----------
    image, hdu, region, device, **companions
        See `skyshed.extract`.
    mask_bits, scale_weight
        See `skyshed.Parameters`.

    Returns
    -------
    field : Field or None
        `None` for what can only be read as a whole: arrays of a GPU, gzipped files.

    Raises
    ------
    ValueError
        If shapes differ, both ``weight`` and ``rms`` are given, or ``region`` is not in the image.
    """
    given = {name: each for name, each in companions.items() if each is not None}
    if any(_only_whole(each) for each in (image, *given.values())):
        return None
    if "weight" in given and "rms" in given:
        raise ValueError("weight and rms both say the noise of the background: give one of them")
    main, own_mask, error = as_windows(image, "image", hdu)
    if error is not None:
        given.setdefault("error", error)
    others = {name: as_windows(each, name, None)[0] for name, each in given.items()}
    for name, each in others.items():
        if each.shape != main.shape:
            raise ValueError(
                f"{name} must have the same shape as image: {name} has {each.shape}, image has "
                f"{main.shape}"
            )
    if region is not None:
        bounds = as_region(region, main.shape)
        y0, y1, x0, x1 = bounds
        main = cut(main, *bounds)
        others = {name: cut(each, *bounds) for name, each in others.items()}
        own_mask = None if own_mask is None else own_mask[y0:y1, x0:x1]
    return Field(main, others, own_mask, mask_bits, scale_weight, device)


def read_whole(field: Field) -> dict[str, Any]:
    """Return image and companions by name, each read as a whole."""
    ny, nx = field.shape
    whole = {
        name: Image(each.read(0, ny, 0, nx), each.unit, each.wcs, origin=origin_of(each))
        for name, each in {"image": field.image, **field.companions}.items()
    }
    if field.image_mask is not None:
        main = whole["image"]
        whole["image"] = Image(main.data, main.unit, main.wcs, field.image_mask, None, main.origin)
    return {**dict.fromkeys(COMPANIONS), **whole}


def is_list_of_paths(given: Any) -> bool:
    """Whether an argument names several files."""
    return isinstance(given, (list, tuple)) and all(
        isinstance(each, (str, os.PathLike)) for each in given
    )


def _only_whole(given: Any) -> bool:
    named = isinstance(given, (str, os.PathLike))
    return is_device_array(given) or (named and os.fspath(given).endswith(".gz"))


def as_windows(given: Any, name: str, hdu: int | str | None) -> tuple[Any, Any, Any]:
    """Return the windows of any kind of image, and the mask and error that it has itself."""
    sliced = hasattr(given, "shape") and hasattr(given, "dtype") and not hasattr(given, "unit")
    plain = sliced and not isinstance(given, np.ma.MaskedArray) and not hasattr(given, "header")
    if plain or is_list_of_paths(given) or isinstance(given, (str, os.PathLike)):
        return open_windows(given, hdu), None, None
    image = as_input(given, name, hdu)
    data = np.asarray(image.data)
    mask = None if image.mask is None or image.mask is np.ma.nomask else np.asarray(image.mask)
    return ArrayWindows(data, image.unit, image.wcs), mask, image.error


def as_region(region: Any, shape: tuple[int, int] | None = None) -> tuple[int, int, int, int]:
    """Return a region as four ints, if it lies in an image of that shape, or in any.

    Raises
    ------
    ValueError
        If it does not, or is no region.

    Examples
    --------
    >>> from skyshed.extraction.opening import as_region
    >>> as_region("0:10,5:20"), as_region((0, 10, 5, 20), shape=(10, 20))
    ((0, 10, 5, 20), (0, 10, 5, 20))
    """
    bounds = region
    if isinstance(region, str):
        halves = [part.split(":") for part in region.split(",")]
        bounds = [number for half in halves for number in half]
    try:
        y0, y1, x0, x1 = (int(bound) for bound in bounds)
    except (TypeError, ValueError):
        y0 = y1 = x0 = x1 = 0
    ny, nx = (y1, x1) if shape is None else shape
    if not (0 <= y0 < y1 <= ny and 0 <= x0 < x1 <= nx):
        within = "" if shape is None else f", which has the shape {shape}"
        raise ValueError(
            "region must be 'y0:y1,x0:x1' or four integers, half-open ranges of pixels in the "
            f"image{within}; got {region!r}"
        )
    return y0, y1, x0, x1
