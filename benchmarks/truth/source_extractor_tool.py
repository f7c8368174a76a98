"""The SourceExtractor binary, with its defaults."""

import subprocess
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from benchmarks.settings import BOX, FILTER, KRON, NPIXELS, NSIGMA
from benchmarks.source_extractor import PROGRAM
from benchmarks.truth.catalogs import Catalog, Tool
from benchmarks.truth.simulate import Sky

__all__ = ["source_extractor_tool"]

COLUMNS = (
    "NUMBER", "XWIN_IMAGE", "YWIN_IMAGE", "ERRX2WIN_IMAGE", "FLUX_AUTO", "FLUX_ISOCOR", "FLUX_ISO",
    "FLUX_PETRO", "X_IMAGE", "Y_IMAGE",
)  # fmt: skip
#: The smallest set that a detection needs.
POSITIONS = ("X_IMAGE", "Y_IMAGE")
#: default.conv: a pyramid of 3 x 3 pixels, FWHM 2.
KERNEL = "CONV NORM\n1 2 1\n2 4 2\n1 2 1\n"


def source_extractor_tool(clean: bool) -> Tool:
    """Return SourceExtractor with or without its CLEAN."""
    name = "SourceExtractor" if clean else "SourceExtractor, no CLEAN"
    return Tool(
        name, partial(_measure, clean=clean), partial(_detect, clean=clean), {"CLEAN": clean}
    )


def _run(data: Any, gain: float, columns: tuple[str, ...], **settings: Any) -> tuple[Any, Any]:
    """Return the table and, with apertures, the background."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fits.writeto(folder / "image.fits", np.asarray(data, np.float32))
        (folder / "columns").write_text("\n".join(columns) + "\n")
        (folder / "kernel").write_text(KERNEL)
        settings = {
            "CATALOG_TYPE": "FITS_1.0", "CATALOG_NAME": folder / "catalog.fits",
            "PARAMETERS_NAME": folder / "columns", "FILTER_NAME": folder / "kernel",
            "DETECT_MINAREA": NPIXELS, "BACK_SIZE": BOX, "BACK_FILTERSIZE": FILTER,
            "GAIN": gain, "PHOT_AUTOPARAMS": f"{KRON[0]},3.5", "MEMORY_PIXSTACK": 3_000_000,
            "MEMORY_OBJSTACK": 60_000, "VERBOSE_TYPE": "QUIET", "CHECKIMAGE_TYPE": "BACKGROUND",
            "CHECKIMAGE_NAME": folder / "background.fits", **settings,
        }  # fmt: skip
        (folder / "settings").write_text("".join(f"{k} {v}\n" for k, v in settings.items()))
        command = [PROGRAM, str(folder / "image.fits"), "-c", str(folder / "settings")]
        subprocess.run(command, check=True, cwd=folder, capture_output=True)
        table = fits.getdata(folder / "catalog.fits", 1)
        return table, fits.getdata(folder / "background.fits").astype(float)


def _measure(sky: Sky, radii: tuple[float, ...], clean: bool) -> Catalog:
    n = len(radii)
    table, background = _run(
        sky.data, sky.gain, (*COLUMNS, f"FLUX_APER({n})", f"FLUXERR_APER({n})"),
        DETECT_THRESH=NSIGMA, ANALYSIS_THRESH=NSIGMA, CLEAN="Y" if clean else "N",
        PHOT_APERTURES=",".join(f"{2 * radius:g}" for radius in radii),
    )  # fmt: skip
    flux, error = (np.asarray(table[name], float) for name in ("FLUX_APER", "FLUXERR_APER"))
    return Catalog(
        table["XWIN_IMAGE"] - 1.0, table["YWIN_IMAGE"] - 1.0,
        np.sqrt(table["ERRX2WIN_IMAGE"].astype(float)),
        {
            "AUTO": table["FLUX_AUTO"].astype(float), "ISOCOR": table["FLUX_ISOCOR"].astype(float),
            "ISO": table["FLUX_ISO"].astype(float), "PETRO": table["FLUX_PETRO"].astype(float),
        },
        {radius: (flux[:, k], error[:, k]) for k, radius in enumerate(radii)},
        background,
    )  # fmt: skip


def _detect(data: Any, sky: Sky, nsigma: float, clean: bool) -> tuple[Any, Any]:
    table, _ = _run(
        data, sky.gain, POSITIONS, DETECT_THRESH=nsigma, ANALYSIS_THRESH=nsigma,
        CLEAN="Y" if clean else "N",
    )  # fmt: skip
    return table["X_IMAGE"] - 1.0, table["Y_IMAGE"] - 1.0
