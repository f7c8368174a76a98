"""Dark Energy Survey: coadded tiles, and CCDs of single exposures, of DESDM."""

from skyshed.images.profiles.declared import MASK, WEIGHT, Plane, Profile, Unused, ZeroPoint

__all__ = ["PROFILES"]

#: DESDM, pixcorrect, mask_bits.h.
BADPIX = {
    "BPM": 0, "SATURATE": 1, "INTERP": 2, "LOW": 3, "CRAY": 4, "STAR": 5, "TRAIL": 6,
    "EDGEBLEED": 7, "SSXTALK": 8, "EDGE": 9, "STREAK": 10, "FIX": 11,
}  # fmt: skip

PROFILES = (
    Profile(
        name="des-coadd",
        about="DES, tile of a coadd",
        signs={"DES_EXT": "IMAGE", "TILENAME": ".+"},
        image="SCI",
        hdus=("MSK", "WGT"),
        planes=(
            # Pixels without weight are interpolated along columns, and are 1 here.
            Plane(hdu="MSK", role=MASK),
            Plane(hdu="WGT", role=WEIGHT),
        ),
        zero_points=(ZeroPoint(system="AB", rule="card", cards=("MAGZERO",)),),
        saturation="SATURATE",
        unused=(Unused("GAIN, EXPTIME", "sums over exposures, which not every pixel has"),),
        sources=(
            "Abbott et al. 2021 (DES DR2), ApJS 255, 20",
            "Morganson et al. 2018, PASP 130, 074501; DESDM pixcorrect, coadd_prepare",
        ),
        checked="the code that writes planes",
    ),
    Profile(
        name="des-exposure",
        about="DES, a CCD of an exposure (immasked, nwgint)",
        signs={"DES_EXT": "IMAGE", "CCDNUM": r"\d+"},
        image="SCI",
        hdus=("MSK", "WGT"),
        planes=(
            Plane(
                hdu="MSK", role=MASK, bits=BADPIX,
                bad=("BPM", "LOW", "CRAY", "TRAIL", "EDGEBLEED", "SSXTALK", "EDGE", "STREAK"),
            ),
            Plane(hdu="WGT", role=WEIGHT),
        ),
        saturation="SATURATE",
        exposure="EXPTIME",
        unused=(
            Unused("MSK: SATURATE, INTERP, STAR, FIX", "parts of stars, or mended"),
            Unused("zero points", "in DESDM's tables, not in headers"),
        ),
        sources=(
            "DESDM pixcorrect, mask_bits.h",
            "Morganson et al. 2018, PASP 130, 074501",
        ),
        checked="the code that writes planes",
    ),
)  # fmt: skip
