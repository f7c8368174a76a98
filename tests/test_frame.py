"""Frames, and images that are made when they are needed."""

import copy
import pickle

import numpy as np
import pytest

from skyshed.frame import Frame, Lazy, bad_pixels

LABELS = np.array([[0, 1], [2, 2]], dtype=np.int32)
DATA = np.array([[1.0, 2.0], [3.0, np.nan]], dtype=np.float32)


class Maker:
    """Makes an image, and counts how often."""

    def __init__(self):
        self.calls = 0

    def __call__(self):
        self.calls += 1
        return np.full((2, 2), 7.0)


@pytest.mark.parametrize(("keep", "calls"), [(True, 1), (False, 3)])
def test_an_image_is_made_when_it_is_asked_for(keep, calls):
    make = Maker()
    lazy = Lazy(make, keep=keep)
    assert make.calls == 0
    for _ in range(3):
        np.testing.assert_array_equal(lazy.get(), np.full((2, 2), 7.0))
    assert make.calls == calls


@pytest.mark.parametrize("keep", [True, False])
def test_an_image_that_is_held_is_given_until_it_is_released(keep):
    make, held = Maker(), np.zeros((2, 2))
    lazy = Lazy(make, held, keep)
    assert lazy.get() is held
    assert make.calls == 0
    lazy.release()
    np.testing.assert_array_equal(lazy.get(), np.full((2, 2), 7.0))
    assert make.calls == 1


def test_attributes_of_a_frame_are_arrays():
    make = Maker()
    frame = Frame(DATA, LABELS, convolved_data=Lazy(make, keep=False), error=Lazy(make))
    assert make.calls == 0
    assert (frame.shape, frame.full_shape, frame.is_whole) == ((2, 2), (2, 2), True)
    np.testing.assert_array_equal(frame.shape_data, np.full((2, 2), 7.0))
    assert frame.error is frame.error
    assert make.calls == 2
    assert frame.background is None


def test_replacing_an_image_makes_none():
    make = Maker()
    frame = Frame(DATA, LABELS, error=Lazy(make), origin=(3, 4), full_shape=(9, 9))
    other = frame.replace(data=2 * DATA)
    assert make.calls == 0
    assert (other.origin, other.full_shape, other.is_whole) == ((3, 4), (9, 9), False)
    assert other.error is frame.error
    assert frame.data is DATA


def test_copies_and_pickles_hold_the_images_that_are_kept():
    make = Maker()
    frame = Frame(DATA, LABELS, error=Lazy(lambda: make()), convolved_data=Lazy(make, keep=False))
    for other in (pickle.loads(pickle.dumps(frame)), copy.deepcopy(frame)):
        np.testing.assert_array_equal(other.error, frame.error)
        np.testing.assert_array_equal(other.shape_data, frame.shape_data)
        assert other.error is not frame.error


def test_a_frame_can_not_be_assigned_to():
    frame = Frame(DATA, LABELS)
    with pytest.raises(AttributeError):
        frame.data = LABELS


@pytest.mark.parametrize("mask", [None, np.array([[True, False], [False, False]])])
def test_pixels_that_are_not_finite_are_masked_too(mask):
    frame = Frame.from_images(DATA, LABELS, mask)
    assert frame.input_mask is mask
    np.testing.assert_array_equal(frame.mask, [[mask is not None, False], [False, True]])


def test_a_mask_that_covers_everything_is_not_copied():
    mask = np.zeros((2, 2), bool)
    assert bad_pixels(np.ones((2, 2)), mask) is mask
    assert bad_pixels(np.ones((2, 2)), None) is None


def test_a_mask_that_covers_data_that_are_not_finite_is_not_copied():
    data = np.ones((300, 400), np.float32)
    data[7, 3] = data[250, 399] = np.nan
    mask = np.isnan(data)
    mask[0, 0] = True
    bad = bad_pixels(data, mask, n_threads=2)
    assert bad is not mask  # by which it is known that there are some
    assert np.shares_memory(bad, mask)
    mask[250, 399] = False
    bad = bad_pixels(data, mask, n_threads=2)
    assert not np.shares_memory(bad, mask)
    np.testing.assert_array_equal(bad, mask | np.isnan(data))
