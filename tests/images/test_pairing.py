"""What goes with an image is of the same CCD, on the same sky, and in the record."""

import numpy as np
import pytest
from astropy.io import fits

from skyshed import extract
from skyshed.exceptions import ImageWarning
from skyshed.images import open_exposure
from skyshed.images.hdu_facts import HduFacts
from skyshed.images.pairing import _belonging
from tests.images.files import stars, tan

CCDS = ("S29", "S30", "S31")


def bad(k):
    """Return the mask of CCD k: each has its own columns."""
    mask = np.zeros((120, 120), np.int16)
    mask[:, 40 * k : 40 * k + 10] = 1
    return mask


def camera(path, make, cards=lambda k: {"EXTNAME": CCDS[k]}, order=(0, 1, 2), empty=True):
    """Write a file with an image for each CCD."""
    hdus = [fits.PrimaryHDU()] if empty else []
    for k in order:
        header = tan(CRVAL1=150.0 + k, **cards(k))
        hdus.append((fits.ImageHDU if hdus else fits.PrimaryHDU)(make(k), header))
    fits.HDUList(hdus).writeto(path)
    return path


IDENTITIES = {
    "EXTNAME": lambda k: {"EXTNAME": CCDS[k]},
    "EXTNAME and EXTVER (HST)": lambda k: {"EXTNAME": "SCI", "EXTVER": k + 1},
    "IMAGEID (NOAO)": lambda k: {"IMAGEID": k + 5},
    "CCDNUM (DECam)": lambda k: {"CCDNUM": 60 - k},
}


@pytest.mark.parametrize("kind", IDENTITIES)
@pytest.mark.parametrize("taken", [0, 1, 2])
def test_the_companion_of_a_ccd_is_of_that_ccd_in_any_order(tmp_path, kind, taken):
    cards = IDENTITIES[kind]
    image = camera(tmp_path / "ooi.fits", lambda k: stars(seed=k), cards)
    mask = camera(tmp_path / "ood.fits", bad, cards, order=(2, 0, 1))
    given = [(str(mask), f"{image}[{taken + 1}]")]
    with fits.open(mask) as hdus, fits.open(image) as images:
        given += [(hdus, f"{image}[{taken + 1}]"), (mask, images[taken + 1])]
        for companion, main in given:
            exposure = open_exposure(main, mask=companion)
            assert np.array_equal(exposure.read().mask, bad(taken) != 0)


def test_images_without_names_are_paired_by_their_places(tmp_path):
    image = camera(tmp_path / "ooi.fits", lambda k: stars(seed=k), lambda _: {})
    mask = camera(tmp_path / "ood.fits", bad, lambda _: {}, empty=False)
    for k in range(3):
        found = open_exposure(f"{image}[{k + 1}]", mask=mask).read().mask
        assert np.array_equal(found, bad(k) != 0)


def test_axes_of_length_1_do_not_tell_images_apart(tmp_path):
    image = camera(tmp_path / "ooi.fits", lambda k: stars(seed=k)[None, :, None], lambda _: {})
    mask = camera(tmp_path / "ood.fits", bad, lambda _: {})
    for k in range(3):
        found = open_exposure(f"{image}[{k + 1}]", mask=mask).read().mask
        assert np.array_equal(found, bad(k) != 0)


def test_a_plane_of_the_version_of_the_image_is_taken(tmp_path):
    image = camera(tmp_path / "sci.fits", lambda k: stars(), IDENTITIES["EXTNAME and EXTVER (HST)"])
    names = [{"EXTNAME": "DQ", "EXTVER": k + 1} for k in range(3)]
    mask = camera(tmp_path / "dq.fits", bad, names.__getitem__, order=(1, 2, 0))
    assert np.array_equal(open_exposure(f"{image}[SCI,2]", mask=mask).read().mask, bad(1) != 0)


def test_the_mask_of_another_ccd_is_not_taken_for_that_of_the_image(tmp_path):
    image = camera(tmp_path / "ooi.fits", lambda k: stars())
    mask = camera(tmp_path / "ood.fits", bad)
    named = extract(f"{image}[S30]", mask=f"{mask}[S30]", n_threads=1)
    found = extract(f"{image}[S30]", mask=mask, n_threads=1)
    assert np.array_equal(found.table["kron_flux"], named.table["kron_flux"])
    with pytest.raises(ValueError, match="mask and image must have the same pixels on the sky"):
        extract(f"{image}[S30]", mask=f"{mask}[S29]")


