"""Errors of centres of mass on the CPU: row sums, then their sum, about the source's own centre."""

import math

import numpy as np

from skyshed.kernels.centroids import PIXEL_VARIANCE
from skyshed.kernels.threads import jit, run_ranges

#: Sources per range of work.
SOURCES = 256


@jit
def _floored(xx, yy, xy, least):
    """Raise the variance along each principal axis to ``least``; the axes stay."""
    half, root = 0.5 * (xx + yy), math.hypot(0.5 * (xx - yy), xy)
    large = half + root
    small = (xx * yy - xy * xy) / large if half > 0.0 else half - root
    if large < least:
        return least, least, 0.0
    if not (small < least and math.isfinite(small) and math.isfinite(large)):
        return xx, yy, xy
    # (large - C) / (large - small) projects on the minor axis.
    lift = (least - small) / (large - small)
    return xx + lift * (large - xx), yy + lift * (large - yy), xy - lift * xy


@jit
def _sums(pixel, begin, end, nx, y0, x0, error, image, mask, masked, xcen, ycen):
    """Return the sum of the variances, and their moments xx, yy and xy about the centre."""
    total = xx = yy = xy = 0.0
    s0 = s1 = s2 = dy = 0.0
    row_end = 0
    for j in range(begin, end):
        p = pixel[j]
        if p >= row_end:
            total, xx, yy, xy = total + s0, xx + s2, yy + dy * dy * s0, xy + dy * s1
            s0 = s1 = s2 = 0.0
            row_end = (p // nx + 1) * nx
            dy = (p // nx - y0) - ycen
        if (masked and mask[p]) or not 0 < image[p] < np.inf:
            continue
        variance = np.float64(error[p])
        variance *= variance
        dx = (p - (row_end - nx) - x0) - xcen
        s0 += variance
        s1 += variance * dx
        s2 += variance * dx * dx
    return total + s0, xx + s2, yy + dy * dy * s0, xy + dy * s1


@jit
def _covariance(
    pixel, start, order, bbox, nx, error, image, mask, masked, moments, out, k0, k1
):  # fmt: skip
    for k in range(k0, k1):
        i = order[k]
        flux = moments[i, 0, 0]
        if not 0.0 < flux < np.inf:
            out[i] = math.nan
            continue
        total, xx, yy, xy = _sums(
            pixel, start[i], start[i + 1], nx, bbox[i, 0], bbox[i, 2], error, image, mask, masked,
            moments[i, 0, 1] / flux, moments[i, 1, 0] / flux,
        )  # fmt: skip
        norm = 1.0 / (flux * flux)
        out[i, 0], out[i, 1], out[i, 2] = _floored(
            xx * norm, yy * norm, xy * norm, total * PIXEL_VARIANCE * norm
        )


def covariance(sources, error, image, mask, moments, n_threads):
    """Propagate per source; see the contract in `skyshed.kernels.centroids`."""
    masked = mask is not None
    mask = mask.reshape(-1) if masked else np.zeros(1, bool)
    error, image, order, nx = error.reshape(-1), image.reshape(-1), sources.order, image.shape[1]
    out = np.empty((len(sources), 3))
    run_ranges(
        lambda k0, k1: _covariance(
            sources.pixel, sources.start, order, sources.bbox, nx, error, image, mask, masked,
            moments, out, k0, k1,
        ),
        len(sources), n_threads, SOURCES,
    )  # fmt: skip
    return out
