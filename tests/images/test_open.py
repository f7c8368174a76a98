"""Windows of images are the pixels of the whole image, and cost the memory of a window."""

import pickle
import subprocess
import sys
import warnings
from types import SimpleNamespace

import astropy.units as u
import dask.array
import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS, DistortionLookupTable
from astropy.wcs.wcsapi import HighLevelWCSWrapper
from hypothesis import given, settings
from hypothesis import strategies as st

from skyshed.images import ArrayWindows, cut, open_windows
from skyshed.images.read import ImageWarning, read_image
from skyshed.images.wcs import ExactWCS, moved_wcs
from tests.pipeline_field import make_wcs

WINDOWS = [(0, 40, 0, 50), (3, 17, 20, 21), (39, 40, 0, 50), (0, 1, 49, 50)]


@pytest.fixture
def pixels():
    return np.random.default_rng(5).integers(-500, 500, (40, 50))


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
def test_windows_are_those_of_the_image_read_as_a_whole(tmp_path, pixels, write):
    path = tmp_path / "image.fits"
    write(path, pixels)
    whole, windows = read_image(path), open_windows(path)
    assert windows.shape == whole.data.shape
    assert windows.unit == whole.unit
    for y0, y1, x0, x1 in WINDOWS:
        found = windows.read(y0, y1, x0, x1)
        np.testing.assert_array_equal(found, whole.data[y0:y1, x0:x1])
        assert found.dtype == whole.data.dtype == windows.dtype
        assert found.flags.c_contiguous
    again = pickle.loads(pickle.dumps(windows))
    np.testing.assert_array_equal(again.read(0, 2, 0, 2), whole.data[:2, :2])


def test_an_hdu_is_named_as_for_the_whole_image(tmp_path, pixels):
    compressed(tmp_path / "image.fits", pixels)
    for image, hdu in ((f"{tmp_path}/image.fits[SCI]", None), (tmp_path / "image.fits", "SCI")):
        np.testing.assert_array_equal(open_windows(image, hdu).read(0, 40, 0, 50), pixels)


def test_arrays_are_sliced_and_a_memory_map_stays_on_disk(tmp_path, pixels):
    np.save(tmp_path / "image.npy", pixels.astype(">f4"))
    mapped = np.load(tmp_path / "image.npy", mmap_mode="r")
    for array in (pixels.astype(np.float32), mapped):
        found = open_windows(array).read(3, 7, 5, 9)
        assert type(found) is np.ndarray
        assert found.dtype == np.float32
        assert found.base is None
        np.testing.assert_array_equal(found, pixels[3:7, 5:9])


def test_a_file_that_is_cut_off_names_the_window(tmp_path, pixels):
    path = tmp_path / "image.fits"
    plain(path, pixels)
    content = path.read_bytes()
    path.write_bytes(content[:4000])
    windows = open_windows(path)
    windows.read(0, 1, 0, 50)
    with pytest.raises(OSError, match=r"image\.fits\[0\]: rows 30 to 39, columns 0 to 49 cannot"):
        windows.read(30, 40, 0, 50)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros(5), r"2-D array, the path of a FITS file .*, got ndarray of shape \(5,\)"),
        (3, "got int"),
        ("deep.fits.gz", "unpack it, or compress it by tiles"),
        (np.ma.zeros((3, 4)), "must not be a masked array"),
        ([], "is an empty list"),
        ([np.zeros((3, 4))], "got list"),
    ],
)
def test_what_has_no_windows_is_refused(image, message):
    with pytest.raises(ValueError, match=message):
        open_windows(image)


