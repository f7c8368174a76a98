"""It is known to the pixel where parts lie, or said which does not fit, and by how much."""

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st

from skyshed.images import Window, open_image
from skyshed.images.grid import gaps
from tests.images.skies import header_at


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (header_at(20, 0.3), r"b\.fits\[0\] is off the pixels of .*a\.fits\[0\] by up to 0\.3 "
         r"pixels in x and .* in y \(it is shifted by part of a pixel\)"),
        (header_at(20, 0, CDELT1=-5.6e-5), r"0\.\d+ pixels in x .*\(scale or orientation differ\)"),
        (header_at(20, 0, PC1_2=0.01), r"\(scale or orientation differ\)"),
        (header_at(20, 0, CRVAL1=180.0), "lies nowhere on the pixels of"),
        (header_at(20, 0, CTYPE1="RA---SIN", CTYPE2="DEC--SIN"), "has the projection RA---SIN"),
        (header_at(18, 0), r"a\.fits\[0\] and .*b\.fits\[0\] overlap by 20 x 2 pixels"),
        (header_at(20, 0, BUNIT="Jy"), r"same unit: .*a\.fits\[0\] has none, .*b.* has Jy"),
        (fits.Header(), r"b\.fits\[0\] has no celestial WCS, and other parts have one"),
    ],
)  # fmt: skip
def test_parts_that_do_not_fit_are_named(tmp_path, header, message):
    fits.writeto(tmp_path / "a.fits", np.zeros((20, 20)), header_at(0, 0))
    fits.writeto(tmp_path / "b.fits", np.zeros((20, 20)), header)
    with pytest.raises(ValueError, match=message):
        open_image([tmp_path / "a.fits", tmp_path / "b.fits"])


def test_a_header_may_round_where_a_part_lies(tmp_path):
    fits.writeto(tmp_path / "a.fits", np.zeros((20, 20)), header_at(0, 0))
    fits.writeto(tmp_path / "b.fits", np.ones((20, 20)), header_at(20.004, -0.003))
    source = open_image([tmp_path / "a.fits", tmp_path / "b.fits"]).image
    assert source.shape == (40, 20)
    assert source.read(Window(19, 21, 0, 1)).tolist() == [[0], [1]]


@pytest.mark.parametrize("detsec", ["[20:1,1:20]", "[1:40,1:40]", "1:20,1:20", ""])
def test_flipped_and_binned_detectors_are_refused(tmp_path, detsec):
    for name, where in (("a.fits", "[1:20,21:40]"), ("b.fits", detsec)):
        fits.writeto(tmp_path / name, np.zeros((20, 20)), fits.Header({"DETSEC": where}))
    with pytest.raises(
        ValueError, match=r"b\.fits\[0\] has DETSEC = .* neither flipped nor binned"
    ):
        open_image([tmp_path / "a.fits", tmp_path / "b.fits"])


def test_parts_of_which_nothing_is_known_are_refused(tmp_path):
    for name in ("a.fits", "b.fits"):
        fits.writeto(tmp_path / name, np.zeros((20, 20)))
    with pytest.raises(ValueError, match=r"a\.fits\[0\] has no celestial WCS and no DETSEC"):
        open_image([tmp_path / "a.fits", tmp_path / "b.fits"])
    with pytest.raises(ValueError, match="hdu is given as 1, but image is no file"):
        open_image([tmp_path / "a.fits"], hdu=1)


@given(data=st.data())
@settings(max_examples=50)
def test_gaps_are_pixels_that_no_rectangle_has(data):
    ny, nx = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 9))
    y, x = data.draw(st.integers(0, ny)), data.draw(st.integers(0, nx))
    quarters = [
        Window(y0, y1, x0, x1)
        for y0, y1 in ((0, y), (y, ny))
        for x0, x1 in ((0, x), (x, nx))
    ]  # fmt: skip
    kept = data.draw(st.lists(st.sampled_from(quarters), unique_by=id))
    covered = np.zeros((ny, nx), bool)
    for window in kept:
        covered[window.slices] = True
    assert gaps(kept, (ny, nx)) == (not covered.all())
