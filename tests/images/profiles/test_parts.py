"""Files that are one image are the product that each of them is, with the planes of each."""

import numpy as np
import pytest
from astropy.io import fits

from skyshed import extract
from skyshed.exceptions import ImageWarning
from tests.images.profiles.cases import CASES, ERROR
from tests.mosaic.fields import by_tiles, same_tables
from tests.pipeline_field import used

OPTIONS = {"box_size": 30, "nsigma": 5}
BY_NAME = {case.profile: case for case in CASES}
#: How far the second part is from the first, in columns: with a gap of 5 between them.
STEP = 125


def write_two(folder, profile, change=lambda hdus: None, step=STEP):
    """Write a product twice, side by side; ``change`` is made to the second."""
    case = BY_NAME[profile]
    paths = [folder / "a.fits", folder / "b.fits"]
    for path, moved in zip(paths, (0, step), strict=True):
        hdus = case.hdus()
        image = hdus[1] if case.name else hdus[0]
        image.header["CRPIX1"] -= moved
        if moved:
            change(hdus)
        hdus.writeto(path)
    return paths


def side_by_side(one, fill, step=STEP):
    """Lay an array twice side by side, with what is in the gap."""
    ny, nx = one.shape
    whole = np.full((ny, step + nx), fill, one.dtype if fill == fill else float)
    whole[:, :nx] = whole[:, step:] = one
    return whole


@pytest.mark.parametrize("profile", ["jwst-cal", "jwst-i2d", "lsst-exposure", "des-coadd"])
@pytest.mark.parametrize("step", [120, STEP])
def test_the_planes_of_each_part_are_taken(tmp_path, profile, step):
    case = BY_NAME[profile]
    found = extract(write_two(tmp_path, profile, step=step), **OPTIONS)
    expected = side_by_side(case.masked(), True, step)
    np.testing.assert_array_equal(np.asarray(found.mask), expected)
    if case.error:
        error = np.asarray(found.error)[~expected]
        np.testing.assert_allclose(error, ERROR, rtol=1e-6)
    alone = extract(tmp_path / "a.fits", **OPTIONS)
    for name in ("zero_point_ab", "profile_mask", "profile_error", "mask_bits"):
        assert found.record.get(name) == alone.record.get(name)
    assert "each of 2 parts" in found.record["profile"]
    named = extract([tmp_path / "a.fits", tmp_path / "b.fits"], profile=profile, **OPTIONS)
    assert same_tables(named.table, found.table)


def test_tiles_of_joined_products_are_the_same(tmp_path):
    paths = write_two(tmp_path, "jwst-cal")
    assert same_tables(by_tiles(paths, (60, 60), **OPTIONS).table, extract(paths, **OPTIONS).table)


@pytest.mark.parametrize("step", [120, STEP])
@pytest.mark.parametrize("blanks", [(None, None), (-1, None), (-1, -2)])
def test_bits_of_the_parts_count_whatever_is_blank_in_them(tmp_path, blanks, step):
    paths = write_two(tmp_path, "jwst-cal", step=step)
    where = BY_NAME["jwst-cal"].masked()
    halves = []
    for path, blank in zip(paths, blanks, strict=True):
        bad = where.copy()
        with fits.open(path, mode="update") as hdus:
            hdus["SCI"].data = np.rint(hdus["SCI"].data).astype(np.int16)
            bits = where.astype(np.int16)
            if blank is not None:
                hdus["DQ"].header["BLANK"] = blank
                bits[90:95, 30:40], bad[90:95, 30:40] = blank, True
            hdus["DQ"].data = bits
        halves.append(bad)
    found = np.asarray(extract(paths, **OPTIONS).mask)
    expected = side_by_side(halves[0], True, step)
    expected[:, step:] = halves[1]
    np.testing.assert_array_equal(found, expected)


def test_what_is_given_goes_before_the_planes_of_the_parts(tmp_path):
    paths = write_two(tmp_path, "jwst-cal", step=120)
    mask = np.zeros((120, 240), bool)
    mask[100:110, 5] = True
    found = extract(paths, mask=mask, **OPTIONS)
    np.testing.assert_array_equal(np.asarray(found.mask), mask)
    assert "DQ (mask is given)" in found.record["profile_not_used"]
    assert "profile" not in extract(paths, profile="plain", **OPTIONS).record


