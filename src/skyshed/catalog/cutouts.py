"""Cutouts of the images around each source: lists, made when asked for."""

from typing import Any

import numpy as np

from skyshed.catalog.base import CatalogBase
from skyshed.namespace import only_on_host
from skyshed.segmentation.bounding_box import BoundingBox, boxes_of, slices_of

__all__ = ["CUTOUTS", "Cutouts"]

#: The attributes that hold an image per source, and so don't fit a table.
CUTOUTS = tuple(
    f"{image}{masked}"
    for image in ("data", "convdata", "error", "background", "segment")
    for masked in ("", "_ma")
)


class Cutouts(CatalogBase):
    """The part of the catalog that cuts images out."""

    @property
    def slices(self) -> Any:
        """The slices ``(y, x)`` of the smallest box that holds each segment."""
        return self._collapsed(slices_of(self._results["sources"].host.bbox))

    @property
    def bbox(self) -> BoundingBox | list[BoundingBox]:
        """The smallest `~skyshed.segmentation.BoundingBox` that holds each segment."""
        return self._collapsed(boxes_of(self._results["sources"].host.bbox))

    def _cut(self, image: Any, dtype: Any = None) -> list[Any]:
        """Cut each source's box out of ``image``: views, or copies of another dtype."""
        boxes = slices_of(self._results["sources"].host.bbox)
        return [image[box] if dtype is None else image[box].astype(dtype) for box in boxes]

    def _plain(self, image: Any, dtype: Any = None) -> Any:
        if image is None:
            return self._collapsed(np.full(len(self._results["sources"]), None))
        cutouts = self._cut(image, dtype)
        if self._unit is not None:
            cutouts = [cutout << self._unit for cutout in cutouts]
        return self._collapsed(cutouts)

    def _masked(self, image: Any, dtype: Any = None) -> Any:
        if image is None:
            return self._plain(None)
        only_on_host(
            image, "a masked cutout", "masked arrays are NumPy's; take the cutouts and `segment`"
        )
        frame, labels = self._results["frame"], self.labels
        masks = [
            segment != label for segment, label in zip(self._cut(frame.labels), labels, strict=True)
        ]
        if frame.mask is not None:
            masks = [own | bad for own, bad in zip(masks, self._cut(frame.mask), strict=True)]
        cutouts = zip(self._cut(image, dtype), masks, strict=True)
        return self._collapsed([np.ma.masked_array(cutout, mask) for cutout, mask in cutouts])

    @property
    def data(self) -> Any:
        """The data in each source's bounding box, float64."""
        return self._plain(self._results["frame"].data, float)

    @property
    def data_ma(self) -> Any:
        """The data, masked outside the segment and where pixels are masked or not finite."""
        return self._masked(self._results["frame"].data, float)

    @property
    def convdata(self) -> Any:
        """The convolved data in each source's bounding box, float64."""
        return self._plain(self._results["frame"].shape_data, float)

    @property
    def convdata_ma(self) -> Any:
        """The convolved data, masked as `data_ma`."""
        return self._masked(self._results["frame"].shape_data, float)

    @property
    def error(self) -> Any:
        """The errors in each source's bounding box; `None` without errors."""
        return self._plain(self._results["frame"].error)

    @property
    def error_ma(self) -> Any:
        """The errors, masked as `data_ma`."""
        return self._masked(self._results["frame"].error)

    @property
    def background(self) -> Any:
        """The background in each source's bounding box; `None` without a background."""
        return self._plain(self._results["frame"].background)

    @property
    def background_ma(self) -> Any:
        """The background, masked as `data_ma`."""
        return self._masked(self._results["frame"].background)

    @property
    def segment(self) -> Any:
        """The labels in each source's bounding box."""
        return self._collapsed(self._cut(self._results["frame"].labels))

    @property
    def segment_ma(self) -> Any:
        """The labels, masked as `data_ma`."""
        return self._masked(self._results["frame"].labels)
