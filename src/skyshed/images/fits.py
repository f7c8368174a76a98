"""FITS files, read by windows without mapping them into memory."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from astropy.io import fits

from skyshed.arguments import is_path
from skyshed.images.arrays import ArraySource
from skyshed.images.asinh import Asinh, asinh_of
from skyshed.images.astropy_says import heard, pass_on, quiet
from skyshed.images.blanks import Blanks, blanks_of
from skyshed.images.fingerprint import file_facts, file_origin
from skyshed.images.hdu_facts import HduFacts, facts_of
from skyshed.images.hdu_index import SomeHdus, known_index, opened_at
from skyshed.images.headers import (
    celestial_wcs,
    find_hdu,
    read_celestial,
    split_path,
    unit_of,
    unknown_unit,
)
from skyshed.images.inherited import header_of
from skyshed.images.open import OpenedImage, register
from skyshed.images.packed import compression_of
from skyshed.images.pixels import RefusedError, fits_axes, image_axes, native, reading_errors
from skyshed.images.source import ImageSource
from skyshed.images.twice import check_scaling, unit_text
from skyshed.images.window import Window
from skyshed.images.zarr import is_in_zarr
from skyshed.messages import one_line

__all__ = ["FitsSource"]

#: Cards of a WCS whose distortions are tables in other HDUs of the file.
TABLES = ("CPDIS", "CQDIS", "D2IMDIS", "DP1", "DP2", "PS1_0", "PS2_0", "PS3_0")


@dataclass(frozen=True, eq=False)
class FitsSource(ImageSource):
    """An image of a FITS file, plain, scaled or compressed by tiles.

    The file is opened for each window, so that objects can be sent to other processes and used
    from several threads.

    Attributes
    ----------
    path : str
        The file.
    number : int
        The HDU's.
    shape : tuple of int
        The shape of the image, axes of length 1 left out.
    axes : tuple of int
        Which axes of the HDU the image has.
    dtype : dtype
        Of what `read` returns.
    unit : `~astropy.units.UnitBase` or None
        Of the pixels, after BUNIT.
    detsec : str or None
        Where on the detector the image is, as the header says.
    begins : int or None
        Where in the file the pixels begin, if they are stored as they are: not scaled, not
        compressed.
    came_from : mapping
        What `origin` returns, as it was when the file was opened.
    blanks : Blanks or None
        Of integers, which of them are no value.
    blank : int or None
        The value that these have if they are read as integers; NaN if `None`.
    hdu : HduFacts or None
        Which HDU of the file it is.
    unknown_unit : str
        What the header says the unit is, where that is not known.
    asinh : Asinh or None
        How the pixels were made from fluxes, if they are not fluxes.
    header_at : int or None
        Where in the file the header begins; `None` where the file is compressed as a whole.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from astropy.io import fits
    >>> from skyshed.images import open_image
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "image.fits"
    >>> fits.writeto(path, np.arange(12, dtype=np.int16).reshape(3, 4))
    >>> source = open_image(path).image
    >>> source.shape, source.dtype, source.number
    ((3, 4), dtype('int16'), 0)
    """

    path: str
    number: int
    shape: tuple[int, int]
    axes: tuple[int, int]
    dtype: np.dtype
    unit: Any = None
    detsec: str | None = None
    begins: int | None = None
    came_from: Mapping[str, Any] = field(default_factory=dict)
    blanks: Blanks | None = None
    blank: int | None = None
    hdu: HduFacts | None = None
    unknown_unit: str = ""
    asinh: Asinh | None = None
    header_at: int | None = None

    unit_from_header = True

    @property
    def label(self) -> str:
        """What messages call the image."""
        return f"{self.path}[{self.number}]"

    @cached_property
    def wcs(self) -> Any:
        """The celestial WCS, None where the header has none.

        Every process reads it from the header: a pickled WCS loses digits.
        """
        with quiet(), fits.open(self.path, memmap=False) as hdus:
            header, shape = header_of(hdus, self.number), hdus[self.number].shape
            # What there is to say of it was said when the file was opened.
            return read_celestial(header, hdus, fits_axes(shape, self.axes))[0]

    def read(self, window: Window) -> Any:
        """Return the pixels of a window as a new NumPy array; see `ImageSource.read`."""
        with reading_errors(self.label, window):
            if self.begins is not None:
                return self._read_rows(self.begins, window)
            with self._opened() as hdu:
                pixels = _section(hdu, self.axes, window.slices)
            # Sections keep some of the axes that an integer indexes.
            if pixels.size != window.shape[0] * window.shape[1]:
                raise ValueError(f"got {pixels.shape}: the file is cut off or has changed")
            pixels = pixels.reshape(window.shape)
            if self.blank is not None and self.blanks is not None:
                return self.blanks.integers(pixels)
            if self.blanks is not None:
                pixels = self.blanks.floats(pixels)
            return pixels if self.asinh is None else self.asinh.fluxes(pixels)

    def as_integers(self) -> ImageSource:
        """Return the image as the integers of the file; see `ImageSource.as_integers`."""
        if self.blanks is None or self.blanks.scaled or self.blank is not None:
            return self
        return replace(self, dtype=self.blanks.dtype, blank=self.blanks.value)

    def origin(self) -> dict[str, Any]:
        """Return the file and the HDU; see `ImageSource.origin`."""
        return dict(self.came_from)

    def fingerprint(self) -> dict[str, Any]:
        """Return the file, its size and time, and the HDU; see `ImageSource.fingerprint`."""
        return {**file_facts(self.path), "hdu": self.number, **self.description()}

    def _read_rows(self, begins: int, window: Window) -> Any:
        """Return a window of pixels that are stored as they are.

        astropy's sections do the same with some ten Python calls for each row, which only one
        thread can run at a time: a third of the time of a tile.
        """
        stored = self.dtype.newbyteorder(">")
        pixels = np.empty(window.shape, stored)
        lines = pixels if pixels.shape[1] < self.shape[1] else pixels.reshape(1, -1)
        with open(self.path, "rb", buffering=0) as file:
            for k, line in enumerate(lines):
                first = (window.y0 + k) * self.shape[1] + window.x0
                file.seek(begins + first * stored.itemsize)
                left = memoryview(line).cast("B")
                while left:
                    got = file.readinto(left)
                    if not got:
                        raise ValueError("the file is cut off or has changed")
                    left = left[got:]
        if stored.isnative:
            return pixels
        return pixels.byteswap(inplace=True).view(self.dtype)

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        """Give the HDU; pixels are read by several threads at a time."""
        as_stored = {"do_not_scale_image_data": self.blanks is not None}
        with ExitStack() as stack:
            with quiet():
                # Mapped pages count as memory of the process.
                if self.header_at is None:
                    hdus = stack.enter_context(fits.open(self.path, memmap=False, **as_stored))
                    hdu = hdus[self.number]
                else:
                    hdu = stack.enter_context(opened_at(self.path, self.header_at, **as_stored))[0]
            yield hdu

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "wcs"}


@register(lambda given: is_path(given) and not is_in_zarr(given), has_hdus=True)
def open_fits(
    given: str | os.PathLike[str], name: str, hdu: int | str | tuple[str, int] | None
) -> OpenedImage:
    """Open the image of an HDU of a file.

    A file that is compressed as a whole (gzip, bzip2, ...) can't be read by windows: it is read and
    kept in memory.
    """
    file, named = split_path(given)
    if named is not None and hdu is not None and str(hdu) != named:
        raise ValueError(f"the HDU is given twice: as hdu={hdu!r} and in {os.fspath(given)!r}")
    wanted = named if hdu is None else hdu
    try:
        source, packed = _described(file, wanted)
        return OpenedImage(_unpacked(source) if packed else source)
    except (RefusedError, MemoryError):
        raise
    except FileNotFoundError:
        raise FileNotFoundError(f"{file}: there is no such file") from None
    except Exception as error:  # whatever a damaged file makes astropy stumble over
        by = compression_of(file)
        why = "" if by is None else f"; it is compressed by {by[0]}: try {by[1]}"
        raise OSError(f"{file}: cannot be read as FITS ({one_line(error)}){why}") from error


def _unpacked(source: Any) -> ArraySource:
    """Return an image read as a whole, with what its file says about it."""
    stored = source.as_integers()
    integers = None if stored is source else _unpacked(stored)
    return ArraySource(
        source.read(source.everything), source.unit, source.wcs, source.origin(),
        unit_from_header=True, windowed=False, detsec=source.detsec, integers=integers,
        blank=source.blank, hdu=source.hdu, unknown_unit=source.unknown_unit,
    )  # fmt: skip


def _described(file: str, wanted: int | str | tuple[str, int] | None) -> tuple[FitsSource, bool]:
    """Read the headers, and one pixel for the dtype that scaling leads to.

    Returns
    -------
    source : FitsSource
        The image.
    packed : bool
        Whether the file is compressed as a whole.
    """
    with heard() as said, _headers(file, wanted) as (hdus, hdu, number, header, begin):
        label = f"{file}[{number}]"
        if not getattr(hdu, "is_image", False) or not hdu.shape:
            raise RefusedError(f"{label} holds no image")
        check_scaling(hdu.header, label)
        shape = tuple(int(length) for length in hdu.shape)
        axes = image_axes(shape, label)
        blanks, asinh = blanks_of(hdu.header), asinh_of(hdu.header)
        dtype = blanks.float_dtype if blanks else _section(hdu, axes, (slice(0, 1),) * 2).dtype
        if asinh is not None and dtype.kind != "f":
            dtype = np.dtype(np.float64)
        detsec = header.get("DETSEC")
        where = hdu.fileinfo()
        packed = where["file"].compression is not None
        source = FitsSource(
            os.path.abspath(file), number, (shape[axes[0]], shape[axes[1]]), axes,
            dtype, unit_of(unit_text(header), label),
            detsec if isinstance(detsec, str) else None, None if asinh else _begin(hdu, begin),
            {**file_origin(file), "input_hdu": number}, blanks, hdu=facts_of(hdu, number),
            unknown_unit=unknown_unit(unit_text(header)), asinh=asinh,
            header_at=None if packed else begin + int(where["hdrLoc"]),
        )  # fmt: skip
        tables = hdus if isinstance(hdus, fits.HDUList) else None  # else there are none
        source.__dict__["wcs"] = celestial_wcs(header, tables, label, fits_axes(shape, axes))
        if not packed and begin + where["datLoc"] + hdu.size > os.path.getsize(
            file
        ):  # reading it says so, where pixels are missing
            said = [each for each in said if "truncated" not in str(each)]
    pass_on(said, label)
    return source, packed


@contextmanager
def _headers(file: str, wanted: int | str | tuple[str, int] | None) -> Iterator[tuple[Any, ...]]:
    """Give the HDUs of a file, that which is wanted, its number and all that its header says.

    Of a file whose index is known only that HDU is read; the last is the byte from which on.
    """
    known = known_index(file)
    if known is not None and isinstance(wanted, int) and 0 <= wanted < len(known.begins):
        with closing(SomeHdus(file, known)) as some:
            header = header_of(some, wanted)
            if not any(name.startswith(TABLES) for name in header):
                yield some, some[wanted], wanted, header, known.begins[wanted]
                return
    with fits.open(file, memmap=False) as hdus:
        number = find_hdu(hdus, wanted, file)
        yield hdus, hdus[number], number, header_of(hdus, number), 0


def _begin(hdu: Any, begin: int) -> int | None:
    """Return where in its file an image begins, None if it is scaled, compressed or has blanks.

    ``begin`` is where in the file it was read from.
    """
    plain = not isinstance(hdu, fits.CompImageHDU)
    altered = hdu.header.get("BSCALE", 1) != 1 or hdu.header.get("BZERO", 0) != 0
    packed = hdu.fileinfo()["file"].compression
    if not plain or altered or packed or "BLANK" in hdu.header:
        return None
    return begin + int(hdu.fileinfo()["datLoc"])


def _section(hdu: Any, axes: tuple[int, int], window: tuple[slice, slice]) -> Any:
    """Return the pixels of a window, in native byte order; lengths of 1 may be anywhere."""
    where: list[Any] = [0] * len(hdu.shape)
    where[axes[0]], where[axes[1]] = window
    return native(np.asarray(hdu.section[tuple(where)]))
