"""The public classes are whole, and their help says what their methods do."""

import inspect
import re

import pytest

from skyshed import SegmentationImage, SourceCatalog
from skyshed.peers import PassesAsPhotutils


def methods(kind):
    """Return the public methods of a class."""
    members = inspect.getmembers_static(kind)
    methods = ((name, getattr(member, "__func__", member)) for name, member in members)
    return {name: m for name, m in methods if inspect.isfunction(m) and not name.startswith("_")}


@pytest.mark.parametrize("kind", [SegmentationImage, SourceCatalog])
def test_the_classes_have_no_bases_that_methods_could_hide_in(kind):
    assert kind.__mro__ == (kind, PassesAsPhotutils, object)
    assert not {name for name in vars(PassesAsPhotutils) if not name.startswith("__")}


@pytest.mark.parametrize(
    ("kind", "name"),
    [(kind, name) for kind in (SegmentationImage, SourceCatalog) for name in methods(kind)],
)
def test_the_help_of_a_method_describes_its_arguments(kind, name):
    """The only exception are methods for one label or name, whose help names that for several."""
    method = methods(kind)[name]
    text = inspect.cleandoc(method.__doc__)
    others = re.findall(r"see `(\w+)`\.$", text.splitlines()[0])
    if others:
        assert others[0] in methods(kind)
        assert len(text.splitlines()) == 1
        return
    parameters = [p for p in inspect.signature(method).parameters if p not in ("self", "cls")]
    section = re.search(r"Parameters\n-+\n((?:.*\n)*?)(?=\n\w+\n-+\n|\Z)", f"{text}\n")
    described = re.findall(r"^[*]*(\w.*?)(?: :.*)?$", section[1], re.MULTILINE) if section else []
    names = [each.strip("* ") for line in described for each in line.split(",")]
    assert [p for p in parameters if p not in names] == []


def test_an_example_shows_a_kron_aperture():
    text = SourceCatalog.make_kron_apertures.__doc__
    assert ">>> aperture, = catalog.make_kron_apertures()" in text
    assert "skyshed.catalog.aperture" not in text
