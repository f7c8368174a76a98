"""The meshes of level and noise: boxes are excluded, interpolated and filtered."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skyshed.background.box_values import BoxValues
from skyshed.background.interpolation import BkgZoomInterpolator, fill_gaps, median_filter
from skyshed.namespace import to_host

__all__ = ["Mesh", "least_pixels", "make_mesh"]


@dataclass(frozen=True, eq=False)
class Mesh:
    """Level and noise of every box.

    Attributes
    ----------
    level, noise : array, shape (nby, nbx)
        Interpolated where a box was excluded, and filtered.
    gaps : array of bool, shape (nby, nbx)
        Whether a box was excluded.
    n_good : array of int64, shape (nby, nbx)
        The number of good pixels in each box.
    """

    level: Any
    noise: Any
    gaps: Any
    n_good: Any

    def coefficients(self, name: str, interpolator: BkgZoomInterpolator) -> Any:
        """Return the coefficients of the spline through "level" or "noise", made once.

        Every tile of a mosaic expands the mesh of the whole image, and the coefficients depend on
        all of it.
        """
        made = vars(self).setdefault("_coefficients", {})
        key = (interpolator.order, interpolator.mode)
        if key not in made:  # two threads may both make them: they are the same
            meshes = np.stack([to_host(self.level), to_host(self.noise)])
            made[key] = interpolator.coefficients(meshes)
        both = made[key]
        return None if both is None else both[0 if name == "level" else 1]

    def centers(self, box_size: Any) -> Any:
        """Return the centers of the boxes that were not excluded, in pixels.

        Parameters
        ----------
        box_size : pair of int
            Height and width of the boxes.

        Returns
        -------
        centers : array of float64, shape (2, n)
            Their y and x.
        """
        size = np.asarray(box_size)[:, None]
        return np.nonzero(~self.gaps) * size + (size - 1) / 2


def least_pixels(box_size: tuple[int, int], exclude_percentile: float) -> float:
    """Return how many good pixels a box must have, which need not be a whole number."""
    # In this order: a box that has exactly as many counts.
    return (1 - exclude_percentile / 100.0) * (box_size[0] * box_size[1])


def make_mesh(
    boxes: BoxValues,
    least: float,
    filter_size: tuple[int, int],
    filter_threshold: float | None,
) -> Mesh | None:
    """Make the meshes of an image from what was measured in its boxes.

    Parameters
    ----------
    boxes : BoxValues
        What was measured in all boxes.
    least : float
        Boxes with fewer good pixels are interpolated; see `least_pixels`.
    filter_size : tuple of int
        Height and width of the median filter in boxes.
    filter_threshold : float or None
        Only boxes whose level is above it are filtered; `None` filters all.

    Returns
    -------
    mesh : Mesh or None
        `None` if no box has enough good pixels.
    """
    excluded = (boxes.n_good < least) | (boxes.n_good == 0)
    level = np.where(excluded, np.nan, boxes.level)
    noise = np.where(excluded, np.nan, boxes.noise)
    gaps = np.isnan(level)
    if gaps.all() or np.isnan(noise).all():
        return None
    lowest = np.nanmin(level)
    level, noise = fill_gaps(level, noise)
    everywhere = filter_threshold is None or filter_threshold < lowest
    chosen = True if everywhere else level > filter_threshold
    if filter_size != (1, 1) and np.any(chosen):
        level, noise = (
            np.where(chosen, median_filter(mesh, filter_size), mesh) for mesh in (level, noise)
        )
    return Mesh(level, noise, gaps, boxes.n_good)
