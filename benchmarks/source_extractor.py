"""SourceExtractor, asked for what skyshed's default table has."""

import shutil
from pathlib import Path

from benchmarks.settings import BOX, CONTRAST, FILTER, FWHM, KERNEL, KRON, NLEVELS, NPIXELS, NSIGMA

__all__ = ["command", "installed"]

PROGRAM = "source-extractor"
#: What it calls the columns of our default table: positions, windowed positions and their errors,
#: positions on the sky, boxes, shapes, flags, isophotal and Kron fluxes, and the half-light radius.
COLUMNS = (
    "NUMBER", "X_IMAGE", "Y_IMAGE", "XWIN_IMAGE", "YWIN_IMAGE", "ERRX2WIN_IMAGE",
    "ERRY2WIN_IMAGE", "ALPHA_J2000", "DELTA_J2000", "XMIN_IMAGE", "XMAX_IMAGE", "YMIN_IMAGE",
    "YMAX_IMAGE", "ISOAREA_IMAGE", "A_IMAGE", "B_IMAGE", "THETA_IMAGE", "ELLIPTICITY", "FLAGS",
    "FLUX_MAX", "BACKGROUND", "FLUX_ISO", "FLUXERR_ISO", "FLUX_AUTO", "FLUXERR_AUTO",
    "KRON_RADIUS", "FLUX_RADIUS",
)  # fmt: skip


def installed() -> bool:
    """Whether the program is there (Debian: source-extractor)."""
    return shutil.which(PROGRAM) is not None


def command(image: Path, folder: Path) -> list[str]:
    """Return the command for an image; what it needs and makes is in ``folder``."""
    from skyshed.convolution import oversampled_gaussian

    folder.mkdir(exist_ok=True)
    (folder / "columns").write_text("\n".join(COLUMNS) + "\n")
    rows = oversampled_gaussian(FWHM, (KERNEL, KERNEL))
    lines = (" ".join(f"{value:.8f}" for value in row) for row in rows)
    (folder / "kernel").write_text("CONV NORM\n" + "\n".join(lines) + "\n")
    settings = {
        "CATALOG_TYPE": "FITS_1.0",
        "CATALOG_NAME": folder / "catalog.fits",
        "PARAMETERS_NAME": folder / "columns",
        "CHECKIMAGE_TYPE": "SEGMENTATION",
        "CHECKIMAGE_NAME": folder / "segmentation.fits",
        "FILTER_NAME": folder / "kernel",
        "DETECT_MINAREA": NPIXELS,
        "DETECT_THRESH": NSIGMA,
        "ANALYSIS_THRESH": NSIGMA,
        "DEBLEND_NTHRESH": NLEVELS,
        "DEBLEND_MINCONT": CONTRAST,
        "BACK_SIZE": BOX,
        "BACK_FILTERSIZE": FILTER,
        "PHOT_AUTOPARAMS": f"{KRON[0]},{KRON[1]}",
        "PHOT_FLUXFRAC": 0.5,
        "VERBOSE_TYPE": "QUIET",
    }
    (folder / "settings").write_text("".join(f"{key} {value}\n" for key, value in settings.items()))
    return [PROGRAM, str(image), "-c", str(folder / "settings")]
