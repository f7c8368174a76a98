"""First moments of the light in the ellipses that a Kron radius is measured in."""

import math

import numpy as np

from skyshed.kernels.apertures.cpu_geometry import ellipse, row_chord
from skyshed.kernels.apertures.cpu_pixels import (
    GATHERED,
    SOURCES,
    add_up,
    aperture_box,
    correct_block,
    image_order,
    read_block,
    rows_at_once,
    rows_of,
)
from skyshed.kernels.threads import jit, run_ranges


@jit
def _block_columns(shape, x, y, y0, y1, place, box):
    """Return the range of columns that holds the pixels of rows y0..y1-1 in the ellipse."""
    least, most = math.inf, -math.inf
    for row in range(y0, y1):
        dy = (row + place[0]) - y
        # Rows that only graze the ellipse count too; the chord is padded against rounding.
        low, high = row_chord(shape, min(max(dy, -0.999999 * shape[1]), 0.999999 * shape[1]))
        least, most = min(least, low), max(most, high)
    first, stop = math.floor(least + x) - place[1], math.ceil(most + x) - place[1] + 1
    return max(first, box[2]), min(stop, box[3])


@jit
def _find_radii(x, y, a, b, theta, place, y0, y1, x0, x1, scale, values, radii):
    """Fill in values times elliptical radii; set values beyond ``scale`` to 0."""
    c, s = math.cos(theta), math.sin(theta)
    xx, yy = (c / a) ** 2 + (s / b) ** 2, (s / a) ** 2 + (c / b) ** 2
    xy = 2.0 * c * s * (1.0 / a**2 - 1.0 / b**2)
    width = x1 - x0
    for row in range(y0, y1):
        dy = (row + place[0]) - y
        at = (row - y0) * width
        of_row, value_of_row = radii[at : at + width], values[at : at + width]
        for k in range(of_row.shape[0]):
            dx = (x0 + k + place[1]) - x
            radius = math.sqrt(max(xx * dx * dx + xy * dx * dy + yy * dy * dy, 0.0))
            value = value_of_row[k] if radius <= scale else 0.0
            value_of_row[k] = value
            of_row[k] = value * radius


@jit
def _moments(
    data, labels, mask, masked, place, label, ellipse_, shape, scale, method, box, ahead, values,
    radii,
):  # fmt: skip
    """Return the sums of data times elliptical radius and of data over one ellipse.

    ``ahead`` is the box of the next ellipse.
    """
    x, y, a, b, theta = ellipse_
    moment = total = 0.0
    step = rows_at_once(box)
    for y0 in range(box[0], box[1], step):
        y1 = min(y0 + step, box[1])
        x0, x1 = _block_columns(shape, x, y, y0, y1, place, box)
        if x0 >= x1:
            continue
        block, width, soon = (y0, y1, x0, x1), x1 - x0, rows_of(ahead, y0 - box[0], step)
        if read_block(data, labels, mask, masked, label, 0.0, block, values, width, soon):
            correct_block(data, labels, mask, masked, label, 0.0, method, box, block, values, width)
        _find_radii(x, y, a, b, theta, place, y0, y1, x0, x1, scale, values, radii)
        more = add_up(radii, values, (y1 - y0) * (x1 - x0))
        moment, total = moment + more[0], total + more[1]
    return moment, total


@jit
def _outline(ellipses, i, scale, place, frame_shape):
    """Return the scaled ellipse and its box, which is empty if there is no such ellipse."""
    x, y, a, b, theta = ellipses[i]
    if not (a > 0.0 and b > 0.0 and math.isfinite(x + y + a + b + theta)):
        return ellipse(1.0, 1.0, 0.0), (0, 0, 0, 0, 0, 0)
    shape = ellipse(a * scale, b * scale, theta)
    return shape, aperture_box(place, frame_shape, x, y, shape[0], shape[1])


@jit
def _kron_range(
    data, labels, mask, masked, place, label, ellipses, scale, method, order, out, start, stop
):
    values, radii = np.empty(GATHERED), np.empty(GATHERED)
    next_shape, ahead = _outline(ellipses, order[start], scale, place, data.shape)
    for k in range(start, stop):
        i, shape, box = order[k], next_shape, ahead
        next_shape, ahead = _outline(
            ellipses, order[min(k + 1, stop - 1)], scale, place, data.shape
        )
        out[0, i] = out[1, i] = math.nan
        if box[0] >= box[1] or box[2] >= box[3]:
            continue
        if box[3] - box[2] > values.shape[0]:
            values, radii = np.empty(box[3] - box[2]), np.empty(box[3] - box[2])
        out[0, i], out[1, i] = _moments(
            data, labels, mask, masked, place, label[i], ellipses[i], shape, scale, method, box,
            ahead, values, radii,
        )  # fmt: skip


def kron_sums(data, labels, mask, place, label, ellipses, scale, method, n_threads):
    """Sum per ellipse in one visit; see the contract in `skyshed.kernels.apertures`."""
    masked = mask is not None
    mask = mask if masked else np.zeros((1, 1), bool)
    order = image_order(ellipses[:, 0], ellipses[:, 1])
    out = np.empty((2, len(label)))
    run_ranges(
        lambda start, stop: _kron_range(
            data, labels, mask, masked, place, label, ellipses, float(scale), method, order, out,
            start, stop,
        ),
        len(label), n_threads, SOURCES,
    )  # fmt: skip
    return out[0], out[1]
