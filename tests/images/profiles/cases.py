"""A tiny file of the structure of each product, and what a profile must make of it.

Values of cards come from the documents that the profiles cite; what is expected is written down
here by hand, never read from the profile.
"""

from dataclasses import dataclass, field

import numpy as np
from astropy.io import fits

from tests.images.files import stars, tan

#: Noise of the sky in the image, the error of every plane that says one, and its weight.
NOISE, ERROR = 1.0, 1.25
#: Columns without weight, exposure or data.
EMPTY = slice(0, 3)
#: Pixels that have one bit each: those of bad bits, and those of bits that mean no harm.
BAD_AT, KEPT_AT = [(40, 40 + k) for k in range(32)], [(80, 40 + k) for k in range(32)]


@dataclass(frozen=True)
class Case:
    """A file, and what is expected of it.

    Attributes
    ----------
    profile : str
        The profile.
    primary : dict
        Cards of the primary header. Without ``name``, the image is there, too.
    name : str
        EXTNAME of the image; the image is in an extension if it has one.
    image : dict
        Cards of the image.
    planes : dict of str to str
        EXTNAME of each further HDU -> what it holds: error, variance, weight, exposure, mask, none.
    cards : dict of str to dict
        Cards of these.
    bad, kept : tuple of int
        Bits of the mask that reject a pixel, and others.
    unit : str
        The unit of fluxes.
    zero_point : float or None
        The magnitude of one unit.
    system : str
        ``AB`` or ``Vega``.
    error : bool
        Whether the errors are those of a plane.
    gain : float or None
        Electrons of one unit.
    says : tuple of str
        Parts of what is said of planes in other files.
    """

    profile: str
    primary: dict
    name: str = ""
    image: dict = field(default_factory=dict)
    planes: dict = field(default_factory=dict)
    cards: dict = field(default_factory=dict)
    bad: tuple = ()
    kept: tuple = ()
    unit: str = ""
    zero_point: float | None = None
    system: str = "AB"
    error: bool = False
    gain: float | None = None
    says: tuple = ()
    integers: bool = False

    def pixels(self):
        """Return nine stars on a level of 10 with a noise of 1."""
        image = stars(noise=NOISE)
        return np.round(image * 20).astype("i4") if self.integers else image

    def hdus(self):
        """Return the file."""
        header = tan(**self.image)
        if not self.name:
            header.update(self.primary)
            hdus = [fits.PrimaryHDU(self.pixels(), header)]
        else:
            header["EXTNAME"] = self.name
            hdus = [fits.PrimaryHDU(), fits.ImageHDU(self.pixels(), header)]
            hdus[0].header.update(self.primary)
        for name, kind in self.planes.items():
            cards = fits.Header(self.cards.get(name, {}))
            hdus.append(fits.ImageHDU(self.plane(kind), cards, name=name))
        return fits.HDUList(hdus)

    def plane(self, kind):
        """Return a plane."""
        shape = self.pixels().shape
        if kind == "mask":
            mask = np.zeros(shape, "i4")
            for places, bits in ((BAD_AT, self.bad), (KEPT_AT, self.kept)):
                for place, bit in zip(places, bits, strict=False):
                    mask[place] = np.array(1 << bit, "u4").view("i4")
            return mask
        if kind == "codes":
            mask = np.zeros(shape, "i2")
            mask[BAD_AT[0]], mask[BAD_AT[1]] = 1, 6
            return mask
        if kind == "cube":
            return np.zeros((2, *shape), "i4")
        value = {"error": ERROR, "variance": ERROR**2, "weight": ERROR**-2}.get(kind, 1.0)
        plane = np.full(shape, value, "f4")
        if kind in ("weight", "exposure", "relative"):
            plane *= 7 if kind == "relative" else 1
            plane[:, EMPTY] = 0
        return plane

    def masked(self):
        """Return which pixels must be masked."""
        mask = np.zeros(self.pixels().shape, bool)
        if {"weight", "exposure", "relative"} & set(self.planes.values()):
            mask[:, EMPTY] = True
        count = 2 if "codes" in self.planes.values() else len(self.bad)
        for place in BAD_AT[:count]:
            mask[place] = True
        return mask


