"""Windows of images are the pixels of the whole image, and cost the memory of a window."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
from astropy.io import fits

from skyshed.io.read import read_image
from skyshed.io.windows import open_windows

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
        assert found.dtype == whole.data.dtype
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
        (np.zeros(5), r"2-D array or the path of a FITS file, got ndarray of shape \(5,\)"),
        (3, "got int"),
        ("deep.fits.gz", "unpack it, or compress it by tiles"),
    ],
)
def test_what_has_no_windows_is_refused(image, message):
    with pytest.raises(ValueError, match=message):
        open_windows(image)


MEASURE = """
import sys
from pathlib import Path
from skyshed.io.windows import open_windows
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
