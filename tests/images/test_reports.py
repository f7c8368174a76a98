"""Public reports that other tests do not hold: each with the right value, or the right refusal.

`tests.images.findings` says which test holds which report.
"""

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from skyshed import extract
from skyshed.exceptions import ImageWarning
from skyshed.images import Window, open_exposure, open_image
from skyshed.images.photometry import Evidence, calibration_of
from tests.images.files import stars, tan
from tests.images.random_files.files import empty_primary
from tests.images.random_files.raw import Card, hdu_bytes, plain_hdu, tiled_hdu
from tests.pipeline_field import same_tables

OPTIONS = {"box_size": 30, "nsigma": 5, "n_threads": 1}


def test_zblank_alone_is_a_blank_of_compressed_integers(tmp_path):
    """Report 6: Pan-STARRS compresses integers with a ZBLANK card and no BLANK."""
    pixels = np.random.default_rng(1).integers(100, 200, (40, 48)).astype("i2")
    pixels[5:9, 7:12] = -32768
    cards = [("ZBLANK", -32768), ("BSCALE", 0.5), ("BZERO", 10.0)]
    path = tmp_path / "a.fits"
    path.write_bytes(
        empty_primary().make(True) + tiled_hdu(pixels, cards, compression_type="RICE_1")
    )
    source = open_image(path, hdu=1).image
    expected = np.where(pixels == -32768, np.nan, pixels * 0.5 + 10)
    window = Window(3, 20, 2, 40)
    np.testing.assert_allclose(source.read(source.everything), expected)
    np.testing.assert_allclose(source.read(window), expected[window.slices])


@pytest.mark.parametrize("compression", ["RICE_1", "GZIP_1", "GZIP_2"])
@pytest.mark.parametrize("method", [-1, 1, 2])
def test_nan_of_quantised_floats_stays_nan(tmp_path, compression, method):
    """Report 7."""
    image = stars()
    image[10:13, 20:37] = np.nan
    hdu = fits.CompImageHDU(
        image, compression_type=compression, quantize_level=16, quantize_method=method
    )
    hdu.writeto(tmp_path / "a.fits")
    source = open_image(tmp_path / "a.fits").image
    whole = source.read(source.everything)
    assert np.array_equal(np.isnan(whole), np.isnan(image))
    window = Window(5, 30, 15, 60)
    np.testing.assert_array_equal(source.read(window), whole[window.slices])


@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "i4", "u4"])
@pytest.mark.parametrize("compression", ["RICE_1", "GZIP_1", "GZIP_2", "PLIO_1", "HCOMPRESS_1"])
def test_planes_of_bits_are_exact_in_every_compression(tmp_path, dtype, compression):
    """Report 8: a mask plane in GZIP_2 was read as zeros elsewhere."""
    if (compression, dtype) in {("PLIO_1", "i4"), ("PLIO_1", "u4"), ("PLIO_1", "u2"),
                                ("HCOMPRESS_1", "u2"), ("HCOMPRESS_1", "u4")}:  # fmt: skip
        pytest.skip("these programs do not compress such integers")
    rng = np.random.default_rng(2)
    top = min(np.iinfo(dtype).max, 2**14)
    plane = (rng.integers(0, top, (40, 48)) * (rng.random((40, 48)) < 0.2)).astype(dtype)
    fits.CompImageHDU(plane, compression_type=compression).writeto(tmp_path / "a.fits")
    source = open_image(tmp_path / "a.fits").image.as_integers()
    np.testing.assert_array_equal(source.read(source.everything), plane)
    window = Window(7, 31, 3, 47)
    np.testing.assert_array_equal(source.read(window), plane[window.slices])


def test_a_longitude_without_a_latitude_gives_no_positions(tmp_path):
    """Report 24: the spectrum of a long slit."""
    header = tan(CTYPE2="LINEAR")
    fits.writeto(tmp_path / "a.fits", stars(), header)
    with pytest.warns(ImageWarning, match="positions on the sky are left out"):
        found = extract(tmp_path / "a.fits", **OPTIONS)
    assert "sky_centroid" not in found.table.colnames
    assert len(found.table) == 9


def test_weights_of_zero_at_an_edge_do_not_depend_on_the_boxes_around_them():
    """Report 33: rows of weight 0 are rows that are not there."""
    image = stars()
    weight = np.ones_like(image)
    weight[90:] = 0
    found = extract(image, weight=weight, **OPTIONS)
    cut = extract(image[:90], weight=weight[:90], **OPTIONS)
    np.testing.assert_array_equal(found.segmentation.data[:90], cut.segmentation.data)
    assert not found.segmentation.data[90:].any()


