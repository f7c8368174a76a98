"""Files that are compressed as a whole, told by their first bytes: names say nothing sure."""

import importlib
import os
from functools import lru_cache
from typing import Any

from skyshed.messages import one_line

__all__ = ["MOST_PACKED", "check_packed", "compression_of", "opened", "unpacked_size"]

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
#: How many times smaller than its content a file can be, by what compressed it: more than any does.
#: Of zeros bzip2 makes 1.3 million times fewer bytes, xz 6900.
MOST_PACKED = {"gzip": 1100, "zip": 1100, "bzip2": 2_000_000, "xz": 20_000, "compress": 100_000}
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


def check_packed(path: str | os.PathLike[str]) -> None:
    """Unpack a file that is compressed as a whole to its end, where its checksum is.

    Readers of FITS stop behind the last pixel, and before that what a damaged file holds may be
    anything: other pixels, headers that make them read for ever. A file is unpacked once.

    Raises
    ------
    OSError
        If the file is damaged or cut off.

    Examples
    --------
    >>> import gzip, pathlib, tempfile
    >>> from skyshed.images.packed import check_packed
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "image.fits"
    >>> _ = path.write_bytes(gzip.compress(b"SIMPLE")[:-9])
    >>> try:
    ...     check_packed(path)
    ... except OSError as error:
    ...     print(str(error).split("/")[-1].split(":")[0])
    image.fits is cut off
    """
    if not os.path.isfile(path):  # whoever opens it says what is wrong
        return
    by = compression_of(path)
    # zip is checked as it is unpacked; others have no checksum.
    if by is not None and by[0] in STREAMS:
        damage, _ = _followed(*_identity(path), by)
        if damage:
            raise OSError(f"{os.fspath(path)} {damage}; copy or download it anew")


def unpacked_size(path: str | os.PathLike[str]) -> int | None:
    """Return how many bytes a compressed file holds; `None` where only its reader finds out."""
    by = compression_of(path)
    return None if by is None or by[0] not in STREAMS else _followed(*_identity(path), by)[1]


def _identity(path: str | os.PathLike[str]) -> tuple[str, int, int]:
    status = os.stat(path)
    return os.path.abspath(path), status.st_size, status.st_mtime_ns


@lru_cache(maxsize=64)  # many HDUs of one file
def _followed(path: str, size: int, time: int, by: tuple[str, str]) -> tuple[str, int]:
    """Say what is wrong with a file of this size and time, or nothing, and what it holds."""
    length = 0
    try:
        with opened(path, by) as stream:
            while content := stream.read(STEP):
                length += len(content)
    except EOFError:
        return "is cut off: its compressed content goes on where the file ends", length
    except Exception as error:  # each unpacker has errors of its own
        return f"is damaged: {by[1]} would not unpack it ({one_line(error)})", length
    return "", length
