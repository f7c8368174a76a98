"""Several GPUs share the tiles of an image: the same bits, each in its memory, at the same time."""

import gc
import threading
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

import skyshed
from skyshed.exceptions import NoDetectionsWarning
from skyshed.extraction import batch, entry, plan
from skyshed.extraction.device import check_device, gpus_of
from skyshed.extraction.turns import Turn
from skyshed.images.fits import FitsSource
from tests.device import scenes, standin
from tests.device.standin import kernels
from tests.mosaic.fields import assert_same, at_once, by_tiles

SETTINGS = {"box_size": 25, "npixels": 5}
#: Seconds until what should happen at the same time is taken not to.
PATIENCE = 300
LARGE = np.broadcast_to(np.float32(0), (60_000, 60_000))


@pytest.fixture(scope="module")
def image():
    return scenes.image(31, shape=(230, 240), n=60)


@pytest.fixture
def launches(monkeypatch):
    """Calls a function of the device's number before each launch; returns where to put it."""
    hooks, launch = [], kernels.Function._launch

    def launched(function, *args, **kwargs):
        for hook in hooks:
            hook(function.device)
        launch(function, *args, **kwargs)

    monkeypatch.setattr(kernels.Function, "_launch", launched)
    return hooks


@pytest.mark.parametrize(
    ("device", "gpus"),
    [("cuda:all", (0, 1)), ("cuda:1", (1,)), ("cuda:1,0", (1, 0)), ("cuda", ()), (None, ())],
)
def test_gpus_are_named_by_their_numbers(counted, device, gpus):
    assert gpus_of(device) == gpus
    assert check_device(device, None) == (device and "cuda")


@pytest.mark.parametrize("device", ["cuda:", "cuda:x", "cuda: 1", "cuda:1,", "gpu", "CUDA:1", 1])
def test_what_names_no_device_is_refused(counted, device):
    with pytest.raises(ValueError, match="named by their numbers, 'cuda:0,2'"):
        skyshed.extract(np.zeros((9, 9)), device=device)


@pytest.mark.parametrize("device", ["cuda:2", "cuda:0,0", "cuda:1,7"])
def test_gpus_that_are_not_there_are_refused(counted, device):
    with pytest.raises(ValueError, match="GPUs from 0 to 1, each once"):
        skyshed.extract(np.zeros((9, 9)), device=device)


def test_a_cluster_has_gpus_of_its_own():
    with pytest.raises(ValueError, match=r"names GPUs of this machine.*dask cuda worker"):
        check_device("cuda:all", "tcp://host:8786")


@pytest.mark.parametrize(("gpus", "passes"), [((1,), 1), ((1, 0), 1), ((0, 1), 2)])
def test_any_number_of_gpus_gives_the_same_bits(counted, image, launches, gpus, passes):
    seen = set()
    launches.append(seen.add)
    options = {**SETTINGS, "background_passes": passes, "background_growth": 3}
    found = by_tiles(image, (75, 80), n_threads=4, device="cuda", gpus=gpus, **options)
    assert seen == set(gpus)
    assert len(found.table) > 20
    assert_same(found, at_once(counted.asarray(image), **options).to_host())


def test_gpus_work_at_the_same_time(counted, image, launches):
    """The first launch of each waits for that of the other."""
    both, met = threading.Barrier(2), set()

    def meet(device):
        if device not in met:
            met.add(device)
            both.wait(PATIENCE)

    launches.append(meet)
    by_tiles(image, (75, 80), n_threads=2, device="cuda", gpus=(0, 1), **SETTINGS)
    assert met == {0, 1}
    assert not both.broken


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize(("gpu", "each"), [(16e9, 16), (4e9, 4), (0.5e9, 1)])
def test_tiles_at_a_time_fit_into_every_gpu(counted, monkeypatch, gpu, each, n):
    gc.collect()  # or arrays of earlier tests might go between the two plans
    for device in range(n):  # what earlier tests left in the pools counts as free
        with counted.cuda.Device(device):
            counted.get_default_memory_pool().free_all_blocks()
    monkeypatch.setattr(counted.cuda.Device, "mem_info", (int(gpu), int(gpu)))
    monkeypatch.setattr("skyshed.mosaic.engine.available", lambda: 10**12)
    request = entry.open_request(LARGE, device="cuda", n_threads=64)
    made = plan.make_plan(request, plan.Resources(gpus=tuple(range(n))))
    assert made.n_workers == n * each
    tiles = made.memory - plan.PROCESS
    assert tiles / n <= plan.SHARE * (gpu + 10**8)
    alone = plan.make_plan(request, plan.Resources())
    assert made.tiling.side == alone.tiling.side


