"""Collecting sources: against the definition, for any number of threads."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skyshed.kernels import segments
from skyshed.kernels.segments import cpu


@pytest.fixture(autouse=True, scope="module")
def narrow_ranges():
    """Split even small images into many ranges of work."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("skyshed.kernels.threads.PIXELS_PER_RANGE", 150)
        yield


def by_definition(image):
    labels = np.unique(image[image != 0])
    pixels = [np.flatnonzero(image == label) for label in labels]
    boxes = [
        (y.min(), y.max() + 1, x.min(), x.max() + 1)
        for y, x in (np.divmod(p, image.shape[1]) for p in pixels)
    ]
    return (
        labels.astype(np.int32),
        np.cumsum([0, *map(len, pixels)]).astype(np.int64),
        np.concatenate([np.empty(0, np.int64), *pixels]),
        np.array(boxes, np.int64).reshape(-1, 4),
    )


def check(image, n_threads=2):
    for actual, expected in zip(
        segments.collect(image, n_threads), by_definition(image), strict=True
    ):
        np.testing.assert_array_equal(actual, expected, strict=True)


@settings(max_examples=150)
@given(
    arrays(
        np.int32,
        st.tuples(st.integers(0, 9), st.integers(0, 70)),
        elements=st.sampled_from([0, 0, 0, 1, 2, 5, 6, 2**31 - 1, -1, -(2**31)]),
    )
)
def test_sources_are_those_of_the_definition(image):
    check(image)


@pytest.mark.parametrize("shape", [(1, 1), (1, 200), (200, 1), (65, 33), (129, 64)])
@pytest.mark.parametrize("n_threads", [1, 2, 5])
def test_any_shape_and_number_of_threads(shape, n_threads):
    rng = np.random.default_rng(sum(shape))
    blobs = np.kron(rng.integers(0, 9, (-(-shape[0] // 7), -(-shape[1] // 7))), np.ones((7, 7)))
    blobs = np.ascontiguousarray(blobs[: shape[0], : shape[1]], np.int32)
    check(blobs, n_threads)
    check((blobs * (rng.random(shape) < 0.7)).astype(np.int32), n_threads)


def test_every_pixel_can_be_a_source_of_its_own():
    image = np.random.default_rng(1).permutation(np.arange(1, 71)).reshape(7, 10)
    check(image.astype(np.int32))


@pytest.mark.parametrize("largest", [cpu.TABLE - 2, cpu.TABLE - 1, cpu.TABLE, 2**31 - 1])
def test_labels_far_apart_are_ranked_by_sorting_them(largest):
    image = np.array([[largest, 0, 3], [3, largest, 1]], np.int32)
    check(image)


@settings(max_examples=50)
@given(st.lists(st.integers(0, 4), max_size=6), st.lists(st.integers(0, 5), max_size=9))
def test_taking_rows_is_concatenating_them(sizes, index):
    index = [i for i in index if i < len(sizes)]
    rows = [np.arange(size) + 10 * i for i, size in enumerate(sizes)]
    start = np.cumsum([0, *sizes])
    pixel = np.concatenate([np.empty(0, np.int64), *rows])
    new_start, taken = segments.take(pixel, start, np.array(index, np.int64))
    np.testing.assert_array_equal(new_start, np.cumsum([0, *(sizes[i] for i in index)]))
    expected = np.concatenate([np.empty(0, np.int64), *(rows[i] for i in index)])
    np.testing.assert_array_equal(taken, expected, strict=True)
