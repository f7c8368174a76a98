"""What files say is never run, and never decides where something is written."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

import skyshed
from skyshed import extract
from skyshed.cli import main
from tests.pipeline_field import make_field

SOURCES = sorted(Path(skyshed.__file__).parent.rglob("*.py"))
#: Modules that make objects, or code, of what they read; and functions that do, of any module.
UNPICKLING = {"pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
RUNNING = {
    "eval", "exec", "compile", "__import__", "system", "popen", "read_pickle", "unsafe_load",
    "full_load", "literal_execute",
}  # fmt: skip
#: Names that would lead elsewhere, or that a terminal, a shell or DS9 would obey.
HOSTILE = (
    "../../elsewhere", "/tmp/elsewhere", "..", "a/../../elsewhere", "$(touch elsewhere)",
    "; xpaset -p ds9 exit", "<script>alert(1)</script>", "|touch elsewhere",
)  # fmt: skip
#: A line of a file of regions: a shape of numbers, a text of digits.
REGION = re.compile(r"[a-z0-9]+\((-?[0-9.]+,?)+\) # text=\{[0-9]+\}")


def dangers(code):
    """Return the lines of a module that run or unpickle what they are given."""
    tree, names = ast.parse(code), {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {each.asname or each.name: each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {each.asname or each.name: f"{node.module}.{each.name}" for each in node.names}
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        first, dot, rest = ast.unparse(node.func).partition(".")
        *module, last = (names.get(first, first) + dot + rest).split(".")
        options = {each.arg: ast.unparse(each.value) for each in node.keywords}
        known = last in RUNNING and (not module or module[0] != "re")
        unpickled = bool(module) and module[0] in UNPICKLING
        unpickled &= last in ("load", "loads", "Unpickler", "open")
        asked = options.get("allow_pickle", "False") != "False"
        asked |= module[:1] == ["numpy"] and last == "load" and len(node.args) > 2
        shell = module[:1] == ["subprocess"] and options.get("shell", "False") != "False"
        if known or unpickled or asked or shell:
            found.append(f"{node.lineno}: {ast.unparse(node)}")
    return found


@pytest.mark.parametrize(
    "code",
    [
        "eval(x)", "exec(x)", "import os; os.system(x)", "import builtins; builtins.eval(x)",
        "import pickle; pickle.loads(x)", "from pickle import load; load(x)",
        "import pickle as p; p.Unpickler(x)", "import _pickle; _pickle.loads(x)",
        "import pandas as pd; pd.read_pickle(x)", "import yaml; yaml.unsafe_load(x)",
        "import numpy as np; np.load(x, allow_pickle=True)",
        "import numpy as np; np.load(x, 'r', True)",
        "from subprocess import run; run(x, shell=True)",
    ],
)  # fmt: skip
def test_the_search_finds_what_it_looks_for(code):
    assert len(dangers(code)) == 1


def test_nothing_that_is_read_is_run_or_unpickled():
    assert {
        path.name: dangers(path.read_text()) for path in SOURCES if dangers(path.read_text())
    } == {}


@pytest.mark.parametrize("name", HOSTILE)
def test_names_of_hdus_and_files_write_nowhere_else(tmp_path, name):
    image = make_field()
    hdus = [fits.ImageHDU(image, name="one"), fits.ImageHDU(image, name="two")]
    for hdu in hdus:
        hdu.header["EXTNAME"] = f"{name}{hdu.name}"
        hdu.header["OBJECT"] = hdu.header["FILENAME"] = name
    inside = tmp_path / "inside"
    inside.mkdir()
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(inside / "image.fits")
    given = [str(inside / "image.fits"), "--each", "--hdu", "all", "--out", str(inside / "out")]
    assert main(["extract", *given, "--nsigma", "5", "--quiet"]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["inside"]
    assert sorted(path.name for path in inside.iterdir()) == ["image.fits", "out"]
    catalogs = list((inside / "out").rglob("catalog.fits"))
    assert len(catalogs) == 2
    assert {path.parent.parent for path in catalogs} == {inside / "out"}


@pytest.mark.parametrize("name", HOSTILE)
def test_regions_have_nothing_but_numbers(tmp_path, name):
    image = make_field()
    header = fits.Header({"OBJECT": name, "EXTNAME": name, "ORIGIN": name})
    file = tmp_path / f"{name.replace('/', '_')}.fits"
    fits.writeto(file, image, header)
    main(
        [
            "extract",
            str(file),
            "--out",
            str(tmp_path / "out"),
            "--nsigma",
            "5",
            "--regions",
            "--quiet",
        ]
    )
    (regions,) = (tmp_path / "out").glob("*.reg")
    lines = regions.read_text().splitlines()
    text = "\n".join(lines)
    assert name not in text
    shapes = [line for line in lines if "(" in line]
    assert len(shapes) > 5
    assert [line for line in shapes if not REGION.fullmatch(line)] == []


def test_what_a_header_says_moves_no_cursor(tmp_path, capsys):
    """Escape sequences change what a terminal shows: FITS has only letters that can be printed."""
    image = make_field()
    fits.writeto(tmp_path / "image.fits", image, fits.Header({"BUNIT": "x" * 8}))
    content = (tmp_path / "image.fits").read_bytes()
    (tmp_path / "image.fits").write_bytes(content.replace(b"x" * 8, b"\x1b[2Jx\x07\x1b["))
    given = [str(tmp_path / "image.fits"), "--out", str(tmp_path / "out"), "--nsigma", "5"]
    assert main(["extract", *given]) == 0
    said = capsys.readouterr()
    assert "BUNIT" in said.out + said.err
    assert "\x1b[2J" not in said.out + said.err
    assert "\x07" not in said.out + said.err


def test_arrays_of_objects_are_no_images_and_no_tables(tmp_path):
    np.save(tmp_path / "labels.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises((ValueError, OSError), match=r"labels\.npy"):
        extract(make_field(), segmentation=tmp_path / "labels.npy")
