"""Compiled kernels are kept, found again, and stale when anything they hold changes."""

import importlib.util
import logging
from pathlib import Path

import pytest
from numba.core import caching

from skyshed.kernels import compiled

CALLER = "from skyshed.kernels.callee import helper\n\n\ndef kernel(x):\n    return x + 1\n"


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A package of two kernels, of which one imports the other."""
    folder = tmp_path / "kernels"
    folder.mkdir()
    (folder / "caller.py").write_text(CALLER)
    (folder / "callee.py").write_text("def helper(x):\n    return x\n")
    (folder / "other.py").write_text("def other(x):\n    return x\n")
    monkeypatch.setattr(compiled, "ROOT", tmp_path)
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    compiled.source_stamp.cache_clear()
    yield folder
    compiled.source_stamp.cache_clear()


@pytest.fixture
def counts(monkeypatch):
    """Counts that begin at zero."""
    monkeypatch.setattr(compiled, "counts", {"compiled": 0, "loaded": 0})
    return compiled.counts


def load(folder: Path, name: str = "other"):
    """Compile the function of a file, as a process that has just started does."""
    spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    compiled.source_stamp.cache_clear()
    return compiled.compile_kernel(getattr(module, name))


@pytest.mark.parametrize(("changed", "stale"), [("caller", 1), ("callee", 1), ("other", 0)])
def test_stale_when_a_file_that_it_holds_changes(tree, changed, stale):
    before = compiled.source_stamp(tree / "caller.py")
    with (tree / f"{changed}.py").open("a") as file:
        file.write("# edited\n")
    compiled.source_stamp.cache_clear()
    assert (compiled.source_stamp(tree / "caller.py") != before) == bool(stale)


def test_every_import_between_kernels_is_seen():
    watershed = compiled._reached(Path(compiled.__file__).parent / "deblending" / "cpu.py")
    names = {path.name for path in watershed}
    assert {"cpu.py", "cpu_watershed.py", "cpu_sorting.py", "threads.py", "__init__.py"} <= names


def test_compiled_once_and_loaded_by_the_next_process(tree, counts):
    assert load(tree)(1) == 1
    assert counts == {"compiled": 1, "loaded": 0}
    assert load(tree)(2) == 2
    assert counts == {"compiled": 1, "loaded": 1}
    assert list((tree / "__pycache__").glob("*.nbi"))


def test_says_once_that_it_compiles(tree, counts, caplog):
    with caplog.at_level(logging.WARNING, logger="skyshed"):
        kernel = load(tree)
        kernel(1)
        kernel(1.5)
    assert [record.message for record in caplog.records] == [compiled.NOTICE]


@pytest.fixture
def read_only(monkeypatch):
    """Make every folder read-only for Numba, also for the superuser."""

    def refuse(*args, **kwargs):
        raise PermissionError("read-only")

    def start():
        monkeypatch.setattr(caching.tempfile, "TemporaryFile", refuse)
        monkeypatch.setattr(caching.IndexDataCacheFile, "_open_for_write", refuse)

    return start


def test_folder_that_was_filled_is_read_where_it_is_read_only(tree, counts, read_only):
    load(tree)(1)
    read_only()
    kernel = load(tree)
    assert kernel(1) == 1
    assert counts == {"compiled": 1, "loaded": 1}
    # Another kind of argument is compiled, and can't be kept.
    assert kernel(1.5) == 1.5
    assert counts == {"compiled": 2, "loaded": 1}


def test_works_where_nothing_can_be_kept(tree, counts, read_only):
    read_only()
    assert load(tree)(1) == 1
    assert load(tree)(1) == 1
    assert counts["loaded"] == 0


def double(x):
    return x + x


@pytest.mark.parametrize(
    ("version", "known"),
    [("0.61.2", False), ("0.62.0rc1", True), ("0.68.1", True), ("0.69.0", False), ("1.0.0", False)],
)
def test_releases_of_numba_that_nobody_tried_compile_in_their_own_way(version, known):
    dispatcher = compiled._dispatcher(double, version)
    assert hasattr(dispatcher, "part") == known
    assert dispatcher(1.25) == 2.5
    assert dispatcher.targetoptions["nogil"]
