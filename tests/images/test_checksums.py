"""Pixels that do not have the checksum that their file carries are refused, never measured."""

import gzip
import os

import numpy as np
import pytest
from astropy.io import fits

from skyshed import extract
from skyshed.images import open_image
from tests.images.files import stars
from tests.images.test_packed import PACKS
from tests.tiled import outcome


def flip(path, at, bit=0):
    """Flip a bit of a file."""
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1 << bit]))


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
