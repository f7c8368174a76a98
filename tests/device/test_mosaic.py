"""Tiles on the device: the answer of the image at once, in the memory of a tile."""

import gc

import numpy as np
import pytest

from tests.device import scenes, standin
from tests.device.standin import counts
from tests.mosaic.fields import assert_same, at_once, by_tiles
from tests.pipeline_field import make_field, make_wcs

#: Bytes for each pixel of a tile and its margin.
MOST_BYTES_PER_PIXEL = 20
SETTINGS = {"box_size": 16, "localbkg_width": 6, "n_threads": 1}


@pytest.mark.parametrize(("tile", "passes"), [((48, 64), 1), ((32, 160), 2)])
def test_tiles_give_the_bits_of_the_image_at_once(cupy, tile, passes):
    data, wcs = make_field(), make_wcs()
    data[:, 100:104] = np.nan
    options = {
        **SETTINGS, "background_passes": passes, "background_growth": 3, "background_fwhm": 3.0,
        "noise_nsigma": 2.5,
    }  # fmt: skip
    whole = at_once(cupy.asarray(data), wcs=wcs, **options)
    assert len(whole.table) > 40
    tiled = by_tiles(data, tile, **options, wcs=wcs, device="cuda")
    np.testing.assert_array_equal(tiled.segmentation.data[:], whole.segmentation.to_host().data)
    assert_same(tiled, whole.to_host())


def counted_run(side, n):
    """Run over tiles of 128 x 128 pixels with a margin of 32; return the ledger and the largest."""
    image = scenes.image(31, shape=(side, side), n=n)
    gc.collect()
    before = counts.memory.current
    with standin.ledger() as ledger:
        found = by_tiles(image, (128, 128), box_size=32, n_threads=1, device="cuda")
    ledger.total.peak -= before
    assert len(found.table) > n // 2
    window = (128 + 2 * found._run.job.margin) ** 2
    return ledger, window, image.size


@pytest.fixture(scope="module")
def small_and_large(counted):
    return counted_run(384, 270), counted_run(512, 480)


def test_device_memory_is_that_of_a_tile_whatever_the_image(small_and_large):
    for ledger, window, _ in small_and_large:
        assert 8 * window < ledger.total.peak <= MOST_BYTES_PER_PIXEL * window
    (small, *_), (large, *_) = small_and_large
    assert large.total.peak < 1.2 * small.total.peak


def test_what_crosses_is_counted_and_grows_with_the_image_only(small_and_large):
    """Three uploads of the pixels and their margins, two maps of labels; tables besides."""
    for ledger, window, pixels in small_and_large:
        ledger.no_transfer_larger_than(4 * window + 1)
        moved = ledger.total.uploaded + ledger.total.downloaded
        assert 16 * pixels < moved < 40 * pixels
