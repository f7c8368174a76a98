"""The covariances that errors of centroids are made of, and the ellipses that they make.

In noise whose correlation is known they follow from it. Else they are photutils' and
SourceExtractor's, of independent pixels.
"""

import math
from typing import Any

import numpy as np

from skyshed.catalog import noise_factors
from skyshed.catalog.centroids import window_sigma
from skyshed.catalog.registry import Column, measurement
from skyshed.kernels.centroids import STRIDE

#: The least curvature of the light in a window that a noisy source is taken to have; a point has 1.
#: So errors are at most twice those of a Gaussian of the window's width.
LEAST_CURVATURE = 0.25


@measurement(
    Column("_centroid_noise_cov", "pix2", "_centroid_cov in correlated noise."), geometry=True
)
def _of_centroids(_centroid_cov: Any, equivalent_radius: Any, noise_correlation: Any) -> Any:
    """Scale the variances; a disk is like a Gaussian of its sigma."""
    if noise_correlation is None:
        return _centroid_cov
    return _centroid_cov * _factors(noise_correlation, equivalent_radius / math.sqrt(2))


@measurement(
    Column("_centroid_win_noise_cov", "pix2", "_centroid_win_cov in correlated noise."),
    geometry=True,
)
def _of_windows(
    _centroid_win_cov: Any,
    _centroid_win_light: Any,
    _half_light_radius: Any,
    noise_correlation: Any,
) -> Any:
    r"""Propagate the noise through the search for the place that the window's light balances in.

    At rest :math:`\sum w (\mathbf{r} - \mathbf{c}) I = 0`, so that noise which adds
    :math:`\mathbf{n}` to the left moves :math:`\mathbf{c}` by :math:`(F D)^{-1} \mathbf{n}` with
    :math:`F = \sum w I` and the curvature :math:`D = 1 - M / \sigma^2`, where :math:`M` are the
    means of the products of coordinates of the light in the window. (By differentiation; for a
    Gaussian as wide as the window D is 1/2, which is the factor 2 that SourceExtractor's
    ERRAWIN_IMAGE has for all.) Nothing is added for the extent of pixels.
    """
    if noise_correlation is None:
        return _centroid_win_cov
    sigma = window_sigma(_half_light_radius)
    factors = _factors(noise_correlation, sigma)
    propagated = _propagated(_centroid_win_cov, _centroid_win_light, sigma)
    known = np.isfinite(propagated).all(axis=1, keepdims=True)
    return np.where(known, propagated, _centroid_win_cov) * factors


def _factors(noise_correlation: Any, sigma: Any) -> Any:
    """Return the factors of the variances of x and y, and of their covariance."""
    x, y = noise_factors.of_positions(noise_correlation, sigma)
    return np.stack([x, y, np.sqrt(x * y)], axis=-1)


def _propagated(covariance: Any, light: Any, sigma: Any) -> Any:
    """Return the covariance in independent noise; NaN where the search failed."""
    of_pixels = light[:, 3]
    noise = _matrices(covariance[:, 0] - of_pixels, covariance[:, 1] - of_pixels, covariance[:, 2])
    curvature = np.eye(2) - _matrices(*light.T[:3]) / np.square(sigma)[:, None, None]
    inverse = np.full_like(noise, np.nan)
    known = np.isfinite(curvature).all(axis=(1, 2))
    values, vectors = np.linalg.eigh(curvature[known])
    values = np.clip(values, LEAST_CURVATURE, 1.0)[:, None, :]
    inverse[known] = vectors / values @ vectors.swapaxes(1, 2)
    moved = inverse @ noise @ inverse / STRIDE**2
    return np.stack([moved[:, 0, 0], moved[:, 1, 1], moved[:, 0, 1]], axis=-1)


def _matrices(xx: Any, yy: Any, xy: Any) -> Any:
    """Return the symmetric matrices of these elements, shape (n, 2, 2)."""
    return np.stack([np.stack([xx, xy], axis=-1), np.stack([xy, yy], axis=-1)], axis=-2)


def _columns(of: str) -> tuple[Column, Column, Column]:
    """Return the columns of the ellipse of the errors of a centroid."""
    return (
        Column(
            f"{of}_err_semimajor",
            "pix",
            f"1-sigma error of {of} along the major axis of its error ellipse (SourceExtractor's "
            "ERRA_IMAGE and ERRAWIN_IMAGE).",
            requires=("error",),
            ucd="stat.error;phys.size.smajAxis",
        ),
        Column(
            f"{of}_err_semiminor",
            "pix",
            f"1-sigma error of {of} along the minor axis of its error ellipse.",
            requires=("error",),
            ucd="stat.error;phys.size.sminAxis",
        ),
        Column(
            f"{of}_err_orientation",
            "deg",
            f"Angle of the major axis of the error ellipse of {of} from x towards y, in (-90, 90].",
            requires=("error",),
            ucd="stat.error;pos.posAng",
        ),
    )


def ellipse_of(covariance: Any) -> tuple[Any, Any, Any]:
    """Return the semi-axes and the angle, in degrees, of error ellipses.

    Parameters
    ----------
    covariance : array of float64, shape (n, 3)
        The variances of x and y, and their covariance.
    """
    xx, yy, xy = covariance.T
    mean, half = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    angle = np.rad2deg(0.5 * np.arctan2(2 * xy, xx - yy))
    # Rounding may leave the smaller eigenvalue below 0.
    return np.sqrt(mean + half), np.sqrt(np.maximum(mean - half, 0.0)), angle


@measurement(*_columns("centroid"), geometry=True)
def centroid_error_ellipse(_centroid_noise_cov: Any) -> Any:
    """Take the axes."""
    return ellipse_of(_centroid_noise_cov)


@measurement(*_columns("centroid_win"), geometry=True)
def windowed_error_ellipse(_centroid_win_noise_cov: Any) -> Any:
    """Take the axes."""
    return ellipse_of(_centroid_win_noise_cov)
