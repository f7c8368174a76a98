"""Labelling on the GPU, by runs; see labelling.cu.

The image is read once and the labels are written once; between, there are half a byte per pixel of
words and offsets, and some 50 bytes per run. A library's labelling works on an image of parents: it
reads and writes that several times over, and counts pixels in 32 bits.
"""

import math

import cupy
import numpy as np

from skyshed.kernels.cuda import Kernels
from skyshed.kernels.labelling import Seen, unknown_labels
from skyshed.kernels.segments.cuda import no_sources, sources_of_runs, usual_lists
from skyshed.kernels.segments.cuda_runs import Words

KERNELS = Kernels(__package__, "labelling.cu")


def label_above(data, threshold, mask, npixels, connectivity, n_threads):
    """Label by runs; see the contract in `skyshed.kernels.labelling`."""
    words, runs, _ = _runs_above(data, threshold, mask)
    if runs.size == 0:
        return cupy.zeros(data.shape, np.int32), 0
    label, number = _labels_of_runs(words, runs, data.shape[-2], npixels, connectivity)
    return _written(words, runs, label, data.shape), int(number[-1])


def sources_above(data, threshold, mask, npixels, connectivity, n_threads):
    """Label by runs, and list these; see the contract in `skyshed.kernels.labelling`."""
    words, runs, seen = _runs_above(data, threshold, mask, usual_lists(data.shape))
    if runs.size == 0:
        return cupy.zeros(data.shape, np.int32), *no_sources(), seen
    label = _labels_of_runs(words, runs, data.shape[-2], npixels, connectivity)[0]
    labels = _written(words, runs, label, data.shape)
    first, last, _ = runs
    del words, runs, _  # the lists of the sources may lie where they did
    # What touches along a row has one label: the runs are those of the label image.
    return labels, *sources_of_runs(first, last, label, data.shape[-1]), seen


def _runs_above(data, threshold, mask, listed=0):
    """Find runs above the threshold in one read of the image; say what was `Seen` on the way."""
    rows = math.prod(data.shape[:-1]), data.shape[-1]
    seen, words = cupy.zeros(2, np.uint64), Words(rows, listed)
    single = threshold.dtype == np.float32
    KERNELS.launch(
        "find_runs", words.threads, data, threshold if single else None,
        None if single else threshold, np.bool_(threshold.size == 1), mask,
        *words.sides, *words.bits, seen, dtype=data.dtype,
    )  # fmt: skip
    offset = words.offsets()
    n_runs, left, n_negative = cupy.concatenate((offset[-1:], seen.view(np.int64))).get().tolist()
    return words, words.numbered(offset, n_runs), Seen(bool(left), n_negative)


def _labels_of_runs(words, runs, ny, npixels, connectivity):
    """Join runs that touch in images of ny rows; return their labels, and the running number."""
    n = np.int64(runs.size)
    npixels = np.int64(npixels)
    parent = cupy.arange(runs.size, dtype=np.int64)
    KERNELS.launch(
        "join_runs", runs.size, words.starts, runs.offset, runs.first, runs.last, n, np.int64(ny),
        words.sides[1], np.int32(connectivity == 8), parent,
    )  # fmt: skip
    area = cupy.zeros(runs.size, np.uint64)
    KERNELS.launch("add_areas", runs.size, runs.first, runs.last, n, npixels, parent, area)
    kept = cupy.empty(runs.size, np.int64)
    KERNELS.launch("mark_kept", runs.size, parent, area, n, npixels, kept)
    number = cupy.cumsum(kept)
    label = cupy.empty(runs.size, np.int32)
    KERNELS.launch("label_runs", runs.size, parent, area, number, n, npixels, label)
    return label, number


def _written(words, runs, label, shape):
    """Return the image of the labels of runs."""
    out = cupy.empty(shape, np.int32)
    KERNELS.launch(
        "write_labels", words.threads, words.starts, words.ends, runs.offset, runs.last, label,
        *words.sides, out,
    )  # fmt: skip
    return out


def relabel(labels, table, n_threads):
    """Look labels up in a table; see the contract in `skyshed.kernels.labelling`."""
    beyond = int(cupy.count_nonzero((labels < 0) | (labels >= table.size)))
    if beyond:
        raise unknown_labels(beyond, table.size)
    return cupy.take(table, labels)
