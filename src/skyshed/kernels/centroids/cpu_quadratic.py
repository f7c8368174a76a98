"""Quadratic fits around the peaks on the CPU."""

import math

import numpy as np

from skyshed.kernels.centroids.fits import fits
from skyshed.kernels.threads import jit, run_ranges

#: Sources per range of work.
SOURCES = 256


@jit
def _first_empty(pixel, begin, end, nx, box, mask, masked):
    """Return the first pixel of a bounding box that is masked or not the source's; -1 for none."""
    k = begin
    for row in range(box[0], box[1]):
        for p in range(row * nx + box[2], row * nx + box[3]):
            if k == end or pixel[k] != p or (masked and mask[p]):
                return p
            k += 1
    return -1


@jit
def _peak(pixel, begin, end, nx, box, data, mask, masked, peak):
    """Return the brightest pixel of the box, where what is not the source's counts as 0."""
    if data[peak] > 0:
        return peak
    empty = _first_empty(pixel, begin, end, nx, box, mask, masked)
    if empty < 0 or (data[peak] == 0 and peak < empty):
        return peak
    return empty


@jit
def _fit(data, error, with_error, mask, masked, corner, nx, weights, out):
    """Fit to the box of 3 x 3 pixels from a corner; fill in the maximum about its middle.

    ``out`` is x, y, their variances and covariance. Returns whether there is a maximum; too few
    pixels give coefficients of 0, which have none.
    """
    coefficient, subset = np.zeros(5), 0
    for k in range(9):
        p = corner + k // 3 * nx + k % 3
        if not (masked and mask[p]):
            subset |= 1 << k
    for k in range(9):
        if subset >> k & 1:
            value = np.float64(data[corner + k // 3 * nx + k % 3])
            for i in range(5):
                coefficient[i] += weights[subset, i, k] * value
    bx, by, xy, xx, yy = coefficient
    determinant = 4.0 * xx * yy - xy * xy
    if determinant <= 0.0 or xx > 0.0:
        return False
    x = (by * xy - 2.0 * yy * bx) / determinant
    y = (bx * xy - 2.0 * xx * by) / determinant
    out[0], out[1] = x, y
    out[2:] = 0.0 if with_error else math.nan
    if with_error:
        # The derivatives of the maximum's place by the coefficients, times those by the pixels.
        by_x = (-2.0 * yy, xy, by + 2.0 * xy * x, -4.0 * yy * x, -2.0 * bx - 4.0 * xx * x)
        by_y = (xy, -2.0 * xx, bx + 2.0 * xy * y, -2.0 * by - 4.0 * yy * y, -4.0 * xx * y)
        for k in range(9):
            if subset >> k & 1:
                sigma = np.float64(error[corner + k // 3 * nx + k % 3])
                gx = gy = 0.0
                for i in range(5):
                    gx += by_x[i] / determinant * weights[subset, i, k]
                    gy += by_y[i] / determinant * weights[subset, i, k]
                out[2] += gx * gx * (sigma * sigma)
                out[3] += gy * gy * (sigma * sigma)
                out[4] += gx * gy * (sigma * sigma)
    return True


@jit
def _place(
    pixel, begin, end, nx, box, data, error, with_error, mask, masked, peak, weights, out,
):  # fmt: skip
    """Fill in a source's maximum in its box, or its peak. Returns whether each is there."""
    height, width = box[1] - box[0], box[3] - box[2]
    if peak < 0 or height < 3 or width < 3:
        return False, False
    p = _peak(pixel, begin, end, nx, box, data, mask, masked, peak)
    y, x = p // nx - box[0], p % nx - box[2]
    if y == 0 or y == height - 1 or x == 0 or x == width - 1:
        out[0], out[1], out[2:] = x, y, math.nan
        return False, True
    if not _fit(data, error, with_error, mask, masked, p - nx - 1, nx, weights, out):
        return False, False
    out[0], out[1] = out[0] + x, out[1] + y
    inside = 0.0 < out[0] < width - 1.0 and 0.0 < out[1] < height - 1.0
    return inside, inside


@jit
def _quadratic(
    pixel, start, bbox, nx, data, error, with_error, mask, masked, peak, order, weights,
    plain, plain_covariance, centre, covariance, fallback, k0, k1,
):  # fmt: skip
    out = np.empty(5)
    for k in range(k0, k1):
        i = order[k]
        fitted, found = _place(
            pixel, start[i], start[i + 1], nx, bbox[i], data, error, with_error, mask, masked,
            peak[i], weights, out,
        )  # fmt: skip
        fallback[i] = not fitted
        for j in range(2):
            centre[i, j] = out[j] if found else plain[i, j]
        for j in range(3):
            covariance[i, j] = out[2 + j] if found else plain_covariance[i, j]


def quadratic(sources, data, error, mask, peak, centre, covariance, n_threads):
    """Fit per source; see the contract in `skyshed.kernels.centroids`."""
    n, nx, masked, with_error = len(sources), data.shape[1], mask is not None, error is not None
    mask = mask.reshape(-1) if masked else np.zeros(1, bool)
    error = error.reshape(-1) if with_error else np.zeros(1, data.dtype)
    flat, order, weights = data.reshape(-1), sources.order, fits()
    found, errors, fallback = np.empty((n, 2)), np.empty((n, 3)), np.empty(n, bool)
    run_ranges(
        lambda k0, k1: _quadratic(
            sources.pixel, sources.start, sources.bbox, nx, flat, error, with_error, mask, masked,
            peak, order, weights, centre, covariance, found, errors, fallback, k0, k1,
        ),
        n, n_threads, SOURCES,
    )  # fmt: skip
    return found, errors, fallback
