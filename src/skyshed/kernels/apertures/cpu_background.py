"""The clipped mode of the pixels in a rectangular annulus around each source."""

import math

import numpy as np

from skyshed.kernels.apertures import FEWEST, HOLE
from skyshed.kernels.apertures.cpu_pixels import SOURCES, image_order
from skyshed.kernels.threads import jit, run_ranges

#: Clipping about the median: limit in standard deviations, and the number of rounds.
CLIP, ROUNDS = 3.0, 20
#: The mode is trusted while mean and median differ by less than this many standard deviations.
SKEWED = 0.3
#: A median is looked for within this many standard deviations of the mean or of the last median.
NEAR = 0.15


@jit
def _gather(data, labels, mask, masked, bbox, width, values):
    """Copy the annulus' usable pixels into ``values`` as far as it is long; return how many."""
    y, x = 0.5 * (bbox[0] + bbox[1] - 1), 0.5 * (bbox[2] + bbox[3] - 1)
    hole_y, hole_x = 0.5 * HOLE * (bbox[1] - bbox[0]), 0.5 * HOLE * (bbox[3] - bbox[2])
    half_y, half_x = hole_y + width, hole_x + width
    count = 0
    ny, nx = data.shape
    first, last = max(0, math.floor(x - half_x) + 1), min(nx - 1, math.ceil(x + half_x) - 1)
    for row in range(
        max(0, math.floor(y - half_y) + 1), min(ny - 1, math.ceil(y + half_y) - 1) + 1
    ):
        beside = abs(row - y) < hole_y
        column = first
        while column <= last:
            if beside and abs(column - x) < hole_x:
                column = math.ceil(x + hole_x)
                continue
            if labels[row, column] == 0 and not (masked and mask[row, column]):
                values[count] = data[row, column]
                count += 1
            column += 1
    return count


@jit
def _keep(values, n, floor, ceiling):
    """Move the first ``n`` values that lie within limits to the front; return how many there are.

    As everywhere here there is no branch in the loop: it would be unpredictable.
    """
    kept = 0
    for k in range(n):
        value = values[k]
        values[k] = values[kept]
        values[kept] = value
        kept += (value >= floor) & (value <= ceiling)
    return kept


@jit
def _below(values, low, high, pivot, inclusive):
    """Move values[low:high] below (or up to) a pivot to the front; return where these end."""
    end = low
    for k in range(low, high):
        value = values[k]
        values[k] = values[end]
        values[end] = value
        end += (value < pivot) | (inclusive & (value == pivot))
    return end


@jit
def _select(values, n, rank):
    """Return the value of a rank among the first ``n``; those before it are then no larger."""
    low, high = 0, n
    while high - low > 1:
        a, b, c = values[low], values[(low + high) // 2], values[high - 1]
        pivot = max(min(a, b), min(max(a, b), c))
        end = _below(values, low, high, pivot, False)
        if rank < end:
            high = end
            continue
        low = end
        end = _below(values, low, high, pivot, True)
        if rank < end:
            return pivot
        low = end
    return values[rank]


@jit
def _median(values, n, guess, reach, scratch):
    """Return the median of the first ``n`` values, likely within ``reach`` of ``guess``."""
    floor, ceiling = guess - reach, guess + reach
    below = inside = 0
    for k in range(n):
        value = values[k]
        scratch[inside] = value
        inside += (value >= floor) & (value <= ceiling)
        below += value < floor
    lower, upper = (n - 1) // 2, n // 2
    if lower < below or upper >= below + inside:
        for k in range(n):
            scratch[k] = values[k]
        below, inside = 0, n
    result = _select(scratch, inside, upper - below)
    if lower < upper:
        other = scratch[0]
        for k in range(1, upper - below):
            other = max(other, scratch[k])
        result = 0.5 * (result + other)
    return result


@jit
def _mean_and_std(values, n, near):
    """Return mean and standard deviation of the first ``n`` values, from sums about ``near``."""
    total = square = 0.0
    for k in range(n):
        difference = values[k] - near
        total += difference
        square += difference * difference
    total /= n
    return near + total, math.sqrt(max(square / n - total * total, 0.0))


@jit
def _clipped_mode(values, n, scratch):
    """Return SourceExtractor's mode of the first ``n`` values, clipped about their median.

    Rounds only take values away, but the last limits are applied to all values, as in astropy.
    """
    mean, _ = _mean_and_std(values, n, values[0])
    mean, std = _mean_and_std(values, n, mean)
    median = _median(values, n, mean, NEAR * std, scratch)
    kept = n
    for _ in range(ROUNDS):
        floor, ceiling = median - CLIP * std, median + CLIP * std
        left = _keep(values, kept, floor, ceiling)
        if left == kept:
            break
        kept = left
        mean, std = _mean_and_std(values, kept, median)
        median = _median(values, kept, median, NEAR * std, scratch)
    # The last limits may let values in again.
    back = _keep(values[kept:], n - kept, floor, ceiling)
    if back > 0:
        kept += back
        mean, std = _mean_and_std(values, kept, median)
        median = _median(values, kept, median, NEAR * std, scratch)
    if std == 0.0:
        return mean
    if abs(mean - median) / std >= SKEWED:
        return median
    return 2.5 * median - 1.5 * mean


@jit
def _background_range(data, labels, mask, masked, bbox, width, order, out, counts, start, stop):
    values, scratch = np.empty(4096), np.empty(4096)
    for k in range(start, stop):
        i = order[k]
        ny = (bbox[i, 1] - bbox[i, 0]) * HOLE + 2 * width + 2
        nx = (bbox[i, 3] - bbox[i, 2]) * HOLE + 2 * width + 2
        most = int(min(ny, data.shape[0] + 0.0) * min(nx, data.shape[1] + 0.0)) + 1
        if most > values.shape[0]:
            values, scratch = np.empty(2 * most), np.empty(2 * most)
        counts[i] = count = _gather(data, labels, mask, masked, bbox[i], width, values)
        out[i] = 0.0
        if count >= FEWEST:
            out[i] = _clipped_mode(values, count, scratch)


def local_background(data, labels, mask, bbox, width, n_threads):
    """Estimate per source; see the contract in `skyshed.kernels.apertures`."""
    masked = mask is not None
    mask = mask if masked else np.zeros((1, 1), bool)
    order = image_order(bbox[:, 2], bbox[:, 0])
    out, counts = np.empty(bbox.shape[0]), np.empty(bbox.shape[0], np.int64)
    run_ranges(
        lambda start, stop: _background_range(
            data, labels, mask, masked, bbox, float(width), order, out, counts, start, stop
        ),
        bbox.shape[0], n_threads, SOURCES,
    )  # fmt: skip
    return out, counts
