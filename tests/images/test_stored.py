"""Plain FITS files have the pixels of astropy: any BITPIX, BSCALE, BZERO and BLANK."""

from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits

from skyshed import extract
from skyshed.images import Window, cut, open_exposure, open_image
from skyshed.kernels.stored import cpu
from tests.images.rice_tries import windows

#: BITPIX -> how numbers lie in a file.
STORED = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
SCALINGS = [
    {}, {"BSCALE": 1.0, "BZERO": 0.0}, {"BSCALE": 2}, {"BZERO": -5.25}, {"BSCALE": 0.1, "BZERO": 3},
    {"BSCALE": 1e-30, "BZERO": 1e30}, {"BSCALE": 1e38}, {"BZERO": "offset"}, {"BSCALE": 0.0},
    {"BZERO": "offset", "BSCALE": 2.0}, {"BSCALE": 1e300}, {"BZERO": -0.0}, {"BSCALE": -1},
]  # fmt: skip
OFFSETS = {8: -128, 16: 1 << 15, 32: 1 << 31, 64: 1 << 63}


def write(path, rng, bits, cards, shape):
    """Write random bytes: also NaN of all kinds, infinities and subnormal numbers."""
    stored = np.dtype(STORED[bits])
    numbers = np.frombuffer(rng.bytes(int(np.prod(shape)) * stored.itemsize), stored).copy()
    if "BLANK" in cards:
        numbers[rng.random(numbers.size) < 0.2] = cards["BLANK"]
    if bits < 0:
        some = rng.random(numbers.size) < 0.5
        numbers[some] = rng.normal(size=int(some.sum()))
        numbers[:4] = np.nan, np.inf, -np.inf, -0.0
    cards = {k: OFFSETS.get(bits, 0.5) if v == "offset" else v for k, v in cards.items()}
    header = fits.Header([("SIMPLE", True), ("BITPIX", bits), ("NAXIS", len(shape))])
    for k, length in enumerate(shape[::-1], 1):
        header[f"NAXIS{k}"] = length
    header.update(cards)
    content = numbers.tobytes()
    path.write_bytes(header.tostring().encode() + content + b"\0" * (-len(content) % 2880))


@pytest.mark.parametrize("bits", STORED)
@pytest.mark.parametrize("cards", SCALINGS, ids=str)
def test_pixels_are_astropys(tmp_path, monkeypatch, bits, cards):
    monkeypatch.setattr(cpu, "PIECE", 1 << 10)  # so that a window takes several
    rng = np.random.default_rng(abs(bits))
    blanks = [None] if bits < 0 else [None, 0, 7, np.iinfo(STORED[bits]).max]
    for blank in blanks:
        for shape in ((37, 41), (1, 3, 700), (2, 1, 5, 9)):
            card = {} if blank is None else {"BLANK": int(blank)}
            write(tmp_path / "image.fits", rng, bits, {**cards, **card}, shape)
            plane = "[1]" if shape[0] == 2 else ""
            source = open_image(f"{tmp_path}/image.fits[0]{plane}").image
            assert source.begins is not None or cards.get("BSCALE") == 1e300
            theirs = replace(source, begins=None)
            # astropy passes over a BLANK of 0, and over that of unsigned integers.
            if blank and "offset" not in cards.values() and shape[0] == 37:
                with fits.open(tmp_path / "image.fits") as hdus, np.errstate(all="ignore"):
                    expected = np.asarray(hdus[0].data, source.dtype)
                assert source.read(source.everything).tobytes() == expected.tobytes()
            for window in windows(rng, source.shape):
                with np.errstate(all="ignore"):
                    ours, expected = source.read(window), theirs.read(window)
                assert ours.dtype == source.dtype == expected.dtype
                assert ours.tobytes() == expected.tobytes(), window
                pixels, bad = source.read_marked(window, None)
                assert pixels.tobytes() == expected.tobytes()
                if bad is not None:
                    np.testing.assert_array_equal(bad, ~np.isfinite(expected))
            if blank is not None:
                integers, expected = source.as_integers(), theirs.as_integers()
                everything = source.everything
                assert integers.read(everything).tobytes() == expected.read(everything).tobytes()


@pytest.mark.parametrize("dtype", ["u2", "u4", "u8", "i1"])
def test_unsigned_integers_are_those_that_were_written(tmp_path, dtype):
    limits = np.iinfo(dtype)
    numbers = np.array([[limits.min, limits.max, 0], [1, limits.max // 2, 100]], dtype)
    fits.writeto(tmp_path / "image.fits", numbers)
    source = open_image(tmp_path / "image.fits").image
    found = source.read(source.everything)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, numbers)


def test_a_mask_of_what_is_not_finite_comes_with_the_pixels(tmp_path):
    image = np.random.default_rng(1).normal(size=(60, 70)).astype("f4")
    image[3, 5], image[9, 8] = np.nan, np.inf
    fits.writeto(tmp_path / "image.fits", image)
    exposure = open_exposure(tmp_path / "image.fits")
    planes = exposure.read()
    np.testing.assert_array_equal(planes.mask, ~np.isfinite(image))
    assert exposure.read(Window(10, 20, 10, 20)).mask is None
    region = cut(exposure.image, Window(2, 12, 3, 13))
    _, bad = region.read_marked(region.everything, None)
    assert np.argwhere(bad).tolist() == [[1, 2], [7, 5]]


def test_a_file_that_is_cut_off_is_refused(tmp_path):
    write(tmp_path / "image.fits", np.random.default_rng(1), 16, {"BZERO": 5}, (100, 300))
    content = (tmp_path / "image.fits").read_bytes()
    (tmp_path / "image.fits").write_bytes(content[: 2880 + 59_999])
    source = open_image(tmp_path / "image.fits").image
    assert source.read(Window(0, 99, 0, 300)).shape == (99, 300)
    with pytest.raises(OSError, match=r"image\.fits.*rows 0 to 99.*cut off"):
        source.read(source.everything)


def test_any_byte_order_and_scale_gives_the_same_catalog(tmp_path):
    """Positions and areas of a scaled integer image are those of its pixels in memory."""
    rng = np.random.default_rng(2)
    image = rng.normal(100, 3, (150, 150))
    image[40:46, 50:57] += 90
    stored = (image / 0.25).round().astype("i2")
    header = fits.Header({"BSCALE": 0.25, "BZERO": 10.0})
    hdu = fits.PrimaryHDU(stored)
    hdu.header.update(header)
    path = tmp_path / "image.fits"
    text = hdu.header.tostring().encode()
    path.write_bytes(text + stored.astype(">i2").tobytes() + bytes(-stored.nbytes % 2880))
    found = extract(path, n_threads=1)
    expected = extract(stored.astype("f4") * np.float32(0.25) + np.float32(10), n_threads=1)
    assert len(found.table) == len(expected.table) >= 1
    assert np.array_equal(found.table["segment_flux"], expected.table["segment_flux"])
