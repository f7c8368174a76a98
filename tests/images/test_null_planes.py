"""A plane that a header says to be of one value is read as if its pixels were there."""

import pickle

import numpy as np
import pytest
from astropy.io import fits

from skyshed import extract
from skyshed.images import Window, open_image
from tests.images.files import stars, tan
from tests.mosaic.fields import by_tiles, same_tables


def null(name, value, bits, shape=(120, 120), **changes):
    """Return an extension as HST's pipelines write it; astropy would change its BITPIX."""
    header = fits.Header(
        [("XTENSION", "IMAGE"), ("BITPIX", bits), ("NAXIS", 0), ("PCOUNT", 0), ("GCOUNT", 1),
         ("EXTNAME", name), ("EXTVER", 1), ("NPIX1", shape[1]), ("NPIX2", shape[0]),
         ("PIXVALUE", value)]
    )  # fmt: skip
    header.update(changes)
    return header.tostring().encode()


def written(path, hdus, *nulls):
    """Write HDUs, then null planes."""
    fits.HDUList(hdus).writeto(path)
    with open(path, "ab") as file:
        file.writelines(nulls)


@pytest.fixture
def path(tmp_path):
    image = fits.ImageHDU(stars(), tan(), name="SCI", ver=1)
    hdus = [fits.PrimaryHDU(), image]
    written(tmp_path / "flt.fits", hdus, null("ERR", 2.0, -32), null("DQ", 0, 16))
    return str(tmp_path / "flt.fits")


def test_each_pixel_has_the_value(path):
    for given in (path, fits.open(path)):
        for name, value, dtype in (("ERR", 2, "f4"), ("DQ", 0, "i2")):
            source = open_image(given, hdu=name).image
            assert (source.shape, source.dtype) == ((120, 120), np.dtype(dtype))
            pixels = source.read(Window(10, 30, 5, 90))
            assert (pixels.shape, pixels.dtype) == ((20, 85), source.dtype)
            assert (pixels == value).all()
            again = pickle.loads(pickle.dumps(source))
            assert np.array_equal(again.read(Window(0, 2, 0, 2)), np.full((2, 2), value))


def test_null_planes_are_error_and_mask(path):
    given = {"error": f"{path}[ERR]", "mask": f"{path}[DQ]", "quality": f"{path}[DQ]"}
    found = extract(f"{path}[SCI]", **given)
    ones = np.ones((120, 120), np.int16)
    expected = extract(
        stars(), error=np.full((120, 120), 2, "f4"), mask=0 * ones, quality=0 * ones, wcs=tan()
    )
    assert same_tables(found.table, expected.table)
    assert found.record["error_hdu"] == "2"
    tiles = by_tiles(f"{path}[SCI]", (64, 64), companions=given)
    assert same_tables(tiles.table, expected.table)


def test_an_image_comes_before_null_planes_of_its_file(path):
    assert len(extract(path).table) == 9  # without a word of others


def test_a_null_plane_of_another_shape_is_refused(tmp_path, path):
    written(tmp_path / "dq.fits", [fits.PrimaryHDU()], null("DQ", 0, 16, (50, 60)))
    with pytest.raises(ValueError, match=r"same shape as image: mask has \(50, 60\)"):
        extract(f"{path}[SCI]", mask=f"{tmp_path}/dq.fits[1]")


@pytest.mark.parametrize("cards", [{"PIXVALUE": "0"}, {"NPIX1": 0}, {"NPIX2": 3.5}])
def test_an_extension_without_pixels_or_a_sound_value_holds_no_image(tmp_path, cards):
    written(tmp_path / "dq.fits", [fits.PrimaryHDU()], null("DQ", 0, 16, **cards))
    with pytest.raises(ValueError, match="holds no image"):
        open_image(f"{tmp_path}/dq.fits[DQ]")


def test_a_value_that_integers_do_not_have_is_a_float(tmp_path):
    written(tmp_path / "x.fits", [fits.PrimaryHDU()], null("X", 0.5, 16))
    source = open_image(f"{tmp_path}/x.fits[X]").image
    assert source.dtype == np.float32
    assert (source.read(Window(0, 3, 0, 3)) == 0.5).all()
