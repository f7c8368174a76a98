"""Where the HDUs of a file begin, so that one of many is read without the headers before it.

astropy reads a file from its begin: 0.2 s for the last of 60 compressed CCDs, for each of them.
"""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any

from astropy.io import fits

from skyshed.images.astropy_says import quiet
from skyshed.images.fingerprint import file_facts
from skyshed.images.hdu_facts import HduFacts, images_of
from skyshed.images.header_bytes import check_claims
from skyshed.images.packed import check_packed
from skyshed.images.regular import check_file

__all__ = ["HduIndex", "SomeHdus", "index_of", "known_index", "opened_at"]

#: Files whose index is kept: those of one image and all that goes with it, twice over.
KEPT = 16


@dataclass(frozen=True, eq=False)
class HduIndex:
    """What the headers of a file say, read once.

    Attributes
    ----------
    images : tuple of HduFacts
        Its images.
    begins : tuple of int
        The byte at which the header of each HDU begins; none of a file that is compressed as a
        whole.
    """

    images: tuple[HduFacts, ...]
    begins: tuple[int, ...]


_KNOWN: dict[tuple[Any, ...], HduIndex] = {}
_LOCK = Lock()


def _begin_process() -> None:
    """Take a lock of its own in a process that begins by a fork, where no thread lets go of it."""
    global _LOCK
    _LOCK = Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_process)


def index_of(path: str) -> HduIndex:
    """Return the index of a file; it is read if the file is another than that which was read last.

    Raises
    ------
    Exception
        Whatever astropy raises where it cannot be read.
    """
    key = _key(path)
    known = _KNOWN.get(key)
    if known is None:
        check_file(path, "the image")
        check_packed(path)
        known = _read(path)
        with _LOCK:
            while len(_KNOWN) >= KEPT:
                del _KNOWN[next(iter(_KNOWN))]
            _KNOWN[key] = known
    return known


def known_index(path: str) -> HduIndex | None:
    """Return the index of a file if it has been read, and the file is the same."""
    try:
        return _KNOWN.get(_key(path))
    except OSError:  # whoever opens it says what is wrong
        return None


class SomeHdus:
    """The HDUs of a file, each of which is read alone, and when it is asked for.

    Where `fileinfo` of one says that something is, is counted from where its header begins.
    """

    def __init__(self, path: str, index: HduIndex) -> None:
        self._path, self._index = path, index
        self._opened: dict[int, Any] = {}

    def __len__(self) -> int:
        return len(self._index.begins)

    def __getitem__(self, number: int) -> Any:
        if number not in self._opened:
            begin = self._index.begins[number]
            self._opened[number] = _open_at(self._path, begin)
        return self._opened[number][0]

    def __iter__(self) -> Iterator[Any]:
        return (self[number] for number in range(len(self)))

    def close(self) -> None:
        """Close what has been opened."""
        for hdus in self._opened.values():
            hdus.close()


@contextmanager
def opened_at(path: str, begin: int, **options: Any) -> Iterator[Any]:
    """Give a list of HDUs of which the first is that whose header begins at a byte of a file.

    ``options`` are those of `astropy.io.fits.open`.
    """
    hdus = _open_at(path, begin, **options)
    try:
        yield hdus
    finally:
        hdus.close()


def _open_at(path: str, begin: int, **options: Any) -> Any:
    return fits.open(_Rest(path, begin), memmap=False, ignore_missing_simple=True, **options)


class _Rest(io.RawIOBase):
    """A file from a byte on, to be read."""

    def __init__(self, path: str, begin: int) -> None:
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115 - see close
        self._begin = begin
        self.seek(0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        return self._file.readinto(buffer)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        offset += self._begin if whence == os.SEEK_SET else 0
        return self._file.seek(offset, whence) - self._begin

    def tell(self) -> int:
        return self._file.tell() - self._begin

    def close(self) -> None:
        self._file.close()
        super().close()


def _key(path: str) -> tuple[Any, ...]:
    facts = file_facts(path)
    return tuple(facts.values())


def _read(path: str) -> HduIndex:
    check_claims(path)
    with quiet(), fits.open(path, memmap=False) as hdus:
        where = [hdu.fileinfo() for hdu in hdus]
        packed = any(each["file"].compression is not None for each in where)
        begins = () if packed else tuple(int(each["hdrLoc"]) for each in where)
        return HduIndex(tuple(images_of(hdus)), begins)
