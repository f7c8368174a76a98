"""Files and folders that are never seen half written, one by one or several together.

What has taken its name is on the disk, and stays after a loss of power.
"""

import os
import secrets
import shutil
import socket
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

__all__ = [
    "Commits",
    "flush_files",
    "flush_names",
    "flush_to_disk",
    "remove",
    "traceless",
    "whole_file",
    "whole_folder",
    "whole_set",
]

#: What the folders are called that sets of files are written to.
STAGE = ".skyshed-"
#: Files that are flushed at the same time, most of it waiting: a disk takes several together.
AT_ONCE = 8


class Commits:
    """A thread that waits until what was written is on the disk, while its writers go on.

    It does so in the order in which it is told: a file takes its name when all that was told before
    is on the disk.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1)
        self._error: BaseException | None = None

    def add(self, commit: Callable[[], object], otherwise: Callable[[], object] = bool) -> None:
        """Call a function when those before are done; if one of them fails, call ``otherwise``.

        Raises
        ------
        OSError
            If one of these failed: none after it is called.
        """
        if self._error is not None:
            raise self._error
        self._thread.submit(self._attempt, commit, otherwise)

    def _attempt(self, commit: Callable[[], object], otherwise: Callable[[], object]) -> None:
        if self._error is not None:
            otherwise()
            return
        try:
            commit()
        except BaseException as error:  # told to those who add more, and at the end
            self._error = error

    def close(self) -> None:
        """Wait until all are done.

        Raises
        ------
        OSError
            If one failed.
        """
        self._thread.shutdown()
        if self._error is not None:
            raise self._error


@contextmanager
def whole_file(
    path: Path, *, flush: bool = True, commits: Commits | None = None
) -> Iterator[Path]:  # fmt: skip
    """Give a name to write to; the file takes its own name only when it is complete.

    Nobody can know the name beforehand: processes that write the same file at a time, on any
    machine, don't disturb each other (the last one stays), and no link can lie in wait there.
    A file that need not outlast a loss of power is not waited for (``flush``), nor is one of a set,
    which `whole_set` waits for together. With ``commits`` it takes its name later.
    """
    part = _part_of(path)
    flush = flush and not path.parent.name.startswith(STAGE)
    try:
        yield part
        if commits is None:
            _take_name(part, path, flush)
        else:
            commits.add(
                partial(_take_name, part, path, flush), partial(part.unlink, missing_ok=True)
            )
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _take_name(part: Path, path: Path, flush: bool) -> None:
    """Give a file its name; with ``flush``, when it is on the disk."""
    try:
        if flush:
            flush_to_disk(part)
        os.replace(part, path)
        if flush:
            flush_names(path.parent)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give the name of a folder to make; it takes its own name only when it is complete."""
    part = _part_of(path)
    try:
        yield part
        flush_to_disk(part)
        remove(path)
        os.replace(part, path)
        flush_names(path.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)


@contextmanager
def whole_set(folder: Path, replaced: Collection[str]) -> Iterator[Path]:
    """Give an empty folder to write files to, which take their places together when all are there.

    Until then an earlier set stays as it is. Files of both are never mixed: the earlier ones go
    first. What a process left that was killed here is removed.

    Parameters
    ----------
    folder : Path
        Where the files belong.
    replaced : collection of str
        The names that an earlier set may have there; these files go.
    """
    _remove_stages(folder)
    stage = folder / f"{STAGE}{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(8)}"
    try:
        stage.mkdir()
        yield stage
        flush_to_disk(stage)
        names = [path.name for path in stage.iterdir()]
        before = stage / "before"
        before.mkdir()
        moved: list[tuple[str, str]] = []
        try:
            for name in {*replaced, *names}:
                with suppress(FileNotFoundError):
                    moved.append(_moved(name, folder, before))
            for name in names:
                moved.append(_moved(name, stage, folder))
            flush_names(folder)
        except BaseException:
            for there, here in reversed(moved):
                os.replace(here, there)
            raise
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def flush_to_disk(path: Path) -> None:
    """Wait until a file, or a folder with all that is in it, is on the disk.

    Raises
    ------
    OSError
        If it cannot be written there.
    """
    if path.is_dir():
        found = os.walk(path, onerror=_raise)
        folders = [(Path(folder), names) for folder, _, names in found]
        inside = [folder / name for folder, names in folders for name in names]
        _flush_all([each for each in inside if not each.is_symlink()])
        for folder, _ in reversed(folders):  # names in a folder before its own
            flush_names(folder)
        return
    # Systems flush what others have written only through a file that may be written to.
    file = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        os.fsync(file)
    except OSError as error:  # which does not say of what file
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        os.close(file)


def flush_files(paths: Iterable[Path]) -> None:
    """Wait until files, and the names that they have, are on the disk.

    Raises
    ------
    OSError
        If one cannot be written there.
    """
    paths = list(paths)
    _flush_all(paths)
    for folder in dict.fromkeys(path.parent for path in paths):
        flush_names(folder)


def _flush_all(files: Sequence[Path]) -> None:
    """Flush files, several at a time; raise the first error when all are done."""
    if len(files) < 2:
        for file in files:
            flush_to_disk(file)
        return
    with ThreadPoolExecutor(min(len(files), AT_ONCE)) as pool:
        for flushed in [pool.submit(flush_to_disk, file) for file in files]:
            flushed.result()


def _raise(error: OSError) -> None:
    """Raise the error of a folder that cannot be listed, which `os.walk` would pass over."""
    raise error


def flush_names(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, where the system knows how to."""
    with suppress(OSError):  # Windows opens no folders, and some file systems flush none
        file = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)


def _moved(name: str, source: Path, target: Path) -> tuple[str, str]:
    """Move a file, a link or a folder from one folder to another; return both paths."""
    there, here = os.path.join(source, name), os.path.join(target, name)
    os.replace(there, here)
    return there, here


def _remove_stages(folder: Path) -> None:
    """Remove the stages of processes of this machine that are no more."""
    mine = f"{STAGE}{socket.gethostname()}-"
    for stage in folder.glob(f"{STAGE}*"):
        process, _, token = stage.name.removeprefix(mine).partition("-")
        is_ours = stage.name.startswith(mine) and process.isdecimal() and token
        if is_ours and not _is_alive(int(process)):
            shutil.rmtree(stage, ignore_errors=True)


def _is_alive(process: int) -> bool:
    """Whether there is a process of this number."""
    import psutil

    return bool(psutil.pid_exists(process))


def _part_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")


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
