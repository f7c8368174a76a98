"""The segmentation image: which source each pixel belongs to, and how to edit that."""

from skyshed.segmentation.bounding_box import BoundingBox
from skyshed.segmentation.image import SegmentationImage, as_segmentation_image
from skyshed.segmentation.segment import Segment

__all__ = ["BoundingBox", "Segment", "SegmentationImage", "as_segmentation_image"]
