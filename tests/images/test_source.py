"""What is promised of every source of pixels, whatever holds them."""

import gzip
import json
import os
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import astropy.units as u
import dask.array
import numpy as np
import pytest
import zarr
from astropy.io import fits
from astropy.nddata import CCDData
from hypothesis import given, settings
from hypothesis import strategies as st

from skyshed.images import ImageSource, Window, cut, open_image
from tests.images.skies import header_at

SHAPE = (23, 31)
REGION = Window(3, 20, 5, 29)
#: A value of the pixels that stands for none where there is BLANK.
BLANK = -7


@dataclass(frozen=True)
class Kind:
    """How an image is made that has these pixels.

    Attributes
    ----------
    make : callable
        ``make(folder, pixels)`` returns what is given to `open_image`; pixels are int16.
    dtype : str
        What `read` must return.
    values : callable
        Makes of the pixels what `read` must return.
    in_memory : bool
        Whether the pixels are in memory.
    windowed : bool
        Whether windows take less memory than the image.
    """

    make: Callable[[Path, Any], Any]
    dtype: str
    values: Callable[[Any], Any] = lambda pixels: pixels
    in_memory: bool = False
    windowed: bool = True


def plain(folder, pixels):
    fits.writeto(folder / "a.fits", pixels.astype(np.float32), overwrite=True)
    return folder / "a.fits"


def in_an_extension(folder, pixels):
    hdus = [fits.PrimaryHDU(), fits.ImageHDU(pixels[None], name="SCI")]
    fits.HDUList(hdus).writeto(folder / "a.fits", overwrite=True)
    return f"{folder}/a.fits[SCI]"


def with_cards(**cards):
    def make(folder, pixels):
        fits.writeto(folder / "a.fits", pixels, overwrite=True)
        # On disk, as other writers leave it: astropy would change the array instead.
        with fits.open(folder / "a.fits", "update", do_not_scale_image_data=True) as hdus:
            hdus[0].header.update(cards)
        return folder / "a.fits"

    return make


def compressed(folder, pixels):
    hdu = fits.CompImageHDU(pixels.astype(np.int32), name="SCI", tile_shape=(7, 9))
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(folder / "a.fits.fz", overwrite=True)
    return folder / "a.fits.fz"


def gzipped(folder, pixels):
    content = plain(folder, pixels).read_bytes()
    (folder / "a.fits.gz").write_bytes(gzip.compress(content))
    return folder / "a.fits.gz"


def in_zarr(store, pixels):
    return zarr.create_array(store, data=pixels.astype(np.float32), chunks=(8, 9), overwrite=True)


def zarr_folder(folder, pixels):
    in_zarr(folder / "a.zarr", pixels)
    return folder / "a.zarr"


def mapped(folder, pixels):
    np.save(folder / "a.npy", pixels.astype(">f4"))
    return np.load(folder / "a.npy", mmap_mode="r")


def as_array(convert):
    def make(folder, pixels):
        array = convert(pixels)
        array.setflags(write=False)
        return array

    return make


def joined(folder, pixels, columns=((0, 12), (12, SHAPE[1]))):
    paths = []
    for number, ((y0, y1), (x0, x1)) in enumerate(product(((0, 9), (9, SHAPE[0])), columns)):
        paths.append(folder / f"{number}.fits")
        fits.writeto(paths[-1], pixels[y0:y1, x0:x1], header_at(y0, x0), overwrite=True)
    return paths


def joined_with_a_gap(folder, pixels):
    return joined(folder, pixels, ((0, 12), (15, SHAPE[1])))


def nan_in_the_gap(pixels):
    expected = pixels.astype(np.float64)
    expected[:, 12:15] = np.nan
    return expected


def nan_where_blank(pixels):
    return np.where(pixels == BLANK, np.nan, pixels)


