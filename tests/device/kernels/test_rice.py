"""Tiles compressed by RICE_1 on the GPU: the CPU twin's bits, in any order of threads."""

import numpy as np
import pytest
from astropy.io import fits

from skyshed.images import Window, open_exposure
from skyshed.kernels import rice
from skyshed.kernels.rice import Coding
from skyshed.kernels.rice.dithering import RANDOMS
from tests.device import standin
from tests.device.kernels.twins import both, identical
from tests.images.rice_files import draw
from tests.kernels.test_rice import streams, unscaled


@pytest.mark.parametrize("size", [1, 2, 4])
@pytest.mark.parametrize("dtype", ["u1", "i2", "i4", "i8", "f4", "f8"])
def test_numbers_are_those_of_the_cpu(cupy, size, dtype):
    _, stream, tiles = streams(size, 32, 40, 77)
    scale, zero, blank = unscaled(40)
    blank[::3] = 0
    coding = Coding(size, 32, blank_pixel=7)
    identical(
        *both(
            cupy, rice.decode_tiles, stream, tiles, (scale, zero, blank), coding, (40, 77),
            np.dtype(dtype), None,
        )
    )  # fmt: skip


def test_every_kind_of_pixel_is_laid(cupy):
    """In one test, as sanitizers run each with its first parameters alone."""
    _, stream, tiles = streams(4, 16, 3, 50)
    scaling = np.full(3, 0.5), np.full(3, 2.0), np.array([1, 2, 3])
    for dtype in ("u1", "i2", "i4", "i8", "f4", "f8"):
        for dither in (0, 1, 2) if dtype[0] == "f" else (0,):
            result, expected = both(
                cupy, rice.decode_tiles, stream, tiles, scaling, Coding(4, 16, dither), (3, 50),
                np.dtype(dtype), None,
            )  # fmt: skip
            identical(result, expected)


@pytest.mark.parametrize("dither", [0, 1, 2])
@pytest.mark.parametrize("rounding", [0, 1, 2])
def test_floats_are_those_of_the_cpu(cupy, schedule, dither, rounding):
    numbers, stream, tiles = streams(2, 16, 5, 700)
    rng = np.random.default_rng(1)
    tiles[:, 10] = rng.integers(RANDOMS, size=5)
    scaling = rng.uniform(0.1, 2, 5), rng.normal(size=5), numbers[:, 3].astype(np.int64)
    result, expected = both(
        cupy, rice.decode_tiles, stream, tiles, scaling, Coding(2, 16, dither, rounding), (5, 700),
        np.dtype("f4"), None,
    )  # fmt: skip
    assert np.isnan(expected[0]).any()
    identical(result, expected)


def test_parts_of_tiles_and_long_runs(cupy):
    """Tiles of 2 x 11000 pixels whose columns are the window's rows."""
    _, stream, tiles = streams(4, 32, 3, 22000)
    tiles[:, 3:10] = 9480, 1, 11000, 0, 40, 0, 2
    tiles[:, 8] = [0, 2, 4]
    tiles[:, 9] = [2, 4, 6]
    tiles[:, 10] = [0, 5000, 9999]
    for dtype in (np.dtype("f8"), np.dtype("i4")):
        result, expected = both(
            cupy, rice.decode_tiles, stream, tiles, unscaled(3), Coding(4, 32, 2), (40, 6), dtype,
            None,
        )  # fmt: skip
        identical(result, expected)
        assert expected[0].any()


def test_what_is_damaged_is_said(cupy):
    states = set()
    for k in range(24):
        rng = np.random.default_rng(k)
        size, length = int(rng.choice([1, 2, 4])), int(rng.integers(0, 40))
        stream = rng.integers(0, 256, length).astype(np.uint8)
        if k % 4 == 0:
            stream[size:] = 0
            stream[size : size + 1] = 0x40
        tiles = np.array([[0, length, 30, 0, 30, 1, 0, 1, 0, 30, 0]])
        found, expected = both(
            cupy, rice.decode_tiles, stream, tiles, unscaled(1), Coding(size, 32), (1, 30),
            np.dtype("i4"), None,
        )  # fmt: skip
        assert found[1] == expected[1]
        states.add(int(expected[1][0]))
    assert states >= {1, 2}


def test_no_tile_is_an_empty_window(cupy):
    _, stream, tiles = streams(4, 32, 1, 30)
    identical(
        *both(
            cupy, rice.decode_tiles, stream, tiles[:0], unscaled(0), Coding(4, 32), (2, 3),
            np.dtype("f4"), None,
        )
    )  # fmt: skip


@pytest.mark.costs
@pytest.mark.parametrize("dtype", ["f4", "i2", "u2"])
def test_what_goes_to_the_device_are_the_compressed_bytes(tmp_path, dtype):
    image = np.random.default_rng(1).normal(500, 30, (128, 600)).astype(dtype)
    hdu = fits.CompImageHDU(image, compression_type="RICE_1", quantize_method=2)
    hdu.writeto(tmp_path / "image.fits")
    window = Window(20, 120, 30, 290)
    with standin.in_place():
        exposure = open_exposure(f"{tmp_path}/image.fits[1]", device="cuda")
        with standin.ledger() as ledger:
            planes = exposure.read(window)
        found = planes.data.get()
    expected = open_exposure(f"{tmp_path}/image.fits[1]").read(window).data
    assert found.tobytes() == expected.tobytes()
    with fits.open(tmp_path / "image.fits", disable_image_compression=True) as hdus:
        compressed = hdus[1].header["PCOUNT"] * 100 / 128
    # Of each tile also its place and its scaling, of dithered images the random numbers.
    others = 100 * 8 * 15 + 10_000 * 4 + 20_001 * 8
    assert ledger.total.uploaded < 1.05 * compressed + others
    assert ledger.total.uploaded > 0.95 * compressed


def test_random_files_have_the_pixels_of_the_host(cupy, tmp_path):
    """Also with tiles that are not coded, which the host unpacks."""
    for k in range(25):
        of = draw(np.random.default_rng((11, k)))
        if len(of.shape) > 2 or max(of.shape) > 1000:
            continue
        of.write(tmp_path / "image.fits")
        expected = open_exposure(f"{tmp_path}/image.fits[1]").image
        found, _ = expected.read_marked(expected.everything, "cuda")
        assert cupy.asnumpy(found).tobytes() == expected.read(expected.everything).tobytes()
