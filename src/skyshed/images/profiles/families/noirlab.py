"""NOIRLab's Community Pipeline: exposures and stacks of DECam, Mosaic-3 and 90Prime."""

from skyshed.images.profiles.declared import Elsewhere, Profile, Unused, ZeroPoint

__all__ = ["PROFILES"]

ELSEWHERE = (
    Elsewhere("mask", "the file of PRODTYPE = dqmask (ood, osd), whose codes are bad unless 0"),
    Elsewhere("weight", "the file of PRODTYPE = wtmap (oow, osw), inverse variances"),
)
LEVELS = "InstCal|Resampled|Stacked"

PROFILES = (
    Profile(
        name="decam-cp",
        about="DECam, Community Pipeline, a CCD or a stack (ooi, osi)",
        signs={"INSTRUME": "DECam", "PROCTYPE": LEVELS, "PRODTYPE": "image"},
        zero_points=(
            # MAGZERO is MAGZPT, that of a second, and 2.5 log10 EXPTIME.
            ZeroPoint(system="AB", rule="card", cards=("MAGZERO",), when={"PHOTREF": "PS1"}),
        ),
        saturation="SATURATE",
        exposure="EXPTIME",
        elsewhere=ELSEWHERE,
        unused=(Unused("GAINA, GAINB", "of either half of a CCD"),),
        sources=(
            "NOAO Data Handbook, DECam: data quality masks",
            "legacysurvey/legacypipe, headers of CP V4.8.2",
        ),
        checked="headers of real files",
    ),
    Profile(
        name="noirlab-cp",
        about="Mosaic-3 and 90Prime, Community Pipeline, a CCD",
        signs={
            "INSTRUME": "Mosaic-?3|90prime|NEWFIRM", "PROCTYPE": LEVELS, "PRODTYPE": "image",
        },
        exposure="EXPTIME",
        elsewhere=ELSEWHERE,
        unused=(
            Unused("MAGZERO", "of pixels scaled by GAINNORM, which headers do not define"),
            Unused("BUNIT of the primary header", "counts/s, where that of a CCD is ADU"),
        ),
        sources=(
            "NOAO Data Handbook, Community Pipeline",
            "legacysurvey/legacypipe, headers of CP V2.3 and V4.3",
        ),
        checked="headers of real files",
    ),
)  # fmt: skip
