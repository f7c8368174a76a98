"""Files of arrays that are known to be what was written, to the last byte, and where it belongs.

They are ``.npz`` files, which NumPy opens. Each array has the checksum of zip files; the comment at
the end seals the table of contents, and what the file belongs to, so that a file that was damaged,
or put in the place of another, is noticed when it is read.
"""

import hashlib
import os
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from skyshed.output.atomic import Commits, whole_file

__all__ = ["DamagedError", "read_sealed", "write_sealed"]

#: What the name of each array has behind it in the file, as NumPy's have.
ENDING = ".npy"


class DamagedError(OSError):
    """A file does not hold what was written to it, or was written for another place."""


class _Stream:
    """A file that is written from its begin to its end: zipfile asks others for their place."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, content: bytes) -> int:
        """Write bytes."""
        return self._file.write(content)

    def flush(self) -> None:
        """Write what waits."""
        self._file.flush()


def write_sealed(
    path: str | os.PathLike[str],
    arrays: Mapping[str, Any],
    belongs: str = "",
    *,
    flush: bool,
    commits: Commits | None = None,
) -> None:
    """Write arrays to a file, which takes its name when it is complete.

    Parameters
    ----------
    path : path
        The file; it is replaced.
    arrays : mapping of str to array
        None of Python objects.
    belongs : str, optional
        What the file is of; `read_sealed` must be told the same.
    flush : bool
        Whether the file must outlast a loss of power.
    commits : Commits, optional
        What gives the file its name later, when it is on the disk.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from skyshed.output.sealed import read_sealed, write_sealed
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "part.npz"
    >>> write_sealed(path, {"n": 2, "area": [3, 4]}, "tile 1", flush=False)
    >>> read_sealed(path, "tile 1", only=("area",))
    {'area': array([3, 4])}
    """
    # A task that was taken for dead may write the same file elsewhere.
    with (
        whole_file(Path(path), flush=flush, commits=commits) as part,
        open(part, "wb") as file,
        zipfile.ZipFile(cast(BinaryIO, _Stream(file)), "w") as archive,
    ):
        for name, array in arrays.items():
            with archive.open(name + ENDING, "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)
        archive.comment = _seal(archive.infolist(), belongs)


def read_sealed(
    path: str | os.PathLike[str], belongs: str = "", only: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return the arrays of a file.

    Parameters
    ----------
    path : path
        The file.
    belongs : str, optional
        What it was written for.
    only : tuple of str, optional
        Names of arrays that are read, or what they begin with up to a dot. All if empty.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    DamagedError
        If it is not as it was written; the message says why, without the name of the file.
    """
    with open(path, "rb") as file:
        try:
            try:
                return _arrays(file, belongs, only)
            except SystemError:  # the parser of Python 3.11 fails now and then in threads
                return _arrays(file, belongs, only)
        except Exception as error:  # zipfile, zlib and NumPy fail in ways of their own
            raise DamagedError(" ".join(str(error).split()) or type(error).__name__) from error


def _arrays(file: BinaryIO, belongs: str, only: tuple[str, ...]) -> dict[str, Any]:
    with zipfile.ZipFile(file) as archive:
        if archive.comment != _seal(archive.infolist(), belongs):
            raise ValueError("what it says it holds is not what was written here")
        names = {info.filename.removesuffix(ENDING): info for info in archive.infolist()}
        wanted = [
            name
            for name in names
            if not only or any(f"{name}.".startswith(f"{each}.") for each in only)
        ]
        return {name: _array(archive, names[name]) for name in wanted}


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Any:
    """Read an array; zipfile compares the checksum at the end of its bytes."""
    with archive.open(info) as member:
        version = np.lib.format.read_magic(member)
        read = {(1, 0): np.lib.format.read_array_header_1_0}.get(
            version, np.lib.format.read_array_header_2_0
        )
        shape, _, dtype = read(member)
        # Before there is room for what a damaged header claims.
        if member.tell() + dtype.itemsize * int(np.prod(shape, dtype=object)) != info.file_size:
            raise ValueError(f"{info.filename} has another size than it says")
        member.seek(0)
        array = np.lib.format.read_array(member, allow_pickle=False)
        if member.read(1):
            raise ValueError(f"{info.filename} goes on behind its end")
        return array


def _seal(members: Iterable[zipfile.ZipInfo], belongs: str) -> bytes:
    """Return the digest of a table of contents and of what it belongs to."""
    digest = hashlib.sha256(belongs.encode())
    for each in members:
        about = (
            each.filename, each.CRC, each.file_size, each.compress_size, each.compress_type,
            each.header_offset, each.flag_bits,
        )  # fmt: skip
        digest.update(repr(about).encode())
    return b"skyshed " + digest.hexdigest().encode()
