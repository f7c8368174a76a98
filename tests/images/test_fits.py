"""FITS in: any HDU that holds an image, by windows, and one clear error for any that does not."""

import bz2
import gzip
import pickle
import subprocess
import sys
import warnings
from datetime import UTC, datetime

import numpy as np
import pytest
from astropy.io import fits

from skyshed.exceptions import ImageWarning, NoDetectionsWarning
from skyshed.images import Window, open_image
from skyshed.images.fits import FitsSource
from tests.pipeline_field import make_wcs

WINDOWS = [Window(0, 40, 0, 50), Window(3, 17, 20, 21), Window(39, 40, 0, 50), Window(0, 1, 49, 50)]


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(5).normal(100, 10, (40, 50)).astype(np.float32)


@pytest.fixture(scope="module")
def counts():
    return np.random.default_rng(5).integers(-500, 500, (40, 50))


def write(path, *hdus):
    fits.HDUList(list(hdus)).writeto(path)
    return path


def read(given, hdu=None):
    """Return all pixels of an image."""
    source = open_image(given, hdu=hdu).image
    return source.read(source.everything)


@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "i4", "u4", "i8", "f4", "f8"])
def test_every_pixel_type_is_read_exactly_and_natively(tmp_path, dtype):
    top = 200 if dtype == "u1" else 30000
    expected = np.arange(0, top, top // 12, dtype=dtype)[:12].reshape(3, 4)
    found = read(write(tmp_path / "image.fits", fits.PrimaryHDU(expected)))
    assert np.array_equal(found, expected)
    assert found.dtype.isnative
    assert found.flags["C_CONTIGUOUS"]
    assert found.flags.writeable


def test_integers_are_scaled_and_blanks_are_nan(tmp_path):
    hdu = fits.PrimaryHDU(np.array([[1, 2, -99], [4, 5, 6]], np.int16))
    hdu.writeto(tmp_path / "image.fits")
    # Into the header on disk, as other writers leave it: astropy would scale the array instead.
    with fits.open(tmp_path / "image.fits", mode="update", do_not_scale_image_data=True) as hdus:
        hdus[0].header.update({"BSCALE": 0.5, "BZERO": 10.0, "BLANK": -99})
    found = read(tmp_path / "image.fits")
    assert np.array_equal(found, [[10.5, 11, np.nan], [12, 12.5, 13]], equal_nan=True)


def plain(path, data):
    fits.writeto(path, data.astype(np.float32))


def scaled(path, data):
    hdu = fits.PrimaryHDU(data.astype(np.int16))
    hdu.header["BLANK"] = -7
    hdu.header["BUNIT"] = "adu"
    hdu.scale("int16", bscale=0.5, bzero=100)
    hdu.writeto(path)


def unsigned(path, data):
    fits.writeto(path, np.abs(data).astype(np.uint16))


def compressed(path, data):
    hdus = [fits.PrimaryHDU(), fits.CompImageHDU(data.astype(np.int32), name="SCI")]
    fits.HDUList(hdus).writeto(path)


def of_floats_compressed(path, data):
    hdu = fits.CompImageHDU(data / 7.0, compression_type="GZIP_2", quantize_level=0)
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)


def cube_of_one_plane(path, data):
    fits.writeto(path, data[None, :, None, :].astype(np.float64))


@pytest.mark.parametrize(
    "write", [plain, scaled, unsigned, compressed, of_floats_compressed, cube_of_one_plane]
)
def test_windows_are_those_of_the_image_that_astropy_reads(tmp_path, counts, write):
    path = tmp_path / "image.fits"
    write(path, counts)
    with fits.open(path) as hdus:
        whole = np.squeeze(next(hdu.data for hdu in hdus if hdu.data is not None))
    source = open_image(path).image
    assert isinstance(source, FitsSource)
    assert source.shape == whole.shape
    assert str(source.unit or "") == ("adu" if write is scaled else "")
    for window in WINDOWS:
        found = source.read(window)
        np.testing.assert_array_equal(found, whole[window.slices])
        assert found.dtype == whole.dtype.newbyteorder("=") == source.dtype
        assert found.flags.c_contiguous
    again = pickle.loads(pickle.dumps(source))
    np.testing.assert_array_equal(again.read(Window(0, 2, 0, 2)), whole[:2, :2])


