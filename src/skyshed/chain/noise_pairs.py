"""The correlation of the noise of an exposure, from pairs of pixels in boxes of its windows."""

from typing import Any

import numpy as np

from skyshed.background.box_values import BoxValues
from skyshed.background.mesh import Mesh
from skyshed.background.noise_correlation import correlation_of, pair_sums, sampled_boxes
from skyshed.background.window import BackgroundWindow
from skyshed.images.window import Window
from skyshed.namespace import to_host

__all__ = ["correlation_from", "pairs_in"]


def pairs_in(
    data: Any, mask: Any, window: Window, shape: tuple[int, int], box_size: tuple[int, int],
    values: BoxValues, known: Mesh | None,
) -> Any:  # fmt: skip
    """Return ``pairs`` of `skyshed.chain.background.Boxes`.

    ``known`` is the mesh of the background that they are about; `None` is 0.
    """
    places = sampled_boxes(shape, box_size)
    corners = places * np.array(box_size) - (window.y0, window.x0)
    inside = (corners >= 0).all(1) & (corners < window.shape).all(1)
    places, corners = places[inside], corners[inside]
    row, column = (corners // np.array(box_size)).T
    level, noise = (to_host(each)[row, column] for each in (values.level, values.noise))
    # What is flat has no noise to be correlated; without a good pixel there is neither.
    usable = (noise > 0) & np.isfinite(level)
    places, corners, noise = places[usable], corners[usable], noise[usable]
    levels = np.zeros(len(places)) if known is None else known.level[tuple(places.T)]

    def subtracted(k: int) -> Any:
        if known is None:
            return np.zeros(box_size)
        y, x = (places[k] * np.array(box_size)).tolist()
        box = y, y + box_size[0], x, x + box_size[1]
        return BackgroundWindow(known, shape, box_size, np.dtype(np.float64), box).background

    sums = pair_sums(data, mask, corners, box_size, subtracted, noise)
    return np.column_stack([places, levels, noise, sums])


def correlation_from(parts: list[Any], level: Any) -> Any:
    """Return the correlation from the pairs of all windows, added up in the order of boxes.

    ``level`` is that of each box in the background that is subtracted in the end.
    """
    parts = [part for part in parts if part.size]
    if not parts:
        return np.empty((0, 0))
    pairs = np.concatenate(parts)
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    rows, columns = pairs[:, :2].astype(int).T
    first, noise = pairs[:, 2:4].T
    off = (first - level[rows, columns]) / noise
    correlation = correlation_of(pairs[:, 4:], off)
    return np.empty((0, 0)) if correlation is None else np.array(correlation)
