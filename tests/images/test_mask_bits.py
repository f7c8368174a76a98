"""Bits are found by the names that headers, or the documents of JWST and HST, give them."""

import numpy as np
import pytest
from astropy.io import fits

from skyshed.images import open_exposure, open_image
from skyshed.images.cards import Cards, SharedCards
from skyshed.images.mask_bits import names_of_bits

RUBIN = {"MP_BAD": 0, "MP_SAT": 1, "MP_CR": 3, "MP_DETECTED": 5, "HIERARCH MP_NOT_DEBLENDED": 10}
#: A header, and what it says the bits are.
SAID = {
    "Rubin": (RUBIN, {"BAD": 0, "SAT": 1, "CR": 3, "DETECTED": 5, "NOT_DEBLENDED": 10}),
    "texts": ({"MBIT_0": "NPRIMARY", "MBIT_2": "SATUR_G"}, {"NPRIMARY": 0, "SATUR_G": 2}),
    "more texts": ({"BIT00": "BPM", "BIT12": "sat"}, {"BPM": 0, "SAT": 12}),
    "comments": (
        {"BIT00": (0, "AIRCRAFT/SATELLITE TRACK"), "BIT08": (8, "SATURATED, OR NEARLY")},
        {"AIRCRAFT/SATELLITE TRACK": 0, "SATURATED": 8},
    ),
    "others": ({"BITPIX": -32, "BIT99": "x", "MP_X": "text", "MP_Y": 64, "BIT03": 7}, {}),
}


def plane(folder, cards, values, name="mask.fits"):
    hdu = fits.PrimaryHDU(values, fits.Header())
    hdu.header.update(
        fits.Header(
            [
                (key, *np.atleast_1d(value)) if isinstance(value, tuple) else (key, value)
                for key, value in cards.items()
            ]
        )
    )
    hdu.writeto(folder / name)
    return folder / name


@pytest.mark.parametrize("kind", SAID)
def test_names_are_those_of_the_header(kind):
    cards, expected = SAID[kind]
    header = fits.Header()
    for key, value in cards.items():
        header[key] = value
    assert names_of_bits(Cards(header), None)[0] == expected


def test_bits_by_name_reject_the_pixels_that_their_numbers_do(tmp_path):
    values = np.random.default_rng(1).integers(0, 64, (30, 40)).astype(np.int32)
    path, image = plane(tmp_path, RUBIN, values), np.ones((30, 40), "f4")
    named = open_exposure(image, mask=path, mask_bits=("sat", "CR", 0))
    assert named.mask_bits == (0, 1, 3)
    assert named.named_bits == {"SAT": 1, "CR": 3}
    assert np.array_equal(named.read().mask, (values & 0b1011) != 0)
    assert np.array_equal(
        named.read().mask, open_exposure(image, mask=values, mask_bits=(0, 1, 3)).read().mask
    )


def test_an_unknown_name_lists_those_that_are_known(tmp_path):
    values, image = np.zeros((30, 40), np.int16), np.ones((30, 40))
    path = plane(tmp_path, RUBIN, values)
    with pytest.raises(
        ValueError, match=r"'SATURATED' is no bit of mask .* BAD = 0, SAT = 1, CR = 3"
    ):
        open_exposure(image, mask=path, mask_bits=("SATURATED",))
    with pytest.raises(ValueError, match=r"'SAT' is no bit of mask .* names none"):
        open_exposure(image, mask=values, mask_bits=("SAT",))
    with pytest.raises(ValueError, match="names SAT, and no mask is given"):
        open_exposure(image, mask_bits=("SAT",))


@pytest.mark.parametrize(
    ("telescope", "name", "bit"),
    [
        (("JWST", "NIRCAM", "NRCA1"), "DO_NOT_USE", 0),
        (("JWST", "MIRI", "MIRIMAGE"), "REFERENCE_PIXEL", 31),
        (("JWST", "MIRI", "MIRIMAGE"), "NON_SCIENCE", 9),
        (("HST", "ACS", "WFC"), "SATPIXEL", 8),
        (("HST", "ACS", "WFC"), "DATAREJECT", 13),
        (("HST", "WFC3", "UVIS"), "CTETAIL", 5),
        (("HST", "WFC3", "IR"), "UNSTABLE", 5),
        (("HST", "WFC3", "IR"), "BADFLAT", 9),
    ],
)
def test_documented_bits_are_told_by_the_instrument(tmp_path, telescope, name, bit):
    cards = dict(zip(("TELESCOP", "INSTRUME", "DETECTOR"), telescope, strict=True))
    values = np.zeros((30, 40), np.uint32)
    values[3, 4] = 1 << bit
    hdus = [
        fits.PrimaryHDU(header=fits.Header(cards)),
        fits.ImageHDU(np.ones((30, 40)), name="SCI"),
    ]
    fits.HDUList([*hdus, fits.ImageHDU(values, name="DQ")]).writeto(tmp_path / "a.fits")
    path = str(tmp_path / "a.fits")
    # The instrument may be in the header of the image alone.
    for mask in (path + "[DQ]", values):
        exposure = open_exposure(path + "[SCI]", mask=mask, mask_bits=(name,))
        assert exposure.mask_bits == (bit,)
        assert np.argwhere(exposure.read().mask).tolist() == [[3, 4]]


def test_an_instrument_that_is_not_documented_here_has_no_names():
    assert names_of_bits(Cards(fits.Header({"TELESCOP": "HST", "INSTRUME": "NICMOS"})), None) == (
        {}, "",
    )  # fmt: skip
    assert open_image(np.ones((3, 3))).image.header is None


def test_bits_of_parts_that_differ_are_refused():
    parts = [Cards({"MP_SAT": bit}, label=f"{bit}.fits") for bit in (1, 1, 2)]
    same = SharedCards(parts[0].own, label="1.fits", of_parts=tuple(parts[:2]))
    assert names_of_bits(same, None) == ({"SAT": 1}, "its header")
    other = SharedCards(parts[0].own, label="1.fits", of_parts=tuple(parts))
    with pytest.raises(ValueError, match=r"header of 2.fits names other bits than that of 1.fits"):
        names_of_bits(other, None)


def test_instruments_of_parts_that_differ_are_none():
    parts = tuple(Cards({"TELESCOP": "HST", "INSTRUME": name}) for name in ("ACS", "WFC3"))
    assert names_of_bits(None, SharedCards({}, of_parts=parts)) == ({}, "")
