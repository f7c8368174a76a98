"""What was found before, here or on another image of the same pixels: maps, images, catalogs."""

import contextlib
import warnings
from dataclasses import replace
from typing import Any

import numpy as np

from skyshed.catalog import SourceCatalog
from skyshed.images.exposure import Inputs, as_input, gather, is_file
from skyshed.images.read import Image, ImageWarning
from skyshed.namespace import array_namespace, is_device_array, like, to_host
from skyshed.segmentation import SegmentationImage, as_segmentation_image

__all__ = [
    "check_integers", "check_pixels", "check_registered", "read_band", "read_detection", "read_map",
]  # fmt: skip

#: What the record says of anything that is no file.
ARRAY = {"input": "array"}
#: Pixels that are farther apart than this on the sky are not the same: a neighbour is nearer.
LARGEST_OFFSET = 0.5


def read_map(given: Any, field: Inputs, device: str | None) -> tuple[SegmentationImage, Inputs]:
    """Return a segmentation map of any kind, and ``field`` with what the map says about it.

    Parameters
    ----------
    given : `SegmentationImage`, array_like of int, masked array, NDData, HDU, HDUList, or path
        The map; photutils' SegmentationImage too.
    field : Inputs
        The image that it is laid on. Where it has no WCS, it takes that of the map.
    device : {None, 'cpu', 'cuda'}
        Where ``field`` was moved to.

    Raises
    ------
    TypeError
        If the map holds no integers, or is on another device than the image.
    ValueError
        If its shape or its WCS is not that of the image, or a label is negative.
    """
    name = "segmentation"
    with contextlib.suppress(TypeError):  # photutils' segmentation image, or skyshed's
        given = as_segmentation_image(given, name)
    known = isinstance(given, SegmentationImage)
    image = Image(given.data) if known else as_input(given, name)
    field = _on_the_field(image, name, field)
    if is_file(given) or device is not None:
        image = replace(image, data=_beside(image.data, field.data))
    array_namespace(image=field.data, segmentation=image.data)
    if known and image.data is given.data:
        return given, field
    return SegmentationImage(_labels(image, name)), field


def _beside(values: Any, image: Any) -> Any:
    """Return ``values`` on the device of ``image``."""
    return like(values, image) if is_device_array(image) else to_host(values)


def _labels(image: Image, name: str) -> Any:
    """Return the labels of a map, 0 where it is masked."""
    xp = array_namespace(segmentation=image.data)
    values = xp.asarray(image.data)
    check_integers(values.dtype, name, _example(values, xp))
    if values.dtype.kind == "i" and values.size and (least := int(xp.min(values))) < 0:
        raise ValueError(
            f"{name} must hold labels of at least 0, where 0 is no source; the least is {least}"
        )
    if image.mask is not None and image.mask is not np.ma.nomask:
        values = xp.where(xp.asarray(image.mask), xp.zeros((), dtype=values.dtype), values)
    return values


def check_integers(dtype: Any, name: str, example: str = "") -> None:
    """Raise a TypeError unless a map of this dtype can hold labels; ``example`` shows a value."""
    if dtype.kind == "b":
        raise TypeError(
            f"{name} is a mask (dtype bool), which does not tell sources apart: number them "
            "first, e.g. with scipy.ndimage.label"
        )
    if dtype.kind not in "iu":
        raise TypeError(
            f"{name} must hold integers, the label of each pixel; it has dtype {dtype}{example}: "
            "make sure that it is a map of labels, and convert it with astype('int32')"
        )


def _example(values: Any, xp: Any) -> str:
    """Return a value that is no integer, as a part of a message."""
    if values.dtype.kind != "f":
        return ""
    odd = values[values != xp.floor(values)]
    return f" and values such as {float(odd[0]):g}" if odd.size else ""


def read_band(given: Any, field: Inputs, device: str | None) -> tuple[Inputs, Inputs]:
    """Return the image that sources are detected and shaped on, and ``field`` with its WCS.

    Raises
    ------
    ValueError
        If its shape or its WCS is not that of ``field``, or none of its pixels is good.
    TypeError
        If it holds no numbers, or is on another device than the image.
    """
    name = "detection_image"
    image = as_input(given, name)
    field = _on_the_field(image, name, field)
    if is_file(given):
        image = replace(image, data=like(image.data, field.data))
    band = gather(image, name=name).moved(device)
    array_namespace(image=field.data, detection_image=band.data)
    return replace(band, wcs=field.wcs), field


