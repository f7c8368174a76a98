"""Zero points of a product beside those of the user, of its header, and without any."""

import numpy as np
import pytest
from astropy.io import fits

from skyshed import Parameters, extract
from skyshed.exceptions import ImageWarning
from tests.images.files import stars, tan
from tests.images.profiles.cases import CASES
from tests.pipeline_field import same_tables, used

OPTIONS = {"box_size": 30, "nsigma": 5, "n_threads": 1}
JWST = next(case for case in CASES if case.profile == "jwst-i2d")
SIGNS = {"Vega": {"ORIGIN": "2MASS"}, "AB": {"ORIGIN": "Zwicky Transient Facility"}}


@pytest.fixture
def survey(tmp_path):
    """Return a function that writes an image whose zero point is of a system."""

    def write(system):
        path = tmp_path / f"{system}.fits"
        fits.writeto(path, stars(), tan(**SIGNS[system], MAGZP=20.9, BUNIT="DN"))
        return path

    return write


def magnitudes(found):
    """The columns of magnitudes and flux densities."""
    return [name for name in found.table.colnames if name.endswith(("mag", "_ujy"))]


@pytest.mark.parametrize("given", [{}, {"zero_point": "MAGZP"}, {"zero_point": 20.9}])
@pytest.mark.parametrize(("system", "other"), [("Vega", "AB"), ("AB", "Vega")])
def test_the_zero_point_of_a_file_is_of_its_own_system(system, other, given, survey):
    path = survey(system)
    found = extract(path, **given, **OPTIONS)
    assert used(found).zero_point_system == system
    assert ("kron_flux_ujy" in found.table.colnames) == (system == "AB")
    with pytest.raises(ValueError, match=rf"zero_point_system is given as '{other}'.*{system}"):
        extract(path, zero_point_system=other, **given, **OPTIONS)
    plain = extract(path, zero_point="MAGZP", zero_point_system="AB", profile="plain", **OPTIONS)
    assert plain.record["zero_point_source"] == f"MAGZP = 20.9 of {path}[0], AB, as given"


@pytest.mark.parametrize("system", ["AB", "Vega"])
def test_calibrate_off_leaves_out_what_a_product_says_too(system, survey):
    found = extract(survey(system), calibrate=False, **OPTIONS)
    assert magnitudes(found) == []
    assert used(found).zero_point is None
    assert "profile_zero_point" not in found.record
    assert "(calibrate is off)" in found.record["profile_not_used"]


def test_a_zero_point_that_is_not_used_is_not_said_to_be_taken(survey):
    with pytest.warns(ImageWarning, match="zero_point is given as 25.0, .* the file says 20.9"):
        found = extract(survey("AB"), zero_point=25, **OPTIONS)
    assert "profile_zero_point" not in found.record
    assert "MAGZP = 20.9 (zero_point is given)" in found.record["profile_not_used"]


def test_a_header_that_contradicts_the_product_calibrates_nothing(tmp_path):
    hdus = JWST.hdus()
    hdus[1].header["PIXAR_SR"] *= 3
    hdus.writeto(tmp_path / "a.fits")
    with pytest.warns(ImageWarning, match="PIXAR_SR = .* contradicts the WCS") as said:
        found = extract(tmp_path / "a.fits", **OPTIONS)
    assert len(said) == 1
    assert magnitudes(found) == []
    assert used(found).zero_point is None
    assert "(the header contradicts it)" in found.record["profile_not_used"]


def test_a_product_has_the_flux_densities_of_the_same_file_read_plain(tmp_path):
    JWST.hdus().writeto(tmp_path / "a.fits")
    product, plain = (
        float(extract(tmp_path / "a.fits", profile=each, **OPTIONS).record["microjansky_per_unit"])
        for each in (None, "plain")
    )
    np.testing.assert_allclose(product, plain, rtol=1e-8)


def test_a_zero_point_that_is_there_twice_is_none(tmp_path):
    header = tan(**SIGNS["AB"], MAGZP=26.2, BUNIT="DN")
    header.append(("MAGZP", 25.0))
    fits.writeto(tmp_path / "a.fits", stars(), header)
    for profile in (None, "plain"):
        assert magnitudes(extract(tmp_path / "a.fits", profile=profile, **OPTIONS)) == []
        with pytest.raises(ValueError, match=r"MAGZP is given twice, as 26.2 and 25.0"):
            extract(tmp_path / "a.fits", profile=profile, zero_point="MAGZP", **OPTIONS)


def test_the_zero_point_of_another_image_of_the_file_is_not_taken(tmp_path):
    primary = fits.PrimaryHDU(stars(), tan(**SIGNS["Vega"], MAGZP=20.9))
    fits.HDUList([primary, fits.ImageHDU(stars(seed=2), tan())]).writeto(tmp_path / "a.fits")
    assert used(extract(tmp_path / "a.fits", hdu=0, **OPTIONS)).zero_point == 20.9
    assert used(extract(tmp_path / "a.fits", hdu=1, **OPTIONS)).zero_point is None


def test_what_a_file_says_of_itself_is_not_carried_to_others(tmp_path):
    zero = {"MAGZERO": 27.0, "GAIN": 2.0}
    fits.writeto(tmp_path / "one.fits", stars(), fits.Header(zero))
    named = {"zero_point": "MAGZERO", "effective_gain": "GAIN", **OPTIONS}
    found = extract(tmp_path / "one.fits", **named)
    assert (found.parameters.zero_point, found.parameters.effective_gain) == ("MAGZERO", "GAIN")
    assert (found.record["zero_point"], found.record["effective_gain"]) == ("27.0", "2.0")
    again = extract(tmp_path / "one.fits", parameters=found.parameters)
    assert same_tables(again.table, found.table)
    found.write(tmp_path / "run", preview=False)
    parameters = Parameters.from_toml(tmp_path / "run" / "parameters.toml")
    assert parameters == found.parameters
    fits.writeto(tmp_path / "other.fits", stars(), fits.Header({**zero, "MAGZERO": 25.0}))
    other = extract(tmp_path / "other.fits", parameters=parameters)
    shift = other.table["kron_mag"].value - found.table["kron_mag"].value
    np.testing.assert_allclose(shift, -2.0)
    with pytest.raises(ValueError, match="name of a card, GAIN, and the ndarray has no header"):
        extract(stars(), parameters=parameters)
