"""Rubin Observatory and HSC: exposures and coadds of the LSST pipelines."""

from skyshed.images.profiles.declared import (
    ERROR_VARIANCE,
    MASK,
    Plane,
    Profile,
    Unused,
    ZeroPoint,
)

__all__ = ["PROFILES"]

#: Pixels that nothing stands in for: others with defects are interpolated over.
BAD = ("BAD", "NO_DATA", "UNMASKEDNAN")
KEPT = Unused(
    "MASK: SAT, INTRP, CR, EDGE, SUSPECT, DETECTED, ...",
    "interpolated over by the pipeline, or parts of what is measured",
)
ZERO_POINTS = (
    ZeroPoint(system="AB", rule="flux of magnitude 0", cards=("FLUXMAG0",)),
    ZeroPoint(system="AB", rule="flux density", units=("nJy",)),
)

PROFILES = (
    Profile(
        name="lsst-exposure",
        about="Rubin and HSC, exposure or coadd of lsst.afw (calexp, visit_image, deep_coadd)",
        signs={"AR_HDU": ".+"},
        image="IMAGE",
        hdus=("MASK", "VARIANCE"),
        planes=(
            Plane(hdu="VARIANCE", role=ERROR_VARIANCE),
            Plane(hdu="MASK", role=MASK, names="MP_", bad=BAD),
        ),
        zero_points=ZERO_POINTS,
        exposure="EXPTIME",
        unused=(KEPT, Unused("tables", "PSF, aperture corrections and inputs of the pipeline")),
        sources=(
            "lsst.afw.image, FITS metadata for Exposures (pipelines.lsst.io)",
            "Rubin DP1, Images: deep_coadd, visit_image (dp1.lsst.io)",
        ),
        checked="the documents, but for the choice of bits",
    ),
    Profile(
        name="lsst-images",
        about="Rubin, image of lsst.images (VisitImage, cell coadds)",
        signs={"JSONADDR": ".+"},
        image="IMAGE",
        hdus=("MASK(/.*)?", "VARIANCE"),
        planes=(
            Plane(hdu="VARIANCE", role=ERROR_VARIANCE),
            Plane(hdu="MASK(/.*)?", role=MASK, names="MSKN", bad=BAD),
        ),
        zero_points=ZERO_POINTS,
        exposure="EXPTIME",
        unused=(KEPT, Unused("JSON", "PSF, WCS with all its terms, and inputs")),
        sources=(
            "lsst.images, FITS I/O; lsst.images.Mask (github.com/lsst/images)",
            "Rubin DMTN-294, File formats and layouts for cell-based coadds",
        ),
        checked="the code that writes it, but for the choice of bits",
    ),
)
