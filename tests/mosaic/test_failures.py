"""What fails is named, what is finished stays, and what is strange is no failure."""

import errno
import importlib
import os
import shutil
import subprocess

import numpy as np
import pytest
import zarr
from astropy.io import fits

from skyshed import extract
from skyshed.chain.progress import TileProgress
from skyshed.exceptions import TileError
from skyshed.mosaic import engine
from skyshed.output import ordered_rows
from tests.tiled import N_TILES, at_once, outcome, same, survey, tiled

PHASES = ("background", "detect", "deblend", "measure")
WORKSPACE = "skyshed.mosaic.workspace"


def files(folder):
    """Return when each file that a task finished was last written."""
    paths = (path for phase in (*PHASES, "tables") for path in (folder / phase).glob("0*.npz"))
    return {path: path.stat().st_mtime_ns for path in paths}


@pytest.fixture
def before_phase(monkeypatch):
    """A dict of what is to happen before a phase begins."""
    actions, begin = {}, TileProgress.__call__

    def watched(self, phase, skipped, *more):
        actions.pop(phase, lambda: None)()
        return begin(self, phase, skipped, *more)

    monkeypatch.setattr(TileProgress, "__call__", watched)
    return actions


@pytest.fixture
def attempts(monkeypatch):
    """The phase and the place of every task that ended well."""
    ended, attempt = [], engine.attempt

    def watched(task, phase, job, place):
        attempt(task, phase, job, place)
        ended.append((phase, place))

    monkeypatch.setattr(engine, "attempt", watched)
    return ended


class Damage:
    """Something that happens to a file, and is undone as a copy that keeps times would do it."""

    def __init__(self, path, how, kept):
        self.path, self.how, self.kept = path, how, kept

    def do(self):
        shutil.copy2(self.path, self.kept)
        if self.how == "cut":
            os.truncate(self.path, self.path.stat().st_size // 2)
        elif self.how == "gone":
            self.path.unlink()
        else:
            self.path.write_bytes(self.path.read_bytes()[:-9] + b"\xff" * 9)

    def undo(self):
        shutil.copy2(self.kept, self.path)


@pytest.fixture
def inputs(tmp_path):
    """A FITS file and a Zarr array, and files of them that can be damaged."""
    image = tmp_path / "image.fits"
    fits.writeto(image, np.array(survey().data))
    stored = tmp_path / "image.zarr"
    zarr.create_array(stored, data=np.array(survey().data), chunks=(100, 100))
    chunk = stored / "c" / "1" / "2"
    return {"fits": (image, image), "zarr": (stored, chunk)}


@pytest.mark.parametrize(
    ("kind", "how", "phase"),
    [
        ("fits", "cut", "background"),
        ("fits", "gone", "detect"),
        ("fits", "cut", "measure"),
        ("zarr", "damaged", "background"),
        ("zarr", "cut", "detect"),
        ("zarr", "damaged", "measure"),
    ],
)
def test_an_input_that_cannot_be_read_is_named_and_can_be_repaired(
    inputs, tmp_path, before_phase, attempts, kind, how, phase
):
    image, file = inputs[kind]
    damage, workspace = Damage(file, how, tmp_path / "kept"), tmp_path / "run"
    before_phase[phase] = damage.do
    with pytest.raises(TileError) as raised:
        tiled(image, mask=survey().mask, workspace=workspace)
    message = str(raised.value)
    assert message.startswith(f"{phase}, tile ")
    assert f"Error: {image}" in message
    assert "cannot be read" in message
    assert f"What is finished is kept in {workspace}: the same call goes on" in message
    finished, n_finished = files(workspace), len(attempts)
    assert n_finished == len(set(attempts))
    damage.undo()
    found = tiled(image, mask=survey().mask, workspace=workspace)
    assert len(attempts) == len(set(attempts)) == len(PHASES) * N_TILES
    now = files(workspace)
    assert all(now[path] == when for path, when in finished.items())
    assert same(found, at_once())


def full(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    ("module", "name", "after", "named"),
    [
        (WORKSPACE, "write_sealed", 5, r"background, tile .*No space left on device: .*ground/00"),
        (WORKSPACE, "write_sealed", 35, r"detect, tile .*No space left on device: .*detect/00"),
        (WORKSPACE, "write_sealed", 45, r"detect, all tiles: .*No space left.*: .*seams/0000"),
        ("zarr.storage._local", "_put", 15, r"measure, tile .*No space left on device"),
    ],
)
def test_a_full_disk_is_named_and_nothing_is_lost(
    tmp_path, monkeypatch, attempts, module, name, after, named
):
    home, calls = importlib.import_module(module), []
    write = getattr(home, name)

    def limited(*given, **options):
        calls.append(1)
        return write(*given, **options) if len(calls) <= after else full()

    with monkeypatch.context() as patch:
        patch.setattr(home, name, limited)
        with pytest.raises(TileError, match=named) as raised:
            tiled(survey().data, mask=survey().mask, workspace=tmp_path)
    assert "goes on from there" in str(raised.value)
    assert not list(tmp_path.rglob("*.part*"))
    finished = files(tmp_path)
    found = tiled(survey().data, mask=survey().mask, workspace=tmp_path)
    assert len(attempts) == len(set(attempts)) == len(PHASES) * N_TILES
    now = files(tmp_path)
    assert all(now[path] == when for path, when in finished.items())
    assert same(found, at_once())


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 300 kB, and how to enlarge it."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    yield (
        disk,
        lambda: subprocess.run(["mount", "-o", "remount,size=30M", str(disk)], check=True),
    )
    subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_is_really_full_can_be_made_larger(small_disk, attempts):
    disk, enlarge = small_disk
    workspace = disk / "run"
    with pytest.raises(TileError, match=r"^\w+, .*tile.*No space left on device") as raised:
        tiled(survey().data, mask=survey().mask, workspace=workspace)
    assert str(workspace) in str(raised.value)
    assert attempts
    finished = files(workspace)
    enlarge()
    found = tiled(survey().data, mask=survey().mask, workspace=workspace)
    assert len(attempts) == len(set(attempts)) == len(PHASES) * N_TILES
    now = files(workspace)
    assert all(now[path] == when for path, when in finished.items())
    assert same(found, at_once())


