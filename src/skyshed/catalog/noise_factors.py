"""What the correlation of the noise makes of the errors of fluxes and positions.

The autocorrelation of the weights of a sum depends on the size and the shape of its aperture alone.
That of an ellipse is the lens that it has in common with itself, shifted; it is that of a circle
once lengths are measured in its semi-axes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from skyshed.background.noise_correlation import covariance_factor, variance_factor

__all__ = [
    "SmoothedNoise",
    "errors_in_ellipses",
    "errors_in_segments",
    "errors_of_sums",
    "of_ellipses",
    "of_positions",
    "of_segments",
    "shared_in_ellipses",
]


@dataclass(frozen=True)
class SmoothedNoise:
    """The noise of an image that was convolved; its errors are those of pixels before it was.

    Attributes
    ----------
    covariance : tuple of tuple of float
        That of its pixels by how far they are apart, in units of their variance before; of
        `skyshed.background.shared_noise.smoothed`.
    per_flux : float
        The variance that the light of a source adds to a sum, for each unit of its flux: the
        errors of pixels are without it.
    """

    covariance: tuple[tuple[float, ...], ...]
    per_flux: float


def errors_of_sums(
    variance: Any,
    flux: Any,
    noise_correlation: Any,
    smoothed_noise: SmoothedNoise | None,
    factors: Callable[[Any], Any],
) -> Any:
    """Return the errors of fluxes.

    Convolution makes the noise of the sky in an aperture smaller, since some goes out over the rim
    and other noise comes in, of which sums are not the same. The light of a source is at the center
    and stays in: its noise is counted as if it had not been convolved.

    Parameters
    ----------
    variance : array, shape (n,)
        Sums of the squared errors of pixels.
    flux : array, shape (n,)
        The fluxes.
    noise_correlation : tuple of tuple of float, or None
        Of the pixels, before any convolution.
    smoothed_noise : SmoothedNoise or None
        Of an image that was convolved.
    factors : callable
        Returns what a correlation of pixels makes of the variances of these sums.
    """
    if smoothed_noise is None:
        return np.sqrt(variance * factors(noise_correlation))
    sky = variance * factors(smoothed_noise.covariance)
    light = np.fmax(flux, 0.0) * smoothed_noise.per_flux
    return np.sqrt(sky + light * factors(noise_correlation))


def errors_in_ellipses(
    variance: Any,
    flux: Any,
    ellipses: Any,
    noise_correlation: Any,
    smoothed_noise: SmoothedNoise | None,
) -> Any:
    """Return `errors_of_sums` over ellipses, which are given as for `of_ellipses`."""
    return errors_of_sums(
        variance, flux, noise_correlation, smoothed_noise,
        lambda correlation: of_ellipses(correlation, ellipses),
    )  # fmt: skip


def errors_in_segments(
    variance: Any,
    flux: Any,
    area: Any,
    shape: tuple[Any, Any, Any],
    noise_correlation: Any,
    smoothed_noise: SmoothedNoise | None,
) -> Any:
    """Return `errors_of_sums` over segments of some areas.

    ``shape`` is ``semimajor_sigma``, ``semiminor_sigma`` and ``orientation``, as of `of_segments`.
    """
    if noise_correlation is None:
        return np.sqrt(variance)
    return errors_of_sums(
        variance, flux, noise_correlation, smoothed_noise,
        lambda correlation: of_segments(correlation, area, *shape),
    )  # fmt: skip


def of_ellipses(noise_correlation: Any, ellipses: Any) -> Any:
    """Return the factors of the variances of sums over ellipses.

    Parameters
    ----------
    noise_correlation : tuple of tuple of float, or None
        See `skyshed.background.noise_correlation.correlation_of`.
    ellipses : array of float64, shape (n, 5)
        ``x, y, a, b, theta``, the angle in radians.
    """
    return variance_factor(noise_correlation, _overlap_of(ellipses), len(ellipses))


def shared_in_ellipses(covariance: Any, ellipses: Any) -> Any:
    """Return the covariances of sums over ellipses in two images over those of independent noise.

    Parameters
    ----------
    covariance : array of float, shape (m, m)
        That of the pixels of both, of `skyshed.background.shared_noise.smoothed`.
    ellipses : array of float64, shape (n, 5)
        As for `of_ellipses`.
    """
    return covariance_factor(covariance, _overlap_of(ellipses), len(ellipses))


def _overlap_of(ellipses: Any) -> Callable[[int, int], Any]:
    """Return what gives the share of ellipses that they have in common with themselves, shifted."""
    _, _, a, b, theta = np.asarray(ellipses, float).T
    cos, sin = np.cos(theta), np.sin(theta)

    def overlap(dy: int, dx: int) -> Any:
        with np.errstate(divide="ignore", invalid="ignore"):
            half = np.hypot((dx * cos + dy * sin) / a, (dy * cos - dx * sin) / b) / 2
        half = np.where(half < 1, half, 1.0)
        return 2 / np.pi * (np.arccos(half) - half * np.sqrt(1 - half * half))

    return overlap


def of_segments(
    noise_correlation: Any, area: Any, semimajor_sigma: Any, semiminor_sigma: Any, orientation: Any
) -> Any:
    """Return the factors of sums over segments: of ellipses of their area and shape."""
    with np.errstate(divide="ignore", invalid="ignore"):
        axis_ratio = semiminor_sigma / semimajor_sigma
        axis_ratio = np.where(axis_ratio > 0, axis_ratio, 1.0)
        a = np.sqrt(area / (np.pi * axis_ratio))
    theta = np.deg2rad(np.where(np.isfinite(orientation), orientation, 0.0))
    zero = np.zeros_like(a)
    return of_ellipses(noise_correlation, np.column_stack([zero, zero, a, a * axis_ratio, theta]))


def of_positions(noise_correlation: Any, sigma: Any) -> tuple[Any, Any]:
    """Return the factors of the variances of x and of y of centroids in Gaussian windows.

    The weights are ``x exp(-r^2 / 2 sigma^2)``, of which the autocorrelation at (dy, dx) is
    ``(1 - dx^2 / 2 sigma^2) exp(-d^2 / 4 sigma^2)`` of that at 0.

    Parameters
    ----------
    noise_correlation
        As for `of_ellipses`.
    sigma : array of float64, shape (n,)
        Of the windows, in pixels.
    """
    with np.errstate(divide="ignore"):
        rate = 1 / np.square(sigma)

    def overlap(along: int, across: int) -> Any:
        return (1 - along**2 * rate / 2) * np.exp(-(along**2 + across**2) * rate / 4)

    n = len(rate)
    return (
        variance_factor(noise_correlation, lambda dy, dx: overlap(dx, dy), n),
        variance_factor(noise_correlation, overlap, n),
    )
