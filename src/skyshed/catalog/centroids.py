"""Centroids: centres of mass, maxima of fitted polynomials, and centroids in Gaussian windows.

Each comes with its errors and with its position in the source's cutout.
"""

import math
from typing import Any

import numpy as np

from skyshed.catalog.apertures import MASKING, frame_window
from skyshed.catalog.reach import enlarged, segment_boxes
from skyshed.catalog.registry import SEGMENT, Column, measurement
from skyshed.kernels import centroids, moments

#: The least half-light radius, in pixels, that the Gaussian is scaled to: that of a pixel.
LEAST_RADIUS = 0.5
#: The full width at half maximum of the Gaussian is the diameter of the half-light circle.
SIGMAS_PER_RADIUS = 2 / (2 * math.sqrt(2 * math.log(2)))


@measurement(
    Column(
        "moments",
        description="Moments up to third order: [i, j] is the sum of y**i x**j, from the cutout's "
        "first pixel, over the positive values of the convolved data.",
        ucd="src.morph.param",
    ),
    Column(
        "moments_central",
        description="Moments up to third order about the centroid: [i, j] as y, x.",
        ucd="src.morph.param",
    ),
    geometry=True,
    reach=SEGMENT,
)
def image_moments(frame: Any, sources: Any, n_threads: int | None) -> Any:
    """Sum the moments; a pixel counts if only its ``data``, not its ``convolved_data``, is NaN."""
    return moments.moments(sources, frame.shape_data, frame.input_mask, n_threads)


@measurement(
    Column(
        "cutout_centroid", description="(x, y) of centroid, in the cutout.", ucd="pos;instr.pixel"
    ),
    geometry=True,
)
def cutout_centroid(moments: Any) -> Any:
    """Divide the first moments by the zeroth."""
    with np.errstate(invalid="ignore"):
        first = np.stack([moments[:, 0, 1], moments[:, 1, 0]], axis=-1)
        return first / moments[:, 0, 0, None]


@measurement(
    Column(
        "centroid",
        description="(x, y) of the centre of mass of the positive values of the convolved data.",
        ucd="pos;instr.pixel",
    ),
    Column(
        "xcentroid",
        description="x of centroid in pixels; 0 is the centre of the first pixel.",
        alias="x_centroid",
        ucd="pos.cartesian.x;instr.pixel",
    ),
    Column(
        "ycentroid",
        description="y of centroid in pixels; 0 is the centre of the first pixel.",
        alias="y_centroid",
        ucd="pos.cartesian.y;instr.pixel",
    ),
    geometry=True,
)
def centroid(cutout_centroid: Any, _corner: Any) -> Any:
    """Add the position of the cutout."""
    centre = cutout_centroid + _corner[:, ::-1]
    return centre, centre[:, 0].copy(), centre[:, 1].copy()


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
    Column(
        "centroid_err", "", "1-sigma errors of centroid.", requires=("error",), ucd="stat.error;pos"
    ),
    Column(
        "xcentroid_err",
        "",
        "1-sigma error of xcentroid in pixels.",
        "x_centroid_err",
        requires=("error",),
        ucd="stat.error;pos.cartesian.x",
    ),
    Column(
        "ycentroid_err",
        "",
        "1-sigma error of ycentroid in pixels.",
        "y_centroid_err",
        requires=("error",),
        ucd="stat.error;pos.cartesian.y",
    ),
    geometry=True,
)
def centroid_errors(_centroid_noise_cov: Any) -> Any:
    """Take the square roots of the variances."""
    return errors_of(_centroid_noise_cov)


@measurement(
    Column(
        "cutout_centroid_quad",
        description="(x, y) of centroid_quad, in the cutout.",
        ucd="pos;instr.pixel",
    ),
    Column("_centroid_quad_cov", "pix2", "Variances of x and y of centroid_quad, and covariance."),
    Column(
        "centroid_quad_fallback",
        description="Whether centroid_quad is the peak, the plain centroid, or NaN.",
        ucd="meta.code.qual;pos",
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
    """Fit a polynomial around the brightest pixel of each source."""
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
        ucd="pos;instr.pixel",
    ),
    Column(
        "xcentroid_quad",
        description="x of centroid_quad in pixels; 0 is the centre of the first pixel.",
        alias="x_centroid_quad",
        ucd="pos.cartesian.x;instr.pixel",
    ),
    Column(
        "ycentroid_quad",
        description="y of centroid_quad in pixels; 0 is the centre of the first pixel.",
        alias="y_centroid_quad",
        ucd="pos.cartesian.y;instr.pixel",
    ),
    geometry=True,
)
def quadratic_coordinates(cutout_centroid_quad: Any, _corner: Any) -> Any:
    """Add the position of the cutout."""
    centre = cutout_centroid_quad + _corner[:, ::-1]
    return centre, centre[:, 0].copy(), centre[:, 1].copy()


