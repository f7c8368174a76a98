"""CuPy's memory pool, as `cupy.cuda.MemoryPool` hands memory out (release 14; one stream's arena).

A request takes the smallest free block that is large enough, and splits it; without one, the driver
gives just as much as is asked for. Blocks that are given back are joined with free neighbours of
the same piece of the driver's memory. So the pool holds more than what is in use: what became too
small for what was asked for later. The driver gets back only pieces that are wholly free, when it
is asked.
"""

import bisect
import threading
from collections import deque
from typing import Any

#: CuPy's memory pool hands memory out in multiples of this.
UNIT = 512


def rounded(nbytes: int) -> int:
    """Return what the pool hands out for so many bytes."""
    return -(-nbytes // UNIT) * UNIT


class Block:
    """A part of a piece of the driver's memory."""

    __slots__ = ("after", "before", "free", "size")

    def __init__(self, size: int, before: Any = None, after: Any = None) -> None:
        self.size, self.before, self.after, self.free = size, before, after, False


class Pool:
    """The pool of a device.

    Attributes
    ----------
    held : int
        Bytes in use.
    kept : int
        Bytes that the driver has given, used or not.
    """

    def __init__(self) -> None:
        self.held = self.kept = 0
        self._free: dict[int, list[Block]] = {}  # by size
        self._sizes: list[int] = []  # of free blocks, in order
        self._lock = threading.Lock()
        # Blocks may come back at any time, also in the midst of a request: then they wait.
        self._returned: deque[Block] = deque()

    def take(self, nbytes: int) -> Block | None:
        """Return a block for a multiple of the unit; nothing takes nothing."""
        if not nbytes:
            return None
        with self._lock:
            self._join_returned()
            self.held += nbytes
            at = bisect.bisect_left(self._sizes, nbytes)
            if at == len(self._sizes):
                self.kept += nbytes
                return Block(nbytes)
            block = self._free[self._sizes[at]][-1]
            self._remove(block)
            if block.size > nbytes:
                rest = Block(block.size - nbytes, block, block.after)
                if block.after is not None:
                    block.after.before = rest
                block.after, block.size = rest, nbytes
                self._add(rest)
            return block

    def give(self, block: Block | None) -> None:
        """Take a block back."""
        if block is None:
            return
        self._returned.append(block)
        if self._lock.acquire(blocking=False):
            try:
                self._join_returned()
            finally:
                self._lock.release()

    def release(self) -> None:
        """Give the driver what is wholly free."""
        with self._lock:
            self._join_returned()
            for block in [block for blocks in self._free.values() for block in blocks]:
                if block.before is None and block.after is None:
                    self._remove(block)
                    self.kept -= block.size

    def _join_returned(self) -> None:
        while self._returned:
            block = self._returned.popleft()
            self.held -= block.size
            after, before = block.after, block.before
            if after is not None and after.free:
                self._remove(after)
                block.size += after.size
                block.after = after.after
                if after.after is not None:
                    after.after.before = block
            if before is not None and before.free:
                self._remove(before)
                before.size += block.size
                before.after = block.after
                if block.after is not None:
                    block.after.before = before
                block = before
            self._add(block)

    def _add(self, block: Block) -> None:
        block.free = True
        same = self._free.setdefault(block.size, [])
        if not same:
            bisect.insort(self._sizes, block.size)
        same.append(block)

    def _remove(self, block: Block) -> None:
        block.free = False
        same = self._free[block.size]
        same.remove(block)
        if not same:
            del self._free[block.size]
            self._sizes.pop(bisect.bisect_left(self._sizes, block.size))
