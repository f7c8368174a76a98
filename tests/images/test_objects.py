"""Objects in memory: their pixels, and the unit, WCS, mask and error that they bring."""

import astropy.units as u
import dask.array
import numpy as np
import pytest
import zarr
from astropy.io import fits
from astropy.nddata import CCDData, InverseVariance, NDData, StdDevUncertainty, VarianceUncertainty
from astropy.utils.masked import Masked

from skyshed.images import Window, cut, open_image
from skyshed.images.arrays import ArraySource
from skyshed.images.zarr import ZarrSource
from tests.pipeline_field import make_wcs


@pytest.fixture
def pixels():
    pixels = np.random.default_rng(5).normal(100, 10, (40, 50)).astype(np.float32)
    pixels.setflags(write=False)
    return pixels


@pytest.fixture
def bad():
    bad = np.random.default_rng(6).random((40, 50)) < 0.1
    bad.setflags(write=False)
    return bad


def whole(source):
    return source.read(source.everything)


def test_a_source_is_taken_as_it_is():
    region = cut(open_image(np.zeros((3, 4))).image, Window(0, 2, 0, 2))
    assert open_image(region) == (region, None, None)


OBJECTS = {
    "HDU": lambda pixels: fits.ImageHDU(pixels),
    "primary HDU": lambda pixels: fits.PrimaryHDU(pixels[None]),
    "compressed HDU": lambda pixels: fits.CompImageHDU(pixels, quantize_level=0),
    "HDUs": lambda pixels: fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(pixels)]),
    "NDData": NDData,
    "CCDData": lambda pixels: CCDData(pixels, unit="Jy"),
    "masked array": np.ma.MaskedArray,
    "masked": Masked,
    "Quantity": lambda pixels: u.Quantity(pixels, u.Jy, copy=False),
    "list": lambda pixels: pixels.astype(float).tolist(),
    "Dask": lambda pixels: dask.array.from_array(pixels, chunks=10),
    "Zarr": lambda pixels: zarr.create_array(zarr.storage.MemoryStore(), data=pixels),
}


@pytest.mark.parametrize("kind", OBJECTS)
def test_every_object_gives_its_pixels(pixels, kind):
    source = open_image(OBJECTS[kind](pixels)).image
    assert isinstance(source, ZarrSource if kind == "Zarr" else ArraySource)
    found = whole(source)
    assert type(found) is np.ndarray
    np.testing.assert_array_equal(found, pixels)
    assert found.dtype == source.dtype == (np.float64 if kind == "list" else np.float32)
    assert found.dtype.isnative
    assert found.flags.c_contiguous
    assert source.origin() == {"input": "array"}
    assert source.unit == (u.Jy if kind in ("CCDData", "Quantity") else None)
    assert not source.unit_from_header
    if kind in ("HDU", "HDUs", "NDData", "CCDData", "masked array", "masked", "Quantity"):
        assert np.shares_memory(found, pixels)


def test_hdus_have_their_unit_their_wcs_and_scaled_pixels(tmp_path):
    header = make_wcs().to_header()
    header["BUNIT"] = "adu"
    hdu = fits.PrimaryHDU(np.arange(12, dtype=np.int16).reshape(3, 4), header)
    hdu.scale("int16", bscale=0.5, bzero=100)
    hdu.writeto(tmp_path / "image.fits")
    with fits.open(tmp_path / "image.fits") as hdus:
        for given in (hdus, hdus[0]):
            source = open_image(given).image
            np.testing.assert_array_equal(whole(source), np.arange(12).reshape(3, 4))
            assert source.unit == u.adu
            assert np.array_equal(source.wcs.wcs.crpix, make_wcs().wcs.crpix)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (fits.HDUList([fits.PrimaryHDU()]), r"image \(an HDUList\) holds no image: it has 0 PRIM"),
        (fits.HDUList(), r"image \(an HDUList\) holds no image"),
        (fits.PrimaryHDU(), r"image \(an HDU\) holds no image"),
        (fits.BinTableHDU(), r"image \(an HDU\) holds no image"),
        (fits.ImageHDU(np.zeros(7)), r"image \(an HDU\) must hold a 2-D image .* \(7,\)"),
        (fits.ImageHDU(np.zeros((2, 3, 4))), r"holds 2 planes of 3 x 4 pixels"),
    ],
)
def test_hdus_without_an_image_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        open_image(given)