def test_the_host_bounds_the_tiles_of_all_gpus(counted, monkeypatch):
    monkeypatch.setattr(counted.cuda.Device, "mem_info", (10**11, 10**11))
    monkeypatch.setattr("skyshed.mosaic.engine.available", lambda: 10**9)
    request = entry.open_request(LARGE, device="cuda", n_threads=64)
    made = plan.make_plan(request, plan.Resources(gpus=(0, 1)))
    assert made.memory <= plan.SHARE * 10**9


def test_a_large_image_is_shared_though_it_fits_into_one(counted, monkeypatch):
    monkeypatch.setattr(counted.cuda.Device, "mem_info", (10**12, 10**12))
    monkeypatch.setattr("skyshed.mosaic.engine.available", lambda: 10**12)
    for side, shared in ((5792, False), (5793, True)):  # twice the largest tile
        request = entry.open_request(
            np.broadcast_to(np.float32(0), (side, side)), device="cuda", n_threads=2
        )
        for gpus, expected in (((0, 1), shared), ((1,), False), ((), False)):
            made = plan.make_plan(request, plan.Resources(gpus=gpus))
            assert (made.tiling is not None) == expected


def test_an_image_at_once_is_worked_on_by_the_first(counted, image, launches, tmp_path):
    fits.writeto(tmp_path / "image.fits", image)
    seen = set()
    launches.append(seen.add)
    found = skyshed.extract(tmp_path / "image.fits", device="cuda:1,0", **SETTINGS)
    assert seen == {1}
    assert found.segmentation.data.device.id == 1
    assert counted.cuda.Device().id == 0
    (outcome,) = skyshed.extract_each([tmp_path / "image.fits"], device="cuda:1", **SETTINGS)
    assert outcome.extraction.segmentation.data.device.id == 1


def test_an_image_of_one_gpu_is_not_shared(counted, image):
    with pytest.raises(ValueError, match="image is in the memory of one GPU, and 2 are to share"):
        skyshed.extract(counted.asarray(image), device="cuda:all", **SETTINGS)


def test_many_images_are_worked_on_by_all_gpus_at_a_time(counted, image, launches, tmp_path):
    """The first launch on each waits for that on the other; results come in order."""
    both, met = threading.Barrier(2), set()

    def meet(device):
        if device not in met:
            met.add(device)
            both.wait(PATIENCE)

    noise = np.random.default_rng(1).normal(0, 1, image.shape).astype(image.dtype)
    images = [image, noise, image[::-1].copy(), tmp_path / "absent.fits", image + 1]
    with pytest.warns(NoDetectionsWarning):
        expected = [
            skyshed.extract(counted.asarray(images[k]), **SETTINGS).to_host() for k in (0, 1, 2, 4)
        ]
    launches.append(meet)
    with pytest.warns(NoDetectionsWarning, match=r"^images\[1\]: "):
        outcomes = list(skyshed.extract_each(images, device="cuda:all", **SETTINGS))
    assert met == {0, 1}
    assert isinstance(outcomes.pop(3).error, FileNotFoundError)
    assert [each.extraction.segmentation.data.device.id for each in outcomes] == [0, 1, 0, 0]
    for found, here in zip(outcomes, expected, strict=True):
        assert_same(found.extraction.to_host(), here)


