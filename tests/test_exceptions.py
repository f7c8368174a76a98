"""Warnings and errors: one module has them all, and all of them are public."""

import ast
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

import skyshed
from skyshed import exceptions

#: Never leave their packages under their own names: to callers they are a ValueError, an OSError, a
#: warning.
INTERNAL = {"RefusedError", "ContradictionError", "DamagedError", "UnknownSpellingError"}
SOURCES = sorted(Path(skyshed.__file__).parent.rglob("*.py"))


@pytest.mark.parametrize("name", exceptions.__all__)
def test_every_warning_and_error_is_a_public_name(name):
    kind = getattr(exceptions, name)
    assert getattr(skyshed, name) is kind
    assert issubclass(kind, Warning if name.endswith("Warning") else Exception)


def test_the_page_of_public_names_says_what_they_derive_from():
    page = (Path(__file__).parents[1] / "docs/api.md").read_text()
    rows = [row.split("|") for row in page.splitlines() if row.startswith("| `")]
    bases = {row[1].strip(" `"): row[3].strip(" `") for row in rows if len(row) == 5}
    assert bases == {
        f"skyshed.{name}": getattr(exceptions, name).__base__.__name__
        for name in exceptions.__all__
    }


def test_no_other_module_has_a_public_warning_or_error():
    for path in SOURCES:
        if path.name == "exceptions.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and node.name.endswith(("Warning", "Error")):
                assert node.name.startswith("_") or node.name in INTERNAL, f"{path}: {node.name}"


def test_names_that_photutils_has_are_used_as_there():
    theirs = pytest.importorskip("photutils.utils.exceptions")
    ours = exceptions.NoDetectionsWarning
    assert ours.__name__ == theirs.NoDetectionsWarning.__name__
    assert ours.__bases__ == theirs.NoDetectionsWarning.__bases__


@pytest.mark.parametrize("name", exceptions.__all__)
def test_they_reach_other_processes_with_their_message(name):
    kind = getattr(exceptions, name)
    copy = pickle.loads(pickle.dumps(kind("detect, tile 3,1")))
    assert type(copy) is kind
    assert str(copy) == "detect, tile 3,1"


def test_they_are_light_to_import():
    """Nothing of skyshed comes with them, and of astropy only what importing it always loads."""
    code = "import sys; from skyshed import TileError; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    names = set(loaded.stdout.split())
    assert {name for name in names if name.startswith("skyshed.")} == {"skyshed.exceptions"}
    assert not names & {"scipy", "astropy.units", "astropy.io", "astropy.stats", "astropy.table"}
