"""Every operation runs on the device of its arrays; arrays of two devices are an error."""

import numpy as np
import pytest

import skyshed
from skyshed.namespace import device_memory
from tests.device import scenes
from tests.mosaic.fields import by_tiles

SETTINGS = {"box_size": 30, "npixels": 5, "nsigma": 1.5, "localbkg_width": 10}


@pytest.fixture(scope="module")
def image():
    return scenes.image(21, shape=(150, 160), n=60).astype(np.float32)


def test_the_chain_runs_where_its_image_is(counted, image):
    """Whatever device is current: before, while and after it runs."""
    expected = skyshed.extract(image, **SETTINGS)
    with counted.cuda.Device(1):
        data = counted.asarray(image)
    found = skyshed.extract(data, **SETTINGS)
    assert found.segmentation.data.device.id == 1
    assert counted.cuda.Device().id == 0
    np.testing.assert_array_equal(found.segmentation.to_host().data, expected.segmentation.data)
    for name in ("kron_flux", "xcentroid", "local_background"):
        np.testing.assert_allclose(
            np.asarray(found.table[name]), np.asarray(expected.table[name]), rtol=1e-6
        )


def test_stages_run_where_their_arrays_are(counted, image):
    host = scenes.Stages(3, np.float32, True)
    with counted.cuda.Device(1):
        data, threshold = counted.asarray(host.convolved), counted.asarray(host.threshold)
        given, mask = counted.asarray(host.image), counted.asarray(host.mask)
        bad = mask | ~counted.isfinite(given)
    detected = skyshed.detect_sources(data, threshold, 5, mask=mask)
    segm = skyshed.deblend_sources(data, detected, 5)
    assert segm.data.device.id == 1
    np.testing.assert_array_equal(segm.to_host().data, host.segm.data)
    background = skyshed.Background2D(given, (30, 25), mask=bad)
    assert background.background.device.id == background.background_rms.device.id == 1
    catalog = skyshed.SourceCatalog(given, segm, convolved_data=data, mask=mask)
    ours = skyshed.SourceCatalog(
        host.image, host.segm, convolved_data=host.convolved, mask=host.mask
    )
    for name in ("segment_flux", "kron_flux", "xcentroid", "gini", "perimeter", "fwhm"):
        np.testing.assert_allclose(
            np.asarray(getattr(catalog, name)), np.asarray(getattr(ours, name)), rtol=1e-5
        )
    segm.remove_labels(segm.labels[:3])
    assert segm.areas.sum() == np.count_nonzero(segm.to_host().data)


def test_arrays_of_two_devices_are_an_error_that_names_them(counted, image):
    data = counted.asarray(image)
    with counted.cuda.Device(1):
        mask = counted.zeros(image.shape, bool)
    with pytest.raises(ValueError, match=r"data is on GPU 0 and mask on GPU 1: .*one device"):
        skyshed.detect_sources(data, 3.0, 5, mask=mask)
    with pytest.raises(ValueError, match="is on GPU 0 and mask on GPU 1"):
        skyshed.extract(data, mask=mask, **SETTINGS)


LARGE = np.broadcast_to(np.float32(0), (60_000, 60_000))


@pytest.mark.parametrize(
    ("gpu", "n_tiles", "side"), [(16e9, 16, 4096), (4e9, 4, 4096), (0.5e9, 1, 2900)]
)
def test_tiles_fit_into_the_memory_of_the_gpu(counted, monkeypatch, gpu, n_tiles, side):
    """Not as many as there are cores: 64 of 570 MB each would not fit into any of these."""
    from skyshed.extraction import entry, plan

    monkeypatch.setattr(counted.cuda.Device, "mem_info", (int(gpu), int(gpu)))
    monkeypatch.setattr("skyshed.mosaic.engine.available", lambda: 10**12)
    request = entry.open_request(LARGE, device="cuda", n_threads=64)
    made = plan.make_plan(request, plan.Resources())
    assert made.n_workers == n_tiles
    assert made.memory - plan.PROCESS <= plan.SHARE * (gpu + 10**8)
    assert 0.9 * side < made.tiling.side[0] <= side


def test_what_the_pool_keeps_is_free(counted):
    """An image that fitted at once does so again."""
    pool = counted.get_default_memory_pool()
    pool.free_all_blocks()
    before = device_memory()
    counted.zeros(10**7)
    assert pool.free_bytes() >= 8 * 10**7
    assert device_memory() == before


def test_tiles_are_worked_on_where_the_caller_is(counted, image, monkeypatch):
    """A new thread is on device 0."""
    from tests.device.standin import kernels

    seen, launch = set(), kernels.Function._launch

    def launched(function, *args, **kwargs):
        seen.add(function.device)
        launch(function, *args, **kwargs)

    monkeypatch.setattr(kernels.Function, "_launch", launched)
    with counted.cuda.Device(1):
        found = by_tiles(image, (75, 80), n_threads=2, device="cuda", **SETTINGS)
    assert len(found.table) > 20
    assert seen == {1}


def test_kernels_take_arrays_of_one_device(counted):
    from skyshed.kernels import moments
    from tests.device.kernels.twins import to_device

    host = scenes.Stages(3, np.float32, True)
    sources = to_device(counted, host.segm.sources)
    with counted.cuda.Device(1):
        values = counted.asarray(host.image)
    with pytest.raises(ValueError, match="sources is on GPU 0 and image on GPU 1"):
        moments.moments(sources, values, None, None)
