"""The one door for images: whatever a user gives becomes an `ImageSource`."""

import os
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import entry_points
from typing import Any, NamedTuple

from skyshed.arguments import is_path
from skyshed.images.regular import check_file
from skyshed.images.source import ImageSource

__all__ = ["OpenedImage", "open_image", "register", "register_fallback"]

#: The group of entry points by which other packages add formats: modules that call `register`.
ENTRY_POINTS = "skyshed.images"


class OpenedImage(NamedTuple):
    """An image, and what comes with it.

    Attributes
    ----------
    image : ImageSource
        The pixels.
    mask : ImageSource or None
        True, or not 0, for pixels that the image itself masks.
    error : ImageSource or None
        The total 1-sigma error of each pixel, in the unit of ``image``.
    """

    image: ImageSource
    mask: ImageSource | None = None
    error: ImageSource | None = None


Opener = Callable[..., OpenedImage]


class _Format(NamedTuple):
    recognises: Callable[[Any], bool]
    opener: Opener
    has_hdus: bool


#: The newest first; the first that recognises an object opens it.
_FORMATS: list[_Format] = []
#: What opens objects that none of them recognises.
_FALLBACKS: list[_Format] = []


def register(
    recognises: Callable[[Any], bool], *, has_hdus: bool = False
) -> Callable[[Opener], Opener]:
    """Register the decorated function as the opener of a kind of image.

    It is tried before those that were registered earlier, so it may take over what these open.

    Parameters
    ----------
    recognises : callable
        ``recognises(given)`` says whether an object is of this kind. It must be quick and must not
        import what the object does not come from.
    has_hdus : bool, optional
        Whether the opener takes ``hdu``.

    Examples
    --------
    An opener takes the object and the name of the argument, for messages::

        @register(lambda given: type(given).__name__ == "Cube")
        def open_cube(given, name):
            return OpenedImage(CubeSource(given))
    """

    def keep(opener: Opener) -> Opener:
        _FORMATS.insert(0, _Format(recognises, opener, has_hdus))
        return opener

    return keep


def register_fallback(opener: Opener) -> Opener:
    """Register the opener of objects that no format recognises; see `register`."""
    _FALLBACKS.append(_Format(lambda _: True, opener, False))
    return opener


def open_image(
    given: Any, name: str = "image", hdu: int | str | tuple[str, int] | None = None
) -> OpenedImage:
    """Open any kind of image to be read by windows.

    Parameters
    ----------
    given : path, list of paths, HDU, HDUList, NDData, Quantity, masked array, array or ImageSource
        - The path of a FITS file: ``deep.fits``, or ``deep.fits[SCI]`` for one of its HDUs. Only
          headers and one pixel are read here.
        - The path of a Zarr array: ``deep.zarr``, or ``deep.zarr/path/in/group``.
        - A list of images that abut in one grid of pixels, such as the files of a survey's tiles or
          of a camera's chips. They lie where their celestial WCS says or, if none has one, where
          DETSEC in their headers says. Gaps between them are NaN.
        - An object of astropy that holds an image.
        - An array that can be sliced: NumPy, a memory map, Zarr, Dask, CuPy, or one of another
          library that shares its memory by DLPack.
    name : str, optional
        What messages call the argument.
    hdu : int or str, optional
        Of a file or HDUList: the number, name, or ``NAME,VERSION`` of the HDU; the first that holds
        an image if `None`.

    Returns
    -------
    opened : OpenedImage
        The image; of a masked array or NDData also its mask and error.

    Raises
    ------
    OSError
        If a file cannot be read.
    ValueError
        If there is no such HDU, there is no 2-D image, or the images of a list do not abut or it
        is not known where they lie.
    TypeError
        If it holds no real numbers.
    ImportError
        If it takes a package that is not installed.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from astropy.io import fits
    >>> from skyshed.images import Window, open_image
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "image.fits"
    >>> fits.writeto(path, np.arange(12, dtype=np.int16).reshape(3, 4))
    >>> open_image(path).image.read(Window(1, 3, 2, 4))
    array([[ 6,  7],
           [10, 11]], dtype=int16)
    """
    if is_path(given) and not os.fspath(given):
        raise ValueError(f"{name} must be an image or the path of one, got {given!r}")
    if given is None:
        raise TypeError(f"{name} must be an image or the path of one, got None")
    if is_path(given):
        check_file(given, name)
    kind = _format_of(given)
    if hdu is not None and not kind.has_hdus:
        what = "no FITS file" if is_path(given) else "no file"
        raise ValueError(f"hdu is given as {hdu!r}, but {name} is {what}: leave hdu out")
    return kind.opener(given, name, hdu) if kind.has_hdus else kind.opener(given, name)


def _format_of(given: Any) -> _Format:
    """Return the first format that recognises an object."""
    return next(kind for kind in _formats() if kind.recognises(given))


def _formats() -> Iterator[_Format]:
    """Yield all formats, in the order in which they are tried."""
    yield from _FORMATS
    yield from _installed_formats()
    yield from _FALLBACKS


@cache  # to look for entry points takes 8 ms, for every array
def _installed_formats() -> list[_Format]:
    """Import the modules in which other packages register formats, and return these.

    They are kept apart: what opens a file must not depend on what was opened before.
    """
    known = len(_FORMATS)
    for entry in entry_points(group=ENTRY_POINTS):
        entry.load()
    new = _FORMATS[: len(_FORMATS) - known]
    del _FORMATS[: len(new)]
    return new