SCALE = {"BSCALE": 0.5, "BZERO": 100.0}
KINDS = {
    "FITS": Kind(plain, "f4"),
    "FITS of int16 in an extension": Kind(in_an_extension, "i2"),
    "scaled FITS": Kind(with_cards(**SCALE), "f4", lambda pixels: 0.5 * pixels + 100),
    "FITS with BLANK": Kind(
        with_cards(BLANK=BLANK, BSCALE=2.0), "f4", lambda pixels: 2 * nan_where_blank(pixels)
    ),
    "compressed FITS": Kind(compressed, "i4"),
    "gzipped FITS": Kind(gzipped, "f4", in_memory=True, windowed=False),
    "Zarr in a folder": Kind(zarr_folder, "f4"),
    "Zarr in memory": Kind(lambda _, pixels: in_zarr(zarr.storage.MemoryStore(), pixels), "f4"),
    "Dask": Kind(
        lambda _, pixels: 2.0 * dask.array.from_array(pixels, chunks=(8, 9)), "f8",
        lambda pixels: 2 * pixels,
    ),
    "NumPy": Kind(as_array(lambda pixels: pixels.astype(np.float32)), "f4", in_memory=True),
    "NumPy of bool": Kind(as_array(lambda p: p > 0), "?", lambda p: p > 0, in_memory=True),
    "big-endian": Kind(as_array(lambda pixels: pixels.astype(">f8")), "f8", in_memory=True),
    "Fortran order": Kind(as_array(lambda p: np.asfortranarray(p, "f4")), "f4", in_memory=True),
    "a view": Kind(as_array(lambda p: np.repeat(p, 2, 1)[::-1, ::2][::-1]), "i2", in_memory=True),
    "memory map": Kind(mapped, "f4"),
    "Quantity": Kind(lambda _, pixels: pixels << u.nJy, "f8", in_memory=True),
    "HDU": Kind(lambda _, pixels: fits.ImageHDU(pixels.astype("f4")), "f4", in_memory=True),
    "CCDData": Kind(lambda _, pixels: CCDData(pixels, unit="adu"), "i2", in_memory=True),
    "joined": Kind(joined, "i2"),
    "joined with a gap": Kind(joined_with_a_gap, "f8", nan_in_the_gap),
}  # fmt: skip


def draw_pixels(seed):
    return np.random.default_rng(seed).integers(-50, 50, SHAPE, dtype=np.int16)


@dataclass(frozen=True)
class Case:
    """A source, and what it must read."""

    kind: Kind
    folder: Path
    given: Any
    source: ImageSource
    expected: Any


@pytest.fixture(
    scope="module",
    params=list(product(KINDS, (False, True))),
    ids=lambda p: f"{p[0]}{', a region' * p[1]}",
)
def case(request, tmp_path_factory):
    name, region = request.param
    kind, folder, pixels = KINDS[name], tmp_path_factory.mktemp("case"), draw_pixels(1)
    given = kind.make(folder, pixels)
    source, expected = open_image(given).image, kind.values(pixels)
    if region:
        source, expected = cut(source, REGION), expected[REGION.slices]
    return Case(kind, folder, given, source, expected.astype(kind.dtype))


@st.composite
def windows_of(draw, shape):
    y0, x0 = (draw(st.integers(0, length - 1)) for length in shape)
    y1, x1 = draw(st.integers(y0 + 1, shape[0])), draw(st.integers(x0 + 1, shape[1]))
    return Window(y0, y1, x0, x1)


def check(source, window, expected):
    """Check the pixels of a window, and what they are promised to be."""
    found = source.read(window)
    assert type(found) is np.ndarray
    assert found.dtype == source.dtype == expected.dtype
    assert found.dtype.isnative
    assert found.flags.c_contiguous
    np.testing.assert_array_equal(found, expected[window.slices])


def test_what_is_known_without_reading(case):
    source = case.source
    assert isinstance(source, ImageSource)
    assert source.shape == case.expected.shape
    assert all(type(length) is int for length in source.shape)
    assert source.everything == Window(0, source.shape[0], 0, source.shape[1])
    assert source.dtype == case.expected.dtype
    assert source.dtype.isnative
    assert (source.held_bytes > 0) == case.kind.in_memory
    assert source.windowed == case.kind.windowed
    assert source.label


