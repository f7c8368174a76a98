"""Scores of measurements beside the truth, as single numbers."""

from typing import Any

import numpy as np

from skyshed.background.statistics import MAD_TO_STD

__all__ = ["completeness", "limit", "middle", "pull_width", "spread"]

#: Fewer values give no score.
FEWEST = 20


def middle(values: Any) -> float:
    """Return the median of the finite values; NaN if there are too few."""
    values = _finite(values)
    return float(np.median(values)) if values.size >= FEWEST else np.nan


def spread(values: Any) -> float:
    """Return the standard deviation of the finite values, from their median absolute deviation.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.quality.scores import spread
    >>> round(spread(np.random.default_rng(1).normal(5, 2, 100_000)), 1)
    2.0
    """
    values = _finite(values)
    if values.size < FEWEST:
        return np.nan
    return float(MAD_TO_STD * np.median(np.abs(values - np.median(values))))


def pull_width(measured: Any, true: Any, error: Any) -> float:
    """Return the spread of (measured - true) / error: 1 where the errors are right."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return spread((np.asarray(measured) - true) / error)


def completeness(found: Any, magnitude: Any, edges: Any) -> Any:
    """Return the share of sources that were found, in bins of magnitude; NaN where there is none.

    Examples
    --------
    >>> from skyshed.quality.scores import completeness
    >>> completeness([True, True, False], [20.1, 21.2, 21.3], [20, 21, 22, 23])
    array([1. , 0.5, nan])
    """
    found = np.asarray(found, float)
    count, _ = np.histogram(magnitude, edges)
    number, _ = np.histogram(magnitude, edges, weights=found)
    return np.where(count > 0, number / np.maximum(count, 1), np.nan)


def limit(share: Any, edges: Any, level: float = 0.5) -> float:
    """Return the magnitude where completeness last falls through ``level``; NaN where it does not.

    Between the middles of bins it is interpolated.

    Examples
    --------
    >>> from skyshed.quality.scores import limit
    >>> limit([1.0, 0.75, 0.25, 0.0], [20, 21, 22, 23, 24])
    22.0
    """
    share, edges = np.asarray(share, float), np.asarray(edges, float)
    centre = (edges[1:] + edges[:-1]) / 2
    good = np.isfinite(share)
    share, centre = share[good], centre[good]
    falls = np.flatnonzero((share[:-1] >= level) & (share[1:] < level))
    if falls.size == 0:
        return np.nan
    k = falls[-1]
    part = (share[k] - level) / (share[k] - share[k + 1])
    return float(centre[k] + part * (centre[k + 1] - centre[k]))


def _finite(values: Any) -> Any:
    values = np.asarray(values, float)
    return values[np.isfinite(values)]
