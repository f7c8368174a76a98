"""The radius of the circle that holds a given flux.

A source's pixels are read once, into a square patch about its centre with row-wise prefix sums. The
flux in a circle is then one difference per half row for the pixels inside it, and exact overlaps
for those on its rim. In one quadrant the rim runs outwards and down, cell by cell, so that each
cell's share of the circle is a trapezium and a cap.
"""

import math

import numpy as np

from skyshed.kernels.apertures.cpu_geometry import PADE_LIMIT, cap, small_cap
from skyshed.kernels.apertures.cpu_pixels import (
    SOURCES,
    aperture_box,
    correct_block,
    image_order,
    read_block,
)
from skyshed.kernels.threads import jit, run_ranges

#: Cells of a rim are computed in multiples of this many, which a core does at the same time.
LANES = 8
#: Room for a rim, in cells, over half the side of its patch, which is more than its radius r + 1:
#: in a quadrant it crosses at most r + 1 lines of the grid each way; that makes 8 r + 12 cells.
RIM = 16
#: The smallest radius searched, in pixels, and the fraction by which the largest shrinks.
SMALLEST, SHRINK = 0.1, 0.1
#: Brent's method: absolute and relative tolerance of the root (those of SciPy's ``brentq``, so that
#: the same root is found where there are several), and a limit that it never comes near.
TOLERANCE, RELATIVE, STEPS = 2e-12, 4 * np.finfo(np.float64).eps, 100
#: A step of interpolation this short, in pixels, is the last: it ends within 1e-12 of the root.
CLOSE = 1e-9
#: Closer to the flux than this the largest circle holds it: where it is the very circle that the
#: flux was measured in, rounding must not decide which root is found.
ROUNDING = 1e-12


@jit
def _read(
    data, labels, mask, masked, label, method, box, ahead, background, middle, value, prefix
):  # fmt: skip
    """Fill a patch of pixels and the sums of each row's pixels before them; 0 outside ``box``.

    ``middle`` is the patch's middle pixel, in indices of the frame, and its half side. ``ahead`` is
    the box that is visited next.
    """
    y, x, half = middle
    stride = 2 * half + 2
    value[: (2 * half + 1) * stride] = 0.0
    block = box[:4]
    here = value[(box[0] - y + half) * stride + box[2] - x + half :]
    soon = ahead[:4]
    if read_block(data, labels, mask, masked, label, background, block, here, stride, soon):
        correct_block(
            data, labels, mask, masked, label, background, method, box, block, here, stride
        )
    for row in range(2 * half + 1):
        running = 0.0
        for k in range(row * stride, (row + 1) * stride):
            prefix[k] = running
            running += value[k]


@jit
def _list_rim(value, at, step, first, inner, start, low, high, near, far, radius, rim, n):
    """List the cells of half a row that the circle's rim crosses, from number n on.

    Distances from the centre: ``low`` and ``high`` of the row's edges; ``near`` and ``far`` of
    where the rim leaves it there; ``first`` of the end of the cell at the centre; ``start`` of the
    cell number ``inner`` that the rim is first in, whose pixel is ``value[at + step * inner]``.
    Returns how many there are then. ``rim`` has the area below the rim's chord, the square of the
    chord, and the pixel.
    """
    area, square, pixel = rim
    u, v = far, high
    if far == 0.0:
        v = min(high, radius)
    cell = inner
    below = (u - start) * (high - low)
    while True:
        end = first + cell
        last = end >= near
        next_u, next_v = near, low
        if not last:
            next_u, next_v = end, math.sqrt((radius - end) * (radius + end))
        du, dv = next_u - u, v - next_v
        area[n] = below + 0.5 * ((v - low) + (next_v - low)) * du
        square[n] = du * du + dv * dv
        pixel[n] = value[at + step * cell]
        n += 1
        if last:
            return n
        u, v = next_u, next_v
        below = 0.0
        cell += 1


@jit
def _flux_of_rim(rim, n, radius):
    """Return the flux of the n cells that are listed."""
    area, square, pixel = rim
    whole, quarter = radius * radius, 0.25 / (radius * radius)
    padded = (n + LANES - 1) // LANES * LANES
    for k in range(n, padded):
        area[k] = square[k] = pixel[k] = 0.0
    if 2.0 * quarter > PADE_LIMIT:
        # A circle hardly larger than a pixel, whose arcs may be long.
        for k in range(n):
            pixel[k] *= area[k] + whole * cap(quarter * square[k])
    else:
        for k in range(padded):
            pixel[k] *= area[k] + whole * small_cap(quarter * square[k])
    a = b = c = d = 0.0
    for k in range(0, padded, 4):
        a += pixel[k]
        b += pixel[k + 1]
        c += pixel[k + 2]
        d += pixel[k + 3]
    return (a + b) + (c + d)


@jit
def _flux_within(patch, radius):
    """Return the flux in a circle about the centre of a patch."""
    value, prefix, half, right, left, up, down, rim = patch
    stride = 2 * half + 2
    total = 0.0
    n = 0
    for side in range(2):
        edge, step_row = (up, 1) if side == 0 else (down, -1)
        row, low, near = half, 0.0, radius
        while low < radius:
            high = edge + abs(row - half)
            far = math.sqrt((radius - high) * (radius + high)) if high < radius else 0.0
            at = row * stride + half
            for half_row in range(2):
                first, step = (right, 1) if half_row == 0 else (left, -1)
                inner, start = 0, 0.0
                if far >= first:
                    inner = int(far - first) + 1
                    start = first + (inner - 1)
                    inside = first * value[at]
                    if step == 1:
                        inside += prefix[at + inner] - prefix[at + 1]
                    else:
                        inside += prefix[at] - prefix[at - inner + 1]
                    total += (high - low) * inside
                n = _list_rim(
                    value, at, step, first, inner, start, low, high, near, far, radius, rim, n
                )
            row, low, near = row + step_row, high, far
    return total + _flux_of_rim(rim, n, radius)