JWST = {"TELESCOP": "JWST", "INSTRUME": "NIRCAM"}
#: The area of a pixel of `tan`, in sr.
PIXEL_AREA = 1.218e-11
PIXEL = {"BUNIT": "MJy/sr", "PIXAR_SR": PIXEL_AREA}
JWST_ZERO = -2.5 * np.log10(1e6 * PIXEL_AREA / 3631)
#: ACS/WFC F814W, whose AB zero point is 25.94 (ACS zero points calculator).
F814W = {"PHOTFLAM": 7.0331e-20, "PHOTPLAM": 8045.5}
F814W_ZERO = -2.5 * np.log10(7.0331e-20) - 5 * np.log10(8045.5) - 2.408
F814W_ZERO_OF_500_S = F814W_ZERO + 2.5 * np.log10(500)
MP = {
    "MP_BAD": 0, "MP_SAT": 1, "MP_INTRP": 2, "MP_CR": 3, "MP_EDGE": 4, "MP_DETECTED": 5,
    "MP_NO_DATA": 8,
}  # fmt: skip
MSK = {"MSKN0000": "BAD", "MSKN0001": "SAT", "MSKN0002": "DETECTED", "MSKN0003": "NO_DATA"}
CP = {"PROCTYPE": "InstCal", "PRODTYPE": "image", "PHOTREF": "PS1", "EXPTIME": 101.0}


def _hst(profile, instrument, detector, bunit, bad, kept, zero_point):
    return Case(
        profile,
        {"TELESCOP": "HST", "INSTRUME": instrument, "DETECTOR": detector, "EXPTIME": 500.0},
        "SCI", {"BUNIT": bunit, **F814W}, {"ERR": "error", "DQ": "mask"}, bad=bad, kept=kept,
        unit="electron / s" if "/S" in bunit else "electron", zero_point=zero_point, error=True,
    )  # fmt: skip