def test_parts_of_different_products_are_plain_and_it_is_recorded_why(tmp_path):
    paths = write_two(tmp_path, "2mass-atlas", lambda hdus: hdus[0].header.pop("ORIGIN"))
    found = extract(paths, **OPTIONS)
    why = found.record["profile"]
    assert why.startswith("plain: the parts are not of one product")
    assert "a.fits[0] is 2mass-atlas" in why
    assert "b.fits[0] is none" in why
    assert used(found).zero_point is None


def test_parts_with_different_zero_points_have_none_and_the_card_is_named(tmp_path):
    paths = write_two(tmp_path, "2mass-atlas", lambda hdus: hdus[0].header.set("MAGZP", 21.0))
    with pytest.warns(ImageWarning, match=r"MAGZP differs .* 20.04 in .*a.fits.* 21.0 in .*b.fits"):
        found = extract(paths, **OPTIONS)
    assert "kron_mag" not in found.table.colnames
    assert "profile_zero_point" not in found.record


def test_zero_points_that_come_to_differ_by_other_cards_are_named(tmp_path):
    paths = write_two(tmp_path, "vircam", lambda hdus: hdus[0].header.set("EXPTIME", 20.0))
    with pytest.warns(ImageWarning, match=r"zero_point differs .*a.fits.*b.fits.*left out"):
        found = extract(paths, **OPTIONS)
    assert "kron_mag" not in found.table.colnames


def test_a_plane_that_a_part_lacks_is_left_out_with_a_warning(tmp_path):
    def without_error(hdus):
        hdus[2].data = hdus[2].data[:50]

    paths = write_two(tmp_path, "jwst-cal", without_error, step=120)
    with pytest.warns(ImageWarning, match=r"error is taken .*b.fits\[1\] has none: it is left"):
        found = extract(paths, **OPTIONS)
    assert "error" not in {name for name in found.record if name.startswith("error")}
    np.testing.assert_array_equal(
        np.asarray(found.mask), side_by_side(BY_NAME["jwst-cal"].masked(), True, 120)
    )


def test_masks_that_number_their_bits_differently_are_refused(tmp_path):
    def renumbered(hdus):
        hdus[2].header["MP_BAD"], hdus[2].header["MP_SAT"] = 1, 0

    paths = write_two(tmp_path, "lsst-exposure", renumbered)
    with pytest.raises(ValueError, match=r"a.fits.* and .*b.fits.* number their bits in different"):
        extract(paths, **OPTIONS)


def test_an_hdu_alone_is_the_product_that_its_own_header_says(tmp_path):
    found = extract(BY_NAME["2mass-atlas"].hdus()[0], **OPTIONS)
    assert found.record["profile"].startswith("2mass-atlas")
    assert used(found).zero_point == 20.04
    named = extract(BY_NAME["2mass-atlas"].hdus()[0], profile="2mass-atlas", **OPTIONS)
    assert same_tables(named.table, found.table)


def test_an_hdu_alone_whose_planes_are_not_there_is_plain_and_it_is_recorded_why(tmp_path):
    case = BY_NAME["jwst-i2d"]
    hdu = case.hdus()[1]
    hdu.header.update(case.primary)
    found = extract(hdu, **OPTIONS)
    why = found.record["profile"]
    assert why.startswith("plain: the HDU alone would be ")
    assert "jwst-i2d without ERR and WHT" in why
    # Of a file that lacks them, too.
    hdus = case.hdus()
    fits.HDUList(hdus[:2]).writeto(tmp_path / "a.fits")
    why = extract(tmp_path / "a.fits", **OPTIONS).record["profile"]
    assert why.startswith(f"plain: {tmp_path / 'a.fits'} would be ")
    with pytest.raises(ValueError, match="has no HDU ERR nor WHT"):
        extract(hdu, profile="jwst-i2d", **OPTIONS)
