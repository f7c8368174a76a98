"""Images that count photons: GALEX, Swift/UVOT, Chandra, XMM-Newton; and TESS."""

from skyshed.images.profiles.declared import (
    ERROR,
    Elsewhere,
    Gain,
    Plane,
    Profile,
    Unused,
    ZeroPoint,
)

__all__ = ["PROFILES"]

PHOTONS = Gain(rule="electrons", units=("ct",))

PROFILES = (
    Profile(
        name="galex-int",
        about="GALEX, intensity map (int)",
        signs={"TELESCOP": "GALEX", "BAND": "[12]"},
        unit="ct / s",
        zero_points=(
            ZeroPoint(system="AB", rule="definition", offset=20.08, when={"BAND": "1"}),
            ZeroPoint(system="AB", rule="definition", offset=18.82, when={"BAND": "2"}),
        ),
        exposure="EXPTIME",
        elsewhere=(
            Elsewhere("mask", "pixels of rrhr that are not above 0: without exposure"),
        ),
        unused=(
            Unused("rrhr", "seconds by pixel: its maximum may be effective_gain"),
            Unused("skybg", "a background: the background is measured"),
        ),
        sources=(
            "GALEX, FAQ: counts, fluxes, AB magnitudes (asd.gsfc.nasa.gov/archive/galex)",
            "Morrissey et al. 2007, ApJS 173, 682",
        ),
        checked="the documents, but for the numbers of bands",
    ),
    Profile(
        name="swift-uvot",
        about="Swift/UVOT, sky image of an exposure",
        signs={"TELESCOP": "SWIFT", "INSTRUME": "UVOT.*", "BITPIX": "8|16|32"},
        unit="ct",
        gains=(PHOTONS,),
        exposure="EXPOSURE",
        elsewhere=(Elsewhere("mask", "where the exposure map (_ex.img) is 0"),),
        unused=(
            Unused("zero points", "in the CALDB, for 5 arcsec, after coincidence loss"),
        ),
        sources=("Swift UVOT Data Analysis Guide; UVOT CALDB, zero points",),
        checked="headers of real files, but for the unit",
    ),
    Profile(
        name="chandra",
        about="Chandra, image of counts",
        signs={"TELESCOP": "CHANDRA", "BITPIX": "8|16|32"},
        unit="ct",
        gains=(PHOTONS,),
        exposure="EXPOSURE",
        elsewhere=(Elsewhere("mask", "where the exposure map is 0"),),
        unused=(Unused("zero points", "an energy of photons takes a spectrum"),),
        sources=(
            "CIAO, Analysis guide: Images; ASC FITS Designers' Guide",
            "CIAO, Multiple Chip ACIS Exposure Map and Exposure-corrected Image "
            "(cxc.harvard.edu/ciao/threads/expmap_acis_multi)",
        ),
        checked="the thread, and headers of real files of other kinds",
    ),
    Profile(
        name="xmm",
        about="XMM-Newton, image of counts of EPIC",
        signs={"TELESCOP": "XMM", "INSTRUME": "EPN|EMOS[12]|EPIC", "BITPIX": "8|16|32"},
        unit="ct",
        gains=(PHOTONS,),
        exposure="EXPOSURE",
        elsewhere=(Elsewhere("mask", "where the exposure map is 0"),),
        unused=(Unused("zero points", "an energy of photons takes a spectrum"),),
        sources=(
            "XMM-Newton Data Files Handbook: EPIC images",
            "SAS, evselect: Image extraction; eexpmap "
            "(xmm-tools.cosmos.esa.int/external/sas/current/doc/evselect)",
        ),
        checked="the documents of SAS, and headers of real files of other kinds",
    ),
    Profile(
        name="tess-ffi",
        about="TESS, calibrated full-frame image of SPOC",
        signs={"TELESCOP": "TESS"},
        image=r"(?P<ccd>.*\d) cal",
        hdus=(r".* uncert",),
        planes=(Plane(hdu="{ccd} uncert", role=ERROR),),
        unused=(
            Unused("20.44, the zero point of the handbook", "in TESS' own, Vega-like system"),
            Unused("smear rows and collateral columns", "give region to leave them out"),
        ),
        sources=(
            "TESS Science Data Products Description Document, section 3",
        ),
        checked="the documents, but for EXTNAME",
    ),
)  # fmt: skip
