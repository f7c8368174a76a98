"""FITS in: any HDU that holds an image, and one clear error for any that does not."""

import gzip
import hashlib

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits

from skyshed.images.read import ImageWarning, image_of_hdu, read_image, split_path
from tests.pipeline_field import make_wcs


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(5).normal(100, 10, (40, 50)).astype(np.float32)


def write(path, *hdus):
    fits.HDUList(list(hdus)).writeto(path)
    return path


@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "i4", "u4", "i8", "f4", "f8"])
def test_every_pixel_type_is_read_exactly_and_natively(tmp_path, dtype):
    top = 200 if dtype == "u1" else 30000
    expected = np.arange(0, top, top // 12, dtype=dtype)[:12].reshape(3, 4)
    image = read_image(write(tmp_path / "image.fits", fits.PrimaryHDU(expected)))
    assert np.array_equal(image.data, expected)
    assert image.data.dtype.isnative
    assert image.data.flags["C_CONTIGUOUS"]
    assert image.data.flags.writeable


def test_integers_are_scaled_and_blanks_are_nan(tmp_path):
    hdu = fits.PrimaryHDU(np.array([[1, 2, -99], [4, 5, 6]], np.int16))
    hdu.writeto(tmp_path / "image.fits")
    # Into the header on disk, as other writers leave it: astropy would scale the array instead.
    with fits.open(tmp_path / "image.fits", mode="update", do_not_scale_image_data=True) as hdus:
        hdus[0].header.update({"BSCALE": 0.5, "BZERO": 10.0, "BLANK": -99})
    image = read_image(tmp_path / "image.fits")
    assert np.array_equal(image.data, [[10.5, 11, np.nan], [12, 12.5, 13]], equal_nan=True)


def test_gzipped_and_tile_compressed_images_are_read(tmp_path, pixels):
    plain = write(tmp_path / "image.fits", fits.PrimaryHDU(pixels))
    (tmp_path / "image.fits.gz").write_bytes(gzip.compress(plain.read_bytes()))
    assert np.array_equal(read_image(tmp_path / "image.fits.gz").data, pixels)
    counts = np.round(pixels).astype(np.int16)
    for kind in ("RICE_1", "GZIP_1", "GZIP_2"):
        hdu = fits.CompImageHDU(counts, compression_type=kind, name="SCI")
        path = write(tmp_path / f"{kind}.fits.fz", fits.PrimaryHDU(), hdu)
        image = read_image(path)
        assert np.array_equal(image.data, counts)
        assert image.origin["input_hdu"] == 1
    hdu = fits.CompImageHDU(pixels, compression_type="RICE_1", quantize_level=16)
    path = write(tmp_path / "quantised.fits", fits.PrimaryHDU(), hdu)
    assert np.allclose(read_image(path).data, pixels, atol=1)


@pytest.mark.parametrize("shape", [(1, 40, 50), (1, 1, 40, 50), (40, 1, 50), (40, 50, 1)])
def test_axes_of_length_one_are_dropped(tmp_path, pixels, shape):
    path = write(tmp_path / "cube.fits", fits.PrimaryHDU(pixels.reshape(shape)))
    assert np.array_equal(read_image(path).data, pixels)


def test_an_image_one_pixel_wide_stays_two_dimensional(tmp_path):
    for shape, expected in (((1, 1, 9), (1, 9)), ((1, 9, 1), (9, 1)), ((1, 9), (1, 9))):
        path = tmp_path / f"{'x'.join(map(str, shape))}.fits"
        assert read_image(write(path, fits.PrimaryHDU(np.zeros(shape)))).data.shape == expected


@pytest.fixture
def many(tmp_path, pixels):
    """A file of which the first image is in HDU 2."""
    return write(
        tmp_path / "many.fits",
        fits.PrimaryHDU(),
        fits.BinTableHDU.from_columns([fits.Column("a", "J", array=[1])], name="CAT"),
        fits.ImageHDU(pixels, name="SCI", ver=1),
        fits.ImageHDU(pixels + 1, name="SCI", ver=2),
        fits.ImageHDU(np.zeros(7), name="LINE"),
        fits.ImageHDU(np.zeros((2, 3, 4)), name="CUBE"),
    )


@pytest.mark.parametrize(
    ("wanted", "number"),
    [(None, 2), (2, 2), ("2", 2), (3, 3), ("SCI", 2), ("sci", 2), ("SCI,2", 3), ("sci, 1", 2)],
)
def test_an_hdu_is_found_by_number_name_and_version(many, pixels, wanted, number):
    image = read_image(many, wanted)
    assert image.origin["input_hdu"] == number
    assert np.array_equal(image.data, pixels + (number - 2))
    if wanted is not None:
        assert read_image(f"{many}[{wanted}]").origin == image.origin


def test_the_record_says_file_hdu_and_checksum(many):
    assert read_image(many).origin == {
        "input": str(many),
        "input_hdu": 2,
        "input_sha256": hashlib.sha256(many.read_bytes()).hexdigest(),
    }


def test_brackets_that_belong_to_the_name_are_left_alone(tmp_path, pixels):
    path = write(tmp_path / "image[1].fits[SCI]", fits.PrimaryHDU(pixels))
    assert split_path(path) == (str(path), None)
    assert np.array_equal(read_image(path).data, pixels)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (
            9,
            r"fits has no HDU 9: it has 0 PRIMARY \(no image\), 1 CAT \(no image\), 2 SCI \(40 x",
        ),
        (-1, "has no HDU -1"),
        ("ERR", "has no HDU ERR"),
        ("SCI,3", "has no HDU SCI,3"),
        ("SCI,x", "has no HDU SCI,x"),
        (0, r"many.fits\[0\] holds no image"),
        ("CAT", r"many.fits\[1\] holds no image"),
        ("LINE", r"must hold a 2-D image .* its shape is \(7,\)"),
        ("CUBE", r"must hold a 2-D image .* its shape is \(2, 3, 4\)"),
    ],
)
def test_a_wrong_hdu_is_refused(many, wanted, message):
    with pytest.raises(ValueError, match=message):
        read_image(many, wanted)


