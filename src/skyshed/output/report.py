"""The report of several images: a table that grows by one row as each is finished."""

import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from skyshed.output.atomic import remove

__all__ = ["COLUMNS", "NO_HDU", "Report"]

#: The columns of a report: their types in ECSV, and what they are.
COLUMNS = {
    "image": ("string", "The image, as it was given."),
    "hdu": ("int64", "The HDU that it was read from; -1 if it is in none, or was not opened."),
    "hdu_name": ("string", "The name of the HDU, NAME or NAME,VERSION; its number without one."),
    "profile": ("string", "The product that it was taken for, or plain; none if it failed."),
    "status": ("string", "'done' or 'failed'."),
    "n_sources": ("int64", "The number of sources."),
    "seconds": ("float64", "The time that it took, with writing."),
    "folder": ("string", "The folder of its results; none if it failed."),
    "error": ("string", "What was wrong, if it failed."),
}
#: What stands for the HDU of an image that is in none.
NO_HDU = -1


class Report:
    """An ECSV file that is a whole table after every row: what is finished is in it.

    astropy would write all rows anew for each. Texts that are empty are masked when they are read.

    Parameters
    ----------
    path : path
        The file; one that an earlier run left there is replaced.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from astropy.table import QTable
    >>> from skyshed.output.report import Report
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "report.ecsv"
    >>> with Report(path) as report:
    ...     report.add(image="a.fits", hdu=0, hdu_name="", profile="plain", status="done",
    ...                n_sources=3, seconds=0.5, folder="a", error="")
    >>> QTable.read(path)["n_sources"].tolist()
    [3]
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        remove(Path(path))
        self._file = open(path, "x", encoding="utf-8", newline="\n")  # noqa: SIM115 - see close
        self._file.write("# %ECSV 1.0\n# ---\n# datatype:\n")
        for name, (kind, about) in COLUMNS.items():
            about = about.replace("'", "''")
            self._file.write(f"# - {{name: {name}, datatype: {kind}, description: '{about}'}}\n")
        self._file.write(f"# schema: astropy-2.0\n{' '.join(COLUMNS)}\n")
        self._file.flush()

    def add(self, **row: Any) -> None:
        """Add a row: a value for each of `COLUMNS`."""
        self._file.write(f"{' '.join(_cell(value) for value in _ordered(row))}\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> "Report":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.close()


def _ordered(row: Mapping[str, Any]) -> list[Any]:
    """Return the values of a row in the order of the columns."""
    return [row[name] for name in COLUMNS]


def _cell(value: Any) -> str:
    """Return a value as ECSV has it."""
    if isinstance(value, float):
        return f"{value:.4f}"
    if not isinstance(value, str):
        return str(value)
    text = " ".join(value.split("\n")).replace('"', '""')
    return f'"{text}"'
