"""Statistics of arrays along axes that leave out NaN; one text for NumPy and CuPy."""

from typing import Any

import numpy as np
from astropy.stats import SigmaClip

from skyshed.background.clipping import clip, clip_and_measure, compiled_clip
from skyshed.kernels.boxes import Statistic
from skyshed.namespace import array_namespace, like

__all__ = ["clipped_statistics", "kernel_statistics", "measure"]

#: The standard deviation of a normal distribution over its median absolute deviation.
MAD_TO_STD = 1.482602218505602


def kernel_statistics(wanted: tuple[Statistic, ...]) -> tuple[Statistic, ...] | None:
    """Return the statistics; None if the kernel of the boxes does not know one of them.

    It takes one location for all boxes.
    """
    return wanted if all(_is_one_number(each.location) for each in wanted) else None


def _is_one_number(location: Any) -> bool:
    return location is None or bool(np.ndim(location) == 0 and np.isfinite(location))


def clipped_statistics(
    data: Any, sigma_clip: SigmaClip | None, axis: Any, wanted: tuple[Statistic, ...]
) -> list[Any]:
    """Clip an array and measure it along ``axis``.

    Parameters
    ----------
    data : array of float32 or float64, or `~numpy.ma.MaskedArray`
        NaN and masked elements are left out; infinities where there is a clipping.
    sigma_clip : `~astropy.stats.SigmaClip` or None
        How it is clipped.
    axis : int, tuple of int or None
        `None` for all elements together.
    wanted : tuple of Statistic

    Returns
    -------
    list of array or scalar
        In the dtype of ``data``, of its shape without ``axis``.
    """
    rule = compiled_clip(sigma_clip)
    known = kernel_statistics(wanted)
    compiled = rule not in (None, NotImplemented) and data.size
    if compiled and known is not None and not isinstance(data, np.ma.MaskedArray):
        values, _ = clip_and_measure(rule, data, axis, known)
        values = values.astype(data.dtype)
        return [values[i] for i in range(len(wanted))]
    if sigma_clip is not None and data.size:
        data = clip(sigma_clip, data, axis)
    elif isinstance(data, np.ma.MaskedArray):
        data = data.filled(np.nan)
    return [measure(each, data, axis) for each in wanted]


def measure(statistic: Statistic, data: Any, axis: Any) -> Any:
    """Measure one statistic along ``axis``, leaving out NaN."""
    name, c, location = statistic
    xp = array_namespace(data=data)
    if name in ("mean", "median", "std"):
        return getattr(xp, f"nan{name}")(data, axis=axis)
    middle = xp.nanmedian(data, axis=axis, keepdims=True)
    mad = xp.nanmedian(xp.abs(data - middle), axis=axis, keepdims=True)
    if name == "mad_std":
        return _without(MAD_TO_STD * mad, axis)
    center = middle if location is None else _anchor(location, middle)
    if name == "biweight_location":
        return _without(_biweight_location(xp, data, axis, center, c * mad), axis)
    return _without(_biweight_scale(xp, data, axis, center, c * mad), axis)


def _without(statistic: Any, axis: Any) -> Any:
    """Take away the axes of length 1 that the statistic was measured along."""
    return statistic.reshape(())[()] if axis is None else statistic.squeeze(axis)


def _anchor(location: Any, middle: Any) -> Any:
    """Return the location of each result, or the one for all, in the shape of the medians."""
    location = like(np.asarray(location, middle.dtype), middle)
    return location.reshape(middle.shape) if location.ndim else location


def _weights(xp: Any, distance: Any, reach: Any) -> tuple[Any, Any]:
    """Return ``1 - u**2`` of the biweights, 0 beyond their reach and for NaN, and ``u**2``."""
    u2 = (distance / reach) ** 2
    inside = u2 < 1
    return xp.where(inside, 1 - u2, 0), xp.where(inside, u2, 0)


def _biweight_location(xp: Any, data: Any, axis: Any, center: Any, reach: Any) -> Any:
    """Beers, Flynn & Gebhardt (1990, AJ 100, 32), equation 5."""
    distance = data - center
    weight, _ = _weights(xp, distance, reach)
    distance = xp.where(weight > 0, distance, 0)
    top = xp.sum(distance * weight**2, axis=axis, keepdims=True)
    bottom = xp.sum(weight**2, axis=axis, keepdims=True)
    return xp.where(reach == 0, center, center + top / bottom)


def _biweight_scale(xp: Any, data: Any, axis: Any, center: Any, reach: Any) -> Any:
    """Beers, Flynn & Gebhardt (1990, AJ 100, 32), equation 9."""
    distance = data - center
    weight, u2 = _weights(xp, distance, reach)
    distance = xp.where(weight > 0, distance, 0)
    n = xp.sum(~xp.isnan(data), axis=axis, keepdims=True)
    top = xp.sum(distance**2 * weight**4, axis=axis, keepdims=True)
    bottom = xp.sum(weight * (1 - 5 * u2), axis=axis, keepdims=True)
    scale = xp.sqrt(n * top) / xp.abs(bottom)
    return xp.where(reach == 0, reach, scale).astype(data.dtype)
