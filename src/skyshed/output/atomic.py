"""Files and folders that are never seen half written."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["whole_file", "whole_folder"]


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
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        os.replace(part, path)
    finally:
        shutil.rmtree(part, ignore_errors=True)
