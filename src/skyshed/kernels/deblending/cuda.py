"""Deblending on the GPU: a block per source does all of it; see deblending.cu.

Sources of up to some 1,500 pixels work in shared memory, in three launches by their size; larger
ones in global memory, by blocks of more threads, after the whole GPU has found their pixels'
neighbours. What a block leaves undecided is done by the CPU
twin: a large source on whose plateaus the order of a serial flood matters, a source whose peaks are
as strong as the contrast to the last digits. Only those sources' values and pixels cross.
"""

from typing import Any, NamedTuple

import cupy
import numpy as np

from skyshed.kernels.cuda import CHUNK, Kernels
from skyshed.kernels.deblending import cpu
from skyshed.kernels.segments.cuda import chunks_of, max_chunks, places_of, sources_in

SURVEY = Kernels(__package__, "survey.cu")
KERNELS = Kernels(__package__, "deblending.cu")

#: Sizes of small sources, and how many threads work on one. A class costs a launch; the last one
#: fills what shared memory a kernel may use everywhere.
CLASSES = ((160, 32), (512, 64), (None, 128))
SHARED = 48 * 1024 - 512
LARGE_BLOCK = 512
#: A flag of the kernels: left to the CPU.
UNDECIDED = 128
#: Levels are counted in 16 bits for small sources.
MANY_LEVELS = 65_000
#: With more, the pixels of large sources are not listed by level.
LISTED_LEVELS = 1024


class _Rows(NamedTuple):
    """Sources as far as the CPU twin looks at them."""

    start: Any
    pixel: Any
    bbox: Any
    shape: tuple[int, int]

    @property
    def area(self):
        return np.diff(self.start)

    def __len__(self):
        return self.start.size - 1


def survey(data, sources, connectivity, n_threads, room=None):
    """Gather values and their range; see the contract in `skyshed.kernels.deblending`."""
    n = len(sources)
    n_pixels = sources.pixel.shape[0]
    values = cupy.empty(n_pixels, data.dtype) if room is None else room.view(data.dtype)
    smallest, largest = cupy.empty(n, data.dtype), cupy.empty(n, data.dtype)
    peaks = cupy.empty(n, np.int64)
    keys = cupy.zeros((3, n), np.uint64)
    ny, nx = data.shape
    SURVEY.launch(
        "survey_chunks", max_chunks(sources) * 32, data, sources.pixel, sources.start,
        chunks_of(sources), np.int64(n), np.int64(ny), np.int64(nx),
        np.bool_(connectivity == 8), values, keys[0], keys[1], keys[2], dtype=data.dtype,
    )  # fmt: skip
    SURVEY.launch(
        "survey_sources", n, keys[0], keys[1], keys[2], np.int64(n), smallest, largest, peaks,
        dtype=data.dtype,
    )  # fmt: skip
    return values, smallest, largest, peaks


def bytes_per_pixel(dtype, place, saddle):
    """Return what deblending.cu's Work takes for places of that many bytes."""
    return np.dtype(dtype).itemsize + 8 + 8 * bool(saddle) + 9 * place + 1


def deblend(
    values, sources, index, thresholds, npixels, contrast, connectivity, saddle, max_markers,
    n_threads, room=None,
):  # fmt: skip
    """Split sources; see the contract in `skyshed.kernels.deblending`."""
    index = index.get() if isinstance(index, cupy.ndarray) else np.asarray(index)
    n, area = index.size, sources.host.area[index]
    start = np.append(0, np.cumsum(area))
    child, known = cupy.empty(int(start[-1]), np.int32), cupy.zeros(9 * n, np.uint8)
    if n:
        at, there = cupy.split(cupy.asarray(np.append(sources.host.start[index], start)), [n])
        n_levels = thresholds.shape[1]
        task = (
            values, sources.pixel, at, there, np.int64(n),
            np.int64(sources.shape[1]), thresholds, np.int64(n_levels), np.int64(npixels),
            np.float64(contrast), np.bool_(connectivity == 8), np.bool_(saddle),
            np.int64(max_markers),
        )  # fmt: skip
        results = child, known[: 8 * n].view(np.int64), known[8 * n :]
        largest_small = 0
        if n_levels <= MANY_LEVELS:
            largest_small = _split_small(task, results, n, values.dtype, saddle)
        _split_large(task, results, area, values.dtype, saddle, largest_small, room)
    nchild, flags = np.split(known.get(), [8 * n])
    found = child, nchild.view(np.int64), flags
    undecided = np.flatnonzero(flags & UNDECIDED)
    if undecided.size:
        rules = npixels, contrast, connectivity, saddle, max_markers, n_threads
        _split_on_the_host(undecided, index, found, there, values, sources, thresholds, rules)
    return found


