"""Images from FITS files, with their unit, their WCS and where they came from."""

import hashlib
import os
import re
import warnings
from dataclasses import dataclass
from typing import Any

import astropy.units as u
import numpy as np
from astropy.io import fits
from astropy.utils.exceptions import AstropyWarning

__all__ = [
    "Image",
    "ImageWarning",
    "checksum",
    "image_of_hdu",
    "image_of_hdus",
    "read_image",
    "split_path",
]

#: What instruments write into BUNIT that FITS does not define -> the unit meant.
UNIT_SPELLINGS = {
    "counts": "count",
    "cts": "count",
    "dn": "DN",
    "electrons": "electron",
    "e-": "electron",
    "photons": "photon",
    "sec": "s",
}


class ImageWarning(UserWarning):
    """Something that an image says about itself could not be used."""


@dataclass(frozen=True, eq=False)
class Image:
    """Pixels and what is known about them.

    Attributes
    ----------
    data : array, shape (ny, nx)
        The pixels, in the machine's byte order.
    unit : `~astropy.units.UnitBase` or None
        Their unit.
    wcs : object or None
        Their celestial WCS.
    mask : array of bool or None
        True for bad pixels, where the image itself says so.
    error : array or None
        Total 1-sigma error, where the image itself says so.
    origin : dict
        Where the image came from, for the record: ``input`` and, of a file, ``input_hdu`` and
        ``input_sha256``.
    """

    data: Any
    unit: Any = None
    wcs: Any = None
    mask: Any = None
    error: Any = None
    origin: dict[str, Any] | None = None

    @property
    def from_file(self) -> bool:
        """Whether a file's header says what the unit is."""
        return bool(self.origin and "input_hdu" in self.origin)


def split_path(path: str | os.PathLike) -> tuple[str, str | None]:
    """Split ``file.fits[SCI]`` into the file and the HDU.

    Examples
    --------
    >>> from skyshed.images.read import split_path
    >>> split_path("deep.fits[SCI,2]"), split_path("deep.fits")
    (('deep.fits', 'SCI,2'), ('deep.fits', None))
    """
    text = os.fspath(path)
    match = re.fullmatch(r"(.+)\[([^\[\]]+)\]", text)
    if match is None or os.path.exists(text):
        return text, None
    return match[1], match[2]


def read_image(path: str | os.PathLike, hdu: int | str | None = None) -> Image:
    """Read one image of a FITS file, plain, gzipped or tile-compressed.

    Parameters
    ----------
    path : path
        The file; ``file.fits[SCI]`` names an HDU.
    hdu : int or str, optional
        The HDU: its number, its name, or ``NAME,VERSION``. `None` takes the one named with the
        file, or else the first HDU that holds an image.

    Returns
    -------
    image : `Image`
        Scaled by BSCALE and BZERO, NaN where BLANK; axes of length 1 beyond two are dropped.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If there is no such HDU, it is named twice, or it is no 2-D image.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from astropy.io import fits
    >>> from skyshed.images.read import read_image
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "image.fits"
    >>> fits.writeto(path, np.zeros((1, 3, 4), np.float32))
    >>> read_image(path).data.shape
    (3, 4)
    """
    file, named = split_path(path)
    if named is not None and hdu is not None and str(hdu) != named:
        raise ValueError(f"the HDU is given twice: as hdu={hdu!r} and in {os.fspath(path)!r}")
    wanted = named if hdu is None else hdu
    with warnings.catch_warnings():
        # Headers that break a rule are daily bread; what matters raises below.
        warnings.simplefilter("ignore", AstropyWarning)
        try:
            with fits.open(file) as hdus:
                image, number = image_of_hdus(hdus, wanted, file)
        except (_RefusedError, MemoryError):
            raise
        except FileNotFoundError:
            raise FileNotFoundError(f"{file}: there is no such file") from None
        except Exception as error:  # whatever a damaged file makes astropy stumble over
            reason = " ".join(str(error).split()) or type(error).__name__
            raise OSError(f"{file}: cannot be read as FITS ({reason})") from error
    origin = {"input": os.path.abspath(file), "input_hdu": number, "input_sha256": checksum(file)}
    return Image(image.data, image.unit, image.wcs, origin=origin)


def image_of_hdus(
    hdus: Any, wanted: int | str | None = None, label: str = "the HDUs"
) -> tuple[Image, int]:
    """Return the wanted one of the images of a list of HDUs, and its number."""
    number = _find_hdu(hdus, wanted, label)
    return image_of_hdu(hdus[number], hdus, f"{label}[{number}]"), number


