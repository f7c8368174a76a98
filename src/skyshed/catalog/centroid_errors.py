"""Errors of the centres of mass."""

from typing import Any

import numpy as np

from skyshed.catalog.registry import SEGMENT, Column, measurement
from skyshed.kernels import centroids


def errors_of(covariance: Any) -> tuple[Any, Any, Any]:
    """Return the errors of (x, y), of x and of y.

    Parameters
    ----------
    covariance : array of float64, shape (n, 3)
        The variances of x and y, and their covariance.
    """
    errors = np.sqrt(covariance[:, :2])
    return errors, errors[:, 0].copy(), errors[:, 1].copy()


@measurement(
    Column("_centroid_cov", "pix2", "Variances of x and y of the centroid, and their covariance."),
    geometry=True,
    reach=SEGMENT,
)
def _centroid_covariance(frame: Any, sources: Any, moments: Any, n_threads: int | None) -> Any:
    if frame.error is None:
        return frame.xp.full((len(sources), 3), np.nan)
    return centroids.covariance(
        sources, frame.error, frame.shape_data, frame.mask, moments, n_threads
    )


@measurement(
    Column("centroid_err", "", "1-sigma errors of centroid.", requires=("error",)),
    Column(
        "xcentroid_err", "", "1-sigma error of xcentroid.", "x_centroid_err", requires=("error",)
    ),
    Column(
        "ycentroid_err", "", "1-sigma error of ycentroid.", "y_centroid_err", requires=("error",)
    ),
    geometry=True,
)
def centroid_errors(_centroid_cov: Any) -> Any:
    """Take the roots of the variances."""
    return errors_of(_centroid_cov)
