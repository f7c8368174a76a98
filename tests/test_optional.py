"""What is said where a package is missing."""

import importlib.metadata
import sys

import pytest

from skyshed.optional import need, package_versions


def test_a_package_that_is_there_is_imported():
    assert need("importlib.metadata", "a test") is sys.modules["importlib.metadata"]


@pytest.mark.parametrize(
    ("package", "extra", "words"),
    [
        ("no_such_package", "plot", r"a test needs no_such_package, which is not installed: "
                                    r"pip install 'skyshed\[plot\]'"),
        ("no_such.module", None, "a test needs no_such, which is not installed: pip install no_s"),
    ],
)  # fmt: skip
def test_an_error_says_what_needs_it_and_what_to_install(package, extra, words):
    with pytest.raises(ImportError, match=words):
        need(package, "a test", extra)


def test_a_package_that_is_broken_is_not_said_to_be_missing(tmp_path, monkeypatch):
    (tmp_path / "broken_package.py").write_text("import what_it_needs")
    monkeypatch.syspath_prepend(tmp_path)
    words = r"can't be imported \(No module named 'what_it_needs'\): pip install"
    with pytest.raises(ImportError, match=words):
        need("broken_package", "a test")


def test_versions_are_those_of_what_is_installed():
    versions = package_versions(("numpy", "no-such-package"))
    assert versions == {"numpy": sys.modules["numpy"].__version__}


def test_versions_of_what_is_not_loaded_are_those_of_its_metadata(monkeypatch):
    monkeypatch.delitem(sys.modules, "tqdm", raising=False)
    assert package_versions(("tqdm",)) == {"tqdm": importlib.metadata.version("tqdm")}
