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


def test_cards_are_not_sent_to_other_processes(tmp_path):
    source = open_image(str(several(tmp_path / "a.fits")) + "[SCI]").image
    assert pickle.loads(pickle.dumps(source)).header is None
