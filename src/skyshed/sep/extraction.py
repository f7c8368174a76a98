"""Objects of an image as SEP extracts them."""

from typing import Any

import numpy as np

from skyshed.kernels import sep
from skyshed.sep.images import above_threshold, noise_of, on_host
from skyshed.sep.limits import limit_of_pixels

__all__ = ["default_kernel", "extract"]

#: SourceExtractor's default filter.
default_kernel = np.array([[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]])
#: The noise of masked pixels: so much that they count for nothing.
HUGE = 1e30
INTEGERS = frozenset(
    {"npix", "tnpix", "xmin", "xmax", "ymin", "ymax", "xcpeak", "ycpeak", "xpeak", "ypeak"}
)


def _kind(name: str) -> Any:
    return np.int64 if name in INTEGERS else np.short if name == "flag" else np.float64


DTYPE = np.dtype([(name, _kind(name)) for name in sep.COLUMNS])


def extract(
    data: Any, thresh: float, err: Any = None, var: Any = None, gain: float | None = None,
    mask: Any = None, maskthresh: float = 0.0, minarea: int = 5,
    filter_kernel: Any = default_kernel, filter_type: str = "matched",
    deblend_nthresh: int = 32, deblend_cont: float = 0.005,
    clean: bool = True, clean_param: float = 1.0, segmentation_map: Any = None, *,
    n_threads: int | None = None,
) -> Any:  # fmt: skip
    """Detect, deblend, measure and clean objects: SEP's, in its order.

    On the CPU only. Detection and deblending run on one thread, filters on several. For the
    deblending of photutils, on all threads or a GPU, see `skyshed.extract`.

    Parameters
    ----------
    data : array_like, shape (ny, nx)
        The image, its background subtracted. It is measured in float32, as SEP does.
    thresh : float
        The threshold: in units of the noise if there is ``err`` or ``var``, else of ``data``.
    err, var : float or array, shape (ny, nx), optional
        Errors or variances of the pixels; one of them.
    gain : float, optional
        Photons per unit of ``data``: adds Poisson noise to the errors of moments.
    mask, maskthresh : array, shape (ny, nx), and float, optional
        Pixels above the threshold count as 0, with infinite noise.
    minarea : int, optional
        Pixels that an object has at least.
    filter_kernel : array_like, shape (ky, kx), or None, optional
        What the image is filtered with before the detection.
    filter_type : {"matched", "conv"}, optional
        With noise per pixel, whether the filter weighs pixels by it.
    deblend_nthresh : int, optional
        Levels of the deblending.
    deblend_cont : float, optional
        Share of the flux that a part of a blend has at least; 1 switches deblending off.
    clean : bool, optional
        Whether objects that may be bumps in the wings of others are left out.
    clean_param : float, optional
        The exponent of these wings (a Moffat profile's).
    segmentation_map : bool or array of int, shape (ny, nx), optional
        True returns the map of objects, too. An array holds objects that are measured, and nothing
        is detected.
    n_threads : int, optional
        Threads of the filters; `None` for all available cores.

    Returns
    -------
    objects : structured array
        SEP's fields: ``thresh``, ``npix``, ``tnpix``, ``xmin``, ``xmax``, ``ymin``, ``ymax``,
        ``x``, ``y``, ``x2``, ``y2``, ``xy``, ``errx2``, ``erry2``, ``errxy``, ``a``, ``b``,
        ``theta``, ``cxx``, ``cyy``, ``cxy``, ``cflux``, ``flux``, ``cpeak``, ``peak``,
        ``xcpeak``, ``ycpeak``, ``xpeak``, ``ypeak``, ``flag``.
    segmap : array of int32, shape (ny, nx)
        Only with ``segmentation_map``: ``i + 1`` at the pixels of ``objects[i]``.

    Raises
    ------
    TypeError
        If an image does not hold real numbers, or is on a GPU.
    ValueError
        If shapes differ, or a value is not allowed.

    Examples
    --------
    >>> import numpy as np
    >>> import skyshed.sep as sep
    >>> y, x = np.mgrid[:60, :80]
    >>> data = 50 * np.exp(-((x - 20.4) ** 2 + (y - 30.2) ** 2) / 18)
    >>> objects = sep.extract(data, 1.0)
    >>> print(len(objects), round(objects["x"][0], 1), round(objects["y"][0], 1))
    1 20.4 30.2
    """
    image = on_host(data, "sep.extract")
    noise = noise_of(err, var, image.shape)
    if filter_type not in ("matched", "conv"):
        raise ValueError(f"unknown filter_type: {filter_type!r}; it must be 'matched' or 'conv'")
    for name, value in (("minarea", minarea), ("deblend_nthresh", deblend_nthresh)):
        if int(value) != value or value < 1:
            raise ValueError(f"{name} must be a positive integer, got {value!r}")
    masked = above_threshold(mask, maskthresh, image.shape)
    pixels, sigma = _float32(image, masked, 0.0), noise.array
    if sigma is not None:
        sigma = _float32(sigma, masked, HUGE)
    smooth, snr = pixels, None
    if filter_kernel is not None:
        kernel = _normal(filter_kernel)
        smooth = sep.smoothed(pixels, kernel, n_threads)
        if sigma is not None and filter_type == "matched":
            snr = sep.matched(pixels, sigma, noise.is_variance, kernel, n_threads)
    common = sigma, noise.is_variance, noise.number, float(thresh)
    gain = float(gain or 0.0)
    if isinstance(segmentation_map, np.ndarray):
        return _given(pixels, smooth, common, segmentation_map, gain, n_threads)
    table, labels = sep.detect(
        pixels, smooth, snr, *common, limit_of_pixels(), int(minarea), int(deblend_nthresh),
        float(deblend_cont), bool(clean), float(clean_param), gain,
    )  # fmt: skip
    if table is None:
        raise ValueError(
            f"internal pixel buffer full: The limit of {limit_of_pixels()} active object pixels "
            "over the detection threshold was reached. Check that the image is background "
            "subtracted and the detection threshold is not too low, or set no such limit: "
            "set_extract_pixstack(300000)"
        )
    objects = _structured(table)
    return (objects, labels) if segmentation_map else objects