@measurement(
    Column(
        "centroid_quad_err",
        description="1-sigma errors of centroid_quad; NaN where that is the peak.",
        requires=("error",),
        ucd="stat.error;pos",
    ),
    Column(
        "xcentroid_quad_err",
        description="1-sigma error of xcentroid_quad in pixels.",
        alias="x_centroid_quad_err",
        requires=("error",),
        ucd="stat.error;pos.cartesian.x",
    ),
    Column(
        "ycentroid_quad_err",
        description="1-sigma error of ycentroid_quad in pixels.",
        alias="y_centroid_quad_err",
        requires=("error",),
        ucd="stat.error;pos.cartesian.y",
    ),
    geometry=True,
)
def quadratic_errors(_centroid_quad_cov: Any) -> Any:
    """Take the square roots of the variances."""
    return errors_of(_centroid_quad_cov)


def window_sigma(half_light_radius: Any) -> Any:
    """Return the sigma of the Gaussian windows."""
    return np.maximum(half_light_radius, LEAST_RADIUS) * SIGMAS_PER_RADIUS


def search_boxes(frame: Any, sources: Any, _centroid_win_beyond: Any) -> Any:
    """Return boxes that are larger than the frame where the search left it.

    How far the Gaussian moves is known only afterwards. Until then, all that is known is that the
    frame is too small.
    """
    boxes = segment_boxes(frame, sources)
    (y0, x0), (ny, nx) = frame.origin, frame.shape
    window = np.array([[y0, y0 + ny, x0, x0 + nx]])
    boxes[_centroid_win_beyond] = enlarged(window, max(ny, nx) // 2 + 1)
    return boxes


@measurement(
    Column(
        "centroid_win",
        description="(x, y) of the centroid in a Gaussian window of the half-light radius, as "
        "SourceExtractor's XWIN_IMAGE and YWIN_IMAGE; centroid where that fails, NaN where there "
        "is no half-light radius.",
        ucd="pos;instr.pixel",
    ),
    Column("_centroid_win_cov", "pix2", "Variances of x and y of centroid_win, and covariance."),
    Column("_centroid_win_light", "pix2", "Means of x^2, y^2, x y of the light in the window."),
    Column(
        "centroid_win_fallback",
        description="Whether the search failed: centroid_win is centroid then, or NaN.",
        ucd="meta.code.qual;pos",
    ),
    Column("_centroid_win_beyond", description="Whether the frame was too small for the search."),
    geometry=True,
    reach=search_boxes,
)
def windowed_centroid(
    frame: Any,
    sources: Any,
    xcentroid: Any,
    ycentroid: Any,
    _half_light_radius: Any,
    cxx: Any,
    cxy: Any,
    cyy: Any,
    _centroid_cov: Any,
    apermask_method: str,
    n_threads: int | None,
) -> Any:
    """Move a Gaussian of each source's own size until it is centred on its light."""
    sigma = window_sigma(_half_light_radius)
    return centroids.windowed(
        frame.data,
        frame.error,
        frame.labels,
        frame.mask,
        frame_window(frame, sources),
        sources.labels,
        np.stack([xcentroid, ycentroid, sigma], axis=-1),
        np.stack([cxx, cxy, cyy], axis=-1),
        _centroid_cov,
        MASKING[apermask_method],
        n_threads,
    )


@measurement(
    Column(
        "xcentroid_win",
        description="x of centroid_win in pixels; 0 is the centre of the first pixel.",
        alias="x_centroid_win",
        ucd="pos.cartesian.x;instr.pixel",
    ),
    Column(
        "ycentroid_win",
        description="y of centroid_win in pixels; 0 is the centre of the first pixel.",
        alias="y_centroid_win",
        ucd="pos.cartesian.y;instr.pixel",
    ),
    Column(
        "cutout_centroid_win",
        description="(x, y) of centroid_win, in the cutout.",
        ucd="pos;instr.pixel",
    ),
    geometry=True,
)
def windowed_coordinates(centroid_win: Any, _corner: Any) -> Any:
    """Separate the coordinates, and subtract the position of the cutout."""
    return centroid_win[:, 0].copy(), centroid_win[:, 1].copy(), centroid_win - _corner[:, ::-1]


@measurement(
    Column(
        "centroid_win_err",
        "",
        "1-sigma errors of centroid_win.",
        requires=("error",),
        ucd="stat.error;pos",
    ),
    Column(
        "xcentroid_win_err",
        description="1-sigma error of xcentroid_win in pixels.",
        alias="x_centroid_win_err",
        requires=("error",),
        ucd="stat.error;pos.cartesian.x",
    ),
    Column(
        "ycentroid_win_err",
        description="1-sigma error of ycentroid_win in pixels.",
        alias="y_centroid_win_err",
        requires=("error",),
        ucd="stat.error;pos.cartesian.y",
    ),
    geometry=True,
)
def windowed_errors(_centroid_win_noise_cov: Any) -> Any:
    """Take the square roots of the variances."""
    return errors_of(_centroid_win_noise_cov)
