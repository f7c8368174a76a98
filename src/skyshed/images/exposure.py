"""What the chain starts from: any kind of image and its companions, as plain arrays."""

import os
from dataclasses import dataclass, field, replace
from typing import Any

import astropy.units as u
import numpy as np

from skyshed.arguments import as_image, as_mask
from skyshed.images.read import Image, image_of_hdu, image_of_hdus, read_image
from skyshed.namespace import adopt, array_namespace, like, to_device, to_host

__all__ = ["Inputs", "as_input", "combine", "gather", "is_file", "nothing_good"]


@dataclass(frozen=True, eq=False)
class Inputs:
    """The images that the chain starts from, without units.

    Attributes
    ----------
    data : array of float32 or float64, shape (ny, nx)
        The image.
    mask : array of bool or None
        True for pixels to leave out: masked, not finite, or without weight.
    rms : array of float32 or float64, or None
        The noise of the background of each pixel, where the caller gave it.
    relative : bool
        Whether ``rms`` is right only up to a factor.
    error : array of float32 or float64, or None
        The total error of each pixel, where the caller gave it.
    unit : `~astropy.units.UnitBase` or None
        The unit of all of them.
    wcs : object or None
        The celestial WCS.
    origin : dict
        Where they came from, for the record.
    """

    data: Any
    mask: Any = None
    rms: Any = None
    relative: bool = False
    error: Any = None
    unit: Any = None
    wcs: Any = None
    origin: dict[str, Any] = field(default_factory=dict)

    def moved(self, device: str | None) -> "Inputs":
        """Return the images on the ``device`` ('cpu' or 'cuda'), each copied at most once."""
        if device is None:
            return self
        move = {"cpu": to_host, "cuda": to_device}[device]
        names = ("data", "mask", "rms", "error")
        return replace(self, **{name: move(getattr(self, name)) for name in names})


def is_file(image: Any) -> bool:
    """Whether an argument names a file."""
    return isinstance(image, (str, os.PathLike))


def as_input(image: Any, name: str, hdu: int | str | None = None) -> Image:
    """Return any kind of image as an `Image`.

    Parameters
    ----------
    image : array_like, Quantity, masked array, NDData, HDU, HDUList, or path
        The image; a path is a FITS file, ``file.fits[SCI]`` one of its HDUs.
    name : str
        The argument's name, for messages.
    hdu : int or str, optional
        Which HDU of a file or HDUList.
    """
    if isinstance(image, Image):
        return image
    if is_file(image):
        return read_image(image, hdu)
    if isinstance(image, list) and image and hasattr(image[0], "header"):
        return image_of_hdus(image, hdu, f"{name} (an HDUList)")[0]
    if hdu is not None:
        raise ValueError(f"hdu is given as {hdu!r}, but {name} is no file: leave hdu out")
    if hasattr(image, "is_image") and hasattr(image, "header"):
        return image_of_hdu(image, label=f"{name} (an HDU)")
    if hasattr(image, "uncertainty") and hasattr(image, "wcs"):
        return _image_of_nddata(image)
    if isinstance(image, np.ma.MaskedArray):
        return Image(image.data, mask=np.ma.getmaskarray(image))
    if isinstance(image, u.Quantity):
        return Image(image.value, unit=image.unit)
    return Image(adopt(image, name))


def _image_of_nddata(image: Any) -> Image:
    """Return the image of an NDData or CCDData, its uncertainty as an error."""
    from astropy.nddata import StdDevUncertainty

    error = image.uncertainty
    if error is not None:
        error = error.represent_as(StdDevUncertainty)
        of_unit = error.unit if error.unit is not None else image.unit
        error = error.array if of_unit == image.unit else (error.array << of_unit).to(image.unit)
    return Image(image.data, image.unit, image.wcs, image.mask, error)


def gather(
    image: Any,
    *,
    hdu: int | str | None = None,
    weight: Any = None,
    rms: Any = None,
    error: Any = None,
    mask: Any = None,
    mask_bits: tuple[int, ...] | None = None,
    scale_weight: bool = False,
    wcs: Any = None,
    name: str = "image",
) -> Inputs:
    """Bring an image and its companions to plain arrays of one shape; see `skyshed.extract`.

    ``name`` is what messages call the image.

    Raises
    ------
    ValueError
        If shapes or units differ, both ``weight`` and ``rms`` are given, or no pixel is good.
    TypeError
        If an image holds no numbers, or ``mask_bits`` is given for a mask that has no bits.
    """
    field = combine(
        as_input(image, name, hdu), weight=weight, rms=rms, error=error, mask=mask,
        mask_bits=mask_bits, scale_weight=scale_weight, wcs=wcs, name=name,
    )  # fmt: skip
    if field.data.size == 0:
        raise nothing_good(name)
    if field.mask is not None and array_namespace(mask=field.mask).all(field.mask):
        raise nothing_good(name)
    return field