MEASURE = """
import sys
from pathlib import Path
from skyshed.images import open_windows
def status(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(name + ":")))
windows = open_windows(sys.argv[1])
windows.read(0, 8, 0, 8)
Path("/proc/self/clear_refs").write_text("5")
before = status("VmRSS")
for y in range(0, 4000, 500):
    windows.read(y, y + 500, 1000, 1500)
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


def with_wcs(path, distorted=False):
    """Write an image whose header has more digits than a pickled WCS keeps."""
    header = make_wcs().to_header()
    header["CRVAL1"] = 150.12345678901234
    header["CDELT1"] = -1 / 17999.3
    if distorted:
        header["CTYPE1"], header["CTYPE2"] = "RA---TAN-SIP", "DEC--TAN-SIP"
        header.update({"A_ORDER": 2, "A_2_0": 1.1e-5, "B_ORDER": 2, "B_1_1": -2.3e-5})
    fits.writeto(path, np.zeros((40, 50), np.float32), header)
    return open_windows(path)


def sky_of(wcs, y=7.0, x=3.0):
    sky = wcs.pixel_to_world(x, y)
    return sky.ra.deg, sky.dec.deg


@pytest.mark.parametrize("distorted", [False, True])
def test_every_process_has_the_same_bits_of_the_wcs(tmp_path, distorted):
    windows = with_wcs(tmp_path / "image.fits", distorted)
    region = cut(windows, 5, 20, 6, 30)
    joined = open_windows([tmp_path / "image.fits"])
    for each in (windows, region, cut(region, 1, 9, 2, 8), joined, cut(joined, 1, 2, 3, 4)):
        again = pickle.loads(pickle.dumps(each))
        assert "wcs" not in again.__dict__
        assert sky_of(again.wcs) == sky_of(each.wcs)
        assert again.wcs is again.wcs
        assert len(pickle.dumps(each)) < 3000
    # What the test is about: WCS objects do not keep them.
    assert sky_of(pickle.loads(pickle.dumps(windows.wcs))) != sky_of(windows.wcs)


def test_an_unusable_wcs_is_said_once(tmp_path):
    hdu = fits.PrimaryHDU(np.zeros((4, 5)))
    hdu.header.update({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--XYZ", "CDELT1": 0.0, "CDELT2": 1.0})
    hdu.writeto(tmp_path / "image.fits")
    with pytest.warns(ImageWarning, match="the WCS cannot be used"):
        windows = open_windows(tmp_path / "image.fits")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert pickle.loads(pickle.dumps(windows)).wcs is None


MATRIX = {"CD1_1": -1.1e-4 / 3, "CD1_2": 2e-5 / 3, "CD2_1": 1e-5 / 3, "CD2_2": 1e-4 / 3}
POWERS = {"A_ORDER": 2, "A_2_0": 1e-5 / 3, "B_ORDER": 2, "B_1_1": -2e-5 / 3}


@pytest.mark.parametrize(
    ("kind", "cards"),
    [
        ("TAN", MATRIX),
        ("TAN", {"CDELT1": -1e-4 / 3, "CDELT2": 1e-4 / 3, "PC1_2": 0.1 / 3, "PC2_1": -0.1 / 3}),
        ("TAN", {"CDELT1": -1e-4 / 3, "CDELT2": 1e-4 / 3, "CROTA2": 100 / 3}),
        ("TAN", {"CDELT1": -1 / 3, "CDELT2": 1 / 3, "CUNIT1": "arcsec", "CUNIT2": "arcsec"}),
        ("ZEA", {**MATRIX, "LONPOLE": 500 / 3}),
        (
            "TPV",
            {**MATRIX, "PV1_1": 1.01 / 3 * 3, "PV1_4": 1e-2 / 3, "PV2_1": 1, "PV2_0": 1e-4 / 3},
        ),
        ("TAN-SIP", {**MATRIX, **POWERS}),
    ],
)
def test_a_wcs_of_an_array_is_sent_exactly(kind, cards):
    header = fits.Header({"CTYPE1": f"RA---{kind}", "CTYPE2": f"DEC--{kind}", **cards})
    header.update({"CRPIX1": 1000 / 3, "CRPIX2": 200 / 3, "CRVAL1": 700 / 3, "CRVAL2": -100 / 3})
    wcs = WCS(header)
    again = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(ExactWCS(wcs))))).wcs
    x, y = np.random.default_rng(1).uniform(0, 2000, (2, 100))
    sky = wcs.pixel_to_world_values(x, y)
    assert np.array_equal(again.pixel_to_world_values(x, y), sky)
    if kind != "TPV":  # which wcslib inverts by trial
        assert np.array_equal(again.world_to_pixel_values(*sky), wcs.world_to_pixel_values(*sky))
    assert not np.array_equal(pickle.loads(pickle.dumps(wcs)).pixel_to_world_values(x, y), sky)
    windows = ArrayWindows(np.zeros((30, 40)), u.Jy, wcs)
    sent = pickle.loads(pickle.dumps(cut(windows, 3, 9, 4, 8)))
    assert sky_of(sent.wcs) == sky_of(cut(windows, 3, 9, 4, 8).wcs)
    assert sent.unit == u.Jy


@pytest.mark.parametrize("distorted", [False, True])
def test_a_region_has_its_pixels_and_its_wcs(tmp_path, distorted):
    windows = with_wcs(tmp_path / "image.fits", distorted)
    region = cut(windows, 5, 20, 6, 30)
    assert region.shape == (15, 24) == region.wcs.array_shape
    before = windows.wcs.wcs.crpix.copy()
    assert np.array_equal(region.wcs.wcs.crpix, before - (6, 5))
    assert np.array_equal(windows.wcs.wcs.crpix, before)
    ours = region.wcs.pixel_to_world(3, 4).separation(windows.wcs.pixel_to_world(9, 9))
    assert ours.arcsec < 1e-8
    if distorted:
        assert np.array_equal(region.wcs.sip.crpix, windows.wcs.sip.crpix - (6, 5))


def test_distortion_tables_move_with_the_pixels():
    wcs = make_wcs()
    values = np.arange(20, dtype=np.float32).reshape(4, 5)
    wcs.cpdis1 = DistortionLookupTable(values, (1.0, 2.0), (4.0, 3.0), (7.0, 9.0))
    wcs.wcs.set()
    expected = wcs.pixel_to_world_values(21.0, 17.0)
    found = moved_wcs(wcs, -5, -6).pixel_to_world_values(15.0, 12.0)
    assert np.allclose(found, expected, rtol=0, atol=1e-13)
    assert not np.allclose(make_wcs().pixel_to_world_values(21.0, 17.0), expected, atol=1e-6)


def test_a_wcs_of_another_kind_is_sliced_if_it_can_be():
    pixels = np.zeros((30, 40))
    sliced = cut(ArrayWindows(pixels, None, HighLevelWCSWrapper(make_wcs())), 5, 9, 6, 11).wcs
    assert sky_of(sliced, 1.0, 2.0) == sky_of(make_wcs(), 6.0, 8.0)
    assert cut(ArrayWindows(pixels), 5, 9, 6, 11).wcs is None
    with pytest.raises(ValueError, match=r"the WCS, a types\.SimpleNamespace, cannot be sliced"):
        _ = cut(ArrayWindows(pixels, None, SimpleNamespace()), 5, 9, 6, 11).wcs


@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_regions_of_regions_are_those_of_the_array(data):
    pixels = np.arange(11 * 13).reshape(11, 13)
    windows, expected = open_windows(pixels), pixels
    for _ in range(2):
        ny, nx = windows.shape
        y0, x0 = data.draw(st.integers(0, ny - 1)), data.draw(st.integers(0, nx - 1))
        y1, x1 = data.draw(st.integers(y0 + 1, ny)), data.draw(st.integers(x0 + 1, nx))
        windows, expected = cut(windows, y0, y1, x0, x1), expected[y0:y1, x0:x1]
        np.testing.assert_array_equal(windows.read(0, *windows.shape[:1], 0, x1 - x0), expected)
    assert windows.whole.array is pixels


@pytest.mark.parametrize("region", [(-1, 3, 0, 4), (0, 4, 0, 4), (1, 1, 0, 4), (0, 3, 2, 5)])
def test_a_region_outside_of_the_image_is_refused(region):
    with pytest.raises(ValueError, match="the region must be in the image of 3 x 4 pixels"):
        cut(open_windows(np.zeros((3, 4))), *region)


@pytest.mark.parametrize("view", [np.s_[:, :], np.s_[5:30, 7:], np.s_[::-2, 3::4]])
def test_a_memory_map_is_sent_as_the_name_of_its_file(tmp_path, view):
    pixels = np.random.default_rng(3).normal(size=(400, 500)).astype(">f4")
    np.save(tmp_path / "image.npy", pixels)
    mapped = np.load(tmp_path / "image.npy", mmap_mode="r")[view]
    for array in (mapped, np.asarray(mapped)):
        sent = pickle.dumps(open_windows(array))
        assert len(sent) < 2000
        again = pickle.loads(sent)
        for windows in (again, pickle.loads(pickle.dumps(again))):
            assert windows.shape == mapped.shape
            found = windows.read(1, 9, 2, 11)
            assert found.dtype == np.float32
            np.testing.assert_array_equal(found, pixels[view][1:9, 2:11])


def test_what_a_file_does_not_know_is_sent_as_pixels(tmp_path):
    np.save(tmp_path / "image.npy", np.zeros((40, 50)))
    changed = np.load(tmp_path / "image.npy", mmap_mode="c")
    changed[:] = 5
    computed = np.load(tmp_path / "image.npy", mmap_mode="r") + 5
    for array in (changed, computed, np.asarray(changed)[3:]):
        again = pickle.loads(pickle.dumps(open_windows(array)))
        assert np.all(again.read(0, 9, 0, 9) == 5)


def test_windows_are_taken_as_they_are():
    region = cut(open_windows(np.zeros((3, 4))), 0, 2, 0, 2)
    assert open_windows(region) is region


def test_quantities_have_their_unit():
    windows = open_windows(np.arange(12.0).reshape(3, 4) << u.nJy)
    assert windows.unit == u.nJy
    assert type(windows.read(0, 1, 0, 4)) is np.ndarray


def test_dask_arrays_are_computed_window_by_window():
    pixels = np.random.default_rng(3).normal(size=(40, 50))
    windows = open_windows(dask.array.from_array(pixels, chunks=(7, 9)) * 2)
    np.testing.assert_array_equal(windows.read(3, 30, 5, 41), 2 * pixels[3:30, 5:41])
    assert windows.dtype == np.float64

    def broken(block):
        raise RuntimeError("no such block")

    bad = dask.array.from_array(pixels, chunks=(7, 9)).map_blocks(broken, dtype=float)
    with pytest.raises(OSError, match=r"the Array: rows 3 to 29, .* \(no such block\)"):
        open_windows(bad).read(3, 30, 5, 41)


def test_files_that_are_no_fits_are_refused(tmp_path):
    (tmp_path / "text.fits").write_text("not FITS at all\n" * 300)
    with pytest.raises(OSError, match=r"text\.fits: cannot be read as FITS"):
        open_windows(tmp_path / "text.fits")
    with pytest.raises(FileNotFoundError, match=r"absent\.fits: there is no such file"):
        open_windows(tmp_path / "absent.fits")
    fits.writeto(tmp_path / "line.fits", np.zeros(7))
    with pytest.raises(ValueError, match=r"must hold a 2-D image .* its shape is \(7,\)"):
        open_windows(f"{tmp_path}/line.fits[0]")
    with pytest.raises(ValueError, match="the HDU is given twice"):
        open_windows(f"{tmp_path}/line.fits[0]", 1)