def test_gzipped_and_tile_compressed_images_are_read(tmp_path, pixels):
    plain = write(tmp_path / "image.fits", fits.PrimaryHDU(pixels))
    (tmp_path / "image.fits.gz").write_bytes(gzip.compress(plain.read_bytes()))
    assert np.array_equal(read(tmp_path / "image.fits.gz"), pixels)
    counts = np.round(pixels).astype(np.int16)
    for kind in ("RICE_1", "GZIP_1", "GZIP_2"):
        hdu = fits.CompImageHDU(counts, compression_type=kind, name="SCI")
        path = write(tmp_path / f"{kind}.fits.fz", fits.PrimaryHDU(), hdu)
        assert np.array_equal(read(path), counts)
        assert open_image(path).image.origin()["input_hdu"] == 1
    hdu = fits.CompImageHDU(pixels, compression_type="RICE_1", quantize_level=16)
    path = write(tmp_path / "quantised.fits", fits.PrimaryHDU(), hdu)
    assert np.allclose(read(path), pixels, atol=1)


@pytest.mark.parametrize(
    ("name", "pack"),
    [("image.fits.gz", gzip.compress), ("image.fits", gzip.compress), ("i.bz2", bz2.compress)],
)
def test_a_file_that_is_compressed_as_a_whole_is_read_once(tmp_path, pixels, name, pack):
    hdu = fits.ImageHDU(pixels, make_wcs().to_header(), name="SCI")
    hdu.header["BUNIT"] = "nJy"
    content = write(tmp_path / "plain.fits", fits.PrimaryHDU(), hdu).read_bytes()
    (tmp_path / name).write_bytes(pack(content))
    unpacked, packed = open_image(tmp_path / "plain.fits").image, open_image(tmp_path / name).image
    assert packed.origin() == {
        "input": str(tmp_path / name), "input_hdu": 1,
        "input_size": (tmp_path / name).stat().st_size, "input_date": date_of(tmp_path / name),
    }  # fmt: skip
    (tmp_path / name).unlink()
    assert np.array_equal(packed.read(Window(3, 9, 2, 40)), pixels[3:9, 2:40])
    assert (packed.shape, packed.dtype, packed.unit) == (unpacked.shape, np.float32, unpacked.unit)
    assert packed.unit_from_header
    assert np.array_equal(packed.wcs.wcs.crpix, unpacked.wcs.wcs.crpix)
    assert (packed.windowed, packed.held_bytes) == (False, pixels.nbytes)
    assert (unpacked.windowed, unpacked.held_bytes) == (True, 0)


@pytest.mark.parametrize("shape", [(1, 40, 50), (1, 1, 40, 50), (40, 1, 50), (40, 50, 1)])
def test_axes_of_length_one_are_dropped(tmp_path, pixels, shape):
    path = write(tmp_path / "cube.fits", fits.PrimaryHDU(pixels.reshape(shape)))
    assert np.array_equal(read(path), pixels)


def test_an_image_one_pixel_wide_stays_two_dimensional(tmp_path):
    for shape, expected in (((1, 1, 9), (1, 9)), ((1, 9, 1), (9, 1)), ((1, 9), (1, 9))):
        path = write(
            tmp_path / f"{'x'.join(map(str, shape))}.fits", fits.PrimaryHDU(np.ones(shape))
        )
        assert open_image(path).image.shape == read(path).shape == expected


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
    source = open_image(many, hdu=wanted).image
    assert source.origin()["input_hdu"] == number
    assert source.label == f"{many}[{number}]"
    assert np.array_equal(source.read(source.everything), pixels + (number - 2))
    if wanted is not None:
        named = open_image(f"{many}[{wanted}]").image
        assert named.origin() == source.origin()
        assert np.array_equal(named.read(named.everything), pixels + (number - 2))
    with fits.open(many) as hdus:  # an HDUList is searched in the same way
        assert np.array_equal(read(hdus, wanted), pixels + (number - 2))


def test_a_compressed_hdu_is_named_in_both_ways(tmp_path, counts):
    compressed(tmp_path / "image.fits", counts)
    for image, hdu in ((f"{tmp_path}/image.fits[SCI]", None), (tmp_path / "image.fits", "SCI")):
        np.testing.assert_array_equal(read(image, hdu), counts)


