"""The bits of a quality plane that any and all pixels of a source have are in its row."""

import numpy as np
import pytest
from astropy.io import fits

from skyshed import extract, extract_each
from skyshed.cli import main
from skyshed.exceptions import NoDetectionsWarning
from skyshed.output.catalogs import read_catalog
from tests.images.files import stars
from tests.mosaic.fields import by_tiles, same_tables

BITS = ("quality_or", "quality_and")


def plane(dtype, seed=5):
    """Return bits, with all of some sources' pixels having one in common."""
    info = np.iinfo(dtype)
    bits = np.random.default_rng(seed).integers(info.min, info.max, (120, 120), dtype, True)
    bits &= np.random.default_rng(seed + 1).integers(info.min, info.max, (120, 120), dtype, True)
    bits[:40] |= dtype(4)
    return bits


def expected(found, bits):
    """Return the columns by their definition, in Python's integers."""
    unsigned = bits.view(f"u{bits.dtype.itemsize}")
    any_, all_ = [], []
    for label in found.segmentation.labels:
        values = [int(each) for each in unsigned[found.segmentation.data == label]]
        one, other = 0, values[0]
        for value in values:
            one, other = one | value, other & value
        any_.append(one)
        all_.append(other)
    return np.array([any_, all_], np.uint64).view(np.int64)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int16, np.uint16, np.int32, np.uint64])
def test_bits_are_those_of_any_and_of_all_pixels(dtype):
    bits = plane(dtype)
    found = extract(stars(), quality=bits)
    one, two = expected(found, bits)
    assert found.table["quality_or"].tolist() == one.tolist()
    assert found.table["quality_and"].tolist() == two.tolist()
    assert (found.table["quality_and"] & 4).any()
    assert found.catalog.quality_or.tolist() == one.tolist()
    assert found.mask is None


def test_bits_are_the_same_by_tiles_and_from_a_file(tmp_path):
    bits = plane(np.int16)
    fits.writeto(tmp_path / "image.fits", stars())
    fits.writeto(tmp_path / "dq.fits", bits)
    image, path = tmp_path / "image.fits", tmp_path / "dq.fits"
    whole = extract(image, quality=path)
    tiles = by_tiles(image, (64, 64), companions={"quality": path})
    assert whole.table["quality_or"].tolist() == expected(whole, bits)[0].tolist()
    assert same_tables(whole.table, tiles.table)
    assert whole.record["quality"] == str(path)
    chosen = ("quality_and", "label", "quality_or")
    for found in (
        by_tiles(image, (64, 64), companions={"quality": path}, columns=chosen),
        extract(image, quality=path, columns=chosen),
    ):
        assert tuple(found.table.colnames[:3]) == chosen
        assert same_tables(found.table[list(chosen)], whole.table[list(chosen)])
    (outcome,) = extract_each([image], quality=[path])
    assert same_tables(outcome.extraction.table, whole.table)


def test_a_plane_that_is_mask_too_leaves_its_bits_out(tmp_path):
    bits = np.zeros((120, 120), np.int32)
    bits[20, 20], bits[60, 60] = 1, 2
    found = extract(stars(), mask=bits, mask_bits=(0,), quality=bits)
    assert found.table["quality_or"].tolist().count(2) == 1
    assert not (found.table["quality_or"] & 1).any()
    assert np.sum(found.mask) == 1


def test_blank_pixels_have_no_bits(tmp_path):
    bits = np.full((120, 120), 4, np.int16)
    bits[60, 60] = -1
    hdu = fits.PrimaryHDU(bits)
    hdu.header["BLANK"] = -1
    hdu.writeto(tmp_path / "dq.fits")
    found = extract(stars(), quality=tmp_path / "dq.fits")
    assert set(found.table["quality_or"]) == {4}
    assert sorted(found.table["quality_and"]) == [0, *[4] * 8]


def test_a_table_without_sources_has_the_columns():
    with pytest.warns(NoDetectionsWarning):
        none = extract(stars(), nsigma=1e4, quality=plane(np.uint8))
    some = extract(stars(), quality=plane(np.uint8))
    assert none.table.colnames == some.table.colnames
    assert [none.table[name].dtype for name in BITS] == [some.table[name].dtype for name in BITS]


def test_columns_without_a_plane_are_refused_and_not_among_all():
    with pytest.raises(ValueError, match="'quality_or' needs a quality plane"):
        extract(stars(), columns=("label", "quality_or"))
    assert not set(BITS) & set(extract(stars(), columns=("all",)).table.colnames)
    assert set(BITS) < set(
        extract(stars(), columns=("label",), quality=plane(np.uint8)).table.colnames
    )


def test_a_plane_of_floats_is_refused():
    with pytest.raises(TypeError, match="quality must hold integers"):
        extract(stars(), quality=np.zeros((120, 120)))


def test_the_command_writes_the_bits(tmp_path):
    bits = plane(np.uint16)
    hdus = [fits.PrimaryHDU(), fits.ImageHDU(stars(), name="SCI"), fits.ImageHDU(bits, name="DQ")]
    fits.HDUList(hdus).writeto(tmp_path / "a.fits")
    for format in ("fits", "ecsv"):
        out = tmp_path / format
        assert main(
            ["extract", str(tmp_path / "a.fits"), "--out", str(out), "--no-preview", "-q",
             "--format", format, "--quality", f"{tmp_path}/a.fits[DQ]"]
        ) == 0  # fmt: skip
        table = read_catalog(out / f"catalog.{format}")
        assert table["quality_or"].tolist() == expected(extract(stars()), bits)[0].tolist()
