"""Results take the place of an earlier run's, and of nothing else."""

import shutil

import numpy as np
import pytest
from astropy.io import fits

import skyshed
from skyshed.cli import main
from tests.pipeline_field import make_field


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder with an image, and the results of a run on it."""
    folder = tmp_path_factory.mktemp("finished")
    fits.writeto(folder / "image.fits", make_field())
    options = ("--map-format", "fits", "--no-preview", "--quiet")
    assert (
        main(["extract", str(folder / "image.fits"), "--out", str(folder / "run"), *options]) == 0
    )
    return folder


@pytest.fixture
def earlier(finished, tmp_path):
    """A copy of it."""
    return shutil.copytree(finished, tmp_path / "earlier")


def extract(folder, *words):
    return main(["extract", *words, "--no-preview", "--quiet"])


INPUTS = {
    "image": (["{f}/run/segmentation.fits", "--out", "{f}/run"], ".fits is given as image"),
    "map": (
        ["{f}/image.fits", "--segmentation", "{f}/run/segmentation.fits", "--out", "{f}/run"],
        "segmentation.fits is given as segmentation",
    ),
    "part of a map": (
        ["{f}/image.fits", "--segmentation", "{f}/run/segmentation.fits", "--region", "0:80,0:80",
         "--out", "{f}/run"],
        "segmentation.fits is given as segmentation",
    ),
    "mask": (
        ["{f}/image.fits", "--mask", "{f}/run/segmentation.fits", "--out", "{f}/run"],
        "segmentation.fits is given as mask",
    ),
    "by another path": (
        ["{f}/image.fits", "--mask", "{f}/run/segmentation.fits", "--out", "{f}/link"],
        "segmentation.fits is given as mask",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", INPUTS)
def test_no_result_takes_the_place_of_an_input(earlier, capsys, case):
    (earlier / "link").symlink_to(earlier / "run")
    before = {path.name: path.read_bytes() for path in (earlier / "run").iterdir()}
    words, message = INPUTS[case]
    assert extract(earlier, *(word.format(f=earlier) for word in words)) == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert "choose another folder" in shown
    assert {path.name: path.read_bytes() for path in (earlier / "run").iterdir()} == before


def test_a_memory_map_of_a_file_is_an_input(tmp_path):
    image = make_field()
    (tmp_path / "run").mkdir()
    np.save(tmp_path / "run" / "catalog.npy", image)
    (tmp_path / "run" / "catalog.npy").rename(tmp_path / "run" / "catalog.fits")
    found = skyshed.extract(np.load(tmp_path / "run" / "catalog.fits", mmap_mode="r"))
    with pytest.raises(ValueError, match=r"catalog\.fits is given as image"):
        found.write(tmp_path / "run")
    assert np.array_equal(np.load(tmp_path / "run" / "catalog.fits"), image)


def test_an_input_that_is_not_replaced_stays(earlier):
    run = earlier / "run"
    words = (str(earlier / "image.fits"), "--segmentation", str(run / "segmentation.fits"))
    assert extract(earlier, *words, "--compress", "--out", str(run)) == 0
    assert {"segmentation.fits", "segmentation.fits.fz"} <= {path.name for path in run.iterdir()}


@pytest.mark.parametrize("name", ["catalog.fits", "segmentation.zarr", "preview.png"])
def test_what_no_run_wrote_is_not_replaced(earlier, capsys, name):
    mine = earlier / "mine"
    mine.mkdir()
    if name.endswith(".zarr"):
        (mine / name).mkdir()
        (mine / name / "notes").write_text("mine")
    else:
        (mine / name).write_text("mine")
    assert extract(earlier, str(earlier / "image.fits"), "--out", str(mine)) == 2
    assert f"has {name} and no parameters.toml" in capsys.readouterr().err
    assert [path.name for path in mine.iterdir()] == [name]


def test_a_workspace_that_was_asked_for_is_kept(earlier):
    run = earlier / "tiles"
    words = (str(earlier / "image.fits"), "--out", str(run))
    assert extract(earlier, *words, "--workspace", str(run / "workspace")) == 0
    assert extract(earlier, *words) == 0
    assert (run / "workspace" / "run.json").exists()


def test_results_are_all_new_or_all_old(earlier, monkeypatch):
    before = {path.name: path.read_bytes() for path in (earlier / "run").iterdir()}

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("skyshed.output.write.write_map", full)
    words = (str(earlier / "image.fits"), "--nsigma", "5", "--out", str(earlier / "run"))
    assert extract(earlier, *words) == 2
    assert {path.name: path.read_bytes() for path in (earlier / "run").iterdir()} == before
