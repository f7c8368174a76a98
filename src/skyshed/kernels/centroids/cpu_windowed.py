"""Windowed centroids on the CPU.

A source's pixels are gathered once for each pixel that its position visits, neighbours replaced; a
step then adds up plain rows, with a weight per row and a weight per column.
"""

import math

import numpy as np

from skyshed.kernels.apertures import LARGEST_BOX, MASK, NONE
from skyshed.kernels.apertures.cpu_pixels import SOURCES, image_order, mirrored
from skyshed.kernels.centroids import PIXEL_VARIANCE, PRECISION, RADIUS, STEPS, STRIDE
from skyshed.kernels.threads import jit, run_ranges


@jit
def _reach(place, sigma):
    """Return how far the square about a window's pixel reaches; -1 where it is too large."""
    reach = np.floor(RADIUS * sigma + 1.5)
    most = max(float(place[2]) * float(place[3]), float(LARGEST_BOX))
    return int(reach) if (2 * reach + 1) ** 2 <= most else -1


@jit
def _square(place, shape, x, y, reach):
    """Return the square clipped to the image, and the corner that positions are counted from.

    Box and mirror are in indices of the frame, as for apertures; the corner is the whole image's.
    Returned last is whether the whole image has pixels of the square that the frame has not.
    """
    if not (abs(x) <= place[3] + reach + 1 and abs(y) <= place[2] + reach + 1):
        return (0, 0, 0, 0, 0, 0), 0, 0, False
    row, column = int(y + 0.5), int(x + 0.5)
    y0, x0 = max(0, row - reach), max(0, column - reach)
    y1, x1 = min(place[2], row + reach + 1), min(place[3], column + reach + 1)
    my = 2 * (y0 + int(y - y0 + 0.5) - place[0])
    mx = 2 * (x0 + int(x - x0 + 0.5) - place[1])
    box = (
        max(y0 - place[0], 0), min(y1 - place[0], shape[0]),
        max(x0 - place[1], 0), min(x1 - place[1], shape[1]), my, mx,
    )  # fmt: skip
    clipped = box[0] + place[0] > y0 or box[1] + place[0] < y1
    clipped |= box[2] + place[1] > x0 or box[3] + place[1] < x1
    return box, y0, x0, clipped and y0 < y1 and x0 < x1


@jit
def _gather(image, labels, mask, masked, label, box, method, out):
    """Write the pixels of the box to ``out``, row after row; what is left out is 0."""
    k = 0
    for row in range(box[0], box[1]):
        for column in range(box[2], box[3]):
            out[k] = 0
            other = labels[row, column]
            if masked and mask[row, column]:
                pass
            elif other == label or other == 0 or method == NONE:
                out[k] = image[row, column]
            elif method != MASK:
                usable, y, x = mirrored(labels, mask, masked, label, box, row, column)
                if usable:
                    out[k] = image[y, x]
            k += 1


@jit
def _chord(x, dy, square, width):
    """Return the half-open range of a row's pixels in the circle, tested as squares."""
    rest = square - dy * dy
    if rest < 0.0:
        return 0, 0
    half = math.sqrt(rest)
    first, end = max(0, math.ceil(x - half)), min(width, math.floor(x + half) + 1)
    while first > 0 and (first - 1 - x) ** 2 + dy * dy <= square:
        first -= 1
    while first < end and (first - x) ** 2 + dy * dy > square:
        first += 1
    while end < width and (end - x) ** 2 + dy * dy <= square:
        end += 1
    while end > first and (end - 1 - x) ** 2 + dy * dy > square:
        end -= 1
    return first, end


@jit
def _weigh(x, slope, weight):
    for k in range(weight.shape[0]):
        weight[k] = math.exp((k - x) ** 2 * slope)


@jit
def _first_moments(values, weight, x, y, square, slope, height):
    """Return the weighted sums of the values, and of the values times x and y offsets."""
    width = weight.shape[0]
    flux = along_x = along_y = 0.0
    for row in range(height):
        dy = row - y
        first, end = _chord(x, dy, square, width)
        line = values[row * width : (row + 1) * width]
        total = moment = 0.0
        for k in range(first, end):
            value = line[k] * weight[k]
            total += value
            moment += value * (k - x)
        of_row = math.exp(dy * dy * slope)
        flux += of_row * total
        along_x += of_row * moment
        along_y += of_row * dy * total
    return flux, along_x, along_y


@jit
def _second_moments(values, weight, x, y, square, slope, height):
    """Return the weighted sums of the values, and of their second moments about (x, y)."""
    width = weight.shape[0]
    total = xx = yy = xy = 0.0
    for row in range(height):
        dy = row - y
        first, end = _chord(x, dy, square, width)
        line = values[row * width : (row + 1) * width]
        s0 = s1 = s2 = 0.0
        for k in range(first, end):
            dx = k - x
            value = line[k] * weight[k]
            s0 += value
            s1 += value * dx
            s2 += value * dx * dx
        of_row = math.exp(dy * dy * slope)
        total += of_row * s0
        xx += of_row * s2
        yy += of_row * dy * dy * s0
        xy += of_row * dy * s1
    return total, xx, yy, xy


