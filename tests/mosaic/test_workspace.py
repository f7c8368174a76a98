"""A workspace holds one run: it goes on where that ended, and no other run takes it for its own."""

import json
import os
import shutil
import signal
import subprocess
import sys

import dask.array
import numpy as np
import pytest
import zarr
from astropy.io import fits
from astropy.nddata import CCDData
from astropy.wcs import Sip

from skyshed import extract
from skyshed.exceptions import TileError, WorkspaceError
from skyshed.images.fingerprint import SAMPLE
from skyshed.mosaic import engine
from skyshed.mosaic.records import Detected
from skyshed.mosaic.workspace import Workspace
from tests.tiled import N_TILES, a_wcs, at_once, same, survey, tiled

#: Phases whose tasks each leave a file for each tile.
PHASES = ("background", "detect", "deblend", "measure")


def files(folder):
    """Return when each file of finished work was last written, by name."""
    paths = sorted(folder.rglob("*.npz"))
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in paths}


def kept(before, after):
    """Whether files that were there are there as they were."""
    return all(after[name] == when for name, when in before.items())


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The workspace of a run that ended well, not to be touched."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    tiled(survey().data, mask=survey().mask, workspace=folder)
    return folder


@pytest.fixture
def workspace(finished, tmp_path):
    """A copy of it."""
    return shutil.copytree(finished, tmp_path / "run")


@pytest.fixture
def attempts(monkeypatch):
    """The phase and the place of every task that is run; ``fail_at`` makes one of them fail."""
    attempt = engine.attempt

    class Attempts(list):
        fail_at = None

        def __call__(self, task, phase, job, place):
            if len(self) == self.fail_at:
                raise TileError("the power is off")
            self.append((phase, place))
            attempt(task, phase, job, place)

    watched = Attempts()
    monkeypatch.setattr(engine, "attempt", watched)
    return watched


def test_a_finished_run_is_not_done_again(workspace, attempts):
    before = files(workspace)
    found = tiled(survey().data, mask=survey().mask, workspace=workspace)
    assert attempts == []
    assert files(workspace) == before
    assert same(found, at_once())


@pytest.mark.parametrize("fail_at", [7, 20, 59, 79])
def test_an_interrupted_run_goes_on_where_it_ended(tmp_path, attempts, fail_at):
    attempts.fail_at = fail_at
    with pytest.raises(TileError, match="the power is off"):
        tiled(survey().data, mask=survey().mask, workspace=tmp_path / "run")
    before = files(tmp_path / "run")
    attempts.fail_at = None
    found = tiled(survey().data, mask=survey().mask, workspace=tmp_path / "run")
    assert len(attempts) == len(set(attempts)) == len(PHASES) * N_TILES
    assert kept(before, files(tmp_path / "run"))
    assert same(found, at_once())


def test_threads_and_memory_may_differ_and_tiles_stay(workspace, attempts):
    shutil.rmtree(workspace / "measure")
    found = tiled(
        survey().data, mask=survey().mask, workspace=workspace, n_threads=2, tile=(192, 192),
        memory="2GB",
    )  # fmt: skip
    assert {phase for phase, _ in attempts} == {"measure"}
    assert len(found.tiles) == N_TILES
    assert same(found, at_once())


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"nsigma": 2.0}, "parameters.nsigma = 1.5, this run has 2.0"),
        ({"columns": ("label",)}, "parameters.columns = "),
        ({"mask": None}, "mask = "),
        ({"mask": np.zeros((300, 400), bool)}, r"mask.sha256 = "),
        ({"weight": np.ones((300, 400), np.float32)}, "weight = None"),
        ({"image": survey().data + 1}, "image.sha256 = "),
        ({"background": 0.5}, "'value': 0.5, "),
    ],
)
def test_another_run_is_refused_and_the_difference_named(workspace, changed, named):
    before = files(workspace)
    given = {"image": survey().data, "mask": survey().mask, **changed}
    with pytest.raises(WorkspaceError, match="was begun with ") as raised:
        tiled(**given, workspace=workspace)
    assert named in str(raised.value)
    assert str(workspace) in str(raised.value)
    assert files(workspace) == before


def test_another_mask_of_a_masked_array_is_noticed(tmp_path):
    image = np.ma.MaskedArray(np.array(survey().data), survey().mask)
    tiled(image, workspace=tmp_path)
    image = np.ma.MaskedArray(image.data, np.roll(image.mask, 5, axis=1))
    with pytest.raises(WorkspaceError, match=r"was begun with image_mask"):
        tiled(image, workspace=tmp_path)


