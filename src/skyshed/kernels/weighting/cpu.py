"""Inverse-distance weighting on the CPU: SciPy's tree finds the neighbours, some rows at a time."""

import numpy as np

from skyshed.kernels.native import Kernels
from skyshed.kernels.threads import resolve_n_threads, rows_per_range, run_ranges
from skyshed.kernels.weighting import AT_POINT

KERNELS = Kernels(__package__)

#: Neighbours looked up at a time: bounds the memory for them, some 100 bytes each.
AT_A_TIME = 1 << 20


def expand(values, points, shape, n_neighbors, power, regularization, leafsize, n_threads):
    """Interpolate between points; see the contract in `skyshed.kernels.weighting`."""
    from scipy.spatial import cKDTree

    tree = cKDTree(points, leafsize=leafsize)
    values = np.ascontiguousarray(values)
    out = np.empty(shape)
    n_neighbors = min(n_neighbors, len(points))
    rows = max(AT_A_TIME // (n_neighbors * shape[1]), 1)
    for y in range(0, shape[0], rows):
        part = out[y : y + rows]
        pixels = np.indices(part.shape).reshape(2, -1).T + (y, 0)
        # A list of neighbours, so that one is not another case.
        distance, index = tree.query(
            pixels, k=np.arange(1, n_neighbors + 1), workers=resolve_n_threads(n_threads)
        )
        average = KERNELS.bind(
            "average", values, distance, index, n_neighbors, power, regularization, AT_POINT, part
        )
        run_ranges(average, part.size, n_threads, rows_per_range(n_neighbors))
    return out
