"""Detection: a threshold for each pixel, and the groups of connected pixels above it."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from astropy.stats import SigmaClip
from astropy.utils.exceptions import AstropyUserWarning

from skyshed._typing import Array, Image, Mask
from skyshed.arguments import (
    as_image,
    as_mask,
    check_connectivity,
    check_numbers,
    check_pixels,
    check_positive_integer,
    split_units,
    union,
)
from skyshed.background import MeanBackground, StdBackgroundRMS
from skyshed.background.base import DEFAULT_CLIP
from skyshed.background.box_values import measure_boxes
from skyshed.exceptions import NoDetectionsWarning
from skyshed.kernels import labelling
from skyshed.messages import find_stack_level
from skyshed.names import accept_aliases, both_names
from skyshed.namespace import array_namespace, like, on_its_device, only_on_host
from skyshed.segmentation import SegmentationImage
from skyshed.sources import Sources

__all__ = ["detect_in_stack", "detect_sources", "detect_threshold", "warn_of_no_sources"]


@accept_aliases
@on_its_device
def detect_threshold(
    data: Image,
    nsigma: float,
    background: Image | None = None,
    error: Image | None = None,
    mask: Mask = None,
    sigma_clip: SigmaClip | None = DEFAULT_CLIP,
    *,
    n_threads: int | None = None,
) -> Array:
    """Compute a threshold for each pixel: ``background + nsigma * error``.

    Parameters
    ----------
    data : array_like or Quantity, shape (ny, nx)
        The image. Masked pixels of a masked array are left out of the statistics, too.
    nsigma : float
        The number of standard deviations above the background.
    background : float or array_like, optional
        The background; if `None`, the sigma-clipped mean of the image.
    error : float or array_like, optional
        The 1-sigma error of the background; if `None`, the sigma-clipped standard deviation.
    mask : array_like of bool, shape (ny, nx), optional
        True for pixels to leave out of the statistics.
    sigma_clip : `~astropy.stats.SigmaClip` or None, optional
        How pixels are clipped; `None` does not clip.
    n_threads : int, optional
        Threads to use; `None` for all available cores.

    Returns
    -------
    threshold : array or Quantity, shape (ny, nx)
        In the unit of ``data``.

    Raises
    ------
    ValueError
        If units or shapes differ.
    TypeError
        If ``sigma_clip`` is neither a SigmaClip nor `None`.

    Warns
    -----
    AstropyUserWarning
        If statistics are estimated and unmasked pixels are not finite; they are left out.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed import detect_threshold
    >>> detect_threshold(np.ones((2, 2)), nsigma=3, error=0.5)
    array([[2.5, 2.5],
           [2.5, 2.5]])
    """
    (image, level, noise), unit = split_units(data=data, background=background, error=error)
    xp = array_namespace(data=image, background=level, error=noise, mask=mask)
    if sigma_clip is not None and not isinstance(sigma_clip, SigmaClip):
        raise TypeError(f"sigma_clip must be a SigmaClip object or None, got {sigma_clip!r}")
    hidden = np.ma.getmask(image)
    image = as_image(image, "data", xp)
    check_pixels(image, "data")
    factor = _as_level(nsigma, both_names("nsigma"), image, xp)
    level = None if level is None else _as_level(level, "background", image, xp)
    noise = None if noise is None else _as_level(noise, "error", image, xp)
    if level is None or noise is None:
        mask = as_mask(mask, "mask", xp, shape=image.shape)
        mask = union(mask, None if hidden is np.ma.nomask else hidden)
        mean, std = _clipped_statistics(image, mask, sigma_clip, n_threads)
        level = mean if level is None else level
        noise = std if noise is None else noise
    threshold = level + noise * factor
    if np.ndim(threshold) == 0:
        dtype = np.result_type(image.dtype, threshold)
        threshold = xp.full(image.shape, threshold, dtype=dtype)
    return threshold if unit is None else threshold << unit


def _as_level(level: Any, name: str, data: Any, xp: Any) -> Any:
    """Return a level as an array of the shape of the data, or unchanged if it is a scalar."""
    check_numbers(level, name)
    if np.ndim(level) == 0:
        return level
    level = xp.asarray(level)
    if level.shape != data.shape:
        raise ValueError(
            f"If input {name} is 2D, then it must have the same shape as data: {name} has "
            f"{level.shape}, data has {data.shape}; it may be a scalar, too"
        )
    return level


def _clipped_statistics(
    data: Any, mask: Any, sigma_clip: SigmaClip | None, n_threads: int | None
) -> tuple[Any, Any]:
    """Return mean and standard deviation of an image, measured as one box of a background."""
    if sigma_clip is not None and sigma_clip.grow:
        mean, std, n_bad = _grown_statistics(data, mask, sigma_clip)
    else:
        estimators = {"background": MeanBackground(None), "error": StdBackgroundRMS(None)}
        box = measure_boxes(data, mask, data.shape, sigma_clip, estimators, n_threads)
        mean, std, n_bad = box.level[0, 0], box.noise[0, 0], box.n_bad
    if n_bad:
        warnings.warn(
            f"Input data contains nonfinite values (NaN or inf) in {n_bad} unmasked pixels, which "
            "are left out of the background statistics",
            AstropyUserWarning,
            stacklevel=find_stack_level(),
        )
    return mean, std


def _grown_statistics(data: Any, mask: Any, sigma_clip: SigmaClip) -> tuple[Any, Any, int]:
    """Return mean, standard deviation and number of bad values for a SigmaClip with ``grow``.

    It rejects the neighbours of clipped pixels, which boxes, measured as lists of values, lack.
    """
    only_on_host(data, "statistics clipped with sigma_clip.grow", "use a SigmaClip without grow")
    bad = ~np.isfinite(data)
    left_out = bad if mask is None else bad | mask
    kept = sigma_clip(np.ma.array(data, mask=left_out), masked=False)
    mean, std = np.nanmean(kept, dtype=np.float64), np.nanstd(kept, dtype=np.float64)
    n_bad = int(np.count_nonzero(bad if mask is None else bad & ~mask))
    return data.dtype.type(mean), data.dtype.type(std), n_bad


@accept_aliases
@on_its_device
def detect_sources(
    data: Image,
    threshold: Image,
    npixels: int,
    connectivity: int = 8,
    mask: Mask = None,
    *,
    n_threads: int | None = None,
    max_npixels: int | None = None,
) -> SegmentationImage | None:
    """Label the groups of connected pixels above a threshold.

    Parameters
    ----------
    data : array_like or Quantity, shape (ny, nx)
        The background-subtracted, usually convolved image. NaN pixels belong to no source.
    threshold : float, array_like or Quantity, shape () or (ny, nx)
        Pixels strictly above it are detected; in the unit of ``data``.
    npixels : int
        The least number of connected pixels of a source.
    connectivity : {8, 4}, optional
        Whether pixels that touch at corners are connected (8) or only at edges (4).
    mask : array_like of bool, shape (ny, nx), optional
        True for pixels to leave out: they belong to no source.
    n_threads : int, optional
        Threads to use; `None` for all available cores. The result is the same for any number.
    max_npixels : int, optional
        The most connected pixels of a source: what has more is dropped, as by SExtractor's
        DETECT_MAXAREA; `None` sets no limit.

    Returns
    -------
    segment_img : `SegmentationImage` or None
        The sources, labelled from 1 in the raster order of their first pixels; `None` if there are
        none.

    Raises
    ------
    ValueError
        If an argument is out of range, units or shapes differ, or every pixel is masked.

    Warns
    -----
    NoDetectionsWarning
        If no source was found.
    AstropyUserWarning
        If ``threshold`` is negative anywhere.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed import detect_sources
    >>> data = np.array([[0, 5, 0, 0], [0, 5, 0, 6]])
    >>> detect_sources(data, threshold=1, npixels=1).data
    array([[0, 1, 0, 0],
           [0, 1, 0, 2]], dtype=int32)
    """
    (data, threshold), _ = split_units(data=data, threshold=threshold)
    xp = array_namespace(data=data, threshold=threshold, mask=mask)
    npixels = check_positive_integer(npixels, both_names("npixels"))
    connectivity = check_connectivity(connectivity)
    image = as_image(data, "data", xp)
    mask = as_mask(mask, "mask", xp, shape=image.shape, like="the input image data")
    threshold = _as_threshold(threshold, xp.asarray(data).dtype, image.shape, xp)
    labels, number, start, pixel, bbox, seen = labelling.sources_above(
        image, threshold, mask, npixels, connectivity, n_threads
    )
    if mask is not None and not seen.any_pixel:
        raise ValueError(
            "mask must not be True for every pixel: there is nothing left to detect sources in; "
            "True masks a pixel out"
        )
    if seen.n_negative:
        _warn_of_negative(threshold, seen.n_negative)
    sources = Sources(number, start, pixel, bbox, labels.shape)
    if max_npixels is not None:
        most = check_positive_integer(max_npixels, "max_npixels")
        labels, sources = _without_large(labels, sources, most, n_threads)
    if len(sources) == 0:
        warn_of_no_sources(npixels, max_npixels)
        return None
    return SegmentationImage.from_labels(labels, sources=sources)


def warn_of_no_sources(npixels: int, max_npixels: int | None) -> None:
    """Warn that no source of so many pixels was found."""
    wanted = f"{npixels}" if max_npixels is None else f"{npixels} to {max_npixels}"
    warnings.warn(
        f"No sources were found: no {wanted} connected pixels are above the threshold; "
        "lower the threshold or npixels",
        NoDetectionsWarning,
        stacklevel=find_stack_level(),
    )


def detect_in_stack(
    data: Any,
    threshold: Any,
    mask: Any,
    npixels: int,
    connectivity: int,
    n_images: int,
    n_threads: int | None = None,
    max_npixels: int | None = None,
) -> tuple[Any, Sources]:
    """Label the sources of equal images, one below the other, of which none is in two.

    Parameters
    ----------
    data : array of float32 or float64, shape (n_images * ny, nx), C-contiguous
        The images.
    threshold : array of float32 or float64, shape () or that of ``data``
        As for `detect_sources`; nowhere negative.
    mask : array of bool, of the shape of ``data``, or None
        True for pixels to leave out.
    npixels, connectivity, n_threads, max_npixels
        As for `detect_sources`, checked.
    n_images : int
        How many images there are.

    Returns
    -------
    labels : array of int32, of the shape of ``data``
        The sources, labelled from 1 image by image, in each as by `detect_sources`.
    sources : `~skyshed.sources.Sources`
        Where they are, as in one image of the shape of ``data``.
    """
    stack = (n_images, -1, data.shape[1])
    data, threshold, mask = (
        each if each is None or each.ndim == 0 else each.reshape(stack)
        for each in (data, threshold, mask)
    )
    labels, number, start, pixel, bbox, _ = labelling.sources_above(
        data, threshold, mask, npixels, connectivity, n_threads
    )
    labels = labels.reshape(-1, data.shape[2])
    sources = Sources(number, start, pixel, bbox, labels.shape)
    if max_npixels is not None:
        labels, sources = _without_large(labels, sources, max_npixels, n_threads)
    return labels, sources


def _without_large(
    labels: Any, sources: Sources, most: int, n_threads: int | None
) -> tuple[Any, Sources]:
    """Drop the sources of more than so many pixels, and number the others anew."""
    kept = np.flatnonzero(sources.host.area <= most)
    if kept.size == len(sources):
        return labels, sources
    number = np.zeros(len(sources) + 1, np.int32)
    number[kept + 1] = np.arange(1, kept.size + 1)
    names = like(number[kept + 1], labels)
    labels = labelling.relabel(labels, like(number, labels), n_threads)
    rows = sources.take(kept)
    return labels, Sources(names, rows.start, rows.pixel, rows.bbox, rows.shape)


def _as_threshold(threshold: Any, dtype: Any, shape: tuple[int, int], xp: Any) -> Any:
    """Return the threshold in the dtype in which NumPy would compare it with data of ``dtype``.

    So a Python float is rounded to the dtype of data that are floats.
    """
    if np.ndim(threshold) == 0:
        if xp.asarray(threshold).dtype.kind not in "fiub":
            raise TypeError(f"threshold must be a real number or an image, got {threshold!r}")
        dtype = np.result_type(dtype if dtype.kind == "f" else xp.float64, threshold)
        threshold = xp.asarray(threshold, dtype=dtype)
        return threshold.astype(xp.float32 if dtype.itemsize <= 4 else xp.float64)
    return as_image(threshold, "threshold", xp, shape=shape)


def _warn_of_negative(threshold: Any, n_negative: int) -> None:
    """Warn of thresholds below 0, an array of shape () or that of the image."""
    what = (
        f"is negative ({threshold})"
        if threshold.ndim == 0
        else (f"has {n_negative} negative value(s)")
    )
    warnings.warn(
        f"threshold {what}: pixels of zero or negative value can become part of sources, and "
        "SourceCatalog counts negative values as zero in the moments",
        AstropyUserWarning,
        stacklevel=find_stack_level(),
    )
