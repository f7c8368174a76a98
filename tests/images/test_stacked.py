"""Equal images, one below the other."""

import numpy as np
import pytest

from skyshed.images import open_image
from skyshed.images.made_of import MadeOfAnother
from skyshed.images.stacked import StackedSource, one_below_the_other


def test_planes_of_one_array_are_not_copied():
    stack = np.arange(60.0).reshape(5, 3, 4)
    for planes in ([0, 1, 2, 3, 4], [1, 2], [4]):
        tall = one_below_the_other([stack[k] for k in planes])
        assert np.shares_memory(tall, stack)
        np.testing.assert_array_equal(tall, np.concatenate([stack[k] for k in planes]))


@pytest.mark.parametrize("planes", [[1, 0], [0, 2], [0, 0]])
def test_other_images_are(planes):
    stack = np.arange(60.0).reshape(5, 3, 4)
    tall = one_below_the_other([stack[k] for k in planes])
    assert not np.shares_memory(tall, stack)
    np.testing.assert_array_equal(tall, np.concatenate([stack[k] for k in planes]))


def test_parts_of_planes_and_of_several_arrays_are_not_taken_for_planes():
    stack, other = np.arange(60.0).reshape(5, 3, 4), np.arange(60.0, 120).reshape(5, 3, 4)
    for images in ([stack[0], other[1]], [stack[0, :2], stack[1, :2]], [stack[:, :, 0]] * 2):
        np.testing.assert_array_equal(one_below_the_other(images), np.concatenate(images))


def test_a_stack_is_read_as_one_image():
    data = [np.arange(6.0).reshape(2, 3), np.ones((2, 3))]
    stacked = StackedSource([open_image(each).image for each in data])
    assert stacked.shape == (4, 3)
    assert stacked.dtype == float
    np.testing.assert_array_equal(stacked.read(stacked.everything), np.concatenate(data))
    pixels, bad = stacked.read_marked(stacked.everything, None)
    np.testing.assert_array_equal(pixels, np.concatenate(data))
    assert bad is None


def test_it_tells_all_that_its_images_tell():
    own = {*vars(StackedSource), *vars(MadeOfAnother)}
    from skyshed.images.source import ImageSource

    public = {name for name in vars(ImageSource) if not name.startswith("_")}
    assert public - {"everything", "description"} <= own
