"""Centroids in Gaussian windows, as SourceExtractor's XWIN_IMAGE and YWIN_IMAGE."""

import math
from typing import Any

import numpy as np

from skyshed.catalog.apertures import MASKING, place
from skyshed.catalog.centroid_errors import errors_of
from skyshed.catalog.kron import kron_boxes
from skyshed.catalog.radii import _fluxfrac_radius
from skyshed.catalog.reach import enlarged, segment_boxes
from skyshed.catalog.registry import Column, measurement
from skyshed.kernels import centroids

#: The least half-light radius, in pixels, that a window is made for: that of a pixel.
LEAST_RADIUS = 0.5
#: A window is as wide at half its height as the circle that holds half the light.
SIGMAS_PER_RADIUS = 2 / (2 * math.sqrt(2 * math.log(2)))


@measurement(
    Column("_half_light_radius", "pix", "Radius of the circle that holds half of kron_flux."),
    geometry=True,
    reach=kron_boxes,
)
def _half_light_radius(
    frame: Any,
    sources: Any,
    xcentroid: Any,
    ycentroid: Any,
    _kron_major: Any,
    kron_flux: Any,
    local_background: Any,
    apermask_method: str,
    n_threads: int | None,
) -> Any:
    return _fluxfrac_radius(
        frame, sources, xcentroid, ycentroid, _kron_major, kron_flux, local_background, 0.5,
        apermask_method, n_threads,
    )  # fmt: skip


def search_boxes(frame: Any, sources: Any, _centroid_win_beyond: Any) -> Any:
    """Return boxes that are larger than the frame where a search came to its end.

    How far a window moves is known when it has; until then, only that more is needed.
    """
    boxes = segment_boxes(frame, sources)
    (y0, x0), (ny, nx) = frame.origin, frame.shape
    here = np.array([[y0, y0 + ny, x0, x0 + nx]])
    boxes[_centroid_win_beyond] = enlarged(here, max(ny, nx) // 2 + 1)
    return boxes


@measurement(
    Column(
        "centroid_win",
        description="(x, y) of the centroid in a Gaussian window of the half-light radius, as "
        "SourceExtractor's XWIN_IMAGE and YWIN_IMAGE; centroid where that fails, NaN where there "
        "is no half-light radius.",
    ),
    Column("_centroid_win_cov", "pix2", "Variances of x and y of centroid_win, and covariance."),
    Column(
        "centroid_win_fallback", description="Whether centroid_win is no windowed one, or is NaN."
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
    """Let windows of each source's own size find their places."""
    sigma = np.maximum(_half_light_radius, LEAST_RADIUS) * SIGMAS_PER_RADIUS
    return centroids.windowed(
        frame.data,
        frame.error,
        frame.labels,
        frame.mask,
        place(frame),
        sources.labels,
        np.stack([xcentroid, ycentroid, sigma], axis=-1),
        np.stack([cxx, cxy, cyy], axis=-1),
        _centroid_cov,
        MASKING[apermask_method],
        n_threads,
    )


@measurement(
    Column("xcentroid_win", description="x of centroid_win.", alias="x_centroid_win"),
    Column("ycentroid_win", description="y of centroid_win.", alias="y_centroid_win"),
    Column("cutout_centroid_win", description="(x, y) of centroid_win, in the cutout."),
    geometry=True,
)
def windowed_coordinates(centroid_win: Any, _corner: Any) -> Any:
    """Take the coordinates apart."""
    return centroid_win[:, 0].copy(), centroid_win[:, 1].copy(), centroid_win - _corner[:, ::-1]


@measurement(
    Column("centroid_win_err", "", "1-sigma errors of centroid_win.", requires=("error",)),
    Column(
        "xcentroid_win_err",
        description="1-sigma error of xcentroid_win.",
        alias="x_centroid_win_err",
        requires=("error",),
    ),
    Column(
        "ycentroid_win_err",
        description="1-sigma error of ycentroid_win.",
        alias="y_centroid_win_err",
        requires=("error",),
    ),
    geometry=True,
)
def windowed_errors(_centroid_win_cov: Any) -> Any:
    """Take the roots of the variances."""
    return errors_of(_centroid_win_cov)
