"""One source of a segmentation image."""

from typing import Any

import numpy as np

from skyshed.cached import cached_property
from skyshed.names import canonical_attribute
from skyshed.namespace import only_on_host, to_host
from skyshed.peers import PassesAsPhotutils
from skyshed.segmentation.bounding_box import BoundingBox
from skyshed.segmentation.polygons import can_draw, outline

__all__ = ["Segment"]


class Segment(PassesAsPhotutils):
    """A single labelled region of a segmentation image.

    Only the bounding box is kept, as a copy, so that a Segment does not hold on to the image.

    Parameters
    ----------
    segment_data : array of int, shape (ny, nx)
        The label image.
    label : int
        The label of this region.
    slices : tuple of two slices
        The smallest box ``(y, x)`` that holds the region.
    bbox : `BoundingBox`
        The same box.
    area : int
        The number of pixels of the region.
    polygon : `shapely.Polygon` or `shapely.MultiPolygon`, optional
        Its outline.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed import SegmentationImage
    >>> segm = SegmentationImage(np.array([[0, 7, 7], [2, 0, 7]]))
    >>> segment = segm.get_segment(7)
    >>> segment.area, segment.slices
    (3, (slice(0, 2, None), slice(1, 3, None)))
    >>> segment.data
    array([[7, 7],
           [0, 7]])
    """

    def __init__(
        self,
        segment_data: Any,
        label: int,
        slices: tuple[slice, slice],
        bbox: BoundingBox,
        area: int,
        *,
        polygon: Any = None,
    ) -> None:
        self._cutout = segment_data[slices].copy()
        self._image_shape = segment_data.shape
        self.label = label
        self.slices = slices
        self.bbox = bbox
        self.area = area
        self.polygon = polygon

    @classmethod
    def with_outline(cls, *args: Any) -> "Segment":
        """Return a Segment that traces its outline when it is first needed."""
        segment = cls(*args)
        del segment.polygon
        return segment

    def __repr__(self) -> str:
        facts = f"label: {self.label}\nslices: {self.slices}\narea: {self.area}"
        return f"<skyshed.segmentation.{type(self).__name__}>\n{facts}"

    def __getattr__(self, name: str) -> Any:
        return canonical_attribute(self, name)

    def _repr_svg_(self) -> str | None:
        return None if self.polygon is None else self.polygon._repr_svg_()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self.data, dtype=dtype, copy=copy)

    @cached_property
    def data(self) -> Any:
        """The bounding box cut out of the label image; 0 outside this region."""
        cutout = self._cutout.copy()
        cutout[cutout != self.label] = 0
        return cutout

    @cached_property
    def data_ma(self) -> Any:
        """The bounding box as a masked array, masked outside this region."""
        only_on_host(self._cutout, "data_ma", "masked arrays are NumPy's; use data")
        return np.ma.masked_array(self._cutout, mask=self._cutout != self.label)

    @cached_property
    def polygon(self) -> Any:
        """The outline, a Shapely polygon; see `SegmentationImage.polygons`.

        `None` without rasterio and Shapely, and if the Segment was made without one.
        """
        if not can_draw():
            return None
        y, x = self.slices
        return outline(to_host(self._cutout == self.label), y.start, x.start)

    def make_cutout(self, data: Any, masked_array: bool = False) -> Any:
        """Cut the bounding box out of an image.

        Parameters
        ----------
        data : array, shape (ny, nx)
            An image of the shape of the segmentation image.
        masked_array : bool, optional
            Whether to return a masked array, masked outside this region.

        Returns
        -------
        cutout : array or `~numpy.ma.MaskedArray`
            A view of ``data``.

        Raises
        ------
        ValueError
            If ``data`` has another shape.
        """
        if data.shape != self._image_shape:
            raise ValueError(
                "data must have the same shape as the segmentation array, "
                f"{self._image_shape}; got {data.shape}"
            )
        if masked_array:
            only_on_host(self._cutout, "a masked array", "leave masked_array out")
            return np.ma.masked_array(data[self.slices], mask=self._cutout != self.label)
        return data[self.slices]
