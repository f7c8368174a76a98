"""The folder that a run over tiles works in: finished work stays, whatever happens to the run."""

import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from skyshed.output.atomic import whole_file

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["Workspace", "WorkspaceError"]

#: Counts the changes of what the files hold: a folder of another version is refused.
VERSION = 1
#: The file that says what the run is.
IDENTITY = "run.json"
#: Unfinished files have this ending; a rerun removes them.
PART = ".part"
#: Locked by the run that is at work.
LOCK = "run.lock"


class WorkspaceError(ValueError):
    """A workspace belongs to another run, or can't be used."""


@dataclass(frozen=True)
class Workspace:
    """A folder of small files, one for each phase and tile, each committed whole.

    A file takes its name only when it is complete, so that a file that is there is finished work.
    The folder must be one that all workers see.

    Attributes
    ----------
    folder : str
        Where it is.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from skyshed.mosaic.workspace import Workspace
    >>> workspace = Workspace(tempfile.mkdtemp())
    >>> workspace.save("background", (0, 1), level=np.ones((2, 2)))
    >>> workspace.has("background", (0, 1)), workspace.has("background", (0, 0))
    (True, False)
    >>> workspace.load("background", (0, 1))["level"].shape
    (2, 2)
    """

    folder: str

    def path(self, name: str) -> Path:
        """Return the path of a file or folder in the workspace."""
        return Path(self.folder) / name

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other runs out of the folder, which is made, as long as this one is at work.

        The lock is the system's: it ends with the process, however that ends. Where a file system
        knows no locks there is none.

        Raises
        ------
        WorkspaceError
            If another run is at work.
        OSError
            If the folder can't be written to.
        """
        path = self.path(LOCK)
        path.parent.mkdir(parents=True, exist_ok=True)
        file = _locked(path)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            os.close(file)

    def begin(self, identity: Mapping[str, Any], keep: tuple[str, ...] = ()) -> dict[str, Any]:
        """Take the folder for a run, or go on with the run that it holds.

        Parameters
        ----------
        identity : mapping
            What the run is, as JSON can hold it: the input, the parameters.
        keep : tuple of str, optional
            Keys whose values are taken from the run that the folder holds.

        Returns
        -------
        identity : dict
            That of the run, ``keep`` as they were when it began.

        Raises
        ------
        WorkspaceError
            If the folder holds another run; the message names the first difference.
        OSError
            If the folder can't be written to.
        """
        wanted = json.loads(json.dumps({"version": VERSION, **identity}))
        path = self.path(IDENTITY)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            if any(each.suffix != PART and each.name != LOCK for each in path.parent.iterdir()):
                raise WorkspaceError(
                    f"workspace {self.folder!r} holds other files and no run of skyshed: name "
                    "a folder that is empty or new"
                )
            with _whole(path) as part:
                part.write_text(json.dumps(wanted, indent=1))
        for left in path.parent.rglob(f"*{PART}"):
            left.unlink()
        try:
            found = json.loads(path.read_text())
        except ValueError:
            raise WorkspaceError(f"{path} is damaged: remove the workspace to start anew") from None
        wanted |= {name: found[name] for name in keep if name in found}
        difference = _difference(found, wanted)
        if difference is not None:
            where, before, now = difference
            raise WorkspaceError(
                f"workspace {self.folder!r} was begun with {where} = {before!r}, this run has "
                f"{now!r}: use the same, name another workspace, or remove this one"
            )
        return wanted

    def file(self, phase: str, place: tuple[int, int] | None = None) -> Path:
        """Return the file that a phase leaves for a tile, or for the whole."""
        if place is None:
            return self.path(f"{phase}.npz")
        folder = self.path(phase)
        folder.mkdir(exist_ok=True)
        return folder / "{:05d}-{:05d}.npz".format(*place)

    def has(self, phase: str, place: tuple[int, int] | None = None) -> bool:
        """Whether a phase is finished for a tile, or for the whole where there is none."""
        return self.file(phase, place).exists()

    def save(self, phase: str, place: tuple[int, int] | None = None, **arrays: Any) -> None:
        """Commit what a phase found."""
        path = self.file(phase, place)
        with _whole(path) as part, open(part, "wb") as file:
            np.savez(file, allow_pickle=False, **arrays)

    def load(
        self, phase: str, place: tuple[int, int] | None = None, names: tuple[str, ...] | None = None
    ) -> dict[str, Any]:
        """Return what a phase found, or the arrays ``names`` of it.

        Raises
        ------
        WorkspaceError
            If the file is damaged; it is named.
        """
        path = self.file(phase, place)
        try:
            with np.load(path, allow_pickle=False) as stored:
                return {name: stored[name] for name in (names or stored.files)}
        except OSError:
            raise
        except Exception as error:  # zipfile, zlib and NumPy each stumble in their own way
            raise WorkspaceError(
                f"{path} is damaged ({error}): remove it, and the run makes it again"
            ) from error


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """Give a name to write to; the file takes its own name when that is done without an error."""
    try:
        # Two workers may be at the same tile, when one of them was taken for dead.
        with whole_file(path, shared=True) as part:
            yield part
    except OSError as error:
        if error.filename is None:  # a full disk does not say which
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise


def _locked(path: Path) -> int:
    """Return the descriptor of a file that nobody else has locked."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(file, 1000).decode(errors="replace")
            os.close(file)
            raise WorkspaceError(
                f"workspace {str(path.parent)!r} is in use by another run ({holder}): wait until "
                "that ends, or name another workspace"
            ) from None
        except OSError:
            pass  # the file system knows no locks
        # Who held the lock may have removed the file between opening and locking.
        if path.exists() and os.path.samestat(os.fstat(file), os.stat(path)):
            os.ftruncate(file, 0)
            os.write(file, f"process {os.getpid()} on {socket.gethostname()}".encode())
            return file
        os.close(file)


def _difference(found: Any, wanted: Any, where: str = "") -> tuple[str, Any, Any] | None:
    """Return the first difference of two JSON values: where, and both values there."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        for key in [*found, *(key for key in wanted if key not in found)]:
            inner = _difference(found.get(key), wanted.get(key), f"{where}.{key}".lstrip("."))
            if inner is not None:
                return inner
        return None
    return None if found == wanted else (where, found, wanted)
