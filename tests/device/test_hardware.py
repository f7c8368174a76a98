"""On a real GPU: the stages give the host's answers, and the same bits every time."""

import gc
import importlib
import os

import numpy as np
import pytest

import skyshed
from benchmarks.gpu_day.__main__ import REHEARSAL
from tests.device import scenes

pytestmark = pytest.mark.gpu
SETTINGS = {"box_size": 64, "npixels": 5, "nsigma": 1.5}
SIDES = ("xmin", "xmax", "ymin", "ymax")
#: A rehearsal on the stand-in (`benchmarks.gpu_day`) has the emulator in the GPU's place.
REHEARSED = bool(os.environ.get(REHEARSAL))
SHAPE, SIDE = ((150, 160), 256) if REHEARSED else ((1500, 1600), 4096)


@pytest.fixture(scope="module")
def gpu():
    """CuPy, where there is a GPU."""
    try:
        module = importlib.import_module("cupy")
    except ImportError:
        pytest.skip("CuPy is not installed")
    if not module.is_available():
        pytest.skip("no GPU")
    return module


@pytest.fixture(scope="module")
def field():
    data = skyshed.datasets.make_survey_image(SHAPE, seed=3).data
    return np.ascontiguousarray(data, dtype=np.float32)


def test_each_stage_gives_the_hosts_answer(gpu):
    """Stages get the host's inputs, so that a difference is the stage's own."""
    host = scenes.Stages(3, np.float32, True)
    convolved, threshold = gpu.asarray(host.convolved), gpu.asarray(host.threshold)
    mask = gpu.asarray(host.mask)
    detected = skyshed.detect_sources(convolved, threshold, 5, mask=mask)
    np.testing.assert_array_equal(detected.to_host().data, host.detected.data)
    deblended = skyshed.deblend_sources(convolved, detected, 5)
    np.testing.assert_array_equal(deblended.to_host().data, host.segm.data)
    bkg = skyshed.Background2D(
        gpu.asarray(host.image), (30, 25), mask=mask | ~gpu.isfinite(gpu.asarray(host.image))
    )
    np.testing.assert_allclose(bkg.background.get(), host.background, rtol=1e-5)
    np.testing.assert_allclose(bkg.background_rms.get(), host.rms, rtol=1e-5)


def test_the_chain_gives_the_hosts_table(gpu, field):
    """The last bits of the background decide a few pixels, and with them whether sources exist."""
    there = skyshed.extract(gpu.asarray(field), **SETTINGS)
    here = skyshed.extract(field, **SETTINGS)
    covered = there.segmentation.to_host().data > 0
    assert np.count_nonzero(covered != (here.segmentation.data > 0)) <= 1e-5 * field.size
    boxes = [
        np.column_stack([getattr(found.catalog, f"bbox_{side}") for side in SIDES])
        for found in (there, here)
    ]
    both = [{tuple(box): row for row, box in enumerate(each.tolist())} for each in boxes]
    common = sorted(both[0].keys() & both[1].keys())
    assert len(common) > max(2e-4 * field.size, 0.99 * max(map(len, boxes)))
    rows = [[each[box] for box in common] for each in both]
    for name in ("segment_flux", "kron_flux", "semimajor_sigma", "xcentroid"):
        theirs, ours = (
            np.asarray(found.table[name])[row]
            for found, row in zip((there, here), rows, strict=True)
        )
        off = np.abs(theirs - ours) > 1e-4 * np.abs(ours) + 1e-2
        assert np.count_nonzero(off) <= 0.01 * off.size, name


def test_ten_runs_give_the_same_bits(gpu, field):
    given = gpu.asarray(field)
    first = skyshed.extract(given, **SETTINGS)
    for _ in range(9):
        again = skyshed.extract(given, **SETTINGS)
        assert bool((again.segmentation.data == first.segmentation.data).all())
        for name in first.table.colnames:
            if np.asarray(first.table[name]).dtype.kind in "fi":
                np.testing.assert_array_equal(
                    np.asarray(again.table[name]), np.asarray(first.table[name]), err_msg=name
                )


def test_work_goes_to_the_current_stream(gpu, field):
    """A stream that does not wait for the default one gives the same bits."""
    data = gpu.asarray(field[:500, :500])
    expected = skyshed.extract(data, **SETTINGS)
    gpu.cuda.Device().synchronize()
    with gpu.cuda.Stream(non_blocking=True) as stream:
        found = skyshed.extract(data * 1, **SETTINGS)
        stream.synchronize()
    assert bool((found.segmentation.data == expected.segmentation.data).all())
    np.testing.assert_array_equal(
        np.asarray(found.table["kron_flux"]), np.asarray(expected.table["kron_flux"])
    )


def test_memory_stays_within_28_bytes_per_pixel(gpu, field):
    """As the pool sees it, with the blocks that it could not use again."""
    pool = gpu.get_default_memory_pool()
    gc.collect()
    pool.free_all_blocks()
    before = pool.total_bytes()
    data = gpu.asarray(np.tile(field, (3, 3))[:SIDE, :SIDE])
    skyshed.extract(data, **SETTINGS)
    assert pool.total_bytes() - before <= 28 * SIDE * SIDE
