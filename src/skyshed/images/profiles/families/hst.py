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
#: ACS Data Handbook, table "Flags for the DQ array"; hstcal, acsdq.h.
ACS = {
    "LOST": 0, "FILLED": 1, "BADPIX": 2, "MASKED": 3, "HOT": 4, "CTE_TAIL": 5, "WARM": 6,
    "BADCOL": 7, "SATURATED": 8, "BADREF": 9, "TRAP": 10, "ATODSAT": 11, "CRDRIZ": 12,
    "CRREJ": 13,
}  # fmt: skip
#: WFC3 Data Handbook, table "Flags for the DQ array"; hstcal, wf3dq.h.
UVIS = {
    "LOST": 0, "FILLED": 1, "BADPIX": 2, "MASKED": 3, "HOT": 4, "CTE_TAIL": 5, "WARM": 6,
    "BADBIAS": 7, "SATURATED": 8, "BADFLAT": 9, "TRAP": 10, "ATODSAT": 11, "CRDRIZ": 12,
    "CRREJ": 13, "CROSSTALK": 14,
}  # fmt: skip
IR = {
    "LOST": 0, "FILLED": 1, "BADPIX": 2, "BADZERO": 3, "HOT": 4, "UNSTABLE": 5, "WARM": 6,
    "BADREF": 7, "SATURATED": 8, "BLOB": 9, "SPIKE": 10, "ZEROSIG": 11, "CRDRIZ": 12,
    "CRREJ": 13, "HIGH_CURVATURE": 14,
}  # fmt: skip
#: WFPC2 Data Handbook, table "WFPC2 Data Quality Flag Values".
WFPC2 = {
    "REED_SOLOMON": 0, "CALIBRATION": 1, "DEFECT": 2, "SATURATED": 3, "MISSING": 4,
    "OTHER_BAD": 5, "QUESTIONABLE": 8, "HOT": 9, "HOT_REPAIRED": 10, "CRDRIZ": 12,
}  # fmt: skip
LEFT = Unused("D2IMARR, WCSDVARR, WCSCORR", "distortions of the WCS, which astropy applies")


def _exposure(
    name: str, about: str, signs: dict[str, str], dq: dict[str, int], good: tuple[str, ...]
) -> Profile:
    """Return the profile of the exposures of an instrument.

    ``good`` are the bits that the Hubble Advanced Products let pass into drizzled images: their
    parameter final_bits.
    """
    return Profile(
        name=name,
        about=about,
        signs={"TELESCOP": "HST", **signs},
        image="SCI",
        hdus=("ERR", "DQ"),
        planes=(
            Plane(hdu="ERR", role=ERROR, optional=True),
            Plane(
                hdu="DQ", role=MASK, bits=dq, bad=tuple(each for each in dq if each not in good)
            ),
        ),
        zero_points=ZERO_POINTS,
        exposure="EXPTIME",
        unused=(
            Unused(
                f"DQ: {', '.join(good)}", "calibrated, or a star's: AstroDrizzle lets them pass"
            ),
            LEFT,
            Unused("SAMP, TIME", "samples and times of pixels of WFC3/IR"),
        ),
        sources=(
            "Introduction to the HST Data Handbooks, section 2.2",
            f"{signs['INSTRUME']} Data Handbook: file structure, flags of the DQ array",
            "DrizzlePac, parameters of the Hubble Advanced Products: final_bits",
        ),
        checked="drizzlepac's final_bits and the bits of hstcal"
        if signs["INSTRUME"] != "WFPC2" else "drizzlepac's final_bits",
    )  # fmt: skip


PROFILES = (
    _exposure(
        "hst-acs", "HST/ACS, exposure (flt, flc)", {"INSTRUME": "ACS"}, ACS,
        good=("HOT", "WARM", "SATURATED"),
    ),
    _exposure(
        "hst-wfc3-uvis", "HST/WFC3 UVIS, exposure (flt, flc)",
        {"INSTRUME": "WFC3", "DETECTOR": "UVIS"}, UVIS, good=("HOT", "WARM", "SATURATED"),
    ),
    _exposure(
        "hst-wfc3-ir", "HST/WFC3 IR, exposure (flt)", {"INSTRUME": "WFC3", "DETECTOR": "IR"}, IR,
        good=("HOT", "BLOB"),
    ),
    _exposure(
        "hst-wfpc2", "HST/WFPC2, exposure (flt)", {"INSTRUME": "WFPC2"}, WFPC2,
        good=("HOT_REPAIRED",),
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
        checked="drizzlepac's parameters: final_wht_type is EXP",
    ),
)  # fmt: skip
