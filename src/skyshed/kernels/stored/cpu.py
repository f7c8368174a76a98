"""Pixels from numbers as they lie in a file, on the CPU; see stored.cpp."""

import numpy as np

from skyshed.kernels.native import Kernels
from skyshed.kernels.threads import run_ranges

KERNELS = Kernels(__package__)
#: Numbers per range of work.
NUMBERS = 1 << 17
#: Bytes that are read at a time: they are decoded from the cache.
PIECE = 1 << 22


def decode(words, form, into, n_threads):
    """Decode numbers; see the contract in `skyshed.kernels.stored`."""
    pixels, bad = into
    if not form.marks:
        turn = form.offset != 0
        work = KERNELS.bind("swap_integers", words, form.native, turn, pixels.view(form.word))
    elif form.floats:
        work = KERNELS.bind("scale_floats", words, form.native, form.scale, form.zero, pixels, bad)
    else:
        has_blank = form.blank is not None
        work = KERNELS.bind(
            "scale_integers", words, form.native, _within(form.offset), form.scale, form.zero,
            has_blank, form.blank if has_blank else 0, pixels, bad,
        )  # fmt: skip
    run_ranges(work, len(words), n_threads, NUMBERS)
    return into


def _within(offset):
    """Return an offset as 64 bits hold it: of that of 64-bit integers only the bit matters."""
    return offset if offset < 1 << 63 else -(1 << 63)


def in_pieces(fill, shape, form, n_threads):
    """Read and decode piece by piece; see `skyshed.kernels.stored.load`."""
    pixels = np.empty(shape, form.dtype)
    bad = np.empty(shape, bool) if form.marks else None
    flat, marks = pixels.reshape(-1), None if bad is None else bad.reshape(-1)
    room = np.empty(min(PIECE // form.size, flat.size), form.word)
    for first in range(0, flat.size, max(len(room), 1)):
        words = room[: flat.size - first]
        fill(words.view(np.uint8), first * form.size)
        piece = slice(first, first + len(words))
        decode(words, form, (flat[piece], None if marks is None else marks[piece]), n_threads)
    return pixels, bad
