"""What the user gives goes before what a product has, whatever way he gives the file."""

import gzip
import warnings

import numpy as np
import pytest
from astropy.io import fits

from skyshed import Parameters, extract, extract_each
from skyshed.exceptions import ImageWarning
from skyshed.images import open_exposure
from tests.images.files import stars, tan
from tests.images.profiles.cases import BAD_AT, CASES, EMPTY, ERROR
from tests.mosaic.fields import by_tiles, same_tables
from tests.pipeline_field import used

OPTIONS = {"box_size": 30, "nsigma": 5}
BY_NAME = {case.profile: case for case in CASES}


@pytest.fixture
def written(tmp_path):
    """Return a function that writes the file of a product."""

    def write(profile, name="a.fits"):
        path = tmp_path / name
        BY_NAME[profile].hdus().writeto(path)
        return path

    return write


def test_a_companion_that_is_given_takes_the_place_of_that_of_the_file(written):
    path = written("jwst-cal")
    shape = BY_NAME["jwst-cal"].pixels().shape
    mask = np.zeros(shape, bool)
    mask[100:110, 5] = True
    found = extract(path, mask=mask, error=np.full(shape, 4.0), **OPTIONS)
    np.testing.assert_array_equal(np.asarray(found.mask), mask)
    assert np.unique(np.asarray(found.error)) == 4.0
    told = found.record["profile_not_used"]
    assert "ERR (error is given)" in told
    assert "DQ (mask is given)" in told
    assert used(found).mask_bits is None


def test_a_noise_that_is_given_takes_the_place_of_any_other(written):
    found = extract(written("des-coadd"), rms=np.full((120, 120), 2.0), **OPTIONS)
    assert np.unique(np.asarray(found.error)) == 2.0
    assert "WGT (weight is given)" in found.record["profile_not_used"]


def test_pixels_without_data_stay_masked_beside_a_mask_that_is_given(written):
    mask = np.zeros((120, 120), bool)
    mask[100, 100] = True
    found = extract(written("jwst-i2d"), mask=mask, **OPTIONS)
    expected = mask.copy()
    expected[:, EMPTY] = True
    np.testing.assert_array_equal(np.asarray(found.mask), expected)


def test_bits_that_are_given_are_those_of_the_plane_of_the_file(written):
    with pytest.warns(ImageWarning, match=r"mask_bits is given as \(9,\), .* says \(0, 9\)"):
        found = extract(written("jwst-cal"), mask_bits="9", **OPTIONS)
    assert np.argwhere(np.asarray(found.mask)).tolist() == [list(BAD_AT[1])]
    assert "bits 9, as given" in found.record["profile_mask"]
    assert used(found).mask_bits == (9,)


@pytest.mark.parametrize("profile", ["jwst-cal", "jwst-i2d", "sdss-frame"])
def test_bits_that_are_given_with_a_mask_are_those_of_that_mask(profile, written):
    mask = np.zeros((120, 120), np.uint8)
    mask[50, 50], mask[51, 51] = 1, 4
    found = extract(written(profile), mask=mask, mask_bits="2", **OPTIONS)
    expected = mask == 4
    if profile == "jwst-i2d":
        expected[:, EMPTY] = True
    np.testing.assert_array_equal(np.asarray(found.mask), expected)


def test_a_gain_beside_the_errors_of_a_file_is_said_to_have_no_effect(written):
    path = written("jwst-cal")
    with pytest.warns(ImageWarning, match=r"effective_gain is given, and has no effect: .*ERR"):
        found = extract(path, effective_gain=2.0, **OPTIONS)
    assert np.unique(np.asarray(found.error)) == ERROR


def test_parameters_that_are_given_go_before_those_of_the_header_and_it_is_said(written):
    path = written("sdss-frame")
    with pytest.warns(ImageWarning, match="zero_point is given as 25.0, .* the file says 22.5"):
        found = extract(path, parameters=Parameters(zero_point=25.0, **OPTIONS))
    assert used(found).zero_point == 25.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        extract(path, parameters=extract(path, **OPTIONS).parameters)
    with pytest.warns(ImageWarning, match="effective_gain is given as 3.0, .* the file says 1"):
        found = extract(written("chandra", "b.fits"), effective_gain=3, **OPTIONS)
    assert used(found).effective_gain == 3


def test_a_weight_that_is_relative_is_no_parameter_of_the_next_file(written):
    found = extract(written("hst-drz"), **OPTIONS)
    assert "relative weight" in found.record["profile_weight"]
    assert not found.parameters.scale_weight