def test_another_wcs_is_noticed_whatever_it_comes_with(tmp_path):
    data = np.array(survey().data)
    moved = a_wcs()
    moved.wcs.crval = moved.wcs.crval + (1e-9, 0)
    turned = a_wcs()
    turned.wcs.lonpole = 90.0
    bent = a_wcs()
    bent.sip = Sip(np.zeros((3, 3)), np.zeros((3, 3)), None, None, bent.wcs.crpix)
    bent.sip.a[2, 0] = 1e-9

    def header_of(wcs):
        return fits.ImageHDU(data, wcs.to_header(relax=True))

    for k, given in enumerate((lambda wcs: CCDData(data, wcs=wcs, unit="adu"), header_of)):
        tiled(given(a_wcs()), workspace=tmp_path / str(k))
        tiled(given(a_wcs()), workspace=tmp_path / str(k))
        with pytest.raises(WorkspaceError, match="was begun with wcs"):
            tiled(given(turned), workspace=tmp_path / str(k))
    tiled(data, wcs=a_wcs(), workspace=tmp_path / "wcs")
    tiled(data, wcs=a_wcs(), workspace=tmp_path / "wcs")
    for other in (None, moved, turned, bent):
        with pytest.raises(WorkspaceError, match="was begun with wcs"):
            tiled(data, wcs=other, workspace=tmp_path / "wcs")


def test_a_single_pixel_of_an_array_is_noticed(tmp_path):
    # More rows than a sample has.
    data = np.random.default_rng(3).normal(10, 1, (2100, 40)).astype(np.float32)
    data[100:104, 20:24] += 100
    stored = zarr.create_array(tmp_path / "a.zarr", data=data)
    images = {
        "array": lambda: data,
        "lazy": lambda: dask.array.from_zarr(str(tmp_path / "a.zarr")),
        "mask": lambda: np.ma.MaskedArray(np.ones_like(data), data > 50),
    }
    settings = {"tile": (512, 40), "box_size": 20}
    for name, image in images.items():
        tiled(image(), workspace=tmp_path / name, **settings)
    y = int(np.setdiff1d(np.arange(2100), np.linspace(0, 2099, SAMPLE).round())[5])
    data[y, 7] = 60
    stored[y, 7] = 60
    for name, image in images.items():
        with pytest.raises(WorkspaceError, match="was begun with contents"):
            tiled(image(), workspace=tmp_path / name, **settings)


def test_another_detection_catalog_is_noticed(tmp_path):
    data, mask = survey().data, survey().mask
    catalog = at_once().catalog
    other = extract(data, mask=mask, npixels=9, n_threads=1).catalog
    tiled(data, mask=mask, detection_cat=catalog, workspace=tmp_path)
    with pytest.raises(WorkspaceError, match="was begun with "):
        tiled(data, mask=mask, detection_cat=other, workspace=tmp_path)


def change_pixel_of_fits(path):
    with fits.open(path, mode="update") as hdus:
        hdus[0].data[7, 8] += 1


def change_pixel_of_zarr(path):
    array = zarr.open_array(path, mode="r+")
    array[7, 8] += 1


@pytest.mark.parametrize("kind", ["fits", "zarr"])
def test_a_file_that_was_changed_or_is_another_is_noticed(tmp_path, kind):
    paths = [tmp_path / f"{name}.{kind}" for name in "ab"]
    for path in paths:
        if kind == "fits":
            fits.writeto(path, np.array(survey().data))
        else:
            zarr.create_array(path, data=np.array(survey().data), chunks=(100, 100))
    tiled(paths[0], workspace=tmp_path / "run")
    with pytest.raises(WorkspaceError, match=rf"image.path = .*a\.{kind}.*b\.{kind}"):
        tiled(paths[1], workspace=tmp_path / "run")
    (change_pixel_of_fits if kind == "fits" else change_pixel_of_zarr)(paths[0])
    with pytest.raises(WorkspaceError, match=r"image.mtime_ns = "):
        tiled(paths[0], workspace=tmp_path / "run")


def test_a_workspace_of_another_version_is_refused(workspace):
    identity = json.loads((workspace / "run.json").read_text())
    del identity["sha256"]
    (workspace / "run.json").write_text(json.dumps({**identity, "schema": "0"}))
    with pytest.raises(WorkspaceError, match="was begun by another version of skyshed"):
        tiled(survey().data, mask=survey().mask, workspace=workspace)


