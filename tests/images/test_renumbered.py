"""Labels of any size are numbered anew in their order, and their sources are the same."""

import numpy as np
import pytest
from astropy.io import fits

from skyshed import SegmentationImage, extract
from skyshed.cli import main
from skyshed.images import Window, open_image
from skyshed.images.renumbered import renumbered
from skyshed.output.catalogs import read_catalog
from tests.images.files import stars
from tests.mosaic.fields import assert_same, by_tiles
from tests.pipeline_field import same_tables


@pytest.fixture(scope="module")
def labels():
    return extract(stars(), nsigma=5, box_size=30).segmentation.data


def wide(labels):
    """The same labels, far apart and beyond int32, in the same order."""
    return np.where(labels > 0, labels.astype(np.int64) * 2**33 + 5, 0)


@pytest.mark.parametrize("dtype", ["i2", "u2", "i4", "i8", "u8"])
def test_numbers_are_the_places_of_the_labels_in_their_order(dtype):
    rng = np.random.default_rng(3)
    info = np.iinfo(dtype)
    some = rng.integers(1, info.max, 40, dtype=dtype, endpoint=True)
    image = rng.choice(np.append(some, np.zeros(9, dtype)), (50, 60)).astype(dtype)
    expected = np.searchsorted(np.unique(image), image)
    source = renumbered(open_image(image).image, None, "segmentation")
    window = Window(7, 41, 3, 60)
    found = source.read(window)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, expected[window.slices])


@pytest.mark.parametrize(
    "given",
    [
        wide, lambda labels: wide(labels).astype(np.float64), lambda labels: labels * 3,
        lambda labels: np.ma.MaskedArray(wide(np.maximum(labels, 1)), labels == 0),
        lambda labels: SegmentationImage(labels.astype(np.int32) * 7),
    ],
)  # fmt: skip
def test_the_sources_are_the_same_at_once_and_by_tiles(labels, given):
    expected = extract(stars(), segmentation=labels, box_size=30)
    found = extract(stars(), segmentation=given(labels), renumber=True, box_size=30)
    assert same_tables(found.table, expected.table)
    np.testing.assert_array_equal(found.segmentation.data, labels)
    tiles = by_tiles(
        stars(), (60, 60), companions={"segmentation": given(labels)}, renumber=True, box_size=30
    )
    assert_same(tiles, found)


def test_labels_of_a_region_are_numbered_among_themselves(labels):
    region = "0:60,0:120"
    found = extract(stars(), segmentation=wide(labels), renumber=True, region=region, box_size=30)
    assert found.table["label"].tolist() == list(range(1, len(found.table) + 1))
    assert len(found.table) == np.count_nonzero(np.unique(labels[:60]))


def test_blank_pixels_are_of_no_source(tmp_path, labels):
    hdu = fits.PrimaryHDU(np.where(labels == 0, -1, labels * 1000).astype(np.int32))
    hdu.header["BLANK"] = -1
    hdu.writeto(tmp_path / "map.fits")
    found = extract(stars(), segmentation=tmp_path / "map.fits", renumber=True, box_size=30)
    np.testing.assert_array_equal(found.segmentation.data, labels)


def test_the_command_line_measures_them_and_says_how_where_it_does_not(tmp_path, labels, capsys):
    fits.writeto(tmp_path / "image.fits", stars())
    fits.writeto(tmp_path / "map.fits", wide(labels))
    out = tmp_path / "out"
    command = ["extract", str(tmp_path / "image.fits"), "--segmentation", f"{tmp_path}/map.fits"]
    command += ["--no-preview", "-q", "--box-size", "30", "--out", str(out)]
    assert main(command) == 2
    assert "set renumber (--renumber)" in capsys.readouterr().err
    assert main([*command, "--renumber"]) == 0
    expected = extract(stars(), segmentation=labels, box_size=30).table
    assert same_tables(read_catalog(out / "catalog.fits"), expected)


def test_negative_labels_are_none(labels):
    with pytest.raises(ValueError, match=r"segmentation must hold labels from 0, .* it has -4"):
        extract(stars(), segmentation=labels.astype(int) - 4, renumber=True)
