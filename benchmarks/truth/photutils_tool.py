"""photutils: the chain of its guide, with the numbers of `benchmarks.settings`."""

import importlib
import warnings

import numpy as np

from benchmarks.settings import (
    BOX,
    CONTRAST,
    FILTER,
    FWHM,
    KERNEL,
    KRON,
    NLEVELS,
    NPIXELS,
    NSIGMA,
)
from benchmarks.truth.catalogs import Catalog, Tool
from benchmarks.truth.simulate import Sky

__all__ = ["photutils_tool"]


def photutils_tool(library: str = "photutils") -> Tool:
    """Return the tool; ``library="skyshed"`` runs the same recipe in skyshed, much faster."""

    def measure(sky: Sky, radii: tuple[float, ...]) -> Catalog:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _measure(library, sky, radii)

    name = "photutils" if library == "photutils" else "photutils' recipe, in skyshed"
    return Tool(name, measure)


def _measure(library: str, sky: Sky, radii: tuple[float, ...]) -> Catalog:
    own = library == "skyshed"
    names = importlib.import_module("skyshed" if own else "photutils.segmentation")
    background2d = importlib.import_module(
        "skyshed" if own else "photutils.background"
    ).Background2D
    convolve = importlib.import_module("skyshed" if own else "astropy.convolution").convolve
    background = background2d(sky.data, BOX, filter_size=FILTER)
    data = sky.data - background.background
    rms = background.background_rms
    smooth = convolve(data, names.make_2dgaussian_kernel(FWHM, size=KERNEL))
    found = names.detect_sources(smooth, NSIGMA * rms, NPIXELS)
    found = names.deblend_sources(
        smooth, found, NPIXELS, nlevels=NLEVELS, contrast=CONTRAST, progress_bar=False
    )
    error = np.sqrt(rms**2 + np.maximum(data, 0) / sky.gain)
    catalog = names.SourceCatalog(data, found, convolved_data=smooth, error=error, kron_params=KRON)
    apertures = {radius: catalog.circular_photometry(radius) for radius in radii}
    return Catalog(
        np.asarray(catalog.xcentroid), np.asarray(catalog.ycentroid),
        np.asarray(catalog.xcentroid_err) if hasattr(catalog, "xcentroid_err") else None,
        {"kron": np.asarray(catalog.kron_flux), "segment": np.asarray(catalog.segment_flux)},
        apertures, np.asarray(background.background),
    )  # fmt: skip
