"""Pixels that do not have the checksum that their file carries are refused, never measured."""

import gzip
import os

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st

from skyshed import extract
from skyshed.images import Window, cut, open_image
from skyshed.images.checksums import datasum
from tests.images.files import stars
from tests.images.test_packed import PACKS
from tests.tiled import outcome, tiled

#: Ways in which an image of a file with DATASUM is stored.
STORED = {
    "plain": lambda pixels: fits.PrimaryHDU(pixels),
    "extension": lambda pixels: fits.ImageHDU(pixels),
    "scaled": lambda pixels: fits.ImageHDU(np.round(pixels).astype(np.uint16)),
    "compressed": lambda pixels: fits.CompImageHDU(pixels, compression_type="GZIP_2"),
    "cube": lambda pixels: fits.ImageHDU(pixels[np.newaxis]),
}


def written(folder, kind, checksum="datasum"):
    """Write an image; return the file and where in it the data of the image are."""
    path, hdu = folder / f"{kind}.fits", STORED[kind](stars())
    first = [] if kind == "plain" else [fits.PrimaryHDU()]
    fits.HDUList([*first, hdu]).writeto(path, checksum=checksum)
    with fits.open(path, disable_image_compression=True) as hdus:
        where = hdus[-1].fileinfo()
    return path, where["datLoc"], where["datSpan"]


def flip(path, at, bit=0):
    """Flip a bit of a file."""
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1 << bit]))


@pytest.mark.parametrize("checksum", ["datasum", True])
@pytest.mark.parametrize("kind", STORED)
def test_a_flipped_bit_under_datasum_is_refused(tmp_path, kind, checksum):
    path, begins, size = written(tmp_path, kind, checksum)
    found = extract(path, n_threads=1)
    assert len(found.table) > 0
    # The last bytes fill the block, and are part of the sum.
    for at in (begins + 4000, begins + size - 1):
        flip(path, at)
        with pytest.raises(OSError, match=rf"{kind}\.fits\[\d\] is damaged: the sum.*DATASUM says"):
            extract(path, n_threads=1)
        with pytest.raises(OSError, match=r"is damaged: the sum"):
            extract(stars(), mask=path, n_threads=1)
        if kind != "compressed":
            with pytest.raises(OSError, match=r"is damaged: the sum"):
                tiled(path)
        flip(path, at)
    extract(path, n_threads=1)


def test_a_part_of_a_list_is_compared_and_a_region_is_not(tmp_path):
    path, begins, _ = written(tmp_path, "plain")
    for name, where in (("a", "[1:120,1:120]"), ("b", "[121:240,1:120]")):
        header = fits.Header({"DETSEC": where})
        fits.writeto(tmp_path / f"{name}.fits", stars(), header, checksum=True)
    both = open_image([tmp_path / "a.fits", tmp_path / "b.fits"]).image
    both.verify()
    flip(tmp_path / "b.fits", os.path.getsize(tmp_path / "b.fits") - 3000)
    with pytest.raises(OSError, match=r"b\.fits\[0\] is damaged"):
        both.verify()
    # A sum is of all pixels: that of a part would take the time of the whole.
    flip(path, begins + 4000)
    image = open_image(path).image
    cut(image, Window(0, 50, 0, 50)).verify()
    with pytest.raises(OSError, match="is damaged"):
        cut(image, image.everything).verify()


def test_files_without_a_checksum_or_with_a_strange_one_are_read(tmp_path):
    for number, text in enumerate(["", "none", "-1"]):
        path = tmp_path / f"{number}.fits"
        fits.writeto(path, stars(), fits.Header({"DATASUM": text}))
        assert np.array_equal(open_image(path).image.read(Window(0, 9, 0, 9)), stars()[:9, :9])
        open_image(path).image.verify()


def test_a_file_that_is_cut_off_is_said_to_be_that(tmp_path):
    path, begins, size = written(tmp_path, "plain")
    os.truncate(path, begins + size // 2)
    with pytest.raises(OSError, match="cut off"):
        extract(path)


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 3))
def test_the_sum_is_that_of_astropy(tmp_path_factory, content, high):
    path = tmp_path_factory.mktemp("sum") / "image.fits"
    pixels = np.frombuffer((content + b"\xff" * 4 * high).ljust(1, b"\0"), np.uint8)
    fits.writeto(path, pixels.reshape(1, -1), checksum="datasum")
    said = int(fits.getval(path, "DATASUM"))
    assert (datasum(path, 2880, 2880) - said) % (2**32 - 1) == 0


def test_sums_of_large_words_do_not_overflow(tmp_path):
    path = tmp_path / "image.fits"
    fits.writeto(path, np.full((1500, 1001), -1, np.int32), checksum="datasum")
    open_image(path).image.verify()


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz"])
def test_a_flipped_bit_of_a_packed_file_never_gives_other_pixels(tmp_path, kind):
    rng = np.random.default_rng(6)
    pixels = np.round(stars()).astype(np.int16)[:40]
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(pixels)]).writeto(tmp_path / "image.fits")
    content = PACKS[kind]((tmp_path / "image.fits").read_bytes())
    path, refused = tmp_path / f"image.fits.{kind}", 0
    for at in rng.integers(0, len(content), 60):
        flipped = bytearray(content)
        flipped[at] ^= 1 << int(rng.integers(8))
        path.write_bytes(flipped)
        image = outcome(lambda: open_image(path).image)[0]
        if isinstance(image, Exception):
            assert isinstance(image, OSError)
            assert str(path) in str(image)
            refused += 1
        else:  # a time or a name in the header of the file
            assert np.array_equal(image.read(image.everything), pixels)
    assert refused > 40


def test_the_rest_of_a_packed_file_counts_too(tmp_path):
    """The checksum is that of all HDUs: what is behind the image may not be read at all."""
    hdus = [fits.PrimaryHDU(stars()), fits.ImageHDU(np.zeros((100, 100)))]
    fits.HDUList(hdus).writeto(tmp_path / "image.fits")
    content = bytearray(gzip.compress((tmp_path / "image.fits").read_bytes()))
    content[-6] ^= 1  # in the checksum itself
    (tmp_path / "image.fits.gz").write_bytes(content)
    with pytest.raises(
        OSError, match=r"image\.fits\.gz is damaged: gunzip would not unpack it .*CRC"
    ):
        open_image(f"{tmp_path}/image.fits.gz[0]")


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_flipped_bit_of_a_block_of_asdf_is_refused(tmp_path, compression):
    asdf = pytest.importorskip("asdf")
    path = tmp_path / "image.asdf"
    asdf.AsdfFile({"data": stars()}).write_to(path, all_array_compression=compression)
    expected = extract(stars(), n_threads=1)
    assert len(extract(path, n_threads=1).table) == len(expected.table)
    flip(path, os.path.getsize(path) * 2 // 3)
    with pytest.raises(OSError, match=r"image\.asdf\[data\] is damaged: its data do not have"):
        extract(path, n_threads=1)
