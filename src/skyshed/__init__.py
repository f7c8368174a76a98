"""Detect, deblend and measure sources in astronomical images, on the CPU or the GPU.

The names are those of `photutils.segmentation` and `photutils.background`: change the import line.
Modules are imported when one of their names is first used.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

#: Public name -> module.
_HOMES = {
    name: module
    for module, names in {
        "background": (
            "Background2D", "MeanBackground", "MedianBackground", "ModeEstimatorBackground",
            "MMMBackground", "SExtractorBackground", "BiweightLocationBackground",
            "StdBackgroundRMS", "MADStdBackgroundRMS", "BiweightScaleBackgroundRMS",
            "BkgIDWInterpolator", "BkgZoomInterpolator", "LocalBackground", "BackgroundBase",
            "BackgroundRMSBase",
        ),
        "convolution": ("convolve", "make_2dgaussian_kernel"),
        "detection": ("detect_sources", "detect_threshold"),
        "deblending": ("deblend_sources",),
        "finder": ("SourceFinder",),
        "flags": ("SEGMENTATION_FLAGS", "decode_segmentation_flags"),
        "segmentation": ("Segment", "SegmentationImage"),
        "catalog": ("SourceCatalog",),
        "noise": ("calc_total_error",),
        "parameters": ("Parameters",),
        "extraction": ("extract",),
        "exceptions": ("DeblendWarning", "NoDetectionsWarning"),
    }.items()
    for name in names
}  # fmt: skip
_MODULES = ("datasets", "plotting")

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"skyshed.{_HOMES[name]}"), name)
    if name in _MODULES:
        return importlib.import_module(f"skyshed.{name}")
    raise AttributeError(f"module 'skyshed' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, *_MODULES])
