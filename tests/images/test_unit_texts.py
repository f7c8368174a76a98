"""BUNIT in the spellings that observatories use is the unit that they mean."""

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits

from skyshed.exceptions import ImageWarning
from skyshed.images import open_exposure, open_image
from skyshed.images.unit_texts import parsed_unit
from tests.images.files import stars

SB = u.erg / u.s / u.cm**2 / u.AA
MEANT = {
    "DN/S": u.DN / u.s, "dn/S": u.DN / u.s, "DN/s": u.DN / u.s, "1/S": 1 / u.s, "1/s": 1 / u.s,
    "ELECTRONS/S": u.electron / u.s, "e/s": u.electron / u.s, "e-/s": u.electron / u.s,
    "E-/S": u.electron / u.s, "electrons s-1": u.electron / u.s, "counts/sec": u.ct / u.s,
    "JY": u.Jy, "NJY": u.nJy, "mJy": u.mJy, "MJy": u.MJy, "JY/BEAM": u.Jy / u.beam,
    "Jy/Beam": u.Jy / u.beam, "mJy/beam": u.mJy / u.beam, "MJY/SR": u.MJy / u.sr,
    "MJy/sr": u.MJy / u.sr, "JY/PIXEL": u.Jy / u.pix, "(MJy/sr)^2": (u.MJy / u.sr) ** 2,
    "(MJy/sr)**2": (u.MJy / u.sr) ** 2, "ergs/s/cm2/Ang": SB, "ergs/cm^2/s/Ang": SB,
    "ERG/CM2/S/A": SB, "ERG/S/CM2/HZ": u.erg / u.s / u.cm**2 / u.Hz,
    "10**(-20)*erg/s/cm**2/Angstrom": 1e-20 * SB, "W/M2/HZ": u.W / u.m**2 / u.Hz,
    "1E-17 erg/s/cm^2/Angstrom/spaxel": 1e-17 * SB / u.pix, "K": u.K, "nanomaggies": u.nmgy,
    "Jy/beam km/s": u.Jy / u.beam * u.km / u.s, "JY/BEAM.KM/S": u.Jy / u.beam * u.km / u.s,
}  # fmt: skip


@pytest.mark.parametrize("text", MEANT)
def test_a_unit_is_the_one_that_is_meant(text):
    meant = u.Unit(MEANT[text])
    assert parsed_unit(text) == meant
    assert np.isclose(parsed_unit(text).to(meant), 1)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("text", ["N/A", "S/N", "none", "UNKNOWN", "", "unitless"])
def test_what_says_that_there_is_none_is_none(text):
    hdu = fits.PrimaryHDU(stars())
    hdu.header["BUNIT"] = text
    assert open_image(hdu).image.unit is None


@pytest.mark.parametrize("text", ["furlongs", "MJY/BEAM"])
def test_a_unit_that_can_mean_several_or_none_is_not_guessed(text):
    assert parsed_unit(text) is None


def test_noise_in_a_known_unit_is_not_taken_for_that_of_an_unknown_one(tmp_path):
    fits.writeto(tmp_path / "i.fits", stars(), fits.Header({"BUNIT": "MJY/BEAM"}))
    for name, unit in (("rms", "mJy/beam"), ("error", "Jy/beam"), ("weight", "beam2 Jy-2")):
        path = tmp_path / f"{name}.fits"
        fits.writeto(path, np.ones((120, 120), "f4"), fits.Header({"BUNIT": unit}))
        with pytest.raises(ValueError, match=rf"{name} is in .* BUNIT = 'MJY/BEAM', is not known"):  # noqa: SIM117
            with pytest.warns(ImageWarning, match="the unit BUNIT = 'MJY/BEAM' is not known"):
                open_exposure(tmp_path / "i.fits", **{name: path})
    with pytest.warns(ImageWarning, match="not known"):
        exposure = open_exposure(tmp_path / "i.fits", rms=np.ones((120, 120), "f4"))
    assert exposure.read().rms.max() == 1


def test_an_rms_in_milli_is_converted_whatever_the_capitals(tmp_path):
    fits.writeto(tmp_path / "i.fits", stars(), fits.Header({"BUNIT": "JY/BEAM"}))
    fits.writeto(
        tmp_path / "r.fits", np.full((120, 120), 1000, "f4"), fits.Header({"BUNIT": "mJy/beam"})
    )
    planes = open_exposure(tmp_path / "i.fits", rms=tmp_path / "r.fits").read()
    assert np.allclose(planes.rms, 1)