@jit
def _interpolate(best, f_best, old, f_old, other, f_other):
    """Return the step from ``best`` to the root, by secant or inverse quadratic interpolation."""
    if old == other:
        return -f_best * (best - old) / (f_best - f_old)
    d_old = (f_old - f_best) / (old - best)
    d_other = (f_other - f_best) / (other - best)
    return -f_best * (f_other * d_other - f_old * d_old) / (d_other * d_old * (f_other - f_old))


@jit
def _root(patch, flux, near, far):
    """Return the root between two radii, given with their values, by the method of Brent (1973)."""
    (old, f_old), (best, f_best) = near, far
    if f_old == 0.0:
        return old
    other, f_other = old, f_old
    step = previous = best - old
    for _ in range(STEPS):
        if f_old != 0.0 and f_best != 0.0 and (f_old < 0.0) != (f_best < 0.0):
            other, f_other = old, f_old
            step = previous = best - old
        if abs(f_other) < abs(f_best):
            old, f_old = best, f_best
            best, f_best = other, f_other
            other, f_other = old, f_old
        tolerance = 0.5 * (TOLERANCE + RELATIVE * abs(best))
        half = 0.5 * (other - best)
        if f_best == 0.0 or abs(half) < tolerance:
            return best
        attempt = math.inf
        if abs(previous) > tolerance and abs(f_best) < abs(f_old):
            attempt = _interpolate(best, f_best, old, f_old, other, f_other)
        if 2.0 * abs(attempt) < min(abs(previous), 3.0 * abs(half) - tolerance):
            previous, step = step, attempt
            if abs(step) < CLOSE:
                return best + step
        else:
            previous = step = half
        old, f_old = best, f_best
        best += step if abs(step) > tolerance else math.copysign(tolerance, half)
        f_best = 1.0 - _flux_within(patch, best) / flux
    return math.nan


@jit
def _search(patch, largest, flux):
    """Return the root of the growth curve, shrinking the largest radius until the ends differ."""
    f_near = 1.0 - _flux_within(patch, SMALLEST) / flux
    shrink = SHRINK * largest
    while largest > SMALLEST:
        f_far = 1.0 - _flux_within(patch, largest) / flux
        if f_near == 0.0:
            return SMALLEST
        if abs(f_far) < ROUNDING:
            return largest
        if (f_near < 0.0) != (f_far < 0.0):
            return _root(patch, flux, (SMALLEST, f_near), (largest, f_far))
        largest -= shrink
    return math.nan


@jit
def _circle_box(circles, background, flux, i, place, frame_shape):
    """Return the box of a source's largest circle; it is empty where there is nothing to search."""
    x, y, largest = circles[i]
    if flux[i] == 0.0 or not math.isfinite(x + y + largest + background[i] + flux[i]):
        return 0, 0, 0, 0, 0, 0
    return aperture_box(place, frame_shape, x, y, largest, largest)


@jit
def _radius_range(
    data, labels, mask, masked, place, label, circles, background, flux, method, order, out,
    start, stop,
):  # fmt: skip
    value, prefix = np.empty(1024), np.empty(1024)
    rim = np.empty(1024), np.empty(1024), np.empty(1024)
    ahead = _circle_box(circles, background, flux, order[start], place, data.shape)
    for k in range(start, stop):
        i, box = order[k], ahead
        after = order[min(k + 1, stop - 1)]
        ahead = _circle_box(circles, background, flux, after, place, data.shape)
        out[i] = math.nan
        if box[0] >= box[1] or box[2] >= box[3]:
            continue
        x, y, largest = circles[i]
        column, row, half = math.floor(x + 0.5), math.floor(y + 0.5), math.ceil(largest) + 1
        size = (2 * half + 1) * (2 * half + 2)
        if size > value.shape[0]:
            value, prefix = np.empty(2 * size), np.empty(2 * size)
        if RIM * half > rim[0].shape[0]:
            size = 2 * RIM * half
            rim = np.empty(size), np.empty(size), np.empty(size)
        middle = (row - place[0], column - place[1], half)
        _read(
            data, labels, mask, masked, label[i], method, box, ahead, background[i], middle, value,
            prefix,
        )  # fmt: skip
        dx, dy = x - column, y - row
        # The distances of the middle pixel's edges to the centre come last.
        patch = (value, prefix, half, 0.5 - dx, 0.5 + dx, 0.5 - dy, 0.5 + dy, rim)
        out[i] = _search(patch, largest, flux[i])


def radius_of_flux(data, labels, mask, place, label, circles, background, flux, method, n_threads):
    """Search per source; see the contract in `skyshed.kernels.apertures`."""
    masked = mask is not None
    mask = mask if masked else np.zeros((1, 1), bool)
    order = image_order(circles[:, 0], circles[:, 1])
    out = np.empty(len(label))
    run_ranges(
        lambda start, stop: _radius_range(
            data, labels, mask, masked, place, label, circles, background, flux, method, order,
            out, start, stop,
        ),
        len(label), n_threads, SOURCES,
    )  # fmt: skip
    return out
