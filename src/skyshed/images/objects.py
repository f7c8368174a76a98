"""Objects in memory as images: HDUs, NDData, Quantities, masked arrays, and arrays."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from skyshed.arguments import as_image
from skyshed.images.arrays import ArraySource
from skyshed.images.asinh import asinh_of
from skyshed.images.blanks import blanks_of_hdu, without_blanks
from skyshed.images.cards import Cards, cards_of
from skyshed.images.cube_planes import axes_of, split_plane
from skyshed.images.given_wcs import own_wcs
from skyshed.images.hdu_facts import facts_of, null_shape
from skyshed.images.headers import celestial_wcs, find_hdu, unit_of, unknown_unit
from skyshed.images.inherited import header_of
from skyshed.images.null_planes import null_source
from skyshed.images.open import OpenedImage, register, register_fallback
from skyshed.images.pixels import RefusedError, fits_axes, image_axes, native
from skyshed.images.source import ImageSource
from skyshed.images.stored_integers import StoredIntegers
from skyshed.images.twice import check_scaling, unit_text
from skyshed.images.zarr import open_zarr_array
from skyshed.messages import one_line
from skyshed.namespace import adopt, array_namespace, is_device_array

__all__ = ["open_array"]


@register(lambda given: isinstance(given, ImageSource))
def open_source(given: ImageSource, name: str) -> OpenedImage:
    """Open an image that is open."""
    return OpenedImage(given)


@register(
    lambda given: isinstance(given, list) and hasattr(given, "index_of"),
    has_hdus=True,
)
def open_hdus(given: Any, name: str, hdu: int | str | tuple[str, int] | None) -> OpenedImage:
    """Open one of the images of an HDUList."""
    label = f"{name} (an HDUList)"
    wanted, plane = split_plane(hdu)
    number = find_hdu(given, wanted, label)
    return OpenedImage(_of_hdu(given[number], given, f"{label}[{number}]", number, plane))


@register(lambda given: hasattr(given, "is_image") and hasattr(given, "header"))
def open_hdu(given: Any, name: str) -> OpenedImage:
    """Open an HDU."""
    return OpenedImage(_of_hdu(given, None, f"{name} (an HDU)", 0))


def _of_hdu(
    hdu: Any, hdus: Any, label: str, number: int, plane: tuple[int, ...] | None = None
) -> ImageSource:
    """Return the image of an HDU; ``hdus`` may hold distortion tables of its WCS."""
    if getattr(hdu, "is_image", False) and null_shape(hdu.header):
        return null_source(hdu, number, label)
    if not getattr(hdu, "is_image", False) or hdu.header.get("NAXIS", 0) == 0:
        raise RefusedError(f"{label} holds no image")
    check_scaling(hdu.header, label)
    asinh, blanks = asinh_of(hdu.header), blanks_of_hdu(hdu)
    header = hdu.header if hdus is None else header_of(hdus, number)
    try:
        pixels = hdu.data
    except ValueError as error:  # of integers with an offset of their sign that have BLANK
        raise RefusedError(
            f"{label}: astropy cannot read its pixels ({one_line(error)}); give the path of the "
            "file, which is read in another way"
        ) from error
    (rows, columns), first = axes_of(np.shape(pixels), label, plane)
    kept = fits_axes(np.shape(pixels), (rows, columns))
    where: list[Any] = list(first)
    where[rows] = where[columns] = slice(None)
    stored = pixels[tuple(where)]
    pixels = without_blanks(stored, blanks)  # astropy takes BLANK out as it reads
    text = unit_text(header)
    source = ArraySource(
        native(pixels if asinh is None else asinh.fluxes(pixels)),
        unit_of(text, label),
        celestial_wcs(header, hdus, label, kept),
        hdu=facts_of(hdu, number),
        unknown_unit=unknown_unit(text),
        header=cards_of([hdu] if hdus is None else hdus, number, label, header),
    )
    if blanks is None or blanks.scaled or asinh is not None:
        return source
    if stored.dtype.kind == "f":  # by astropy
        return replace(source, integers=StoredIntegers(source, blanks, label))
    if stored.dtype.newbyteorder("=") != blanks.dtype:  # it was told not to add the offset
        return source
    return replace(source, integers=replace(source, array=native(stored), blank=blanks.value))


@register(lambda given: hasattr(given, "uncertainty") and hasattr(given, "wcs"))
def open_nddata(given: Any, name: str) -> OpenedImage:
    """Open an NDData or CCDData; its uncertainty is the error."""
    from astropy.nddata import StdDevUncertainty

    data = _plane(given.data)
    wcs = own_wcs(given.wcs, np.shape(data), name) if np.ndim(data) == 2 else None
    image = _source(data, name, given.unit, wcs, given.meta)
    error = given.uncertainty
    if error is not None:
        error = error.represent_as(StdDevUncertainty)
        of_unit = error.unit if error.unit is not None else given.unit
        error = error.array if of_unit == given.unit else (error.array << of_unit).to(given.unit)
        error = _source(_plane(error), "error")
    return OpenedImage(image, _mask(_plane(given.mask)), error)


def _plane(array: Any) -> Any:
    """Return an array without axes of length 1, as files are read; others as they are."""
    shape = np.shape(array)
    if len(shape) < 3 or sum(length > 1 for length in shape) > 2:
        return array
    rows, columns = image_axes(shape, "NDData")
    return array.reshape(shape[rows], shape[columns])


@register(lambda given: isinstance(given, np.ma.MaskedArray))
def open_masked_array(given: Any, name: str) -> OpenedImage:
    """Open a masked array of NumPy's."""
    return OpenedImage(_source(given.data, name), _mask(np.ma.getmaskarray(given)))