def read_detection(
    catalog: Any, segmentation: Any, field: Inputs
) -> tuple[SegmentationImage, Inputs]:
    """Return the map that a catalog was measured with, and ``field`` with the catalog's WCS.

    Raises
    ------
    TypeError
        If ``catalog`` is none, or is on another device than the image.
    ValueError
        If its shape or its WCS is not that of the image.
    """
    name = "detection_cat"
    if not isinstance(catalog, SourceCatalog):
        raise TypeError(
            f"{name} must be a skyshed.SourceCatalog, got {type(catalog).__name__}: give the "
            "catalog of the other image, or that image as detection_image"
        )
    labels = catalog.frame.labels
    array_namespace(image=field.data, detection_cat=labels)
    field = _on_the_field(Image(labels, wcs=catalog.wcs), name, field)
    # A catalog on top of another takes its positions on the sky.
    field = replace(field, wcs=catalog.wcs)
    return (SegmentationImage(labels) if segmentation is None else segmentation), field


def _on_the_field(image: Image, name: str, field: Inputs) -> Inputs:
    """Check that an image has the pixels of the field; return the field with what it adds."""
    shape = np.shape(image.data) if not is_device_array(image.data) else image.data.shape
    check_pixels(shape, image.wcs, name, field.data.shape, field.wcs)
    origin = {key.replace("input", name): value for key, value in (image.origin or ARRAY).items()}
    wcs = image.wcs if field.wcs is None else field.wcs
    return replace(field, wcs=wcs, origin={**field.origin, **origin})


def check_pixels(
    shape: tuple[int, ...], wcs: Any, name: str, of_image: tuple[int, ...], wcs_of_image: Any
) -> None:
    """Check that an image, the argument ``name``, has the shape and the WCS of the image.

    Raises
    ------
    ValueError
        If it has not; see `check_registered` for what the WCS may differ by.
    """
    if shape != of_image:
        raise ValueError(
            f"{name} must have the same shape as image: {name} has {shape}, image has "
            f"{of_image}; resample one of them to the pixels of the other first"
        )
    check_registered(wcs, name, wcs_of_image, (shape[0], shape[1]))


def check_registered(wcs: Any, name: str, of_image: Any, shape: tuple[int, int]) -> None:
    """Check that two WCS put the corners and the centre of an image in the same places.

    Parameters
    ----------
    wcs, of_image : WCS or None
        That of the argument ``name``, and that of the image; nothing is checked without both.
    shape : tuple of int
        The shape of both images.

    Raises
    ------
    ValueError
        If they are half a pixel or more apart.

    Warns
    -----
    ImageWarning
        If they cannot be compared.
    """
    if wcs is None or of_image is None or wcs is of_image:
        return
    ny, nx = shape
    x = np.array([0, nx - 1, 0, nx - 1, (nx - 1) / 2])
    y = np.array([0, 0, ny - 1, ny - 1, (ny - 1) / 2])
    try:
        x_there, y_there = of_image.world_to_pixel(wcs.pixel_to_world(x, y))
        offset = np.hypot(x_there - x, y_there - y)
    except Exception as error:  # every library of WCS has its own kinds
        offset = np.full(x.shape, np.nan)
        reason = f" ({' '.join(str(error).split()) or type(error).__name__})"
    else:
        reason = ""
    if not np.isfinite(offset).any():
        warnings.warn(
            f"the WCS of {name} cannot be compared with that of image{reason}: they are taken to "
            "be the same",
            ImageWarning,
            stacklevel=4,
        )
    elif (largest := np.nanmax(offset)) >= LARGEST_OFFSET:
        at = int(np.nanargmax(offset))
        raise ValueError(
            f"{name} and image must have the same pixels on the sky: by their WCS, the pixel "
            f"(x, y) = ({x[at]:g}, {y[at]:g}) of {name} is {largest:.3g} pixels off in image, at "
            f"({x_there[at]:.1f}, {y_there[at]:.1f}); at most {LARGEST_OFFSET} is allowed: "
            f"resample {name} to the pixels of image (labels by the nearest neighbour), or give "
            "it as an array without WCS"
        )
