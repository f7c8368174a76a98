"""Inverse-distance weighting on the CPU: SciPy's tree finds the neighbours, some rows at a time."""

import numpy as np
from scipy.spatial import cKDTree

from skyshed.kernels.threads import resolve_n_threads
from skyshed.kernels.weighting import AT_POINT

#: Neighbours looked up at a time: bounds the memory for them, some 100 bytes each.
AT_A_TIME = 1 << 20


def expand(values, points, shape, n_neighbors, power, regularization, leafsize, n_threads):
    """Interpolate between points; see the contract in `skyshed.kernels.weighting`."""
    tree = cKDTree(points, leafsize=leafsize)
    out = np.empty(shape)
    n_neighbors = min(n_neighbors, len(points))
    rows = max(AT_A_TIME // (n_neighbors * shape[1]), 1)
    for y in range(0, shape[0], rows):
        part = out[y : y + rows]
        pixels = np.indices(part.shape).reshape(2, -1).T + (y, 0)
        # A list of neighbours, so that one is not another case. Those that do not exist are at
        # infinity, with the index past the last.
        distance, index = tree.query(
            pixels, k=np.arange(1, n_neighbors + 1), workers=resolve_n_threads(n_threads)
        )
        neighbour = values[np.minimum(index, values.size - 1)]
        found = neighbour[:, 0].astype(float)
        if n_neighbors > 1:
            away = distance[:, 0] > AT_POINT
            found[away] = _mean(distance[away], neighbour[away], power, regularization)
        part[...] = found.reshape(part.shape)
    return out


def _mean(distance, neighbour, power, regularization):
    """Average neighbours along the last axis by the weights of their distances."""
    exists = np.isfinite(distance)
    with np.errstate(divide="ignore", over="ignore"):
        denominator = np.where(exists, distance, 1.0) ** power + regularization
        weight = np.where(exists, 1.0 / denominator, 0.0)
    total = weight.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.sum(weight * neighbour, axis=1) / total
    return np.where(total > 0, mean, np.nan)
