"""Observatories whose pipelines write errors and masks beside the image: LCO, Gemini, MUSE."""

from skyshed.images.profiles.declared import (
    ERROR,
    ERROR_VARIANCE,
    MASK,
    Plane,
    Profile,
    Unused,
)

__all__ = ["PROFILES"]

#: BANZAI, Overview: Bad Pixel Mask.
BANZAI = {"BAD": 0, "SATURATED": 1, "LOW_FLAT": 2, "COSMIC_RAY": 3}
#: DRAGONS, geminidr: "DQ", the bits of Gemini's data quality planes.
GEMINI = {
    "bad_pixel": 0, "non_linear": 1, "saturated": 2, "cosmic_ray": 3, "no_data": 4, "overlap": 5,
    "unilluminated": 6,
}  # fmt: skip

PROFILES = (
    Profile(
        name="lco",
        about="Las Cumbres Observatory, BANZAI frame (e91)",
        signs={"ORIGIN": "LCO.*|Las Cumbres.*"},
        image="SCI",
        hdus=("BPM", "ERR"),
        planes=(
            Plane(hdu="ERR", role=ERROR),
            Plane(
                hdu="BPM", role=MASK, bits=BANZAI, bad=("BAD", "LOW_FLAT", "COSMIC_RAY"),
            ),
        ),
        saturation="SATURATE",
        exposure="EXPTIME",
        unused=(
            Unused("BPM: SATURATED", "parts of stars"),
            Unused("CAT", "the sources that BANZAI found"),
            Unused("L1ZP", "instrumental, and of a rate"),
        ),
        sources=("BANZAI, Overview: Bad Pixel Mask, Gain (banzai.readthedocs.io)",),
        checked="the documents, but for ORIGIN",
    ),
    Profile(
        name="gemini",
        about="Gemini, image of DRAGONS: GMOS, F2, NIRI, GSAOI",
        signs={"INSTRUME": "GMOS-[NS]|F2|FLAMINGOS-?2|NIRI|GSAOI", "TELESCOP": "Gemini.*"},
        image="SCI",
        hdus=("VAR", "DQ"),
        planes=(
            Plane(hdu="VAR", role=ERROR_VARIANCE),
            Plane(
                hdu="DQ", role=MASK, bits=GEMINI,
                bad=("bad_pixel", "cosmic_ray", "no_data", "unilluminated"),
            ),
        ),
        exposure="EXPTIME",
        unused=(
            Unused("DQ: non_linear, saturated, overlap", "parts of stars, or of two chips"),
            Unused("OBJMASK, OBJCAT", "the sources that DRAGONS found"),
        ),
        sources=("DRAGONS, astrodata: DQ bits; Recipe System manual (dragons.readthedocs.io)",),
        checked="the code that defines the bits",
    ),
    Profile(
        name="muse",
        about="VLT/MUSE, image of the field of view",
        signs={"INSTRUME": "MUSE"},
        image="DATA",
        hdus=("STAT",),
        planes=(
            Plane(hdu="STAT", role=ERROR_VARIANCE),
            Plane(hdu="DQ", role=MASK, optional=True),
        ),
        exposure="EXPTIME",
        unused=(Unused("cubes", "give a plane of one as an array"),),
        sources=(
            "MUSE Pipeline User Manual (VLT-MAN-ESO-14670-6186)",
            "Weilbacher et al. 2020, A&A 641, A28",
        ),
        checked="files that mpdaf has for its tests",
    ),
)  # fmt: skip
