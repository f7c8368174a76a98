"""JWST: images of calwebb_image2 and calwebb_image3."""

from skyshed.images.profiles.declared import ERROR, MASK, NO_DATA, Plane, Profile, Unused, ZeroPoint

__all__ = ["PROFILES"]

#: jwst-pipeline.readthedocs.io, "Data Quality Flags", table "Flags for the DQ arrays".
DQ = {
    "DO_NOT_USE": 0, "SATURATED": 1, "JUMP_DET": 2, "DROPOUT": 3, "OUTLIER": 4, "PERSISTENCE": 5,
    "NON_SCIENCE": 9, "HOT": 11, "WARM": 12, "OTHER_BAD_PIXEL": 30, "REFERENCE_PIXEL": 31,
}  # fmt: skip
#: Surface brightnesses are flux densities once a pixel's solid angle is known.
ZERO_POINT = ZeroPoint(
    system="AB", rule="surface brightness", cards=("PIXAR_SR",), units=("MJy / sr",)
)
VARIANCES = Unused("VAR_*", "the parts of the variance, of which ERR is the whole")

PROFILES = (
    Profile(
        name="jwst-i2d",
        about="JWST, resampled image (i2d)",
        signs={"TELESCOP": "JWST"},
        image="SCI",
        hdus=("ERR", "WHT"),
        planes=(Plane(hdu="ERR", role=ERROR), Plane(hdu="WHT", role=NO_DATA)),
        zero_points=(ZERO_POINT,),
        exposure="XPOSURE",
        unused=(
            Unused("WHT as a weight", "relative, and ERR says the noise"),
            Unused("CON", "which exposures are in a pixel"),
            VARIANCES,
        ),
        sources=(
            "JWST pipeline, Science products, i2d (jwst-pipeline.readthedocs.io)",
            "JWST User Documentation, Flux units and magnitudes",
        ),
        checked="the documents",
    ),
    Profile(
        name="jwst-cal",
        about="JWST, calibrated exposure (cal, crf)",
        signs={"TELESCOP": "JWST"},
        image="SCI",
        hdus=("ERR", "DQ"),
        planes=(
            Plane(hdu="ERR", role=ERROR),
            Plane(hdu="DQ", role=MASK, bits=DQ, bad=("DO_NOT_USE", "NON_SCIENCE")),
        ),
        zero_points=(ZERO_POINT,),
        exposure="XPOSURE",
        unused=(
            VARIANCES,
            Unused("AREA", "the areas of pixels relative to PIXAR_SR: fluxes are not corrected"),
        ),
        sources=(
            "JWST pipeline, Science products, cal (jwst-pipeline.readthedocs.io)",
            "JWST pipeline, Data Quality Flags",
        ),
        checked="the documents",
    ),
)
