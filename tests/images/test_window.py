"""Windows are what slices of an image are."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from skyshed.images import Window

SHAPE = (9, 11)


@st.composite
def windows(draw):
    y0, x0 = (draw(st.integers(0, length - 1)) for length in SHAPE)
    return Window(y0, draw(st.integers(y0 + 1, SHAPE[0])), x0, draw(st.integers(x0 + 1, SHAPE[1])))


def marked(window):
    """Return the pixels of a window as True."""
    image = np.zeros(SHAPE, bool)
    image[window.slices] = True
    return image


@given(one=windows(), other=windows())
def test_what_two_windows_hold_and_what_holds_both(one, other):
    both = one.overlap(other)
    assert np.array_equal(marked(both), marked(one) & marked(other))
    assert both == other.overlap(one) or 0 in both.shape
    around = one.around(other)
    rows, columns = np.nonzero(marked(one) | marked(other))
    expected = rows.min(), rows.max() + 1, columns.min(), columns.max() + 1
    assert around.bounds == expected
    image = np.arange(SHAPE[0] * SHAPE[1]).reshape(SHAPE)
    assert np.array_equal(image[around.slices][one.within(around)], image[one.slices])


@given(window=windows(), margin=st.integers(0, 12))
def test_a_window_grows_as_far_as_the_image_reaches(window, margin):
    near = np.zeros(SHAPE, bool)
    for y, x in np.argwhere(marked(window)):
        near[max(y - margin, 0) : y + margin + 1, max(x - margin, 0) : x + margin + 1] = True
    assert np.array_equal(marked(window.grown(margin, SHAPE)), near)


@given(window=windows(), dy=st.integers(-20, 20), dx=st.integers(-20, 20))
def test_a_moved_window_keeps_its_shape(window, dy, dx):
    moved = window.moved(dy, dx)
    assert moved.shape == window.shape == image_of(window).shape
    assert moved.origin == (window.y0 + dy, window.x0 + dx)
    assert moved.moved(-dy, -dx) == window


def image_of(window):
    return np.zeros(SHAPE)[window.slices]
