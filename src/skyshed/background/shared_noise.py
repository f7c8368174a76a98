"""Noise that two bands have in common, and what convolution makes of the correlation of noise.

Sources that are too faint to be detected are noise of the same sign in all bands; so is what
bands that were resampled together, or corrected by the same frame, have in common.
"""

from typing import Any

import numpy as np

from skyshed.background.noise_correlation import (
    LAGS,
    LEAST_PIXELS,
    NOT_GOOD,
    STEPS,
    at_a_time,
    products_of_pairs,
    square_of,
    usual_means,
)

__all__ = ["shared_correlation", "shared_sums", "smoothed"]

#: Lags are left out by which less than this share of a kernel's correlation with another lies.
NEGLIGIBLE = 1e-3


def shared_sums(one: Any, other: Any) -> Any:
    """Add up the products of pixels of one band and of another in the same boxes, for each lag.

    Pixels count that are good in both bands.

    Parameters
    ----------
    one, other : array of int16, shape (n, height, width)
        Deviations of `skyshed.background.noise_correlation.pair_sums`.

    Returns
    -------
    sums : array of float64, shape (n, 5 + 2 m)
        Whole numbers: the good pixels, the sum of their deviations in each band, that of their
        squares; for each of the m `LAGS` the sum of the products of pairs, in both directions, and
        for each the number of pairs in both directions.
    """
    sums = np.empty((len(one), 5 + 2 * len(LAGS)))
    for some in at_a_time(len(one), one.shape[1:]):
        good = (one[some] != NOT_GOOD) & (other[some] != NOT_GOOD)
        first, second = (np.where(good, each[some], 0).astype(float) for each in (one, other))
        count = good.astype(float)
        totals = (each.sum((1, 2)) for each in (count, first, second, first**2, second**2))
        products, pairs = (
            sum(products_of_pairs(*each)) for each in ((first, second), (count, count))
        )
        sums[some] = np.column_stack([*totals, products, pairs])
    return sums


def shared_correlation(sums: Any, off: Any) -> Any:
    """Return the correlation of the noise of two bands by how far pixels are apart.

    It is the part of it that is the same in opposite directions, which is what sums over apertures
    depend on. How the means of boxes scatter about the background together comes back as in
    `skyshed.background.noise_correlation.correlation_of`.

    Parameters
    ----------
    sums : array of float64, shape (n, 5 + 2 m)
        Those of `shared_sums`, of boxes in a fixed order.
    off : array of float64, shape (n, 2)
        How far the background that was subtracted from each box of each band lies above the final
        one, in units of its noise.

    Returns
    -------
    correlation : array of float64, shape (2 LARGEST_LAG + 1, 2 LARGEST_LAG + 1), or None
        In the middle that of the same pixel in both bands. `None` where fewer than `LEAST_PIXELS`
        are good in both.
    """
    n = len(LAGS)
    count, total, squares, products, pairs = np.split(sums, [1, 3, 5, 5 + n], axis=1)
    if count.sum() < LEAST_PIXELS:
        return None
    mean = total / np.maximum(count, 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        covariance = (products - pairs * mean[:, :1] * mean[:, 1:]).sum(0) / pairs.sum(0)
    variance = (squares - count * mean**2).sum(0) / count.sum()
    means = (mean + STEPS * off)[count[:, 0] > 0]
    usual = usual_means(means[:, 0]) & usual_means(means[:, 1])
    if np.count_nonzero(usual) > 1:
        about = means[usual] - means[usual].mean(0)
        first, second = about.T
        degrees = len(about) - 1
        variance += (about**2).sum(0) / degrees
        covariance += (first * second).sum() / degrees
    if not (variance > 0).all():
        return None
    return square_of(covariance / np.sqrt(variance[0] * variance[1]), count.sum())


def smoothed(correlation: Any, kernel: Any, other: Any) -> Any:
    r"""Return the covariance of the noise of convolved images by how far pixels are apart.

    .. math:: \rho'(d) = \sum_{u, v} K_1(u) K_2(v) \rho(d + u - v)

    for images that were convolved with :math:`K_1` and :math:`K_2`.

    Parameters
    ----------
    correlation : array of float, shape (m, m)
        That of the noise before, of one image or between two; m is odd.
    kernel, other : arrays of float, odd squares
        What the images were convolved with.

    Returns
    -------
    covariance : array of float64, shape (k, k)
        In units of the variance before, out to where less than `NEGLIGIBLE` of the kernels reaches.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.background.shared_noise import smoothed
    >>> smoothed(np.ones((1, 1)), np.full((1, 1), 2.0), np.ones((1, 1)))
    array([[2.]])
    >>> box = np.full((3, 3), 1 / 9)
    >>> print(smoothed(np.ones((1, 1)), box, box).round(3)[2])
    [0.037 0.074 0.111 0.074 0.037]
    """
    kernels = _trimmed(_convolved(np.asarray(kernel)[::-1, ::-1], np.asarray(other)))
    found = _convolved(np.asarray(correlation), kernels)
    # Opposite lags count alike in any aperture.
    return (found + found[::-1, ::-1]) / 2


def _trimmed(square: Any) -> Any:
    """Return the middle of a square that has all but a negligible share of it."""
    half = len(square) // 2
    distance = np.abs(np.arange(len(square)) - half)
    beyond = np.maximum(distance[:, None], distance)
    share = np.bincount(beyond.ravel(), np.abs(square).ravel())
    left = np.cumsum(share[::-1])[::-1]  # what lies so far out, or farther
    reach = int(np.count_nonzero(left > NEGLIGIBLE * left[0])) - 1
    return square[half - reach : half + reach + 1, half - reach : half + reach + 1]


def _convolved(one: Any, other: Any) -> Any:
    """Return the whole convolution of two squares."""
    side = len(one) + len(other) - 1
    product = np.fft.rfft2(one, (side, side)) * np.fft.rfft2(other, (side, side))
    return np.fft.irfft2(product, (side, side))