def test_a_file_without_images_is_refused(tmp_path):
    path = write(tmp_path / "none.fits", fits.PrimaryHDU())
    with pytest.raises(ValueError, match=r"none\.fits holds no image: it has 0 PRIMARY"):
        read_image(path)


def test_damaged_files_are_refused_with_their_name(tmp_path, pixels):
    whole = write(tmp_path / "whole.fits", fits.PrimaryHDU(pixels)).read_bytes()
    compressed = write(
        tmp_path / "tiles.fits", fits.PrimaryHDU(), fits.CompImageHDU(np.round(pixels).astype("i2"))
    ).read_bytes()
    damaged = {
        "empty.fits": b"",
        "text.fits": b"not FITS at all\n" * 300,
        "header.fits": whole[:1000],
        "half.fits": whole[: len(whole) // 2],
        "half.fits.gz": gzip.compress(whole)[:5000],
        "tiles_half.fits": compressed[:-1500],
    }
    for name, content in damaged.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(OSError, match=f"{name}: cannot be read as FITS"):
            read_image(tmp_path / name)
    with pytest.raises(FileNotFoundError, match=r"absent\.fits: there is no such file"):
        read_image(tmp_path / "absent.fits")
    with pytest.raises(OSError, match="cannot be read"):
        read_image(tmp_path)


def test_the_celestial_wcs_is_read(tmp_path, pixels):
    header = make_wcs().to_header()
    header.update({"CTYPE3": "FREQ", "CRVAL3": 1e9, "CRPIX3": 1.0, "CDELT3": 1e6, "CUNIT3": "Hz"})
    path = write(tmp_path / "cube.fits", fits.PrimaryHDU(pixels[None], header))
    wcs = read_image(path).wcs
    assert wcs.pixel_n_dim == 2
    assert wcs.pixel_to_world(3, 4).separation(make_wcs().pixel_to_world(3, 4)).arcsec < 1e-6
    plain = write(tmp_path / "plain.fits", fits.PrimaryHDU(pixels))
    assert read_image(plain).wcs is None


def test_a_wcs_that_cannot_be_used_is_left_out_with_a_warning(tmp_path, pixels):
    hdu = fits.PrimaryHDU(pixels)
    hdu.header.update({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--XYZ", "CDELT1": 0.0, "CDELT2": 1.0})
    with pytest.warns(ImageWarning, match="the WCS cannot be used"):
        image = read_image(write(tmp_path / "image.fits", hdu))
    assert image.wcs is None


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("Jy", u.Jy), ("MJy/sr", u.MJy / u.sr), ("ADU", u.adu), ("adu", u.adu), ("DN", u.DN),
        ("counts/s", u.count / u.s), ("ELECTRONS/S", u.electron / u.s), ("e-", u.electron),
        ("electron", u.electron), ("nJy ", u.nJy), ("10**(-9) Jy", u.Unit("1e-9 Jy")),
        ("erg/s/cm2/Angstrom", u.erg / u.s / u.cm**2 / u.AA), ("", None), (3, None),
    ],
)  # fmt: skip
def test_bunit_is_read_in_its_usual_spellings(pixels, text, unit):
    hdu = fits.ImageHDU(pixels)
    hdu.header["BUNIT"] = text
    assert image_of_hdu(hdu).unit == unit


def test_an_unknown_bunit_is_left_out_with_a_warning(pixels):
    hdu = fits.ImageHDU(pixels)
    hdu.header["BUNIT"] = "furlongs per fortnight"
    with pytest.warns(ImageWarning, match="BUNIT = 'furlongs per fortnight' is not known"):
        assert image_of_hdu(hdu).unit is None
