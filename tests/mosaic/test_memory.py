"""Tiles fit into the memory that is given, and sizes are read and written as people do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyshed.mosaic.memory import (
    available,
    in_bytes,
    memory_of_tiles,
    tiles_for,
    whole_image,
    written,
)
from skyshed.mosaic.start import Resources, fits_at_once
from skyshed.mosaic.tiling import Tiling


@pytest.mark.parametrize(
    ("spelled", "expected"),
    [
        ("600MB", 600e6), ("2GiB", 2 * 1024**3), ("1.5 gb", 1.5e9), ("10k", 1e4), ("7", 7),
        (1e9, 1e9), (123, 123), (" 1TB ", 1e12),
    ],
)  # fmt: skip
def test_sizes_are_read(spelled, expected):
    assert in_bytes(spelled) == expected


@pytest.mark.parametrize("wrong", ["", "much", "1PB", "-1GB", 0, -5, True, float("nan"), None, []])
def test_what_is_no_size_is_refused_by_name(wrong):
    with pytest.raises(ValueError, match="memory must be a number of bytes"):
        in_bytes(wrong)


@given(st.integers(1, 9 * 10**14))
def test_written_sizes_are_right_to_three_digits(size):
    text = written(size).replace("bytes", "").replace(" ", "")
    assert in_bytes(text) == pytest.approx(size, rel=0.006)


@given(
    memory=st.integers(450 * 10**6, 10**11),
    n_workers=st.integers(1, 16),
    box=st.integers(1, 300),
    itemsize=st.sampled_from([4, 8]),
)
def test_tiles_fit_into_the_memory_and_are_whole_boxes(memory, n_workers, box, itemsize):
    shape, margin = (30_000, 40_000), 64
    step = -(-256 // box) * box
    least = memory_of_tiles(Tiling(shape, (256, 256)), margin, n_workers, itemsize)
    if memory < least - 10**5:
        with pytest.raises(ValueError, match="or fewer threads"):
            tiles_for(shape, itemsize, memory, n_workers, margin, (box, box))
    elif memory > least + 10**5:
        tiling = tiles_for(shape, itemsize, memory, n_workers, margin, (box, box))
        assert all(side % box == 0 for side in tiling.side)
        # Boxes that are large may make tiles that take more.
        if memory >= memory_of_tiles(Tiling(shape, (step, step)), margin, n_workers, itemsize):
            assert memory_of_tiles(tiling, margin, n_workers, itemsize) <= memory


def test_what_is_free_is_less_than_there_is():
    assert 10**7 < available() < 10**13


def test_a_small_image_is_worked_on_at_once_and_a_large_one_is_not():
    class Image:
        dtype = np.dtype(np.float32)
        shape = (5000, 5000)

    need = whole_image(Image.shape, 4)
    assert fits_at_once(Image, Resources(memory=need + 10**9), None)
    assert not fits_at_once(Image, Resources(memory=need), None)
    assert not fits_at_once(Image, Resources(memory=need + 10**9, workspace="w"), None)