def test_a_folder_of_somebody_else_is_refused_and_left_as_it_is(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    (tmp_path / "chapter.part").write_text("more of it")
    with pytest.raises(WorkspaceError, match="holds other files and no run of skyshed"):
        tiled(survey().data, workspace=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["chapter.part", "thesis.tex"]


@pytest.mark.parametrize("below", ["", "run"])
def test_a_file_is_no_workspace(tmp_path, below):
    (tmp_path / "a.txt").write_text("work")
    with pytest.raises(
        WorkspaceError, match=r"workspace '.*a\.txt.*' can be no folder.*: name a f"
    ):
        tiled(survey().data, workspace=tmp_path / "a.txt" / below)
    assert (tmp_path / "a.txt").read_text() == "work"


def test_files_and_folders_in_each_others_place_are_named(workspace):
    shutil.rmtree(workspace / "measure")
    (workspace / "measure").write_text("")
    with pytest.raises(TileError, match=r"/measure is a file .*: remove it, and the run makes"):
        tiled(survey().data, mask=survey().mask, workspace=workspace)
    (workspace / "measure").unlink()
    shutil.move(workspace / "stitch.npz", workspace / "away.npz")
    (workspace / "stitch.npz").mkdir()
    (workspace / "sources.npz").unlink()
    with pytest.raises((TileError, WorkspaceError), match=r"stitch\.npz is a folder .*: remove it"):
        tiled(survey().data, mask=survey().mask, workspace=workspace)
    (workspace / "run.json").unlink()
    (workspace / "run.json").mkdir()
    with pytest.raises(WorkspaceError, match=r"run\.json is damaged: remove the workspace"):
        tiled(survey().data, mask=survey().mask, workspace=workspace)


def test_what_is_read_of_a_workspace_that_was_removed_is_said_to_be_lost(workspace):
    found = tiled(survey().data, mask=survey().mask, workspace=workspace)
    shutil.rmtree(workspace)
    for name in ("table", "tiles"):
        with pytest.raises(WorkspaceError, match=r"\.npz was removed .*the same call makes it"):
            getattr(found, name)
    assert not workspace.exists()


def test_tables_that_are_lost_together_are_made_again_together(workspace):
    shutil.rmtree(workspace / "tables")
    found = tiled(survey().data, mask=survey().mask, workspace=workspace)
    with pytest.raises(WorkspaceError, match=r"remove .*/measure, and .* \d+ more of \d+ tiles"):
        found.table  # noqa: B018
    shutil.rmtree(workspace / "measure")
    assert same(tiled(survey().data, mask=survey().mask, workspace=workspace), at_once())


def test_a_damaged_identity_is_named(workspace):
    (workspace / "run.json").write_text('{"version": 1, ')
    with pytest.raises(WorkspaceError, match=r"run\.json is damaged: remove the workspace"):
        tiled(survey().data, mask=survey().mask, workspace=workspace)


def damaged(content, how):
    if how == "empty":
        return b""
    if how == "cut":
        return content[: len(content) // 2]
    if how == "zeros":
        return bytes(len(content))
    rng = np.random.default_rng(5)
    flipped = np.frombuffer(content, np.uint8).copy()
    flipped[rng.integers(0, flipped.size, 200)] ^= 0xFF
    return flipped.tobytes()


@pytest.mark.parametrize(
    ("name", "how", "to_be_made_of_it"),
    [
        ("detect/00001-00002.npz", "empty", "stitch.npz"),
        ("detect/00001-00002.npz", "flipped", "stitch.npz"),
        ("stitch.npz", "cut", "sources.npz"),
        ("stitch.npz", "flipped", "sources.npz"),
        ("number/00001-00002.npz", "zeros", "measure/00001-00002.npz"),
        ("number/00001-00002.npz", "flipped", "measure/00001-00002.npz"),
    ],
)
def test_a_damaged_file_is_named_and_made_again_when_removed(
    workspace, name, to_be_made_of_it, how
):
    path = workspace / name
    path.write_bytes(damaged(path.read_bytes(), how))
    (workspace / to_be_made_of_it).unlink()
    with pytest.raises((TileError, WorkspaceError), match=rf"{name} is damaged .*remove it"):
        tiled(survey().data, mask=survey().mask, workspace=workspace)
    path.unlink()
    assert same(tiled(survey().data, mask=survey().mask, workspace=workspace), at_once())


@pytest.mark.parametrize("how", ["lost", "empty", "flipped"])
def test_a_damaged_table_is_named_and_made_again(workspace, how):
    path, measured = (workspace / name / "00001-00002.npz" for name in ("tables", "measure"))
    if how == "lost":
        path.unlink()
    else:
        path.write_bytes(damaged(path.read_bytes(), how))
    found = tiled(survey().data, mask=survey().mask, workspace=workspace)
    with pytest.raises(WorkspaceError, match=rf"{path}.*: remove {measured}"):
        _ = found.table
    measured.unlink()
    assert same(tiled(survey().data, mask=survey().mask, workspace=workspace), at_once())


@pytest.mark.parametrize(
    "name",
    ["background/00001-00002", "mesh", "detect/00001-00002", "stitch", "seams/00001-00002",
     "deblend/00001-00002", "sources", "number/00001-00002", "measure/00001-00002"],
)  # fmt: skip
def test_whatever_file_is_removed_is_made_again(workspace, name):
    before = files(workspace)
    del before[f"{name}.npz"]
    (workspace / f"{name}.npz").unlink()
    found = tiled(survey().data, mask=survey().mask, workspace=workspace)
    assert (workspace / f"{name}.npz").exists()
    assert same(found, at_once())


def test_files_that_were_never_finished_are_removed(workspace):
    parts = [workspace / ".mesh.npz.0123abcd.part", workspace / "tables" / ".x.npz.part"]
    for part in parts:
        part.write_bytes(b"half of it")
    tiled(survey().data, mask=survey().mask, workspace=workspace)
    assert not any(part.exists() for part in parts)


def test_two_runs_at_once_do_not_share_a_workspace(workspace):
    before = files(workspace)
    part = workspace / "detect" / ".00001-00002.npz.0123abcd.part"
    part.write_bytes(b"being written")
    with (
        Workspace(str(workspace)).held(),
        pytest.raises(WorkspaceError, match=rf"in use by another run \(process {os.getpid()} on "),
    ):
        tiled(survey().data, mask=survey().mask, workspace=workspace)
    assert part.exists()
    assert files(workspace) == before


def test_a_run_that_was_killed_blocks_nobody(workspace):
    hold = (
        "import sys, time; from skyshed.mosaic.workspace import Workspace\n"
        "with Workspace(sys.argv[1]).held(): print('held', flush=True); time.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-c", hold, workspace], stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(WorkspaceError, match=rf"another run \(process {process.pid} on "):
            tiled(survey().data, mask=survey().mask, workspace=workspace)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    assert same(tiled(survey().data, mask=survey().mask, workspace=workspace), at_once())
    assert not (workspace / "run.lock").exists()


def test_a_lost_part_of_the_map_is_noticed_and_made_again(workspace):
    shutil.rmtree(workspace / "segmentation.zarr/c/2")
    lost = r"segmentation\.zarr/c/2/\d is lost: remove .*/measure, and .* 3 more of 20 tiles"
    with pytest.raises(WorkspaceError, match=lost):
        tiled(survey().data, mask=survey().mask, workspace=workspace)
    shutil.rmtree(workspace / "measure")
    assert same(tiled(survey().data, mask=survey().mask, workspace=workspace), at_once())


def damage(path, at=None):
    content = bytearray(path.read_bytes())
    content[len(content) // 2 if at is None else at] ^= 1
    path.write_bytes(content)


def test_a_damaged_part_of_the_map_is_no_label(workspace):
    chunk = next(path for path in (workspace / "segmentation.zarr/c").rglob("*") if path.is_file())
    damage(chunk)
    found = tiled(survey().data, mask=survey().mask, workspace=workspace)
    with pytest.raises(WorkspaceError, match=r"segmentation\.zarr is damaged within .* checksum"):
        np.asarray(found.segmentation.data)


def test_damaged_pieces_are_no_label(workspace):
    shutil.rmtree(workspace / "measure")
    for path in (workspace / "detect").iterdir():
        place = tuple(map(int, path.stem.split("-")))
        runs = Workspace(str(workspace)).load(Detected, place, ("runs",)).runs
        damage(path, path.read_bytes().index(runs.piece.tobytes()))
    with pytest.raises(TileError, match=r"measure, tile .*detect/0.*npz is damaged"):
        tiled(survey().data, mask=survey().mask, workspace=workspace)


def test_an_image_that_changes_while_it_is_worked_on_is_noticed(tmp_path, monkeypatch):
    path = tmp_path / "field.fits"
    fits.writeto(path, np.array(survey().data))
    attempt = engine.attempt

    def touched(task, phase, job, place):
        if phase == "measure":
            os.utime(path, ns=(1, 1))
        attempt(task, phase, job, place)

    monkeypatch.setattr(engine, "attempt", touched)
    with pytest.raises(WorkspaceError, match=r"was begun with image\.mtime_ns"):
        tiled(path, workspace=tmp_path / "run")
