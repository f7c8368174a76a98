"""``skyshed view``: a report of results that are there, in the browser."""

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from skyshed.cli.errors import complain, in_one_line, warnings_in_one_line

__all__ = ["EXAMPLES", "SUMMARY", "USAGE", "add_options", "run"]

SUMMARY = "Look at results: make a report of them, and open it in the browser."
USAGE = "skyshed view DIR [--out FILE] [--no-open] [--anew]"
EXAMPLES = (
    ("a page of its own, and no browser", "skyshed view results --out field.html --no-open"),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "folder", metavar="DIR", help="folder of results, of one image, of bands or of many images"
    )
    parser.add_argument(
        "--out", metavar="FILE", help="the report to write [DIR/report.html]; one image only"
    )
    parser.add_argument(
        "--no-open", action="store_true", help="write the report, and open no browser"
    )
    parser.add_argument(
        "--anew", action="store_true",
        help="make reports again that are there [a report not older than its catalog is kept]",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Make the report, say where it is, and open it."""
    folder = Path(arguments.folder)
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder: give the folder of results of a run")
    with warnings_in_one_line():
        path = _report_of(folder, arguments.out, arguments.anew)
    print(path)
    if not arguments.no_open:
        import webbrowser

        if not webbrowser.open(path.resolve().as_uri()):
            print("there is no browser to open it with: open the file in one")
    return 0


def _report_of(folder: Path, out: str | None, anew: bool) -> Path:
    """Write the report of a folder, or keep the one that is there, and return its path."""
    from skyshed.output.results import PAGE

    rows = _rows_of_many(folder)
    if rows is None:
        path = folder / PAGE if out is None else Path(out)
        if out is None and not anew and _is_fresh(path):
            return path
        return _write(folder, path)
    if out is not None and rows[1]:
        raise ValueError(
            f"--out is about one report, and {folder} has those of many images: leave it out, or "
            "give the folder of one of them"
        )
    return _index_of(folder, *rows, out, anew)


def _rows_of_many(folder: Path) -> tuple[list[dict[str, Any]], list[str]] | None:
    """Return what became of many images, and their folders; `None` if it is a folder of one."""
    path = folder / "report.ecsv"
    if not path.exists():
        return None
    from skyshed.extraction.saved import report_rows

    rows = report_rows(path)
    return rows, [str(row["folder"]) for row in rows if row["folder"] not in ("", ".")]


def _index_of(
    folder: Path, rows: list[dict[str, Any]], folders: list[str], out: str | None, anew: bool
) -> Path:
    """Write the reports of many images, and the page that leads to them."""
    from skyshed.output.page.index import write_index
    from skyshed.output.results import PAGE

    if not folders:  # one table of all images, or none that was finished
        return _write(folder, folder / PAGE if out is None else Path(out))
    for row in rows:
        path = folder / str(row["folder"]) / PAGE
        if row["folder"] in ("", ".") or (not anew and _is_fresh(path)):
            continue
        try:
            _write(folder / str(row["folder"]), path)
        except OSError as error:  # the others can be looked at
            row.update(folder="", error=in_one_line(error))
            complain(row["error"])
    index = folder / PAGE
    with _said_where(index):
        write_index(folder.resolve().name, rows, index, PAGE)
    return index


def _is_fresh(path: Path) -> bool:
    """Whether a report is there that was not made before the results beside it."""
    results = path.parent.glob("catalog.*")
    return path.exists() and all(
        each.stat().st_mtime <= path.stat().st_mtime + 1 for each in results
    )


def _write(folder: Path, path: Path) -> Path:
    """Write the report of the results in a folder."""
    from skyshed.extraction.saved import saved_contents
    from skyshed.output.page import write_page

    contents = saved_contents(folder)
    with _said_where(path):
        write_page(contents, path)
    return path


@contextmanager
def _said_where(path: Path) -> Iterator[None]:
    """Say what to do where a report can't be written."""
    try:
        yield
    except OSError as error:
        if os.access(path.parent, os.W_OK):
            raise
        raise OSError(
            f"{path} can't be written ({error.strerror or error}): say where with --out FILE"
        ) from error
