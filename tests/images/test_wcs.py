"""A WCS moves with the pixels and reaches other processes with all its bits."""

import pickle

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS, DistortionLookupTable

from skyshed.images import Window, cut, open_image
from skyshed.images.arrays import ArraySource
from skyshed.images.wcs import ExactWCS, moved_wcs
from tests.images.skies import sky_of, with_wcs
from tests.pipeline_field import make_wcs


@pytest.mark.parametrize("distorted", [False, True])
def test_every_process_has_the_same_bits_of_the_wcs(tmp_path, distorted):
    source = with_wcs(tmp_path / "image.fits", distorted)
    region = cut(source, Window(5, 20, 6, 30))
    joined = open_image([tmp_path / "image.fits"]).image
    within = cut(region, Window(1, 9, 2, 8)), cut(joined, Window(1, 2, 3, 4))
    for each in (source, region, joined, *within):
        again = pickle.loads(pickle.dumps(each))
        assert "wcs" not in again.__dict__
        assert sky_of(again.wcs) == sky_of(each.wcs)
        assert again.wcs is again.wcs
        assert len(pickle.dumps(each)) < 3000
    # What the test is about: WCS objects do not keep them.
    assert sky_of(pickle.loads(pickle.dumps(source.wcs))) != sky_of(source.wcs)


MATRIX = {"CD1_1": -1.1e-4 / 3, "CD1_2": 2e-5 / 3, "CD2_1": 1e-5 / 3, "CD2_2": 1e-4 / 3}
POWERS = {"A_ORDER": 2, "A_2_0": 1e-5 / 3, "B_ORDER": 2, "B_1_1": -2e-5 / 3}


@pytest.mark.parametrize(
    ("kind", "cards"),
    [
        ("TAN", MATRIX),
        ("TAN", {"CDELT1": -1e-4 / 3, "CDELT2": 1e-4 / 3, "PC1_2": 0.1 / 3, "PC2_1": -0.1 / 3}),
        ("TAN", {"CDELT1": -1e-4 / 3, "CDELT2": 1e-4 / 3, "CROTA2": 100 / 3}),
        ("TAN", {"CDELT1": -1 / 3, "CDELT2": 1 / 3, "CUNIT1": "arcsec", "CUNIT2": "arcsec"}),
        ("ZEA", {**MATRIX, "LONPOLE": 500 / 3}),
        (
            "TPV",
            {**MATRIX, "PV1_1": 1.01 / 3 * 3, "PV1_4": 1e-2 / 3, "PV2_1": 1, "PV2_0": 1e-4 / 3},
        ),
        ("TAN-SIP", {**MATRIX, **POWERS}),
    ],
)
def test_a_wcs_of_an_array_is_sent_exactly(kind, cards):
    header = fits.Header({"CTYPE1": f"RA---{kind}", "CTYPE2": f"DEC--{kind}", **cards})
    header.update({"CRPIX1": 1000 / 3, "CRPIX2": 200 / 3, "CRVAL1": 700 / 3, "CRVAL2": -100 / 3})
    wcs = WCS(header)
    again = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(ExactWCS(wcs))))).wcs
    x, y = np.random.default_rng(1).uniform(0, 2000, (2, 100))
    sky = wcs.pixel_to_world_values(x, y)
    assert np.array_equal(again.pixel_to_world_values(x, y), sky)
    if kind != "TPV":  # which wcslib inverts by trial
        assert np.array_equal(again.world_to_pixel_values(*sky), wcs.world_to_pixel_values(*sky))
    assert not np.array_equal(pickle.loads(pickle.dumps(wcs)).pixel_to_world_values(x, y), sky)
    source = ArraySource(np.zeros((30, 40)), u.Jy, wcs)
    region = cut(source, Window(3, 9, 4, 8))
    sent = pickle.loads(pickle.dumps(region))
    assert sky_of(sent.wcs) == sky_of(region.wcs)
    assert sent.unit == u.Jy


def test_distortion_tables_move_with_the_pixels():
    wcs = make_wcs()
    values = np.arange(20, dtype=np.float32).reshape(4, 5)
    wcs.cpdis1 = DistortionLookupTable(values, (1.0, 2.0), (4.0, 3.0), (7.0, 9.0))
    wcs.wcs.set()
    expected = wcs.pixel_to_world_values(21.0, 17.0)
    found = moved_wcs(wcs, -5, -6).pixel_to_world_values(15.0, 12.0)
    assert np.allclose(found, expected, rtol=0, atol=1e-13)
    assert not np.allclose(make_wcs().pixel_to_world_values(21.0, 17.0), expected, atol=1e-6)
