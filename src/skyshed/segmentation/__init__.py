"""The segmentation image: which source each pixel belongs to, and how to edit that.

Everything that `photutils.segmentation` has can be imported from here, too.
"""

from typing import TYPE_CHECKING, Any

from skyshed.flags import SEGMENTATION_FLAGS, decode_segmentation_flags
from skyshed.segmentation.bounding_box import BoundingBox
from skyshed.segmentation.image import SegmentationImage, as_segmentation_image
from skyshed.segmentation.segment import Segment

if TYPE_CHECKING:
    from skyshed.catalog import SourceCatalog
    from skyshed.convolution import make_2dgaussian_kernel
    from skyshed.deblending import deblend_sources
    from skyshed.detection import detect_sources, detect_threshold
    from skyshed.finder import SourceFinder
else:

    def __getattr__(name: str) -> Any:
        """Load what lives in modules above this one when it is first used."""
        if name in __all__:
            import skyshed

            return getattr(skyshed, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})


__all__ = [
    "SEGMENTATION_FLAGS",
    "BoundingBox",
    "Segment",
    "SegmentationImage",
    "SourceCatalog",
    "SourceFinder",
    "as_segmentation_image",
    "deblend_sources",
    "decode_segmentation_flags",
    "detect_sources",
    "detect_threshold",
    "make_2dgaussian_kernel",
]
