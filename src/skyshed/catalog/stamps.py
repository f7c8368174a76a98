"""Cutouts of one shape about each centroid."""

from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from skyshed.arguments import check_choice
from skyshed.catalog.base import CatalogBase
from skyshed.namespace import array_namespace
from skyshed.segmentation.bounding_box import BoundingBox

__all__ = ["CutoutImage", "Stamps"]


class CutoutImage:
    """A part of an image about a position, and where it lies in the image.

    `SourceCatalog.make_cutouts` makes them. Where photutils is installed they are instances of its
    class of this name, too.

    Parameters
    ----------
    data : array, shape (ny, nx)
        The image.
    position : tuple of float
        The position ``(y, x)`` of the middle.
    shape : tuple of int
        The shape ``(ny, nx)``.
    mode : {'trim', 'partial'}, optional
        Of what lies outside the image: 'trim' leaves it out, 'partial' fills it.
    fill_value : number, optional
        What 'partial' fills in.
    copy : bool, optional
        Whether the data are a copy even where they lie inside the image.

    Attributes
    ----------
    data : array
        The cutout: a view of the image where it lies inside, unless ``copy``.
    shape : tuple of int
        Its shape.
    slices_original, slices_cutout : tuple of slice
        Which part of the image it shows, and where in the cutout that is.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.catalog.stamps import CutoutImage
    >>> cutout = CutoutImage(np.arange(6.0).reshape(2, 3), (0, 2), (3, 3), mode="partial")
    >>> cutout.data
    array([[nan, nan, nan],
           [ 1.,  2., nan],
           [ 4.,  5., nan]])
    >>> cutout.xyorigin, cutout.bbox_original
    (array([ 1, -1]), BoundingBox(ixmin=1, ixmax=3, iymin=0, iymax=2))
    """

    def __init__(
        self,
        data: Any,
        position: tuple[float, float],
        shape: Any,
        mode: str = "trim",
        fill_value: Any = np.nan,
        copy: bool = False,
    ) -> None:
        from astropy.nddata import overlap_slices

        self.position, self.input_shape = position, tuple(shape)
        self.mode, self.fill_value, self.copy = mode, fill_value, copy
        self.slices_original, self.slices_cutout = overlap_slices(
            data.shape, self.input_shape, position, mode=mode
        )
        self.data = data[self.slices_original]
        if mode == "partial" and self.data.shape != self.input_shape:
            if data.dtype.kind in "iub" and not np.isfinite(fill_value):
                raise ValueError(
                    f"fill_value {fill_value} does not fit an array of dtype {data.dtype}, and a "
                    "cutout reaches beyond its edge: give an array of floats or another fill_value"
                )
            xp = array_namespace(data=data)
            filled = xp.full(self.input_shape, fill_value, dtype=data.dtype)
            filled[self.slices_cutout] = self.data
            self.data = filled
        elif copy:
            self.data = self.data.copy()
        self.shape = self.data.shape

    @cached_property
    def bbox_original(self) -> BoundingBox:
        """The box of the image that the cutout shows."""
        return _box(self.slices_original)

    @cached_property
    def bbox_cutout(self) -> BoundingBox:
        """Where that box lies in the cutout."""
        return _box(self.slices_cutout)

    @cached_property
    def xyorigin(self) -> Any:
        """``(x, y)`` of the cutout's first pixel in the image; negative beyond its edge."""
        starts = (
            whole.start - (part.start if self.mode == "partial" else 0)
            for whole, part in zip(self.slices_original, self.slices_cutout, strict=True)
        )
        return np.array(list(starts))[::-1]

    def __array__(self, dtype: Any = None, *, copy: bool | None = None) -> Any:
        return np.array(self.data, dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        return f"CutoutImage(position={self.position}, shape={self.shape})"

    def __str__(self) -> str:
        return f"<skyshed.catalog.CutoutImage>\nShape: {self.shape}"


def _box(slices: tuple[slice, slice]) -> BoundingBox:
    y, x = slices
    return BoundingBox(ixmin=x.start, ixmax=x.stop, iymin=y.start, iymax=y.stop)


@lru_cache
def _class_of_cutouts() -> type[CutoutImage]:
    """Return `CutoutImage`, derived from photutils' class too where that is installed."""
    try:
        from photutils.utils import CutoutImage as Theirs
    except ImportError:
        return CutoutImage
    return type("CutoutImage", (CutoutImage, Theirs), {"__doc__": CutoutImage.__doc__})


class Stamps(CatalogBase):
    """The part of the catalog that cuts images out about centroids."""

    def make_cutouts(
        self, shape: Any, *, array: Any = None, mode: str = "partial", fill_value: Any = np.nan
    ) -> Any:
        """Cut images of one shape out, each about a source's centroid.

        Parameters
        ----------
        shape : tuple of int
            The shape ``(ny, nx)``.
        array : array, shape (ny, nx), optional
            An image of the shape of the data, to cut from instead of the data.
        mode : {'partial', 'trim'}, optional
            Of what lies outside the image: 'partial' fills it, 'trim' leaves it out.
        fill_value : number, optional
            What 'partial' fills in.

        Returns
        -------
        cutouts : list of `~skyshed.catalog.stamps.CutoutImage` or None
            `None` where the centroid is not finite, or all of the segment's pixels are masked. A
            single one for a scalar catalog.

        Raises
        ------
        ValueError
            If ``array`` has another shape than the data, ``mode`` is none of the two, or
            ``fill_value`` does not fit the array.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SegmentationImage, SourceCatalog
        >>> labels = np.array([[1, 1, 0, 4, 0, 7]])
        >>> catalog = SourceCatalog(np.arange(6.0)[None], SegmentationImage(labels))
        >>> [cutout.data.tolist() for cutout in catalog.make_cutouts((1, 3), mode="trim")]
        [[[0.0, 1.0, 2.0]], [[2.0, 3.0, 4.0]], [[4.0, 5.0]]]
        """
        frame = self._results["frame"]
        image = frame.data if array is None else array_namespace(array=array).asarray(array)
        if image.shape != frame.shape:
            raise ValueError(
                f"array must have the same shape as data: array has {image.shape}, data has "
                f"{frame.shape}"
            )
        check_choice(mode, "mode", ("partial", "trim"))
        x, y, count = self._results.on_host("xcentroid", "ycentroid", "_count")
        top, left = frame.origin
        known = (count > 0) & np.isfinite(x) & np.isfinite(y)
        kind = _class_of_cutouts()
        return self._collapsed(
            [
                kind(image, (yc, xc), shape, mode, fill_value) if there else None
                for yc, xc, there in zip(y - top, x - left, known.tolist(), strict=True)
            ]
        )
