"""Whether an image is worked on at once or tile by tile."""

import contextlib
import os
from typing import Any, NamedTuple

import numpy as np

from skyshed.extraction.given import check_integers, check_pixels
from skyshed.extraction.opening import (
    as_region,
    as_windows,
    is_list_of_paths,
    open_field,
    read_whole,
)
from skyshed.images import ArrayWindows, cut
from skyshed.images.field import Field
from skyshed.images.read import Image
from skyshed.images.zarr import is_zarr_path
from skyshed.mosaic.start import Resources, fits_at_once, installed
from skyshed.parameters import Parameters
from skyshed.segmentation import as_segmentation_image

__all__ = ["Tiles", "choose", "in_region"]


class Tiles(NamedTuple):
    """What is worked on tile by tile.

    Attributes
    ----------
    fields : dict of str to Field
        See `skyshed.mosaic.job.Job`.
    labels : windows or None
        The map whose sources are measured, if one is given.
    """

    fields: dict[str, Field]
    labels: Any

    @property
    def has_wcs(self) -> bool:
        """Whether any of the images, or the map, has a WCS."""
        known = [field.image for field in self.fields.values()]
        if self.labels is not None:
            known.append(self.labels)
        return any(each.wcs is not None for each in known)


def choose(
    given: dict[str, Any],
    hdu: int | str | None,
    region: Any,
    parameters: Parameters,
    resources: Resources,
    device: str | None,
    detection_image: Any = None,
    segmentation: Any = None,
    *,
    only_whole: bool,
) -> tuple[dict[str, Any], int | str | None, Tiles | None]:
    """Choose whether an image is worked on at once or tile by tile.

    Parameters
    ----------
    given : dict
        The image and its companions, by the names of the arguments of `skyshed.extract`.
    hdu, region, parameters, device, detection_image, segmentation
        See there.
    resources : Resources
        What may be used.
    only_whole : bool
        Whether an argument is given that tiles do not know.

    Returns
    -------
    given, hdu
        What to read at once.
    tiles : Tiles or None
        What to work on tile by tile; `None` if at once.

    Raises
    ------
    ValueError
        If tiles are asked for and can't be had.
    """
    asked = resources.asked
    known = region is None and _known_at_once(given["image"])
    try:
        field = open_field(
            **given, hdu=hdu, region=region, mask_bits=parameters.mask_bits,
            scale_weight=parameters.scale_weight, device=device,
        )  # fmt: skip
    except (ValueError, TypeError, OSError):
        if asked or not known:
            raise
        return given, hdu, None  # reading it at once says what is wrong
    if field is None:
        if region is not None or asked:
            raise ValueError(
                "image, or what goes with it, can only be read as a whole (an array of a GPU, or a "
                "gzipped file): leave out region, workspace and scheduler, or give a file that can "
                "be read by windows"
            )
        return given, hdu, None
    n_images = 1 if detection_image is None else 2
    tiled = not fits_at_once(field.image, resources, device, n_images)
    if tiled and only_whole:
        if asked or resources.memory is not None:
            raise ValueError(
                "detection_cat is in memory, and not known to runs over tiles: leave out memory, "
                "workspace and scheduler, or give its image as detection_image"
            )
        tiled = False
    if tiled and not installed() and not asked and resources.memory is None:
        tiled = False  # as well as it goes
    if tiled:
        fields = _with_band(field, detection_image, region)
        return given, hdu, Tiles(fields, _as_map(segmentation, field, region))
    if known:
        return given, hdu, None
    return read_whole(field), None, None


def in_region(given: Any, name: str, region: Any) -> Any:
    """Return the region of any kind of image, read at once; None of None."""
    if given is None:
        return None
    windows, mask, error = as_windows(_plain_labels(given), name, None)
    y0, y1, x0, x1 = bounds = as_region(region, windows.shape)
    part = cut(windows, *bounds)
    pixels = part.read(0, part.shape[0], 0, part.shape[1])
    mask, error = (None if each is None else each[y0:y1, x0:x1] for each in (mask, error))
    return Image(pixels, part.unit, part.wcs, mask, error)


def _known_at_once(image: Any) -> bool:
    """Whether `gather` takes an image as it is; other kinds are read by windows, all in one."""
    if isinstance(image, (str, os.PathLike)):
        return not is_zarr_path(image)
    kind = type(image).__module__.partition(".")[0]
    return not is_list_of_paths(image) and kind not in ("zarr", "dask")


def _with_band(field: Field, detection_image: Any, region: Any) -> dict[str, Field]:
    """Return the fields of a run over tiles.

    Raises
    ------
    ValueError
        If the images have not the same pixels.
    """
    if detection_image is None:
        return {"image": field}
    name = "detection_image"
    band = open_field(
        detection_image, hdu=None, region=region, mask_bits=None, scale_weight=False,
        device=field.device,
    )  # fmt: skip
    if band is None:
        raise ValueError(f"{name} can only be read as a whole: give a file that has windows")
    _check_pixels(band.image, name, field)
    return {"image": field, "band": band}


def _as_map(given: Any, field: Field, region: Any) -> Any:
    """Return windows of a segmentation map; None of None.

    Raises
    ------
    TypeError
        If it holds no integers.
    ValueError
        If it has not the pixels of the image.
    """
    if given is None:
        return None
    name = "segmentation"
    labels, mask, _ = as_windows(_plain_labels(given), name, None)
    if mask is not None:
        labels = ArrayWindows(np.where(mask, 0, labels.array), wcs=labels.wcs)
    check_integers(labels.dtype, name)
    if region is not None:
        labels = cut(labels, *as_region(region, labels.shape))
    _check_pixels(labels, name, field)
    return labels


def _plain_labels(given: Any) -> Any:
    """Return the array of a segmentation image, photutils' too; anything else as it is."""
    with contextlib.suppress(TypeError):
        given = np.asarray(as_segmentation_image(given, "segmentation").data)
    return given


def _check_pixels(other: Any, name: str, field: Field) -> None:
    """Check that windows have the pixels of the image."""
    check_pixels(other.shape, other.wcs, name, field.shape, field.image.wcs)