def date_of(path):
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="milliseconds")


def test_the_record_says_file_hdu_size_and_date(many, monkeypatch):
    expected = {
        "input": str(many),
        "input_hdu": 2,
        "input_size": many.stat().st_size,
        "input_date": date_of(many),
    }
    assert open_image(many).image.origin() == expected
    monkeypatch.chdir(many.parent)
    assert open_image(many.name).image.origin() == expected


def test_brackets_that_belong_to_the_name_are_left_alone(tmp_path, pixels):
    path = write(tmp_path / "image[1].fits[SCI]", fits.PrimaryHDU(pixels))
    assert np.array_equal(read(path), pixels)


WRONG_HDUS = [
    (9, r"fits has no HDU 9: it has 0 PRIMARY \(no image\), 1 CAT \(no image\), 2 SCI \(40 x"),
    (-1, "has no HDU -1"),
    ("ERR", "has no HDU ERR"),
    ("SCI,3", "has no HDU SCI,3"),
    ("SCI,x", "has no HDU SCI,x"),
    (0, r"many.fits\[0\] holds no image"),
    ("CAT", r"many.fits\[1\] holds no image"),
    ("LINE", r"must hold a 2-D image .* its shape is \(7,\)"),
    ("CUBE", r"holds 2 planes of 3 x 4 pixels: name one"),
]


@pytest.mark.parametrize(("wanted", "message"), WRONG_HDUS)
def test_a_wrong_hdu_is_refused(many, wanted, message):
    with pytest.raises(ValueError, match=message):
        open_image(many, hdu=wanted)
    with pytest.raises(ValueError, match=message):
        open_image(f"{many}[{wanted}]")


def test_an_hdu_that_is_given_twice_must_be_the_same(many):
    with pytest.raises(ValueError, match=r"the HDU is given twice: as hdu=3 and in '.*SCI"):
        open_image(f"{many}[SCI]", hdu=3)
    assert open_image(f"{many}[SCI]", hdu="SCI").image.number == 2


def test_a_file_without_images_is_refused(tmp_path):
    path = write(tmp_path / "none.fits", fits.PrimaryHDU())
    with pytest.raises(ValueError, match=r"none\.fits holds no image: it has 0 PRIMARY"):
        open_image(path)
    fits.writeto(tmp_path / "line.fits", np.zeros(7))
    with pytest.raises(ValueError, match=r"must hold a 2-D image .* its shape is \(7,\)"):
        open_image(f"{tmp_path}/line.fits[0]")


