"""Sigma clipping of arrays along axes: in compiled loops, else by astropy, or as it does it."""

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

__all__ = ["as_rows", "clip", "clip_and_measure", "compiled_clip", "warn_of_bad_values"]


def compiled_clip(sigma_clip: Any) -> Any:
    """Return the kernel's `Clip` (None for no clipping), or NotImplemented if it has none."""
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
    """Return a copy of ``data`` with NaN where it is clipped, masked or not finite.

    Parameters
    ----------
    sigma_clip : `~astropy.stats.SigmaClip`
        It is not changed: calls from several threads may share it.
    data : array of float32 or float64
    axis : int, tuple of int or None
        The axes to clip along; `None` for all elements together.

    Returns
    -------
    array
        Of the shape of ``data``; where ``axis`` is None it may be one-dimensional, and without the
        elements that are left out.
    """
    if is_device_array(data):
        return _clip_on_device(sigma_clip, data, axis)
    # astropy's SigmaClip keeps what it works with in itself.
    own = copy.copy(sigma_clip)
    if axis is None and compiled_clip(sigma_clip) is not NotImplemented:
        # Only with an axis does it take its compiled way.
        return own(np.ravel(data), axis=0, masked=False)
    return own(data, axis=axis, masked=False)


def _axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """Return the axes that ``axis`` means; NumPy's errors if there are none such."""
    axes: tuple[int, ...] = normalize_axis_tuple(range(ndim) if axis is None else axis, ndim)
    return axes


def as_rows(data: Any, axis: Any) -> tuple[Any, tuple[int, ...]]:
    """Return ``data`` with ``axis`` as the last of two axes, and the shape without ``axis``.

    The rows are what kernels take: C-contiguous, native float32 or float64.
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
    """Clip by a compiled rule and measure in one go.

    Returns
    -------
    values : array of float64, shape (len(wanted), ...)
        Statistics of what is kept, along ``axis``.
    limits : array of float64, shape (2, ...)
        The least and the largest value kept.
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
    rule = compiled_clip(sigma_clip)
    if rule is NotImplemented:
        return _clip_in_rounds(sigma_clip, data, axis)
    xp = array_namespace(data=data)
    _, limits = clip_and_measure(rule, data, axis, ())
    low, high = _along(limits[0], data, axis), _along(limits[1], data, axis)
    return xp.where((data >= low) & (data <= high), data, data.dtype.type(np.nan))


def _along(statistic: Any, data: Any, axis: Any) -> Any:
    """Return a statistic along ``axis`` in a shape that goes with the data."""
    if axis is None:
        return statistic
    axes = _axes(axis, data.ndim)
    return statistic.reshape([1 if a in axes else n for a, n in enumerate(data.shape)])


def _clip_in_rounds(sigma_clip: SigmaClip, data: Any, axis: Any) -> Any:
    """Clip with functions of the user's own, or with neighbours, as astropy does on the host."""
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


def _function(given: Any, data: Any) -> Any:
    """Return the function that a SigmaClip names, in the library of ``data``."""
    if not isinstance(given, str):
        return given
    # Here, for that module clips with this one.
    from skyshed.background.statistics import measure

    return lambda data, axis: measure(Statistic(given), data, axis)


def _footprint(grow: Any, ndim: int, axis: Any) -> Any:
    """Return which neighbours along ``axis`` go with a clipped element: those within ``grow``."""
    axes = _axes(axis, ndim)
    reach = int(grow)
    sides = [np.arange(-reach, reach + 1) if a in axes else np.zeros(1) for a in range(ndim)]
    return sum(offset**2 for offset in np.meshgrid(*sides, indexing="ij")) <= grow**2
