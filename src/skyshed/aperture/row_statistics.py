"""Statistics of the rows of a table, NaN where a row has no value; for NumPy and CuPy tables.

Tables have a row for each aperture: float64, shape (n, width). A row without values gives NaN.
"""

from typing import Any

import numpy as np

__all__ = ["extremes", "gini", "mean_and_variance", "moments", "order_statistics"]

#: Tuning constants of the biweights, astropy's defaults.
LOCATION, MIDVARIANCE = 6.0, 9.0


def _where(condition: Any, value: Any, other: float = np.nan) -> Any:
    return np.where(condition, value, other)


def extremes(table: Any, used: Any) -> tuple[Any, Any]:
    """Return the least and the greatest value of each row."""
    known = used.any(axis=1)
    low, high = (_where(used, table, end) for end in (np.inf, -np.inf))
    return _where(known, low.min(axis=1)), _where(known, high.max(axis=1))


def mean_and_variance(table: Any, used: Any) -> tuple[Any, Any]:
    """Return the mean of each row, and the mean squared deviation from it."""
    count = used.sum(axis=1)
    n = np.maximum(count, 1)
    mean = _where(used, table, 0.0).sum(axis=1) / n
    deviation = _where(used, table - mean[:, None], 0.0)
    variance = (deviation * deviation).sum(axis=1) / n
    return _where(count > 0, mean), _where(count > 0, variance)


def _medians(ordered: Any, count: Any) -> Any:
    """Return the medians of rows that are sorted, what is not a value last."""
    last = np.maximum(count, 1) - 1
    low, high = (
        np.take_along_axis(ordered, at[:, None], axis=1)[:, 0]
        for at in (last // 2, (last + 1) // 2)
    )
    return _where(count > 0, 0.5 * (low + high))


def order_statistics(table: Any, used: Any) -> tuple[Any, Any, Any, Any]:
    """Return median, median absolute deviation, biweight location and midvariance of each row.

    Biweights are astropy's (Beers, Flynn & Gebhardt 1990, AJ 100, 32), with the constants 6 and 9.
    """
    count = used.sum(axis=1)
    median = _medians(np.sort(_where(used, table), axis=1), count)
    deviation = table - median[:, None]
    absolute = np.sort(_where(used, np.abs(deviation)), axis=1)
    mad = _medians(absolute, count)
    scale = _where(mad > 0, mad, 1.0)[:, None]
    u2 = (deviation / (LOCATION * scale)) ** 2
    weight = _where(used & (u2 < 1), (1 - u2) ** 2, 0.0)
    shift = (_where(used, deviation, 0.0) * weight).sum(axis=1) / _where(
        weight.any(axis=1), weight.sum(axis=1), 1.0
    )
    location = _where(mad > 0, median + shift, median)
    u2 = (deviation / (MIDVARIANCE * scale)) ** 2
    near = used & (u2 < 1)
    above = _where(near, deviation**2 * (1 - u2) ** 4, 0.0).sum(axis=1)
    below = _where(near, (1 - u2) * (1 - 5 * u2), 0.0).sum(axis=1)
    spread = count * above / _where(below != 0, below, 1.0) ** 2
    midvariance = _where(mad > 0, spread, _where(count > 0, 0.0 * median))
    return median, mad, location, midvariance


def gini(table: Any, used: Any) -> Any:
    """Return the Gini coefficient of the absolute values of each row (Lotz et al. 2004, Eq. 6)."""
    count = used.sum(axis=1)
    ordered = np.sort(_where(used, np.abs(table)), axis=1)
    known = ~np.isnan(ordered)
    rank = np.cumsum(known, axis=1)
    factors = _where(known, (2 * rank - count[:, None] - 1) * ordered, 0.0)
    total = _where(known, ordered, 0.0).sum(axis=1)
    below = total * np.maximum(count - 1, 1)
    value = factors.sum(axis=1) / _where(below > 0, below, 1.0)
    return _where(count > 0, value)


def moments(table: Any, used: Any, y: Any, x: Any) -> Any:
    """Return the sums of ``y**i * x**j`` times the values: float64, shape (n, 4, 4)."""
    value = _where(used, table, 0.0)
    rows = []
    for _ in range(4):
        column = value
        sums = []
        for _ in range(4):
            sums.append(column.sum(axis=1))
            column = column * x
        rows.append(np.stack(sums, axis=1))
        value = value * y
    return np.stack(rows, axis=1)
