"""Statistics of the rows of a table, NaN where a row has no value; for NumPy and CuPy tables.

Tables have a row for each aperture: float64, shape (n, width), 0 where nothing is used. A row
without values gives NaN.
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
    mean = table.sum(axis=1) / n
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
    deviation = _where(used, table - median[:, None])
    mad = _medians(np.sort(np.abs(deviation), axis=1), count)
    squared = (deviation / _where(mad > 0, mad, 1.0)[:, None]) ** 2
    # NaN is not below 1: what is not used has no weight.
    rest = 1 - squared / LOCATION**2
    weight = _where(rest > 0, rest * rest, 0.0)
    total = weight.sum(axis=1)
    shift = _where(rest > 0, deviation * weight, 0.0).sum(axis=1) / _where(total > 0, total, 1.0)
    location = _where(mad > 0, median + shift, median)
    u2 = squared / MIDVARIANCE**2
    rest = 1 - u2
    near = rest > 0
    rest2 = rest * rest
    above = _where(near, deviation * deviation * (rest2 * rest2), 0.0).sum(axis=1)
    below = _where(near, rest * (1 - 5 * u2), 0.0).sum(axis=1)
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


def moments(value: Any, y: Any, x: Any) -> Any:
    """Return the sums of ``y**i * x**j`` times the values: float64, shape (n, 4, 4)."""
    rows = []
    for row in range(4):
        value = value * y if row else value
        column, sums = value * x, [value.sum(axis=1)]
        for _ in range(2):
            sums.append(column.sum(axis=1))
            column *= x
        rows.append(np.stack([*sums, column.sum(axis=1)], axis=1))
    return np.stack(rows, axis=1)
