"""What type checkers and editors see of the package: never ``Any``."""

import doctest
import inspect
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import mypy.api
import pytest

import skyshed

ROOT = Path(skyshed.__file__).parents[1]

USE = """
import numpy as np
import skyshed
from skyshed import Background2D, SourceCatalog, SourceFinder, detect_sources, extract, extract_each
from skyshed.background import MedianBackground
from skyshed.segmentation import SourceCatalog as Catalog
from skyshed.segmentation import deblend_sources, detect_threshold

image = np.ones((20, 30))
segm = detect_sources(image, 1.0, npixels=5)
assert segm is not None
# The names, each with its arguments.
reveal_type(extract)
reveal_type(extract_each)
reveal_type(detect_threshold)
reveal_type(Background2D)
reveal_type(skyshed.calc_total_error)
reveal_type(skyshed.background.LocalBackground)
# What they return.
reveal_type(extract_each([image]))
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
    "extract_each": "def (images: ",
    "extract_each([image])": "Iterator[Outcome]",
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


def run_mypy(programs, cache, monkeypatch):
    """Return what mypy says of files."""
    if ROOT.name != "site-packages":
        monkeypatch.setenv("MYPYPATH", str(ROOT))
    options = ["--config-file=", f"--cache-dir={cache}", "--ignore-missing-imports"]
    said, errors, _ = mypy.api.run([*options, *map(str, programs)])
    assert not errors
    return said


def check(text, folder, monkeypatch):
    """Return what mypy says of a program."""
    program = folder / "program.py"
    program.write_text(text)
    return run_mypy([program], folder, monkeypatch)


def without_modules(kind):
    """Return the name of a type without those of modules."""
    return re.sub(r"\b(?:\w+\.)+(?=\w)", "", kind)


@pytest.fixture(scope="module")
def revealed(tmp_path_factory):
    """Expression -> its type, as mypy says it, without the names of modules."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        said = check(USE, tmp_path_factory.mktemp("types"), monkeypatch)
    lines = USE.splitlines()
    found = {}
    for at, kind in re.findall(r':(\d+): note: Revealed type is "(.*)"', said):
        expression = re.fullmatch(r"reveal_type\((.*)\)", lines[int(at) - 1])
        found[expression[1]] = without_modules(kind)
    assert ": error: " not in said, said
    return found


@pytest.mark.parametrize("expression", SEEN)
def test_the_front_door_is_typed(revealed, expression):
    kind = revealed[expression]
    assert kind != "Any"
    assert kind.startswith(SEEN[expression]) if kind.startswith("def") else kind == SEEN[expression]


MISTAKES = {
    "no image": ("skyshed.detect_sources(None, 1.0, npixels=5)", "arg-type"),
    "no boxes": ("skyshed.Background2D(image, None)", "arg-type"),
    "swapped": ("skyshed.deblend_sources(segm, image, npixels=5)", "arg-type"),
    "misspelt": ("skyshed.convolve(image, [[1.0]], n_thread=2)", "call-arg"),
    "misspelt parameter": ("skyshed.extract(image, n_sigm=3)", "call-arg"),
    "text for a number": ("skyshed.extract(image, nsigma='3')", "arg-type"),
    "no such choice": ("skyshed.Parameters().replace(mode='log')", "arg-type"),
}


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """What mypy says of each of the mistakes."""
    lines = ["import numpy as np, skyshed", "image = np.ones((9, 9))"]
    lines.append("segm = skyshed.SegmentationImage(np.ones((9, 9), int))")
    start = len(lines) + 1
    with pytest.MonkeyPatch.context() as monkeypatch:
        text = "\n".join([*lines, *(call for call, _ in MISTAKES.values())])
        said = check(text, tmp_path_factory.mktemp("mistakes"), monkeypatch)
    found = {int(at): code for at, code in re.findall(r":(\d+): error: .*\[([\w-]+)\]", said)}
    assert min(found) >= start, said
    return {name: found.get(start + i) for i, name in enumerate(MISTAKES)}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_seen_before_the_program_runs(judged, mistake):
    assert judged[mistake] == MISTAKES[mistake][1]


def test_every_kind_of_image_is_allowed(tmp_path, monkeypatch):
    text = """
import numpy as np
from skyshed import Background2D, convolve, detect_sources, make_2dgaussian_kernel
image = np.ones((9, 9), np.float32)
bkg = Background2D(np.ma.masked_array(image), (3, 3), mask=image > 3)
detect_sources(image - bkg.background, 1.5 * bkg.background_rms, npixels=np.int64(5).item())
detect_sources([[1, 2], [3, 4]], np.float32(1), 5)
convolve(image, make_2dgaussian_kernel(3.0, size=5)).shape
class Tensor:
    def __dlpack__(self, **kwargs: object) -> object: ...
    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)
detect_sources(Tensor(), 1.0, 5)
"""
    assert "error" not in check(text, tmp_path, monkeypatch)


