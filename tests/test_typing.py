"""What type checkers and editors see of the package: never ``Any``."""

import re
from pathlib import Path

import mypy.api
import pytest

import skyshed

ROOT = Path(skyshed.__file__).parents[1]

USE = """
import numpy as np
import skyshed
from skyshed import Background2D, SourceCatalog, SourceFinder, detect_sources, extract
from skyshed.background import MedianBackground
from skyshed.segmentation import SourceCatalog as Catalog
from skyshed.segmentation import deblend_sources, detect_threshold

image = np.ones((20, 30))
segm = detect_sources(image, 1.0, npixels=5)
assert segm is not None
# The names, each with its arguments.
reveal_type(extract)
reveal_type(detect_threshold)
reveal_type(Background2D)
reveal_type(skyshed.calc_total_error)
reveal_type(skyshed.background.LocalBackground)
# What they return.
reveal_type(segm)
reveal_type(deblend_sources(image, segm, npixels=5))
reveal_type(SourceFinder(npixels=5)(image, 1.0))
reveal_type(SourceCatalog(image, segm))
reveal_type(Catalog(image, segm))
reveal_type(Background2D(image, 10))
reveal_type(MedianBackground())
reveal_type(skyshed.SEGMENTATION_FLAGS)
reveal_type(skyshed.Parameters())
reveal_type(skyshed.__version__)
"""

SEEN = {
    "extract": "def (image: ",
    "detect_threshold": "def (data: ",
    "Background2D": "def (data: ",
    "skyshed.calc_total_error": "def (data: ",
    "skyshed.background.LocalBackground": "def (inner_radius: float, outer_radius: float, ",
    "segm": "SegmentationImage",
    "deblend_sources(image, segm, npixels=5)": "SegmentationImage",
    "SourceFinder(npixels=5)(image, 1.0)": "SegmentationImage | None",
    "SourceCatalog(image, segm)": "SourceCatalog",
    "Catalog(image, segm)": "SourceCatalog",
    "Background2D(image, 10)": "Background2D",
    "MedianBackground()": "MedianBackground",
    "skyshed.SEGMENTATION_FLAGS": "Flags",
    "skyshed.Parameters()": "Parameters",
    "skyshed.__version__": "str",
}


def check(text, folder, monkeypatch):
    """Return what mypy says of a program."""
    if ROOT.name != "site-packages":
        monkeypatch.setenv("MYPYPATH", str(ROOT))
    program = folder / "program.py"
    program.write_text(text)
    options = ["--config-file=", f"--cache-dir={folder}", "--ignore-missing-imports"]
    said, errors, _ = mypy.api.run([*options, str(program)])
    assert not errors
    return said


@pytest.fixture(scope="module")
def revealed(tmp_path_factory):
    """Expression -> its type, as mypy says it, without the names of modules."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        said = check(USE, tmp_path_factory.mktemp("types"), monkeypatch)
    lines = USE.splitlines()
    found = {}
    for at, kind in re.findall(r':(\d+): note: Revealed type is "(.*)"', said):
        expression = re.fullmatch(r"reveal_type\((.*)\)", lines[int(at) - 1])
        found[expression[1]] = re.sub(r"\b(?:\w+\.)+(?=\w)", "", kind)
    assert ": error: " not in said, said
    return found


@pytest.mark.parametrize("expression", SEEN)
def test_the_front_door_is_typed(revealed, expression):
    kind = revealed[expression]
    assert kind != "Any"
    assert kind.startswith(SEEN[expression]) if kind.startswith("def") else kind == SEEN[expression]


def test_a_name_that_there_is_not_is_an_error_of_types(tmp_path, monkeypatch):
    text = "import skyshed, skyshed.segmentation as s\nskyshed.detect_stars\ns.detect_stars\n"
    said = check(text, tmp_path, monkeypatch)
    assert said.count('has no attribute "detect_stars"') == 2
