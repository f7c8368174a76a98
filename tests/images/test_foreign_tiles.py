"""Compressed tiles that a C library decodes are looked through before: it trusts what they say."""

import bz2
import gzip
import lzma
import zipfile

import numpy as np
import pytest
from astropy.io import fits

from skyshed.images import Window, open_image
from skyshed.images.foreign_tiles import LONG, SHORT, _wrong_list
from skyshed.kernels.hcompress import check_tiles
from tests.images import fuzz

CODINGS = [
    (algorithm, dtype, tile)
    for algorithm, dtypes in {"HCOMPRESS_1": "u1 i2 i4 f4", "PLIO_1": "i2 i4"}.items()
    for dtype in dtypes.split()
    for tile in ((8, 31), (12, 9), (5, 23), (40, 50))
]


def written(path, algorithm, dtype, tile, shape=(40, 50)):
    """Write an image with empty, bright and noisy parts; return what astropy reads of it."""
    rng = np.random.default_rng(1)
    pixels = rng.normal(40, 12, shape)
    pixels[:8], pixels[20:30, 10:30] = 0, rng.integers(0, 255, (10, 20))
    pixels = np.clip(pixels, 0, 255).astype(dtype)
    extra = {"quantize_level": 16.0} if dtype == "f4" else {}
    hdu = fits.CompImageHDU(pixels, compression_type=algorithm, tile_shape=tile, **extra)
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)
    return fits.getdata(path)


def streams(path):
    """Return the bytes of the tiles."""
    with fits.open(path, disable_image_compression=True) as hdus:
        return [np.array(row) for row in hdus[1].data["COMPRESSED_DATA"]]


@pytest.mark.parametrize(("algorithm", "dtype", "tile"), CODINGS)
def test_sound_tiles_are_read_as_they_are(tmp_path, algorithm, dtype, tile):
    path = tmp_path / "image.fits"
    expected = written(path, algorithm, dtype, tile)
    image = open_image(path).image
    assert image.foreign.algorithm == algorithm
    for window in (Window(0, 40, 0, 50), Window(7, 9, 30, 50)):
        np.testing.assert_array_equal(image.read(window), expected[window.slices])


