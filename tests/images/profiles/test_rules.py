"""Zero points and gains are those that the observatories' calculators give."""

import astropy.units as u
import pytest

from skyshed.images.profiles.rules import GAINS, ZERO_POINTS


def zero_point(rule, *values, unit=None):
    return ZERO_POINTS[rule](values, unit)


@pytest.mark.parametrize(
    ("photflam", "pivot", "expected"),
    [
        (7.0331e-20, 8045.5, 25.947),  # ACS/WFC F814W
        (1.9276e-20, 15369.2, 25.946),  # WFC3/IR F160W
    ],
)
def test_photflam_gives_the_ab_zero_point_of_the_instrument(photflam, pivot, expected):
    assert zero_point("PHOTFLAM", photflam, pivot) == pytest.approx(expected, abs=0.01)
    counts = zero_point("PHOTFLAM, of counts", photflam, pivot, 100.0)
    assert counts == pytest.approx(expected + 5, abs=0.01)


def test_flux_densities_have_the_zero_points_that_all_know():
    assert zero_point("flux density", unit=u.nJy) == pytest.approx(31.4, abs=1e-3)
    assert zero_point("flux density", unit=u.uJy) == pytest.approx(23.9, abs=1e-3)
    assert zero_point("nanomaggies") == 22.5
    square = (0.1 * u.arcsec) ** 2
    found = zero_point("surface brightness", square.to_value(u.sr), unit=u.MJy / u.sr)
    one = (1 * u.MJy / u.sr * square).to_value(u.ABmag)
    assert found == pytest.approx(one, abs=1e-3)


def test_fluxmag0_is_the_flux_of_magnitude_0():
    # HSC's coadds have a zero point of 27.
    assert zero_point("flux of magnitude 0", 63095734448.0194) == pytest.approx(27, abs=1e-9)


def test_casu_takes_the_airmass_in_the_middle():
    assert zero_point("CASU", 23.0, 10.0, 0.05, 1.2, 1.4) == pytest.approx(25.5 - 0.015)


@pytest.mark.parametrize(
    ("rule", "values"),
    [
        ("PHOTFLAM", (0.0, 8045.5)),
        ("PHOTFLAM", (7e-20, -1.0)),
        ("PHOTFLAM, of counts", (7e-20, 8045.5, 0.0)),
        ("flux of magnitude 0", (0.0,)),
        ("exposure", (0.0,)),
        ("card", (-99.0,)),
        ("card", (99.99,)),
        ("CASU", (23.0, 0.0, 0.05, 1.0, 1.0)),
    ],
)
def test_cards_that_are_void_give_none(rule, values):
    assert zero_point(rule, *values) is None
    assert GAINS["cards"]((0.0, 5.0), None) is None


def test_a_gain_may_be_that_of_pixels_that_are_rates():
    assert GAINS["cards"]((2.0, 30.0), None) == 60.0
