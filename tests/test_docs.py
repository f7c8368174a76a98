"""The pages run: their Python, their links, their tables."""

import doctest
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import skyshed
from skyshed import SegmentationImage, SourceCatalog

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "tests/README.md",
        ROOT / "benchmarks/README.md",
        *(ROOT / "docs").glob("*.md"),
    ]
)
LINK = re.compile(r"\]\((?!https?://)([^)#]+)")
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def label(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=label)
def test_links_lead_somewhere(page):
    for target in LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), target


#: What its examples use is first added to the package: see test_extending.py.
EXTENDING = ROOT / "docs/extending.md"
EXAMPLES = [page for page in PAGES if ">>> " in page.read_text() and page != EXTENDING]


@pytest.mark.parametrize("page", EXAMPLES, ids=label)
def test_examples_print_what_they_show(page):
    failed, tried = doctest.testfile(str(page), module_relative=False, encoding="utf-8")
    assert tried
    assert not failed


def test_the_readmes_example_runs(tmp_path):
    (code,) = BLOCK.findall((ROOT / "README.md").read_text())
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "94" in done.stdout


@pytest.mark.parametrize("name", sorted(path.stem for path in ROOT.glob("docs/make_*.py")))
def test_a_page_that_is_made_is_that_of_the_registry(name):
    path = ROOT / f"docs/{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text() == module.page(), f"run python docs/{name}.py"


def test_the_page_of_columns_has_every_property_under_every_name():
    catalog = SourceCatalog(np.ones((2, 2)), SegmentationImage(np.ones((2, 2), int)))
    page = (ROOT / "docs/columns.md").read_text()
    rows = [row.split("|")[1:3] for row in page.splitlines() if row.startswith("| `")]
    names = {name for row in rows for cell in row for name in re.findall(r"`(\w+)`", cell)}
    assert {*catalog.properties, "inertia_tensor"} - names == set()


def test_the_page_of_public_names_has_those_of_the_package():
    page = (ROOT / "docs/api.md").read_text()
    rows = [row.split("|")[1] for row in page.splitlines() if row.startswith("| `")]
    listed = [name for row in rows for name in re.findall(r"`skyshed\.(\w+)`", row)]
    assert sorted(listed) == sorted(dir(skyshed))


def test_the_reference_has_every_public_name():
    page = (ROOT / "docs/reference.md").read_text()
    listed = {name.strip() for name in re.findall(r"^   ([\w.]+)$", page, re.MULTILINE)}
    modules = {name for name in dir(skyshed) if name not in skyshed.__all__}
    assert listed >= set(dir(skyshed)) - modules - {"__version__"}
    for name in listed:
        thing, path = skyshed, "skyshed"
        for part in name.split("."):
            path = f"{path}.{part}"
            thing = getattr(thing, part, None) or importlib.import_module(path)
        assert thing.__doc__, name


def test_every_page_is_in_a_list_of_the_sites_first_page():
    first = (ROOT / "docs/site/index.md").read_text()
    listed = {line[3:] for line in first.splitlines() if line.startswith("../")}
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")} - {"index"}
    assert pages <= listed
    in_the_repository = (ROOT / "docs/index.md").read_text()
    assert pages <= set(re.findall(r"\]\(([\w-]+)\.md\)", in_the_repository))
