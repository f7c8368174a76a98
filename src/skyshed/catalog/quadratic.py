"""Centroids as the maximum of a quadratic polynomial around the peak."""

from typing import Any

from skyshed.catalog.centroid_errors import errors_of
from skyshed.catalog.registry import SEGMENT, Column, measurement
from skyshed.kernels import centroids


@measurement(
    Column("cutout_centroid_quad", description="(x, y) of centroid_quad, in the cutout."),
    Column("_centroid_quad_cov", "pix2", "Variances of x and y of centroid_quad, and covariance."),
    Column(
        "centroid_quad_fallback",
        description="Whether centroid_quad is the peak, the plain centroid, or NaN.",
    ),
    geometry=True,
    reach=SEGMENT,
)
def quadratic_centroid(
    frame: Any,
    sources: Any,
    _high_at: Any,
    cutout_centroid: Any,
    _centroid_cov: Any,
    n_threads: int | None,
) -> Any:
    """Fit around the brightest pixels."""
    return centroids.quadratic(
        sources,
        frame.data,
        frame.error,
        frame.mask,
        _high_at,
        cutout_centroid,
        _centroid_cov,
        n_threads,
    )


@measurement(
    Column(
        "centroid_quad",
        description="(x, y) of the maximum of a quadratic polynomial fitted to the 3 x 3 pixels "
        "around the peak; the peak where that is at the edge of the bounding box, centroid where "
        "the fit fails.",
    ),
    Column("xcentroid_quad", description="x of centroid_quad.", alias="x_centroid_quad"),
    Column("ycentroid_quad", description="y of centroid_quad.", alias="y_centroid_quad"),
    geometry=True,
)
def quadratic_coordinates(cutout_centroid_quad: Any, _corner: Any) -> Any:
    """Add where the cutout lies."""
    centre = cutout_centroid_quad + _corner[:, ::-1]
    return centre, centre[:, 0].copy(), centre[:, 1].copy()


@measurement(
    Column(
        "centroid_quad_err",
        description="1-sigma errors of centroid_quad; NaN where that is the peak.",
        requires=("error",),
    ),
    Column(
        "xcentroid_quad_err",
        description="1-sigma error of xcentroid_quad.",
        alias="x_centroid_quad_err",
        requires=("error",),
    ),
    Column(
        "ycentroid_quad_err",
        description="1-sigma error of ycentroid_quad.",
        alias="y_centroid_quad_err",
        requires=("error",),
    ),
    geometry=True,
)
def quadratic_errors(_centroid_quad_cov: Any) -> Any:
    """Take the roots of the variances."""
    return errors_of(_centroid_quad_cov)
