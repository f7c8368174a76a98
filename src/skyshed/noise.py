"""The total error of each pixel: that of the background, and the Poisson noise of the sources."""

from __future__ import annotations

from typing import Any

from astropy.units import UnitsError, electron, photon

from skyshed._typing import Array, Image
from skyshed.arguments import check_numbers
from skyshed.namespace import adopt, array_namespace, on_its_device

__all__ = ["calc_total_error"]


@on_its_device
def calc_total_error(data: Image, bkg_error: Image, effective_gain: Image) -> Array:
    r"""Add the Poisson noise of the sources to the error of the background.

    .. math:: \sigma = \sqrt{\sigma_\mathrm{bkg}^2 + \max(I / g, 0)}

    Parameters
    ----------
    data : array_like or Quantity
        The background-subtracted image :math:`I`.
    bkg_error : array_like or Quantity
        The 1-sigma error without the Poisson noise of the sources, of the shape and in the unit of
        ``data``.
    effective_gain : float, array_like or Quantity
        Electrons or photons per unit of ``data``: the gain or, for an image in electrons per
        second, the exposure time; a scalar or an image of the shape of ``data``. Where it is 0 the
        sources add no noise.

    Returns
    -------
    total_error : array or Quantity
        In the unit of ``data``. Its dtype is the widest of the images', at least float32, if all of
        them are floats, else float64; a scalar gain does not count.

    Raises
    ------
    ValueError
        If shapes differ, the gain is negative anywhere, some arguments have a unit and others have
        none, or the units of ``data`` and ``bkg_error`` differ.
    UnitsError
        If ``data * effective_gain`` is not in electrons or photons.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed import calc_total_error
    >>> calc_total_error(np.array([[-5.0, 0.0, 32.0]]), np.full((1, 3), 3.0), effective_gain=2.0)
    array([[3., 3., 5.]])
    """
    image, error, gain, unit = _split_units(data, bkg_error, effective_gain)
    xp = array_namespace(data=image, bkg_error=error, effective_gain=gain)
    image, error, gain = xp.asarray(image), xp.asarray(error), xp.asarray(gain)
    for name, array in (("data", image), ("bkg_error", error), ("effective_gain", gain)):
        check_numbers(array, name)
        scalar = name == "effective_gain" and array.ndim == 0
        if not scalar and array.shape != image.shape:
            raise ValueError(
                f"{name} must have the same shape as data: {name} has {array.shape}, "
                f"data has {image.shape}"
            )
    if xp.any(gain < 0):
        raise ValueError(
            f"effective_gain must not be negative, but its least value is {float(xp.nanmin(gain))}"
        )
    images = (image, error) if gain.ndim == 0 else (image, error, gain)
    dtypes = [image.dtype for image in images]
    floats = all(dtype.kind == "f" for dtype in dtypes)
    dtype = xp.result_type(xp.float32, *dtypes) if floats else xp.float64
    gain = xp.astype(gain, dtype)
    no_gain = gain == 0
    variance = xp.astype(image, dtype) / xp.where(no_gain, xp.ones_like(gain), gain)
    zero = xp.asarray(0, dtype=dtype)
    if xp.any(no_gain):
        variance = xp.where(no_gain, zero, variance)
    variance = xp.maximum(variance, zero)
    variance += xp.astype(error, dtype) ** 2
    total = xp.sqrt(variance)
    return total if unit is None else total << unit


def _split_units(data: Any, bkg_error: Any, effective_gain: Any) -> tuple[Any, Any, Any, Any]:
    """Return the three arguments without units, and the unit of the image, `None` without one."""
    given = {"data": data, "bkg_error": bkg_error, "effective_gain": effective_gain}
    arguments = {name: adopt(argument, name) for name, argument in given.items()}
    units = {name: getattr(argument, "unit", None) for name, argument in arguments.items()}
    if all(unit is None for unit in units.values()):
        return *arguments.values(), None
    listed = ", ".join(f"{name}: {unit or 'no unit'}" for name, unit in units.items())
    if None in units.values():
        raise ValueError(
            f"data, bkg_error and effective_gain must all have units, or none of them; "
            f"the units are {listed}"
        )
    if units["data"] != units["bkg_error"]:
        raise ValueError(f"data and bkg_error must have the same units; the units are {listed}")
    counts = data.unit * effective_gain.unit
    if counts not in (electron, photon):
        raise UnitsError(
            f"data * effective_gain must be in electrons or photons, but is in {counts}: "
            f"the units are {listed}"
        )
    values = [argument.value for argument in arguments.values()]
    return values[0], values[1], values[2], units["data"]
