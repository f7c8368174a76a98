"""Which profile a file matches: the strictest, and none where that is not one."""

import subprocess
import sys

import pytest
from astropy.io import fits

from skyshed.exceptions import ImageWarning
from skyshed.images import open_exposure
from skyshed.images.products import product_of
from skyshed.images.profiles import registry
from skyshed.images.profiles.declared import Profile
from skyshed.images.structure import structure_of
from tests.images.files import stars, tan
from tests.images.profiles.cases import CASES


def profile(name, **more):
    return Profile(name=name, about="", signs={"TELESCOP": "T.*"}, **more)


@pytest.fixture
def few(monkeypatch):
    """Return a function that makes some profiles all there are."""

    def only(*some):
        monkeypatch.setattr(registry, "profiles", lambda: {each.name: each for each in some})

    return only


def found(**cards):
    structure = structure_of(fits.HDUList([fits.PrimaryHDU(stars(), tan(**cards))]), 0, "a.fits")
    product = product_of(structure)
    return None if product is None else product.profile.name


def test_values_match_as_a_whole_in_any_case(few):
    few(profile("one"))
    assert found(TELESCOP="tess") == "one"
    assert found(TELESCOP="a T") is None
    assert found(INSTRUME="T") is None


def test_the_strictest_of_several_counts(few):
    few(profile("loose"), profile("strict", absent=("NOTHING",)))
    assert found(TELESCOP="T") == "strict"
    assert found(TELESCOP="T", NOTHING=1) == "loose"


def test_where_two_match_alike_none_is_taken_and_it_is_said(few):
    few(profile("one"), profile("two"))
    with pytest.warns(ImageWarning, match="a.fits matches the profiles one and two"):
        assert found(TELESCOP="T") is None


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.profile)
def test_no_name_of_a_file_is_needed_and_none_helps(case, tmp_path):
    path = tmp_path / "sci_i2d_flt_drz_ooi_calexp.fits"
    header = fits.Header(
        {key: value for key, value in case.primary.items() if key not in ("TELESCOP", "ORIGIN")}
    )
    signs = registry.profiles()[case.profile].signs
    for card in (*signs, *case.image):
        header.remove(card.removeprefix("HIERARCH "), ignore_missing=True)
    fits.writeto(path, stars(), header)
    with fits.open(path) as hdus:
        assert product_of(structure_of(hdus, 0, str(path))) is None


def test_the_registry_is_only_loaded_for_files_that_have_a_sign(tmp_path):
    fits.writeto(tmp_path / "plain.fits", stars(), tan())
    fits.writeto(tmp_path / "sdss.fits", stars(), tan(ORIGIN="SDSS"))
    code = (
        "import sys, skyshed.images as i\n"
        "from skyshed.extraction.entry import open_request\n"
        "for name in sys.argv[1:]:\n"
        "    open_request(name)\n"
        "    print('skyshed.images.profiles' in sys.modules)\n"
    )
    names = [tmp_path / "plain.fits", tmp_path / "sdss.fits"]
    done = subprocess.run(
        [sys.executable, "-c", code, *names], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "True"]


def test_a_file_of_an_unknown_telescope_is_not_opened_again(tmp_path, monkeypatch):
    fits.writeto(tmp_path / "plain.fits", stars(), tan())
    fits.writeto(tmp_path / "unknown.fits", stars(), tan(TELESCOP="a 20 cm refractor"))
    opened = []
    open_file = fits.open
    monkeypatch.setattr(fits, "open", lambda *a, **b: opened.append(a) or open_file(*a, **b))
    counts = []
    for name in ("plain.fits", "unknown.fits"):
        opened.clear()
        assert open_exposure(tmp_path / name, profile=None).said is None
        counts.append(len(opened))
    assert counts[0] == counts[1] == 1