@register(lambda given: hasattr(given, "unmasked") and hasattr(given, "mask"))
def open_masked(given: Any, name: str) -> OpenedImage:
    """Open a `~astropy.utils.masked.Masked` array or Quantity."""
    return OpenedImage(open_array(given.unmasked, name).image, _mask(given.mask))


@register(lambda given: type(given).__module__.partition(".")[0] in ("zarr", "dask"))
def open_chunked(given: Any, name: str) -> OpenedImage:
    """Open an array of Zarr's or Dask's."""
    if not hasattr(given, "dtype"):
        kind = f"{type(given).__module__.partition('.')[0]}.{type(given).__name__}"
        raise RefusedError(f"{name} must be an array, got a {kind}: give one of its arrays")
    if hasattr(given, "attrs"):  # of Zarr
        return OpenedImage(open_zarr_array(given, name))
    _check(given, name)
    return OpenedImage(ArraySource(given))


@register_fallback
def open_array(given: Any, name: str) -> OpenedImage:
    """Open a Quantity, an array, or anything that NumPy makes an array of."""
    if isinstance(given, bytes | bytearray) or (hasattr(given, "read") and hasattr(given, "seek")):
        raise TypeError(
            f"{name} must be a path or an array, got {type(given).__name__}: give the path of the "
            "file, or astropy.io.fits.open of it"
        )
    unit = getattr(given, "unit", None)
    return OpenedImage(_source(given if unit is None else given.value, name, unit))


def _source(
    array: Any, name: str, unit: Any = None, wcs: Any = None, header: Any = None
) -> ArraySource:
    """Return an array as an image."""
    array = adopt(array, name)
    xp = array_namespace(**{name: array})
    array = array if is_device_array(array) else xp.asarray(array)
    _check(array, name)
    if not isinstance(header, Mapping):
        return ArraySource(array, unit, wcs)
    return ArraySource(array, unit, wcs, header=Cards(header, label=name))


def _check(array: Any, name: str) -> None:
    """Refuse arrays that are not 2-D or hold no real numbers."""
    # A stand-in that has the same kind and no pixels: nothing is converted or copied.
    value = np.empty((), array.dtype)
    as_image(
        np.empty((0, 0), array.dtype) if array.ndim == 2 else np.broadcast_to(value, array.shape),
        name, np,
    )  # fmt: skip


def _mask(mask: Any) -> ArraySource | None:
    """Return the mask of an image as an image."""
    if mask is None or mask is np.ma.nomask:
        return None
    return _source(mask, "mask")