def test_where_none_or_several_belong_to_the_image_they_are_listed(tmp_path):
    image = camera(tmp_path / "ooi.fits", lambda k: stars())
    names = {"EXTNAME": "N1"}, {"EXTNAME": "N2"}, {"EXTNAME": "N3"}
    others = camera(tmp_path / "other.fits", bad, names.__getitem__)
    message = r"mask .*other\.fits.* holds 3 images.*image is HDU 2 S30.* none of 1 N1, 2 N2, 3 N3"
    with pytest.raises(ValueError, match=message):
        open_exposure(f"{image}[S30]", mask=others)
    twice = camera(tmp_path / "twice.fits", bad, lambda k: {"EXTNAME": "S30"})
    with pytest.raises(ValueError, match=r"1 S30 and 2 S30 and 3 S30 of 1 S30"):
        open_exposure(f"{image}[S30]", mask=twice)
    with pytest.raises(ValueError, match=r"image has no HDU.*name one, such as .*ooi.fits\[S29\]"):
        open_exposure(stars(), rms=image)


def test_a_file_with_one_image_is_taken_whatever_it_is_called(tmp_path):
    image = camera(tmp_path / "ooi.fits", lambda k: stars())
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(bad(1), name="BPM")]).writeto(
        tmp_path / "b.fits"
    )
    mask = open_exposure(f"{image}[S30]", mask=tmp_path / "b.fits").read().mask
    assert np.array_equal(mask, bad(1) != 0)


def test_a_companion_elsewhere_on_the_sky_is_refused(tmp_path):
    fits.writeto(tmp_path / "image.fits", stars(), tan())
    fits.writeto(tmp_path / "far.fits", np.ones((120, 120), "u1"), tan(CRVAL1=10.0, CRVAL2=-50.0))
    fits.writeto(tmp_path / "near.fits", np.ones((120, 120), "u1"), tan(CRPIX1=61.5))
    for name in ("weight", "rms", "error", "mask"):
        for file in ("far.fits", "near.fits"):
            with pytest.raises(ValueError, match=f"{name} and image must have the same pixels on"):
                open_exposure(tmp_path / "image.fits", **{name: tmp_path / file})


def test_a_companion_is_compared_with_the_header_of_the_image_if_a_wcs_is_given(tmp_path):
    fits.writeto(tmp_path / "image.fits", stars(), tan())
    fits.writeto(tmp_path / "rms.fits", np.ones((120, 120), "f4"), tan())
    given = tan(CRVAL1=10.0)
    exposure = open_exposure(tmp_path / "image.fits", rms=tmp_path / "rms.fits", wcs=given)
    assert exposure.wcs.wcs.crval.tolist() == [10, 2]
    with pytest.raises(ValueError, match="rms and image must have the same pixels on the sky"):
        open_exposure(stars(), rms=tmp_path / "rms.fits", wcs=given)


def test_the_image_itself_is_none_of_its_companions(tmp_path):
    fits.writeto(tmp_path / "image.fits", stars(), tan())
    for name in ("weight", "rms", "error", "mask"):
        with pytest.raises(ValueError, match=rf"{name} is the image itself, .*image\.fits\[0\]"):
            open_exposure(tmp_path / "image.fits", **{name: tmp_path / "image.fits"})


def test_companions_are_in_the_record(tmp_path):
    image = camera(tmp_path / "ooi.fits", lambda k: stars())
    mask = camera(tmp_path / "ood.fits", bad)
    rms = np.ones((120, 120))
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(rms)]).writeto(tmp_path / "rms.fits")
    record = extract(f"{image}[S30]", mask=mask, rms=tmp_path / "rms.fits", n_threads=1).record
    assert (record["mask"], record["mask_hdu"]) == (str(mask), "2")
    assert (record["rms"], record["rms_hdu"]) == (str(tmp_path / "rms.fits"), "1")
    assert record["mask_size"] == str(mask.stat().st_size)
    assert {"mask_date", "rms_size", "rms_date"} <= set(record)
    assert extract(f"{image}[S30]", error=rms, n_threads=1).record["error"] == "array"


