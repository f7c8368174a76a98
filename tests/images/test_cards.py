"""Cards are found by name: the image's own before those of a primary header without data."""

import bz2
import pickle

import numpy as np
import pytest
from astropy.io import fits

from skyshed.images import open_image
from skyshed.images.cards import Cards


def header(**cards):
    return fits.Header(cards)


def several(path, shared=None, own=None, primary_data=None):
    """Write an image in the second HDU."""
    hdus = [fits.PrimaryHDU(primary_data, header(**(shared or {})))]
    fits.HDUList(
        [*hdus, fits.ImageHDU(np.ones((4, 5)), header(**(own or {})), name="SCI")]
    ).writeto(path)
    return path


def test_the_image_s_own_card_counts_before_that_of_the_file(tmp_path):
    path = several(tmp_path / "a.fits", {"GAIN": 1.0, "EXPTIME": 30.0}, {"GAIN": 2.0})
    for given in (str(path) + "[SCI]", fits.open(path)):
        cards = open_image(given).image.header
        assert cards.number("GAIN", "effective_gain").value == 2.0
        assert cards.number("EXPTIME", "exposure_time").value == 30.0
        assert "primary" in cards.number("EXPTIME", "exposure_time").where


def test_a_primary_image_says_nothing_of_others(tmp_path):
    path = several(tmp_path / "a.fits", {"GAIN": 1.0}, primary_data=np.ones((3, 3)))
    cards = open_image(str(path) + "[SCI]").image.header
    with pytest.raises(
        ValueError, match=r"card, GAIN, and the header of .*a.fits\[1\] has no such"
    ):
        cards.number("GAIN", "effective_gain")


@pytest.mark.parametrize("value", ["25.3", True, "n/a", None])
def test_a_card_that_is_no_number_is_refused_and_shown(value):
    with pytest.raises(ValueError, match=r"MAGZERO = .*no number"):
        Cards(header(MAGZERO=value)).number("MAGZERO", "zero_point")


def test_compressed_files_have_their_cards(tmp_path):
    image, cards = np.ones((8, 9), "f4"), header(MAGZERO=25.5, SATURATE=60000)
    fits.writeto(tmp_path / "a.fits", image, cards)
    (tmp_path / "a.fits.bz2").write_bytes(bz2.compress((tmp_path / "a.fits").read_bytes()))
    tiles = fits.CompImageHDU(image, cards)
    fits.HDUList([fits.PrimaryHDU(), tiles]).writeto(tmp_path / "b.fits")
    for name in ("a.fits", "a.fits.bz2", "b.fits"):
        source = open_image(tmp_path / name).image
        assert source.header.number("MAGZERO", "zero_point").value == 25.5
        assert source.header.number("SATURATE", "saturation").value == 60000


def test_parts_have_the_cards_that_are_the_same_in_all(tmp_path):
    for name, where, zero in (("a", "[1:4,1:3]", 25.0), ("b", "[1:4,4:6]", 25.5)):
        cards = header(DETSEC=where, GAIN=2.0, MAGZERO=zero)
        fits.writeto(tmp_path / f"{name}.fits", np.zeros((3, 4)), cards)
    cards = open_image([tmp_path / "a.fits", tmp_path / "b.fits"]).image.header
    assert cards.number("GAIN", "effective_gain").value == 2.0
    with pytest.raises(ValueError, match=r"MAGZERO differs .* 25.0 in .*a.fits.* 25.5 in .*b.fits"):
        cards.number("MAGZERO", "zero_point")


def test_other_processes_read_the_cards_from_the_file(tmp_path):
    """So that 60 headers are not sent to each of them for nothing."""
    path = several(tmp_path / "a.fits", {"EXPTIME": 30.0, "FILLER": "x" * 60})
    source = open_image(f"{path}[SCI]").image
    sent = pickle.dumps(source)
    assert b"FILLER" not in sent
    assert pickle.loads(sent).header.number("EXPTIME", "exposure_time").value == 30.0


def test_inherit_f_closes_the_primary_header_for_numbers_and_not_for_what_a_file_is(tmp_path):
    shared = {"EXPTIME": 30.0, "TELESCOP": "Gemini-North"}
    path = several(tmp_path / "a.fits", shared, {"INHERIT": False, "GAIN": 2.0})
    for given in (f"{path}[SCI]", fits.open(path)):
        cards = open_image(given).image.header
        assert cards.value("EXPTIME") is None
        assert cards.value("GAIN") == 2.0
        assert cards.sign("TELESCOP") == "Gemini-North"
        with pytest.raises(ValueError, match=r"no such card \(that of the primary .* INHERIT"):
            cards.number("EXPTIME", "exposure_time")


def test_a_card_that_is_there_twice_or_cannot_be_read_has_no_value(tmp_path):
    twice = fits.Header([("MAGZERO", 25.0), ("MAGZERO", 26.0), ("GAIN", 2.0), ("GAIN", 2.0)])
    cards = Cards(twice)
    assert cards.value("MAGZERO") is None
    assert cards.doubt("MAGZERO") == "MAGZERO is given twice, as 25.0 and 26.0"
    assert (cards.value("GAIN"), cards.doubt("GAIN")) == (2.0, None)
    broken = fits.Header.fromstring(f"{'MAGZERO =  2.5.0':80s}{'END':80s}")
    assert Cards(broken).value("MAGZERO") is None
    with pytest.raises(ValueError, match="which is no number"):
        Cards(broken).number("MAGZERO", "zero_point")
