"""Sums over elliptical apertures with exact pixel weights."""

import math

import numpy as np

from skyshed.kernels.apertures import MASK, NONE, Seen
from skyshed.kernels.apertures.cpu_geometry import ellipse
from skyshed.kernels.apertures.cpu_pixels import (
    GATHERED,
    ROWS,
    SOURCES,
    add_up,
    aperture_box,
    image_order,
    mirrored,
    read_block,
    rows_at_once,
    rows_of,
    too_large,
)
from skyshed.kernels.apertures.cpu_weights import fill_column_chords, fill_weights, find_rows
from skyshed.kernels.prefetch import prefetch_row
from skyshed.kernels.threads import jit, run_ranges

# Numba takes plain integers for constants.
UNMEASURED, NO_PIXEL, BEYOND_EDGE = int(Seen.UNMEASURED), int(Seen.NO_PIXEL), int(Seen.BEYOND_EDGE)
MASKED, NON_FINITE = int(Seen.MASKED), int(Seen.NON_FINITE)
ERROR_NON_FINITE = int(Seen.ERROR_NON_FINITE)
NEIGHBOUR, NOT_REPLACED = int(Seen.NEIGHBOUR), int(Seen.NOT_REPLACED)


@jit
def _correct(
    data, error, has_error, labels, mask, masked, given, has_given, label, background, method, box,
    block, weights, values, errors,
):  # fmt: skip
    """Put what an aperture takes for masked pixels and neighbours in their places.

    Pixels that are left out get the weight 0. Returns what was seen.
    """
    y0, y1, x0, x1 = block
    seen = 0
    for row in range(y0, y1):
        for column in range(x0, x1):
            k = (row - y0) * (x1 - x0) + column - x0
            other = labels[row, column]
            left_out = masked and mask[row, column]
            neighbour = other != label and other != 0 and method != NONE
            if not (weights[k] > 0.0 and (left_out or neighbour)):
                continue
            if left_out:
                seen |= MASKED if has_given and given[row, column] else NON_FINITE
            usable, iy, ix = not left_out, row, column
            if neighbour:
                seen |= NEIGHBOUR
                if method == MASK:
                    left_out = True
                else:
                    usable, iy, ix = mirrored(labels, mask, masked, label, box, row, column)
                    seen |= 0 if usable else NOT_REPLACED
            if left_out:
                weights[k] = 0.0
            elif usable:
                values[k] = float(data[iy, ix]) - background
                if has_error:
                    errors[k] = float(error[iy, ix])
            else:  # it counts, with the value 0
                values[k] = errors[k] = 0.0
    return seen


@jit
def _count_weights(weights, n):
    """Return how many of the first n weights are not 0."""
    count = 0
    for k in range(n):
        count += weights[k] > 0.0
    return count


@jit
def _weigh(weights, values, errors, n):
    """Turn values into weighted values, and errors into weighted variances; what weighs 0 is 0."""
    for k in range(n):
        weight = weights[k]
        error = weight * errors[k]
        values[k] = weight * values[k] if weight > 0.0 else 0.0
        errors[k] = error * error if weight > 0.0 else 0.0


@jit
def _read_errors(error, block, errors, ahead):
    y0, y1, x0, x1 = block
    for y in range(y0, y1):
        prefetch_row(error, ahead[0] + y - y0, ahead)
        pixels, out = error[y, x0:x1], errors[(y - y0) * (x1 - x0) :]
        for k in range(pixels.shape[0]):
            out[k] = pixels[k]


