"""Dilated masks and outlines, compared with photutils and with their definition."""

import numpy as np
import pytest
from photutils.segmentation import SegmentationImage as Peer
from photutils.utils import circular_footprint
from scipy import ndimage

from skyshed import SegmentationImage


@pytest.fixture(autouse=True, scope="module")
def narrow_ranges():
    """Split even small images into many ranges of work."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("skyshed.kernels.threads.PIXELS_PER_RANGE", 150)
        yield


def test_a_mask_without_footprint_is_where_the_labels_are(labels):
    mask = SegmentationImage(labels).make_source_mask()
    np.testing.assert_array_equal(mask, labels > 0, strict=True)


@pytest.mark.parametrize("shape", [(19, 23), (1, 9), (9, 1), (4, 4)])
def test_rectangles_and_other_footprints_grow_as_in_photutils(shape):
    rng = np.random.default_rng(sum(shape))
    data = (rng.random(shape) < 0.05).astype(int)
    data[0, -1] = 3
    segm, peer = SegmentationImage(data), Peer(data)
    for side_y in range(1, 8):
        np.testing.assert_array_equal(
            segm.make_source_mask(size=side_y), peer.make_source_mask(size=side_y)
        )
        for side_x in range(1, 12):
            size = (side_y, side_x)
            footprint = rng.random(size) < 0.6
            footprint[0, 0] = False
            for keywords in ({"size": size}, {"footprint": footprint}):
                np.testing.assert_array_equal(
                    segm.make_source_mask(**keywords),
                    peer.make_source_mask(**keywords),
                    strict=True,
                    err_msg=f"{keywords}",
                )
            for n_threads in (1, 3):
                again = segm.make_source_mask(footprint=footprint, n_threads=n_threads)
                np.testing.assert_array_equal(again, segm.make_source_mask(footprint=footprint))


def test_a_footprint_of_numbers_overrides_the_size(labels):
    footprint = circular_footprint(3)
    np.testing.assert_array_equal(
        SegmentationImage(labels).make_source_mask(5, footprint),
        Peer(labels).make_source_mask(footprint=footprint),
    )


@pytest.mark.parametrize(
    ("keywords", "text"),
    [
        ({"size": 0}, r"size must be a positive integer, or two of them \(ny, nx\); got 0"),
        ({"size": (3, 2.5)}, r"size must be a positive integer, .*; got \(3, 2.5\)"),
        ({"size": (3, 3, 3)}, r"size must have 1 or 2 elements: .* \(ny, nx\); got \(3, 3, 3\)"),
        ({"footprint": [True, True]}, r"footprint must be 2-D, got 1-D with shape \(2,\)"),
    ],
)
def test_wrong_footprints_are_named(labels, keywords, text):
    with pytest.raises(ValueError, match=text):
        SegmentationImage(labels).make_source_mask(**keywords)


def test_outlines_are_the_pixels_beside_another_label(make_labels):
    cross = ndimage.generate_binary_structure(2, 1)
    for seed, shape in enumerate([(24, 31), (1, 9), (9, 1), (2, 2), (3, 3), (0, 0)]):
        data = make_labels(seed, shape) if all(shape) else np.zeros(shape, int)
        low = ndimage.grey_erosion(data, footprint=cross, mode="constant") if data.size else data
        high = ndimage.grey_dilation(data, footprint=cross, mode="constant") if data.size else data
        expected = np.where(low != high, data, 0)
        segm = SegmentationImage(data)
        np.testing.assert_array_equal(segm.outline_segments(), expected, strict=True)
        masked = segm.outline_segments(mask_background=True)
        np.testing.assert_array_equal(masked.mask, expected == 0)
        np.testing.assert_array_equal(masked.data, expected)
