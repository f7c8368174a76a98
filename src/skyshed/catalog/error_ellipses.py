"""The ellipses that the errors of positions make: SourceExtractor's ERRA, ERRB and ERRTHETA."""

from typing import Any

import numpy as np

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
