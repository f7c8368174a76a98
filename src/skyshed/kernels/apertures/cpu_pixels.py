"""Which pixels an aperture takes: its box, its mirror, its neighbours; and the order of sources."""

import numpy as np

from skyshed.kernels.apertures import LARGEST_BOX
from skyshed.kernels.threads import jit

#: Sources per range of work: enough to hide the cost of a hand-over, few enough to balance.
SOURCES = 64
#: Height of the bands that sources are visited in: rows that stay in a core's cache.
BAND = 64


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
