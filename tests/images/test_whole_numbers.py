"""Labels that a file holds as floats are the integers that they are, or are refused."""

import bz2

import numpy as np
import pytest
from astropy.io import fits

from skyshed import extract
from skyshed.cli import main
from skyshed.images import Window, open_image
from skyshed.images.whole_numbers import WholeNumbers
from skyshed.output.catalogs import read_catalog
from tests.images.files import stars
from tests.mosaic.fields import by_tiles, same_tables


@pytest.fixture(scope="module")
def labels():
    return extract(stars()).segmentation.data * 7


def test_floats_are_labels(tmp_path, labels):
    expected = extract(stars(), segmentation=labels)
    for dtype in ("f4", "f8", ">f4"):
        floats = labels.astype(dtype)
        fits.writeto(tmp_path / f"{dtype[-2:]}.fits", floats, overwrite=True)
        for given in (floats, tmp_path / f"{dtype[-2:]}.fits"):
            found = extract(stars(), segmentation=given)
            assert same_tables(found.table, expected.table)
            assert found.segmentation.data.dtype == np.int32
    tiles = by_tiles(stars(), (64, 64), segmentation=tmp_path / "f4.fits")
    assert same_tables(tiles.table, expected.table)
    region = {"region": "0:80,10:110"}
    assert same_tables(
        extract(stars(), segmentation=floats, **region).table,
        extract(stars(), segmentation=labels, **region).table,
    )


def test_nan_is_no_source_also_in_a_packed_file(tmp_path, labels):
    floats = np.where(labels > 0, labels, np.nan).astype("f4")
    fits.writeto(tmp_path / "a.fits", floats)
    (tmp_path / "a.fits.bz2").write_bytes(bz2.compress((tmp_path / "a.fits").read_bytes()))
    expected = extract(stars(), segmentation=labels).table
    for name in ("a.fits", "a.fits.bz2"):
        assert same_tables(extract(stars(), segmentation=tmp_path / name).table, expected)


@pytest.mark.parametrize("value", [1.5, -1.0, np.inf, 2.0**25])
def test_what_can_be_no_label_is_refused_and_shown(labels, value):
    floats = labels.astype("f4")
    floats[50, 60] = value
    with pytest.raises(ValueError, match=r"labels from 0, .* to 16777216 in float32; it has"):
        extract(stars(), segmentation=floats)


@pytest.mark.parametrize(("dtype", "largest"), [("f4", 2**24), ("f8", 2**31 - 1)])
def test_the_largest_label_is_one_that_differs_from_its_neighbours(dtype, largest):
    source = WholeNumbers(open_image(np.array([[0, largest]], dtype)).image, "segmentation")
    assert source.largest == largest
    assert source.read(Window(0, 1, 0, 2)).tolist() == [[0, largest]]


@pytest.mark.parametrize(
    ("dtype", "renumber", "advice"),
    [("f4", False, "as integers"), ("f4", True, "as integers"), ("f8", True, "as integers"),
     ("f8", False, r"see renumber \(--renumber\)")],
)  # fmt: skip
def test_who_gives_larger_labels_hears_what_helps(tmp_path, labels, dtype, renumber, advice):
    fits.writeto(tmp_path / "labels.fits", np.where(labels > 0, 2.0**54, 0).astype(dtype))
    with pytest.raises(
        ValueError, match=rf"it has 1.8014398509481984e.16 in .*labels\.fits\[0\]: .*{advice}"
    ):
        extract(stars(), segmentation=tmp_path / "labels.fits", renumber=renumber)


def test_a_map_with_other_sources_than_the_catalog_is_refused(labels):
    found = extract(stars(), segmentation=labels)
    floats = labels.astype("f4")
    again = extract(stars(), segmentation=floats, detection_cat=found.catalog)
    assert same_tables(again.table, found.table)
    with pytest.raises(ValueError, match="must have the sources of segmentation"):
        extract(stars(), segmentation=floats + (floats > 0), detection_cat=found.catalog)


def test_int64_labels_that_fit_are_labels_on_the_command_line(tmp_path, labels):
    fits.writeto(tmp_path / "image.fits", stars())
    expected = extract(stars(), segmentation=labels).table
    for dtype in ("i8", "f8"):
        fits.writeto(tmp_path / f"{dtype}.fits", labels.astype(dtype))
        out = tmp_path / f"out-{dtype}"
        assert main(
            ["extract", str(tmp_path / "image.fits"), "--segmentation", f"{tmp_path}/{dtype}.fits",
             "--no-preview", "-q", "--out", str(out)]
        ) == 0  # fmt: skip
        assert same_tables(read_catalog(out / "catalog.fits"), expected)
