"""Filters whose result is a significance: matched filters, and the noise that smoothing leaves."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from skyshed._typing import Array, Image, Mask
from skyshed.arguments import as_image, as_mask, check_numbers, check_pixels, split_units
from skyshed.convolution import as_kernel, oversampled_gaussian
from skyshed.kernels import convolution
from skyshed.namespace import array_namespace, on_its_device

__all__ = [
    "gaussian_template",
    "kernel_of_template",
    "matched_filter",
    "most_significant",
    "noise_image",
    "significance_of",
    "smoothed_noise",
]

#: How many standard deviations a Gaussian template reaches: 1 % of its signal lies beyond.
REACH = 3.0
#: A Gaussian's standard deviation over its full width at half maximum.
SIGMA = 1 / (2 * math.sqrt(2 * math.log(2)))


def gaussian_template(fwhm: float) -> Any:
    """Return a Gaussian template, large enough that 1 % of it lies beyond.

    Examples
    --------
    >>> from skyshed.filtering import gaussian_template
    >>> gaussian_template(3.0).shape
    (9, 9)
    """
    size = 2 * math.ceil(REACH * SIGMA * fwhm) + 1
    return oversampled_gaussian(fwhm, (size, size))


@on_its_device
def matched_filter(
    data: Image,
    template: Any,
    error: Image,
    mask: Mask = None,
    *,
    n_threads: int | None = None,
) -> Array:
    """Return the significance of a source of a given shape at each pixel.

    For a template ``T``, data ``D`` and their noise ``s`` it is ``sum(T D / s**2) / sqrt(sum(T**2 /
    s**2))``, over the pixels under the template: the best estimate of the flux of such a source
    over its noise, where the noise of pixels is independent (Turin 1960; Zackay & Ofek 2017, ApJ
    836, 187, eq. 18; Barbary 2016, `sep` with ``filter_type='matched'``).

    Parameters
    ----------
    data : array_like or Quantity, shape (ny, nx)
        The background-subtracted image.
    template : array_like or `~astropy.convolution.Kernel2D`, shape (ky, kx)
        What a source looks like in the image, both sizes odd; on any scale.
    error : float or array_like, shape () or (ny, nx)
        The standard deviation of the background of each pixel, in the unit of ``data``; pixels
        where it is not positive and finite are left out.
    mask : array_like of bool, shape (ny, nx), optional
        True for pixels to leave out.
    n_threads : int, optional
        Threads to use; `None` for all available cores. The result is the same for any number.

    Returns
    -------
    significance : array, shape (ny, nx)
        In units of its standard deviation; NaN in pixels that are left out.

    Raises
    ------
    ValueError
        If shapes or units differ, or the template has an even size or nothing but zeros.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed import matched_filter
    >>> data = np.zeros((5, 5))
    >>> data[1:4, 1:4] = 2
    >>> print(matched_filter(data, np.ones((3, 3)), error=0.5)[2, 2])
    12.0
    """
    (image, noise), _ = split_units(data=data, error=error)
    xp = array_namespace(data=image, error=noise, mask=mask)
    image = as_image(image, "data", xp)
    check_pixels(image, "data")
    shape: tuple[int, int] = image.shape
    noise = noise_image(noise, image, xp)
    hidden = as_mask(mask, "mask", xp, shape=shape)
    kernel = kernel_of_template(template, "template", shape)
    return significance_of(image, noise, hidden, [kernel], n_threads)


def noise_image(error: Any, image: Any, xp: Any) -> Any:
    """Return the noise of each pixel of an image, given one for all or an image of it."""
    if np.ndim(error) == 0:
        value = xp.asarray(check_numbers(error, "error"))
        return xp.ascontiguousarray(xp.broadcast_to(value.astype(image.dtype), image.shape))
    return as_image(error, "error", xp, shape=image.shape)


def kernel_of_template(template: Any, name: str, shape: tuple[int, int]) -> Any:
    """Return the image of a source as a kernel; what is none is refused by its name."""
    wanted = f"{name} must be the image of a source, both sizes odd"
    try:
        sizes = np.shape(getattr(template, "array", template))
        if len(sizes) == 2 and not all(size % 2 for size in sizes):
            raise ValueError(f"its shape is {sizes}")
        values = as_kernel(template, "fill", shape)
    except (ValueError, TypeError) as error:
        raise type(error)(f"{wanted}: {error}") from None
    if not np.isfinite(values).all() or not np.any(values):
        raise ValueError(f"{name} has nothing but zeros, or is not finite: give a source's shape")
    # Convolution turns a kernel round, which is to be laid on the image as it is.
    return values[::-1, ::-1]


def significance_of(
    data: Any, noise: Any, mask: Any, kernels: Iterable[Any], n_threads: int | None
) -> Any:
    """Return the significance of the most significant of several kernels at each pixel.

    Parameters
    ----------
    data, noise : array of float32 or float64, shape (ny, nx)
        The image, and its noise; pixels without noise are left out.
    mask : array of bool, shape (ny, nx), or None
        True for pixels that are left out, too.
    kernels : iterable of array of float64
        Templates, turned round as for a convolution.
    n_threads : int or None

    Returns
    -------
    significance : array of the dtype of ``data``, shape (ny, nx)
        NaN in pixels that are left out. It depends on the pixels under the kernels alone.
    """
    xp = array_namespace(data=data)
    bad = ~((noise > 0) & xp.isfinite(noise) & xp.isfinite(data))
    if mask is not None:
        bad |= mask
    noise = xp.where(bad, data.dtype.type(1), noise)
    # In units of a power of two near the noise, so that squares neither overflow nor lose a bit.
    unit = noise.dtype.type(_unit(noise, bad, xp))
    share = unit / noise
    share *= share
    weighted = data / unit
    weighted *= share
    best: Any = None
    for kernel in kernels:
        signal = _sums(weighted, bad, kernel, n_threads)
        with np.errstate(invalid="ignore"):  # no pixel of weight under the kernel
            signal /= np.sqrt(_sums(share, bad, kernel * kernel, n_threads))
        best = signal if best is None else most_significant(best, signal)
    return best


def most_significant(one: Any, other: Any) -> Any:
    """Return the larger of two images in each pixel, in the place of the first."""
    return np.maximum(one, other, out=one)


def _unit(noise: Any, bad: Any, xp: Any) -> float:
    """Return a power of two near the largest noise."""
    largest = float(xp.max(xp.where(bad, noise.dtype.type(0), noise)))
    return math.ldexp(1.0, math.frexp(largest)[1]) if largest > 0 else 1.0


def _sums(image: Any, bad: Any, kernel: Any, n_threads: int | None) -> Any:
    """Convolve an image, pixels that are left out and those outside counting as 0."""
    return convolution.convolve(image, bad, kernel, "fill", 0.0, False, True, 1.0, n_threads)[0]


def smoothed_noise(noise: Any, mask: Any, kernel: Any, n_threads: int | None) -> Any:
    """Return the noise of an image that `skyshed.convolve` convolved with a normalised kernel.

    Where the noise ``s`` of pixels is independent that is ``sqrt(sum(k**2 s**2))``, over the weight
    that missing pixels leave; what lies outside the image is 0, without noise.

    Parameters
    ----------
    noise : array of float32 or float64, shape (ny, nx)
        That of the image before.
    mask : array of bool, shape (ny, nx), or None
        True for pixels that were missing.
    kernel : array of float64
        Its sum is 1.
    n_threads : int or None

    Returns
    -------
    noise : array of the same dtype, shape (ny, nx)
        NaN in missing pixels.
    """
    xp = array_namespace(noise=noise)
    bad = xp.zeros(noise.shape, dtype=bool) if mask is None else mask
    noise = xp.where(bad, noise.dtype.type(0), noise)
    unit = noise.dtype.type(_unit(noise, bad, xp))
    spread = noise / unit
    spread *= spread
    spread = np.sqrt(_sums(spread, bad, kernel * kernel, n_threads)) * unit
    if mask is not None and bool(xp.any(mask)):
        nothing = xp.zeros_like(bad)
        lost = convolution.convolve(
            bad.astype(noise.dtype), nothing, kernel, "fill", 0.0, False, False, 1.0, n_threads
        )[0]
        with np.errstate(divide="ignore", invalid="ignore"):
            spread /= 1 - lost
    return spread
