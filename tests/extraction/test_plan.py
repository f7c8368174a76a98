"""What a plan says is what the run does: at once or by tiles, which tiles, in which memory."""

import contextlib
import json
import warnings

import dask.array
import numpy as np
import pytest
import zarr
from astropy.io import fits
from astropy.nddata import NDData, StdDevUncertainty
from hypothesis import given, settings
from hypothesis import strategies as st

from skyshed import extract
from skyshed.chain.whole import WholeRun
from skyshed.cli import main
from skyshed.exceptions import WorkspaceError
from skyshed.extraction import plan as planning
from skyshed.extraction.entry import open_request
from skyshed.extraction.plan import Resources, make_forecast, make_plan, tiles_for
from skyshed.images.window import Window
from skyshed.mosaic import engine
from skyshed.mosaic.memory import written
from skyshed.mosaic.tiling import Tiling
from tests.pipeline_field import make_wcs, same_tables

#: Small enough that a plan is cheap to follow; the sample of a forecast holds all of it.
SHAPE, BOX = (96, 128), 16
SETTINGS = {"box_size": BOX, "n_threads": 1}
PART = (16, 90, 5, 120)


def draw(shape=SHAPE):
    """Return a field of 25 Gaussians, float32."""
    rng = np.random.default_rng(11)
    y, x = np.mgrid[: shape[0], : shape[1]]
    image = rng.normal(20, 1, shape)
    for y0, x0, peak in rng.uniform((4, 4, 20), (shape[0] - 4, shape[1] - 4, 300), (25, 3)):
        image += peak * np.exp(-((x - x0) ** 2 + (y - y0) ** 2) / 4)
    return image.astype(np.float32)


class Inputs:
    """Everything that a request may be made of, as arrays and, under `path`, as files."""

    def __init__(self, folder):
        rng = np.random.default_rng(3)
        self.folder = folder
        self.data = draw()
        self.band = (2 * self.data + rng.normal(0, 1, SHAPE)).astype(np.float32)
        self.rms = rng.uniform(0.9, 1.1, SHAPE)
        self.error = 2 * self.rms
        self.weight = (300 / self.rms**2).astype(np.float32)
        self.weight[:20, :30] = 0
        self.bits = np.zeros(SHAPE, np.int16)
        self.bits[40:50, 20:90] = 4
        self.bits[60:] = 1
        self.mask = self.bits == 4
        whole = extract(self.data, **SETTINGS)
        self.labels, self.catalog = whole.segmentation.data, whole.catalog
        header = make_wcs().to_header()
        for name in ("data", "band", "rms", "error", "weight", "bits", "labels"):
            fits.writeto(folder / f"{name}.fits", getattr(self, name), header)
            zarr.create_array(folder / f"{name}.zarr", data=getattr(self, name), chunks=(40, 50))
        fits.writeto(folder / "counts.fits", np.round(50 * self.data).astype(np.uint16))
        packed = fits.CompImageHDU(
            self.data, header, name="SCI", compression_type="GZIP_2", quantize_level=0
        )
        fits.HDUList([fits.PrimaryHDU(), packed]).writeto(folder / "packed.fits")
        for name, rows in (("lower", slice(0, 50)), ("upper", slice(50, None))):
            part = header.copy()
            part["CRPIX2"] = header["CRPIX2"] - rows.start
            fits.writeto(folder / f"{name}.fits", self.data[rows], part)
        mapped = np.memmap(folder / "data.dat", np.float32, "w+", shape=SHAPE)
        mapped[:] = self.data

    def path(self, name):
        return str(self.folder / name)

    def mapped(self):
        return np.memmap(self.folder / "data.dat", np.float32, "r", shape=SHAPE)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return Inputs(tmp_path_factory.mktemp("inputs"))


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch):
    """Let small budgets be worth a few small tiles."""
    monkeypatch.setattr(planning, "PROCESS", 10**6)
    monkeypatch.setattr(planning, "WRITING", 0)
    monkeypatch.setattr(planning, "MARGIN", 8)
    monkeypatch.setattr(planning, "LEAST_SIDE", 16)
    monkeypatch.setattr(planning, "LARGEST_SIDE", 48)


def files(**names):
    """Return a request of files, which the command can be given, too."""
    image = names.pop("image")
    options = {name: names.pop(name) for name in [*names] if not isinstance(names[name], str)}

    def make(inputs):
        given = {name: inputs.path(file) for name, file in names.items()}
        several = isinstance(image, tuple)
        return [inputs.path(file) for file in image] if several else inputs.path(image), {
            **given, **options,
        }  # fmt: skip

    return make


