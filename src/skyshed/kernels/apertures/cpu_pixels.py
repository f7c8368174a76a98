"""Which pixels an aperture takes: its box, its mirror, its neighbours; and the order of sources."""

import numpy as np

from skyshed.kernels.apertures import CORRECT, LARGEST_BOX, NONE
from skyshed.kernels.prefetch import prefetch_row
from skyshed.kernels.threads import jit

#: Sources per range of work: enough to hide the cost of a hand-over, few enough to balance.
SOURCES = 64
#: Height of the bands that sources are visited in: rows that stay in a core's cache.
BAND = 64
#: Rows and pixels that are gathered at a time, and added up at once: no branch depends on a pixel.
ROWS, GATHERED = 16, 4096


def image_order(x, y):
    """Return an order of the sources in which neighbours in the image come after one another."""
    x = np.nan_to_num(x, posinf=0.0, neginf=0.0)
    band = np.nan_to_num(y, posinf=0.0, neginf=0.0) // BAND
    # One key, since a sort by two takes four times as long.
    return np.argsort(band * (2.0 * np.abs(x).max(initial=0.0) + 1.0) + x)


@jit
def too_large(place, x, y, width, height):
    """Return whether an aperture's box is larger than what is measured, or not finite."""
    across = np.ceil(x + width + 0.5) - np.floor(x - width + 0.5)
    up = np.ceil(y + height + 0.5) - np.floor(y - height + 0.5)
    return not across * up <= max(float(place[2]) * float(place[3]), float(LARGEST_BOX))


@jit
def aperture_box(place, frame_shape, x, y, width, height):
    """Return an aperture's box clipped to the image, and the sums that mirror its pixels.

    The box is ``y0, y1, x0, x1`` in indices of the frame, half-open; the mirror of pixel ``(y, x)``
    is ``(my - y, mx - x)``. The box is empty where the aperture is not finite or too large.
    """
    left, right = np.floor(x - width + 0.5), np.ceil(x + width + 0.5)
    low, high = np.floor(y - height + 0.5), np.ceil(y + height + 0.5)
    if too_large(place, x, y, width, height):
        return 0, 0, 0, 0, 0, 0
    if right <= 0 or high <= 0 or left >= place[3] or low >= place[2]:
        return 0, 0, 0, 0, 0, 0
    y0, x0 = max(0, int(low)), max(0, int(left))
    y1, x1 = min(place[2], int(high)), min(place[3], int(right))
    # The pixel that is mirrored onto itself is found from the clipped box, truncated towards it.
    my = 2 * (y0 + int(y - y0 + 0.5) - place[0])
    mx = 2 * (x0 + int(x - x0 + 0.5) - place[1])
    return (
        max(y0 - place[0], 0), min(y1 - place[0], frame_shape[0]),
        max(x0 - place[1], 0), min(x1 - place[1], frame_shape[1]), my, mx,
    )  # fmt: skip


@jit
def mirrored(labels, mask, masked, label, box, y, x):
    """Return whether the pixel opposite to a neighbour's pixel is usable, and where it is."""
    my, mx = box[4] - y, box[5] - x
    if my < box[0] or my >= box[1] or mx < box[2] or mx >= box[3]:
        return False, y, x
    other = labels[my, mx]
    if (other != label and other != 0) or (masked and mask[my, mx]):
        return False, y, x
    return True, my, mx


@jit
def rows_at_once(box):
    """Return how many rows of a box are gathered at a time."""
    return max(min(ROWS, GATHERED // (box[3] - box[2])), 1)


@jit
def rows_of(box, first, n_rows):
    """Return some of the rows of a box, counted from its first one, as a block of pixels."""
    return box[0] + first, min(box[0] + first + n_rows, box[1]), box[2], box[3]


@jit
def read_block(image, labels, mask, masked, label, background, block, values, stride, ahead):
    """Copy a block of pixels, ``y0, y1, x0, x1``, less the background, to rows of ``stride``.

    Returns whether one of them is masked or a neighbour's. Loops have no branches. ``ahead`` is a
    block that is read soon; memory is asked for its rows one by one, since it forgets all but some.
    """
    y0, y1, x0, x1 = block
    special = np.int32(0)
    for y in range(y0, y1):
        next_y = ahead[0] + y - y0
        prefetch_row(image, next_y, ahead)
        prefetch_row(labels, next_y, ahead)
        if masked:
            prefetch_row(mask, next_y, ahead)
        pixels, names, out = image[y, x0:x1], labels[y, x0:x1], values[(y - y0) * stride :]
        for k in range(pixels.shape[0]):
            out[k] = pixels[k] - background
        for k in range(names.shape[0]):
            special |= np.int32((names[k] != 0) & (names[k] != label))
        if masked:
            hidden = mask[y, x0:x1]
            for k in range(hidden.shape[0]):
                special |= np.int32(hidden[k])
    return special != 0


@jit
def correct_block(
    image, labels, mask, masked, label, background, method, box, block, values, stride
):  # fmt: skip
    """Put what an aperture takes for masked pixels and neighbours in their places."""
    y0, y1, x0, x1 = block
    for y in range(y0, y1):
        for x in range(x0, x1):
            other = labels[y, x]
            left_out = masked and mask[y, x]
            if left_out or (other != label and other != 0 and method != NONE):
                value = 0.0
                if not left_out and method == CORRECT:
                    usable, iy, ix = mirrored(labels, mask, masked, label, box, y, x)
                    if usable:
                        value = np.float64(image[iy, ix]) - background
                values[(y - y0) * stride + x - x0] = value


@jit
def add_up(values, others, n):
    """Add up the first n values and others, each as four sums that a core does at the same time."""
    a = b = c = d = 0.0
    p = q = r = s = 0.0
    whole = n - n % 4
    for k in range(0, whole, 4):
        a += values[k]
        b += values[k + 1]
        c += values[k + 2]
        d += values[k + 3]
        p += others[k]
        q += others[k + 1]
        r += others[k + 2]
        s += others[k + 3]
    for k in range(whole, n):
        a += values[k]
        p += others[k]
    return (a + b) + (c + d), (p + q) + (r + s)
