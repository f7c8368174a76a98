"""Ecliptic and supergalactic WCS become those of the ICRS, and no position moves."""

import pickle

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import BarycentricMeanEcliptic, SkyCoord, Supergalactic
from astropy.io import fits
from astropy.time import Time
from astropy.wcs import WCS

from skyshed import extract
from skyshed.images.given_wcs import given_wcs
from skyshed.images.headers import read_celestial
from skyshed.images.wcs import ExactWCS
from tests.images.files import stars, tan

#: Projections of every class, and what they need.
PROJECTIONS = {
    "TAN": {}, "SIN": {}, "ZEA": {}, "STG": {}, "ARC": {}, "CAR": {}, "CEA": {}, "MER": {},
    "AIT": {}, "MOL": {}, "SFL": {}, "COE": {"PV2_1": 45.0},
    "TPV": {"PV1_1": 1.0, "PV2_1": 1.0, "PV1_4": 0.1, "PV2_5": -0.1, "CD1_1": -2e-4, "CD2_2": 2e-4},
    "TAN-SIP": {"A_ORDER": 2, "A_2_0": 1e-5, "B_ORDER": 2, "B_1_1": -2e-5},
}  # fmt: skip
PLACES = [(150.0, 2.0), (0.0, 0.0), (10.0, -89.9999), (270.0, 66.6), (90.0, 0.0)]
ECLIPTIC = {"CTYPE1": "ELON-{}", "CTYPE2": "ELAT-{}", "EQUINOX": 2015.5, "RADESYS": "FK5"}
SUPERGALACTIC = {"CTYPE1": "SLON-{}", "CTYPE2": "SLAT-{}"}


@pytest.mark.parametrize("place", PLACES, ids=str)
@pytest.mark.parametrize("projection", PROJECTIONS)
@pytest.mark.parametrize(
    ("cards", "frame"),
    [
        (ECLIPTIC, BarycentricMeanEcliptic(equinox=Time(2015.5, format="jyear"))),
        (SUPERGALACTIC, Supergalactic()),
    ],
    ids=["ecliptic", "supergalactic"],
)
def test_positions_are_those_of_wcslib_in_the_frame_of_the_header(cards, frame, projection, place):
    header = tan(CRVAL1=place[0], CRVAL2=place[1], **PROJECTIONS[projection])
    for name, value in cards.items():
        header[name] = value.format(projection) if isinstance(value, str) else value
    found, why, _ = read_celestial(header)
    assert why is None
    x, y = np.random.default_rng(0).uniform(0, 120, (2, 30))
    raw = SkyCoord(*WCS(header).all_pix2world(x, y, 0), unit="deg", frame=frame)
    on_sky = found.pixel_to_world(x, y)
    assert on_sky.frame.name == "icrs"
    assert on_sky.separation(raw.icrs).max() < 0.01 * u.mas
    sent = pickle.loads(pickle.dumps(ExactWCS(found))).wcs
    assert sent.pixel_to_world(x, y).separation(on_sky).max() == 0


def test_the_example_of_the_report_is_where_astropy_has_it(tmp_path):
    """ELON-TAN was called ICRS, 11.7 degrees off (astropy#4761 and others)."""
    header = tan(CTYPE1="ELON-TAN", CTYPE2="ELAT-TAN")
    fits.writeto(tmp_path / "a.fits", stars(), header)
    found = extract(tmp_path / "a.fits", n_threads=1)
    middle = SkyCoord(152.8118, 13.3434, unit="deg")
    nearest = found.table["sky_centroid"].separation(middle).min()
    assert nearest < 1 * u.arcsec
    sky = found.table["sky_centroid"]
    np.testing.assert_array_equal(found.table["ra"], sky.ra)
    np.testing.assert_array_equal(found.table["dec"], sky.dec)
    assert np.all(np.char.startswith(found.table["name"], "SKYSHED J1011"))
    # The map is where the image is, also for those who know no ecliptic.
    found.write(tmp_path / "out", preview=False)
    written = WCS(fits.getheader(tmp_path / "out" / "segmentation.fits"))
    assert written.pixel_to_world(3, 4).separation(found.wcs.pixel_to_world(3, 4)) < 1 * u.uas
    again = extract(
        tmp_path / "a.fits", segmentation=tmp_path / "out" / "segmentation.fits", n_threads=1
    )
    assert len(again.table) == 9


def test_a_wcs_that_is_given_is_turned_and_left_as_it_was():
    wcs = WCS(tan(CTYPE1="ELON-TAN", CTYPE2="ELAT-TAN"))
    turned = given_wcs(wcs, (120, 120))
    assert turned.wcs.ctype[0] == "RA---TAN"
    assert wcs.wcs.ctype[0] == "ELON-TAN"


@pytest.mark.parametrize("swapped", [False, True])
def test_the_longitude_may_be_either_axis(swapped):
    types = ("ELAT-TAN", "ELON-TAN") if swapped else ("ELON-TAN", "ELAT-TAN")
    values = (2.0, 150.0) if swapped else (150.0, 2.0)
    header = tan(CTYPE1=types[0], CTYPE2=types[1], CRVAL1=values[0], CRVAL2=values[1])
    found, why, _ = read_celestial(header)
    assert why is None
    frame = BarycentricMeanEcliptic(equinox=Time(2000, format="jyear"))
    expected = SkyCoord(150, 2, unit="deg", frame=frame).icrs
    assert found.pixel_to_world(59.5, 59.5).separation(expected) < 0.01 * u.mas
