"""The ellipses that the errors of positions make: SourceExtractor's ERRA, ERRB and ERRTHETA."""

import math
from typing import Any

import numpy as np

from skyshed.catalog import noise_factors
from skyshed.catalog.centroids import window_sigma
from skyshed.catalog.registry import Column, measurement


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


def ellipse_of(covariance: Any, noise_correlation: Any, sigma: Any) -> tuple[Any, Any, Any]:
    """Return the semi-axes and the angle, in degrees, of error ellipses.

    Parameters
    ----------
    covariance : array of float64, shape (n, 3)
        The variances of x and y, and their covariance, of independent noise.
    noise_correlation, sigma
        As of `skyshed.catalog.centroids.errors_of`.
    """
    x, y = noise_factors.of_positions(noise_correlation, sigma)
    xx, yy, xy = covariance[:, 0] * x, covariance[:, 1] * y, covariance[:, 2] * np.sqrt(x * y)
    mean, half = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    angle = np.rad2deg(0.5 * np.arctan2(2 * xy, xx - yy))
    # Rounding may leave the smaller eigenvalue below 0.
    return np.sqrt(mean + half), np.sqrt(np.maximum(mean - half, 0.0)), angle


@measurement(*_columns("centroid"), geometry=True)
def centroid_error_ellipse(
    _centroid_cov: Any, equivalent_radius: Any, noise_correlation: Any
) -> Any:
    """Take the axes; a disk is like a Gaussian of its sigma."""
    return ellipse_of(_centroid_cov, noise_correlation, equivalent_radius / math.sqrt(2))


@measurement(*_columns("centroid_win"), geometry=True)
def windowed_error_ellipse(
    _centroid_win_cov: Any, _half_light_radius: Any, noise_correlation: Any
) -> Any:
    """Take the axes."""
    return ellipse_of(_centroid_win_cov, noise_correlation, window_sigma(_half_light_radius))
