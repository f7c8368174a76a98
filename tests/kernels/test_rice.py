"""Tiles compressed by RICE_1: numbers are those of cfitsio, and no byte beyond is read."""

import numpy as np
import pytest
from astropy.io.fits.hdu.compressed._codecs import Rice1

from skyshed.kernels.rice import NO_BLANK, Coding, decode_tiles
from skyshed.kernels.rice.dithering import RANDOMS, random_numbers

#: Bytes of a number -> what it is.
NUMBERS = {1: "u1", 2: "i2", 4: "i4"}


def streams(size, blocksize, n_tiles, n, seed=0):
    """Return numbers of tiles, their streams, and the tiles as `decode_tiles` takes them."""
    rng = np.random.default_rng(seed)
    limits = np.iinfo(NUMBERS[size])
    numbers, codes = [], []
    for k in range(n_tiles):
        spread = 10.0 ** rng.uniform(-1, 2.5 * size)
        values = rng.normal(0, spread, n).round().clip(limits.min, limits.max)
        if k % 3 == 2:
            values = rng.integers(limits.min, limits.max, n, endpoint=True)
        numbers.append(values.astype(NUMBERS[size]))
        codec = Rice1(blocksize=blocksize, bytepix=size, tilesize=n)
        codes.append(np.frombuffer(codec.encode(numbers[-1].view(f"i{size}")), np.uint8))
    lengths = np.array([len(code) for code in codes])
    tiles = np.zeros((n_tiles, 11), np.int64)
    tiles[:, 0], tiles[:, 1], tiles[:, 2] = np.cumsum(lengths) - lengths, lengths, n
    tiles[:, 4:6] = n, 1
    tiles[:, 6], tiles[:, 7] = np.arange(n_tiles), np.arange(n_tiles) + 1
    tiles[:, 9] = n
    return np.array(numbers), np.concatenate(codes), tiles


def unscaled(n):
    return np.ones(n), np.zeros(n), np.full(n, NO_BLANK)


@pytest.mark.parametrize("size", NUMBERS)
@pytest.mark.parametrize("blocksize", [1, 16, 32, 33])
@pytest.mark.parametrize("dtype", ["u1", "i2", "i4", "i8", "f4", "f8"])
def test_numbers_are_those_that_were_coded(size, blocksize, dtype):
    numbers, stream, tiles = streams(size, blocksize, 9, 301)
    found, state = decode_tiles(
        stream, tiles, unscaled(9), Coding(size, blocksize), (9, 301), np.dtype(dtype), 1
    )
    assert not state.any()
    np.testing.assert_array_equal(found, numbers.astype(dtype), strict=True)


@pytest.mark.parametrize("n_threads", [2, 3])
@pytest.mark.parametrize("dither", [0, 1, 2])
def test_any_number_of_threads_gives_the_same_bits(n_threads, dither):
    _, stream, tiles = streams(2, 32, 200, 4001)
    rng = np.random.default_rng(1)
    tiles[:, 10] = rng.integers(RANDOMS, size=200)
    scaling = rng.uniform(0.1, 2, 200), rng.normal(size=200), np.full(200, 3)
    arguments = (stream, tiles, scaling, Coding(2, 32, dither), (200, 4001), np.dtype("f4"))
    expected, found = decode_tiles(*arguments, 1), decode_tiles(*arguments, n_threads)
    assert expected[0].tobytes() == found[0].tobytes()
    assert np.isnan(expected[0]).any()


def test_random_numbers_are_those_of_the_standard():
    """Its appendix I names the last; a long tile takes run after run of them."""
    random, begins = random_numbers()
    assert len(random) == RANDOMS
    assert random[-1] == np.float32(1043618065 / 2147483647)
    n, seed = 45_000, 9_998
    stream = np.frombuffer(
        Rice1(blocksize=32, bytepix=4, tilesize=n).encode(np.zeros(n, "i4")), np.uint8
    )
    tiles = np.array([[0, len(stream), n, 0, n, 1, 0, 1, 0, n, seed]])
    coding = Coding(4, 32, dither=1)
    found, _ = decode_tiles(stream, tiles, unscaled(1), coding, (1, n), np.dtype("f8"), 1)
    expected, turn = [], seed
    while len(expected) < n:
        first = int(random[turn % RANDOMS] * np.float32(500))
        expected += random[first:].tolist()
        turn += 1
    np.testing.assert_array_equal(found[0], 0.5 - np.array(expected[:n]))
    assert (np.diff(begins) <= RANDOMS).all()


def test_streams_of_anything_end_where_their_bytes_do():
    """Numbers of random bytes: whatever is said of them, no byte beyond is read (ci/sanitize)."""
    states = set()
    for k in range(400):
        rng = np.random.default_rng(k)
        size, length = int(rng.choice([1, 2, 4])), int(rng.integers(0, 40))
        stream = rng.integers(0, 256, length).astype(np.uint8)
        if k % 4 == 0:
            stream[size:] = 0  # zeros without end
            stream[size : size + 1] = 0x40
        n = int(rng.integers(1, 60))
        tiles = np.array([[0, length, n, 0, n, 1, 0, 1, 0, n, 0]])
        _, state = decode_tiles(
            stream, tiles, unscaled(1), Coding(size, 32), (1, n), np.dtype("i4"), 1
        )
        states.add(int(state[0]))
    assert states == {0, 1, 2, 3}


def test_nothing_outside_of_tiles_is_written():
    _, stream, tiles = streams(4, 32, 2, 30)
    tiles[:, 8], tiles[:, 9] = 3, 8
    window, _ = decode_tiles(stream, tiles, unscaled(2), Coding(4, 32), (4, 12), np.dtype("i4"), 1)
    written = np.zeros((4, 12), bool)
    written[:2, 3:8] = True
    assert (window[~written] == 0).all()
    assert (window[written] != 0).any()


def test_no_tile_is_an_empty_window():
    _, stream, tiles = streams(4, 32, 1, 30)
    window, state = decode_tiles(
        stream, tiles[:0], unscaled(0), Coding(4, 32), (2, 3), np.dtype("f4"), None
    )
    assert window.tolist() == [[0, 0, 0], [0, 0, 0]]
    assert len(state) == 0
