"""Asking for pixels ahead of their use.

A core foresees that memory is read in order. The pixels around a source are short pieces of many
rows, and those around the next source are others: most of the time of a visit would be waiting.
"""

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from skyshed.kernels.threads import jit

__all__ = ["prefetch_row"]

#: Bytes that memory hands out together.
LINE = 64


def _prefetch(typing_context: Any, array: Any, y: Any, x: Any) -> Any:
    """Ask for one element of an array of two dimensions, without waiting for it."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = signature.args[0]
        view = context.make_array(kind)(context, builder, args[0])
        place = cgutils.get_item_pointer(context, builder, kind, view, args[1:], wraparound=False)
        byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
        hint = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
        function = cgutils.get_or_insert_function(builder.module, hint, "llvm.prefetch.p0i8")
        # To be read (0), soon and often (3), as data (1).
        builder.call(function, [builder.bitcast(place, byte), word(0), word(3), word(1)])
        return context.get_dummy_value()

    return types.void(array, types.intp, types.intp), generate


#: In compiled code it is called without the context.
_ask: Any = intrinsic(_prefetch)


@jit
def prefetch_row(image, y, block):
    """Ask for row ``y`` of a block of pixels ``y0, y1, x0, x1``, if it has that row."""
    if y < block[1] and block[2] < block[3]:
        for x in range(block[2], block[3], LINE // image.itemsize):
            _ask(image, y, x)
        _ask(image, y, block[3] - 1)