def nothing_good(name: str) -> ValueError:
    """Return the error for an image without a good pixel."""
    which = "the image" if name == "image" else name
    return ValueError(f"no pixel of {which} is good: all are masked, not finite or weightless")


def combine(
    main: Image,
    *,
    weight: Any,
    rms: Any,
    error: Any,
    mask: Any,
    mask_bits: tuple[int, ...] | None,
    scale_weight: bool,
    wcs: Any = None,
    name: str = "image",
) -> Inputs:
    """Bring an image, or a window of it, to plain arrays together with its companions.

    As `gather`, except that no pixel need be good.
    """
    if weight is not None and rms is not None:
        raise ValueError("weight and rms both say the noise of the background: give one of them")
    xp = array_namespace(**{name: main.data})
    data = as_image(main.data, name, xp)
    bad = [~xp.isfinite(data)]
    for plane in (main.mask, mask):
        if plane is not None and plane is not np.ma.nomask:
            bad.append(_bad_pixels(plane, mask_bits, data, xp))
    if weight is not None:
        rms = _noise_of_weight(_companion(weight, "weight", main, xp, power=-2))
    elif rms is not None:
        rms = _companion(rms, "rms", main, xp)
    if rms is not None:
        good = xp.isfinite(rms) & (rms > 0)
        bad.append(~good)
        rms = xp.where(good, rms, xp.zeros((), dtype=rms.dtype))
    if error is None:
        error = main.error
    if error is not None:
        error = _companion(error, "error", main, xp)
    return Inputs(
        data, _union(bad, xp), rms, weight is not None and scale_weight, error, main.unit,
        main.wcs if wcs is None else wcs, main.origin or {"input": "array"},
    )  # fmt: skip


def _union(planes: list[Any], xp: Any) -> Any:
    """Return where any of the planes is True, None where none is anywhere."""
    total = planes[0]
    for plane in planes[1:]:
        total = total | plane
    return total if xp.any(total) else None


def _bad_pixels(mask: Any, bits: tuple[int, ...] | None, data: Any, xp: Any) -> Any:
    """Return a mask or quality plane as booleans."""
    plane = _beside(as_input(mask, "mask").data, mask, "mask", data)
    values = xp.asarray(plane)
    if bits is not None and values.dtype.kind in "iu":
        # Through the unsigned type, so that the sign bit is a bit like any other.
        unsigned = values.view(f"u{values.dtype.itemsize}")
        wanted = sum(1 << bit for bit in bits) & int(np.iinfo(unsigned.dtype).max)
        values = unsigned & unsigned.dtype.type(wanted)
    elif bits is not None and values.dtype.kind != "b":
        raise TypeError(f"mask must hold integers where mask_bits is given, got {values.dtype}")
    return as_mask(values != 0, "mask", xp, shape=data.shape, like="image")


def _beside(values: Any, given: Any, name: str, image: Any) -> Any:
    """Return the values of another image; those of a file come to the device of ``image``."""
    if is_file(given):
        return like(values, image)
    array_namespace(image=image, **{name: values})
    return values


def _companion(given: Any, name: str, main: Image, xp: Any, power: int = 1) -> Any:
    """Return another image of the field, in the main one's unit to ``power``."""
    other = as_input(given, name)
    from_file = other.from_file
    values = _beside(other.data, given, name, main.data)
    values = as_image(values, name, xp, shape=np.shape(main.data), like="image")
    if other.unit is None:
        return values
    unit = u.dimensionless_unscaled if main.unit is None else main.unit**power
    try:
        return values * values.dtype.type(other.unit.to(unit))
    except u.UnitConversionError:
        # The headers of weight maps, and of what goes with an image without a unit, are often
        # copied from an image: a file's unit that makes no sense there says nothing.
        if from_file and (power != 1 or main.unit is None):
            return values
        raise ValueError(
            f"{name} must be in {str(unit) or 'no unit'}, as the image says; it is in {other.unit}"
        ) from None


def _noise_of_weight(weight: Any) -> Any:
    """Return the noise that an inverse variance says, 0 where there is no weight."""
    good = np.isfinite(weight) & (weight > 0)
    noise = np.sqrt(np.where(good, weight, 1))
    return np.where(good, np.divide(1, noise, out=noise), 0)