@jit
def _windowed(
    data, error, with_error, labels, mask, masked, place, label, window, ellipse, reach, method,
    values, weights, centre, covariance, beyond,
):  # fmt: skip
    """Search one centroid; fill in its place and covariance. Returns whether it can be trusted.

    ``beyond`` is one element of that array.
    """
    x, y, sigma = window
    slope, square = -1.0 / (2.0 * sigma * sigma), (RADIUS * sigma) * (RADIUS * sigma)
    box, flux, dx, dy, at_x, at_y = (0, 0, 0, 0, 0, 0), 0.0, 0.0, 0.0, 0.0, 0.0
    height, weight, off, steps = 0, weights[:0], 2 * PRECISION, 0
    while steps < STEPS and off > PRECISION:
        here, y0, x0, clipped = _square(place, data.shape, x, y, reach)
        beyond[0] |= clipped
        if here[0] >= here[1] or here[2] >= here[3]:
            return False
        if steps == 0 or here != box:
            box = here
            height, weight = box[1] - box[0], weights[: box[3] - box[2]]
            _gather(data, labels, mask, masked, label, box, method, values)
        # Positions count from the first pixel of the box, which a frame may clip.
        at_y, at_x = y - y0 - (box[0] + place[0] - y0), x - x0 - (box[2] + place[1] - x0)
        _weigh(at_x, slope, weight)
        flux, dx, dy = _first_moments(values, weight, at_x, at_y, square, slope, height)
        dx, dy = dx / flux, dy / flux
        off = math.sqrt(dx * dx + dy * dy)
        x, y = x + STRIDE * dx, y + STRIDE * dy
        steps += 1
    if not flux > 0.0 or math.isnan(x + y):
        return False
    if math.isfinite(flux):
        _, xx, yy, xy = _second_moments(values, weight, at_x, at_y, square, slope, height)
        xx, yy, xy = xx / flux - dx * dx, yy / flux - dy * dy, xy / flux - dx * dy
        if xx < 0.0 or yy < 0.0 or xx * yy - xy * xy < 0.0:
            return False
    centre[0], centre[1] = x, y
    dx, dy = window[0] - x, window[1] - y
    outside = ellipse[0] * (dx * dx) + ellipse[1] * dx * dy + ellipse[2] * (dy * dy) > 1.0
    if outside and dx * dx > 1.0 and dy * dy > 1.0:
        return False
    if with_error and math.isfinite(flux):
        _gather(error, labels, mask, masked, label, box, method, values)
        for k in range(height * weight.shape[0]):
            values[k] *= values[k]
        # The squares of the weights are those of a window that is narrower by sqrt(2).
        _weigh(at_x, 2.0 * slope, weight)
        total, xx, yy, xy = _second_moments(values, weight, at_x, at_y, square, 2.0 * slope, height)
        norm = STRIDE * STRIDE / (flux * flux)
        least = total * PIXEL_VARIANCE * norm
        covariance[0], covariance[1] = xx * norm + least, yy * norm + least
        covariance[2] = xy * norm
    return True


@jit
def _windowed_range(
    data, error, with_error, labels, mask, masked, place, label, windows, ellipses, plain, method,
    order, centre, covariance, fallback, beyond, start, stop,
):  # fmt: skip
    largest, widest = 0, 0
    for k in range(start, stop):
        reach = _reach(place, windows[order[k], 2])
        height, width = min(2 * reach + 1, data.shape[0]), min(2 * reach + 1, data.shape[1])
        largest, widest = max(largest, height * width), max(widest, width)
    values, weights = np.empty(largest), np.empty(widest)
    for k in range(start, stop):
        i = order[k]
        reach = _reach(place, windows[i, 2])
        covariance[i] = math.nan
        fallback[i] = reach < 0 or not _windowed(
            data, error, with_error, labels, mask, masked, place, label[i], windows[i],
            ellipses[i], reach, method, values, weights, centre[i], covariance[i],
            beyond[i : i + 1],
        )  # fmt: skip
        if fallback[i]:
            known = not math.isnan(windows[i, 2])
            for j in range(2):
                centre[i, j] = windows[i, j] if known else math.nan
            for j in range(3):
                covariance[i, j] = plain[i, j] if known else math.nan


def windowed(
    data, error, labels, mask, place, label, windows, ellipses, covariance, method, n_threads
):
    """Search per source; see the contract in `skyshed.kernels.centroids`."""
    n, masked, with_error = len(label), mask is not None, error is not None
    mask = mask if masked else np.zeros((1, 1), bool)
    error = error if with_error else np.zeros((1, 1), data.dtype)
    order, place = image_order(windows[:, 0], windows[:, 1]), tuple(map(int, place))
    centre, found, fallback = np.empty((n, 2)), np.empty((n, 3)), np.empty(n, bool)
    beyond = np.zeros(n, bool)
    run_ranges(
        lambda start, stop: _windowed_range(
            data, error, with_error, labels, mask, masked, place, label, windows, ellipses,
            covariance, method, order, centre, found, fallback, beyond, start, stop,
        ),
        n, n_threads, SOURCES,
    )  # fmt: skip
    return centre, found, fallback, beyond