#: What is given to `extract`: the image, and all the rest.
FILES = {
    "FITS": files(image="data.fits"),
    "FITS of integers": files(image="counts.fits"),
    "compressed FITS": files(image="packed.fits[SCI]"),
    "list": files(image=("lower.fits", "upper.fits")),
    "Zarr": files(image="data.zarr"),
    "FITS float64": files(image="rms.fits", nsigma=3.0),
    "weight": files(image="data.fits", weight="weight.fits"),
    "weight up to a factor": files(image="data.fits", weight="weight.fits", scale_weight=True),
    "rms": files(image="packed.fits", rms="rms.zarr"),
    "error": files(image="data.zarr", error="error.fits"),
    "bits": files(image="data.fits", mask="bits.fits", mask_bits=(2,)),
    "detection image": files(image="data.fits", detection_image="band.fits"),
    "map": files(image="data.fits", segmentation="labels.fits"),
    "Zarr map": files(image="data.zarr", segmentation="labels.zarr"),
    "everything": files(
        image="data.fits", weight="weight.zarr", error="error.fits", mask="bits.zarr",
        mask_bits=(2, 5), detection_image="band.zarr", segmentation="labels.zarr",
    ),
    "columns of the sky": files(image="data.fits", columns=("label", "sky_centroid")),
    "part": files(image="data.fits", mask="bits.fits", mask_bits=(2,), region=PART),
}  # fmt: skip
ARRAYS = {
    "array": lambda it: (it.data, {}),
    "float64": lambda it: (it.data.astype(float), {}),
    "integers": lambda it: (np.round(50 * it.data).astype(np.int32), {}),
    "big-endian": lambda it: (it.data.astype(">f4"), {}),
    "memory map": lambda it: (it.mapped(), {}),
    "Zarr array": lambda it: (zarr.open_array(it.path("data.zarr"), mode="r"), {}),
    "Dask": lambda it: (dask.array.from_array(it.data, chunks=(50, 60)), {}),
    "masked array": lambda it: (np.ma.array(it.data, mask=it.mask), {}),
    "NDData": lambda it: (
        NDData(it.data, mask=it.mask, uncertainty=StdDevUncertainty(it.error), unit="nJy"), {},
    ),
    "array with rms": lambda it: (it.data, {"rms": it.rms}),
    "array with mask": lambda it: (it.data, {"mask": it.mask}),
    "Dask with weight": lambda it: (
        dask.array.from_array(it.data, chunks=(50, 60)), {"weight": it.weight},
    ),
    "masked detection image": lambda it: (
        it.data, {"detection_image": np.ma.array(it.band.astype(float), mask=it.mask)},
    ),
    "array with map": lambda it: (it.data, {"segmentation": it.labels}),
    "catalog": lambda it: (it.band, {"detection_cat": it.catalog}),
    "two threads": lambda it: (it.data, {"n_threads": 2}),
}  # fmt: skip
KINDS = FILES | ARRAYS


def windows(found):
    """Return the tiles of a result, as windows."""
    ends = (found.tiles[name] for name in ("ymin", "ymax", "xmin", "xmax"))
    return [Window(y0, y1 + 1, x0, x1 + 1) for y0, y1, x0, x1 in zip(*ends, strict=True)]


def planned(plan):
    """Return the tiles of a plan, as windows; the whole image is one."""
    if plan.tiling is None:
        return [Window(0, plan.shape[0], 0, plan.shape[1])]
    return [plan.tiling[tile] for tile in plan.tiling]


def follows(found, plan):
    """Assert that a run did what a plan says."""
    assert isinstance(found._run, WholeRun) == (plan.tiling is None)
    assert windows(found) == planned(plan)
    assert found.shape == plan.shape
    if plan.tiling is not None:
        assert found._run.job.margin == plan.margin
        assert found._run.job.tiling == plan.tiling


