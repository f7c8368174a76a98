"""The nearest points of a grid on the CPU; see neighbours.cpp."""

import numpy as np

from skyshed.kernels.native import Kernels
from skyshed.kernels.threads import run_ranges

KERNELS = Kernels(__package__)

#: Places per range of work.
PLACES = 256


def nearest(points, places, k, leafsize, n_threads):
    """Build a tree, then ask it; see the contract in `skyshed.kernels.neighbours`."""
    n, m = len(points), len(places)
    points, places = np.ascontiguousarray(points), np.ascontiguousarray(places)
    order = np.arange(n)
    # A tree of n leaves has n - 1 inner nodes.
    nodes, splits = np.empty((2 * n + 1, 5), np.int64), np.empty(2 * n + 1)
    n_nodes = KERNELS.call("build", points, n, leafsize, order, nodes, splits)
    distance, index = np.empty((m, k)), np.empty((m, k), np.int64)
    ask = KERNELS.bind(
        "ask", points, n, order, nodes, splits, n_nodes, places, k, distance, index
    )  # fmt: skip
    run_ranges(ask, m, n_threads, PLACES)
    return distance, index