def _float32(image: Any, masked: Any, value: float) -> Any:
    """Return an image as float32, masked pixels as a value; a new array if there are some."""
    pixels = np.ascontiguousarray(image, np.float32)
    return pixels if masked is None else np.where(masked, np.float32(value), pixels)


def _normal(kernel: Any) -> Any:
    """Return a kernel over the sum of its absolute values, added up one by one in float32."""
    kernel = np.ascontiguousarray(kernel, np.float32)
    if kernel.ndim != 2:
        raise ValueError(f"filter_kernel must be 2-D, got shape {kernel.shape}")
    total = np.add.accumulate(np.abs(kernel).ravel(), dtype=np.float32)[-1]
    return kernel / total


def _given(
    pixels: Any,
    smooth: Any,
    common: tuple[Any, bool, float | None, float],
    segments: Any,
    gain: float,
    n_threads: int | None,
) -> tuple[Any, Any]:
    """Measure the objects of a map, by ascending label."""
    if segments.shape != pixels.shape:
        raise ValueError(
            f"size of segmap array must match data: it has {segments.shape}, "
            f"data has {pixels.shape}"
        )
    flat = np.flatnonzero(segments.ravel() > 0)
    _, which, counts = np.unique(segments.ravel()[flat], return_inverse=True, return_counts=True)
    order = flat[np.argsort(which, kind="stable")].astype(np.int64)
    start = np.append(0, np.cumsum(counts)).astype(np.int64)
    table = sep.measure(pixels, smooth, *common, order, start, gain, n_threads)
    numbered = np.zeros(segments.shape, np.int32)
    numbered.ravel()[flat] = which.reshape(-1) + 1
    return _structured(table), numbered


def _structured(table: Any) -> Any:
    objects = np.empty(len(table), DTYPE)
    for k, name in enumerate(sep.COLUMNS):
        objects[name] = table[:, k]
    return objects
