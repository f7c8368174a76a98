"""What tiling relies on: stages give a window the bits that they give it in the whole image."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyshed import (
    BkgZoomInterpolator,
    SExtractorBackground,
    StdBackgroundRMS,
    convolve,
    make_2dgaussian_kernel,
)
from skyshed.background.base import DEFAULT_CLIP
from skyshed.background.box_values import measure_boxes
from skyshed.mosaic.tiling import Tiling

ESTIMATORS = {"bkg_estimator": SExtractorBackground(), "bkgrms_estimator": StdBackgroundRMS()}
DTYPES = st.sampled_from([np.float32, np.float64])


def field(seed, shape, dtype, share_of_nan=0.02):
    """Return noise with bright spots and NaN."""
    rng = np.random.default_rng(seed)
    data = rng.normal(10, 2, shape)
    data[rng.random(shape) < 0.02] *= 30
    data[rng.random(shape) < share_of_nan] = np.nan
    return data.astype(dtype)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(8, 70), st.integers(8, 70)),
    box=st.tuples(st.integers(4, 16), st.integers(4, 16)),
    largest=st.integers(8, 40),
    dtype=DTYPES,
)
def test_boxes_of_a_tile_are_those_of_the_image(seed, shape, box, largest, dtype):
    box = min(box[0], shape[0]), min(box[1], shape[1])
    data = field(seed, shape, dtype)
    mask = np.random.default_rng(seed + 1).random(shape) < 0.05
    whole = measure_boxes(data, mask, box, DEFAULT_CLIP, ESTIMATORS, 1)
    tiling = Tiling.of(shape, largest, box)
    for place in tiling:
        window = tiling[place]
        part = (np.ascontiguousarray(each[window.slices]) for each in (data, mask))
        found = measure_boxes(*part, box, DEFAULT_CLIP, ESTIMATORS, 1)
        rows, columns = found.level.shape
        y, x = window.y0 // box[0], window.x0 // box[1]
        here = np.s_[y : y + rows, x : x + columns]
        for name in ("level", "noise", "n_good"):
            np.testing.assert_array_equal(getattr(found, name), getattr(whole, name)[here])


@pytest.mark.parametrize("size", [3, 5, 9])
@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(12, 90), st.integers(12, 90)),
    largest=st.integers(6, 50),
    share=st.sampled_from([0.0, 0.001, 0.2]),
    dtype=DTYPES,
)
def test_convolution_of_a_window_and_its_margin_is_that_of_the_image(
    size, seed, shape, largest, share, dtype
):
    data = field(seed, shape, dtype, share)
    mask = np.random.default_rng(seed + 1).random(shape) < share
    kernel = make_2dgaussian_kernel(2.0, size)
    whole = convolve(data, kernel, mask=mask, preserve_nan=True)
    tiling = Tiling.of(shape, largest, (1, 1))
    for place in tiling:
        core = tiling[place]
        window = core.grown(size // 2, shape)
        found = convolve(data[window.slices], kernel, mask=mask[window.slices], preserve_nan=True)
        inner = found[core.within(window)]
        assert inner.tobytes() == whole[core.slices].tobytes()


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    mesh_shape=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    box=st.tuples(st.integers(1, 16), st.integers(1, 16)),
    largest=st.integers(5, 60),
    order=st.integers(0, 5),
    mode=st.sampled_from(["reflect", "mirror", "nearest"]),
    dtype=DTYPES,
)
def test_the_background_in_a_window_is_that_of_the_image(
    seed, mesh_shape, box, largest, order, mode, dtype
):
    rng = np.random.default_rng(seed)
    mesh = rng.normal(10, 1, mesh_shape).astype(dtype)
    full = mesh_shape[0] * box[0], mesh_shape[1] * box[1]
    shape = tuple(
        side - int(rng.integers(0, min(size, side))) for side, size in zip(full, box, strict=True)
    )
    expand = partial(
        BkgZoomInterpolator(order=order, mode=mode), mesh, shape=shape, box_size=box, dtype=dtype
    )
    whole = expand()
    assert whole.shape == shape
    tiling = Tiling.of(shape, largest, (1, 1))
    for place in tiling:
        window = tiling[place].slices
        assert expand(window=window).tobytes() == whole[window].tobytes()
