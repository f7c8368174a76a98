"""Level and noise of every box of an image, by compiled loops or, if need be, by callables."""

import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from astropy.stats import SigmaClip
from astropy.utils.exceptions import AstropyUserWarning

from skyshed.background.estimators import compiled_statistics
from skyshed.background.statistics import clip, compiled_clip
from skyshed.kernels import boxes
from skyshed.namespace import in_one_transfer, to_host

__all__ = ["BoxValues", "measure_boxes"]

#: Bytes of pixels that a callable gets in one call.
CHUNK_BYTES = 1 << 26


class BoxValues(NamedTuple):
    """What was measured in the boxes of an image.

    Attributes
    ----------
    level, noise : array, shape (nby, nbx)
        The estimates, on the host.
    n_good : array of int64, shape (nby, nbx)
        The number of good pixels in each box: finite, and neither masked nor clipped.
    n_bad : int
        The number of pixels of the image that are not finite, though not masked.
    """

    level: Any
    noise: Any
    n_good: Any
    n_bad: int


def measure_boxes(
    data: Any,
    mask: Any,
    box_size: tuple[int, int],
    sigma_clip: Any,
    estimators: dict[str, Any],
    n_threads: int | None,
) -> BoxValues:
    """Clip the pixels of each box and estimate level and noise.

    Parameters
    ----------
    data : array of float32 or float64, shape (ny, nx)
        The image; pixels that are not finite are left out. Or equal images, shape (n, ny, nx),
        where estimators and clipping are compiled: what is measured has an axis more.
    mask : array of bool, of the shape of ``data``, or None
        True for pixels to leave out.
    box_size : tuple of int
        Height and width of the boxes; the last of a row or column may be cut off.
    sigma_clip : callable or None
        How pixels are clipped.
    estimators : dict
        The estimators of the level and of the noise, by the names that errors give them.
    n_threads : int or None
        Threads of compiled loops. Callables run in the caller's thread.

    Returns
    -------
    boxes : BoxValues
        Level and noise have the dtype of ``data``, or the one that a callable returns.
    """
    rule = compiled_clip(sigma_clip)
    needed = [
        None if rule is NotImplemented else compiled_statistics(e) for e in estimators.values()
    ]
    compiled = tuple(statistic for each in needed if each is not None for statistic in each)
    results: list[Any] = [None, None]
    limits = None
    if rule is not NotImplemented:
        values, n_good, bad, limits = boxes.statistics(
            data, mask, box_size, rule, compiled, n_threads
        )
        values, n_good, bad = in_one_transfer(values, n_good, bad)
        n_bad = int(bad.sum())
        first = 0
        for i, (own, estimator) in enumerate(zip(needed, estimators.values(), strict=True)):
            if own is not None:
                with np.errstate(divide="ignore", invalid="ignore"):
                    combined = estimator._combine(*values[first : first + len(own)])
                results[i] = combined.astype(data.dtype)
                first += len(own)
    else:
        bad = ~np.isfinite(data)
        n_bad = int(np.count_nonzero(bad if mask is None else bad & ~mask))
    missing = {
        name: estimator
        for (name, estimator), result in zip(estimators.items(), results, strict=True)
        if result is None
    }
    if missing:
        *called, counted = _call_on_boxes(data, mask, box_size, sigma_clip, limits, missing)
        results = [called.pop(0) if result is None else result for result in results]
        n_good = counted if rule is NotImplemented else n_good
    return BoxValues(results[0], results[1], n_good, n_bad)


def _spans(length: int, size: int, step: int) -> Iterator[tuple[int, int, int]]:
    """Yield ranges of at most ``step`` boxes along an axis: first pixel, end, size of a box.

    A box that is cut off is a range of its own.
    """
    whole = length // size * size
    for start in range(0, whole, step * size):
        yield start, min(start + step * size, whole), size
    if whole < length:
        yield whole, length, length - whole


def _call_on_boxes(
    data: Any,
    mask: Any,
    box_size: tuple[int, int],
    sigma_clip: Any,
    limits: Any,
    estimators: dict[str, Any],
) -> list[Any]:
    """Call estimators with clipped boxes: pixels along the last axis, NaN where left out.

    Parameters
    ----------
    limits : array or None
        The least and the largest value kept in each box if `boxes.statistics` has clipped them;
        `None` if they are to be clipped here.

    Returns
    -------
    results : list of array
        The result of each estimator, and the numbers of pixels kept.
    """
    ny, nx = data.shape
    h, w = box_size
    step = max(CHUNK_BYTES // (h * nx * data.itemsize), 1)
    rows = []
    for y0, y1, height in _spans(ny, h, step):
        row = []
        for x0, x1, width in _spans(nx, w, nx):
            window = np.s_[y0:y1, x0:x1]
            pixels = np.where(np.isfinite(data[window]), data[window], np.nan)
            if mask is not None:
                pixels[mask[window]] = np.nan
            grid = (y1 - y0) // height, (x1 - x0) // width
            pixels = pixels.reshape(grid[0], height, grid[1], width).swapaxes(1, 2)
            pixels = pixels.reshape(*grid, height * width)
            if limits is not None:
                by, bx = y0 // h, x0 // w
                kept = limits[:, by : by + grid[0], bx : bx + grid[1], None]
                pixels[~((pixels >= kept[0]) & (pixels <= kept[1]))] = np.nan
            with warnings.catch_warnings():
                # astropy's clipping warns of NaN, but here they stand for masked pixels.
                warnings.simplefilter("ignore", AstropyUserWarning)
                if limits is None:
                    pixels = _clipped(sigma_clip, pixels)
                results = [_checked(name, call, pixels) for name, call in estimators.items()]
            row.append([*results, to_host(np.count_nonzero(~np.isnan(pixels), axis=-1))])
        rows.append([np.concatenate(parts, axis=1) for parts in zip(*row, strict=True)])
    return [np.concatenate(parts, axis=0) for parts in zip(*rows, strict=True)]


def _clipped(sigma_clip: Any, pixels: Any) -> Any:
    """Clip pixels along the last axis, by a SigmaClip or by a function of the user's."""
    if isinstance(sigma_clip, SigmaClip):
        return clip(sigma_clip, pixels, -1)
    return sigma_clip(pixels, axis=-1, masked=False, copy=False)


def _checked(name: str, estimator: Callable[..., Any], pixels: Any) -> Any:
    """Call an estimator along the last axis and check the shape of what it returns."""
    result = np.asanyarray(to_host(estimator(pixels, axis=-1)))
    if isinstance(result, np.ma.MaskedArray):
        result = result.filled(np.nan)
    if result.shape != pixels.shape[:-1]:
        raise ValueError(
            f"{name} must return one value per box, an array without the axis it was given: called "
            f"with shape {pixels.shape} and axis=-1 it returned shape {result.shape}, not "
            f"{pixels.shape[:-1]}"
        )
    return result
