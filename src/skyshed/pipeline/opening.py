"""Images as windows: what is read of them at once, and what tile by tile."""

import os
from typing import Any

import numpy as np

from skyshed.io.read import Image
from skyshed.io.windows import ArrayWindows, cut, open_windows
from skyshed.io.windows.zarr import is_zarr_path
from skyshed.mosaic.extraction import Resources, fits_at_once, installed
from skyshed.mosaic.field import COMPANIONS, Field, origin_of
from skyshed.namespace import is_device_array
from skyshed.pipeline.inputs import as_input
from skyshed.pipeline.maps import check_registered
from skyshed.pipeline.parameters import Parameters

__all__ = ["as_region", "choose", "open_field", "read_whole"]


def choose(
    given: dict[str, Any],
    hdu: int | str | None,
    region: Any,
    parameters: Parameters,
    resources: Resources,
    device: str | None,
    detection_image: Any = None,
    *,
    only_whole: bool,
) -> tuple[dict[str, Any], int | str | None, dict[str, Field] | None]:
    """Choose whether an image is worked on at once or tile by tile.

    Parameters
    ----------
    given : dict
        The image and its companions, by the names of the arguments of `skyshed.extract`.
    hdu, region, parameters, device, detection_image
        See there.
    resources : Resources
        What may be used.
    only_whole : bool
        Whether an argument is given that tiles do not know.

    Returns
    -------
    given, hdu
        What to read at once.
    fields : dict of str to Field, or None
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
                "segmentation and detection_cat are not known to runs over tiles: leave out "
                "memory, workspace and scheduler, or cut the images to what fits into memory"
            )
        tiled = False
    if tiled and not installed() and not asked and resources.memory is None:
        tiled = False  # as well as it goes
    if tiled:
        return given, hdu, _with_band(field, detection_image, region)
    if known:
        return given, hdu, None
    return read_whole(field), None, None


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
    if band.shape != field.shape:
        raise ValueError(
            f"{name} must have the same shape as image: {name} has {band.shape}, image has "
            f"{field.shape}"
        )
    check_registered(band.image.wcs, name, field.image.wcs, field.shape)
    return {"image": field, "band": band}


def open_field(
    image: Any,
    *,
    hdu: int | str | None,
    region: Any,
    mask_bits: tuple[int, ...] | None,
    scale_weight: bool,
    device: str | None,
    **companions: Any,
) -> Field | None:
    """Open an image and its companions to be read window by window.

    Parameters
    ----------
    image, hdu, region, device, **companions
        See `skyshed.extract`.
    mask_bits, scale_weight
        See `skyshed.Parameters`.

    Returns
    -------
    field : Field or None
        `None` for what can only be read as a whole: arrays of a GPU, gzipped files.

    Raises
    ------
    ValueError
        If shapes differ, both ``weight`` and ``rms`` are given, or ``region`` is not in the image.
    """
    given = {name: each for name, each in companions.items() if each is not None}
    if any(_only_whole(each) for each in (image, *given.values())):
        return None
    if "weight" in given and "rms" in given:
        raise ValueError("weight and rms both say the noise of the background: give one of them")
    main, own_mask, error = _as_windows(image, "image", hdu)
    if error is not None:
        given.setdefault("error", error)
    others = {name: _as_windows(each, name, None)[0] for name, each in given.items()}
    for name, each in others.items():
        if each.shape != main.shape:
            raise ValueError(
                f"{name} must have the same shape as image: {name} has {each.shape}, image has "
                f"{main.shape}"
            )
    if region is not None:
        bounds = as_region(region, main.shape)
        y0, y1, x0, x1 = bounds
        main = cut(main, *bounds)
        others = {name: cut(each, *bounds) for name, each in others.items()}
        own_mask = None if own_mask is None else own_mask[y0:y1, x0:x1]
    return Field(main, others, own_mask, mask_bits, scale_weight, device)


def read_whole(field: Field) -> dict[str, Any]:
    """Return image and companions by name, each read as a whole."""
    ny, nx = field.shape
    whole = {
        name: Image(each.read(0, ny, 0, nx), each.unit, each.wcs, origin=origin_of(each))
        for name, each in {"image": field.image, **field.companions}.items()
    }
    if field.image_mask is not None:
        main = whole["image"]
        whole["image"] = Image(main.data, main.unit, main.wcs, field.image_mask, None, main.origin)
    return {**dict.fromkeys(COMPANIONS), **whole}


def _known_at_once(image: Any) -> bool:
    """Whether `gather` takes an image as it is; other kinds are read by windows, all in one."""
    if isinstance(image, (str, os.PathLike)):
        return not is_zarr_path(image)
    kind = type(image).__module__.partition(".")[0]
    return not _is_list_of_paths(image) and kind not in ("zarr", "dask")


def _is_list_of_paths(given: Any) -> bool:
    return isinstance(given, (list, tuple)) and all(
        isinstance(each, (str, os.PathLike)) for each in given
    )


def _only_whole(given: Any) -> bool:
    named = isinstance(given, (str, os.PathLike))
    return is_device_array(given) or (named and os.fspath(given).endswith(".gz"))


def _as_windows(given: Any, name: str, hdu: int | str | None) -> tuple[Any, Any, Any]:
    """Return the windows of any kind of image, and the mask and error that it has itself."""
    sliced = hasattr(given, "shape") and hasattr(given, "dtype") and not hasattr(given, "unit")
    plain = sliced and not isinstance(given, np.ma.MaskedArray) and not hasattr(given, "header")
    if plain or _is_list_of_paths(given) or isinstance(given, (str, os.PathLike)):
        return open_windows(given, hdu), None, None
    image = as_input(given, name, hdu)
    data = np.asarray(image.data)
    mask = None if image.mask is None or image.mask is np.ma.nomask else np.asarray(image.mask)
    return ArrayWindows(data, image.unit, image.wcs), mask, image.error


def as_region(region: Any, shape: tuple[int, int] | None = None) -> tuple[int, int, int, int]:
    """Return a region as four ints, if it lies in an image of that shape, or in any.

    Raises
    ------
    ValueError
        If it does not, or is no region.

    Examples
    --------
    >>> from skyshed.pipeline.opening import as_region
    >>> as_region("0:10,5:20"), as_region((0, 10, 5, 20), shape=(10, 20))
    ((0, 10, 5, 20), (0, 10, 5, 20))
    """
    bounds = region
    if isinstance(region, str):
        halves = [part.split(":") for part in region.split(",")]
        bounds = [number for half in halves for number in half]
    try:
        y0, y1, x0, x1 = (int(bound) for bound in bounds)
    except (TypeError, ValueError):
        y0 = y1 = x0 = x1 = 0
    ny, nx = (y1, x1) if shape is None else shape
    if not (0 <= y0 < y1 <= ny and 0 <= x0 < x1 <= nx):
        within = "" if shape is None else f", which has the shape {shape}"
        raise ValueError(
            "region must be 'y0:y1,x0:x1' or four integers, half-open ranges of pixels in the "
            f"image{within}; got {region!r}"
        )
    return y0, y1, x0, x1
