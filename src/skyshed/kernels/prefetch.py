"""Asking for pixels ahead of their use.

A core foresees that memory is read in order. The pixels around a source are short pieces of many
rows, and those around the next source are others: most of the time of a visit would be waiting.
"""

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from skyshed.kernels.threads import jit

__all__ = ["prefetch_pixels", "prefetch_row"]

#: Bytes that memory hands out together.
LINE = 64
#: Of the pixels of a source every so manieth is asked for: some are in the same line.
STEP = 4


def _pixel(typing_context: Any, array: Any, y: Any, x: Any) -> Any:
    """Ask for one element of an array of two dimensions, without waiting for it."""
    return types.void(array, types.intp, types.intp), _generate


def _element(typing_context: Any, array: Any, i: Any) -> Any:
    """Ask for one element of an array of one dimension, without waiting for it."""
    return types.void(array, types.intp), _generate


def _generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    kind = signature.args[0]
    view = context.make_array(kind)(context, builder, args[0])
    place = cgutils.get_item_pointer(context, builder, kind, view, args[1:], wraparound=False)
    byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
    hint = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
    function = cgutils.get_or_insert_function(builder.module, hint, "llvm.prefetch.p0i8")
    # To be read (0), soon and often (3), as data (1).
    builder.call(function, [builder.bitcast(place, byte), word(0), word(3), word(1)])
    return context.get_dummy_value()


#: In compiled code they are called without the context.
_ask_pixel: Any = intrinsic(_pixel)
_ask_element: Any = intrinsic(_element)


@jit
def prefetch_row(image, y, block):
    """Ask for row ``y`` of a block of pixels ``y0, y1, x0, x1``, if it has that row."""
    if y < block[1] and block[2] < block[3]:
        for x in range(block[2], block[3], LINE // image.itemsize):
            _ask_pixel(image, y, x)
        _ask_pixel(image, y, block[3] - 1)


@jit
def prefetch_pixels(image, pixel, start, order, k, stop):
    """Ask for the pixels of the source that comes after ``order[k]``, and for the list of those of
    the one after that.

    ``image`` has one dimension; ``order[:stop]`` is visited.
    """
    if k + 2 < stop:
        i = order[k + 2]
        for j in range(start[i], start[i + 1], LINE // pixel.itemsize):
            _ask_element(pixel, j)
    if k + 1 < stop:
        i = order[k + 1]
        for j in range(start[i], start[i + 1], STEP):
            _ask_element(image, pixel[j])
