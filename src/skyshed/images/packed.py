"""Files that are compressed as a whole, told by their first bytes: names say nothing sure."""

import importlib
import os

__all__ = ["compression_of", "is_cut_off"]

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
        with importlib.import_module(STREAMS[by[0]]).open(path, "rb") as stream:
            while stream.read(STEP):
                pass
    except EOFError:
        return True
    except Exception:  # damaged in another way
        return False
    return False
