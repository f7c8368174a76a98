"""FITS files, read by windows without mapping them into memory."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.io import fits

from skyshed.arguments import is_path
from skyshed.cached import cached_property
from skyshed.images.arrays import ArraySource
from skyshed.images.asdf_blocks import is_in_asdf
from skyshed.images.asinh import Asinh, asinh_of
from skyshed.images.astropy_says import heard, pass_on, quiet
from skyshed.images.blanks import Blanks, blanks_of, unheld_blank
from skyshed.images.cards import Cards, cards_of
from skyshed.images.cube_planes import axes_of, check_plane, split_plane
from skyshed.images.fingerprint import file_facts, file_origin
from skyshed.images.fits_pixels import begin_of, ends_early, section_of, without_blank
from skyshed.images.hdu_facts import HduFacts, facts_of, null_shape
from skyshed.images.hdu_index import SomeHdus, known_index, opened_at
from skyshed.images.header_bytes import check_claims
from skyshed.images.headers import (
    celestial_wcs,
    find_hdu,
    read_celestial,
    split_path,
    unit_of,
    unknown_unit,
)
from skyshed.images.inherited import header_of
from skyshed.images.null_planes import ConstantSource, null_source
from skyshed.images.open import OpenedImage, register
from skyshed.images.packed import check_packed, compression_of
from skyshed.images.pixels import RefusedError, fits_axes, reading_errors
from skyshed.images.reading import reading_threads
from skyshed.images.scaling import Scaling, scaling_of
from skyshed.images.soundness import check_unpacked, lacking, wrong_sums
from skyshed.images.source import ImageSource
from skyshed.images.stored_rows import StoredRows
from skyshed.images.twice import check_scaling, unit_text
from skyshed.images.window import Window
from skyshed.images.zarr import is_in_zarr
from skyshed.kernels.stored import Form, decoded, load
from skyshed.messages import one_line

if TYPE_CHECKING:  # most images are not compressed
    from skyshed.images.foreign_tiles import ForeignTiles
    from skyshed.images.rice import RiceImage

__all__ = ["FitsSource"]

#: Cards of a WCS whose distortions are tables in other HDUs of the file.
TABLES = ("CPDIS", "CQDIS", "D2IMDIS", "DP1", "DP2", "PS1_0", "PS2_0", "PS3_0")
#: What is read from the header, and again in every process: a pickled WCS loses digits.
READ = ("wcs", "header")


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
    first : tuple of int
        Where on each axis of the HDU its first pixel is.
    dtype : dtype
        Of what `read` returns.
    unit : `~astropy.units.UnitBase` or None
        Of the pixels, after BUNIT.
    detsec : str or None
        Where on the detector the image is, as the header says.
    begins : int or None
        Where in the file the numbers of the pixels begin, if they are not compressed and it is
        known what they stand for.
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
    rice : RiceImage or None
        Where its tiles are, if it is compressed by tiles with RICE_1.
    foreign : ForeignTiles or None
        Where they are, if they are compressed in a way that astropy's C library decodes.
    scaling : Scaling or None
        How the pixels follow from the numbers of the file, if none is blank.

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
    first: tuple[int, ...]
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
    rice: "RiceImage | None" = None
    foreign: "ForeignTiles | None" = None
    scaling: Scaling | None = None

    unit_from_header = True

    @property
    def label(self) -> str:
        """What messages call the image."""
        return f"{self.checked}{self.came_from.get('input_plane', '')}"

    @cached_property
    def wcs(self) -> Any:
        """The celestial WCS, None where the header has none."""
        with quiet(), fits.open(self.path, memmap=False) as hdus:
            header, shape = header_of(hdus, self.number), hdus[self.number].shape
            # What there is to say of it was said when the file was opened.
            return read_celestial(header, hdus, fits_axes(shape, self.axes))[0]

    @cached_property
    def header(self) -> Cards:  # type: ignore[override]
        """The cards of its header; processes that the image is sent to read it from the file."""
        with quiet(), fits.open(self.path, memmap=False) as hdus:
            return cards_of(hdus, self.number, self.label)

    def read(self, window: Window) -> Any:
        """Return the pixels of a window as a new NumPy array; see `ImageSource.read`."""
        with reading_errors(self.label, window):
            pixels = self._by_astropy(window) if self._foreign else self._loaded(window, None)[0]
            return pixels if self.asinh is None else self.asinh.fluxes(pixels)

    def read_marked(self, window: Window, device: str | None) -> tuple[Any, Any]:
        """Return the pixels, and which are not finite; see `ImageSource.read_marked`.

        What goes to a GPU are the bytes of the file, also those of tiles in RICE_1.
        """
        if self._foreign or self.asinh is not None:
            return super().read_marked(window, device)
        with reading_errors(self.label, window):
            return self._loaded(window, device)

    @property
    def _foreign(self) -> bool:
        """Whether the file is read by astropy."""
        return self.begins is None and self.rice is None

    @property
    def _form(self) -> Form:
        """How pixels follow from the numbers of the file."""
        if self.blanks is not None:
            return self.blanks.form if self.blank is None else self.blanks.integer_form
        assert self.scaling is not None
        return self.scaling.form

    def _loaded(self, window: Window, device: str | None) -> tuple[Any, Any]:
        """Return pixels, and which are not finite where that is known."""
        form = self._form
        if self.rice is not None:
            numbers = self.rice.read(self.path, self.axes, self.first, window, device)
            return (numbers if form.as_stored else decoded(numbers, form, reading_threads())), None
        rows = StoredRows(self.path, self.begins or 0, self.shape[1], form.size, window)
        return load(rows.fill, window.shape, form, device, reading_threads())

    def _by_astropy(self, window: Window) -> Any:
        """Return pixels of a file that astropy reads."""
        if self.foreign is not None:
            self.foreign.check(self.path, self.axes, self.first, window)
        with self._opened() as hdu:
            pixels = section_of(hdu, self.axes, self.first, window.slices)
        # Sections keep some of the axes that an integer indexes.
        if pixels.size != window.shape[0] * window.shape[1]:
            raise ValueError(f"got {pixels.shape}: the file is cut off or has changed")
        pixels = pixels.reshape(window.shape)
        return pixels if self.blanks is None else decoded(pixels, self._form, reading_threads())

    def as_integers(self) -> ImageSource:
        """Return the image as the integers of the file; see `ImageSource.as_integers`."""
        if self.blanks is None or self.blanks.scaled or self.blank is not None:
            return self
        same = replace(self, dtype=self.blanks.dtype, blank=self.blanks.value)
        same.__dict__.update({name: self.__dict__[name] for name in READ if name in self.__dict__})
        return same

    def origin(self) -> dict[str, Any]:
        """Return the file and the HDU; see `ImageSource.origin`."""
        return dict(self.came_from)

    def lacks(self, window: Window) -> str:
        """Say why a window cannot be in the file, by its size; see `ImageSource.lacks`."""
        if self.header_at is None:  # compressed as a whole
            return ""
        if self.begins is not None:  # so that lists of thousands of files are not opened again
            pixels = (window.y1 - 1) * self.shape[1] + window.x1
            if self.begins + pixels * self._form.size <= os.path.getsize(self.path):
                return ""
        return lacking(self.path, self.header_at, self.axes, self.first, window)

    @property
    def checked(self) -> str:
        """The HDU, whichever of its planes the image is."""
        return f"{self.path}[{self.number}]"

    def doubts(self) -> list[str]:
        """Say which checksums are not those of the data and header; see `ImageSource.doubts`."""
        if self.header_at is None or (self.begins is not None and "DATASUM" not in self.header.own):
            return []
        return wrong_sums(self.path, self.header_at)

    def fingerprint(self) -> dict[str, Any]:
        """Return the file, its size and time, and the HDU; see `ImageSource.fingerprint`."""
        where = {"hdu": self.number, **({"plane": list(self.first)} if any(self.first) else {})}
        return {**file_facts(self.path), **where, **self.description()}

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
            of_integers = self.scaling is not None and self.scaling.stored.kind != "f"
            yield without_blank(hdu) if of_integers else hdu

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in READ}


def _is_ours(given: Any) -> bool:
    """Whether something is a path, and no other format knows it by its content."""
    return is_path(given) and not is_in_zarr(given) and not is_in_asdf(given)


@register(_is_ours, has_hdus=True)
def open_fits(
    given: str | os.PathLike[str], name: str, hdu: int | str | tuple[str, int] | None
) -> OpenedImage:
    """Open the image of an HDU of a file.

    A file that is compressed as a whole (gzip, bzip2, ...) can't be read by windows: it is read and
    kept in memory.
    """
    check_plane(given)
    file, named = split_path(given)
    if named is not None and hdu is not None and str(hdu) != named:
        raise ValueError(f"the HDU is given twice: as hdu={hdu!r} and in {os.fspath(given)!r}")
    wanted, plane = split_plane(named if hdu is None else hdu)
    check_packed(file)
    try:
        source, packed = _described(file, wanted, plane)
        if isinstance(source, ConstantSource):
            return OpenedImage(source)
        return OpenedImage(_unpacked(source) if packed else source)
    except MemoryError:
        raise
    except RefusedError:
        raise
    except FileNotFoundError:
        raise FileNotFoundError(f"{file}: there is no such file") from None
    except Exception as error:  # whatever a damaged file makes astropy stumble over
        by = compression_of(file)
        why = "" if by is None else f"; it is compressed by {by[0]}: try {by[1]}"
        raise OSError(f"{file}: cannot be read as FITS ({one_line(error)}){why}") from error


def _unpacked(source: Any) -> ArraySource:
    """Return an image read as a whole, with what its file says about it."""
    nbytes = source.shape[0] * source.shape[1] * (source.blanks or source).dtype.itemsize
    packed_by = compression_of(source.path)
    check_unpacked(source.path, packed_by and packed_by[0], nbytes, source.label)
    stored = source.as_integers()
    integers = None if stored is source else _unpacked(stored)
    return ArraySource(
        source.read(source.everything), source.unit, source.wcs, source.origin(),
        unit_from_header=True, windowed=False, detsec=source.detsec, integers=integers,
        blank=source.blank, hdu=source.hdu, unknown_unit=source.unknown_unit,
        header=source.header,
    )  # fmt: skip


def _described(
    file: str, wanted: int | str | tuple[str, int] | None, plane: tuple[int, ...] | None
) -> tuple[FitsSource | ConstantSource, bool]:
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
        came_from = {**file_origin(file), "input_hdu": number}
        if getattr(hdu, "is_image", False) and null_shape(hdu.header):
            return null_source(hdu, number, label, came_from), False
        if not getattr(hdu, "is_image", False) or not hdu.shape:
            raise RefusedError(f"{label} holds no image")
        check_scaling(hdu.header, label)
        shape = tuple(int(length) for length in hdu.shape)
        axes, first = axes_of(shape, label, plane)
        if plane is not None:
            came_from["input_plane"] = f"[{','.join(map(str, plane))}]"
        blanks, asinh = blanks_of(hdu.header), asinh_of(hdu.header)
        where = hdu.fileinfo()
        packed = where["file"].compression is not None
        header_at = None if packed else begin + int(where["hdrLoc"])
        scaling = scaling_of(hdu.header) if blanks is None else None
        decodable = blanks is not None or scaling is not None
        rice, foreign = _tiles_of(hdu, file, number, header_at, label, decodable)
        pixel = Window(0, 1, 0, 1)
        if blanks is not None:
            dtype = blanks.float_dtype
        elif scaling is not None:
            dtype = scaling.dtype
        else:
            if foreign is not None:
                foreign.check(file, axes, first, pixel)
            dtype = section_of(hdu, axes, first, pixel.slices).dtype
        if asinh is not None and dtype.kind != "f":
            dtype = np.dtype(np.float64)
        detsec = header.get("DETSEC")
        source = FitsSource(
            os.path.abspath(file), number, (shape[axes[0]], shape[axes[1]]), axes, first,
            dtype, unit_of(unit_text(header), label),
            detsec if isinstance(detsec, str) else None,
            None if blanks is None and scaling is None else begin_of(hdu, first, begin), came_from,
            blanks,
            hdu=facts_of(hdu, number), unknown_unit=unknown_unit(unit_text(header)), asinh=asinh,
            header_at=header_at, rice=rice, foreign=foreign, scaling=scaling,
        )  # fmt: skip
        source.__dict__["header"] = cards_of(hdus, number, label, header)
        tables = hdus if isinstance(hdus, fits.HDUList) else None  # else there are none
        source.__dict__["wcs"] = celestial_wcs(header, tables, label, fits_axes(shape, axes))
        if not packed and ends_early(hdu, file, begin):  # reading it says so, where needed
            said = [each for each in said if "truncated" not in str(each)]
        unheld = unheld_blank(hdu.header)
        if unheld is not None:
            held = f"BITPIX = {hdu.header['BITPIX']}"
            said = [*said, f"BLANK = {unheld} is no integer of {held}, and names no pixel"]
    pass_on(said, label)
    return source, packed


def _tiles_of(
    hdu: Any, file: str, number: int, header_at: int | None, label: str, decodable: bool
) -> tuple["RiceImage | None", "ForeignTiles | None"]:
    """Return the tiles of a compressed image: those that we decode, or else those of others.

    A file that is compressed as a whole, without ``header_at``, is unpacked by others.
    """
    if not isinstance(hdu, fits.CompImageHDU):
        return None, None
    from skyshed.images.foreign_tiles import foreign_tiles
    from skyshed.images.rice import rice_image

    if header_at is None:
        with fits.open(file, memmap=False, disable_image_compression=True) as hdus:
            return None, foreign_tiles(hdus[number], 0, label)
    with opened_at(file, header_at, disable_image_compression=True) as hdus:
        rice = rice_image(hdus[0], header_at, label) if decodable else None
        return rice, foreign_tiles(hdus[0], header_at, label) if rice is None else None


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
    check_claims(file)
    with fits.open(file, memmap=False) as hdus:
        number = find_hdu(hdus, wanted, file)
        yield hdus, hdus[number], number, header_of(hdus, number), 0
