"""Sigma clipping and statistics of arrays along axes, without NaN.

Kernels clip where they know the functions by which a SigmaClip clips. Elsewhere astropy clips on
the host, and this module, in the same way, on a device.
"""

import copy
import warnings
from typing import Any

import numpy as np
from astropy.stats import SigmaClip
from astropy.utils.exceptions import AstropyUserWarning
from numpy.lib.array_utils import normalize_axis_tuple

from skyshed.kernels import boxes
from skyshed.kernels.boxes import Clip, Statistic
from skyshed.messages import find_stack_level
from skyshed.namespace import array_namespace, is_device_array, like, ndimage_of

__all__ = ["clip", "clipped_statistics", "compiled_clip", "kernel_statistics", "measure"]

#: The standard deviation of a normal distribution over its median absolute deviation.
MAD_TO_STD = 1.482602218505602


def kernel_statistics(wanted: tuple[Statistic, ...]) -> tuple[Statistic, ...] | None:
    """Return the statistics if the kernel of boxes can compute all of them, else `None`.

    The kernel takes a single location for all boxes.
    """
    return wanted if all(_is_one_number(each.location) for each in wanted) else None


def _is_one_number(location: Any) -> bool:
    """Whether a location is a finite number or `None`."""
    return location is None or bool(np.ndim(location) == 0 and np.isfinite(location))


def clipped_statistics(
    data: Any, sigma_clip: SigmaClip | None, axis: Any, wanted: tuple[Statistic, ...]
) -> list[Any]:
    """Clip an array and measure it along ``axis``.

    Parameters
    ----------
    data : array of float32 or float64, or `~numpy.ma.MaskedArray`
        NaN and masked elements are left out, and infinities if ``data`` are clipped.
    sigma_clip : `~astropy.stats.SigmaClip` or None
        How ``data`` are clipped; `None` does not clip.
    axis : int, tuple of int or None
        The axes to clip and measure along; `None` for all elements together.
    wanted : tuple of Statistic
        The statistics to compute.

    Returns
    -------
    results : list of array or scalar
        One for each statistic, in the dtype of ``data``, of its shape without ``axis``.
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
    """Compute one statistic along ``axis``, without NaN."""
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
    """Remove the axes of length 1 that the statistic was computed along."""
    return statistic.reshape(())[()] if axis is None else statistic.squeeze(axis)


def _anchor(location: Any, middle: Any) -> Any:
    """Return the location of each result, in the shape of the medians, or the one for all."""
    location = like(np.asarray(location, middle.dtype), middle)
    return location.reshape(middle.shape) if location.ndim else location


def _weights(xp: Any, distance: Any, reach: Any) -> tuple[Any, Any]:
    """Return ``1 - u**2`` and ``u**2`` of the biweights, both 0 beyond ``reach`` and for NaN."""
    u2 = (distance / reach) ** 2
    inside = u2 < 1
    return xp.where(inside, 1 - u2, 0), xp.where(inside, u2, 0)


def _biweight_location(xp: Any, data: Any, axis: Any, center: Any, reach: Any) -> Any:
    """Compute equation 5 of Beers, Flynn & Gebhardt (1990, AJ 100, 32)."""
    distance = data - center
    weight, _ = _weights(xp, distance, reach)
    distance = xp.where(weight > 0, distance, 0)
    top = xp.sum(distance * weight**2, axis=axis, keepdims=True)
    bottom = xp.sum(weight**2, axis=axis, keepdims=True)
    return xp.where(reach == 0, center, center + top / bottom)


def _biweight_scale(xp: Any, data: Any, axis: Any, center: Any, reach: Any) -> Any:
    """Compute equation 9 of Beers, Flynn & Gebhardt (1990, AJ 100, 32)."""
    distance = data - center
    weight, u2 = _weights(xp, distance, reach)
    distance = xp.where(weight > 0, distance, 0)
    n = xp.sum(~xp.isnan(data), axis=axis, keepdims=True)
    top = xp.sum(distance**2 * weight**4, axis=axis, keepdims=True)
    bottom = xp.sum(weight * (1 - 5 * u2), axis=axis, keepdims=True)
    scale = xp.sqrt(n * top) / xp.abs(bottom)
    return xp.where(reach == 0, reach, scale).astype(data.dtype)


def compiled_clip(sigma_clip: Any) -> Any:
    """Return the `Clip` for the kernel, `None` for no clipping, or NotImplemented without one."""
    if sigma_clip is None:
        return None
    known = (
        type(sigma_clip) is SigmaClip
        and isinstance(sigma_clip.cenfunc, str)
        and sigma_clip.cenfunc in ("mean", "median")
        and isinstance(sigma_clip.stdfunc, str)
        and sigma_clip.stdfunc in ("std", "mad_std")
        and not sigma_clip.grow
    )
    if not known:
        return NotImplemented
    return Clip(
        float(sigma_clip.sigma_lower),
        float(sigma_clip.sigma_upper),
        -1 if np.isinf(sigma_clip.maxiters) else int(sigma_clip.maxiters),
        sigma_clip.cenfunc,
        sigma_clip.stdfunc,
    )


def clip(sigma_clip: SigmaClip, data: Any, axis: Any) -> Any:
    """Return a copy of ``data`` with NaN where elements are clipped, masked or not finite.

    Parameters
    ----------
    sigma_clip : `~astropy.stats.SigmaClip`
        How to clip. It is not changed, so that several threads may share it.
    data : array of float32 or float64
        The elements.
    axis : int, tuple of int or None
        The axes to clip along; `None` for all elements together.

    Returns
    -------
    clipped : array
        Of the shape of ``data``. If ``axis`` is None, it may instead be one-dimensional and lack
        the elements that would be NaN.
    """
    if is_device_array(data):
        return _clip_on_device(sigma_clip, data, axis)
    # astropy's SigmaClip keeps intermediate results as attributes.
    own = copy.copy(sigma_clip)
    if axis is None and compiled_clip(sigma_clip) is not NotImplemented:
        # Only with an axis does it use its compiled loop.
        return own(np.ravel(data), axis=0, masked=False)
    return own(data, axis=axis, masked=False)


def _axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """Return ``axis`` as a tuple of axes from 0; raise NumPy's AxisError for one out of bounds."""
    axes: tuple[int, ...] = normalize_axis_tuple(range(ndim) if axis is None else axis, ndim)
    return axes


