"""Centroids on the GPU; see covariance.cu, windowed.cu and quadratic.cu."""

import cupy
import numpy as np

from skyshed.kernels.apertures.cpu import where_of
from skyshed.kernels.centroids.fits import fits
from skyshed.kernels.cuda import Kernels
from skyshed.kernels.segments.cuda import chunks_of, max_chunks

COVARIANCE = Kernels(__package__, "covariance.cu")
WINDOWED = Kernels(__package__, "windowed.cu")
QUADRATIC = Kernels(__package__, "quadratic.cu")
#: Threads of a block, as windowed.cu has them, for small and for large windows.
FEW, MANY = 32, 256


def covariance(sources, error, image, mask, moments, n_threads):
    """Propagate per source; see the contract in `skyshed.kernels.centroids`."""
    n, chunks, first = len(sources), max_chunks(sources), chunks_of(sources)
    error, image = _alike(error, image)
    partial, out = cupy.empty((chunks, 4), np.float64), cupy.empty((n, 3), np.float64)
    moments = cupy.ascontiguousarray(moments)
    COVARIANCE.launch(
        "variances_of_chunks", chunks * 32, sources.pixel, sources.start, first, np.int64(n),
        sources.bbox, np.int64(image.shape[1]), error, image, mask, moments, partial,
        dtype=image.dtype,
    )  # fmt: skip
    COVARIANCE.launch(
        "covariances_of_sources", n, first, np.int64(n), partial, moments, out, dtype=image.dtype
    )
    return out


def windowed(
    data, error, labels, mask, place, label, windows, ellipses, covariance, method, n_threads
):
    """Search per source; see the contract in `skyshed.kernels.centroids`."""
    n = len(label)
    centre, errors, fallback = _results(n)
    out = centre, errors, cupy.empty((n, 4), np.float64), fallback, cupy.empty(n, np.bool_)
    data, error = _alike(data, error)
    where = cupy.asarray(where_of(data, place, method))
    rows = (cupy.ascontiguousarray(table) for table in (windows, ellipses, covariance))
    given = data, error, labels, mask, where, label, *rows, np.int64(n)
    for large, block in ((False, FEW), (True, MANY)):
        WINDOWED.launch(
            "search_windows", n * block, *given, np.bool_(large), *out, dtype=data.dtype,
            block=block,
        )  # fmt: skip
    return out


def quadratic(sources, data, error, mask, peak, centre, covariance, n_threads):
    """Fit per source; see the contract in `skyshed.kernels.centroids`."""
    n, out = len(sources), _results(len(sources))
    data, error = _alike(data, error)
    plain = (cupy.ascontiguousarray(table) for table in (centre, covariance))
    QUADRATIC.launch(
        "fit_peaks", n, sources.pixel, sources.start, sources.bbox, np.int64(n),
        np.int64(data.shape[1]), data, error, mask, peak, cupy.asarray(fits()), *plain, *out,
        dtype=data.dtype,
    )  # fmt: skip
    return out


def _results(n):
    """Return arrays for centres, their covariances, and whether they fell back."""
    return cupy.empty((n, 2), np.float64), cupy.empty((n, 3), np.float64), cupy.empty(n, np.bool_)


def _alike(*images):
    """Return images of one dtype: kernels are compiled for one. Those that are already stay."""
    dtype = np.result_type(*(image.dtype for image in images if image is not None))
    return tuple(None if image is None else image.astype(dtype, copy=False) for image in images)
