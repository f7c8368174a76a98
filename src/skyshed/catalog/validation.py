"""Checks of the arguments that a catalog is made from."""

from typing import Any

import numpy as np
from astropy import units as u

from skyshed.arguments import as_image, as_mask, check_positive_integer, split_units
from skyshed.catalog.reach import segment_boxes
from skyshed.catalog.registry import Results
from skyshed.frame import Frame
from skyshed.namespace import adopt, array_namespace
from skyshed.sources import Sources

__all__ = [
    "check_same_sources",
    "check_unit",
    "make_frame",
    "threads_worth_starting",
]

#: Catalogs with fewer sources and fewer pixels in all segments are measured by one thread unless
#: the caller asks for more: starting threads for each measurement takes longer than they save.
FEW_SOURCES, FEW_PIXELS = 200, 1 << 13


def make_frame(
    images: dict[str, Any], mask: Any, kernel: Any, segment_img: Any, n_threads: int | None
) -> tuple[Frame, Any]:
    """Check the images; return a frame of them, and their unit."""
    if n_threads is not None:
        check_positive_integer(n_threads, "n_threads")
    if images["data"] is None:
        raise TypeError("data must be an image, got None")
    plain, unit = split_units(**images)
    plain_images = dict(zip(images, plain, strict=True))
    mask = adopt(mask, "mask")
    xp = array_namespace(**plain_images, mask=mask, segment_img=segment_img.label_table.data)
    _check_shapes(
        {**plain_images, "mask": None if mask is np.ma.nomask else mask}, segment_img.shape, xp
    )
    arrays: dict[str, Any] = {
        name: None if array is None else as_image(array, name, xp)
        for name, array in plain_images.items()
    }
    data = arrays.pop("data")
    if kernel is not None:
        from skyshed.convolution import convolve

        arrays["convolved_data"] = as_image(
            convolve(data, kernel, n_threads=n_threads), "convolved_data", xp
        )
    mask = as_mask(mask, "mask", xp, shape=data.shape)
    labels = xp.ascontiguousarray(segment_img.data, dtype=xp.int32)
    sources = segment_img.label_table.sources
    frame = Frame.from_images(data, labels, mask, n_threads, sources.on_host_with, **arrays)
    return frame, unit


def _check_shapes(images: dict[str, Any], of_labels: tuple[int, ...], xp: Any) -> None:
    """Raise a ValueError unless all images are 2-D and of one shape."""
    shapes = {name: xp.asarray(image).shape for name, image in images.items() if image is not None}
    for name, shape in shapes.items():
        if len(shape) != 2:
            raise ValueError(f"{name} must be a 2D array, got {len(shape)}-D with shape {shape}")
    names = {"segment_img/segmentation_image and data": of_labels}
    names |= {f"data and {name}": shape for name, shape in shapes.items()}
    for both, shape in names.items():
        if shape != shapes["data"]:
            raise ValueError(
                f"{both} must have the same shape, got {shape}, and {shapes['data']} for data"
            )


def check_unit(unit: Any, data_unit: Any) -> Any:
    """Return the unit of the data: the argument, or ``data_unit`` that they came with.

    Raises
    ------
    ValueError
        If both are given and differ, or ``unit`` is not a unit.
    """
    if unit is None:
        return data_unit
    try:
        unit = u.Unit(unit)
    except (TypeError, ValueError, OverflowError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"unit must be a unit of astropy or its name, got {unit!r}") from error
    if data_unit is not None and unit != data_unit:
        raise ValueError(
            f"unit is {str(unit)!r}, but data is in {str(data_unit)!r}: leave unit out, or convert "
            "data"
        )
    return unit


def threads_worth_starting(n_threads: int | None, sources: Any) -> int | None:
    """Return the number of threads for a catalog of ``sources``; `None` for all available cores.

    Raises
    ------
    ValueError
        If ``n_threads`` is neither `None` nor a positive integer.
    """
    if n_threads is not None:
        return check_positive_integer(n_threads, "n_threads")
    few = len(sources) < FEW_SOURCES and sources.pixel.size < FEW_PIXELS
    return 1 if few else None


def check_same_sources(detection: Results, frame: Frame, sources: Sources) -> None:
    """Raise an error unless a detection catalog has the same sources.

    Its frame may be another part of the image.

    Raises
    ------
    TypeError
        If its images are on another device.
    ValueError
        If it has other sources.
    """
    array_namespace(data=frame.labels, detection_cat=detection["frame"].labels)
    if not _are_same(detection["frame"], detection["sources"], frame, sources):
        raise ValueError(
            "detection_cat/detection_catalog must have same segmentation_image as the input "
            "segment_img/segmentation_image, and all of its sources: it has other labels"
        )


def _are_same(one_frame: Frame, one: Sources, other_frame: Frame, other: Sources) -> bool:
    """Whether sources are the same: pixels are compared in one frame, else areas and boxes."""
    if one is other:
        return True
    if not np.array_equal(one.host.labels, other.host.labels):
        return False
    if (one_frame.origin, one_frame.shape) == (other_frame.origin, other_frame.shape):
        return np.array_equal(one_frame.labels, other_frame.labels)
    boxes = segment_boxes(one_frame, one), segment_boxes(other_frame, other)
    return np.array_equal(one.host.area, other.host.area) and np.array_equal(*boxes)
