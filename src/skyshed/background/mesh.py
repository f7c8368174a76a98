"""From what was measured in the boxes to the two meshes: excluded, filled, filtered."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skyshed.background.box_values import BoxValues
from skyshed.background.interpolation import fill_gaps, median_filter

__all__ = ["Mesh", "least_pixels", "make_mesh"]


@dataclass(frozen=True, eq=False)
class Mesh:
    """Level and noise of every box.

    Attributes
    ----------
    level, noise : array, shape (nby, nbx)
        Filled where a box was excluded, and filtered.
    gaps : array of bool, shape (nby, nbx)
        The boxes that were excluded.
    n_good : array of int64, shape (nby, nbx)
        The pixels that each box's values come from.
    """

    level: Any
    noise: Any
    gaps: Any
    n_good: Any

    def centers(self, box_size: Any) -> Any:
        """Return y and x of the centers of the boxes that were measured, in pixels, shape (2, n).

        Parameters
        ----------
        box_size : pair of int
            Height and width of the boxes.
        """
        size = np.asarray(box_size)[:, None]
        return np.nonzero(~self.gaps) * size + (size - 1) / 2


def least_pixels(box_size: tuple[int, int], exclude_percentile: float) -> float:
    """Return how many good pixels a box must have."""
    return (1 - exclude_percentile / 100.0) * box_size[0] * box_size[1]


def make_mesh(
    found: BoxValues,
    least: float,
    filter_size: tuple[int, int],
    filter_threshold: float | None,
) -> Mesh | None:
    """Make the meshes of an image from the values of all its boxes.

    Parameters
    ----------
    found : BoxValues
        Of every box.
    least : float
        Boxes with fewer good pixels are interpolated.
    filter_size : tuple of int
        Height and width, in boxes, of the median filter.
    filter_threshold : float or None
        Only boxes whose level is above it are filtered; `None` filters all.

    Returns
    -------
    mesh : Mesh or None
        `None` if no box has enough good pixels.
    """
    excluded = (found.n_good < least) | (found.n_good == 0)
    level = np.where(excluded, np.nan, found.level)
    noise = np.where(excluded, np.nan, found.noise)
    gaps = np.isnan(level)
    if gaps.all() or np.isnan(noise).all():
        return None
    lowest = np.nanmin(level)
    level, noise = fill_gaps(level), fill_gaps(noise)
    everywhere = filter_threshold is None or filter_threshold < lowest
    chosen = True if everywhere else level > filter_threshold
    if filter_size != (1, 1) and np.any(chosen):
        level, noise = (
            np.where(chosen, median_filter(each, filter_size), each) for each in (level, noise)
        )
    return Mesh(level, noise, gaps, found.n_good)
