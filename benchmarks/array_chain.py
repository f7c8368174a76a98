"""The chain in photutils' names: skyshed and photutils run the very same code."""

import importlib
import inspect
from dataclasses import dataclass
from typing import Any

from benchmarks.settings import (
    BOX,
    CONTRAST,
    FILTER,
    FLUX_FRACTION,
    FWHM,
    KERNEL,
    KRON,
    NLEVELS,
    NPIXELS,
    NSIGMA,
)
from benchmarks.timing import Clock

__all__ = ["ArrayChain", "photutils_chain", "skyshed_chain"]


@dataclass
class ArrayChain:
    """One library's functions under photutils 3's names, and the threads they may use."""

    background_2d: Any
    convolve: Any
    make_kernel: Any
    detect_sources: Any
    deblend_sources: Any
    catalog: Any
    n_threads: int

    def threads(self, function: Any) -> dict[str, int]:
        """Return ``n_threads`` where ``function`` takes it (photutils does since 3.1)."""
        known = "n_threads" in inspect.signature(function).parameters
        return {"n_threads": self.n_threads} if known else {}

    def run(self, scene: Any, clock: Clock) -> Any:
        """Take the scene from raw image to table; return the label image."""
        with clock.stage("background"):
            background = self.background_2d(
                scene.data,
                BOX,
                mask=scene.mask,
                filter_size=FILTER,
                **self.threads(self.background_2d),
            )
            level, rms = background.background, background.background_rms
        with clock.stage("subtraction"):  # NumPy's alone, in every library's names
            data = scene.data - level
            del background, level  # as an expression would
        with clock.stage("convolution"):
            kernel = self.make_kernel(FWHM, size=KERNEL)
            convolved = self.convolve(data, kernel, **self.threads(self.convolve))
        with clock.stage("detection"):
            detected = self.detect_sources(
                convolved,
                NSIGMA * rms,
                n_pixels=NPIXELS,
                mask=scene.mask,
                **self.threads(self.detect_sources),
            )
        with clock.stage("deblending"):
            segments = self.deblend_sources(
                convolved,
                detected,
                n_pixels=NPIXELS,
                n_levels=NLEVELS,
                contrast=CONTRAST,
                progress_bar=False,
                **self.threads(self.deblend_sources),
            )
        with clock.stage("catalog"):
            catalog = self.catalog(
                data,
                segments,
                convolved_data=convolved,
                error=rms,
                mask=scene.mask,
                kron_params=KRON,
                **self.threads(self.catalog),
            )
            catalog.to_table()
            catalog.flux_radius(FLUX_FRACTION)
        return segments.data


def skyshed_chain(n_threads: int) -> ArrayChain:
    """Return skyshed's chain."""
    import skyshed

    return ArrayChain(
        skyshed.Background2D,
        skyshed.convolve,
        skyshed.make_2dgaussian_kernel,
        skyshed.detect_sources,
        skyshed.deblend_sources,
        skyshed.SourceCatalog,
        n_threads,
    )


def photutils_chain(n_threads: int) -> ArrayChain:
    """Return photutils' chain, with astropy's convolution."""
    segmentation = importlib.import_module("photutils.segmentation")
    return ArrayChain(
        importlib.import_module("photutils.background").Background2D,
        importlib.import_module("astropy.convolution").convolve,
        segmentation.make_2dgaussian_kernel,
        segmentation.detect_sources,
        segmentation.deblend_sources,
        segmentation.SourceCatalog,
        n_threads,
    )
