"""Pixels from numbers as they lie in a file, on the GPU; see stored.cu."""

import cupy
import numpy as np

from skyshed.kernels.cuda import Kernels
from skyshed.kernels.threads import run_ranges

KERNELS = Kernels(__package__, "stored.cu")
#: Bytes of each of the two buffers that a file is read into: large enough for the bus, and small
#: beside an image.
PIECE = 1 << 24
#: Bytes of a piece that a thread reads at a time: one thread copies from the page cache at a
#: fraction of what the bus takes.
READ = PIECE // 4
#: The kernel for each word, of integers that stay integers, and of those that become floats.
SWAPPING = {
    "uint8": "swap_uint8", "int16": "swap_int16", "int32": "swap_int32", "int64": "swap_int64",
}  # fmt: skip
SCALING = {
    "uint8": "scale_uint8", "int16": "scale_int16", "int32": "scale_int32", "int64": "scale_int64",
}  # fmt: skip
FLOATS = {"int32": "scale_float32", "int64": "scale_float64"}


def decode(words, form, into, n_threads):
    """Decode numbers; see the contract in `skyshed.kernels.stored`."""
    pixels, bad = into
    n, scale, zero = len(words), np.float64(form.scale), np.float64(form.zero)
    given, name = (words, np.int64(n), np.bool_(form.native)), form.word.name
    if not form.marks:
        turn = np.bool_(form.offset != 0)
        KERNELS.launch(SWAPPING[name], n, *given, turn, pixels.view(form.word))
    elif form.floats:
        KERNELS.launch(FLOATS[name], n, *given, scale, zero, pixels, bad)
    else:
        has_blank = form.blank is not None
        offset = form.offset if form.offset < 1 << 63 else -(1 << 63)
        KERNELS.launch(
            SCALING[name], n, *given, np.int64(offset), scale, zero,
            np.bool_(has_blank), np.int64(form.blank if has_blank else 0), pixels, bad,
        )  # fmt: skip
    return into


def in_pieces(fill, shape, form, n_threads):
    """Read and decode piece by piece; see `skyshed.kernels.stored.load`.

    Several threads read a piece. While it is copied to the device and decoded there, the next is
    read into the other buffer. Pieces are copied on a stream of their own. A buffer is written to
    again when its copy has been done, and what is on the device when that has been decoded.
    """
    pixels = cupy.empty(shape, form.dtype)
    bad = cupy.empty(shape, np.bool_) if form.marks else None
    flat, marks = pixels.reshape(-1), None if bad is None else bad.reshape(-1)
    if not flat.size:
        return pixels, bad
    n = min(PIECE // form.size, flat.size)
    n_buffers = 1 if n == flat.size else 2
    pinned = [cupy.cuda.alloc_pinned_memory(n * form.size) for _ in range(n_buffers)]
    host = [np.frombuffer(each, form.word, n) for each in pinned]
    room = [cupy.empty(n, form.word) for _ in range(n_buffers)]
    copied: list = [None] * n_buffers
    decoding, copying = cupy.cuda.get_current_stream(), cupy.cuda.Stream(non_blocking=True)
    copying.wait_event(decoding.record())  # the pool may give memory that is in use until then
    for k, first in enumerate(range(0, flat.size, n)):
        mine = k % n_buffers
        length = min(n, flat.size - first)
        words, on_device = host[mine][:length], room[mine][:length]
        if copied[mine] is not None:
            copied[mine].synchronize()
        _read(fill, words.view(np.uint8), first * form.size, n_threads)
        with copying:
            on_device.set(words, stream=copying)
        copied[mine] = copying.record()
        decoding.wait_event(copied[mine])
        piece = slice(first, first + length)
        decode(on_device, form, (flat[piece], None if marks is None else marks[piece]), n_threads)
        copying.wait_event(decoding.record())
    for each in copied:
        each.synchronize()  # pinned memory goes back to its pool when it is left
    return pixels, bad


def _read(fill, buffer, at, n_threads):
    """Fill a buffer with the bytes of a window from one on, by several threads."""

    def part(start, stop):
        fill(buffer[start:stop], at + start)

    run_ranges(part, len(buffer), n_threads, READ)
