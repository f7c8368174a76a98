"""Image moments on the CPU.

Each row gives four sums over x; four powers of its y carry them into the sixteen moments. All
coordinates are relative to the source's own box, so the bits do not depend on where it lies.
"""

import numpy as np

from skyshed.kernels.prefetch import prefetch_pixels
from skyshed.kernels.threads import jit, run_ranges

#: Sources per range of work.
SOURCES = 256


@jit
def _add_row(out, y, s0, s1, s2, s3):
    power = 1.0
    for i in range(4):
        out[i, 0] += power * s0
        out[i, 1] += power * s1
        out[i, 2] += power * s2
        out[i, 3] += power * s3
        power *= y


@jit
def _about(pixel, begin, end, nx, image, mask, masked, y0, x0, ycen, xcen, out):
    """Add up the moments about (ycen, xcen), which is relative to the box's corner (y0, x0)."""
    row_end, row = 0, 0
    s0 = s1 = s2 = s3 = 0.0
    out[:] = 0.0
    for j in range(begin, end):
        p = pixel[j]
        if p >= row_end:
            if s0 > 0:
                _add_row(out, (row - y0) - ycen, s0, s1, s2, s3)
            row = p // nx
            row_end = (row + 1) * nx
            s0 = s1 = s2 = s3 = 0.0
        if masked and mask[p]:
            continue
        value = np.float64(image[p])
        if not 0 < value < np.inf:
            continue
        x = (p - (row_end - nx) - x0) - xcen
        s0 += value
        value *= x
        s1 += value
        value *= x
        s2 += value
        s3 += value * x
    if s0 > 0:
        _add_row(out, (row - y0) - ycen, s0, s1, s2, s3)


@jit
def _moments(pixel, start, order, bbox, nx, image, mask, masked, raw, central, k0, k1):
    for k in range(k0, k1):
        i = order[k]
        prefetch_pixels(image, pixel, start, order, k, k1)
        begin, end, y0, x0 = start[i], start[i + 1], bbox[i, 0], bbox[i, 2]
        m = raw[i]
        _about(pixel, begin, end, nx, image, mask, masked, y0, x0, 0.0, 0.0, m)
        if m[0, 0] > 0:
            ycen, xcen = m[1, 0] / m[0, 0], m[0, 1] / m[0, 0]
            _about(pixel, begin, end, nx, image, mask, masked, y0, x0, ycen, xcen, central[i])
        else:
            central[i] = np.nan
            central[i, 0, 0] = 0.0


def moments(sources, image, mask, n_threads):
    """Compute moments; see the contract in `skyshed.kernels.moments`."""
    masked = mask is not None
    mask = mask.reshape(-1) if masked else np.zeros(1, bool)
    flat, order, nx = image.reshape(-1), sources.order, image.shape[1]
    raw, central = np.empty((2, len(sources), 4, 4))
    run_ranges(
        lambda k0, k1: _moments(
            sources.pixel, sources.start, order, sources.bbox, nx, flat, mask, masked,
            raw, central, k0, k1,
        ),
        len(sources), n_threads, SOURCES,
    )  # fmt: skip
    return raw, central
