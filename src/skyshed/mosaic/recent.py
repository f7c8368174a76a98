"""The records that were read last, so that neighbouring tiles need not read them again."""

from collections import OrderedDict
from threading import Lock
from typing import TypeVar

from skyshed.mosaic.records import Record
from skyshed.mosaic.workspace import Workspace

__all__ = ["Recent"]

R = TypeVar("R", bound=Record)

#: Bytes of records that are kept: those of two rows of tiles, or of the tiles around two.
KEPT = 16 << 20


class Recent:
    """A workspace whose records are read once, as long as few others are read in between.

    Records do not change once they are written, and are not to be changed by who reads them here.

    Parameters
    ----------
    workspace : Workspace
        Where they are.
    kept : int, optional
        Bytes of those that are kept.
    """

    def __init__(self, workspace: Workspace, kept: int = KEPT) -> None:
        self._workspace, self._most, self._size = workspace, kept, 0
        self._kept: OrderedDict[tuple[object, ...], Record] = OrderedDict()
        self._lock = Lock()

    def load(self, kind: type[R], tile: tuple[int, int], only: tuple[str, ...]) -> R:
        """Return what `Workspace.load` does; its errors are raised."""
        key = kind, tile, only
        with self._lock:
            known = self._kept.get(key)
            if known is not None:
                self._kept.move_to_end(key)
        if known is None:  # two threads may read the same: neither waits for the other
            known = self._workspace.load(kind, tile, only)
            with self._lock:
                if key not in self._kept:
                    self._size += _bytes_of(known)
                self._kept[key] = known
                while self._size > self._most:
                    self._size -= _bytes_of(self._kept.popitem(last=False)[1])
        return known  # type: ignore[return-value]


def _bytes_of(record: Record) -> int:
    """Return the size of the arrays of a record, or of what was read of it."""
    return sum(getattr(each, "nbytes", 0) for each in record.to_arrays().values())