@pytest.mark.parametrize("dtype", ["i2", "i4"])
def test_a_tile_that_lacks_one_byte_is_known_and_one_more_is_not_asked_for(tmp_path, dtype):
    """So the codes are followed to the byte where they end."""
    written(tmp_path / "image.fits", "HCOMPRESS_1", dtype, (40, 50))
    (stream,) = streams(tmp_path / "image.fits")
    n = len(stream)
    tiles = np.array([(0, n - less, 40, 50) for less in (0, 1, 2, n // 2, n - 20, n)])
    state = check_tiles(stream, tiles, dtype == "i4", 1)
    np.testing.assert_array_equal(state, [0, 1, 1, 1, 1, 1])
    assert check_tiles(stream, np.array([(0, n, 50, 40)]), True, 1) == 3
    assert check_tiles(np.roll(stream, 1), tiles[:1], True, 1) == 2
    planes = stream.copy()
    planes[22] = 200
    assert check_tiles(planes, tiles[:1], True, 1) == 4


def test_a_tile_that_says_another_size_is_refused_with_its_place(tmp_path):
    path = tmp_path / "image.fits"
    written(path, "HCOMPRESS_1", "i2", (8, 25))
    content = bytearray(path.read_bytes())
    second = content.index(b"\xdd\x99", content.index(b"\xdd\x99") + 1)
    content[second + 2 : second + 6] = (8000).to_bytes(4, "big")
    path.write_bytes(content)
    image = open_image(path).image
    with pytest.raises(OSError, match=r"image.fits\[1\].*tile 2 .rows 0 to 7, columns 25 to 49"):
        image.read(image.everything)
    image.read(Window(0, 8, 0, 25))  # another tile


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_tiles_are_looked_through_in_files_that_are_compressed_as_a_whole(tmp_path, pack):
    path = tmp_path / "image.fits"
    expected = written(path, "HCOMPRESS_1", "i2", (8, 25))
    content = bytearray(path.read_bytes())
    path.write_bytes(pack(content))
    image = open_image(path).image
    np.testing.assert_array_equal(image.read(image.everything), expected)
    third = content.index(b"\xdd\x99")
    for _ in range(2):
        third = content.index(b"\xdd\x99", third + 1)
    content[third + 2 : third + 6] = (8000).to_bytes(4, "big")
    path.write_bytes(pack(content))
    with pytest.raises(OSError, match=r"tile 3 .*is damaged: it says that it has another size"):
        open_image(path)


def test_tiles_that_cannot_be_looked_through_are_refused(tmp_path):
    path, packed = tmp_path / "image.fits", tmp_path / "image.zip"
    written(path, "PLIO_1", "i2", (8, 25))
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, "image.fits")
    with pytest.raises(ValueError, match=r"PLIO_1 in a file compressed by zip.*unpack it with unz"):
        open_image(packed)


@pytest.mark.parametrize(
    ("algorithm", "mine", "other"), [("HCOMPRESS_1", "B", "I"), ("PLIO_1", "I", "B")]
)
def test_tiles_of_another_kind_of_word_are_refused(tmp_path, algorithm, mine, other):
    """What they hold would be decoded as another number of bytes than was looked through."""
    path = tmp_path / "image.fits"
    written(path, algorithm, "i2", (8, 25))
    content = path.read_bytes()
    path.write_bytes(content.replace(b"'1P" + mine.encode(), b"'1P" + other.encode(), 1))
    with pytest.raises(ValueError, match=f"COMPRESSED_DATA is '1P{other}.*are '1P{mine}'"):
        open_image(path)


def test_lists_of_pixels_may_begin_at_an_odd_byte(tmp_path):
    """Other columns of the table leave bytes among them."""
    path = tmp_path / "image.fits"
    expected = written(path, "PLIO_1", "i2", (8, 25))
    with fits.open(path, disable_image_compression=True) as hdus:
        table = hdus[1]
        begin, n_rows = table.fileinfo()["datLoc"], table.header["NAXIS2"]
        heap, size = begin + table.header["NAXIS1"] * n_rows, table.header["PCOUNT"]
    content = bytearray(path.read_bytes())
    rows = np.frombuffer(content, ">i4", 2 * n_rows, begin).reshape(-1, 2)
    third = int(rows[2, 1])
    rows[2:, 1] += 1
    content[heap + third + 1 : heap + 1 + size] = content[heap + third : heap + size]
    pcount = content.index(b"PCOUNT  =", 2880)
    content[pcount : pcount + 30] = f"PCOUNT  = {size + 1:20d}".encode()
    path.write_bytes(content)
    image = open_image(path).image
    np.testing.assert_array_equal(image.read(image.everything), expected)
    content[heap + third + 5 : heap + third + 7] = (30000).to_bytes(2, "big")  # words of the third
    path.write_bytes(content)
    with pytest.raises(OSError, match=r"tile 3 .* end before its pixels do"):
        image.read(image.everything)


def test_a_list_of_pixels_ends_within_its_bytes():
    short, long = np.zeros(9, "i2"), np.zeros(9, "i2")
    short[2], long[1], long[3] = 9, LONG, 9
    assert _wrong_list(short) == _wrong_list(long) == ""
    short[2], long[3] = 10, 10
    assert "end before" in _wrong_list(short)
    assert "end before" in _wrong_list(long)
    assert "end before" in _wrong_list(short[: SHORT - 1])
    long[1] = -5
    assert "no" in _wrong_list(long) or "not" in _wrong_list(long)


def test_damage_never_ends_the_process(tmp_path, monkeypatch):
    """Of files with such tiles alone; tests/images/test_fuzz.py has all kinds."""
    kept = {
        name: content for name, content in fuzz.CORPUS.items() if "plio" in name or "hc" in name
    }
    monkeypatch.setattr(fuzz, "CORPUS", kept)
    assert set(fuzz.attempts(7, range(80), tmp_path)) == {"read", "refused"}
