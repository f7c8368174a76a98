"""How many threads decode the pixels of files: as many as compute."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["reading_threads", "reading_with"]

#: What `reading_with` says, in its thread; 0 where it says nothing.
_said: ContextVar[int | None] = ContextVar("threads that decode pixels", default=0)


@contextmanager
def reading_with(n_threads: int | None) -> Iterator[None]:
    """Let images that are read inside be decoded by so many threads; `None` is all cores."""
    before = _said.set(n_threads)
    try:
        yield
    finally:
        _said.reset(before)


def reading_threads() -> int | None:
    """Return by how many threads pixels are to be decoded.

    Where nothing is said these are all cores in the main thread, and one in others, several of
    which read at a time.

    Examples
    --------
    >>> from skyshed.images.reading import reading_threads, reading_with
    >>> with reading_with(2):
    ...     reading_threads()
    2
    """
    said = _said.get()
    if said == 0:
        return None if threading.current_thread() is threading.main_thread() else 1
    return said
