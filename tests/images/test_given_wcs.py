"""A WCS that gives no positions on the sky ends no run, and is refused before any work is done."""

import warnings

import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData
from astropy.wcs import WCS

from skyshed import extract
from skyshed.exceptions import ImageWarning
from skyshed.images import open_exposure
from tests.images.files import stars, tan

SOLAR = {"CTYPE1": "HPLN-TAN", "CTYPE2": "HPLT-TAN", "CRVAL1": 0.01, "CRVAL2": 0.01}


@pytest.mark.parametrize(
    "frame",
    [
        SOLAR,
        {"CTYPE1": "CRLN-CAR", "CTYPE2": "CRLT-CAR"},
        {"CTYPE1": "HLON-TAN", "CTYPE2": "HLAT-TAN"},
        {"RADESYS": "GAPPT"},
    ],
    ids=str,
)
def test_a_frame_that_astropy_cannot_name_ends_no_run(tmp_path, frame):
    fits.writeto(tmp_path / "sun.fits", stars(), tan(**frame))
    with pytest.warns(ImageWarning, match=r"sun\.fits\[0\]: the WCS cannot be used"):
        found = extract(tmp_path / "sun.fits", n_threads=1)
    assert len(found.table) == 9
    assert "sky_centroid" not in found.table.colnames
    found.write(tmp_path / "found", preview=False)


def singular():
    wcs = WCS(tan())
    wcs.wcs.cdelt = [0, 1]
    return wcs


REFUSED = {
    "solar": (lambda: WCS(tan(**SOLAR)), "wcs must be a celestial WCS: CTYPE = 'HPLN-TAN'"),
    "solar header": (lambda: tan(**SOLAR), "wcs must be a celestial WCS: .*CTYPE = 'HPLN-TAN'"),
    "three axes, none celestial": (lambda: WCS(naxis=3), "must be a celestial WCS, its CTYPE are"),
    "no types": (lambda: WCS(naxis=2), "must be a celestial WCS, its CTYPE are '', ''"),
    "header without a WCS": (
        fits.Header,
        "must be a celestial WCS: the header has no CTYPE of one",
    ),
    "broken header": (lambda: tan(CRVAL1="150"), r"must be a celestial WCS: .*CRVAL1 = '150'"),
    "unknown system": (lambda: WCS(tan(RADESYS="GAPPT")), "RADESYS = 'GAPPT' is none of ICRS"),
    "singular": (singular, r"wcs cannot be used \(.*matrix is singular"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_wcs_without_positions_is_refused_by_name_before_the_work(kind, monkeypatch):
    make, message = REFUSED[kind]
    monkeypatch.setattr("skyshed.extraction.entry.run_request", None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        wcs = make()
    with pytest.raises(ValueError, match=message):
        extract(stars(), wcs=wcs)


@pytest.mark.parametrize("wcs", [3, np.eye(3)], ids=repr)
def test_what_is_no_wcs_is_refused(wcs):
    with pytest.raises(TypeError, match=r"wcs must be a WCS, such as astropy\.wcs\.WCS, a FITS"):
        open_exposure(stars(), wcs=wcs)


def test_headers_and_more_axes_are_reduced_to_their_celestial_part():
    plain = WCS(tan())
    cube = tan(CTYPE3="FREQ", CRVAL3=1.4e9, CRPIX3=1.0, CDELT3=1e5, CUNIT3="Hz")
    places = []
    for wcs in (plain, tan(), cube, WCS(cube)):
        found = extract(stars(), wcs=wcs, n_threads=1)
        places.append(found.table["sky_centroid"])
        assert len(found.table) == 9
    for other in places[1:]:
        assert places[0].separation(other).arcsec.max() < 1e-9
    assert open_exposure(stars(), wcs=plain).wcs is plain


def test_galactic_positions_are_called_galactic_whatever_radesys_says():
    wcs = WCS(tan(CTYPE1="GLON-TAN", CTYPE2="GLAT-TAN", RADESYS="ICRS"))
    found = extract(stars(), wcs=wcs, n_threads=1)
    assert found.table["sky_centroid"].frame.name == "galactic"


def test_an_image_whose_own_wcs_is_of_no_use_is_measured_without(tmp_path):
    image = CCDData(stars(), unit="adu", wcs=WCS(tan(**SOLAR)))
    with pytest.warns(ImageWarning, match="WCS of image must be a celestial WCS: CTYPE = 'HPLN"):
        found = extract(image, n_threads=1)
    assert len(found.table) == 9
    assert found.wcs is None
