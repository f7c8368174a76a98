"""Run the pages that are notebooks and keep them as such: python docs/notebooks.py FOLDER."""

import sys
from pathlib import Path

import nbformat
from myst_nb.core.read import read_myst_markdown_notebook
from myst_parser.config.main import MdParserConfig
from nbclient import NotebookClient

HERE = Path(__file__).parent
HEAD = "---\nfile_format: mystnb"


def pages() -> list[Path]:
    """Return the pages that are notebooks."""
    return sorted(page for page in HERE.glob("*.md") if page.read_text().startswith(HEAD))


def notebook(page: Path) -> nbformat.NotebookNode:
    """Return a page as a notebook, not run."""
    return read_myst_markdown_notebook(
        page.read_text(), config=MdParserConfig(), add_source_map=False, path=page
    )


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for page in pages():
        made = NotebookClient(notebook(page), timeout=300).execute()
        path = folder / f"{page.stem}.ipynb"
        nbformat.write(made, path)
        print(path)