def test_among_many_images_a_large_one_is_shared_by_all_gpus(counted, image, launches):
    seen = []
    launches.append(seen.append)
    options = {"parameters": skyshed.Parameters(**SETTINGS), "device": "cuda"}
    turns = [
        Turn(image, f"images[{k}]", options, plan.Resources(tile=tile, gpus=(0, 1)))
        for k, tile in enumerate((None, (75, 80), None))
    ]
    outcomes = list(batch.take_turns(turns))
    assert [outcome.extraction.tiles["row"].size for outcome in outcomes] == [1, 16, 1]
    assert set(seen) == {0, 1}
    for outcome in outcomes[1:]:
        assert_same(outcome.extraction.to_host(), outcomes[0].extraction.to_host())


def test_reading_a_tile_goes_on_while_another_is_computed(counted, image, launches, tmp_path):
    """The first launch waits until another thread reads: with one thread it would for ever."""
    fits.writeto(tmp_path / "image.fits", image)
    reads, first, overlapped = [], threading.Event(), threading.Event()
    read = FitsSource.read_marked

    def reading(source, *args):
        if first.is_set() and threading.get_ident() not in reads[:1]:
            overlapped.set()
        return read(source, *args)

    def computing(_):
        if not reads:
            reads.append(threading.get_ident())
            first.set()
            assert overlapped.wait(PATIENCE)

    launches.append(computing)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FitsSource, "read_marked", reading)
        by_tiles(tmp_path / "image.fits", (75, 80), n_threads=2, device="cuda", **SETTINGS)
    assert overlapped.is_set()


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_the_next_image_is_read_while_one_is_computed(
    counted, image, tmp_path, monkeypatch, device
):
    """No image is computed before the next has been asked for, which is not the last."""
    paths = [tmp_path / f"{k}.fits" for k in range(3)]
    for path in paths:
        fits.writeto(path, image)
    asked = {str(path): threading.Event() for path in paths}
    read, compute = FitsSource.read, batch.run_request

    def reading(source, window):
        asked[source.path].set()
        return read(source, window)

    def computing(request, *args):
        after = paths.index(Path(request.exposure.image.origin()["input"])) + 1
        if after < len(paths):
            assert asked[str(paths[after])].wait(PATIENCE)
        return compute(request, *args)

    monkeypatch.setattr(FitsSource, "read", reading)
    monkeypatch.setattr(batch, "run_request", computing)
    outcomes = list(skyshed.extract_each(paths, device=device, **SETTINGS))
    assert [outcome.error for outcome in outcomes] == [None] * 3


@pytest.mark.parametrize("kind", ["plain", "rice"])
def test_from_file_to_files_the_bus_carries_the_file_the_table_and_one_map(
    counted, image, tmp_path, monkeypatch, kind
):
    from skyshed.output import preview

    monkeypatch.setattr(preview, "PANEL", 100)
    path = tmp_path / "image.fits"
    if kind == "plain":
        fits.writeto(path, image)
    else:
        fits.HDUList(
            [fits.PrimaryHDU(), fits.CompImageHDU(image, compression_type="RICE_1")]
        ).writeto(path)
    with standin.ledger() as ledger:
        found = skyshed.extract(path, device="cuda", **SETTINGS)
        found.write(tmp_path / "out")
    n = len(found.table)
    assert n > 20
    ny, nx = image.shape
    # Numbers by which the mesh is expanded to rows and columns, four times; what kernels are told
    # of boxes and sources, and what they tell; of tiles of RICE_1 where they are and how they are
    # scaled, and the random numbers of dithering.
    weights, small, per_source = 256 * (ny + nx), 30_000, 900
    tiles = 120 * ny + 200_100 if kind == "rice" else 0
    allowed = path.stat().st_size + weights + tiles + small + per_source * n
    assert ledger.total.uploaded < allowed
    picture = 2 * 100 * 100 * 8
    assert ledger.total.downloaded < 4 * image.size + picture + small + per_source * n
