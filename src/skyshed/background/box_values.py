"""Level and noise of every box of an image: compiled where settings allow, else by callables."""

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

#: Bytes of pixels that a callable gets at a time.
CHUNK_BYTES = 1 << 26


class BoxValues(NamedTuple):
    """What was measured of the boxes: NumPy arrays of shape (nby, nbx), and a number."""

    level: Any
    noise: Any
    #: Pixels kept.
    n_good: Any
    #: How many pixels of the image are not finite and not masked.
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
        The image; pixels that are not finite are left out.
    mask : array of bool, shape (ny, nx), or None
        True for pixels to leave out.
    box_size : tuple of int
        Height and width of the boxes; the last of a row or column may be cut off.
    sigma_clip : callable or None
        How pixels are clipped.
    estimators : dict
        Two callables, of the level and of the noise, under the names that errors give them.
    n_threads : int or None
        Threads of compiled loops. Callables run in the caller's thread.

    Returns
    -------
    BoxValues
        Level and noise in the dtype of ``data``, or in the one that a callable returns.
    """
    rule = compiled_clip(sigma_clip)
    wanted = [
        None if rule is NotImplemented else compiled_statistics(e) for e in estimators.values()
    ]
    known = tuple(statistic for each in wanted if each is not None for statistic in each)
    results: list[Any] = [None, None]
    limits = None
    if rule is not NotImplemented:
        values, n_good, bad, limits = boxes.statistics(data, mask, box_size, rule, known, n_threads)
        values, n_good, bad = in_one_transfer(values, n_good, bad)
        n_bad = int(bad.sum())
        at = 0
        for i, (each, estimator) in enumerate(zip(wanted, estimators.values(), strict=True)):
            if each is not None:
                with np.errstate(divide="ignore", invalid="ignore"):
                    combined = estimator._combine(*values[at : at + len(each)])
                results[i] = combined.astype(data.dtype)
                at += len(each)
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
    """Ranges of at most ``step`` boxes along an axis: start, stop, size; a cut-off box is alone."""
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
    """Call estimators on clipped boxes, the pixels along the last axis, NaN where left out.

    ``limits`` are those of `boxes.statistics` where it has clipped already, else None. Returns one
    array per estimator and the numbers of pixels kept.
    """
    ny, nx = data.shape
    h, w = box_size
    step = max(CHUNK_BYTES // (h * nx * data.itemsize), 1)
    rows = []
    for y0, y1, height in _spans(ny, h, step):
        row = []
        for x0, x1, width in _spans(nx, w, nx):
            here = np.s_[y0:y1, x0:x1]
            pixels = np.where(np.isfinite(data[here]), data[here], np.nan)
            if mask is not None:
                pixels[mask[here]] = np.nan
            grid = (y1 - y0) // height, (x1 - x0) // width
            pixels = pixels.reshape(grid[0], height, grid[1], width).swapaxes(1, 2)
            pixels = pixels.reshape(*grid, height * width)
            if limits is not None:
                of = limits[:, y0 // h : y0 // h + grid[0], x0 // w : x0 // w + grid[1], None]
                pixels[~((pixels >= of[0]) & (pixels <= of[1]))] = np.nan
            with warnings.catch_warnings():
                # astropy's clipping warns of the NaN that stand for masked pixels.
                warnings.simplefilter("ignore", AstropyUserWarning)
                if limits is None:
                    pixels = _clipped(sigma_clip, pixels)
                found = [_checked(name, each, pixels) for name, each in estimators.items()]
            row.append([*found, to_host(np.count_nonzero(~np.isnan(pixels), axis=-1))])
        rows.append([np.concatenate(each, axis=1) for each in zip(*row, strict=True)])
    return [np.concatenate(each, axis=0) for each in zip(*rows, strict=True)]


def _clipped(sigma_clip: Any, pixels: Any) -> Any:
    """Clip pixels along the last axis, by astropy's rules or by a function of the user's own."""
    if isinstance(sigma_clip, SigmaClip):
        return clip(sigma_clip, pixels, -1)
    return sigma_clip(pixels, axis=-1, masked=False, copy=False)


def _checked(name: str, estimator: Callable, pixels: Any) -> Any:
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