def test_damaged_files_are_refused_with_their_name(tmp_path, pixels):
    whole = write(tmp_path / "whole.fits", fits.PrimaryHDU(pixels)).read_bytes()
    compressed = write(
        tmp_path / "tiles.fits", fits.PrimaryHDU(), fits.CompImageHDU(np.round(pixels).astype("i2"))
    ).read_bytes()
    damaged = {
        "empty.fits": b"",
        "text.fits": b"not FITS at all\n" * 300,
        "header.fits": whole[:1000],
        "half.fits.gz": gzip.compress(whole)[:5000],
    }
    for name, content in damaged.items():
        (tmp_path / name).write_bytes(content)
        why = " is cut off" if name.endswith("gz") else ": cannot be read as FITS"
        with pytest.raises(OSError, match=name + why):
            open_image(tmp_path / name)
    # Headers are sound, and windows are read as far as there are pixels.
    for name, content in (("half.fits", whole[: len(whole) // 2]), ("tiles", compressed[:-1500])):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(OSError, match=rf"{name}\[\d\]: rows 0 to 39, columns .* cannot be"):
            read(tmp_path / name)
    with pytest.raises(FileNotFoundError, match=r"absent\.fits: there is no such file"):
        open_image(tmp_path / "absent.fits")
    with pytest.raises(OSError, match="cannot be read"):
        open_image(tmp_path)


def test_a_file_that_is_cut_off_names_the_window(tmp_path, counts):
    path = tmp_path / "image.fits"
    plain(path, counts)
    path.write_bytes(path.read_bytes()[:4000])
    source = open_image(path).image
    source.read(Window(0, 1, 0, 50))
    with pytest.raises(OSError, match=r"image\.fits\[0\]: rows 30 to 39, columns 0 to 49 cannot"):
        source.read(Window(30, 40, 0, 50))


def test_the_celestial_wcs_is_read(tmp_path, pixels):
    header = make_wcs().to_header()
    header.update({"CTYPE3": "FREQ", "CRVAL3": 1e9, "CRPIX3": 1.0, "CDELT3": 1e6, "CUNIT3": "Hz"})
    path = write(tmp_path / "cube.fits", fits.PrimaryHDU(pixels[None], header))
    wcs = open_image(path).image.wcs
    assert wcs.pixel_n_dim == 2
    assert wcs.pixel_to_world(3, 4).separation(make_wcs().pixel_to_world(3, 4)).arcsec < 1e-6
    plain = write(tmp_path / "plain.fits", fits.PrimaryHDU(pixels))
    assert open_image(plain).image.wcs is None


def test_an_unusable_wcs_is_left_out_and_said_once(tmp_path):
    hdu = fits.PrimaryHDU(np.zeros((4, 5)))
    hdu.header.update({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--XYZ", "CDELT1": 0.0, "CDELT2": 1.0})
    hdu.writeto(tmp_path / "image.fits")
    with pytest.warns(ImageWarning, match="the WCS cannot be used"):
        source = open_image(tmp_path / "image.fits").image
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert source.wcs is None
        assert pickle.loads(pickle.dumps(source)).wcs is None


MEASURE = """
import sys
from pathlib import Path
from skyshed.images import Window, open_image
def status(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(name + ":")))
source = open_image(sys.argv[1]).image
source.read(Window(0, 8, 0, 8))
Path("/proc/self/clear_refs").write_text("5")
before = status("VmRSS")
for y in range(0, 4000, 500):
    source.read(Window(y, y + 500, 1000, 1500))
print(status("VmHWM") - before)
"""


@pytest.mark.parametrize("compress", [False, True])
def test_reading_windows_takes_the_memory_of_a_window(tmp_path, compress):
    path = tmp_path / "image.fits"
    data = np.zeros((4000, 4000), np.float32)
    data[:] = np.arange(4000)
    hdu = fits.CompImageHDU(data, tile_shape=(250, 250)) if compress else fits.ImageHDU(data)
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True
    )
    # The image has 64 MB, a window 1 MB.
    assert int(done.stdout) < 16_000


def test_what_other_threads_warn_of_meanwhile_is_heard(tmp_path, pixels, monkeypatch):
    """Headers that break a rule are opened in silence, and nothing else is silenced."""
    header = fits.Header({"CRPIX1": 1.0, "CRPIX2": 1.0})
    header.update({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN"})
    header.update({"CDELT1": -1e-4, "CDELT2": 1e-4, "CRVAL1": 150.0, "CRVAL2": 2.0})
    header["DATE-OBS"] = "31/12/99"  # the old style, of which astropy warns
    path = write(tmp_path / "old.fits", fits.PrimaryHDU(pixels, header))
    real = fits.open

    def opening(*arguments, **options):
        warnings.warn("No sources were found", NoDetectionsWarning, stacklevel=1)
        return real(*arguments, **options)

    monkeypatch.setattr(fits, "open", opening)
    with pytest.warns() as heard:
        open_image(path)
    assert [str(each.message) for each in heard] == ["No sources were found"]


@pytest.mark.parametrize("kind", ["plain", "scaled", "compressed"])
def test_files_are_not_read_through_maps_of_memory(tmp_path, pixels, kind, monkeypatch):
    """A file that shrinks while it is mapped ends the process."""
    hdu = {
        "plain": fits.ImageHDU(pixels.astype("f4")), "scaled": fits.ImageHDU(pixels.astype("u2")),
        "compressed": fits.CompImageHDU(pixels.astype("i2")),
    }[kind]  # fmt: skip
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(tmp_path / "image.fits")
    expected = open_image(tmp_path / "image.fits").image
    expected = expected.read(expected.everything)

    class Refused:
        def __init__(self, *_, **__):
            raise AssertionError("mapped")

    monkeypatch.setattr("mmap.mmap", Refused)
    image = open_image(tmp_path / "image.fits").image
    assert image.doubts() == []
    assert np.array_equal(image.read(image.everything), expected)
