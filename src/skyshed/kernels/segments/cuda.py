"""Sources of a label image on the GPU, by runs; see segments.cu."""

import math

import cupy
import numpy as np

from skyshed.kernels.cuda import CHUNK, Kernels
from skyshed.kernels.segments.cuda_runs import Words

KERNELS = Kernels(__package__, "segments.cu")


def collect(image, n_threads):
    """Collect sources by sorting runs; see the contract in `skyshed.kernels.segments`."""
    return sources_in(image)


def sources_in(image, sizes=None):
    """Collect sources of an image; ``sizes`` are the numbers of sources and of pixels, if known."""
    words = Words(image.shape, 8 * sizes[1] if sizes else usual_lists(image.shape))
    KERNELS.launch("find_runs", words.threads, image, *words.sides, *words.bits)
    first, last, _ = words.runs()
    del words, _  # as large as the sources themselves where these are few
    if first.shape[0] == 0:
        return no_sources()
    return sources_of_runs(first, last, cupy.take(image, first), image.shape[1], sizes)


def usual_lists(shape):
    """Return the bytes to hold for lists of an image: a tenth of its pixels, and of the runs."""
    return math.prod(shape)


def no_sources():
    """Return what `sources_of_runs` does where there are none."""
    return (
        cupy.empty(0, np.int32), cupy.zeros(1, np.int64), cupy.empty(0, np.int64),
        cupy.empty((0, 4), np.int64),
    )  # fmt: skip


def sources_of_runs(first, last, label, nx, sizes=None):
    """Return the sources that runs with these labels make up; runs of label 0 are in none.

    The host asks the device for the numbers of sources and of pixels where it does not know them.
    """
    size = first.shape[0]
    n_runs = np.int64(size)
    # The longest list comes first where it can: shorter ones might split the piece that it fits in.
    pixel = sizes and cupy.empty(sizes[1], np.int64)
    order = cupy.argsort(label)  # CuPy's sorts are stable
    head, length = cupy.empty(size, np.int64), cupy.empty(size, np.int64)
    KERNELS.launch("measure_runs", size, first, last, label, order, n_runs, head, length)
    rank, place = cupy.cumsum(head), cupy.cumsum(length)
    n, n_pixels = sizes or cupy.concatenate((rank[-1:], place[-1:])).get().tolist()
    if not sizes:
        pixel = cupy.empty(n_pixels, np.int64)
    labels = cupy.empty(n, np.int32)
    start, first_run = cupy.empty(n + 1, np.int64), cupy.empty(n + 1, np.int64)
    KERNELS.launch(
        "write_pixels", size * 8, first, label, order, head, length, rank, place, n_runs,
        labels, start, first_run, pixel,
    )  # fmt: skip
    bbox = cupy.empty((n, 4), np.int64)
    KERNELS.launch(
        "find_boxes", n * 32, first, last, order, first_run, np.int64(n), np.int64(nx),
        bbox,
    )  # fmt: skip
    return labels, start, pixel, bbox


def first_chunks(start):
    """Return the first chunk of each of n sources, and the number of chunks, int64, shape (n + 1,).

    Parameters
    ----------
    start : cupy array of int64, shape (n + 1,)
        Offsets of the sources' pixels.
    """
    chunks = cupy.empty_like(start)
    KERNELS.launch(
        "measure_rows", chunks.shape[0], start, None, np.int64(start.shape[0] - 1), None, chunks
    )
    return cupy.cumsum(chunks)


def chunks_of(sources):
    """Return the first chunk of each of n `Sources`, and the number of chunks, shape (n + 1,).

    They are counted once and kept: many kernels want them.
    """
    kept = vars(sources)
    if "_first_chunks" not in kept:
        kept["_first_chunks"] = first_chunks(sources.start)
    return kept["_first_chunks"]


def max_chunks(sources):
    """Return the most chunks that sources can have: known without asking the device."""
    return len(sources) + sources.pixel.shape[0] // CHUNK


def places_of(start, index, new_start, area):
    """Return where the pixels of rows are from that are taken: those of `take`, without a wait.

    Parameters
    ----------
    start, new_start : cupy array of int64
        Offsets of all rows, and of those that are taken.
    index, area : NumPy array of int64, shape (n,)
        The rows to take, and how many pixels they have.
    """
    first = np.append(0, np.cumsum(-(-area // CHUNK)))
    places = cupy.empty(int(area.sum()), np.int64)
    KERNELS.launch(
        "find_places", int(first[-1]) * 32, start, cupy.asarray(index), new_start,
        cupy.asarray(first), np.int64(index.size), places,
    )  # fmt: skip
    return places


def take(pixel, start, index):
    """Take compressed rows; see the contract in `skyshed.kernels.segments`."""
    index = cupy.ascontiguousarray(cupy.asarray(index, dtype=np.int64))
    n = index.shape[0]
    if n == 0:
        return cupy.zeros(1, np.int64), cupy.empty(0, pixel.dtype)
    length, chunks = cupy.empty(n + 1, np.int64), cupy.empty(n + 1, np.int64)
    KERNELS.launch("measure_rows", n + 1, start, index, np.int64(n), length, chunks)
    new_start, first = cupy.cumsum(length), cupy.cumsum(chunks)
    places = cupy.empty(int(new_start[-1]), np.int64)
    KERNELS.launch(
        "find_places", (n + places.shape[0] // CHUNK) * 32, start, index, new_start, first,
        np.int64(n), places,
    )  # fmt: skip
    return new_start, cupy.take(pixel, places)
