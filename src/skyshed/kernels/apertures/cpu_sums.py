"""Sums over elliptical apertures with exact pixel weights."""

import math

import numpy as np

from skyshed.kernels.apertures import MASK, NONE, Seen
from skyshed.kernels.apertures.cpu_geometry import (
    column_chord,
    ellipse,
    overlap,
    row_chord,
    row_extent,
)
from skyshed.kernels.apertures.cpu_pixels import (
    SOURCES,
    aperture_box,
    image_order,
    mirrored,
    too_large,
)
from skyshed.kernels.threads import jit, run_ranges

# Numba takes plain integers for constants.
UNMEASURED, NO_PIXEL, BEYOND_EDGE = int(Seen.UNMEASURED), int(Seen.NO_PIXEL), int(Seen.BEYOND_EDGE)
MASKED, NON_FINITE = int(Seen.MASKED), int(Seen.NON_FINITE)
ERROR_NON_FINITE = int(Seen.ERROR_NON_FINITE)
NEIGHBOUR, NOT_REPLACED = int(Seen.NEIGHBOUR), int(Seen.NOT_REPLACED)


@jit
def row_pixels(shape, x, edge, below, above, box, x_place):
    """Return the pixels of a row that an ellipse touches, and those that lie inside it.

    ``edge`` is the row's lower edge relative to the centre, ``below`` and ``above`` are the chords
    of its edges. The four columns are indices of the frame, both ranges closed; an empty one ends
    before it starts.
    """
    low, high = row_extent(shape, edge, below, above)
    if not low < high:
        return 0, -1, 0, -1
    first = max(box[2], math.floor(low + x + 0.5) - x_place)
    last = min(box[3] - 1, math.floor(high + x + 0.5) - x_place)
    low, high = max(below[0], above[0]), min(below[1], above[1])
    if not low < high:
        return first, last, last + 1, last
    inner_first = math.ceil(low + x + 0.5) - x_place
    inner_last = math.floor(high + x - 0.5) - x_place
    return first, last, inner_first, inner_last


@jit
def _sums(
    data, error, has_error, labels, mask, masked, given, has_given, place, label, x, y, shape,
    background, method, box, chords,
):  # fmt: skip
    """Return the weighted sum, its variance and what was seen, for one aperture.

    The sum is NaN where no pixel was usable; ``given`` is the input mask.
    """
    total = variance = 0.0
    any_pixel = False
    seen = NO_PIXEL
    for column in range(box[2], box[3] + 1):
        k = column - box[2]
        chords[k, 0], chords[k, 1] = column_chord(shape, (column + place[1]) - 0.5 - x)
    above = row_chord(shape, (box[0] + place[0]) - 0.5 - y)
    for row in range(box[0], box[1]):
        edge = (row + place[0]) - 0.5 - y
        below, above = above, row_chord(shape, edge + 1.0)
        first, last, inner_first, inner_last = row_pixels(
            shape, x, edge, below, above, box, place[1]
        )
        for column in range(first, last + 1):
            weight = 1.0
            if column < inner_first or column > inner_last:
                k = column - box[2]
                left, right = chords[k], chords[k + 1]
                corner = (column + place[1]) - 0.5 - x
                weight = overlap(
                    shape, corner, edge, below, above, (left[0], left[1]), (right[0], right[1])
                )
                if not weight > 0.0:
                    continue
            left_out = masked and mask[row, column]
            seen &= ~NO_PIXEL
            if left_out:
                seen |= MASKED if has_given and given[row, column] else NON_FINITE
            other = labels[row, column]
            iy, ix = row, column
            if other != label and other != 0 and method != NONE:
                seen |= NEIGHBOUR
                if method == MASK:
                    continue
                usable, iy, ix = mirrored(labels, mask, masked, label, box, row, column)
                if not usable:
                    seen |= NOT_REPLACED
                    any_pixel |= not left_out  # it counts, with the value 0
                    continue
            if left_out:
                continue
            any_pixel = True
            total += weight * (float(data[iy, ix]) - background)
            if has_error:
                variance += (weight * float(error[iy, ix])) ** 2
    if has_error and not math.isfinite(variance):
        seen |= ERROR_NON_FINITE
    return (total if any_pixel else math.nan), variance, seen


@jit
def _beyond_edge(place, x, y, shape):
    """Return whether an aperture reaches beyond the edges of the whole image's outer pixels."""
    across = x - shape[0] < -0.5 or x + shape[0] > place[3] - 0.5
    return across or y - shape[1] < -0.5 or y + shape[1] > place[2] - 0.5


@jit
def _sums_range(
    data, error, has_error, labels, mask, masked, given, has_given, place, label, ellipses,
    background, method, order, out, seen, start, stop,
):  # fmt: skip
    chords = np.empty((64, 2))
    for k in range(start, stop):
        i = order[k]
        x, y, a, b, theta = ellipses[i]
        out[0, i] = out[1, i] = math.nan
        seen[i] = UNMEASURED
        if not (a > 0.0 and b > 0.0 and math.isfinite(x + y + a + b + theta + background[i])):
            continue
        shape = ellipse(a, b, theta)
        if too_large(place, x, y, shape[0], shape[1]):
            continue
        box = aperture_box(place, data.shape, x, y, shape[0], shape[1])
        seen[i] = NO_PIXEL
        if box[0] >= box[1] or box[2] >= box[3]:
            continue
        if box[3] - box[2] + 1 > chords.shape[0]:
            chords = np.empty((2 * (box[3] - box[2]), 2))
        out[0, i], variance, seen[i] = _sums(
            data, error, has_error, labels, mask, masked, given, has_given, place, label[i], x, y,
            shape, background[i], method, box, chords,
        )  # fmt: skip
        if has_error and not math.isnan(out[0, i]):
            out[1, i] = variance
        if seen[i] & NO_PIXEL == 0 and _beyond_edge(place, x, y, shape):
            seen[i] |= BEYOND_EDGE


def aperture_sums(
    data, error, input_mask, labels, mask, place, label, ellipses, background, method, n_threads
):
    """Sum per aperture in one visit; see the contract in `skyshed.kernels.apertures`."""
    masked, has_error = mask is not None, error is not None
    none, has_given = np.zeros((1, 1), bool), input_mask is not None
    mask, given = mask if masked else none, input_mask if has_given else none
    error = error if has_error else np.zeros((1, 1), data.dtype)
    order = image_order(ellipses[:, 0], ellipses[:, 1])
    out, seen = np.empty((2, len(label))), np.empty(len(label), np.int32)
    run_ranges(
        lambda start, stop: _sums_range(
            data, error, has_error, labels, mask, masked, given, has_given, place, label, ellipses,
            background, method, order, out, seen, start, stop,
        ),
        len(label), n_threads, SOURCES,
    )  # fmt: skip
    return out[0], out[1], seen
