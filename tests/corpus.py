"""What guided fuzzing led to, kept small: a zip file that the tests go through."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

__all__ = ["inputs", "keep"]


def inputs(kept: Path) -> Iterator[bytes]:
    """Return the inputs one by one."""
    with zipfile.ZipFile(kept) as corpus:
        for name in corpus.namelist():
            yield corpus.read(name)


def keep(folder: Path, kept: Path, largest: int) -> None:
    """Make the zip file of those files of a folder that have at most ``largest`` bytes."""
    files = sorted((path.stat().st_size, path) for path in folder.iterdir())
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as corpus:
        for size, path in files:
            if size <= largest:
                info = zipfile.ZipInfo(path.name)  # the same bytes, whenever it is made
                corpus.writestr(info, path.read_bytes(), zipfile.ZIP_DEFLATED)
