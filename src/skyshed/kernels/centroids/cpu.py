"""Centroids on the CPU; see covariance.cpp, windowed.cpp and quadratic.cpp."""

import numpy as np

from skyshed.kernels.apertures.cpu import image_order, of_each_place, where_of
from skyshed.kernels.centroids.fits import fits
from skyshed.kernels.native import Kernels
from skyshed.kernels.threads import flag_for, run_items

KERNELS = Kernels(__package__)

#: Sources per range of work; of those with windows, which take longer.
SOURCES, WINDOWS = 256, 64


def covariance(sources, error, image, mask, moments, n_threads):
    """Propagate per source; see the contract in `skyshed.kernels.centroids`."""
    n = len(sources)
    out, stop = np.empty((n, 3)), flag_for(sources.pixel.size)
    propagate = KERNELS.bind(
        "covariance", sources.pixel, sources.start, sources.order, sources.bbox, image.shape[1],
        error, image, mask, np.ascontiguousarray(moments), out, stop,
    )  # fmt: skip
    run_items(propagate, n, n_threads, SOURCES, stop)
    return out


def windowed(
    data, error, labels, mask, place, label, windows, ellipses, covariance, method, n_threads
):
    """Search per source; see the contract in `skyshed.kernels.centroids`."""
    if np.ndim(place[0]) and len(label):
        return of_each_place(
            place, lambda own, i: windowed(
                data, error, labels, mask, own, label[i], windows[i], ellipses[i], covariance[i],
                method, n_threads,
            ),
        )  # fmt: skip
    n, light, beyond = len(label), np.empty((len(label), 4)), np.empty(len(label), bool)
    centre, errors, fallback = _results(n)
    out = centre, errors, light, fallback, beyond
    tables = map(np.ascontiguousarray, (windows, ellipses, covariance))
    order, stop = image_order(windows[:, 0], windows[:, 1]), np.zeros(1, np.int32)
    search = KERNELS.bind(
        "windowed", data, error, labels, mask, where_of(data, place, method), label, *tables, order,
        *out, stop,
    )  # fmt: skip
    run_items(search, n, n_threads, WINDOWS, stop)
    return out


def quadratic(sources, data, error, mask, peak, centre, covariance, n_threads):
    """Fit per source; see the contract in `skyshed.kernels.centroids`."""
    n, out = len(sources), _results(len(sources))
    fit = KERNELS.bind(
        "quadratic", sources.pixel, sources.start, sources.bbox, data.shape[1], data, error, mask,
        np.ascontiguousarray(peak), sources.order, fits(), np.ascontiguousarray(centre),
        np.ascontiguousarray(covariance), *out,
    )  # fmt: skip
    run_items(fit, n, n_threads, SOURCES)
    return out


def _results(n):
    """Return arrays for centres, their covariances, and whether they fell back."""
    return np.empty((n, 2)), np.empty((n, 3)), np.empty(n, bool)