def as_rows(data: Any, axis: Any) -> tuple[Any, tuple[int, ...]]:
    """Return ``data`` as rows along ``axis``, and the shape of ``data`` without ``axis``.

    The rows are a 2-D array as kernels take it: C-contiguous, native float32 or float64.
    """
    axes = _axes(axis, data.ndim)
    others = [a for a in range(data.ndim) if a not in axes]
    shape = tuple(data.shape[a] for a in others)
    length = int(np.prod([data.shape[a] for a in axes], dtype=np.int64))
    xp = array_namespace(data=data)
    dtype = xp.float32 if data.dtype.itemsize <= 4 else xp.float64
    rows = data.transpose(*others, *axes).reshape(-1, length)
    return xp.ascontiguousarray(rows, dtype=dtype), shape


def clip_and_measure(
    rule: Clip, data: Any, axis: Any, wanted: tuple[Statistic, ...]
) -> tuple[Any, Any]:
    """Clip and compute statistics in one call of a kernel.

    Returns
    -------
    values : array of float64, shape (len(wanted), ...)
        The statistics of the elements that are kept, along ``axis``.
    limits : array of float64, shape (2, ...)
        The least and the largest of them.
    """
    rows, shape = as_rows(data, axis)
    box = (1, rows.shape[1])
    values, _, bad, limits = boxes.statistics(rows, None, box, rule, wanted, None)
    warn_of_bad_values(int(bad.sum()))
    return values.reshape(len(wanted), *shape), limits.reshape(2, *shape)


def warn_of_bad_values(n_bad: int) -> None:
    """Warn that values are not finite, as astropy's clipping does."""
    if n_bad:
        warnings.warn(
            "Input data contains invalid values (NaNs or infs), which were automatically clipped: "
            f"{n_bad} values are not finite.",
            AstropyUserWarning,
            stacklevel=find_stack_level(),
        )


def _clip_on_device(sigma_clip: SigmaClip, data: Any, axis: Any) -> Any:
    """Clip an array on a device; see `clip`."""
    rule = compiled_clip(sigma_clip)
    if rule is NotImplemented:
        return _clip_in_rounds(sigma_clip, data, axis)
    xp = array_namespace(data=data)
    _, limits = clip_and_measure(rule, data, axis, ())
    low, high = _along(limits[0], data, axis), _along(limits[1], data, axis)
    return xp.where((data >= low) & (data <= high), data, data.dtype.type(np.nan))


def _along(statistic: Any, data: Any, axis: Any) -> Any:
    """Return a statistic along ``axis`` in a shape that broadcasts against the data."""
    if axis is None:
        return statistic
    axes = _axes(axis, data.ndim)
    return statistic.reshape([1 if a in axes else n for a, n in enumerate(data.shape)])


def _clip_in_rounds(sigma_clip: SigmaClip, data: Any, axis: Any) -> Any:
    """Clip with functions of the user's, or with ``grow``, as astropy does on the host."""
    xp = array_namespace(data=data)
    good = xp.isfinite(data)
    warn_of_bad_values(data.size - int(xp.count_nonzero(good)))
    nan = data.dtype.type(np.nan)
    alone = axis is None and not sigma_clip.grow
    data = data[good] if alone else xp.where(good, data, nan)
    center = _function(sigma_clip.cenfunc, data)
    spread = _function(sigma_clip.stdfunc, data)
    grown = sigma_clip.grow and like(_footprint(sigma_clip.grow, data.ndim, axis), data)
    rounds = 0
    while rounds < sigma_clip.maxiters:
        rounds += 1
        middle, width = center(data, axis=axis), spread(data, axis=axis)
        low = _along(middle - width * sigma_clip.sigma_lower, data, axis)
        high = _along(middle + width * sigma_clip.sigma_upper, data, axis)
        out = (data < low) | (data > high)
        if not bool(out.any()):
            break
        if sigma_clip.grow:
            out = ndimage_of(data).binary_dilation(out, grown)
        data = data[~out] if alone else xp.where(out, nan, data)
    return data


def _function(function: Any, data: Any) -> Any:
    """Return the function that a SigmaClip has or names; it works on the library of ``data``."""
    if not isinstance(function, str):
        return function
    return lambda data, axis: measure(Statistic(function), data, axis)


def _footprint(grow: Any, ndim: int, axis: Any) -> Any:
    """Return a mask of the neighbours along ``axis`` within ``grow``, which are clipped, too."""
    axes = _axes(axis, ndim)
    reach = int(grow)
    sides = [np.arange(-reach, reach + 1) if a in axes else np.zeros(1) for a in range(ndim)]
    return sum(offset**2 for offset in np.meshgrid(*sides, indexing="ij")) <= grow**2
