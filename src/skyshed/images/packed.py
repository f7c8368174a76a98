"""Files that are compressed as a whole, told by their first bytes: names say nothing sure."""

import os

__all__ = ["compression_of"]

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