@pytest.mark.parametrize("profile", ["jwst-cal", "hst-drz", "lsst-exposure", "jwst-i2d"])
def test_every_way_to_give_a_file_has_the_same_result(profile, written, tmp_path):
    path = written(profile)
    whole = extract(path, **OPTIONS)
    zipped = tmp_path / "z.fits"
    zipped.write_bytes(gzip.compress(path.read_bytes()))
    with fits.open(path) as hdus:
        in_memory = extract(hdus, **OPTIONS)
        assert in_memory.record["profile"] == whole.record["profile"]
        assert same_tables(in_memory.table, whole.table)
    for given in (zipped, f"{path}[1]", f"{path}[{BY_NAME[profile].name}]"):
        assert same_tables(extract(given, **OPTIONS).table, whole.table)
    tiles = by_tiles(path, (60, 60), **OPTIONS)
    assert same_tables(tiles.table, whole.table)
    assert tiles.record["profile"] == whole.record["profile"]
    np.testing.assert_array_equal(np.asarray(tiles.mask), np.asarray(whole.mask))
    for outcome in extract_each([path], **OPTIONS):
        assert same_tables(outcome.extraction.table, whole.table)


def test_a_region_is_a_part_of_all_planes(written):
    found = extract(written("jwst-cal"), region="30:60,30:70", box_size=15, nsigma=5)
    expected = BY_NAME["jwst-cal"].masked()[30:60, 30:70]
    np.testing.assert_array_equal(np.asarray(found.mask), expected)


def test_an_image_whose_header_lacks_a_sign_can_be_named(tmp_path):
    case = BY_NAME["jwst-cal"]
    hdus = case.hdus()
    del hdus[0].header["TELESCOP"]
    hdus.writeto(tmp_path / "a.fits")
    plain = extract(tmp_path / "a.fits", **OPTIONS)
    assert plain.mask is None
    assert "profile" not in plain.record
    named = extract(tmp_path / "a.fits", profile="jwst-cal", **OPTIONS)
    np.testing.assert_array_equal(np.asarray(named.mask), case.masked())
    assert "the argument profile" in named.record["profile"]


def test_a_profile_that_does_not_fit_is_refused(written, tmp_path):
    path = written("sdss-frame")
    for name, what in (
        ("jwst", "plain, .*jwst-i2d.*; got 'jwst'"),
        ("jwst-i2d", "whose image is called SCI, and image is HDU 0"),
        ("lsst-exposure", "whose image is called IMAGE"),
    ):
        with pytest.raises(ValueError, match=what):
            extract(path, profile=name)
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(stars(), name="SCI")]).writeto(
        tmp_path / "b.fits"
    )
    with pytest.raises(ValueError, match="has no HDU ERR nor WHT: it has 1 SCI"):
        extract(tmp_path / "b.fits", profile="jwst-i2d")
    with pytest.raises(TypeError, match="profile must be the name of one, 'plain' or None, got"):
        extract(path, profile=np.ones(3))
    with pytest.raises(ValueError, match="image is no FITS file, HDUList or HDU"):
        extract(stars(), profile="sdss-frame")


def test_planes_are_those_of_the_same_chip(tmp_path):
    case = BY_NAME["hst-acs"]
    hdus = case.hdus()
    second = fits.HDUList([each.copy() for each in hdus[1:]])
    second[1].data = np.full_like(second[1].data, 3.0)  # ERR of the second chip
    second[2].data = np.zeros_like(second[2].data)
    for each in second:
        each.header["EXTVER"] = 2
    for each in hdus[1:]:
        each.header["EXTVER"] = 1
    path = tmp_path / "a.fits"
    fits.HDUList([*hdus, *second]).writeto(path)
    with pytest.warns(ImageWarning, match=r"holds 6 images.*name one, such as .*\[SCI,2\]"):
        first = extract(path, **OPTIONS)
    np.testing.assert_array_equal(np.asarray(first.mask), case.masked())
    other = extract(path, hdu="SCI,2", **OPTIONS)
    assert other.mask is None
    assert np.unique(np.asarray(other.error)) == 3.0
    assert "HDU 5 ERR,2" in other.record["profile_error"]
    # Without planes of its own, a chip does not have those of the other.
    fits.HDUList([*hdus, second[0]]).writeto(tmp_path / "b.fits")
    alone = extract(tmp_path / "b.fits", hdu="SCI,2", **OPTIONS)
    assert alone.mask is None
    assert "mask: no HDU DQ" in alone.record["profile_not_used"]


def test_a_plane_that_is_asked_for_is_no_product(written):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nothing is in it
        found = extract(written("jwst-i2d"), hdu="ERR", nsigma=5, box_size=30)
    assert "profile" not in found.record


def test_planes_of_another_shape_are_told_of(tmp_path):
    hdus = BY_NAME["lco"].hdus()
    hdus[2].data = hdus[2].data[:50]
    hdus.writeto(tmp_path / "a.fits")
    found = extract(tmp_path / "a.fits", **OPTIONS)
    assert found.mask is None
    assert "mask: no HDU BPM of its shape belongs to the image" in found.record["profile_not_used"]


