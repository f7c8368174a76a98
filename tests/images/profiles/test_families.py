"""Each product: what it is recognised by, and what is made of its planes, bits and zero point."""

import warnings

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits

from skyshed import extract
from skyshed.images.profiles.declared import ROLES
from skyshed.images.profiles.registry import profiles
from skyshed.images.profiles.rules import GAINS, ZERO_POINTS
from skyshed.images.structure import SIGNS
from tests.images.files import FLUX, stars, tan
from tests.images.profiles.cases import APART, CASES, ERROR, NOISE
from tests.pipeline_field import used

BOXES = {"box_size": 30, "kron_params": (2.5, 1.4, 0.0), "nsigma": 5}


def run(path, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return extract(path, **BOXES, **options)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.profile)
def test_a_file_of_each_product_goes_to_a_calibrated_table(case, tmp_path):
    path = tmp_path / "no_telling.dat"
    case.hdus().writeto(path)
    found = run(path)
    assert found.record["profile"].partition(":")[0] == case.profile
    assert len(found.table) == 9
    scale = 20 if case.integers else 1
    flux = found.table["kron_flux"]
    np.testing.assert_allclose(u.Quantity(flux).value, scale * FLUX, rtol=0.06)
    assert found.unit == (u.Unit(case.unit) if case.unit else None)
    mask = np.zeros(found.shape, bool) if found.mask is None else np.asarray(found.mask)
    np.testing.assert_array_equal(mask, case.masked())
    check_errors(case, found, ~mask, scale)
    assert used(found).effective_gain == case.gain
    if case.zero_point is None:
        assert used(found).zero_point is None
        assert "profile_zero_point" not in found.record
    else:
        expected = case.zero_point - 2.5 * np.log10(u.Quantity(flux).value)
        name = "kron_abmag" if case.system == "AB" else "kron_mag"
        np.testing.assert_allclose(found.table[name].value, expected, atol=2e-3)
        assert f"{case.system} magnitude" in found.table[name].info.description
        assert f"({case.system})" in found.record["profile_zero_point"]
    for part in case.says:
        assert part in found.record["profile_not_given"]


def check_errors(case, found, good, scale):
    """Check that errors are those of a plane, or of a weight, or what is measured."""
    error = np.asarray(found.error[:, :])[good]
    if case.error or "weight" in case.planes.values():
        np.testing.assert_allclose(error, ERROR, rtol=1e-6)
    elif case.gain:
        data = np.asarray(found.data[:, :])[good]
        expected = np.sqrt(np.asarray(found.background_rms)[good] ** 2 + np.maximum(data, 0))
        np.testing.assert_allclose(error, expected, rtol=1e-5)
    else:
        np.testing.assert_allclose(error, scale * NOISE, rtol=0.2)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.profile)
def test_plain_takes_nothing_of_it(case, tmp_path):
    path = tmp_path / "no_telling.dat"
    case.hdus().writeto(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a file with several images, as ever
        found = extract(path, profile="plain", **BOXES)
    assert found.mask is None
    assert used(found).zero_point is used(found).effective_gain is None
    assert not [key for key in found.record if key.startswith(("profile", "error", "mask"))]
    assert len(found.table) == 9


def test_a_stack_of_pan_starrs_is_linear_and_calibrated(tmp_path):
    softening, offset = 5.0, 0.2
    pixels = 2.5 / np.log(10) * np.arcsinh((stars() - offset) / (2 * softening))
    header = tan(BSOFTEN=softening, BOFFSET=offset, EXPTIME=100.0)
    header["HIERARCH FPA.TELESCOPE"] = "PS1"
    fits.writeto(tmp_path / "a.fits", pixels.astype("f4"), header)
    found = run(tmp_path / "a.fits")
    assert found.record["profile"].startswith("ps1-stack: ")
    np.testing.assert_allclose(found.table["kron_flux"], FLUX, rtol=0.06)
    expected = 25 + 5 - 2.5 * np.log10(found.table["kron_flux"])
    np.testing.assert_allclose(found.table["kron_abmag"].value, expected, atol=1e-6)
    assert "--variance" in found.record["profile_not_given"]


def test_every_profile_has_a_file():
    assert {case.profile for case in CASES} | APART == set(profiles())
    assert len(profiles()) >= 25


@pytest.mark.parametrize("profile", profiles().values(), ids=lambda profile: profile.name)
def test_what_is_declared_means_something(profile):
    assert set(profile.signs) & set(SIGNS), "the first look would pass over it"
    assert profile.sources
    assert all(each.rule in ZERO_POINTS for each in profile.zero_points)
    assert all(each.system in ("AB", "Vega") for each in profile.zero_points)
    assert all(each.rule in GAINS for each in profile.gains)
    for plane in profile.planes:
        assert plane.role in ROLES
        assert plane.names or set(plane.bad) <= set(plane.bits)
        assert len(set(plane.bits.values())) == len(plane.bits)
    options = ("mask", "weight", "rms", "variance", "error")
    assert all(each.option in options for each in profile.elsewhere)
