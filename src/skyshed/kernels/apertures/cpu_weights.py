"""The weights of the pixels of an elliptical aperture, block by block.

Pixels inside weigh 1, those outside 0. Those on the rim are listed first and then computed together
(`overlaps_of_one_arc`).
"""

import math

from skyshed.kernels.apertures.cpu_geometry import (
    column_chord,
    overlap,
    overlaps_of_one_arc,
    row_chord,
    row_extent,
)
from skyshed.kernels.threads import jit


@jit
def fill_column_chords(shape, x, box, place, chords):
    """Fill in the chords of the lines along the left edges of a box's pixels, and along the last's
    right edge.
    """
    for k in range(box[3] - box[2] + 1):
        chords[0, k], chords[1, k] = column_chord(shape, (k + box[2] + place[1]) - 0.5 - x)


@jit
def _row_pixels(shape, x, edge, below, above, box, x_place):
    """Return the pixels of a row that an ellipse touches, and those that lie inside it.

    ``edge`` is the row's lower edge relative to the centre, ``below`` and ``above`` are the chords
    of its edges. The four columns are indices of the frame, both ranges half-open.
    """
    low, high = row_extent(shape, edge, below, above)
    if not low < high:
        return box[3], box[3], box[3], box[3]
    first = max(box[2], math.floor(low + x + 0.5) - x_place)
    stop = min(box[3], math.floor(high + x + 0.5) - x_place + 1)
    low, high = max(below[0], above[0]), min(below[1], above[1])
    if not low < high:
        return first, stop, stop, stop
    inner = max(math.ceil(low + x + 0.5) - x_place, first)
    inner_stop = min(math.floor(high + x - 0.5) - x_place + 1, stop)
    if inner >= inner_stop:
        return first, stop, stop, stop
    return first, stop, inner, inner_stop


@jit
def find_rows(shape, x, y, y0, y1, box, place, lines, rows):
    """Return the range of columns of rows y0..y1-1 that the ellipse touches.

    Fills in the chords of the rows' edges, ``lines``, and their `_row_pixels`, ``rows``.
    """
    first, stop = box[3], box[2]
    lines[0, 0], lines[0, 1] = row_chord(shape, (y0 + place[0]) - 0.5 - y)
    for k in range(y1 - y0):
        edge = (y0 + k + place[0]) - 0.5 - y
        lines[k + 1, 0], lines[k + 1, 1] = row_chord(shape, edge + 1.0)
        below, above = (lines[k, 0], lines[k, 1]), (lines[k + 1, 0], lines[k + 1, 1])
        found = _row_pixels(shape, x, edge, below, above, box, place[1])
        rows[k, 0], rows[k, 1], rows[k, 2], rows[k, 3] = found
        if found[0] < found[1]:
            first, stop = min(first, found[0]), max(stop, found[1])
    return first, stop


@jit
def _fill_inside(block, rows, weights):
    """Set the weights of the pixels inside the ellipse to 1, and those of all others to 0."""
    y0, y1, x0, x1 = block
    for k in range(y1 - y0):
        first, stop = rows[k, 2] - x0, rows[k, 3] - x0
        of_row = weights[k * (x1 - x0) : (k + 1) * (x1 - x0)]
        for column in range(of_row.shape[0]):
            of_row[column] = 1.0 if (column >= first) & (column < stop) else 0.0


@jit
def _list_rim(x, y, block, box, place, lines, rows, chords, edges, at):
    """List the pixels that the ellipse crosses: edges' chords, place in the block; return how many.

    The arc in the centre's pixel may be more than half of the ellipse: that one gets no chords.
    """
    y0, y1, x0, x1 = block
    n = 0
    for k in range(y1 - y0):
        low = (y0 + k + place[0]) - 0.5 - y
        column = rows[k, 0]
        while column < rows[k, 1]:
            if column == rows[k, 2]:
                column = rows[k, 3]
                continue
            left, c = (column + place[1]) - 0.5 - x, column - box[2]
            at[n] = k * (x1 - x0) + column - x0
            if left <= 0.0 <= left + 1.0 and low <= 0.0 <= low + 1.0:
                edges[:, n] = 0.0
            else:
                edges[0, n], edges[1, n] = lines[k, 0] - left, lines[k, 1] - left
                edges[2, n], edges[3, n] = lines[k + 1, 0] - left, lines[k + 1, 1] - left
                edges[4, n], edges[5, n] = chords[0, c] - low, chords[1, c] - low
                edges[6, n], edges[7, n] = chords[0, c + 1] - low, chords[1, c + 1] - low
            n += 1
            column += 1
    return n


@jit
def fill_weights(shape, x, y, block, box, place, lines, rows, chords, rim, weights):
    """Fill in the weights of a block of pixels, given its `find_rows`."""
    edges, areas, at = rim
    _fill_inside(block, rows, weights)
    n = _list_rim(x, y, block, box, place, lines, rows, chords, edges, at)
    overlaps_of_one_arc(shape, edges, n, areas)
    width = block[3] - block[2]
    for i in range(n):
        area = areas[i]
        if math.isnan(area):
            k = at[i] // width
            c = at[i] - k * width + block[2] - box[2]
            area = overlap(
                shape, (c + box[2] + place[1]) - 0.5 - x, (k + block[0] + place[0]) - 0.5 - y,
                (lines[k, 0], lines[k, 1]), (lines[k + 1, 0], lines[k + 1, 1]),
                (chords[0, c], chords[1, c]), (chords[0, c + 1], chords[1, c + 1]),
            )  # fmt: skip
        weights[at[i]] = max(area, 0.0)