@jit
def _sums(
    data, error, has_error, labels, mask, masked, given, has_given, place, label, x, y, shape,
    background, method, box, ahead, scratch,
):  # fmt: skip
    """Return the weighted sum, its variance and what was seen, for one aperture.

    The sum is NaN where no pixel was usable; ``given`` is the input mask. ``ahead`` is the box of
    the next aperture.
    """
    lines, rows, chords, rim, weights, values, errors = scratch
    total = variance = 0.0
    n_covered = n_used = seen = 0
    step = rows_at_once(box)
    fill_column_chords(shape, x, box, place, chords)
    for y0 in range(box[0], box[1], step):
        y1 = min(y0 + step, box[1])
        x0, x1 = find_rows(shape, x, y, y0, y1, box, place, lines, rows)
        if x0 >= x1:
            continue
        block, n = (y0, y1, x0, x1), (y1 - y0) * (x1 - x0)
        soon = rows_of(ahead, y0 - box[0], step)
        fill_weights(shape, x, y, block, box, place, lines, rows, chords, rim, weights)
        if has_error:
            _read_errors(error, block, errors, soon)
        else:
            errors[:n] = 0.0
        count = _count_weights(weights, n)
        n_covered += count
        if read_block(data, labels, mask, masked, label, background, block, values, x1 - x0, soon):
            seen |= _correct(
                data, error, has_error, labels, mask, masked, given, has_given, label, background,
                method, box, block, weights, values, errors,
            )  # fmt: skip
            count = _count_weights(weights, n)
        n_used += count
        _weigh(weights, values, errors, n)
        more = add_up(values, errors, n)
        total, variance = total + more[0], variance + more[1]
    if n_covered == 0:
        seen |= NO_PIXEL
    if has_error and not math.isfinite(variance):
        seen |= ERROR_NON_FINITE
    return (total if n_used else math.nan), variance, seen


@jit
def _beyond_edge(place, x, y, shape):
    """Return whether an aperture reaches beyond the edges of the whole image's outer pixels."""
    across = x - shape[0] < -0.5 or x + shape[0] > place[3] - 0.5
    return across or y - shape[1] < -0.5 or y + shape[1] > place[2] - 0.5


@jit
def _scratch(width):
    """Return what `_sums` works in, for boxes of some width."""
    size = max(GATHERED, width)
    return (
        np.empty((ROWS + 1, 2)),
        np.empty((ROWS, 4), np.int64),
        np.empty((2, width + 1)),
        (np.empty((8, size)), np.empty(size), np.empty(size, np.int64)),
        np.empty(size),
        np.empty(size),
        np.empty(size),
    )


@jit
def _outline(ellipses, background, i, place, frame_shape):
    """Return an aperture's ellipse and box, which is empty if there is none, and what is seen."""
    x, y, a, b, theta = ellipses[i]
    empty = 0, 0, 0, 0, 0, 0
    if not (a > 0.0 and b > 0.0 and math.isfinite(x + y + a + b + theta + background[i])):
        return ellipse(1.0, 1.0, 0.0), empty, UNMEASURED
    shape = ellipse(a, b, theta)
    if too_large(place, x, y, shape[0], shape[1]):
        return shape, empty, UNMEASURED
    return shape, aperture_box(place, frame_shape, x, y, shape[0], shape[1]), NO_PIXEL


@jit
def _sums_range(
    data, error, has_error, labels, mask, masked, given, has_given, place, label, ellipses,
    background, method, order, out, seen, start, stop,
):  # fmt: skip
    width = 64
    scratch = _scratch(width)
    following = _outline(ellipses, background, order[start], place, data.shape)
    for k in range(start, stop):
        i = order[k]
        shape, box, seen[i] = following
        after = order[min(k + 1, stop - 1)]
        following = _outline(ellipses, background, after, place, data.shape)
        out[0, i] = out[1, i] = math.nan
        if box[0] >= box[1] or box[2] >= box[3]:
            continue
        if box[3] - box[2] > width:
            width = 2 * (box[3] - box[2])
            scratch = _scratch(width)
        x, y = ellipses[i, 0], ellipses[i, 1]
        out[0, i], variance, seen[i] = _sums(
            data, error, has_error, labels, mask, masked, given, has_given, place, label[i], x, y,
            shape, background[i], method, box, following[1], scratch,
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