CASES = [
    Case(
        "jwst-i2d", JWST, "SCI", PIXEL,
        {"ERR": "error", "CON": "cube", "WHT": "exposure", "VAR_POISSON": "variance"},
        unit="MJy / sr", zero_point=JWST_ZERO, error=True,
    ),
    Case(
        "jwst-cal", JWST, "SCI", PIXEL,
        {"ERR": "error", "DQ": "mask", "AREA": "none", "VAR_FLAT": "variance"},
        bad=(0, 9), kept=(1, 2, 4, 12, 31), unit="MJy / sr", zero_point=JWST_ZERO, error=True,
    ),
    _hst(
        "hst-acs", "ACS", "WFC", "ELECTRONS",
        bad=(0, 1, 2, 3, 5, 7, 9, 10, 11, 12, 13), kept=(4, 6, 8),
        zero_point=F814W_ZERO_OF_500_S,
    ),
    _hst(
        "hst-wfc3-uvis", "WFC3", "UVIS", "ELECTRONS",
        bad=(0, 1, 2, 3, 5, 7, 9, 10, 11, 12, 13, 14), kept=(4, 6, 8),
        zero_point=F814W_ZERO_OF_500_S,
    ),
    _hst(
        "hst-wfc3-ir", "WFC3", "IR", "ELECTRONS/S",
        bad=(0, 1, 2, 3, 5, 6, 7, 8, 10, 11, 12, 13, 14), kept=(4, 9), zero_point=F814W_ZERO,
    ),
    _hst(
        "hst-wfpc2", "WFPC2", "4", "ELECTRONS",
        bad=(0, 1, 2, 3, 4, 5, 8, 9, 12), kept=(10,),
        zero_point=F814W_ZERO_OF_500_S,
    ),
    Case(
        "hst-drz", {"TELESCOP": "HST", "INSTRUME": "ACS", "EXPTIME": 2000.0}, "SCI",
        {"BUNIT": "ELECTRONS/S", **F814W}, {"WHT": "relative", "CTX": "none"},
        unit="electron / s", zero_point=F814W_ZERO,
    ),
    Case(
        "euclid-vis", {"TELESCOP": "Euclid", "INSTRUME": "VIS"}, "3-4.F.SCI", {},
        {"3-4.F.RMS": "error", "3-4.F.FLG": "mask", "3-4.G.RMS": "none"},
        bad=(0, 4), kept=(3, 5, 18, 24), unit="adu", error=True,
    ),
    Case(
        "euclid-nir", {"TELESCOP": "Euclid", "INSTRUME": "NISP"}, "DET11.SCI", {},
        {"DET11.RMS": "error", "DET11.DQ": "mask"}, bad=(0,), kept=(1, 5), unit="electron",
        error=True,
    ),
    Case(
        "euclid-mer", {"TELESCOP": "Euclid", "INSTRUME": "VIS", "MAGZERO": 24.6},
        zero_point=24.6, says=("RMS file: --error",),
    ),
    Case(
        "lsst-exposure", {"AR_HDU": 5, "EXPTIME": 30.0}, "IMAGE", {"BUNIT": "nJy"},
        {"MASK": "mask", "VARIANCE": "variance"}, {"MASK": MP, "VARIANCE": {"BUNIT": "nJy2"}},
        bad=(0, 8), kept=(1, 2, 3, 4, 5), unit="nJy", zero_point=31.4, error=True,
    ),
    Case(
        "lsst-images", {"JSONADDR": 1, "INDXADDR": 2}, "IMAGE", {"BUNIT": "nJy"},
        {"MASK": "mask", "VARIANCE": "variance"}, {"MASK": MSK},
        bad=(0, 3), kept=(1, 2), unit="nJy", zero_point=31.4, error=True,
    ),
    Case(
        "decam-cp", {"INSTRUME": "DECam", "MAGZERO": 30.12, **CP},
        "N15", {"CCDNUM": 46, "SATURATE": 41108.06}, zero_point=30.12,
        says=("dqmask", "--mask", "wtmap", "--weight"),
    ),
    Case(
        "noirlab-cp", {"INSTRUME": "Mosaic3", "MAGZERO": 21.326, **CP}, "CCD3", {"SATURATE": 47200},
        says=("dqmask", "wtmap"),
    ),
    Case(
        "des-coadd", {}, "SCI",
        {"DES_EXT": "IMAGE", "TILENAME": "DES0219-0541", "MAGZERO": 30.0, "SATURATE": 1e5},
        {"MSK": "codes", "WGT": "weight"}, zero_point=30.0,
    ),
    Case(
        "des-exposure", {}, "SCI", {"DES_EXT": "IMAGE", "CCDNUM": 12, "SATURATE": 1e5},
        {"MSK": "mask", "WGT": "weight"}, bad=(0, 3, 4, 6, 7, 8, 9, 10), kept=(1, 2, 5, 11),
    ),
    Case(
        "sdss-frame", {"ORIGIN": "SDSS", "TELESCOP": "2.5m", "BUNIT": "nanomaggy", "EXPTIME": 53.9},
        unit="nmgy", zero_point=22.5,
    ),
    Case(
        "legacysurvey-coadd", {"LEGPIPEV": "DR10.0", "IMTYPE": "image", "PRODTYPE": "image",
                               "BUNIT": "nanomaggy", "MAGZERO": 22.5},
        unit="nmgy", zero_point=22.5, says=("invvar: --weight", "--mask-bits"),
    ),
    Case(
        "ztf-science", {"ORIGIN": "Zwicky Transient Facility", "MAGZP": 26.2, "SATURATE": 55000.0},
        unit="DN", zero_point=26.2, says=("0,2-10,12",),
    ),
    Case(
        "skymapper", {"INSTRUME": "SkyMapper", "ZPAPPROX": 26.1, "EXPTIME": 100.0},
        says=("--mask",),
    ),
    Case(
        "eso-survey", {"ORIGIN": "ESO", "INSTRUME": "OMEGACAM", "PRODCATG": "SCIENCE.IMAGE",
                       "PHOTZP": 0.1, "PHOTSYS": "AB"},
        zero_point=0.1, says=("ANCILLARY.WEIGHTMAP",),
    ),
    Case(
        "vircam", {"INSTRUME": "VIRCAM", "EXPTIME": 10.0, "HIERARCH ESO TEL AIRM START": 1.2,
                   "HIERARCH ESO TEL AIRM END": 1.4},
        "DET1.CHIP1", {"MAGZPT": 23.0, "EXTINCT": 0.05},
        zero_point=23.0 + 2.5 - 0.05 * 0.3, system="Vega", says=("--scale-weight",),
    ),
    Case(
        "wfcam", {"INSTRUME": "WFCAM", "EXP_TIME": 10.0, "AMSTART": 1.0, "AMEND": 1.2}, "CCD1",
        {"MAGZPT": 22.8, "EXTINCT": 0.05}, zero_point=22.8 + 2.5 - 0.05 * 0.1, system="Vega",
        says=("--scale-weight",),
    ),
    Case("2mass-atlas", {"ORIGIN": "2MASS", "MAGZP": 20.04, "SKYVAL": 10.0}, unit="DN",
         zero_point=20.04, system="Vega"),
    Case(
        "wise-atlas", {"COADDID": "0944p227_ab41", "BAND": 1, "MAGZP": 20.5, "BUNIT": "DN"},
        unit="DN", zero_point=20.5, system="Vega", says=("unc", "--error"),
    ),
    Case(
        "unwise", {"UNW_VER": "v3.5", "BAND": 1, "MAGZP": 22.5}, zero_point=22.5, system="Vega",
        says=("invvar", "--weight"),
    ),
    Case(
        "spitzer", {"TELESCOP": "Spitzer", "INSTRUME": "IRAC", "BUNIT": "MJy/sr", "EXPTIME": 96.8},
        unit="MJy / sr", says=("unc", "--error"),
    ),
    Case(
        "herschel-pacs", {"TELESCOP": "Herschel Space Observatory", "INSTRUME": "PACS"}, "image",
        {"BUNIT": "Jy/pixel"}, {"coverage": "exposure", "stDev": "none"}, unit="Jy / pix",
    ),
    Case(
        "herschel-spire", {"TELESCOP": "Herschel Space Observatory", "INSTRUME": "SPIRE"}, "image",
        {"BUNIT": "Jy/beam"}, {"error": "error", "coverage": "exposure"}, unit="Jy / beam",
        error=True,
    ),
    Case(
        "spherex", {"TELESCOP": "SPHEREx"}, "IMAGE", {"BUNIT": "MJy/sr"},
        {"FLAGS": "mask", "VARIANCE": "variance", "ZODI": "none"},
        {"FLAGS": {"MP_TRANSIENT": 0, "MP_NONFUNC": 6, "MP_SOURCE": 21},
         "VARIANCE": {"BUNIT": "MJy**2/sr**2"}},
        bad=(0, 6), kept=(21,), unit="MJy / sr", error=True,
    ),
    Case(
        "galex-int", {"TELESCOP": "GALEX", "BAND": 1, "EXPTIME": 1500.0}, unit="ct / s",
        zero_point=20.08, says=("rrhr",),
    ),
    Case(
        "swift-uvot", {"TELESCOP": "SWIFT", "INSTRUME": "UVOTA", "EXPOSURE": 400.0}, "U637461I",
        {}, unit="ct", gain=1.0, integers=True, says=("_ex.img",),
    ),
    Case("chandra", {"TELESCOP": "CHANDRA", "EXPOSURE": 5e4}, unit="ct", gain=1.0, integers=True,
         says=("exposure map",)),
    Case("xmm", {"TELESCOP": "XMM", "INSTRUME": "EPN", "EXPOSURE": 3e4}, unit="ct", gain=1.0,
         integers=True, says=("exposure map",)),
    Case(
        "tess-ffi", {"TELESCOP": "TESS"}, "CAMERA.CCD 1.1 cal", {"BUNIT": "electrons/s"},
        {"CAMERA.CCD 1.1 uncert": "error"}, unit="electron / s", error=True,
    ),
    Case(
        "lco", {"ORIGIN": "LCOGT", "TELESCOP": "1m0-09"}, "SCI",
        {"BUNIT": "electron", "SATURATE": 1e5}, {"BPM": "mask", "ERR": "error"},
        bad=(0, 2, 3), kept=(1,), unit="electron", error=True,
    ),
    Case(
        "gemini", {"TELESCOP": "Gemini-North", "INSTRUME": "GMOS-N"}, "SCI", {"BUNIT": "electron"},
        {"VAR": "variance", "DQ": "mask"}, {"VAR": {"BUNIT": "electron*electron"}},
        bad=(0, 3, 4, 6), kept=(1, 2, 5), unit="electron", error=True,
    ),
    Case(
        "muse", {"INSTRUME": "MUSE"}, "DATA", {"BUNIT": "10**(-20)*erg/s/cm**2/Angstrom"},
        {"STAT": "variance"}, {"STAT": {"BUNIT": "(10**(-20)*erg/s/cm**2/Angstrom)**2"}},
        unit="1e-20 erg / (Angstrom s cm2)", error=True,
    ),
    Case("radio", {"TELESCOP": "VLA", "BMAJ": 0.0125, "BMIN": 0.0125, "BUNIT": "JY/BEAM"},
         unit="Jy / beam", says=()),
]  # fmt: skip

#: Pixels are asinh of the flux: built in its own test.
APART = {"ps1-stack"}
