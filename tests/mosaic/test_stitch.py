"""Components of tiles, stitched, are those of the whole image."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyshed.kernels import labelling
from skyshed.mosaic.stitch import describe, stitch
from skyshed.mosaic.tiling import Tiling
from skyshed.sources import Sources


def stitched_labels(image, tiling, npixels, connectivity):
    """Label tile by tile, stitch, and put the tiles together."""
    labels, tiles = {}, {}
    for place in tiling:
        window = tiling[place]
        part = np.ascontiguousarray(image[window.slices])
        labels[place], _ = labelling.label_above(part, np.float64(0.5), None, 1, connectivity, 1)
        tiles[place] = describe(
            Sources.from_labels(labels[place]), labels[place], window, image.shape[1]
        )
    stitched = stitch(tiles, tiling, npixels, connectivity)
    whole = np.zeros(image.shape, np.int32)
    for place in tiling:
        whole[tiling[place].slices] = stitched.tables[place][labels[place]]
    return whole, stitched


@settings(max_examples=120)
@given(
    seed=st.integers(0, 2**32 - 1),
    ny=st.integers(1, 40),
    nx=st.integers(1, 40),
    height=st.integers(1, 17),
    width=st.integers(1, 17),
    share=st.floats(0.05, 0.95),
    npixels=st.integers(1, 6),
    connectivity=st.sampled_from([4, 8]),
)
def test_labels_are_those_of_the_whole_image(
    seed, ny, nx, height, width, share, npixels, connectivity
):
    image = (np.random.default_rng(seed).random((ny, nx)) < share).astype(np.float64)
    expected, n = labelling.label_above(image, np.float64(0.5), None, npixels, connectivity, 1)
    found, stitched = stitched_labels(
        image, Tiling((ny, nx), (height, width)), npixels, connectivity
    )
    np.testing.assert_array_equal(found, expected)
    sources = Sources.from_labels(expected)
    assert stitched.area.size == n
    np.testing.assert_array_equal(stitched.area, sources.area)
    np.testing.assert_array_equal(stitched.bbox, sources.bbox)
    np.testing.assert_array_equal(stitched.first, sources.pixel[sources.start[:-1]])


@pytest.mark.parametrize("connectivity", [4, 8])
def test_a_source_on_the_corner_of_four_tiles_is_one(connectivity):
    image = np.zeros((8, 8))
    image[3:5, 3:5] = 1
    found, _ = stitched_labels(image, Tiling((8, 8), (4, 4)), 4, connectivity)
    assert found.max() == 1
    assert np.count_nonzero(found) == 4


def test_pixels_that_touch_at_a_corner_of_tiles_are_one_source_if_corners_connect():
    image = np.eye(8)
    assert stitched_labels(image, Tiling((8, 8), (4, 4)), 1, 8)[0].max() == 1
    assert stitched_labels(np.fliplr(image), Tiling((8, 8), (4, 4)), 1, 8)[0].max() == 1
    assert stitched_labels(image, Tiling((8, 8), (4, 4)), 1, 4)[0].max() == 8


def test_a_spiral_through_all_tiles_is_one_source():
    image = np.ones((33, 33))
    for k in range(1, 16, 2):
        image[k, k - 1 : 33 - k] = image[k : 33 - k, 32 - k] = image[32 - k, k : 33 - k] = 0
    expected, n = labelling.label_above(image, np.float64(0.5), None, 1, 4, 1)
    assert n < 33
    np.testing.assert_array_equal(
        stitched_labels(image, Tiling((33, 33), (5, 7)), 1, 4)[0], expected
    )
