"""The C library's heaps: as few as can be, and what was freed is given back to the system.

glibc takes arrays of up to 32 MB from heaps, of which it makes one for each thread, and keeps what
is freed: after a run over tiles 290 MB of 380 MB. Other C libraries have one heap, or give memory
back by themselves.
"""

import ctypes
import functools
import sys
from typing import Any

__all__ = ["give_back_freed", "share_one_heap"]

#: glibc's number of the option that limits its heaps (``malloc.h``).
M_ARENA_MAX = -8


def share_one_heap() -> None:
    """Let threads that come from now on take memory from one heap, the process's first.

    What is freed in one thread then serves another, and `give_back_freed` gives all of it back: of
    other heaps glibc keeps up to 64 MB at their end. This holds as long as the process does.
    """
    library = _glibc()
    if library is not None:
        library.mallopt(M_ARENA_MAX, 1)


def give_back_freed() -> None:
    """Give the system the memory that was freed: it counts as the process's until then.

    This takes milliseconds, but the next arrays must fetch their pages anew: it is meant for the
    end of a phase.
    """
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


@functools.cache
def _glibc() -> Any:
    """Return glibc; `None` where there is another C library."""
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "gnu_get_libc_version") else None
