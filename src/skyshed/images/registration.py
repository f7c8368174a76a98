"""Whether two images have the same pixels, by their shapes and their WCS."""

import warnings
from typing import Any

import numpy as np

from skyshed.exceptions import ImageWarning
from skyshed.messages import find_stack_level, one_line

__all__ = ["check_registered", "check_same_pixels"]

#: Pixels that are farther apart than this on the sky are not the same: a neighbour is nearer.
LARGEST_OFFSET = 0.5


def check_same_pixels(
    shape: tuple[int, ...], wcs: Any, name: str, of_image: tuple[int, ...], wcs_of_image: Any
) -> None:
    """Check that an image, the argument ``name``, has the shape and the WCS of the image.

    Raises
    ------
    ValueError
        If it has not; see `check_registered` for what the WCS may differ by.
    """
    if shape != of_image:
        raise ValueError(
            f"{name} must have the same shape as image: {name} has {shape}, image has "
            f"{of_image}; resample one of them to the pixels of the other first"
        )
    check_registered(wcs, name, wcs_of_image, (shape[0], shape[1]))


def check_registered(wcs: Any, name: str, of_image: Any, shape: tuple[int, int]) -> None:
    """Check that two WCS put the corners and the centre of an image in the same places.

    Parameters
    ----------
    wcs, of_image : WCS or None
        That of the argument ``name``, and that of the image; nothing is checked without both.
    shape : tuple of int
        The shape of both images.

    Raises
    ------
    ValueError
        If they are half a pixel or more apart.

    Warns
    -----
    ImageWarning
        If they cannot be compared.
    """
    if wcs is None or of_image is None or wcs is of_image:
        return
    ny, nx = shape
    x = np.array([0, nx - 1, 0, nx - 1, (nx - 1) / 2])
    y = np.array([0, 0, ny - 1, ny - 1, (ny - 1) / 2])
    try:
        on_sky = wcs.pixel_to_world(x, y)
        x_there, y_there = of_image.world_to_pixel(on_sky)
        offset = np.hypot(x_there - x, y_there - y)
    except Exception as error:  # every library of WCS has its own kinds
        offset = np.full(x.shape, np.nan)
        reason = f" ({one_line(error)})"
    else:
        reason = ""
    if not np.isfinite(offset).any():
        if not reason and np.isfinite(on_sky.spherical.lon).any():
            raise ValueError(
                f"{name} and image must have the same pixels on the sky: by their WCS, {name} is "
                f"at {on_sky[-1].to_string()} degrees, which is nowhere on the projection of image"
            )
        warnings.warn(
            f"the WCS of {name} cannot be compared with that of image{reason}: they are taken to "
            "be the same",
            ImageWarning,
            stacklevel=find_stack_level(),
        )
    elif (largest := np.nanmax(offset)) >= LARGEST_OFFSET:
        at = int(np.nanargmax(offset))
        raise ValueError(
            f"{name} and image must have the same pixels on the sky: by their WCS, the pixel "
            f"(x, y) = ({x[at]:g}, {y[at]:g}) of {name} is {largest:.3g} pixels off in image, at "
            f"({x_there[at]:.1f}, {y_there[at]:.1f}); at most {LARGEST_OFFSET} is allowed: "
            f"resample {name} to the pixels of image (labels by the nearest neighbour), or give "
            "it as an array without WCS"
        )
