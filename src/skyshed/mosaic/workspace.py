"""The folder that a run over tiles works in: finished work stays, whatever happens to the run."""

import hashlib
import json
import os
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from skyshed.exceptions import WorkspaceError
from skyshed.mosaic.records import SCHEMA, Record, kinds_of_records
from skyshed.output.atomic import Commits, flush_files, remove, whole_file
from skyshed.output.sealed import DamagedError, read_sealed, write_sealed
from skyshed.output.table_parts import PlainTable

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["IDENTITY", "Workspace"]

R = TypeVar("R", bound=Record)

#: The file that says what the run is.
IDENTITY = "run.json"
#: The folder of the tables of the sources that each tile measured.
TABLES = "tables"
#: What runs make besides their records: tables of tiles, and the map of labels.
FOLDERS = (TABLES, "segmentation.zarr")
#: The entry of the file that says what the run is, by which damage to it is known.
CHECKSUM = "sha256"
#: Unfinished files have this ending; a rerun removes them.
PART = ".part"
#: Locked by the run that is at work.
LOCK = "run.lock"


@dataclass(frozen=True)
class Workspace:
    """A folder of small files, one for each phase and tile, each committed whole.

    A file takes its name only when it is complete, so that a file that is there is finished work.
    The folder must be one that all workers see.

    Attributes
    ----------
    folder : str
        Where it is.
    durable : bool
        Whether what is committed must outlast a loss of power: not in a temporary folder.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> from skyshed.mosaic.records import StitchedSources
    >>> from skyshed.mosaic.workspace import Workspace
    >>> workspace = Workspace(tempfile.mkdtemp())
    >>> workspace.save(StitchedSources(n=2, source=np.array([1, 2]), start=np.array([0, 2])))
    >>> workspace.has(StitchedSources), workspace.load(StitchedSources).source
    (True, array([1, 2]))
    """

    folder: str
    durable: bool = True

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
            If another run is at work, or a file is where the folder should be.
        OSError
            If the folder can't be written to.
        """
        path = self.path(LOCK)
        self._make()
        file = _locked(path)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            os.close(file)

    def begin(
        self, identity: Mapping[str, Any], keep: tuple[str, ...] = (), *, restart: bool = False
    ) -> dict[str, Any]:
        """Take the folder for a run, or go on with the run that it holds.

        Parameters
        ----------
        identity : mapping
            What the run is, as JSON can hold it: the input, the parameters.
        keep : tuple of str, optional
            Keys whose values are taken from the run that the folder holds.
        restart : bool, optional
            Whether to remove what the run that the folder holds has made, and begin anew. Files
            that no run has made stay.

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
        wanted: dict[str, Any] = json.loads(json.dumps({"schema": SCHEMA, **identity}))
        path = self.path(IDENTITY)
        self._make()
        if not path.exists():
            if any(each.suffix != PART and each.name != LOCK for each in path.parent.iterdir()):
                raise WorkspaceError(
                    f"workspace {self.folder!r} holds other files and no run of skyshed: name "
                    "a folder that is empty or new"
                )
            self._write_identity(wanted)
        try:
            found = json.loads(path.read_text())
        except (ValueError, IsADirectoryError):
            raise WorkspaceError(_damaged_identity(path)) from None
        if not isinstance(found, dict) or not {"schema", "version"} & set(found):
            raise WorkspaceError(
                f"{path} is no file of skyshed's: name a folder that is empty or new as workspace"
            )
        if restart:
            self._clear()
            self._write_identity(wanted)
            return wanted
        checksum = found.pop(CHECKSUM, None)
        of_this_version = found.get("schema") == SCHEMA
        if checksum != _digest(found) and (checksum is not None or of_this_version):
            raise WorkspaceError(_damaged_identity(path))
        if not of_this_version:
            raise WorkspaceError(
                f"workspace {self.folder!r} was begun by another version of skyshed, whose files "
                "this one can't read: finish it with that, name another workspace, or begin anew "
                "(restart)"
            )
        for left in path.parent.rglob(f"*{PART}"):
            left.unlink()
        wanted |= {name: found[name] for name in keep if name in found}
        difference = _difference(found, wanted)
        if difference is not None:
            where, before, now = difference
            raise WorkspaceError(
                f"workspace {self.folder!r} was begun with {where} = {before!r}, this run has "
                f"{now!r}: use the same, name another workspace, or begin anew (restart)"
            )
        return wanted

    def _make(self) -> None:
        """Make the folder, if it is not there."""
        try:
            Path(self.folder).mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise WorkspaceError(
                f"workspace {self.folder!r} can be no folder, as there is a file of that name, or "
                "of that of a folder above it: name a folder that is empty or new"
            ) from None

    def _write_identity(self, identity: Mapping[str, Any]) -> None:
        """Write what the run is, with a checksum of it."""
        path = self.path(IDENTITY)
        with _named(path), whole_file(path, flush=self.durable) as part:
            part.write_text(json.dumps({**identity, CHECKSUM: _digest(identity)}, indent=1))

    def sign(self) -> str | None:
        """Return what tells this workspace from others; `None` where no run was begun."""
        try:
            return hashlib.sha256(self.path(IDENTITY).read_bytes()).hexdigest()
        except OSError:
            return None

    def _clear(self) -> None:
        """Remove what runs make, and nothing else."""
        kinds = [kind.kind for kind in kinds_of_records()]
        made = [*kinds, *(f"{kind}.npz" for kind in kinds), *FOLDERS]
        for name in made:
            remove(self.path(name))

    def file(self, kind: str, tile: tuple[int, int] | None = None) -> Path:
        """Return the file of a kind for a tile, or for the whole image."""
        if tile is None:
            return self.path(f"{kind}.npz")
        return self.path(kind) / "{:05d}-{:05d}.npz".format(*tile)

    def _to_write(self, kind: str, tile: tuple[int, int] | None) -> Path:
        """Return what `file` does, and make the folder that it is in."""
        path = self.file(kind, tile)
        if tile is not None:
            try:
                path.parent.mkdir(exist_ok=True)
            except FileExistsError:
                raise WorkspaceError(
                    f"{path.parent} is a file where the run has a folder: remove it, and the run "
                    "makes it again"
                ) from None
        return path

    def has(self, kind: type[Record], tile: tuple[int, int] | None = None) -> bool:
        """Whether there is such a record of a tile, or of the whole image."""
        return self.file(kind.kind, tile).exists()

    def save(self, record: Record, tile: tuple[int, int] | None = None) -> None:
        """Commit a record of a tile, or of the whole image."""
        path = self._to_write(record.kind, tile)
        with _named(path):
            write_sealed(
                path, record.to_arrays(), self._place(path), flush=self.durable,
                commits=self._commits,
            )  # fmt: skip

    def save_table(self, table: PlainTable, tile: tuple[int, int]) -> None:
        """Commit the table of the sources that a tile measured."""
        path = self._to_write(TABLES, tile)
        with _named(path):
            table.save(path, self._place(path), flush=self.durable, commits=self._commits)

    @contextmanager
    def committing(self, failed: Callable[[OSError], Exception]) -> Iterator[None]:
        """Let tasks of this process go on while what they saved is written to the disk.

        At the end all is there. In a temporary folder nothing is waited for.

        Parameters
        ----------
        failed : callable
            Returns the error to raise if something cannot be written.
        """
        if not self.durable:
            yield
            return
        commits = vars(self)["_commits"] = Commits()
        try:
            yield
        except BaseException:
            with suppress(OSError):  # the first error counts
                commits.close()
            raise
        else:
            try:
                commits.close()
            except OSError as error:
                raise failed(error) from error
        finally:
            del vars(self)["_commits"]

    @property
    def _commits(self) -> Commits | None:
        """What waits for the disk, in place of the tasks."""
        return vars(self).get("_commits")

    def flush(self, paths: Iterable[Path]) -> None:
        """See that files are on the disk before records that are saved from now on count."""
        if not self.durable:
            return
        if self._commits is None:
            flush_files(paths)
        else:
            self._commits.add(partial(flush_files, list(paths)))

    def __getstate__(self) -> dict[str, Any]:
        # Other processes wait themselves.
        return {name: value for name, value in vars(self).items() if name != "_commits"}

    def load_table(self, tile: tuple[int, int]) -> PlainTable:
        """Return what `save_table` wrote.

        Raises
        ------
        OSError
            If it is lost or damaged; the message names the file.
        """
        path = self.file(TABLES, tile)
        return PlainTable.load(path, self._place(path))

    def has_table(self, tile: tuple[int, int]) -> bool:
        """Whether there is what `save_table` wrote."""
        return self.file(TABLES, tile).exists()

    def _place(self, path: Path) -> str:
        """Return what a file is sealed with: where it is in the workspace."""
        return path.relative_to(self.folder).as_posix()

    def load(
        self, kind: type[R], tile: tuple[int, int] | None = None, only: tuple[str, ...] = ()
    ) -> R:
        """Return a record of a tile, or of the whole image.

        Parameters
        ----------
        kind : type
            The kind of record.
        tile : tuple of int, optional
            The tile.
        only : tuple of str, optional
            Fields, or parts of fields, that are read; the others are `None`. All if empty.

        Raises
        ------
        WorkspaceError
            If the file is damaged or lost; it is named.
        """
        path = self.file(kind.kind, tile)
        try:
            return kind.from_arrays(read_sealed(path, self._place(path), only))
        except DamagedError as error:
            raise WorkspaceError(
                f"{path} is damaged ({error}): remove it, and the run makes it again"
            ) from error
        except IsADirectoryError as error:
            raise WorkspaceError(
                f"{path} is a folder where the run has a file: remove it, and the run makes it "
                "again"
            ) from error
        except (FileNotFoundError, NotADirectoryError) as error:
            raise WorkspaceError(
                f"{path} was removed while the run was at work: the same call makes it again"
            ) from error


def _digest(identity: Mapping[str, Any]) -> str:
    """Return a checksum of what a run is."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def _damaged_identity(path: Path) -> str:
    return f"{path} is damaged: remove the workspace to start anew"


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Let errors of the system name the file."""
    try:
        yield
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
