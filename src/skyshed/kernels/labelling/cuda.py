"""Labelling on the GPU, by runs; see labelling.cu.

The image is read once and the labels are written once; between, there are 1/2 byte per pixel of
words and some 40 bytes per run. A library's labelling works on an image of parents: it reads and
writes that several times over, and counts pixels in 32 bits.
"""

import cupy
import numpy as np

from skyshed.kernels.cuda import Kernels
from skyshed.kernels.labelling import unknown_labels
from skyshed.kernels.segments.cuda import collect
from skyshed.kernels.segments.cuda_runs import Words

KERNELS = Kernels(__package__, "labelling.cu")


def label_above(data, threshold, mask, npixels, connectivity, n_threads):
    """Label by runs; see the contract in `skyshed.kernels.labelling`."""
    words = _words_above(data, threshold, mask)
    runs = words.runs()
    if runs.size == 0:
        return cupy.zeros(data.shape, np.int32), 0
    label, n_labels = _labels_of_runs(words, runs, npixels, connectivity)
    out = cupy.empty(data.shape, np.int32)
    KERNELS.launch(
        "write_labels", words.threads, words.starts, words.ends, runs.offset, runs.last, label,
        *words.sides, out,
    )  # fmt: skip
    return out, n_labels


def sources_above(data, threshold, mask, npixels, connectivity, n_threads):
    """Label, then collect; see the contract in `skyshed.kernels.labelling`."""
    image, _ = label_above(data, threshold, mask, npixels, connectivity, n_threads)
    return image, *collect(image, n_threads)


def _words_above(data, threshold, mask):
    """Say where runs above the threshold start and end, in one read of the image."""
    words = Words(data.shape)
    single = threshold.dtype == np.float32
    KERNELS.launch(
        "find_runs", words.threads, data, threshold if single else None,
        None if single else threshold, np.bool_(threshold.size == 1), mask,
        *words.sides, *words.bits, dtype=data.dtype,
    )  # fmt: skip
    return words


def _labels_of_runs(words, runs, npixels, connectivity):
    """Join runs that touch; return the label of each and the number of labels."""
    n = np.int64(runs.size)
    npixels = np.int64(npixels)
    parent = cupy.arange(runs.size, dtype=np.int64)
    KERNELS.launch(
        "join_runs", runs.size, words.starts, runs.offset, runs.first, runs.last, n, *words.sides,
        np.int32(connectivity == 8), parent,
    )  # fmt: skip
    area = cupy.zeros(runs.size, np.uint64)
    KERNELS.launch("add_areas", runs.size, runs.first, runs.last, n, npixels, parent, area)
    kept = cupy.empty(runs.size, np.int64)
    KERNELS.launch("mark_kept", runs.size, parent, area, n, npixels, kept)
    number = cupy.cumsum(kept)
    label = cupy.empty(runs.size, np.int32)
    KERNELS.launch("label_runs", runs.size, parent, area, number, n, npixels, label)
    return label, int(number[-1])


def relabel(labels, table, n_threads):
    """Look labels up in a table; see the contract in `skyshed.kernels.labelling`."""
    beyond = int(cupy.count_nonzero((labels < 0) | (labels >= table.size)))
    if beyond:
        raise unknown_labels(beyond, table.size)
    return cupy.take(table, labels)
