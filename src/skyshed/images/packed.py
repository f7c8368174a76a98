"""Files that are compressed as a whole, told by their first bytes: names say nothing sure."""

import importlib
import os
from functools import lru_cache
from typing import Any

__all__ = ["check_stream", "compression_of", "is_cut_off", "opened"]

#: The first bytes of a compressed file -> what compressed it, and the command that unpacks it.
FIRST_BYTES = {
    b"\x1f\x8b": ("gzip", "gunzip"),
    b"BZh": ("bzip2", "bunzip2"),
    b"\xfd7zXZ\x00": ("xz", "unxz"),
    b"PK\x03\x04": ("zip", "unzip"),
    b"\x1f\x9d": ("compress", "uncompress"),
    b"\x28\xb5\x2f\xfd": ("zstd", "unzstd"),
    b"\x04\x22\x4d\x18": ("lz4", "unlz4"),
}
#: What compressed a file -> the module that reads it, as a stream.
STREAMS = {"gzip": "gzip", "bzip2": "bz2", "xz": "lzma"}
#: Bytes that are unpacked at a time, to see whether a file ends well.
STEP = 1 << 20


def compression_of(path: str | os.PathLike[str]) -> tuple[str, str] | None:
    """Return what a file was compressed with as a whole, and the command that unpacks it.

    Returns
    -------
    packed : tuple of str, or None
        `None` for a file that is not compressed, or cannot be read.

    Examples
    --------
    >>> import gzip, pathlib, tempfile
    >>> from skyshed.images.packed import compression_of
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "image.fits"
    >>> _ = path.write_bytes(gzip.compress(b"SIMPLE"))
    >>> compression_of(path)
    ('gzip', 'gunzip')
    """
    longest = max(map(len, FIRST_BYTES))
    try:
        with open(path, "rb") as file:
            begin = file.read(longest)
    except OSError:
        return None
    return next((who for first, who in FIRST_BYTES.items() if begin.startswith(first)), None)


def opened(path: str | os.PathLike[str], packed_by: tuple[str, str] | None) -> Any:
    """Open the content of a file, unpacked where one of `STREAMS` does that, to be read."""
    name = None if packed_by is None else STREAMS.get(packed_by[0])
    return open(path, "rb") if name is None else importlib.import_module(name).open(path, "rb")


def check_stream(path: str | os.PathLike[str]) -> None:
    """Compare the checksum of a file that is compressed as a whole with its content, once.

    It is unpacked to its end for that: readers that stop before it, as at the end of an HDU, do not
    come to see its checksum.

    Raises
    ------
    Exception
        What the module that unpacks the file raises if it is another.
    """
    status = os.stat(path)
    _check_stream(os.path.abspath(path), status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=64)  # many HDUs of one file
def _check_stream(path: str, size: int, mtime_ns: int) -> None:
    by = compression_of(path)
    if by is not None and by[0] in STREAMS:
        with opened(path, by) as stream:
            while stream.read(STEP):
                pass


def is_cut_off(path: str | os.PathLike[str]) -> bool:
    """Whether a file that is compressed as a whole ends before its content does.

    It is unpacked to its end for that: ask where it could not be read.

    Examples
    --------
    >>> import gzip, pathlib, tempfile
    >>> from skyshed.images.packed import is_cut_off
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "image.fits"
    >>> _ = path.write_bytes(gzip.compress(b"SIMPLE")[:-9])
    >>> is_cut_off(path)
    True
    """
    by = compression_of(path)
    if by is None or by[0] not in STREAMS:
        return False
    try:
        with opened(path, by) as stream:
            while stream.read(STEP):
                pass
    except EOFError:
        return True
    except Exception:  # damaged in another way
        return False
    return False
