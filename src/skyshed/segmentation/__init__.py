"""The segmentation image: which source each pixel belongs to, and how to edit that."""

from skyshed.segmentation.boxes import BoundingBox
from skyshed.segmentation.exchange import as_segmentation_image
from skyshed.segmentation.image import SegmentationImage
from skyshed.segmentation.segment import Segment

__all__ = ["BoundingBox", "Segment", "SegmentationImage", "as_segmentation_image"]
