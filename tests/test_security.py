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
#: What makes code or objects of what is read.
RUNNING = {"eval", "exec", "compile", "__import__"}
UNPICKLING = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
#: Names that would lead elsewhere, or that a terminal, a shell or DS9 would obey.
HOSTILE = (
    "../../elsewhere", "/tmp/elsewhere", "..", "a/../../elsewhere", "$(touch elsewhere)",
    "; xpaset -p ds9 exit", "<script>alert(1)</script>", "|touch elsewhere",
)  # fmt: skip
#: A line of a file of regions: a shape of numbers, a text of digits.
REGION = re.compile(r"[a-z0-9]+\((-?[0-9.]+,?)+\) # text=\{[0-9]+\}")


def calls(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node, ast.unparse(node.func)


def test_nothing_that_is_read_is_run_or_unpickled():
    found = []
    for path in SOURCES:
        for node, name in calls(ast.parse(path.read_text())):
            first, _, last = name.partition(".")
            loads = first in UNPICKLING and last in ("load", "loads", "Unpickler", "open")
            pickled = any(
                each.arg == "allow_pickle" and ast.unparse(each.value) != "False"
                for each in node.keywords
            )
            shell = first == "subprocess" and any(each.arg == "shell" for each in node.keywords)
            # np.load reads no pickles unless it is asked to.
            if name in RUNNING or name in ("os.system", "os.popen") or loads or pickled or shell:
                found.append(f"{path.name}:{node.lineno}: {name}")
    assert found == []


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
    main(["extract", str(tmp_path / "image.fits"), "--out", str(tmp_path / "out"), "--nsigma", "5"])
    said = capsys.readouterr()
    assert "\x1b[2J" not in said.out + said.err
    assert "\x07" not in said.out + said.err


def test_arrays_of_objects_are_no_images_and_no_tables(tmp_path):
    np.save(tmp_path / "labels.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises((ValueError, OSError), match=r"labels\.npy"):
        extract(make_field(), segmentation=tmp_path / "labels.npy")