def test_help_names_types_instead_of_spelling_them_out():
    assert str(inspect.signature(skyshed.detect_sources)).startswith(
        "(data: 'Image', threshold: 'Image', npixels: 'int', "
    )


def test_a_name_that_there_is_not_is_an_error_of_types(tmp_path, monkeypatch):
    text = "import skyshed, skyshed.segmentation as s\nskyshed.detect_stars\ns.detect_stars\n"
    said = check(text, tmp_path, monkeypatch)
    assert said.count('has no attribute "detect_stars"') == 2


PAGES = Path(__file__).parents[1]
#: Page -> names of its examples and their types.
IN_PAGES = {
    "README.md": {
        "bkg": "Background2D",
        "segment_map": "SegmentationImage | None",
        "catalog": "SourceCatalog",
    },
    "docs/apertures.md": {
        "stars": "CircularAperture",
        "photometry": "AperturePhotometry",
        "stats": "ApertureStats",
    },
    "docs/chain.md": {
        "bkg": "Background2D",
        "detected": "SegmentationImage | None",
        "segments": "SegmentationImage",
        "catalog": "SourceCatalog",
        "redder": "SourceCatalog",
    },
    "docs/flags.md": {"SEGMENTATION_FLAGS": "Flags"},
    "docs/mosaics.md": {"found": "Extraction"},
    "docs/pixels.md": {"catalog": "SourceCatalog"},
    "docs/report.md": {"found": "Extraction"},
    "docs/sep.md": {"background": "Background"},
    "docs/sextractor.md": {"parameters": "Parameters"},
    "docs/site/index.md": {"found": "Extraction"},
    "docs/survey.md": {"found": "Survey"},
}


def examples(page):
    """The Python of a page."""
    text = (PAGES / page).read_text()
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    shown = [example.source for example in doctest.DocTestParser().get_examples(text)]
    return "\n".join([*blocks, *shown])


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """A folder with a program for each page, which asks for types at its end; page -> program."""
    folder = tmp_path_factory.mktemp("pages")
    written = {}
    for i, (page, names) in enumerate(IN_PAGES.items()):
        asked = "".join(f"reveal_type({name})\n" for name in names)
        written[page] = folder / f"page_{i}.py"
        written[page].write_text(f"{examples(page)}\n{asked}")
    return written


@pytest.fixture(scope="module")
def seen_by_mypy(programs, tmp_path_factory):
    """Name of a program's file -> the types in the order that they were asked for."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        said = run_mypy(programs.values(), tmp_path_factory.mktemp("cache"), monkeypatch)
    found = {}
    for name, kind in re.findall(r'(\w+\.py):\d+: note: Revealed type is "(.*)"', said):
        found.setdefault(name, []).append(without_modules(kind))
    return found


@pytest.fixture(scope="module")
def seen_by_pyright(programs):
    """Name of a program's file -> the types by the names that were asked for."""
    pyright = shutil.which("pyright", path=str(Path(sys.executable).parent))
    if pyright is None:
        pytest.skip("pyright is not installed")
    folder = next(iter(programs.values())).parent
    settings = {"extraPaths": [str(ROOT)], "typeCheckingMode": "basic"}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    done = subprocess.run(
        [pyright, "--outputjson", "--pythonpath", sys.executable, "-p", str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = {}
    for each in json.loads(done.stdout)["generalDiagnostics"]:
        if asked := re.fullmatch(r'Type of "(\w+)" is "(.*)"', each["message"]):
            found.setdefault(Path(each["file"]).name, {})[asked[1]] = asked[2]
    return found


@pytest.mark.parametrize("page", IN_PAGES)
def test_mypy_sees_the_types_of_the_pages_examples(page, programs, seen_by_mypy):
    kinds = seen_by_mypy[programs[page].name]
    assert dict(zip(IN_PAGES[page], kinds, strict=True)) == IN_PAGES[page]


@pytest.mark.parametrize("page", IN_PAGES)
def test_pyright_sees_the_types_of_the_pages_examples(page, programs, seen_by_pyright):
    kinds = seen_by_pyright[programs[page].name]
    # Narrowed where an example has used what may be None.
    wanted = {name: kind.removesuffix(" | None") for name, kind in IN_PAGES[page].items()}
    assert {name: kind.removesuffix(" | None") for name, kind in kinds.items()} == wanted