def test_planes_of_a_file_are_those_of_its_image_whatever_their_wcs_says(tmp_path):
    hdus = BY_NAME["hst-acs"].hdus()
    hdus[2].header.update(tan(CRVAL1=10.0))  # ERR, which a new astrometry passed over
    hdus.writeto(tmp_path / "a.fits")
    found = extract(tmp_path / "a.fits", **OPTIONS)
    assert np.unique(np.asarray(found.error)) == ERROR


def test_a_mask_whose_bits_have_no_names_is_not_guessed(tmp_path):
    hdus = BY_NAME["lsst-exposure"].hdus()
    for card in list(hdus[2].header["MP_*"]):
        del hdus[2].header[card]
    hdus.writeto(tmp_path / "a.fits")
    found = extract(tmp_path / "a.fits", **OPTIONS)
    assert found.mask is None
    assert "names none of the bits BAD, NO_DATA" in found.record["profile_not_used"]


def test_units_of_planes_count_where_they_make_sense(tmp_path):
    hdus = BY_NAME["lsst-exposure"].hdus()
    hdus[3].header["BUNIT"] = "uJy2"  # of an image in nJy
    hdus[3].data /= 1e6
    hdus.writeto(tmp_path / "a.fits")
    hdus[3].header["BUNIT"] = "nJy"  # copied from the image
    hdus[3].data *= 1e6
    hdus.writeto(tmp_path / "b.fits")
    for name in ("a.fits", "b.fits"):
        found = extract(tmp_path / name, **OPTIONS)
        np.testing.assert_allclose(np.asarray(found.error), ERROR, rtol=1e-5)


def test_a_variance_that_is_none_is_an_error_that_is_not_known(tmp_path):
    hdus = BY_NAME["lsst-exposure"].hdus()
    hdus[3].data[0, :3] = -1, np.nan, np.inf
    hdus.writeto(tmp_path / "a.fits")
    error = np.asarray(extract(tmp_path / "a.fits", **OPTIONS).error)
    assert np.argwhere(np.isnan(error)).tolist() == [[0, 0], [0, 1], [0, 2]]


def test_files_that_are_no_product_are_read_as_ever(tmp_path):
    header = tan(TELESCOP="a 20 cm refractor", INSTRUME="a camera", ORIGIN="home")
    fits.writeto(tmp_path / "a.fits", stars(), header)
    found, plain = (
        extract(tmp_path / "a.fits", profile=each, **OPTIONS) for each in (None, "plain")
    )
    assert same_tables(found.table, plain.table)
    assert found.record.keys() == plain.record.keys()
    assert found.parameters == plain.parameters


def test_an_exposure_is_plain_unless_it_is_asked_for(written):
    assert open_exposure(written("jwst-i2d")).said is None


@pytest.mark.parametrize("profile", ["2mass-atlas", "sdss-frame", "hst-acs"])
def test_a_zero_point_that_is_there_twice_is_named_and_not_used(tmp_path, profile):
    case = BY_NAME[profile]
    hdus = case.hdus()
    card = {"2mass-atlas": "MAGZP", "hst-acs": "PHOTFLAM"}.get(profile)
    number = 1 if case.name else 0
    if card is None:  # nanomaggies are of magnitude 22.5 whatever the header says
        hdus.writeto(tmp_path / "a.fits")
        assert extract(tmp_path / "a.fits", **OPTIONS).record["zero_point_ab"] == "22.500000"
        return
    hdus[number].header.append((card, 1e-20 if card == "PHOTFLAM" else 21.0))
    hdus.writeto(tmp_path / "a.fits")
    with pytest.warns(ImageWarning, match=rf"{card} is given twice.*left out: give zero_point"):
        found = extract(tmp_path / "a.fits", **OPTIONS)
    assert "zero_point_ab" not in found.record
    assert "kron_mag" not in found.table.colnames
    assert f"zero point: {card} is given twice" in found.record["profile_not_used"]


def test_numbers_of_a_primary_header_count_for_a_product_unless_inherit_is_f(tmp_path):
    """What the file is, is a matter of the file; numbers are of the image."""
    case = BY_NAME["hst-acs"]
    found = {}
    for inherit in (True, False):
        hdus = case.hdus()
        moved = {card: hdus[1].header.pop(card) for card in ("PHOTFLAM", "PHOTPLAM")}
        hdus[0].header.update(moved)
        hdus[1].header["INHERIT"] = inherit
        path = tmp_path / f"{inherit}.fits"
        hdus.writeto(path)
        found[inherit] = extract(path, **OPTIONS)
        np.testing.assert_array_equal(np.asarray(found[inherit].mask), case.masked())
    assert float(found[True].record["zero_point_ab"]) == pytest.approx(case.zero_point, abs=2e-3)
    assert "zero_point_ab" not in found[False].record