def quiet(*given, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return extract(*given, **options)


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_does_what_the_plan_says(inputs, kind, monkeypatch):
    workers = []
    run = engine.Threads.run
    monkeypatch.setattr(
        engine.Threads, "run", lambda self, *a: workers.append(self.n_workers) or run(self, *a)
    )
    image, options = KINDS[kind](inputs)
    options = {**SETTINGS, **options}
    request = open_request(image, **options)
    need = make_plan(request, Resources("1TB")).memory
    assert make_plan(request, Resources(need - 1)).tiling is not None
    for memory in (need, planning.PROCESS + 2 * (need - planning.PROCESS) // 3):
        plan = make_plan(request, Resources(memory))
        assert plan.memory <= plan.budget == memory
        assert (plan.tiling is None) == (memory == need)
        found = quiet(image, memory=memory, **options)
        follows(found, plan)
        if plan.tiling is not None:
            assert min(workers.pop(), len(plan.tiling)) == plan.n_workers
            workers.clear()


@pytest.mark.parametrize("kind", KINDS)
def test_a_forecast_of_a_small_image_is_right(inputs, kind):
    """Its sample is the whole image."""
    image, options = KINDS[kind](inputs)
    options = {**SETTINGS, **options}
    request = open_request(image, **options)
    plan = make_plan(request, Resources("1GB"))
    forecast = make_forecast(request, plan)
    assert str(forecast).startswith(str(plan))
    assert forecast.n_sources == len(quiet(image, **options).table)


@pytest.mark.parametrize("kind", FILES)
def test_the_command_prints_the_plan_and_follows_it(inputs, kind, tmp_path, capsys):
    image, options = FILES[kind](inputs)
    options = {**SETTINGS, **options}
    need = make_plan(open_request(image, **options), Resources("1TB")).memory
    arguments = ["extract", *([image] if isinstance(image, str) else image), "--no-preview", "-q"]
    for name, value in options.items():
        if name == "region":
            value = "{}:{},{}:{}".format(*value)
        if isinstance(value, tuple):
            value = ",".join(map(str, value))
        spelled = f"--{name.replace('_', '-')}"
        arguments += [spelled] if value is True else [spelled, str(value)]
    for memory in (need, need - 1):
        request = open_request(image, **options)
        plan = make_plan(request, Resources(memory))
        forecast = make_forecast(request, plan)
        out = tmp_path / str(memory)
        given = [*arguments, "--memory", str(memory), "--out", str(out)]
        assert main([*given, "--plan"]) == 0
        assert timeless(capsys.readouterr().out) == timeless(f"{forecast}\n")
        assert not out.exists()
    # By tiles: the table of tiles is written.
    assert main(given) == 0
    assert not (out / ".workspace").exists()
    rows = (out / "tiles.ecsv").read_text().splitlines()
    assert sum(not row.startswith("#") for row in rows) - 1 == len(plan.tiling)


def timeless(report):
    """Return the lines of a report that do not say how long something takes."""
    return [line for line in report.splitlines() if not line.startswith("time ")]


def test_little_memory_is_refused_in_the_same_words_everywhere(inputs, tmp_path, capsys):
    image, memory = inputs.path("data.fits"), planning.PROCESS + 20_000
    least = planning.PROCESS + (16 + 2 * 8) ** 2 * 8 * 4
    message = (
        f"memory of {written(memory)} is too little for 1 tile at a time: at least "
        f"{written(least)} is needed"
    )
    with pytest.raises(ValueError, match=message):
        make_plan(open_request(image, **SETTINGS), Resources(memory))
    with pytest.raises(ValueError, match=message):
        extract(image, memory=memory, **SETTINGS)
    out = tmp_path / "out"
    for more in (["--plan"], []):
        given = ["--box-size", "16", "--n-threads", "1", "--memory", str(memory), "--out", str(out)]
        assert main(["extract", image, *given, *more]) == 2
        assert message in capsys.readouterr().err
        assert not out.exists()
    # What is said to be needed is enough.
    plan = make_plan(open_request(image, **SETTINGS), Resources(least))
    follows(quiet(image, memory=least, **SETTINGS), plan)


@pytest.mark.parametrize("named", ["--workspace", "--out"])
def test_a_refused_budget_makes_no_workspace_and_leaves_nothing(inputs, tmp_path, capsys, named):
    """As it is, without the small tiles of these tests: 10 MB are no process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planning, "PROCESS", 160 * 10**6)
        image, work, out = inputs.path("data.fits"), tmp_path / "work", tmp_path / "out"
        given = ["extract", image, "--memory", "10MB", "--out", str(out)]
        given += ["--workspace", str(work)] if named == "--workspace" else []
        for more in ([], ["--plan"], ["--restart"]):
            assert main([*given, *more]) == 2
            assert "memory of 10 MB is too little" in capsys.readouterr().err
            assert [*tmp_path.iterdir()] == []
        with pytest.raises(ValueError, match="memory of 10 MB is too little"):
            extract(image, memory="10MB", workspace=work if named == "--workspace" else None)
        assert [*tmp_path.iterdir()] == []
    # What is given enough then begins anew: nothing is taken for an earlier run.
    found = extract(image, workspace=work, **SETTINGS)
    assert same_tables(found.table, extract(image, **SETTINGS).table)


@pytest.mark.parametrize("wrong", ["much", 0, True, "-1GB"])
def test_what_is_no_memory_is_refused(inputs, wrong):
    with pytest.raises(ValueError, match="memory must be a number of bytes"):
        extract(inputs.data, memory=wrong, **SETTINGS)


def test_a_plan_reads_no_pixel_and_makes_no_folder(inputs, tmp_path, monkeypatch):
    def fail(*_):
        raise AssertionError("pixels are read")

    request = open_request(inputs.data, rms=inputs.rms, mask=inputs.mask, **SETTINGS)
    for source in request.sources().values():
        monkeypatch.setattr(type(source), "read", fail)
    for resources in (Resources(), Resources("2MB"), Resources("2MB", tmp_path / "work")):
        make_plan(request, resources)
    assert not (tmp_path / "work").exists()


def test_without_a_budget_a_plan_goes_by_what_is_free(inputs, monkeypatch):
    request = open_request(inputs.data, **SETTINGS)
    need = make_plan(request, Resources("1TB")).memory
    for free, tiles in ((need / planning.SHARE + 9, 1), ((need - 9) / planning.SHARE, 6)):
        for module in (planning, engine):
            monkeypatch.setattr(module, "available", lambda *_, free=free: int(free))
        plan = make_plan(request, Resources())
        assert len(planned(plan)) == tiles
        follows(quiet(inputs.data, **SETTINGS), plan)


def test_gzipped_files_are_worked_on_at_once_or_not_at_all(inputs, tmp_path):
    path = tmp_path / "data.fits.gz"
    fits.writeto(path, inputs.data)
    request = open_request(path, **SETTINGS)
    plan = make_plan(request, Resources("1GB"))
    follows(quiet(path, memory="1GB", **SETTINGS), plan)
    message = r"image \(.*\) is compressed as a whole and can't be read by windows"
    for resources in (Resources(plan.memory - 1), Resources(workspace=tmp_path / "work")):
        with pytest.raises(ValueError, match=message):
            make_plan(request, resources)
    with pytest.raises(ValueError, match=message):
        extract(path, workspace=tmp_path / "work", **SETTINGS)
    assert not (tmp_path / "work").exists()


def test_without_dask_or_zarr_images_are_worked_on_at_once(inputs, tmp_path, monkeypatch):
    request = open_request(inputs.data, **SETTINGS)
    monkeypatch.setattr(planning.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(planning, "available", lambda *_: 10**6)
    assert make_plan(request, Resources()).tiling is None
    for resources in (Resources(10**6 + 1), Resources(workspace=tmp_path)):
        with pytest.raises(ImportError, match=r"skyshed\[mosaic\]"):
            make_plan(request, resources)


# --- a workspace that holds a run ---


def test_a_run_that_goes_on_keeps_its_tiles(inputs, tmp_path, monkeypatch, capsys):
    image, work = inputs.path("data.fits"), tmp_path / "work"
    given = ["extract", image, "--box-size", "16", "--n-threads", "1", "--workspace", str(work)]
    first = extract(image, workspace=work, **SETTINGS)
    tiles = windows(first)
    monkeypatch.setattr(planning, "LARGEST_SIDE", 32)
    monkeypatch.setattr(planning, "MARGIN", 4)
    request = open_request(image, **SETTINGS)
    for memory in (None, "2MB", "1GB"):
        plan = make_plan(request, Resources(memory, work))
        assert planned(plan) == tiles
        follows(extract(image, workspace=work, memory=memory, **SETTINGS), plan)
        assert main([*given, "--plan", *([] if memory is None else ["--memory", memory])]) == 0
        said = capsys.readouterr().out
        assert "6 (2 x 3) of 48 x 48 pixels, 1 at a time, read with a margin of 8" in said
    # Begun anew it has those that are planned now.
    plan = make_plan(request, Resources(workspace=work, restart=True))
    assert len(plan.tiling) == 12
    assert plan.margin == 4
    assert main([*given, "--plan", "--restart"]) == 0
    assert "12 (3 x 4) of 32 x 32 pixels" in capsys.readouterr().out
    assert json.loads((work / "run.json").read_text())["tile"] == [48, 48]
    again = extract(image, workspace=work, restart=True, **SETTINGS)
    follows(again, plan)
    assert same_tables(again.table, extract(image, **SETTINGS).table)


def test_restart_takes_the_place_of_any_other_run(inputs, tmp_path):
    work = tmp_path / "work"
    extract(inputs.data, workspace=work, **SETTINGS)
    others = [
        (inputs.data, {"nsigma": 3.0}),
        (inputs.band, {}),
        (inputs.data, {"mask": inputs.mask}),
        (inputs.data, {"segmentation": inputs.labels}),
        (inputs.data[:80, :70], {"box_size": (10, 20)}),
    ]
    for image, changed in others:
        options = {**SETTINGS, **changed}
        with pytest.raises(WorkspaceError, match=r"use the same, .* or begin anew \(restart\)"):
            extract(image, workspace=work, **options)
        found = extract(image, workspace=work, restart=True, **options)
        assert same_tables(found.table, extract(image, **options).table)
        # It can be gone on with, and nothing of the earlier run is left.
        assert same_tables(extract(image, workspace=work, **options).table, found.table)
        phases = {"background", "measure", "tables"}
        phases |= {"collect"} if "segmentation" in changed else {"detect", "deblend"}
        there = {path.name for path in work.iterdir() if path.is_dir()}
        assert phases - {"collect"} <= there
        assert ("detect" in there) == ("segmentation" not in changed)
        assert not list(work.glob("run.lock"))


def test_restart_needs_no_earlier_run(inputs, tmp_path):
    for folder in (tmp_path / "new", tmp_path / "empty"):
        folder.name == "new" or folder.mkdir()
        found = extract(inputs.data, workspace=folder, restart=True, **SETTINGS)
        assert len(found.tiles) == 6
    # Without a workspace there is nothing to begin anew.
    assert len(extract(inputs.data, restart=True, **SETTINGS).tiles) == 1


def test_a_run_is_the_same_whether_the_host_is_named_or_not(inputs, tmp_path):
    """The command names it."""
    extract(inputs.data, workspace=tmp_path, **SETTINGS)
    extract(inputs.data, workspace=tmp_path, device="cpu", **SETTINGS)


def test_an_interrupted_run_of_the_command_goes_on_or_begins_anew(inputs, tmp_path, capsys):
    image, out = inputs.path("data.fits"), tmp_path / "out"
    extract(image, workspace=out / ".workspace", device="cpu", **SETTINGS, nsigma=3.0)
    given = ["extract", image, "--out", str(out), "--box-size", "16", "--n-threads", "1"]
    given += ["--no-preview"]
    assert main([*given, "--plan"]) == 0
    assert "6 (2 x 3) of 48 x 48" in capsys.readouterr().out
    assert main(given) == 2
    assert "was begun with parameters.nsigma = 3.0, this run has 1.5" in capsys.readouterr().err
    assert (out / ".workspace/run.json").exists()
    assert main([*given, "--restart"]) == 0
    assert not (out / ".workspace").exists()
    assert (out / "catalog.fits").exists()


@pytest.mark.parametrize(
    "foreign",
    [
        {"notes.txt": "mine"},
        {"deep/survey.fits": "mine"},
        # Another program's file of the same name.
        {"run.json": '{"name": "nightly"}', "survey.fits": "mine"},
        {"run.json": '{"name": "nightly"}', "deep/chapter.part": "mine"},
        {"run.json": '{"tile": [48, 48], "margin": 8}', "survey.fits": "mine"},
        {"run.json": "[1, 2]", "survey.fits": "mine"},
        {"run.json": "not JSON", "survey.fits": "mine"},
    ],
)
@pytest.mark.parametrize("restart", [False, True])
def test_a_folder_with_other_files_is_never_cleared(inputs, tmp_path, foreign, restart):
    for name, text in foreign.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    with pytest.raises(WorkspaceError):
        extract(inputs.data, workspace=tmp_path, restart=restart, **SETTINGS)
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {*foreign}
    assert all((tmp_path / name).read_text() == text for name, text in foreign.items())


def test_restart_leaves_files_that_no_run_has_made(inputs, tmp_path):
    extract(inputs.data, workspace=tmp_path, **SETTINGS)
    (tmp_path / "notes.txt").write_text("mine")
    extract(inputs.data, workspace=tmp_path, restart=True, nsigma=3.0, **SETTINGS)
    assert (tmp_path / "notes.txt").read_text() == "mine"


# --- tiles that fit ---


@pytest.mark.parametrize("box", [16, 40, 64, (16, 90)])
def test_no_plan_takes_more_than_its_budget(inputs, box):
    """Also where a tile of one box, or of a few boxes, takes more than the smallest tiles."""
    request = open_request(inputs.data, box_size=box, n_threads=1)
    for memory in range(planning.PROCESS + 10_000, planning.PROCESS + 300_000, 10_000):
        with contextlib.suppress(ValueError):
            plan = make_plan(request, Resources(memory))
            assert plan.memory <= memory


#: As many pixels as the largest surveys' images have; an array of them takes no memory.
LARGE = np.broadcast_to(np.float32(0), (30_000, 40_000))


def bytes_of(request, tiling, margin, n_workers):
    """Return what tiles take together, the process included."""
    return planning.PROCESS + n_workers * planning._bytes_of_tile(request, tiling, margin)


@settings(max_examples=200)
@given(
    memory=st.integers(450 * 10**6, 10**11),
    n_workers=st.integers(1, 16),
    box=st.integers(1, 300),
    dtype=st.sampled_from([np.float32, np.float64, np.int16, np.float16]),
    companions=st.sets(st.sampled_from(["rms", "error", "mask", "detection_image"])),
)
def test_tiles_fit_into_the_memory_and_are_whole_boxes(memory, n_workers, box, dtype, companions):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (
            ("PROCESS", 4 * 10**8), ("WRITING", 0), ("LEAST_SIDE", 256), ("LARGEST_SIDE", 4096),
        ):  # fmt: skip
            patch.setattr(planning, name, value)
        _check_tiles(memory, n_workers, box, dtype, companions)


def _check_tiles(memory, n_workers, box, dtype, companions):
    given = dict.fromkeys(companions, LARGE)
    request = open_request(np.broadcast_to(dtype(0), LARGE.shape), **given, box_size=box)
    margin, step = 64, -(-256 // box) * box
    least = bytes_of(request, Tiling(LARGE.shape, (256, 256)), margin, n_workers)
    if memory < least - 10**5:
        with pytest.raises(ValueError, match="or fewer threads"):
            tiles_for(request, memory, n_workers, margin, request.box_size)
    elif memory > least + 10**5:
        tiling = tiles_for(request, memory, n_workers, margin, request.box_size)
        assert all(side % box == 0 and 256 <= side <= max(4096, step) for side in tiling.side)
        # Boxes that are large may make tiles that take more.
        if memory >= bytes_of(request, Tiling(LARGE.shape, (step, step)), margin, n_workers):
            assert bytes_of(request, tiling, margin, n_workers) <= memory
            larger = Tiling(LARGE.shape, (tiling.side[0] + step, tiling.side[1] + step))
            assert (
                larger.side[0] > 4096 or bytes_of(request, larger, margin, n_workers) > memory - 1e6
            )


def test_more_tiles_than_a_run_can_list_are_refused(tmp_path):
    request = open_request(LARGE, box_size=16, n_threads=1)
    for resources in (Resources(tile=(16, 16)), Resources("2MB", tmp_path / "work")):
        with pytest.raises(ValueError, match=r"30000 x 40000 pixels, \d+ tiles .* at most 100000"):
            make_plan(request, resources)
    assert [*tmp_path.iterdir()] == []


def test_fewer_tiles_at_a_time_are_larger_where_there_would_be_too_many(monkeypatch):
    """More threads must not refuse what fewer can do."""
    monkeypatch.setattr(planning, "LARGEST_SIDE", 4096)
    request = open_request(LARGE, box_size=16, n_threads=8)
    fewer = make_plan(open_request(LARGE, box_size=16, n_threads=2), Resources("4MB"))
    monkeypatch.setattr(planning, "MOST_TILES", len(fewer.tiling))
    plan = make_plan(request, Resources("4MB"))
    assert plan.n_workers == 2
    assert plan.tiling == fewer.tiling
    monkeypatch.setattr(planning, "MOST_TILES", 10)
    with pytest.raises(ValueError, match="a run has at most 10"):
        make_plan(request, Resources("4MB"))
