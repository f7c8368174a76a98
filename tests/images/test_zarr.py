"""Zarr arrays by windows, in folders, groups and memory."""

import pickle
import shutil

import numpy as np
import pytest
import zarr

from skyshed.images import ArrayWindows, ZarrWindows, open_windows
from skyshed.images.zarr import is_zarr_path


@pytest.fixture
def pixels():
    return np.random.default_rng(5).normal(size=(40, 50)).astype(np.float32)


def stored(path, pixels, **options):
    return zarr.create_array(path, data=pixels, chunks=(16, 16), **options)


@pytest.mark.parametrize("dtype", [">f4", "<f8", "i2", "u1"])
@pytest.mark.parametrize("zarr_format", [2, 3])
def test_windows_are_those_of_the_array(tmp_path, pixels, dtype, zarr_format):
    pixels = (100 * pixels).astype(dtype)
    stored(tmp_path / "image.zarr", pixels, zarr_format=zarr_format)
    windows = open_windows(tmp_path / "image.zarr")
    assert windows.shape == (40, 50)
    for each in (windows, pickle.loads(pickle.dumps(windows))):
        found = each.read(3, 37, 15, 17)
        np.testing.assert_array_equal(found, pixels[3:37, 15:17])
        assert found.dtype == windows.dtype == np.dtype(dtype).newbyteorder("=")
        assert found.dtype.isnative
        assert found.flags.c_contiguous


def test_arrays_within_groups_are_found(tmp_path, pixels):
    group = zarr.create_group(tmp_path / "deep.zarr")
    group.create_array("r/image", data=pixels[None], chunks=(1, 16, 16))
    windows = open_windows(tmp_path / "deep.zarr/r/image")
    np.testing.assert_array_equal(windows.read(0, 40, 0, 50), pixels)
    for inner in ("", "/r"):
        with pytest.raises(ValueError, match=r"is a group of Zarr, not an array; .*arrays: "):
            open_windows(f"{tmp_path}/deep.zarr{inner}")
    group.create_array("cube", shape=(3, 4, 5), dtype="f4")
    with pytest.raises(ValueError, match=r"must hold a 2-D image .* its shape is \(3, 4, 5\)"):
        open_windows(f"{tmp_path}/deep.zarr/cube")


def test_an_array_of_a_folder_is_sent_as_its_path(tmp_path, pixels):
    group = zarr.create_group(tmp_path / "deep.zarr")
    for array in (
        stored(tmp_path / "image.zarr", pixels),
        group.create_array("r/image", data=pixels),
        zarr.open_array(tmp_path / "image.zarr", mode="r"),
    ):
        windows = open_windows(array)
        assert isinstance(windows, ZarrWindows)
        assert len(pickle.dumps(windows)) < 1000
        np.testing.assert_array_equal(windows.read(3, 9, 0, 50), pixels[3:9])


def test_an_array_in_memory_is_sliced(pixels):
    windows = open_windows(stored(zarr.storage.MemoryStore(), pixels))
    assert isinstance(windows, ArrayWindows)
    np.testing.assert_array_equal(windows.read(3, 9, 0, 50), pixels[3:9])
    assert windows.dtype == np.float32


@pytest.mark.parametrize("compressors", ["auto", None])
@pytest.mark.parametrize("size", [0, 40])
def test_a_damaged_chunk_names_the_window(tmp_path, pixels, compressors, size):
    stored(tmp_path / "image.zarr", pixels, compressors=compressors)
    chunk = tmp_path / "image.zarr/c/1/2"
    chunk.write_bytes(chunk.read_bytes()[:size])
    windows = open_windows(tmp_path / "image.zarr")
    np.testing.assert_array_equal(windows.read(0, 16, 0, 50), pixels[:16])
    with pytest.raises(OSError, match=r"image\.zarr: rows 10 to 19, columns 30 to 39 cannot be"):
        windows.read(10, 20, 30, 40)


def test_what_is_no_zarr_is_refused(tmp_path, pixels):
    with pytest.raises(FileNotFoundError, match=r"absent\.zarr: there is no such folder"):
        open_windows(tmp_path / "absent.zarr")
    (tmp_path / "empty.zarr").mkdir()
    with pytest.raises(OSError, match=r"empty\.zarr: cannot be read as Zarr"):
        open_windows(tmp_path / "empty.zarr")
    stored(tmp_path / "image.zarr", pixels)
    with pytest.raises(ValueError, match="hdu is given as 1, but image is no FITS file"):
        open_windows(tmp_path / "image.zarr", 1)
    windows = pickle.loads(pickle.dumps(open_windows(tmp_path / "image.zarr")))
    shutil.rmtree(tmp_path / "image.zarr")
    with pytest.raises(OSError, match=r"rows 0 to 1, .*there is no such folder"):
        windows.read(0, 2, 0, 2)


def test_a_zarr_path_has_a_folder_of_that_ending():
    assert is_zarr_path("a/deep.zarr/r")
    assert not is_zarr_path("deep.zarr.fits")
    assert not is_zarr_path("zarr/deep.fits")