@pytest.mark.parametrize("value", [2.7e24, -2.7e24, 1e30, 0.0, np.inf, np.nan, -999.0])
def test_what_is_under_the_mask_leaks_into_nothing(value):
    """Report 34: the same bits in every column as for NaN."""
    image, mask = stars(), np.zeros((120, 120), bool)
    mask[20:30, 20:50] = mask[60, 60] = True
    options = {**OPTIONS, "columns": ("all",), "effective_gain": 2.0, "fluxfrac_radii": (0.5,)}
    expected = extract(np.where(mask, np.nan, image).astype("f4"), mask=mask, **options)
    image[mask] = value
    assert same_tables(extract(image, mask=mask, **options).table, expected.table)


def test_an_image_that_is_masked_as_a_whole_is_refused():
    """Report 35."""
    with pytest.raises(ValueError, match="no pixel of the image is good"):
        extract(stars(), mask=np.ones((120, 120), bool), **OPTIONS)


def test_sky_of_zeros_around_a_footprint_is_said_to_be_unexposed():
    """Report 37: with a mask of what is unexposed, or NaN there, sources are the same."""
    y, x = np.mgrid[:120, :120]
    exposed = np.abs(x - 60) + np.abs(y - 60) < 58
    image = np.where(exposed, stars(), 0).astype("f4")
    with pytest.warns(ImageWarning, match=r"nearly all their pixels are 0: .*--mask"):
        extract(image, **OPTIONS)
    by_mask = extract(image, mask=~exposed, **OPTIONS)
    by_nan = extract(np.where(exposed, image, np.nan), **OPTIONS)
    np.testing.assert_array_equal(by_mask.segmentation.data, by_nan.segmentation.data)


@pytest.mark.parametrize("box_size", [16, 37, 64])
def test_a_border_of_nan_leaves_a_background_everywhere(box_size):
    """Report 38: HSC's coadds."""
    image = stars()
    image[:11] = image[:, 109:] = np.nan
    found = extract(image, box_size=box_size, nsigma=5)
    background = np.asarray(found.background)
    assert np.isfinite(background).all()
    assert abs(np.median(background) - 10) < 0.2


def test_errors_of_magnitudes_are_not_negative():
    """Report 39."""
    table = extract(
        stars() - 11, zero_point=25.0, aperture_radii=(1, 30), box_size=30, nsigma=0.7
    ).table
    names = [name for name in table.colnames if name.endswith("magerr")]
    assert len(names) == 4
    for name in names:
        errors = u.Quantity(table[name]).value
        assert not (errors < 0).any()
        flux = table[name.replace("magerr", "flux")]
        np.testing.assert_array_equal(np.isnan(errors), ~(np.asarray(flux) > 0))


def test_garbage_is_measured_to_the_end():
    """Report 40: hundreds of sources of noise, of which some have no position."""
    noise = np.random.default_rng(5).normal(0, 1, (150, 150))
    found = extract(noise, nsigma=0.8, npixels=1, kernel_fwhm=0, box_size=30)
    assert len(found.table) > 500
    assert len(found.catalog.to_table(["label", "kron_flux", "xcentroid_win"])) == len(found.table)


def test_no_source_and_one_are_tables_with_the_same_columns():
    """Report 41."""
    rng = np.random.default_rng(6)
    nothing = rng.normal(10, 1, (96, 96))
    one = nothing.copy()
    one[40:44, 50:54] += 60
    with pytest.warns(Warning, match="No sources"):
        none = extract(nothing, nsigma=8).table
    table = extract(one, nsigma=8).table
    assert (len(none), len(table)) == (0, 1)
    assert none.colnames == table.colnames


@pytest.mark.parametrize("kind", ["FREQ", "VELO-LSR", "FELO-HEL", "frequency", "Wibble", ""])
def test_a_radio_image_of_four_axes_has_positions_whatever_the_third_is_called(tmp_path, kind):
    """Report 60."""
    header = tan()
    header.update({"CTYPE3": kind, "CRVAL3": 1.4e9, "CDELT3": 1e6, "CRPIX3": 1.0})
    header.update({"CTYPE4": "STOKES", "CRVAL4": 1.0, "CDELT4": 1.0, "CRPIX4": 1.0})
    fits.writeto(tmp_path / "a.fits", stars()[None, None], header)
    wcs = open_image(tmp_path / "a.fits").image.wcs
    found, true = (each.pixel_to_world(30, 40) for each in (wcs, WCS(tan())))
    assert found.separation(true).arcsec < 1e-6


