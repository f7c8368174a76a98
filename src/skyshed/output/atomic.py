"""Files and folders that are never seen half written."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["remove", "traceless", "whole_file", "whole_folder"]


@contextmanager
def whole_file(path: Path, *, shared: bool = False) -> Iterator[Path]:
    """Give a name to write to; the file takes its own name only when it is complete.

    Where several processes or threads may write the same file at a time (``shared``), on any
    machine, each has a name of its own to write to, and the last one stays.
    """
    mine = f"{secrets.token_hex(8)}." if shared else ""
    part = path.with_name(f".{path.name}.{mine}part")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give the name of a folder to make; it takes its own name only when it is complete."""
    part = path.with_name(f".{path.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        yield part
        remove(path)
        os.replace(part, path)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def remove(path: Path) -> None:
    """Remove a file, a link or a folder with all that is in it; nothing if there is none."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def traceless(folder: Path) -> Iterator[None]:
    """After an error, remove a folder, and those around it, that were made and stayed empty."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        yield
    except BaseException:
        with suppress(OSError):  # one that is not empty, and those around it, stay
            for each in missing:
                each.rmdir()
        raise
