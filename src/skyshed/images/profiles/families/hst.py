"""HST: exposures of ACS, WFC3 and WFPC2, and what AstroDrizzle makes of them."""

from skyshed.images.profiles.declared import (
    ERROR,
    MASK,
    RELATIVE_WEIGHT,
    Plane,
    Profile,
    Unused,
    ZeroPoint,
)

__all__ = ["PROFILES"]

ELECTRONS, RATES = ("electron", "ct", "DN"), ("electron / s", "ct / s", "DN / s")
#: ACS Data Handbook, section 5.1.1; WFC3 Data Handbook, section 9.1.
ZERO_POINTS = (
    ZeroPoint(system="AB", rule="PHOTFLAM", cards=("PHOTFLAM", "PHOTPLAM"), units=RATES),
    ZeroPoint(
        system="AB", rule="PHOTFLAM, of counts", cards=("PHOTFLAM", "PHOTPLAM", "EXPTIME"),
        units=ELECTRONS,
    ),
)  # fmt: skip
#: ACS Data Handbook, table "Flags for the DQ array".
ACS = {
    "LOST": 0, "FILLED": 1, "BADPIX": 2, "MASKED": 3, "HOT": 4, "CTE_TAIL": 5, "WARM": 6,
    "BADCOL": 7, "SATURATED": 8, "BADREF": 9, "TRAP": 10, "ATODSAT": 11, "CRDRIZ": 12,
    "CRREJ": 13,
}  # fmt: skip
#: WFC3 Data Handbook, table "Flags for the DQ array" of UVIS, and of IR.
UVIS = {
    "LOST": 0, "FILLED": 1, "BADPIX": 2, "HOT": 4, "CTE_TAIL": 5, "WARM": 6, "BADBIAS": 7,
    "SATURATED": 8, "BADFLAT": 9, "TRAP": 10, "ATODSAT": 11, "CRDRIZ": 12, "CRREJ": 13,
}  # fmt: skip
IR = {
    "LOST": 0, "FILLED": 1, "BADPIX": 2, "BADZERO": 3, "HOT": 4, "UNSTABLE": 5, "WARM": 6,
    "BADREF": 7, "SATURATED": 8, "BLOB": 9, "ZEROSIG": 11, "CRDRIZ": 12, "CRREJ": 13,
}  # fmt: skip
#: WFPC2 Data Handbook, table "WFPC2 Data Quality Flag Values".
WFPC2 = {
    "REED_SOLOMON": 0, "CALIBRATION": 1, "DEFECT": 2, "SATURATED": 3, "MISSING": 4,
    "OTHER_BAD": 5, "HOT": 8, "WARM": 9, "CRDRIZ": 12,
}  # fmt: skip
KEPT = Unused(
    "DQ: hot and warm pixels, saturation, tails of poor charge transfer",
    "calibrated, or part of a star: AstroDrizzle keeps them",
)
LEFT = Unused("D2IMARR, WCSDVARR, WCSCORR", "distortions of the WCS, which astropy applies")


def _exposure(
    name: str, about: str, signs: dict[str, str], dq: dict[str, int], bad: tuple[str, ...]
) -> Profile:
    """Return the profile of the exposures of an instrument."""
    return Profile(
        name=name,
        about=about,
        signs={"TELESCOP": "HST", **signs},
        image="SCI",
        hdus=("ERR", "DQ"),
        planes=(
            Plane(hdu="ERR", role=ERROR, optional=True),
            Plane(hdu="DQ", role=MASK, bits=dq, bad=bad),
        ),
        zero_points=ZERO_POINTS,
        exposure="EXPTIME",
        unused=(KEPT, LEFT, Unused("SAMP, TIME", "samples and times of pixels of WFC3/IR")),
        sources=(
            "Introduction to the HST Data Handbooks, section 2.2",
            f"{signs['INSTRUME']} Data Handbook, chapters 2 and 3: file structure, DQ array",
            "DrizzlePac Handbook, driz_sep_bits",
        ),
    )


PROFILES = (
    _exposure(
        "hst-acs", "HST/ACS, exposure (flt, flc)", {"INSTRUME": "ACS"}, ACS,
        ("LOST", "FILLED", "BADPIX", "MASKED", "BADCOL", "BADREF", "TRAP", "CRDRIZ", "CRREJ"),
    ),
    _exposure(
        "hst-wfc3-uvis", "HST/WFC3 UVIS, exposure (flt, flc)",
        {"INSTRUME": "WFC3", "DETECTOR": "UVIS"}, UVIS,
        ("LOST", "FILLED", "BADPIX", "BADBIAS", "BADFLAT", "TRAP", "CRDRIZ", "CRREJ"),
    ),
    _exposure(
        "hst-wfc3-ir", "HST/WFC3 IR, exposure (flt)", {"INSTRUME": "WFC3", "DETECTOR": "IR"}, IR,
        # Cosmic rays that the ramp shows (CRREJ) are fitted around, blobs are flat-fielded.
        ("LOST", "FILLED", "BADPIX", "BADZERO", "HOT", "UNSTABLE", "BADREF", "CRDRIZ"),
    ),
    _exposure(
        "hst-wfpc2", "HST/WFPC2, exposure (flt)", {"INSTRUME": "WFPC2"}, WFPC2,
        ("REED_SOLOMON", "CALIBRATION", "DEFECT", "MISSING", "OTHER_BAD", "CRDRIZ"),
    ),
    Profile(
        name="hst-drz",
        about="HST, drizzled image (drz, drc)",
        signs={"TELESCOP": "HST"},
        image="SCI",
        hdus=("WHT",),
        planes=(Plane(hdu="WHT", role=RELATIVE_WEIGHT),),
        zero_points=ZERO_POINTS,
        exposure="EXPTIME",
        unused=(
            Unused("CTX", "which exposures are in a pixel"),
            Unused(
                "EXPTIME as a gain",
                "of all exposures, which not every pixel has: give effective_gain",
            ),
        ),
        sources=(
            "DrizzlePac Handbook, Weight maps (final_wht_type: EXP, ERR, IVM)",
            "ACS Data Handbook, section 5.1.1; WFC3 Data Handbook, section 9.1",
        ),
    ),
)  # fmt: skip
