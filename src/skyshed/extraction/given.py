"""What was found before, here or on another image of the same pixels: maps, images, catalogs."""

import contextlib
from typing import Any

from skyshed.catalog import SourceCatalog
from skyshed.chain.request import DETECTION, KnownLabels
from skyshed.images.arrays import ArraySource
from skyshed.images.exposure import Exposure, open_exposure
from skyshed.images.open import OpenedImage
from skyshed.images.pairing import open_paired
from skyshed.images.region import as_region, cut
from skyshed.images.registration import check_same_pixels
from skyshed.images.renumbered import renumbered
from skyshed.images.source import ImageSource
from skyshed.images.whole_numbers import WholeNumbers
from skyshed.namespace import array_namespace, is_device_array
from skyshed.parameters import Parameters
from skyshed.segmentation import SegmentationImage, as_segmentation_image

__all__ = ["check_detection", "open_detection", "open_labels"]


def open_labels(given: Any, exposure: Exposure, region: Any, renumber: bool = False) -> KnownLabels:
    """Open a map of labels.

    Parameters
    ----------
    given : SegmentationImage, or image of int
        The map; photutils' SegmentationImage, too.
    exposure : Exposure
        The image that it is laid on.
    region : str, sequence of 4 int, or None
        The part of both to work on.
    renumber : bool, optional
        Whether to number the labels anew, for which the map is read.

    Raises
    ------
    TypeError
        If the map holds no numbers, or is on another device than the image.
    ValueError
        If its shape or its WCS is not that of the image. Floats that are not whole numbers are
        refused when they are read.
    """
    name = "segmentation"
    segmentation = None
    with contextlib.suppress(TypeError):  # photutils' segmentation image, or skyshed's
        segmentation = as_segmentation_image(given, name)
    if segmentation is None:
        opened = open_paired(given, name, exposure.image)
    else:
        opened = OpenedImage(ArraySource(segmentation.data))
    source, mask = opened.image.as_integers(), opened.mask
    _refuse_mask(source, name)
    if region is not None:
        window = as_region(region, source.shape)
        source, mask = cut(source, window), None if mask is None else cut(mask, window)
        segmentation = None if segmentation is None else segmentation[window.slices]
        if segmentation is not None:
            source = ArraySource(segmentation.data)
    _check_pixels(source, name, exposure)
    if source.dtype.kind == "f":
        source = WholeNumbers(source, name, renumber)
    if renumber:
        source, segmentation = renumbered(source, mask, name), None
    return KnownLabels(source, mask, segmentation)


def open_detection(
    given: Any, exposure: Exposure, region: Any, mask_bits: Any = None, **companions: Any
) -> Exposure:
    """Open the image that sources are detected and shaped on.

    Parameters
    ----------
    given : image
        The image.
    exposure : Exposure
        The image that fluxes are measured on.
    region : str, sequence of 4 int, or None
        The part of both to work on.
    mask_bits : tuple or None
        Bits of its mask that reject a pixel.
    **companions : image or None
        Its weight, rms, variance and mask.

    Raises
    ------
    ValueError
        If its shape or its WCS is not that of the image, or those of what goes with it.
    TypeError
        If it holds no numbers, or is on another device than the image.
    """
    opened = open_paired(given, DETECTION, exposure.image)
    detection = open_exposure(
        opened, name=DETECTION, region=region, device=exposure.device, prefix="detection_",
        mask_bits=None if companions.get("mask") is None else mask_bits,
        scale_weight=exposure.scale_weight, **companions,
    )  # fmt: skip
    _check_pixels(detection.image, DETECTION, exposure)
    return detection


def check_detection(
    catalog: Any, exposure: Exposure, known: KnownLabels | None, parameters: Parameters, region: Any
) -> tuple[Parameters, KnownLabels]:
    """Return the parameters with those of a detection catalog, and the labels to be measured.

    Raises
    ------
    TypeError
        If ``catalog`` is none, or is on another device than the image.
    ValueError
        If its shape or its WCS is not that of the image, or a region is asked for.
    """
    name = "detection_cat"
    if not isinstance(catalog, SourceCatalog):
        raise TypeError(
            f"{name} must be a skyshed.SourceCatalog, got {type(catalog).__name__}: give the "
            "catalog of the other image, or that image as detection_image"
        )
    if region is not None:
        raise ValueError(
            f"{name} is a catalog of the whole image, and region is given as {region!r}: leave one "
            "of them out, or give the other image as detection_image"
        )
    labels = ArraySource(catalog.frame.labels, wcs=catalog.wcs)
    _check_pixels(labels, name, exposure)
    method: Any = catalog.apermask_method  # which the catalog has checked
    changed = parameters.replace(kron_params=catalog.kron_params, apermask_method=method)
    if known is not None:
        given = _labels_in_memory(known.source)
        if given is not None and known.mask is None and not _same_labels(given, labels.array):
            raise ValueError(
                f"{name} must have the sources of segmentation, and it has others: leave "
                "segmentation out, or give the catalog of that map"
            )
        return changed, known
    segmentation = SegmentationImage(catalog.frame.labels)
    return changed, KnownLabels(labels, None, segmentation)


def _labels_in_memory(source: ImageSource) -> Any:
    """Return the labels of a map that is an array, `None` for others."""
    if isinstance(source, WholeNumbers) and isinstance(source.floats, ArraySource):
        return source.read(source.everything)
    return source.array if isinstance(source, ArraySource) else None


def _same_labels(one: Any, other: Any) -> bool:
    """Whether two arrays of labels are equal; arrays on different devices are not compared."""
    if is_device_array(one) != is_device_array(other):
        return True
    return bool((one == other).all())


def _check_pixels(source: ImageSource, name: str, exposure: Exposure) -> None:
    """Check that an image has the pixels of the exposure, and is where that is."""
    check_same_pixels(source.shape, source.wcs, name, exposure.shape, exposure.wcs)
    arrays = {
        each: image.array
        for each, image in (("image", exposure.image), (name, source))
        if isinstance(image, ArraySource) and not image.unit_from_header
        and not hasattr(image.array, "dask")
    }  # fmt: skip
    if exposure.device is None and len(arrays) > 1:
        array_namespace(**arrays)


def _refuse_mask(source: ImageSource, name: str) -> None:
    """Raise a TypeError for a map that does not tell sources apart."""
    if source.dtype.kind == "b":
        raise TypeError(
            f"{name} is a mask (dtype bool), which does not tell sources apart: number them "
            "first, e.g. with scipy.ndimage.label"
        )
