"""The background of an image and its noise: measured in boxes, expanded to every pixel."""

from skyshed.background.background_2d import Background2D
from skyshed.background.base import BackgroundBase, BackgroundRMSBase
from skyshed.background.estimators import (
    BiweightLocationBackground,
    BiweightScaleBackgroundRMS,
    MADStdBackgroundRMS,
    MeanBackground,
    MedianBackground,
    MMMBackground,
    ModeEstimatorBackground,
    SExtractorBackground,
    StdBackgroundRMS,
)
from skyshed.background.interpolation import BkgIDWInterpolator, BkgZoomInterpolator
from skyshed.background.local_background import LocalBackground

__all__ = [
    "Background2D",
    "BackgroundBase",
    "BackgroundRMSBase",
    "BiweightLocationBackground",
    "BiweightScaleBackgroundRMS",
    "BkgIDWInterpolator",
    "BkgZoomInterpolator",
    "LocalBackground",
    "MADStdBackgroundRMS",
    "MMMBackground",
    "MeanBackground",
    "MedianBackground",
    "ModeEstimatorBackground",
    "SExtractorBackground",
    "StdBackgroundRMS",
]