def test_a_pawprint_in_zpn_has_the_positions_of_wcslib(tmp_path):
    """Report 62: UKIDSS, compressed by RICE."""
    header = tan(CTYPE1="RA---ZPN", CTYPE2="DEC--ZPN", PV2_1=1.0, PV2_3=-50.0)
    hdus = [
        fits.PrimaryHDU(),
        fits.CompImageHDU(stars(), header),
        fits.CompImageHDU(stars(seed=2), header),
    ]
    fits.HDUList(hdus).writeto(tmp_path / "a.fit")
    wcs = open_image(tmp_path / "a.fit", hdu=2).image.wcs
    x, y = np.array([0.0, 60.0, 119.0]), np.array([119.0, 3.0, 60.0])
    assert wcs.pixel_to_world(x, y).separation(WCS(header).pixel_to_world(x, y)).arcsec.max() < 1e-6


def test_a_bunit_that_is_no_text_is_no_unit(tmp_path):
    """Report 64."""
    path = tmp_path / "a.fits"
    for value in (Card("NaN"), 1.0, True):
        path.write_bytes(plain_hdu(stars(), [("BUNIT", value)], True))
        exposure = open_exposure(path)
        assert exposure.unit is None
        np.testing.assert_array_equal(exposure.read().data, stars())


PATHS = [
    "with space.fits", "[brackets].fits", "a[1].fits", "ünïcode-星.fits", "no_ending", "UPPER.FITS",
    "quote'.fits", "per%cent.fits", "double..dots.fits", "hash#tag.fits", "semi;colon.fits",
]  # fmt: skip


@pytest.mark.parametrize("name", PATHS)
def test_a_path_may_have_any_characters(tmp_path, name):
    """Report 65."""
    fits.writeto(tmp_path / name, stars(), tan(BUNIT="nJy"))
    for given in (tmp_path / name, str(tmp_path / name)):
        source = open_image(given).image
        assert source.unit == u.nJy
        np.testing.assert_array_equal(source.read(source.everything), stars())


#: Structures that observatories write -> what must be read of them: HDU, unit, shape.
STRUCTURES = {
    "SDSS": ([("BUNIT", "nanomaggy")], u.nmgy, (120, 120)),
    "AIPS, scaled integers": ([("BUNIT", "JY/BEAM"), ("BSCALE", 2.0), ("BZERO", 1.0)],
                              u.Jy / u.beam, (1, 1, 120, 120)),
    "PACS": ([("BUNIT", "Jy/pixel")], u.Jy / u.pix, (120, 120)),
    "LCO": ([("BUNIT", "electron")], u.electron, (120, 120)),
    "DN/s": ([("BUNIT", "DN/s")], u.DN / u.s, (120, 120)),
}  # fmt: skip


@pytest.mark.parametrize("name", STRUCTURES)
@pytest.mark.parametrize("extension", [False, True])
def test_structures_of_observatories_have_their_pixels_unit_and_positions(
    tmp_path, name, extension
):
    """Report 65."""
    cards, unit, shape = STRUCTURES[name]
    scaled = "BSCALE" in dict(cards)
    pixels = stars() if not scaled else np.round(stars() * 10).astype("i2")
    true = pixels * 2.0 + 1.0 if scaled else pixels
    sky = [(card.keyword, card.value) for card in tan().cards]
    content = plain_hdu(pixels.reshape(shape), [*cards, *sky], not extension)
    first = hdu_bytes([("BITPIX", 8), ("NAXIS", 0), ("EXTEND", True)], b"", True)
    (tmp_path / "a.fits").write_bytes(first + content if extension else content)
    source = open_image(tmp_path / "a.fits").image
    assert source.unit == unit
    np.testing.assert_allclose(source.read(source.everything), true)
    found = source.wcs.pixel_to_world(30, 40)
    assert found.separation(WCS(tan()).pixel_to_world(30, 40)).arcsec < 1e-6
    if name == "SDSS":
        assert calibration_of(Evidence(source.unit)).zero_point == pytest.approx(22.5)
