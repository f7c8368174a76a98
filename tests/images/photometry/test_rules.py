"""What one unit of a pixel is: each rule against astropy and figures that observatories print."""

import pickle
import warnings

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_area

from skyshed.exceptions import ImageWarning
from skyshed.images.cards import Cards
from skyshed.images.exposure import open_exposure
from skyshed.images.photometry import (
    RULES,
    Calibration,
    Evidence,
    calibration_of,
    photometric_cards,
    rule,
)
from skyshed.images.unit_texts import parsed_unit

#: Cards of WFC3/IR F160W, and the AB zero point that STScI gives for them (WFC3 ISR 2020-10).
F160W = {"PHOTFLAM": 1.9275602e-20, "PHOTPLAM": 15369.176}
AB_OF_F160W = 25.946


def tan(arcseconds=0.05, shape=(100, 120), **changes):
    """A WCS whose reference point is in the middle of an image."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = "RA---TAN", "DEC--TAN"
    wcs.wcs.crval = 150.0, 2.0
    wcs.wcs.crpix = (shape[1] + 1) / 2, (shape[0] + 1) / 2
    wcs.wcs.cdelt = -arcseconds / 3600, arcseconds / 3600
    for name, value in changes.items():
        setattr(wcs.wcs, name, value)
    return wcs


def factor(unit, wcs=None, shape=(100, 120), **cards):
    """The uJy of one unit, None where nothing says it."""
    parsed = parsed_unit(unit) if unit else None
    found = calibration_of(Evidence(parsed, cards, wcs, shape))
    return None if found is None else found.microjansky


@pytest.mark.parametrize(
    ("text", "microjansky"),
    [
        ("Jy", 1e6), ("mJy", 1e3), ("uJy", 1.0), ("nJy", 1e-3), ("JY", 1e6), ("Jy/pixel", 1e6),
        ("MJy", 1e12), ("erg/s/cm2/Hz", 1e29), ("10 nJy", 0.01), ("W/m**2/Hz", 1e32),
    ],
)  # fmt: skip
def test_a_flux_density_in_each_pixel_is_itself(text, microjansky):
    assert factor(text) == pytest.approx(microjansky, rel=1e-12)


def test_a_nanomaggy_is_of_ab_magnitude_22_5():
    found = calibration_of(Evidence(parsed_unit("nanomaggies")))
    assert found.zero_point == pytest.approx(22.5, abs=1e-9)
    zero_point_flux = u.zero_point_flux((0 * u.ABmag).to(u.Jy))
    assert found.microjansky == pytest.approx((1 * u.nmgy).to_value(u.uJy, zero_point_flux), 1e-9)


@pytest.mark.parametrize("text", ["MJy/sr", "Jy/arcsec2", "MJY/SR", "erg/s/cm2/Hz/arcsec2"])
def test_surface_brightness_takes_the_pixel_area_of_the_card(text):
    area = 2.2850e-13 * u.sr
    wcs = tan(np.sqrt(area.to_value(u.arcsec**2)))
    expected = (1 * parsed_unit(text) * area).to_value(u.uJy)
    for cards in ({"PIXAR_SR": area.value}, {"PIXAR_A2": area.to_value(u.arcsec**2)}):
        assert factor(text, **cards) == pytest.approx(expected, rel=1e-12)
        assert factor(text, wcs, **cards) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("missing", [{}, {"PIXAR_SR": 0.0}, {"PIXAR_SR": "unknown"}])
def test_surface_brightness_takes_the_pixel_area_of_the_wcs_where_there_is_no_card(missing):
    wcs = tan(0.6)
    area = proj_plane_pixel_area(wcs) * u.deg**2
    expected = (1 * u.MJy / u.sr * area).to_value(u.uJy)
    assert factor("MJy/sr", wcs, **missing) == pytest.approx(expected, rel=1e-6)
    found = calibration_of(Evidence(u.MJy / u.sr, missing, wcs, (100, 120)))
    assert "WCS" in found.source
    assert "0.36 arcsec2" in found.source


def test_the_pixel_area_is_that_of_the_middle_of_the_image_not_of_the_reference_point():
    # 20 degrees from the tangent point, the pixels of TAN are smaller by cos(20 deg)**3.
    wcs = tan(3600, (1, 1))
    wcs.wcs.crval = 0, 0
    wcs.wcs.crpix = 1 - np.rad2deg(np.tan(np.deg2rad(20))), 1
    expected = (1 * u.MJy / u.sr * u.deg**2).to_value(u.uJy) * np.cos(np.deg2rad(20)) ** 3
    assert factor("MJy/sr", wcs, (1, 1)) == pytest.approx(expected, rel=1e-3)


def test_pixel_areas_that_vary_over_the_image_are_said_to():
    assert "differs" not in calibration_of(Evidence(u.MJy / u.sr, {}, tan(), (100, 120))).source
    wide = calibration_of(Evidence(u.MJy / u.sr, {}, tan(600), (100, 120))).source
    half_diagonal = np.deg2rad(np.hypot(59.5, 49.5) * 600 / 3600)
    differs = 1 - (1 + half_diagonal**2) ** -1.5
    assert f"corners it differs by up to {100 * differs:.2g} %" in wide


def test_a_beam_is_what_astropy_says():
    wcs = tan(1.25)
    major, minor = 6.4 * u.arcsec, 5.1 * u.arcsec
    beam = np.pi * major * minor / (4 * np.log(2))
    brightness = (1 * u.mJy / u.beam).to(u.Jy / u.sr, u.beam_angular_area(beam))
    expected = (brightness * proj_plane_pixel_area(wcs) * u.deg**2).to_value(u.uJy)
    cards = {"BMAJ": major.to_value(u.deg), "BMIN": minor.to_value(u.deg)}
    assert factor("mJy/beam", wcs, **cards) == pytest.approx(expected, rel=1e-6)
    assert factor("mJy/beam", wcs, BMAJ=cards["BMAJ"]) is None
    assert factor("mJy/beam", None, **cards) is None


def test_the_beam_that_aips_wrote_into_history_is_the_last_one():
    header = fits.Header({"BUNIT": "JY/BEAM"})
    header["HISTORY"] = "AIPS   CLEAN BMAJ=  9.9000E-02 BMIN=  9.9000E-02 BPA=   0.00"
    header["HISTORY"] = "AIPS   CLEAN BMAJ=  1.2500E-02 BMIN=  1.2500E-02 BPA=   0.00"
    header["HISTORY"] = "AIPS   CLEAN NITER=     13247 PRODUCT=1"
    assert photometric_cards(Cards(header)) == {"BMAJ": 0.0125, "BMIN": 0.0125}
    header["BMAJ"] = 1.0
    assert photometric_cards(Cards(header)) == {"BMAJ": 1.0}
    for history in ("", "AIPS   CLEAN BMAJ=  1.25E-0x BMIN=  1.2500E-02", "BMAJ= 1 BMIN= 1"):
        plain = fits.Header({"BUNIT": "JY/BEAM"})
        plain["HISTORY"] = history
        assert photometric_cards(Cards(plain)) == {}


def test_the_sum_over_a_gaussian_beam_is_the_flux_of_the_source():
    """A point source of 3 mJy has a peak of 3 mJy/beam."""
    wcs, fwhm = tan(1.0), 7.0
    y, x = np.mgrid[:100, :120]
    image = 3 * np.exp(-4 * np.log(2) * ((x - 60) ** 2 + (y - 50) ** 2) / fwhm**2)
    one = factor("mJy/beam", wcs, BMAJ=fwhm / 3600, BMIN=fwhm / 3600)
    assert image.sum() * one == pytest.approx(3000, rel=1e-5)


@pytest.mark.parametrize("unit", ["ELECTRONS/S", "counts/s", "DN/s", "e-/s", "count/sec"])
def test_hubbles_zero_point_is_that_of_stsci(unit):
    found = calibration_of(Evidence(parsed_unit(unit), F160W))
    assert found.zero_point == pytest.approx(AB_OF_F160W, abs=1e-3)
    density = (F160W["PHOTFLAM"] * u.erg / u.s / u.cm**2 / u.AA).to(
        u.ABmag, u.spectral_density(F160W["PHOTPLAM"] * u.AA)
    )
    assert found.zero_point == pytest.approx(density.value, abs=1e-9)


@pytest.mark.parametrize("unit", ["ELECTRONS", "COUNTS", "DN"])
def test_hubbles_counts_are_divided_by_the_exposure_time(unit):
    found = calibration_of(Evidence(parsed_unit(unit), {**F160W, "EXPTIME": 1200.0}))
    assert found.zero_point == pytest.approx(AB_OF_F160W + 2.5 * np.log10(1200), abs=1e-3)
    for nothing in ({}, {"EXPTIME": 0.0}, {"EXPTIME": "1200"}):
        assert factor(unit, **F160W, **nothing) is None


def test_photfnu_is_in_jansky_seconds():
    assert factor("ELECTRONS/S", PHOTFNU=1.5187624e-07) == pytest.approx(0.15187624)
    assert factor("DN", PHOTFNU=2e-6, EXPTIME=100.0) == pytest.approx(0.02)


def test_a_flux_density_per_wavelength_is_taken_at_the_pivot():
    flam = 1e-20 * u.erg / u.s / u.cm**2 / u.AA
    expected = flam.to_value(u.uJy, u.spectral_density(5000 * u.AA))
    assert factor("1e-20 erg/s/cm2/Angstrom", PHOTPLAM=5000.0) == pytest.approx(expected)
    assert factor("erg/s/cm2/Angstrom") is None


@pytest.mark.parametrize("unit", ["", "count", "adu"])
def test_fluxmag0_is_the_flux_of_magnitude_0(unit):
    found = calibration_of(Evidence(parsed_unit(unit) if unit else None, {"FLUXMAG0": 10**10.8}))
    assert found.zero_point == pytest.approx(27.0, abs=1e-9)


@pytest.mark.parametrize(
    ("cards", "zero_point"),
    [
        ({"PHOTZP": 30.0, "PHOTSYS": "AB"}, 30.0),
        ({"PHOTZP": 0.0, "PHOTSYS": "ab "}, 0.0),
        ({"PHOTZP": 30.0, "PHOTSYS": "VEGA"}, None),
        ({"PHOTZP": 30.0}, None),
        ({"MAGZP": 26.275, "ORIGIN": "Zwicky Transient Facility"}, 26.275),
        ({"MAGZP": 20.5, "ORIGIN": "WISE"}, None),
        ({"MAGZP": 20.5}, None),
        ({"MAGZERO": 30.0}, None),
        ({"MAGZPT": 25.0, "EXPTIME": 30.0}, None),
        (F160W, None),
        ({"PHOTFLAM": 0.0, "PHOTPLAM": 0.0, "FLUXMAG0": -1.0, "PHOTZP": True}, None),
    ],
)
def test_a_zero_point_counts_only_where_its_system_is_written_down(cards, zero_point):
    found = calibration_of(Evidence(u.dimensionless_unscaled, cards))
    if zero_point is None:
        assert found is None
    else:
        assert found.zero_point == pytest.approx(zero_point, abs=1e-9)


def test_no_unit_and_no_cards_say_nothing():
    for unit in (None, u.DN, u.electron / u.s, u.K, u.MJy / u.sr, u.Jy / u.beam, u.mag):
        assert calibration_of(Evidence(unit)) is None


@pytest.mark.parametrize(
    ("evidence", "quoted"),
    [
        (Evidence(u.nJy, {"FLUXMAG0": 10**10.8}), ["FLUXMAG0 = 6.30957344e+10", "nJy"]),
        (Evidence(u.MJy / u.sr, {"PIXAR_SR": 2e-14, "PIXAR_A2": 1e-2}), ["PIXAR_SR", "PIXAR_A2"]),
        # Pixels that were binned by 2 x 2, and the card of before.
        (
            Evidence(u.MJy / u.sr, {"PIXAR_SR": tan().pixel_scale_matrix[1, 1] ** 2 * 3.0462e-4},
                     tan(0.1), (100, 120)),
            ["PIXAR_SR", "contradicts the WCS"],
        ),
        (Evidence(u.DN / u.s, {**F160W, "PHOTFNU": 1e-6}), ["PHOTFNU", "PHOTFLAM"]),
    ],
)  # fmt: skip
def test_cards_that_contradict_each_other_are_quoted_and_not_used(evidence, quoted):
    with pytest.warns(ImageWarning, match="left out: give zero_point") as caught:
        assert calibration_of(evidence, "deep.fits[1]") is None
    assert len(caught) == 1
    for text in ("deep.fits[1]", *quoted):
        assert text in str(caught[0].message)


def test_cards_that_agree_to_a_tenth_do_not_contradict_each_other():
    both = {**F160W, "PHOTFNU": 1.5187624e-07}
    assert factor("ELECTRONS/S", **both) == factor("ELECTRONS/S", **F160W)


def test_cards_may_stand_in_the_primary_header():
    primary = fits.Header({"NAXIS": 0, "EXPTIME": 100.0, "PHOTFLAM": 1.0})
    header = fits.Header(F160W)
    assert photometric_cards(Cards(header, primary)) == {**F160W, "EXPTIME": 100.0}
    assert photometric_cards(Cards(header)) == F160W
    assert photometric_cards(Cards(fits.Header({**F160W, "INHERIT": False}), primary)) == F160W
    primary["NAXIS"] = 2
    assert photometric_cards(Cards(header, primary)) == F160W


@pytest.mark.parametrize("value", ["1.9.2e-20", "= 5", "'abc", ""])
def test_a_card_that_cannot_be_read_says_nothing_and_ends_no_run(tmp_path, value):
    header = fits.Header({"BUNIT": "ELECTRONS/S", "PHOTPLAM": 8000.0, "PHOTFLAM": 1e-19})
    path = tmp_path / "a.fits"
    fits.writeto(path, np.zeros((8, 8), np.float32), header)
    content = path.read_bytes()
    card = b"PHOTFLAM=" + b"1E-19".rjust(21)
    assert card in content
    path.write_bytes(content.replace(card, b"PHOTFLAM=" + value.encode().rjust(21)))
    exposure = open_exposure(path, calibrate=True)
    assert exposure.calibration is None
    assert pickle.loads(pickle.dumps(exposure)).calibration is None


def test_images_that_abut_are_calibrated_by_what_they_have_in_common(tmp_path):
    def parts(first, second):
        for name, where, zero in (("a", "[1:8,1:8]", first), ("b", "[9:16,1:8]", second)):
            cards = fits.Header({"DETSEC": where, "FLUXMAG0": zero})
            fits.writeto(tmp_path / f"{name}.fits", np.ones((8, 8)), cards, overwrite=True)
        files = [tmp_path / "a.fits", tmp_path / "b.fits"]
        return open_exposure(files, calibrate=True).calibration

    assert parts(10**10.8, 10**10.8).zero_point == pytest.approx(27)
    with pytest.warns(ImageWarning, match=r"FLUXMAG0 differs .*a\.fits.* and .*b\.fits") as caught:
        assert parts(10**10.8, 10**10.0) is None
    assert len(caught) == 1


@pytest.mark.parametrize(
    ("unit", "cards", "doubled"),
    [
        (None, {}, "FLUXMAG0"), ("electron/s", {"PHOTPLAM": 8000.0}, "PHOTFLAM"),
        ("electron", F160W, "EXPTIME"), (None, {"PHOTSYS": "AB"}, "PHOTZP"),
        ("Jy/beam", {"BMIN": 0.01}, "BMAJ"),
    ],
)  # fmt: skip
def test_a_card_of_a_zero_point_that_is_there_twice_is_named(tmp_path, unit, cards, doubled):
    header = fits.Header([*cards.items(), (doubled, 20.0), (doubled, 25.0)])
    if unit is not None:
        header["BUNIT"] = unit
    fits.writeto(tmp_path / "a.fits", np.ones((8, 8)), header)
    with pytest.warns(ImageWarning, match=rf"a\.fits\[0\]: {doubled} is given twice, as 20.0 and"):
        assert open_exposure(tmp_path / "a.fits", calibrate=True).calibration is None


def test_a_card_that_is_there_twice_does_no_harm_where_the_unit_says_all(tmp_path):
    header = fits.Header([("BUNIT", "nJy"), ("PHOTFLAM", 1.0), ("PHOTFLAM", 2.0)])
    fits.writeto(tmp_path / "a.fits", np.ones((8, 8)), header)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert open_exposure(tmp_path / "a.fits", calibrate=True).calibration.microjansky == 1e-3


def test_a_rule_sees_only_the_cards_that_it_declares():
    for each in RULES.values():
        assert each.meaning
        assert each.cite
    with pytest.raises(ValueError, match="there is a rule called 'photfnu'"):
        rule(meaning="x", cite="x")(RULES["photfnu"].find)
    # EXPTIME is declared by photflam, so it is read from files; MAGZERO by none.
    assert "MAGZERO" not in photometric_cards(Cards({"MAGZERO": 25.0}))


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf])
def test_a_calibration_is_a_number_above_0(bad):
    with pytest.raises(ValueError, match="microjansky must be a number above 0"):
        Calibration(bad, "a test")
