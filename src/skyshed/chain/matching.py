"""The kernels that bring bands to the seeing of the worst one."""

import math
from typing import Any

import numpy as np

__all__ = ["extent_of", "kernel_between", "kernel_of_widths", "matching_kernel", "moffat"]

#: The FWHM of a Gaussian over its standard deviation.
GAUSSIAN_FWHM = 2 * math.sqrt(2 * math.log(2))
#: How many standard deviations the kernel reaches: 3e-4 of a Gaussian lies beyond.
REACH = 4.0
#: Weight of the smoothness of a kernel between two PSFs (`pypher`'s default, Boucaud et al. 2016).
SMOOTHNESS = 1e-4
#: How many FWHM of the worse seeing kernels between Moffat profiles reach (with exponents from 3,
#: what is beyond makes 0.006 mag of colors), and points along each axis of one of their pixels.
WIDTHS, POINTS = 3.0, 5
#: Gaussians that are narrower, in pixels, have another variance where they are sampled.
LEAST_SAMPLED = 0.7


def matching_kernel(fwhm: float) -> Any:
    """Return a Gaussian as values at the centers of pixels, normalised.

    Images hold sums over pixels already: a kernel of such sums would blur by a pixel once more.

    Parameters
    ----------
    fwhm : float
        In pixels; 0 is no convolution.

    Returns
    -------
    kernel : array of float64, shape (2 n + 1, 2 n + 1)
        Its variance is that of the Gaussian to 1 %. Where that is too narrow to be sampled, the
        kernel has three rows and columns, and this variance.

    Examples
    --------
    >>> from skyshed.chain.matching import matching_kernel
    >>> matching_kernel(0).tolist(), matching_kernel(2.0).shape
    ([[1.0]], (9, 9))
    """
    sigma = fwhm / GAUSSIAN_FWHM
    if sigma == 0:
        line = np.ones(1)
    elif sigma < LEAST_SAMPLED:
        line = np.array([sigma**2 / 2, 1 - sigma**2, sigma**2 / 2])
    else:
        half = math.ceil(REACH * sigma)
        line = np.exp(-0.5 * (np.arange(-half, half + 1) / sigma) ** 2)
    kernel = np.outer(line, line)
    return kernel / kernel.sum()


def moffat(fwhm: float, beta: float, half: int) -> Any:
    """Return a Moffat profile of flux 1 as sums over pixels; what is beyond the image is missing.

    Parameters
    ----------
    fwhm : float
        In pixels.
    beta : float
        The exponent, above 1.
    half : int
        The image has ``2 half + 1`` rows and columns; the profile is at its center.

    Examples
    --------
    >>> from skyshed.chain.matching import moffat
    >>> print(f"{moffat(3.0, 3.5, 12).sum():.3f}")
    0.999
    """
    scale = fwhm / (2 * math.sqrt(math.expm1(math.log(2) / beta)))
    at = (np.arange((2 * half + 1) * POINTS) + 0.5) / POINTS - 0.5 - half
    points = np.exp(-beta * np.log1p((at[:, None] ** 2 + at**2) / scale**2))
    pixels = points.reshape(2 * half + 1, POINTS, 2 * half + 1, POINTS).mean((1, 3))
    return pixels * (beta - 1) / (math.pi * scale**2)


def kernel_of_widths(fwhm: float, worse: float, beta: float) -> Any:
    """Return the kernel that makes of one seeing another, of PSFs of the same shape.

    Parameters
    ----------
    fwhm, worse : float
        Full widths at half maximum in pixels; ``worse`` is not the smaller one.
    beta : float
        The exponent of the Moffat profiles, above 1; infinite for Gaussians.

    Returns
    -------
    kernel : array of float64, shape (2 n + 1, 2 n + 1)
        Its sum is 1; between Moffat profiles it has what is within `WIDTHS` of the worse FWHM.

    Examples
    --------
    >>> from skyshed.chain.matching import kernel_of_widths
    >>> kernel_of_widths(3.0, 3.0, 3.5).tolist(), kernel_of_widths(3.0, 4.0, 3.5).shape
    ([[1.0]], (25, 25))
    """
    if math.isinf(beta) or fwhm == worse:
        return matching_kernel(math.sqrt(worse**2 - fwhm**2))
    half = math.ceil(WIDTHS * worse)
    one, other = (moffat(each, beta, half) for each in (fwhm, worse))
    return kernel_between(one, other)


def extent_of(psf: Any) -> float:
    """Return the area in pixels that a PSF is as noisy as: 1 / sum(p**2), where its sum is 1.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.chain.matching import extent_of
    >>> print(extent_of(np.ones((3, 3))))
    9.0
    """
    return float(np.sum(psf) ** 2 / np.sum(np.square(psf)))


def kernel_between(psf: Any, worse: Any) -> Any:
    """Return the kernel that makes of one PSF another, wider one.

    In Fourier space it is ``conj(P) W / (abs(P)**2 + m abs(L)**2)`` for PSFs ``P`` and ``W`` and a
    Laplacian ``L``: the smoothest kernel that fits (Boucaud et al. 2016, A&A 596, A63, eq. 12).
    Both are brought to their centers of mass first, so that the kernel moves nothing.

    Parameters
    ----------
    psf, worse : array of float, both sizes odd
        Images of PSFs, on any scale.

    Returns
    -------
    kernel : array of float64, shape (n, n)
        n is the largest size. Its sum is 1; elements may be negative.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.chain.matching import kernel_between, matching_kernel
    >>> kernel = kernel_between(matching_kernel(3.0), matching_kernel(5.0))
    >>> same = matching_kernel(4.0)  # 3**2 + 4**2 = 5**2
    >>> half = len(same) // 2, len(kernel) // 2
    >>> print(np.abs(same - kernel[half[1] - half[0] : half[1] + half[0] + 1,
    ...              half[1] - half[0] : half[1] + half[0] + 1]).max() < 2e-3)
    True
    """
    size = max(*np.shape(psf), *np.shape(worse))
    one, other = (_centered_transform(each, size) for each in (psf, worse))
    laplacian = np.zeros((size, size))
    laplacian[0, 0] = 4.0
    laplacian[[0, 0, 1, -1], [1, -1, 0, 0]] = -1.0
    penalty = SMOOTHNESS * np.abs(np.fft.fft2(laplacian)) ** 2
    kernel = np.fft.ifft2(np.conj(one) * other / (np.abs(one) ** 2 + penalty)).real
    kernel = np.fft.fftshift(kernel)
    return kernel / kernel.sum()


def _centered_transform(psf: Any, size: int) -> Any:
    """Return the Fourier transform of a PSF around its center of mass, on a grid of so many."""
    psf = np.asarray(psf, np.float64)
    psf = psf / psf.sum()
    (ny, nx), grid = psf.shape, np.zeros((size, size))
    grid[:ny, :nx] = psf
    y, x = np.indices(psf.shape)
    frequency = np.fft.fftfreq(size)
    turn = frequency[:, None] * np.sum(psf * y) + frequency * np.sum(psf * x)
    return np.fft.fft2(grid) * np.exp(2j * np.pi * turn)