@given(data=st.data())
@settings(max_examples=12)
def test_any_window_is_that_of_the_whole(case, data):
    check(case.source, case.source.everything, case.expected)
    check(case.source, data.draw(windows_of(case.source.shape)), case.expected)


def test_a_source_that_was_sent_reads_the_same(case):
    source, sent = case.source, pickle.dumps(case.source)
    for again in (pickle.loads(sent), pickle.loads(pickle.dumps(pickle.loads(sent)))):
        for window in (Window(2, 9, 1, 20), again.everything):
            check(again, window, case.expected)
        assert again.shape == source.shape
        assert again.unit == source.unit
        assert (again.wcs is None) == (source.wcs is None)
        assert again.origin() == source.origin()
        assert again.fingerprint() == source.fingerprint()


def test_several_threads_can_read(case):
    windows = [Window(y, y + 3, x, x + 5) for y in range(0, 12, 2) for x in range(0, 18, 3)]
    with ThreadPoolExecutor(4) as threads:
        for window, found in zip(windows, threads.map(case.source.read, windows), strict=True):
            np.testing.assert_array_equal(found, case.expected[window.slices])


def test_the_record_says_where_it_comes_from(case):
    origin = case.source.origin()
    assert origin["input"]
    assert all(isinstance(value, str | int) for value in origin.values())
    region = "3:20,5:29" if case.source.shape == REGION.shape else None
    assert origin.get("region") == region
    given = case.given
    if isinstance(given, str | Path):
        assert origin["input"] == str(given).removesuffix("[SCI]")
    else:
        paths = ", ".join(map(str, given)) if isinstance(given, list) else "array"
        assert origin["input"] == paths


def content(given):
    """Return copies of the pixels of an object in memory."""
    data = getattr(given, "data", None) if not isinstance(given, np.ndarray) else given
    return np.copy(data) if isinstance(data, np.ndarray) else None


def test_what_is_given_is_not_modified(case):
    def seen():
        files = {path: path.read_bytes() for path in case.folder.rglob("*") if path.is_file()}
        return files, content(case.given)

    files, pixels = seen()
    source = open_image(case.given).image
    source.read(source.everything)
    source.fingerprint(), source.origin(), source.wcs, source.unit
    pickle.loads(pickle.dumps(source)).read(Window(0, 1, 0, 1))
    after, pixels_after = seen()
    assert after == files
    if pixels is not None:
        assert pixels_after.dtype == pixels.dtype
        np.testing.assert_array_equal(pixels_after, pixels)


def facts(source):
    found = source.fingerprint()
    assert json.loads(json.dumps(found)) == found
    assert found["shape"] == list(source.shape if "region" not in found else source.whole.shape)
    assert found["dtype"] == str(source.dtype)
    return found


@pytest.mark.parametrize("region", [False, True])
@pytest.mark.parametrize("name", KINDS)
def test_a_changed_image_has_another_fingerprint(tmp_path, name, region):
    def opened(seed):
        source = open_image(KINDS[name].make(tmp_path, draw_pixels(seed))).image
        return cut(source, REGION) if region else source

    source = opened(1)
    before = facts(source)
    assert facts(source) == before
    assert ("region" in before) == region
    seen = [before]
    if region:
        seen += [facts(source.whole), facts(cut(source.whole, REGION.moved(0, 1)))]
    # Files are dated to the tick of a clock, which may be the same.
    old = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    changed = opened(2)
    for path in tmp_path.rglob("*"):
        later = max(path.stat().st_mtime_ns, old.get(path, 0)) + 10**9
        os.utime(path, ns=(later, later))
    seen.append(facts(changed))
    assert all(one != other for k, one in enumerate(seen) for other in seen[:k])
