"""Cutouts of images: the bounding box of each segment, or one shape around each centroid."""

from functools import lru_cache
from typing import Any

import numpy as np

from skyshed.arguments import check_choice
from skyshed.cached import cached_property
from skyshed.catalog.registry import Results
from skyshed.frame import Frame
from skyshed.namespace import array_namespace, only_on_host
from skyshed.segmentation.bounding_box import BoundingBox, slices_of
from skyshed.sources import Sources

__all__ = ["CUTOUTS", "CutoutImage", "cut_boxes", "cut_masked_boxes", "cut_shapes"]

#: The attributes of a catalog that hold an image per source, and so do not fit a table.
CUTOUTS = tuple(
    f"{image}{masked}"
    for image in ("data", "convdata", "error", "background", "segment")
    for masked in ("", "_ma")
)


def cut_boxes(image: Any, sources: Sources, unit: Any = None, dtype: Any = None) -> Any:
    """Cut the bounding box of each source out of an image.

    Parameters
    ----------
    image : array, shape (ny, nx), or None
        The image.
    sources : `~skyshed.sources.Sources`
        n sources.
    unit : `~astropy.units.UnitBase`, optional
        The unit of the cutouts.
    dtype : dtype, optional
        The dtype of the cutouts, which are views of the image otherwise.

    Returns
    -------
    cutouts : list of array or Quantity
        An array with `None` for each source if there is no image.
    """
    if image is None:
        return np.full(len(sources), None)
    boxes = slices_of(sources.host.bbox)
    cutouts = [image[box] if dtype is None else image[box].astype(dtype) for box in boxes]
    return cutouts if unit is None else [cutout << unit for cutout in cutouts]


def cut_masked_boxes(image: Any, frame: Frame, sources: Sources, dtype: Any = None) -> Any:
    """Cut the bounding box of each source out of an image, masked outside its good pixels.

    Parameters
    ----------
    image, sources, dtype
        As for `cut_boxes`.
    frame : `~skyshed.frame.Frame`
        Says which pixels are in the segment, and which are masked.

    Returns
    -------
    cutouts : list of `~numpy.ma.MaskedArray`
        An array with `None` for each source if there is no image.

    Raises
    ------
    TypeError
        If the image is on a device.
    """
    if image is None:
        return cut_boxes(None, sources)
    only_on_host(
        image, "a masked cutout", "masked arrays are NumPy's; take the cutouts and `segment`"
    )
    segments = zip(cut_boxes(frame.labels, sources), sources.host.labels, strict=True)
    masks = [segment != label for segment, label in segments]
    if frame.mask is not None:
        bad_pixels = cut_boxes(frame.mask, sources)
        masks = [outside | bad for outside, bad in zip(masks, bad_pixels, strict=True)]
    cutouts = cut_boxes(image, sources, dtype=dtype)
    return [np.ma.masked_array(*pair) for pair in zip(cutouts, masks, strict=True)]


def cut_shapes(results: Results, shape: Any, array: Any, mode: str, fill_value: Any) -> list[Any]:
    """Cut one shape around each centroid out of an image; see `SourceCatalog.make_cutouts`."""
    frame = results["frame"]
    image = frame.data if array is None else array_namespace(array=array).asarray(array)
    if image.shape != frame.shape:
        raise ValueError(
            f"array must have the same shape as data: array has {image.shape}, data has "
            f"{frame.shape}"
        )
    check_choice(mode, "mode", ("partial", "trim"))
    x, y, count = results.on_host("xcentroid", "ycentroid", "_count")
    top, left = frame.origin
    has_centroid = (count > 0) & np.isfinite(x) & np.isfinite(y)
    kind = _class_of_cutouts()
    return [
        kind(image, (yc, xc), shape, mode, fill_value) if known else None
        for yc, xc, known in zip(y - top, x - left, has_centroid.tolist(), strict=True)
    ]


class CutoutImage:
    """A part of an image around a position, and where it lies in the image.

    `SourceCatalog.make_cutouts` makes them. Where photutils is installed they are instances of its
    class of this name, too.

    Parameters
    ----------
    data : array, shape (ny, nx)
        The image.
    position : tuple of float
        The position ``(y, x)`` of the centre.
    shape : tuple of int
        The shape ``(ny, nx)``.
    mode : {'trim', 'partial'}, optional
        How to treat what lies outside the image: 'trim' leaves it out, 'partial' fills it.
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
    >>> from skyshed.catalog.cutouts import CutoutImage
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