def test_parts_of_lists_are_paired_one_by_one(tmp_path):
    """The files of a mosaic have two halves each, in two orders."""
    halves = {"TOP": slice(60, None), "BOTTOM": slice(None, 60)}
    mask = np.zeros((120, 120), np.uint8)
    mask[60:, 3], mask[:60, 5] = 1, 1
    for file, pixels, order in (("a", stars(), ("TOP", "BOTTOM")), ("m", mask, ("BOTTOM", "TOP"))):
        hdus = [fits.PrimaryHDU()]
        for name in order:
            begin = halves[name].start or 0
            cards = fits.Header({"EXTNAME": name, "DETSEC": f"[1:120,{begin + 1}:{begin + 60}]"})
            hdus.append(fits.ImageHDU(pixels[halves[name]], cards))
        fits.HDUList(hdus).writeto(tmp_path / f"{file}.fits")
    parts = [f"{tmp_path}/a.fits[{name}]" for name in ("TOP", "BOTTOM")]
    exposure = open_exposure(parts, mask=[tmp_path / "m.fits"] * 2)
    assert np.array_equal(exposure.read().mask, mask != 0)


def test_maps_and_other_bands_are_of_the_same_ccd(tmp_path):
    image = camera(tmp_path / "g.fits", lambda k: stars(seed=k))
    band = camera(tmp_path / "r.fits", lambda k: 2 * stars(seed=k + 5), order=(2, 1, 0))
    maps = camera(tmp_path / "maps.fits", lambda k: bad(k).astype("i4"), order=(1, 0, 2))
    found = extract(f"{image}[S30]", detection_image=band, n_threads=1)
    assert found.record["detection_image_hdu"] == "2"
    found = extract(f"{image}[S30]", detection_image=band, region="0:100,0:100", n_threads=1)
    assert found.record["detection_image_hdu"] == "2"
    found = extract(f"{image}[S29]", segmentation=maps, n_threads=1)
    assert np.array_equal(found.segmentation.data, bad(0))


def test_one_of_several_images_is_not_taken_without_a_word(tmp_path):
    image = camera(tmp_path / "ooi.fits", lambda k: stars())
    message = r"ooi\.fits holds 3 images.* HDU 1 S29, is taken of 1 S29, 2 S30, 3 S31; name one"
    with pytest.warns(ImageWarning, match=message):
        open_exposure(image)
    with fits.open(image) as hdus, pytest.warns(ImageWarning, match="image .* holds 3 images"):
        open_exposure(hdus)


@pytest.mark.filterwarnings("error")
def test_the_science_image_of_a_product_is_taken_as_always(tmp_path):
    planes = ({"EXTNAME": name} for name in ("SCI", "ERR", "DQ"))
    image = camera(tmp_path / "i2d.fits", lambda k: stars(), lambda k: next(planes))
    assert open_exposure(image).image.number == 1
    assert open_exposure(f"{image}[2]").image.number == 2


def counterparts(mine, theirs):
    """The numbers of the images that belong to one, of (name, version, detectors)."""
    first, *others = (
        HduFacts(number, name, version, tuple(detectors), (4, 4))
        for number, (name, version, detectors) in enumerate([mine, *theirs])
    )
    return [each.number for each in _belonging(first, others, lambda: [])]


def test_what_all_have_in_common_tells_nothing_and_what_differs_rules_out():
    chips = [("SCI", None, [("CCDNUM", str(n))]) for n in (3, 2, 1)]
    assert counterparts(("SCI", None, [("CCDNUM", "2")]), chips) == [2]
    assert counterparts(("SCI", 2, []), [("SCI", 1, []), ("VAR", 1, [])]) == []
    assert counterparts(("SCI", 2, []), [("SCI", 1, []), ("SCI", 2, [])]) == [2]
    assert counterparts(("SCI", None, []), [("SCI", None, []), ("VAR", None, [])]) == [1]


def test_an_hdulist_is_no_companion_of_itself():
    image = stars()
    hdus = fits.HDUList(
        [fits.PrimaryHDU(), fits.ImageHDU(image, name="SCI"), fits.ImageHDU(image, name="ERR")]
    )
    with pytest.raises(ValueError, match="error is the image itself"):
        extract(hdus, error=hdus)
