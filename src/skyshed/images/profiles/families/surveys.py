"""Optical surveys of one image a file: SDSS, Legacy Surveys, Pan-STARRS, ZTF, SkyMapper."""

from skyshed.images.profiles.declared import Elsewhere, Profile, Unused, ZeroPoint

__all__ = ["PROFILES"]

PROFILES = (
    Profile(
        name="sdss-frame",
        about="SDSS, corrected frame",
        signs={"ORIGIN": "SDSS", "TELESCOP": r"2\.5m", "BUNIT": "nanomaggy|nanomaggies"},
        zero_points=(ZeroPoint(system="AB", rule="nanomaggies", units=("nmgy",)),),
        exposure="EXPTIME",
        unused=(
            Unused("HDU 1, the calibration", "it was applied, and undoes it"),
            Unused("HDU 2, the sky", "it was subtracted"),
            Unused("gain and dark variance", "by run and camera column, in a table on the web"),
        ),
        sources=("SDSS DR16, Data model: frame",),
        checked="the documents",
    ),
    Profile(
        name="legacysurvey-coadd",
        about="DESI Legacy Surveys, coadd of a brick (image)",
        signs={"LEGPIPEV": ".+", "IMTYPE": "image"},
        zero_points=(ZeroPoint(system="AB", rule="nanomaggies", units=("nmgy",)),),
        elsewhere=(
            Elsewhere("weight", "the file of IMTYPE = invvar"),
            Elsewhere(
                "mask", "the file maskbits, with --mask-bits 2 or 3, 4, 14 (saturated in g, r, z, "
                "i) and 5, 6, 7, 15 (bad in all exposures)",
            ),
        ),
        sources=(
            "Legacy Surveys DR10, Description of files: coadd; bitmasks (legacysurvey.org/dr10)",
            "legacypipe, coadds.py",
        ),
        checked="the documents and the code that writes it",
    ),
    Profile(
        name="ps1-stack",
        about="Pan-STARRS1, stack or warp",
        signs={"FPA.TELESCOPE": "PS1", "BSOFTEN": ".+", "BOFFSET": ".+"},
        zero_points=(
            ZeroPoint(system="AB", rule="exposure", cards=("EXPTIME",), offset=25.0),
        ),
        exposure="EXPTIME",
        elsewhere=(
            Elsewhere("variance", "the file .wt, which is a variance"),
            Elsewhere(
                "mask", "the file .mask, with --mask-bits 1-6,8,13 (flat, dark, blank, CTE, "
                "saturated, low, cosmic ray, bad convolution)",
            ),
        ),
        unused=(Unused("CELL.GAIN", "of one exposure, before it was scaled and stacked"),),
        sources=(
            "PS1 Stack images: Photometric calibration (outerspace.stsci.edu)",
            "PS1 Pixel flags in Image Table Data (outerspace.stsci.edu)",
        ),
        checked="the documents, but for FPA.TELESCOPE",
    ),
    Profile(
        name="ztf-science",
        about="ZTF, science or reference image",
        signs={"ORIGIN": "Zwicky Transient Facility", "MAGZP": ".+"},
        unit="DN",
        zero_points=(ZeroPoint(system="AB", rule="card", cards=("MAGZP",)),),
        saturation="SATURATE",
        exposure="EXPTIME",
        elsewhere=(
            # 6141: all bits but those of detected sources.
            Elsewhere("mask", "the file mskimg, with --mask-bits 0,2-10,12"),
        ),
        unused=(Unused("CLRCOEFF", "the colour term, which takes the colour of each source"),),
        sources=(
            "Masci et al. 2019, PASP 131, 018003",
            "ZTF Science Data System, Explanatory Supplement",
        ),
        checked="the bits as ztfimg has them",
    ),
    Profile(
        name="skymapper",
        about="SkyMapper Southern Survey, reduced image",
        signs={"ZPAPPROX": ".+", "INSTRUME": "SkyMapper.*"},
        exposure="EXPTIME",
        elsewhere=(Elsewhere("mask", "the mask file of the image"),),
        unused=(
            Unused("ZPAPPROX", "of the exposure, and approximate: zero points vary over a field"),
        ),
        sources=(
            "Onken et al. 2019, PASA 36, e033 (DR2)",
            "SkyMapper, image access of DR4 (api.skymapper.nci.org.au/public/siap/dr4)",
        ),
        checked="code that reads images of DR4, but for INSTRUME and the mask",
    ),
)  # fmt: skip
