"""A background that is known: an image of it, one number for all pixels, or none."""

from contextlib import suppress
from typing import Any

import astropy.units as u
import numpy as np

from skyshed.arguments import check_number
from skyshed.images.masked import with_own_mask
from skyshed.images.noise_planes import refuse_noise
from skyshed.images.null_planes import ConstantSource
from skyshed.images.pairing import open_paired
from skyshed.images.source import ImageSource

__all__ = ["open_background"]

#: What is given where nothing is to be subtracted.
NONE = "none"


def open_background(given: Any, image: ImageSource, name: str = "background") -> ImageSource:
    """Open the background that belongs to an image.

    Parameters
    ----------
    given : image, Background2D, number, Quantity or str
        The level of each pixel, or of all; also as text. ``"none"`` is 0: the background is
        subtracted already. A number is in the unit of the image.
    image : ImageSource
        The image.
    name : str, optional
        What messages call it.

    Raises
    ------
    ValueError
        If a number is not finite, or its unit is not one of the image.
    TypeError
        If it is no number.
    OSError, ValueError, TypeError
        See `skyshed.images.open_image`.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.images import Window, open_image
    >>> from skyshed.images.given_background import open_background
    >>> image = open_image(np.ones((3, 4))).image
    >>> open_background("2.5", image).read(Window(0, 1, 0, 2))
    array([[2.5, 2.5]])
    """
    if isinstance(given, str):
        if given.strip().lower() == NONE:
            return _constant(0.0, image, name)
        with suppress(ValueError):
            given = float(given)
    elif hasattr(given, "background_rms"):  # a Background2D, of photutils too
        given = given.background
    if _is_one(given):
        return _constant(_number(given, image, name), image, name)
    source = with_own_mask(open_paired(given, name, image), name)
    refuse_noise(source, name)
    return source


def _is_one(given: Any) -> bool:
    """Whether something is a single value, and not what holds an image."""
    plain = isinstance(given, (bool, int, float, complex, np.generic))
    return plain or (isinstance(given, np.ndarray) and given.ndim == 0)


def _number(given: Any, image: ImageSource, name: str) -> float:
    """Return a number in the unit of the image."""
    if isinstance(given, u.Quantity):
        unit = u.dimensionless_unscaled if image.unit is None else image.unit
        try:
            given = given.to_value(unit)
        except u.UnitConversionError:
            raise ValueError(
                f"{name} must be in {str(unit) or 'no unit'}, as the image says; it is in "
                f"{given.unit}"
            ) from None
    if isinstance(given, np.ndarray):
        given = given[()]
    value = check_number(given, name, f"an image, a number, or {NONE!r}")
    if not np.isfinite(value):
        raise ValueError(
            f"{name} must be finite, got {value:g}: give an image, a number, or {NONE!r} where "
            "nothing is to be subtracted"
        )
    return value


def _constant(value: float, image: ImageSource, name: str) -> ConstantSource:
    return ConstantSource(
        image.shape, np.dtype(np.float64), value, name, came_from={"input": value}
    )