def _split_small(task, results, n, dtype, saddle):
    """Split all sources that fit into shared memory; return the size of the largest such."""
    per_pixel = bytes_per_pixel(dtype, 2, saddle)
    least = 0
    for most, block in CLASSES:
        most = most or SHARED // per_pixel // 8 * 8
        KERNELS.launch(
            "split_small", n * block, *task, np.int64(least), np.int64(most), np.int64(most),
            *results, dtype=dtype, block=block, shared=most * per_pixel,
        )  # fmt: skip
        least = most
    return least


def _split_large(task, results, area, dtype, saddle, least, room):
    """Split all sources of more than ``least`` pixels, the largest first: they take longest."""
    which = np.argsort(-area, kind="stable")[: np.count_nonzero(area > least)]
    if which.size == 0:
        return
    _, pixel, at, start, _, nx, _, n_levels, _, _, corners, *_ = task
    per_pixel = bytes_per_pixel(dtype, 4, saddle)
    pixels = (area[which] + 7) // 8 * 8
    first = None
    if n_levels <= LISTED_LEVELS:
        first = cupy.empty(which.size * (int(n_levels) + 2), np.int32)
    large = cupy.asarray(which), cupy.asarray(np.cumsum(pixels) - pixels)
    nbytes = int(pixels.sum()) * per_pixel
    work = cupy.empty(nbytes, np.uint8) if room is None or room.size < nbytes else room
    n_large, per_pixel = np.int64(which.size), np.int64(per_pixel)
    first_chunk = np.append(0, np.cumsum(-(-area[which] // CHUNK)))
    KERNELS.launch(
        "relate_large", int(first_chunk[-1]) * 32, pixel, at, start, nx, corners,
        np.bool_(saddle), *large, cupy.asarray(first_chunk), n_large, per_pixel, work, dtype=dtype,
    )  # fmt: skip
    KERNELS.launch(
        "split_large", which.size * LARGE_BLOCK, *task, *large, n_large, per_pixel, work, first,
        *results, dtype=dtype, block=LARGE_BLOCK,
    )  # fmt: skip


def _split_on_the_host(undecided, index, found, start, values, sources, thresholds, rules):
    """Have the CPU twin split some of the sources ``index``, and put in what it finds."""
    rows = index[undecided]
    area = sources.host.area[rows]
    begin = np.append(0, np.cumsum(area))
    there = cupy.asarray(begin)
    place = places_of(sources.start, rows, there, area)
    pixel = cupy.take(sources.pixel, place).get()
    taken = _Rows(begin, pixel, sources.host.bbox[rows], sources.shape)
    child, nchild, flags = cpu.deblend(
        cupy.take(values, place).get(), taken, np.arange(len(taken)),
        thresholds[cupy.asarray(undecided)].get(), *rules,
    )  # fmt: skip
    found[0][places_of(start, undecided, there, area)] = cupy.asarray(child)
    found[1][undecided], found[2][undecided] = nchild, flags


def paint(sources, base, child_start, child, n_threads, room=None):
    """Draw a label image; see the contract in `skyshed.kernels.deblending`."""
    if room is None:
        out = cupy.zeros(sources.shape, np.int32)
    else:
        out = room
        out.fill(0)
    SURVEY.launch(
        "paint_chunks", max_chunks(sources) * 32, sources.pixel, sources.start,
        chunks_of(sources), np.int64(len(sources)), base, child_start, child, out,
    )  # fmt: skip
    return out


def parts(sources, base, child_start, child, n_children, image, n_threads):
    """Collect the sources of a painted image; see `skyshed.kernels.deblending`."""
    n_children = n_children.get() if isinstance(n_children, cupy.ndarray) else n_children
    n_parts = int(np.maximum(n_children, 1).sum())
    return sources_in(image, (n_parts, sources.pixel.shape[0]))