def test_results_that_find_no_room_leave_what_was_there_and_are_written_later(small_disk, tmp_path):
    """The catalog was written through a map of memory: without room, that ended the process."""
    disk, enlarge = small_disk
    found = tiled(survey().data, mask=survey().mask, workspace=tmp_path / "run")
    out = disk / "out"
    out.mkdir()
    (out / "parameters.toml").write_text("earlier")
    with pytest.raises(OSError, match="No space left on device"):
        found.write(out)
    assert {path.name: path.read_text() for path in out.iterdir()} == {"parameters.toml": "earlier"}
    enlarge()
    found.write(out)
    found.write(tmp_path / "out")
    for name in ("catalog.fits", "segmentation.fits"):
        assert (out / name).read_bytes() == (tmp_path / "out" / name).read_bytes()


@pytest.mark.parametrize("left", [0, 100, 5000])
def test_each_row_of_a_catalog_finds_no_room_in_words(tmp_path, monkeypatch, left):
    found = tiled(survey().data, mask=survey().mask, workspace=tmp_path / "run")
    write = ordered_rows.write_at

    def limited(file, at, content):
        if at > left:
            full()
        write(file, at, content)

    monkeypatch.setattr(ordered_rows, "write_at", limited)
    with pytest.raises(OSError, match="No space left on device"):
        found.write(tmp_path / "out", preview=False)
    assert not list((tmp_path / "out").iterdir())


def test_a_run_that_fails_leaves_no_temporary_folder(inputs, tmp_path, before_phase, monkeypatch):
    image, file = inputs["fits"]
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before_phase["detect"] = Damage(file, "cut", tmp_path / "kept").do
    with pytest.raises(TileError, match="cannot be read"):
        tiled(image, n_threads=2)
    assert not list(tmp_path.glob("skyshed-*"))


def noise(shape, seed=1):
    return np.random.default_rng(seed).normal(10, 1, shape).astype(np.float32)