def test_an_hdu_of_a_list_that_is_not_there_is_refused():
    hdus = fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(np.zeros((3, 4)), name="SCI")])
    with pytest.raises(ValueError, match=r"band \(an HDUList\) has no HDU ERR: it has 0 .*, 1 SCI"):
        open_image(hdus, "band", "ERR")


@pytest.mark.parametrize(
    "mask_it",
    [
        lambda pixels, bad: np.ma.MaskedArray(pixels, bad),
        lambda pixels, bad: Masked(pixels, bad),
        lambda pixels, bad: Masked(pixels << u.Jy, bad),
        lambda pixels, bad: NDData(pixels, mask=bad, unit=u.Jy),
        lambda pixels, bad: CCDData(pixels, mask=bad, unit=u.Jy),
        lambda pixels, bad: NDData(pixels, mask=bad.astype(np.uint8)),
    ],
)
def test_masks_come_with_their_image(pixels, bad, mask_it):
    given = mask_it(pixels, bad)
    opened = open_image(given)
    np.testing.assert_array_equal(whole(opened.image), pixels)
    np.testing.assert_array_equal(whole(opened.mask), bad)
    assert opened.image.unit == getattr(given, "unit", None)
    assert opened.error is None


def test_no_mask_is_none(pixels):
    assert open_image(NDData(pixels)).mask is None
    assert open_image(pixels).mask is None
    mask = open_image(np.ma.MaskedArray(pixels)).mask
    assert mask is None or not whole(mask).any()


@pytest.mark.parametrize(
    "uncertainty",
    [
        lambda error: StdDevUncertainty(error),
        lambda error: StdDevUncertainty(error, unit=u.Jy),
        lambda error: StdDevUncertainty(1000 * error, unit=u.mJy),
        lambda error: VarianceUncertainty(error**2),
        lambda error: VarianceUncertainty(1e6 * error**2, unit=u.mJy**2),
        lambda error: InverseVariance(1 / error**2),
    ],
)
def test_uncertainties_are_errors_in_the_unit_of_the_image(pixels, uncertainty):
    error = np.random.default_rng(7).uniform(1, 2, pixels.shape)
    opened = open_image(CCDData(pixels, unit=u.Jy, uncertainty=uncertainty(error), wcs=make_wcs()))
    np.testing.assert_allclose(whole(opened.error), error, rtol=1e-12)
    assert opened.image.unit == u.Jy
    assert np.array_equal(opened.image.wcs.wcs.crpix, make_wcs().wcs.crpix)


def test_a_quantity_has_its_unit():
    source = open_image(np.arange(12.0).reshape(3, 4) << u.nJy).image
    assert source.unit == u.nJy
    assert type(source.read(Window(0, 1, 0, 4))) is np.ndarray


@pytest.mark.parametrize(
    ("given", "kind", "message"),
    [
        (np.zeros(5), ValueError, r"image must be a 2-D array, got 1-D with shape \(5,\)"),
        (np.zeros((2, 3, 4)), ValueError, r"image must be a 2-D array, got 3-D with shape \(2, 3"),
        ([np.zeros((3, 4))], ValueError, r"image must be a 2-D array, got 3-D with shape \(1, 3"),
        (np.ma.zeros(5), ValueError, r"image must be a 2-D array, got 1-D"),
        (dask.array.zeros((2, 3, 4)), ValueError, r"image must be a 2-D array, got 3-D"),
        (3, ValueError, r"image must be a 2-D array, got 0-D with shape \(\)"),
        (None, TypeError, "image must be an image or the path of one, got None"),
        (np.zeros((3, 4), complex), TypeError, "image must hold real numbers, got dtype complex"),
        (np.array([["a"]]), TypeError, "image must hold real numbers, got dtype <U1"),
        (
            zarr.create_group(zarr.storage.MemoryStore()), ValueError,
            r"image must be an array, got a zarr\.Group: give one of its arrays",
        ),
    ],
)  # fmt: skip
def test_what_is_no_image_is_refused(given, kind, message):
    with pytest.raises(kind, match=message):
        open_image(given)
