"""From a file on the host to files: what crosses between host and device on the way."""

import numpy as np
import pytest

import skyshed
from skyshed import namespace
from skyshed.output import preview
from tests.device import scenes, standin
from tests.output.page.pages import Page

SETTINGS = {"box_size": 30, "npixels": 5, "localbkg_width": 10}


@pytest.fixture(scope="module")
def image():
    return scenes.image(31, shape=(230, 240), n=60)


def test_large_arrays_are_sent_in_parts(cupy, monkeypatch):
    """CuPy would take as much page-locked memory as the array has, and keep it."""
    rng = np.random.default_rng(1)
    monkeypatch.setattr(namespace, "PART", 4000)
    for shape in ((70, 90), (1, 5000), (5000, 1), (4, 5, 600), (3000,), ()):
        for dtype in (np.float32, np.int64, np.bool_):
            array = (100 * rng.normal(size=shape)).astype(dtype)
            there = namespace.to_device(array)
            assert there.dtype == array.dtype
            np.testing.assert_array_equal(cupy.asnumpy(there), array, strict=True)
            turned = array.T
            np.testing.assert_array_equal(cupy.asnumpy(namespace.to_device(turned)), turned)
    assert namespace.to_device(None) is None


def test_no_part_is_larger_than_it_may_be(counted, monkeypatch):
    monkeypatch.setattr(namespace, "PART", 4000)
    with standin.ledger() as ledger:
        namespace.to_device(np.zeros((100, 100), np.float32))
    ledger.no_transfer_larger_than(4000)
    assert ledger.total.uploaded == 40_000
    assert ledger.total.launches == 0


def test_writing_copies_labels_back_and_nothing_else_of_the_size_of_an_image(
    counted, image, tmp_path, monkeypatch
):
    monkeypatch.setattr(preview, "PANEL", 100)
    found = skyshed.extract(counted.asarray(image), **SETTINGS)
    with standin.ledger() as ledger:
        found.write(tmp_path / "there")
    picture = 2 * 100 * 100 * 8
    table = 60_000
    assert ledger.total.downloaded < image.size * 4 + picture + table
    assert ledger.total.uploaded < table
    found.to_host().write(tmp_path / "here")
    pictures = [(tmp_path / name / "preview.png").read_bytes() for name in ("there", "here")]
    assert pictures[0] == pictures[1]


@pytest.mark.parametrize("block", [1, 3])
@pytest.mark.parametrize("shrink", [preview.block_mean, preview.block_max])
def test_blocks_are_those_of_the_host(cupy, block, shrink):
    data, _ = scenes.spoiled(scenes.image(5, shape=(50, 61), n=9))
    data[:6, :6] = np.nan
    if shrink is preview.block_max:
        data = np.nan_to_num(data, posinf=0).astype(np.int32)
    there = cupy.asnumpy(shrink(cupy.asarray(data), block))
    np.testing.assert_array_equal(there, shrink(data, block), strict=True)


def test_reports_cards_and_plots_are_those_of_the_host(cupy, image, tmp_path):
    found = skyshed.extract(cupy.asarray(image), **SETTINGS)
    here = found.to_host()
    found.report(tmp_path / "there.html")
    here.report(tmp_path / "here.html")
    there, host = (Page(tmp_path / f"{name}.html") for name in ("there", "here"))
    for layer in ("images", "maps", "labels", "table"):
        assert there.about[layer] == host.about[layer]
    assert (
        there.tile(there.about["labels"], "0/0/0").tobytes()
        == found.segmentation.to_host().data.astype("<i4").tobytes()
    )
    for each in ("data", "segmentation", "background2d", "catalog"):
        card = getattr(found, each)._repr_html_()
        assert "data:image/png" in card
        if each != "catalog":
            assert card == getattr(here, each)._repr_html_()
    assert found._repr_html_() == here._repr_html_()


def test_a_card_copies_few_pixels_to_the_host(counted):
    labels = skyshed.SegmentationImage(counted.zeros((2000, 3000), dtype="int32"))
    labels._repr_html_()
    with standin.ledger() as ledger:
        assert "2000 pixels" in labels._repr_html_()
    assert ledger.total.downloaded < 400 * 400 * 4
