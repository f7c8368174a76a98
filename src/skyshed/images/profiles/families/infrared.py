"""Infrared surveys and observatories: 2MASS, WISE, Spitzer, Herschel, SPHEREx."""

from skyshed.images.profiles.declared import (
    ERROR,
    ERROR_VARIANCE,
    MASK,
    NO_DATA,
    Elsewhere,
    Plane,
    Profile,
    Unused,
    ZeroPoint,
)

__all__ = ["PROFILES"]

MAGZP = ZeroPoint(system="Vega", rule="card", cards=("MAGZP",))

PROFILES = (
    Profile(
        name="2mass-atlas",
        about="2MASS, Atlas image",
        signs={"ORIGIN": "2MASS", "MAGZP": ".+"},
        unit="DN",
        zero_points=(MAGZP,),
        unused=(Unused("SKYVAL, SKYSIG", "the sky is measured, as in any image"),),
        sources=(
            "2MASS All-Sky, Explanatory Supplement, section II.4.a: Atlas Image Header",
            "2MASS Large Galaxy Atlas, Photometric Calibration",
        ),
        checked="the documents",
    ),
    Profile(
        name="wise-atlas",
        about="WISE and AllWISE, Atlas image (int)",
        signs={"COADDID": ".+", "MAGZP": ".+", "BAND": "[1-4]"},
        unit="DN",
        zero_points=(MAGZP,),
        elsewhere=(
            Elsewhere("error", "the file unc; its pixels are correlated (section II.3.h)"),
        ),
        unused=(Unused("cov", "how many exposures are in a pixel; NaN where there are none"),),
        sources=(
            "WISE All-Sky, Explanatory Supplement, section II.3.b: Atlas Image Header",
            "AllWISE, Explanatory Supplement, section IV.1",
        ),
        checked="the documents",
    ),
    Profile(
        name="unwise",
        about="unWISE, coadd (img-m, img-u)",
        signs={"UNW_VER": ".+", "MAGZP": ".+", "BAND": "[1-4]"},
        zero_points=(MAGZP,),
        elsewhere=(Elsewhere("weight", "the file invvar of the same coadd"),),
        unused=(Unused("msk", "bits for catalogs, most of them around bright stars"),),
        sources=("Lang 2014, AJ 147, 108; unwise.me; headers of legacypipe's tests",),
        checked="headers of real files",
    ),
    Profile(
        name="spitzer",
        about="Spitzer, IRAC or MIPS mosaic or BCD",
        signs={"TELESCOP": "Spitzer", "INSTRUME": "IRAC|MIPS", "BUNIT": "MJy/sr"},
        exposure="EXPTIME",
        elsewhere=(
            Elsewhere("error", "the file unc (munc of a mosaic)"),
            Elsewhere("mask", "imask of a BCD; of a mosaic, pixels without coverage are NaN"),
        ),
        unused=(
            Unused("FLUXCONV, GAIN", "applied: of DN, before pixels were MJy/sr"),
            Unused("cov", "how many exposures are in a pixel"),
        ),
        sources=(
            "IRAC Instrument Handbook, appendix E",
            "MIPS Instrument Handbook, sections 4.3.1 and 6.2.2",
        ),
        checked="the documents",
    ),
    Profile(
        name="herschel-pacs",
        about="Herschel/PACS, map of level 2, 2.5 or 3",
        signs={"TELESCOP": "Herschel.*", "INSTRUME": "PACS"},
        image="image",
        hdus=("coverage",),
        planes=(Plane(hdu="coverage", role=NO_DATA),),
        unused=(Unused("stDev", "of correlated pixels, much too low for sources"),),
        sources=(
            "PACS Handbook (HERSCHEL-HSC-DOC-2101); PACS Products Explained",
            "HCSS 15, Product Definition Document, chapter 4: PACS Products Description "
            "(herschel.esac.esa.int/hcss-doc-15.0)",
        ),
        checked="code that writes and reads such maps, but for the name stDev",
    ),
    Profile(
        name="herschel-spire",
        about="Herschel/SPIRE, photometer map of level 2, 2.5 or 3",
        signs={"TELESCOP": "Herschel.*", "INSTRUME": "SPIRE"},
        image="image",
        hdus=("error", "coverage"),
        planes=(Plane(hdu="error", role=ERROR), Plane(hdu="coverage", role=NO_DATA)),
        unused=(Unused("confusion noise", "not in error: 5.8, 6.3, 6.8 mJy a beam"),),
        sources=(
            "SPIRE Handbook (HERSCHEL-HSC-DOC-0798); Nguyen et al. 2010, A&A 518, L5",
            "header of a map in VizieR, J/A+A/565/A25",
        ),
        checked="the header of a real map",
    ),
    Profile(
        name="spherex",
        about="SPHEREx, spectral image of level 2",
        signs={"TELESCOP": "SPHEREx"},
        image="IMAGE",
        hdus=("FLAGS", "VARIANCE"),
        planes=(
            Plane(hdu="VARIANCE", role=ERROR_VARIANCE),
            Plane(
                hdu="FLAGS", role=MASK, names="MP_",
                bad=(
                    "TRANSIENT", "OVERFLOW", "SUR_ERROR", "PHANTOM", "REFERENCE", "NONFUNC",
                    "MISSING_DATA", "HOT", "COLD",
                ),
            ),
        ),
        unused=(
            Unused("ZODI", "a model of the zodiacal light: the background is measured"),
            Unused("FLAGS: SOURCE, FULLSAMPLE, PERSIST, OUTLIER", "parts of what is measured"),
        ),
        sources=("SPHEREx Explanatory Supplement, table 8; IRSA tutorial, SPHEREx intro",),
        checked="the documents, but for the choice of bits",
    ),
)  # fmt: skip
