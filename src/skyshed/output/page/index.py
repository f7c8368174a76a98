"""The page of many images: what became of each, with links to the report of each."""

import os
from collections.abc import Iterable
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from skyshed.output.atomic import whole_file
from skyshed.output.page.document import hash_of

__all__ = ["write_index"]

#: The columns of the page, by those of `skyshed.output.report.COLUMNS`.
COLUMNS = {
    "image": "image", "hdu_name": "HDU", "status": "status", "n_sources": "sources",
    "seconds": "seconds", "error": "what was wrong",
}  # fmt: skip


def write_index(
    title: str, rows: Iterable[dict[str, Any]], path: str | os.PathLike[str], page: str
) -> None:
    """Write a page with a row for each image, which needs no script.

    Parameters
    ----------
    title : str
        Of the page.
    rows : iterable of dict
        Rows of the report of many images; ``folder`` is where the results of one are.
    path : path
        The file, which takes its name when it is complete.
    page : str
        What the report in each folder is called.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from skyshed.output.page.index import write_index
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "report.html"
    >>> row = {"image": "<b>.fits", "status": "done", "n_sources": 3, "folder": "b"}
    >>> write_index("night", [row], path, "report.html")
    >>> '<a href="b/report.html">&lt;b&gt;.fits</a>' in path.read_text()
    True
    """
    style = (files("skyshed.output.page") / "assets" / "page.css").read_text(encoding="utf-8")
    policy = f"default-src 'none'; style-src {hash_of(style)}; base-uri 'none'; form-action 'none'"
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in COLUMNS.values())
    rows = list(rows)
    done = sum(row.get("status") == "done" for row in rows)
    with whole_file(Path(path)) as part, open(part, "w", encoding="utf-8", newline="\n") as file:
        file.write(
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{escape(title)} - skyshed</title>\n<style>{style}</style>\n</head>\n<body>\n"
            f"<h1>{escape(title)}</h1>\n<main>\n<p>{done} of {len(rows)} images done.</p>\n"
            f'<div class="scroll">\n<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n'
        )
        for row in rows:
            file.write(f"<tr>{''.join(_cell(row, name, page) for name in COLUMNS)}</tr>\n")
        file.write("</tbody>\n</table>\n</div>\n</main>\n</body>\n</html>\n")


def _cell(row: dict[str, Any], name: str, page: str) -> str:
    value = row.get(name, "")
    text = escape(f"{value:.2f}" if isinstance(value, float) else str(value))
    if name in ("n_sources", "seconds"):
        return f'<td class="number">{text}</td>'
    folder = str(row.get("folder", ""))
    if name == "image" and folder not in ("", "."):
        return f'<td><a href="{escape(quote(folder))}/{escape(quote(page))}">{text}</a></td>'
    return f"<td>{text}</td>"
