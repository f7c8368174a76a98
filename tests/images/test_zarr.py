"""Zarr arrays by windows, in folders, groups and memory."""

import pickle
import shutil

import astropy.units as u
import numpy as np
import pytest
import zarr
from astropy.wcs import WCS

from skyshed import extract
from skyshed.images import Window, open_exposure, open_image
from skyshed.images.zarr import ZarrSource, is_in_zarr
from tests.pipeline_field import make_wcs


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
    source = open_image(tmp_path / "image.zarr").image
    assert source.shape == (40, 50)
    for each in (source, pickle.loads(pickle.dumps(source))):
        found = each.read(Window(3, 37, 15, 17))
        np.testing.assert_array_equal(found, pixels[3:37, 15:17])
        assert found.dtype == source.dtype == np.dtype(dtype).newbyteorder("=")
        assert found.dtype.isnative
        assert found.flags.c_contiguous


def test_arrays_within_groups_are_found(tmp_path, pixels):
    group = zarr.create_group(tmp_path / "deep.zarr")
    group.create_array("r/image", data=pixels[None], chunks=(1, 16, 16))
    source = open_image(tmp_path / "deep.zarr/r/image").image
    np.testing.assert_array_equal(source.read(Window(0, 40, 0, 50)), pixels)
    for inner in ("", "/r"):
        with pytest.raises(ValueError, match=r"is a group of Zarr, not an array; .*arrays: "):
            open_image(f"{tmp_path}/deep.zarr{inner}")
    group.create_array("cube", shape=(3, 4, 5), dtype="f4")
    with pytest.raises(ValueError, match=r"must hold a 2-D image .* its shape is \(3, 4, 5\)"):
        open_image(f"{tmp_path}/deep.zarr/cube")


def test_an_array_of_a_folder_is_sent_as_its_path(tmp_path, pixels):
    group = zarr.create_group(tmp_path / "deep.zarr")
    for array in (
        stored(tmp_path / "image.zarr", pixels),
        group.create_array("r/image", data=pixels),
        zarr.open_array(tmp_path / "image.zarr", mode="r"),
    ):
        source = open_image(array).image
        assert isinstance(source, ZarrSource)
        assert len(pickle.dumps(source)) < 1000
        np.testing.assert_array_equal(source.read(Window(3, 9, 0, 50)), pixels[3:9])


def in_folder(path):
    """Return a store, what makes a path within it one to be opened, and how to open that."""
    return path / "store.zarr", lambda inner: path / "store.zarr" / inner


def in_memory(_):
    store = zarr.storage.MemoryStore()
    return store, lambda inner: zarr.open_array(store, path=inner, mode="r")


@pytest.mark.parametrize("place", [in_folder, in_memory])
def test_an_array_is_the_same_image_wherever_it_is(tmp_path, pixels, place):
    """Its unit and WCS too, in a group or not; also that of a map that skyshed has written."""
    store, opened = place(tmp_path)
    wcs = WCS(make_wcs().to_header())
    cards = [str(card).rstrip() for card in wcs.to_header().cards]
    zarr.create_group(store).create_array(
        "r/image", data=pixels[None], chunks=(1, 16, 16), attributes={"unit": "nJy", "wcs": cards}
    )
    given = opened("r/image")
    exposure = open_exposure(given, rms=given)
    again = pickle.loads(pickle.dumps(exposure))
    for each in (exposure, again):
        assert (each.shape, each.image.dtype, each.unit) == ((40, 50), np.float32, u.nJy)
        assert each.wcs.wcs.compare(wcs.wcs, tolerance=1e-9)
        planes = each.read(Window(3, 37, 15, 17))
        np.testing.assert_array_equal(planes.data, pixels[3:37, 15:17])
        assert planes.data.flags.c_contiguous
    assert exposure.image.fingerprint() == again.image.fingerprint()
    plain = zarr.create_array(tmp_path / "plain.zarr", data=pixels)
    assert open_exposure(plain).wcs is None


def test_a_map_that_was_written_is_known_as_an_array_too(tmp_path):
    image = make_wcs_image()
    found = extract(image, wcs=make_wcs(), box_size=16)
    found.write(tmp_path, map_format="zarr", preview=False)
    written = tmp_path / "segmentation.zarr"
    array = zarr.open_array(written, mode="r")
    copied = zarr.create_array(
        zarr.storage.MemoryStore(), data=array[:], attributes=array.attrs.asdict()
    )
    wcs = open_image(written).image.wcs
    assert wcs.wcs.compare(WCS(make_wcs().to_header()).wcs, tolerance=1e-9)
    for given in (array, copied):
        source = open_image(given, "segmentation").image
        assert source.wcs.wcs.compare(wcs.wcs)
        # An image without WCS takes that of its map.
        measured = extract(image, segmentation=given, box_size=16)
        assert measured.wcs.wcs.compare(wcs.wcs)
        assert "sky_centroid" in measured.table.colnames


def test_a_changed_array_in_memory_is_noticed(pixels):
    array = stored(zarr.storage.MemoryStore(), pixels)
    source = open_image(array, "weight").image
    assert source.origin() == {"input": "array"}
    assert source.label == "weight (a Zarr array)"
    before = source.fingerprint()
    array[3, 4] = 99
    assert source.fingerprint() != before


def make_wcs_image():
    image = np.random.default_rng(1).normal(10, 1, (64, 64)).astype(np.float32)
    image[30:34, 20:24] += 50
    return image


@pytest.mark.parametrize("compressors", ["auto", None])
@pytest.mark.parametrize("size", [0, 40])
def test_a_damaged_chunk_names_the_window(tmp_path, pixels, compressors, size):
    stored(tmp_path / "image.zarr", pixels, compressors=compressors)
    chunk = tmp_path / "image.zarr/c/1/2"
    chunk.write_bytes(chunk.read_bytes()[:size])
    source = open_image(tmp_path / "image.zarr").image
    np.testing.assert_array_equal(source.read(Window(0, 16, 0, 50)), pixels[:16])
    with pytest.raises(OSError, match=r"image\.zarr: rows 10 to 19, columns 30 to 39 cannot be"):
        source.read(Window(10, 20, 30, 40))


def test_what_is_no_zarr_is_refused(tmp_path, pixels):
    with pytest.raises(FileNotFoundError, match=r"absent\.zarr: there is no such folder"):
        open_image(tmp_path / "absent.zarr")
    (tmp_path / "empty.zarr").mkdir()
    with pytest.raises(OSError, match=r"empty\.zarr: cannot be read as Zarr"):
        open_image(tmp_path / "empty.zarr")
    stored(tmp_path / "image.zarr", pixels)
    with pytest.raises(ValueError, match="hdu is given as 1, but image is no FITS file"):
        open_image(tmp_path / "image.zarr", hdu=1)
    source = pickle.loads(pickle.dumps(open_image(tmp_path / "image.zarr").image))
    shutil.rmtree(tmp_path / "image.zarr")
    with pytest.raises(OSError, match=r"rows 0 to 1, .*there is no such folder"):
        source.read(Window(0, 2, 0, 2))


def test_a_zarr_path_has_a_folder_of_that_ending():
    assert is_in_zarr("a/deep.zarr/r")
    assert not is_in_zarr("deep.zarr.fits")
    assert not is_in_zarr("zarr/deep.fits")
