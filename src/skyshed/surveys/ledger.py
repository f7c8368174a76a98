"""What became of each exposure of a survey: a file of lines that only grows.

A line is written when an exposure is finished, never changed, and known by its checksum to be
whole; the last line about an exposure holds. So a process may end at any moment, however it does,
and 100,000 exposures cost 100,000 lines.
"""

import json
import os
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any

import numpy as np

from skyshed.exceptions import WorkspaceError

__all__ = ["DONE", "FAILED", "Ledger"]

#: States of an exposure.
DONE, FAILED = "done", "failed"
#: Seconds after which lines are on the disk at the latest, should the power fail.
FLUSH = 5.0


class Ledger:
    """The ledger of a survey, of which one process writes.

    In memory it takes nine bytes for each exposure.

    Parameters
    ----------
    path : Path
        The file; it is made if there is none.
    n : int
        The number of exposures.

    Raises
    ------
    WorkspaceError
        If a line that others follow is damaged.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from skyshed.surveys.ledger import Ledger
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "ledger"
    >>> with Ledger(path, 3) as ledger:
    ...     ledger.add({"exposure": 1, "state": "done", "n_sources": 7})
    >>> with Ledger(path, 3) as ledger:
    ...     ledger.left(), ledger.entry(1)["n_sources"]
    ([0, 2], 7)
    """

    def __init__(self, path: Path, n: int) -> None:
        self.path = path
        #: Where the last line about each exposure begins; -1 for none.
        self._at = np.full(n, -1, np.int64)
        self._done = np.zeros(n, bool)
        # Each line is one call of the system: what a process has written outlasts it.
        self._file = open(path, "a+b", buffering=0)  # noqa: SIM115 - see close
        self._end = self._read()
        self._file.truncate(self._end)
        self._flushed = monotonic()

    def _read(self) -> int:
        """Read all lines; return where the last whole one ends."""
        at, damaged = 0, -1
        with open(self.path, "rb") as file:
            for line in file:
                entry = _parsed(line)
                if entry is None:
                    damaged = at if damaged < 0 else damaged
                elif damaged >= 0:
                    raise WorkspaceError(
                        f"{self.path} is damaged at byte {damaged}: begin anew (restart)"
                    )
                else:
                    self._note(entry, at)
                at += len(line)
        return at if damaged < 0 else damaged

    def _note(self, entry: Mapping[str, Any], at: int) -> None:
        exposure = entry["exposure"]
        self._at[exposure], self._done[exposure] = at, entry["state"] == DONE

    def add(self, entry: Mapping[str, Any]) -> None:
        """Write what became of an exposure: its number ``exposure``, its ``state``, and more."""
        content = json.dumps(entry, separators=(",", ":")).encode()
        line = b"%08x %s\n" % (zlib.crc32(content), content)
        left = memoryview(line)
        while left:
            left = left[self._file.write(left) :]
        self._note(entry, self._end)
        self._end += len(line)
        if monotonic() - self._flushed > FLUSH:
            self.flush()

    def flush(self) -> None:
        """Wait until all lines are on the disk."""
        os.fsync(self._file.fileno())
        self._flushed = monotonic()

    def left(self) -> Any:
        """Return the exposures that are not done, in their order."""
        return np.flatnonzero(~self._done).tolist()

    @property
    def n_done(self) -> int:
        """How many are done."""
        return int(np.count_nonzero(self._done))

    def entry(self, exposure: int) -> dict[str, Any] | None:
        """Return the last entry about an exposure; `None` if there is none."""
        at = int(self._at[exposure])
        if at < 0:
            return None
        with open(self.path, "rb") as file:
            file.seek(at)
            return _parsed(file.readline())

    def entries(self) -> Iterator[dict[str, Any]]:
        """Yield the last entry about each exposure that has one, in their order, one at a time."""
        with open(self.path, "rb") as file:
            for at in self._at[self._at >= 0].tolist():
                file.seek(at)
                entry = _parsed(file.readline())
                if entry is None:
                    raise WorkspaceError(
                        f"{self.path} is damaged at byte {at}: begin anew (restart)"
                    )
                yield entry

    def close(self) -> None:
        """Close the file; all of it is on the disk."""
        self.flush()
        self._file.close()

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        where: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()


def _parsed(line: bytes) -> dict[str, Any] | None:
    """Return what a line says; `None` if it is not whole."""
    if not line.endswith(b"\n") or len(line) < 10:
        return None
    checksum, content = line[:8], line[9:-1]
    if b"%08x" % zlib.crc32(content) != checksum:
        return None
    entry: dict[str, Any] = json.loads(content)
    return entry
