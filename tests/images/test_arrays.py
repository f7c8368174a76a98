"""Arrays by windows: nothing is copied that need not be, and a memory map stays on disk."""

import pickle

import dask.array
import numpy as np
import pytest

from skyshed.images import Window, open_image
from skyshed.images.arrays import ArraySource


@pytest.fixture
def pixels():
    return np.random.default_rng(5).integers(-500, 500, (40, 50))


def test_arrays_are_sliced_and_a_memory_map_stays_on_disk(tmp_path, pixels):
    np.save(tmp_path / "image.npy", pixels.astype(">f4"))
    mapped = np.load(tmp_path / "image.npy", mmap_mode="r")
    for array, held in ((pixels.astype(np.float32), 4 * pixels.size), (mapped, 0)):
        source = open_image(array).image
        found = source.read(Window(3, 7, 5, 9))
        assert type(found) is np.ndarray
        assert found.dtype == np.float32
        assert found.flags.c_contiguous
        assert source.held_bytes == held
        np.testing.assert_array_equal(found, pixels[3:7, 5:9])


def test_pixels_that_are_ready_to_use_are_not_copied(tmp_path, pixels):
    pixels = pixels.astype(np.float32)
    np.save(tmp_path / "image.npy", pixels)
    for array in (pixels, np.load(tmp_path / "image.npy", mmap_mode="r")):
        source = open_image(array).image
        for window in (source.everything, Window(3, 9, 0, 50)):
            found = source.read(window)
            assert type(found) is np.ndarray
            assert np.shares_memory(found, array)
    for array in (pixels.astype(">f4"), np.asfortranarray(pixels)):
        source = open_image(array).image
        assert not np.shares_memory(source.read(source.everything), array)


@pytest.mark.parametrize("view", [np.s_[:, :], np.s_[5:30, 7:], np.s_[::-2, 3::4]])
def test_a_memory_map_is_sent_as_the_name_of_its_file(tmp_path, view):
    pixels = np.random.default_rng(3).normal(size=(400, 500)).astype(">f4")
    np.save(tmp_path / "image.npy", pixels)
    mapped = np.load(tmp_path / "image.npy", mmap_mode="r")[view]
    for array in (mapped, np.asarray(mapped)):
        sent = pickle.dumps(open_image(array).image)
        assert len(sent) < 2000
        again = pickle.loads(sent)
        for source in (again, pickle.loads(pickle.dumps(again))):
            assert source.shape == mapped.shape
            found = source.read(Window(1, 9, 2, 11))
            assert found.dtype == np.float32
            np.testing.assert_array_equal(found, pixels[view][1:9, 2:11])


def test_what_a_file_does_not_know_is_sent_as_pixels(tmp_path):
    np.save(tmp_path / "image.npy", np.zeros((40, 50)))
    changed = np.load(tmp_path / "image.npy", mmap_mode="c")
    changed[:] = 5
    computed = np.load(tmp_path / "image.npy", mmap_mode="r") + 5
    for array in (changed, computed, np.asarray(changed)[3:]):
        again = pickle.loads(pickle.dumps(open_image(array).image))
        assert np.all(again.read(Window(0, 9, 0, 9)) == 5)


def test_dask_arrays_are_computed_window_by_window():
    pixels = np.random.default_rng(3).normal(size=(40, 50))
    source = open_image(dask.array.from_array(pixels, chunks=(7, 9)) * 2).image
    np.testing.assert_array_equal(source.read(Window(3, 30, 5, 41)), 2 * pixels[3:30, 5:41])
    assert source.dtype == np.float64
    asked = []

    def note(block):
        asked.append(block.shape)
        return block

    noted = dask.array.from_array(pixels, chunks=(10, 10)).map_blocks(
        note, dtype=float, meta=pixels
    )
    open_image(noted).image.read(Window(3, 7, 15, 25))
    assert asked == [(10, 10)] * 2

    def broken(block):
        raise RuntimeError("no such block")

    bad = dask.array.from_array(pixels, chunks=(7, 9)).map_blocks(broken, dtype=float)
    with pytest.raises(OSError, match=r"the Array: rows 3 to 29, .* \(no such block\)"):
        open_image(bad).image.read(Window(3, 30, 5, 41))


def test_anything_that_is_sliced_can_be_a_source(pixels):
    class Slices:
        shape, dtype = pixels.shape, pixels.dtype

        def __getitem__(self, where):
            return pixels[where]

    source = ArraySource(Slices())
    np.testing.assert_array_equal(source.read(Window(3, 30, 5, 41)), pixels[3:30, 5:41])
    assert source.label == "the Slices"
    assert source.held_bytes == 0
