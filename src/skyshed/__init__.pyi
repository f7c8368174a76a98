# The public names and where they live. `__init__.py` loads by this list; type checkers and editors
# read it. Only imports of the form `from .module import name` work here.
from . import accel as accel
from . import aperture as aperture
from . import background as background
from . import catalog as catalog
from . import convolution as convolution
from . import datasets as datasets
from . import deblending as deblending
from . import detection as detection
from . import exceptions as exceptions
from . import finder as finder
from . import flags as flags
from . import noise as noise
from . import plotting as plotting
from . import quality as quality
from . import segmentation as segmentation
from . import sep as sep
from .background import (
    Background2D,
    BackgroundBase,
    BackgroundRMSBase,
    BiweightLocationBackground,
    BiweightScaleBackgroundRMS,
    BkgIDWInterpolator,
    BkgZoomInterpolator,
    LocalBackground,
    MADStdBackgroundRMS,
    MeanBackground,
    MedianBackground,
    MMMBackground,
    ModeEstimatorBackground,
    SExtractorBackground,
    StdBackgroundRMS,
)
from .catalog import SourceCatalog
from .convolution import convolve, make_2dgaussian_kernel
from .deblending import deblend_sources
from .detection import detect_sources, detect_threshold
from .exceptions import (
    CrowdedWarning,
    DeblendWarning,
    ImageWarning,
    NoDetectionsWarning,
    TileError,
    WorkspaceError,
)
from .extraction import extract, extract_each
from .extraction.bands import extract_bands
from .filtering import matched_filter
from .finder import SourceFinder
from .flags import SEGMENTATION_FLAGS, decode_segmentation_flags
from .multiscale import detect_multiscale
from .noise import calc_total_error
from .parameters import Parameters
from .segmentation import Segment, SegmentationImage
from .surveys import survey

__version__: str

__all__ = [
    "SEGMENTATION_FLAGS",
    "Background2D",
    "BackgroundBase",
    "BackgroundRMSBase",
    "BiweightLocationBackground",
    "BiweightScaleBackgroundRMS",
    "BkgIDWInterpolator",
    "BkgZoomInterpolator",
    "CrowdedWarning",
    "DeblendWarning",
    "ImageWarning",
    "LocalBackground",
    "MADStdBackgroundRMS",
    "MMMBackground",
    "MeanBackground",
    "MedianBackground",
    "ModeEstimatorBackground",
    "NoDetectionsWarning",
    "Parameters",
    "SExtractorBackground",
    "Segment",
    "SegmentationImage",
    "SourceCatalog",
    "SourceFinder",
    "StdBackgroundRMS",
    "TileError",
    "WorkspaceError",
    "__version__",
    "calc_total_error",
    "convolve",
    "deblend_sources",
    "decode_segmentation_flags",
    "detect_multiscale",
    "detect_sources",
    "detect_threshold",
    "extract",
    "extract_bands",
    "extract_each",
    "make_2dgaussian_kernel",
    "matched_filter",
    "survey",
]