def image_of_hdu(hdu: Any, hdus: Any = None, label: str = "the HDU") -> Image:
    """Return the image of an HDU, as a copy in native byte order.

    Parameters
    ----------
    hdu : PrimaryHDU, ImageHDU or CompImageHDU
        The HDU.
    hdus : HDUList, optional
        The HDUs around it, where distortion tables of the WCS may be.
    label : str, optional
        What to call the HDU in messages.
    """
    if not getattr(hdu, "is_image", False) or hdu.header.get("NAXIS", 0) == 0:
        raise _RefusedError(f"{label} holds no image")
    pixels = _as_plane(hdu.data, label)
    dtype = pixels.dtype.newbyteorder("=")
    return Image(
        np.array(pixels, dtype=dtype, order="C"),
        _unit_of(hdu.header.get("BUNIT"), label),
        _wcs_of(hdu.header, hdus, label),
    )


def checksum(path: str | os.PathLike) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class _RefusedError(ValueError):
    """A file that is sound, but not what was asked for."""


def _find_hdu(hdus: Any, wanted: int | str | None, file: str) -> int:
    """Return the number of the HDU that is wanted."""
    if wanted is None:
        for number, hdu in enumerate(hdus):
            if _holds_image(hdu):
                return number
        raise _RefusedError(f"{file} holds no image: it has {_listed(hdus)}")
    name, _, version = str(wanted).strip().partition(",")
    try:
        if name.lstrip("-").isdigit():
            number = int(name)
            return hdus.index_of(hdus[number]) if number >= 0 else hdus.index_of(name)
        return hdus.index_of((name, int(version)) if version else name)
    except (KeyError, IndexError, ValueError):
        raise _RefusedError(f"{file} has no HDU {wanted}: it has {_listed(hdus)}") from None


def _holds_image(hdu: Any) -> bool:
    shape = getattr(hdu, "shape", ()) or ()
    return getattr(hdu, "is_image", False) and len(shape) >= 2 and 0 not in shape


def _listed(hdus: Any) -> str:
    """Return the HDUs of a file in one line."""
    return ", ".join(
        f"{number} {hdu.name or '(no name)'} "
        f"({' x '.join(str(n) for n in hdu.shape) if _holds_image(hdu) else 'no image'})"
        for number, hdu in enumerate(hdus)
    )


def _as_plane(pixels: Any, label: str) -> Any:
    """Drop axes of length 1 until two are left."""
    shape = np.shape(pixels)
    if len(shape) > 2:
        long = [axis for axis, length in enumerate(shape) if length > 1]
        # Of an image that is itself one pixel wide, the last two axes are the image.
        kept = long if len(long) == 2 else sorted({*long, *range(len(shape) - 2, len(shape))})
        if len(kept) == 2:
            pixels = pixels.reshape([shape[axis] for axis in kept])
    if np.ndim(pixels) != 2 or 0 in np.shape(pixels):
        raise _RefusedError(
            f"{label} must hold a 2-D image (besides axes of length 1), its shape is {shape}"
        )
    return pixels


def _unit_of(text: Any, label: str) -> u.UnitBase | None:
    """Return the unit that BUNIT spells, None (with a warning) where nobody knows it."""
    if not isinstance(text, str) or not text.strip():
        return None
    plain = text.strip()
    spelled = re.sub(
        r"[A-Za-z]+-?", lambda word: UNIT_SPELLINGS.get(word[0].lower(), word[0]), plain
    )
    if plain.isupper():  # not siemens, but a header all in capitals
        spelled = spelled.lower()
    for spelling in (plain, spelled, spelled.lower()):
        for form in ("fits", None):
            try:
                return u.Unit(spelling, format=form)
            except (ValueError, TypeError):
                continue
    _warn(f"{label}: the unit BUNIT = {plain!r} is not known; fluxes are given without a unit")
    return None


def _wcs_of(header: Any, hdus: Any, label: str) -> Any:
    """Return the celestial WCS of a header, None where it has none."""
    from astropy.wcs import WCS

    try:
        wcs = WCS(header, fobj=hdus)
        return wcs.celestial if wcs.has_celestial else None
    except Exception as error:  # wcslib raises many kinds; an image without WCS is still an image
        reason = " ".join(str(error).split())
        _warn(f"{label}: the WCS cannot be used ({reason}); positions on the sky are left out")
        return None


def _warn(message: str) -> None:
    warnings.warn(message, ImageWarning, stacklevel=5)
