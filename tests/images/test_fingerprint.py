"""A changed image is noticed, an unchanged one is not taken for another."""

import json
import os

import astropy.units as u
import dask.array
import numpy as np
import pytest
import zarr
from astropy.io import fits

from skyshed.images import Window, cut, open_image
from skyshed.images.arrays import ArraySource
from skyshed.images.fingerprint import SAMPLE, content_digest
from tests.pipeline_field import make_wcs


@pytest.fixture
def pixels():
    return np.random.default_rng(5).normal(size=(40, 50)).astype(np.float32)


def facts(image):
    found = open_image(image).image.fingerprint()
    assert found == open_image(image).image.fingerprint()
    assert json.loads(json.dumps(found)) == found
    return found


def later(path):
    """Set a file's time, as if it had been written a moment later with the same size."""
    found = os.stat(path)
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns + 1))


def test_a_file_is_known_by_its_size_and_time(tmp_path, pixels, monkeypatch):
    path = tmp_path / "image.fits"
    fits.HDUList([fits.PrimaryHDU(pixels), fits.ImageHDU(pixels)]).writeto(path)
    before = facts(path)
    assert before == {
        "path": str(path), "size": path.stat().st_size, "mtime_ns": path.stat().st_mtime_ns,
        "hdu": 0, "shape": [40, 50], "dtype": "float32", "unit": "",
    }  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert facts("image.fits") == before
    assert facts("image.fits[1]") != before
    later(path)
    assert facts(path) != before
    source = open_image(path).image
    path.unlink()
    with pytest.raises(FileNotFoundError):
        source.fingerprint()


def test_parts_and_regions_are_known_by_what_they_are_of(tmp_path, pixels):
    header = make_wcs().to_header()
    fits.writeto(tmp_path / "a.fits", pixels, header)
    header["CRPIX2"] -= 40
    fits.writeto(tmp_path / "b.fits", pixels, header)
    both = [tmp_path / "a.fits", tmp_path / "b.fits"]
    before = facts(both)
    assert before["parts"] == [facts(path) for path in both]
    region = cut(open_image(both).image, Window(3, 50, 2, 20)).fingerprint()
    assert region == {**before, "region": [3, 50, 2, 20]}
    later(tmp_path / "b.fits")
    assert facts(both) != before


def test_a_zarr_array_is_known_by_its_chunks_and_metadata(tmp_path, pixels):
    path = tmp_path / "image.zarr"
    array = zarr.create_array(path, data=pixels, chunks=(16, 16))
    seen = [facts(path)]
    assert facts(array) == seen[0]
    assert seen[0]["path"] == str(path)
    later(path / "c/1/2")
    future = max(each.stat().st_mtime_ns for each in path.rglob("*")) + 10**9
    os.utime(path / "c/0/0", ns=(future, future))
    seen.append(facts(path))
    (path / "c/2/1").unlink()
    os.utime(path / "c/2", ns=(future + 1, future + 1))
    seen.append(facts(path))
    text = (path / "zarr.json").read_text()
    (path / "zarr.json").write_text(text.replace('"fill_value": 0.0', '"fill_value": 1.0'))
    os.utime(path / "zarr.json", ns=(0, 0))
    seen.append(facts(path))
    assert all(one != other for k, one in enumerate(seen) for other in seen[:k])


def test_an_array_is_known_by_its_pixels(pixels):
    before = facts(pixels)
    assert facts(pixels.copy(order="F")) == before
    assert facts(pixels << u.Jy) != before
    for y, x in ((0, 0), (17, 23), (39, 49)):
        changed = pixels.copy()
        changed[y, x] += 1
        assert facts(changed) != before
    stored = zarr.create_array(zarr.storage.MemoryStore(), data=pixels)
    assert facts(stored) == before


def test_of_a_large_array_a_sample_is_read():
    large = np.broadcast_to(np.zeros((), np.float32), (10**6, 3))
    reads = []

    class Counted:
        shape, dtype = large.shape, large.dtype

        def __getitem__(self, where):
            reads.append(where[0].start)
            return large[where]

    ArraySource(Counted()).fingerprint()
    assert len(reads) == SAMPLE
    assert (reads[0], reads[-1]) == (0, 10**6 - 1)


@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_all_pixels_count_in_a_checksum_of_the_content(n_threads):
    pixels = np.random.default_rng(6).normal(size=(2000, 300)).astype(np.float32)
    before = content_digest(ArraySource(pixels))
    assert content_digest(ArraySource(pixels), n_threads) == before
    assert content_digest(ArraySource(np.asfortranarray(pixels)), n_threads) == before
    for y, x in np.random.default_rng(7).integers((2000, 300), size=(5, 2)):
        pixels[y, x] += 1
        changed = content_digest(ArraySource(pixels), n_threads)
        assert changed != before
        before = changed


def test_a_memory_map_is_known_by_its_file(tmp_path, pixels):
    np.save(tmp_path / "image.npy", pixels)
    mapped = np.load(tmp_path / "image.npy", mmap_mode="r")
    before = facts(mapped)
    assert before["path"] == str(tmp_path / "image.npy")
    assert facts(mapped[1:]) != before
    assert facts(mapped[::-1]) != before
    later(tmp_path / "image.npy")
    assert facts(mapped) != before


def test_a_dask_array_is_known_by_what_it_computes(pixels):
    array = dask.array.from_array(pixels, chunks=10)
    before = facts(array)
    assert facts(dask.array.from_array(pixels.copy(), chunks=10)) == before
    assert facts(array + 1) != before
