"""Statistics of pixels in groups, of which each is computed at once."""

from typing import Any

import numpy as np

from skyshed.aperture import row_statistics
from skyshed.aperture.pixels import Pixels

__all__ = ["GROUPS", "GROUP_COLUMNS", "GROUP_FUNCTIONS", "GROUP_SHAPES"]


def _basic(block: Pixels) -> tuple[Any, ...]:
    low, high = row_statistics.extremes(block.values, block.used)
    mean, variance = row_statistics.mean_and_variance(block.values, block.used)
    return block.used.sum(axis=1), low, high, mean, variance


def _moments(block: Pixels) -> tuple[Any, Any]:
    about_corner = row_statistics.moments(block.values, block.y, block.x)
    with np.errstate(divide="ignore", invalid="ignore"):
        x, y = (about_corner[:, i, j] / about_corner[:, 0, 0] for i, j in ((0, 1), (1, 0)))
        central = row_statistics.moments(block.values, block.y - y[:, None], block.x - x[:, None])
    return about_corner, central


def _order(block: Pixels) -> tuple[Any, ...]:
    return row_statistics.order_statistics(block.values, block.used)


def _gini(block: Pixels) -> tuple[Any]:
    return (row_statistics.gini(block.values, block.used),)


#: What is computed together, and by which function.
GROUPS = {
    "basic": ("count", "min", "max", "mean", "variance"),
    "moments": ("moments", "moments_central"),
    "order": ("median", "mad", "biweight_location", "biweight_midvariance"),
    "gini": ("gini",),
}
GROUP_FUNCTIONS = {"basic": _basic, "moments": _moments, "order": _order, "gini": _gini}
GROUP_SHAPES = {"moments": ((4, 4), (4, 4))}
#: Columns that need a group: `ApertureStats.to_table` computes what it needs in one pass.
GROUP_COLUMNS = {
    "basic": {"center_aper_area", "min", "max", "mean", "mode", "std", "var", "flags"},
    "moments": {"x_centroid", "y_centroid", "centroid", "fwhm", "orientation", "flags"},
    "order": {"median", "mode", "mad_std", "biweight_location", "biweight_midvariance"},
    "gini": {"gini"},
}
