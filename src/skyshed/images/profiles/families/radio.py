"""Radio images, of whatever telescope: NVSS, FIRST, VLASS, RACS, LoTSS, MeerKAT, ALMA."""

from skyshed.images.profiles.declared import Profile, Unused

__all__ = ["PROFILES"]

PROFILES = (
    Profile(
        name="radio",
        about="Radio image of CASA, AIPS or others, in Jy/beam",
        signs={"BMAJ": ".+", "BMIN": ".+", "BUNIT": "[munp]?Jy */? *beam.*"},
        unused=(
            Unused("BMAJ, BMIN as a kernel", "detection convolves as --kernel-fwhm says"),
            Unused("planes", "noise is measured: a map of it, of another file, is --rms"),
        ),
        sources=("AIPS Memo 117, section 3.1; CASA Docs, Image headers",),
        checked="the documents",
    ),
)
