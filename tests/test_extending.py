"""Each example of docs/extending.md works in a copy of the package that it is added to."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import skyshed

ROOT = Path(__file__).parents[1]
PACKAGE = Path(skyshed.__file__).parent
PAGE = (ROOT / "docs/extending.md").read_text()
SECTIONS = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE))
#: A block of code that begins with a comment that says where it belongs.
FILE = re.compile(r"^```\w+\n(?:#|//) src/(\S+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
#: What every section may use.
START = "import numpy as np\nfrom skyshed import SegmentationImage, SourceCatalog\n"

#: The copy is found before what an editable install of the package finds.
PATHS = """
import sys
from importlib.machinery import PathFinder
sys.path[:0] = {paths!r}
sys.meta_path.insert(0, PathFinder)
"""

DOCTEST = """
import doctest
examples = doctest.DocTestParser().get_doctest(open(sys.argv[1]).read(), {}, "section", None, 0)
exec(sys.argv[2], examples.globs)
runner = doctest.DocTestRunner()
runner.run(examples)
assert runner.tries, "no example"
sys.exit(runner.failures)
"""

#: Adds the kernels of one more library to those of the package.
LOAD = """
from pathlib import Path
from skyshed.kernels import native
kernels = native.registered(native.level())
native.FOLDER = Path({folder!r})
kernels.update(native.registered("example"))
"""

TWINS = """
from tests.device import standin
from tests.device.kernels.fields import drawn
from tests.device.kernels.twins import both
from skyshed.kernels.positive import positive_flux
with standin.in_place() as cupy:
    for dtype in ("f4", "f8"):
        sources, image, _ = drawn(1, dtype=dtype)
        on_device, on_host = both(cupy, positive_flux, sources, image, 2)
        np.testing.assert_allclose(on_device, on_host, rtol=1e-12)
        assert (on_host > 0).any()
"""


def run(folder, code, *arguments):
    """Run Python on the copy of the package in a folder; it must succeed."""
    done = subprocess.run(
        [sys.executable, "-c", PATHS.format(paths=[str(folder), str(ROOT)]) + code, *arguments],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def extended(tmp_path):
    """Return a function that copies the package and adds the files of a section to it."""

    def extend(title):
        shutil.copytree(PACKAGE, tmp_path / "skyshed", ignore=shutil.ignore_patterns("__pycache__"))
        files = FILE.findall(SECTIONS[title])
        assert files
        for name, text in files:
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            with path.open("a") as file:
                file.write(f"\n\n{text}" if file.tell() else text)
        return tmp_path

    return extend


def check(folder, title, start=START):
    """Run the examples of a section."""
    path = folder / "section.md"
    path.write_text(SECTIONS[title])
    run(folder, DOCTEST, str(path), start)


@pytest.mark.parametrize(
    "title", ["A column", "A product", "A rule for units", "A background estimator"]
)
def test_an_example_works_as_shown(extended, title):
    check(extended(title), title)


def test_a_format_works_as_shown(extended):
    folder = extended("An input format")
    check(folder, "An input format")
    run(folder, """
import pickle, numpy as np, skyshed
from skyshed.datasets import make_100gaussians_image
from skyshed.images.raw import RawFile
data = make_100gaussians_image()
data.astype(">f8").tofile("image.raw")
raw = RawFile("image.raw", data.shape, ">f8")
(data > 300).astype("u1").tofile("mask.raw")
mask = RawFile("mask.raw", data.shape, "u1")
from_file, from_memory = skyshed.extract(raw, mask=mask), skyshed.extract(data, mask=data > 300)
assert len(from_memory.table) > 50
for name in from_memory.table.colnames:
    np.testing.assert_array_equal(from_file.table[name], from_memory.table[name])
""")  # fmt: skip


def test_a_kernel_works_as_shown(extended):
    folder = extended("A kernel")
    kernels, library = folder / "skyshed/kernels", folder / "skyshed-example.so"
    subprocess.run(
        ["g++", "-std=c++17", "-O1", "-shared", "-fPIC", "-Wall", "-Werror", f"-I{folder}",
         str(kernels / "native.cpp"), str(kernels / "positive/positive.cpp"), "-o", str(library)],
        check=True,
    )  # fmt: skip
    load = LOAD.format(folder=str(folder))
    check(folder, "A kernel", START + load)
    run(folder, START + load + TWINS)
