"""The correlation of the noise of an exposure, from pairs of pixels in boxes of its windows."""

from typing import Any

import numpy as np

from skyshed.background.box_values import BoxValues
from skyshed.background.mesh import Mesh
from skyshed.background.noise_correlation import correlation_of, pair_sums, sampled_boxes
from skyshed.background.shared_noise import shared_correlation, shared_sums
from skyshed.background.window import BackgroundWindow
from skyshed.images.window import Window
from skyshed.namespace import to_host

__all__ = ["correlation_from", "pairs_in", "shared_from"]


def pairs_in(
    data: Any, mask: Any, window: Window, shape: tuple[int, int], box_size: tuple[int, int],
    values: BoxValues, known: Mesh | None, compared: bool = False,
) -> tuple[Any, Any]:  # fmt: skip
    """Return ``pairs`` of `skyshed.chain.background.Boxes`, and, if ``compared``, ``deviations``.

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

    deviations = np.empty((len(places), *box_size) if compared else (0, 0, 0), np.int16)
    sums = pair_sums(
        data, mask, corners, box_size, subtracted, noise, deviations if compared else None
    )
    return np.column_stack([places, levels, noise, sums]), deviations


def correlation_from(parts: list[Any], level: Any) -> Any:
    """Return the correlation from the pairs of all windows, added up in the order of boxes.

    ``level`` is that of each box in the background that is subtracted in the end.
    """
    parts = [part for part in parts if part.size]
    if not parts:
        return np.empty((0, 0))
    pairs = np.concatenate(parts)
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    correlation = correlation_of(pairs[:, 4:], _off(pairs, level))
    return np.empty((0, 0)) if correlation is None else np.array(correlation)


def _off(pairs: Any, level: Any) -> Any:
    """Return how far the level that was subtracted lies above the final one, in sigma."""
    rows, columns = pairs[:, :2].astype(int).T
    first, noise = pairs[:, 2:4].T
    return (first - level[rows, columns]) / noise


def shared_from(one: list[Any], other: list[Any], levels: tuple[Any, Any]) -> Any:
    """Return the correlation of the noise of two bands from the boxes of all windows.

    Parameters
    ----------
    one, other : list of Boxes
        The `skyshed.chain.background.Boxes` of the bands, which were ``compared``.
    levels : pair of arrays
        As ``level`` of `correlation_from`.
    """
    bands = [[part for part in parts if part.pairs.size] for parts in (one, other)]
    if not all(bands):
        return np.empty((0, 0))
    pairs = [np.concatenate([part.pairs for part in parts]) for parts in bands]
    deviations = [np.concatenate([part.deviations for part in parts]) for parts in bands]
    # Boxes that both have, in a fixed order; in one of them there may be no noise.
    width = levels[0].shape[1]
    first, second = ((each[:, 0] * width + each[:, 1]).astype(int) for each in pairs)
    rows = np.intersect1d(first, second, assume_unique=True, return_indices=True)[1:]
    pairs, deviations = (
        [each[chosen] for each, chosen in zip(values, rows, strict=True)]
        for values in (pairs, deviations)
    )
    off = np.column_stack([_off(*each) for each in zip(pairs, levels, strict=True)])
    shared = shared_correlation(shared_sums(*deviations), off)
    return np.empty((0, 0)) if shared is None else shared
