"""Any image, whole or by windows: one door, `open_image`, and what the chain reads, `Exposure`.

A format is a file with an `ImageSource` and its opener, which registers itself when it is imported.
"""

from skyshed.images import (  # noqa: F401 - these register their formats
    asdf,
    fits,
    joined,
    objects,
    zarr,
)
from skyshed.images.exposure import Exposure, Planes, open_exposure
from skyshed.images.open import OpenedImage, open_image, register
from skyshed.images.region import as_region, cut
from skyshed.images.source import ImageSource
from skyshed.images.window import Window

__all__ = [
    "Exposure",
    "ImageSource",
    "OpenedImage",
    "Planes",
    "Window",
    "as_region",
    "cut",
    "open_exposure",
    "open_image",
    "register",
]
