"""Tiles make up the image, without gaps, and begin at whole steps."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from skyshed.images.window import Window
from skyshed.mosaic.tiling import Tiling

SIDE = st.integers(1, 60)


@given(ny=SIDE, nx=SIDE, largest=SIDE, height=st.integers(1, 20), width=st.integers(1, 20))
def test_every_pixel_is_in_the_one_tile_that_holds_it(ny, nx, largest, height, width):
    tiling = Tiling.of((ny, nx), largest, (height, width))
    count = np.zeros((ny, nx), int)
    for number, place in enumerate(tiling):
        window = tiling[place]
        count[window.slices] += 1
        assert window.y0 % height == 0
        assert window.x0 % width == 0
        y, x = np.mgrid[window.slices]
        assert np.all(tiling.holder(y, x) == number)
    assert np.all(count == 1)
    assert len(tiling) == number + 1


@given(ny=SIDE, nx=SIDE, margin=st.integers(0, 30), data=st.data())
def test_a_grown_window_holds_the_window_and_stays_in_the_image(ny, nx, margin, data):
    y0, x0 = data.draw(st.integers(0, ny - 1)), data.draw(st.integers(0, nx - 1))
    window = Window(y0, data.draw(st.integers(y0 + 1, ny)), x0, data.draw(st.integers(x0 + 1, nx)))
    grown = window.grown(margin, (ny, nx))
    image = np.arange(ny * nx).reshape(ny, nx)
    inner = image[grown.slices][window.within(grown)]
    np.testing.assert_array_equal(inner, image[window.slices])
    assert grown.y0 == max(window.y0 - margin, 0)
    assert grown.x1 == min(window.x1 + margin, nx)
