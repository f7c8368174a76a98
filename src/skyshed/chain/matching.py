"""The kernel that brings a band to the seeing of a worse one."""

import math
from typing import Any

import numpy as np

__all__ = ["matching_kernel"]

#: The FWHM of a Gaussian over its standard deviation.
GAUSSIAN_FWHM = 2 * math.sqrt(2 * math.log(2))
#: How many standard deviations the kernel reaches: 3e-4 of a Gaussian lies beyond.
REACH = 4.0
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