def changed(shape, *changes):
    """Return noise with some windows set to a value, or raised by one."""
    image = noise(shape)
    for window, value in changes:
        image[window] = value
    return image


def blob(shape, width, height):
    """Return noise under a source that covers every tile."""
    y, x = np.indices(shape)
    middle = (y - shape[0] / 2) ** 2 + (x - shape[1] / 2) ** 2
    return noise(shape) + (height * np.exp(-middle / (2 * width**2))).astype(np.float32)


S, SHAPE = np.s_, (140, 200)
STRANGE = {
    "noise": (noise(SHAPE), {}),
    "constant": (np.full(SHAPE, 3, np.float32), {}),
    "a source": (changed(SHAPE, (S[60:68, 126:131], 90)), {}),
    "all NaN": (np.full(SHAPE, np.nan, np.float32), {}),
    "all masked": (noise(SHAPE), {"mask": np.ones(SHAPE, bool)}),
    "tiles of NaN": (changed(SHAPE, (S[:64, :128], np.nan), (S[90:93, 50:60], 90)), {}),
    "a tile masked": (noise(SHAPE), {"mask": np.arange(200) < np.full(SHAPE, 64)}),
    "hardly a pixel": (changed(SHAPE, (S[:, 2:], np.nan), (S[:70], np.nan)), {}),
    "infinite": (changed(SHAPE, (S[5:9, 5:9], np.inf), (S[60:70, 100:140], -np.inf)), {}),
    "huge": (changed(SHAPE, (S[60:70, 120:130], 3e38)), {}),
    "no weight": (noise(SHAPE), {"weight": np.zeros(SHAPE, np.float32)}),
    "scaled weight": (
        changed(SHAPE, (S[60:68, 126:131], 90)),
        {"weight": 1 + noise(SHAPE, 2) ** 2, "scale_weight": True},
    ),
    "a source everywhere": (
        blob(SHAPE, 60, 1e5), {"nsigma": 0.1, "box_size": 70, "tile": (70, 70)},
    ),
    "a checkerboard of one source": (
        np.where(np.indices(SHAPE).sum(axis=0) // 3 % 2, 9, 0) + noise(SHAPE),
        {"nsigma": 0.3, "npixels": 1, "connectivity": 8},
    ),
    "every pixel a source": (noise(SHAPE), {"nsigma": 0.2, "npixels": 1, "connectivity": 4}),
    "integers": (changed(SHAPE, (S[60:68, 126:131], 90)).astype(np.int16), {}),
    "kernel wider than the image": (
        noise((10, 130)), {"kernel_fwhm": 9.0, "kernel_size": 41, "tile": (10, 64)},
    ),
    "kernel wider than tiles": (
        noise((21, 22)),
        {"kernel_fwhm": 9.0, "kernel_size": 41, "box_size": 4, "tile": (4, 8), "nsigma": 0.5},
    ),
    "smaller than a box": (noise((30, 40)), {"tile": (16, 16)}),
    "edges of one pixel": (noise((129, 193)), {"tile": (64, 64), "npixels": 1}),
    "one row": (noise((1, 200)), {"npixels": 1, "nsigma": 1.0}),
    "one column": (noise((200, 1)), {"npixels": 1, "nsigma": 1.0}),
    "one pixel": (noise((1, 1)), {"npixels": 1, "nsigma": 1.0}),
    "tiles of one pixel": (
        noise((5, 6)), {"box_size": 1, "tile": (1, 1), "npixels": 1, "nsigma": 1.0},
    ),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", STRANGE)
def test_what_is_strange_gives_what_the_run_at_once_gives(name):
    image, options = STRANGE[name]
    whole, warned = outcome(
        lambda: extract(image, n_threads=1, **{k: options[k] for k in options if k != "tile"})
    )
    found, also_warned = outcome(lambda: tiled(image, **options))
    assert also_warned == warned
    if isinstance(whole, Exception):
        assert isinstance(whole, ValueError)
        assert (type(found), str(found)) == (type(whole), str(whole))
    else:
        assert same(found, whole)
