"""Segmentation images that need not fit into memory, written window by window."""

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from skyshed.arguments import check_choice
from skyshed.output.atomic import whole_file, whole_folder
from skyshed.output.fits_parts import Around, padding
from skyshed.output.fits_tables import bytes_beside, extension_bytes, file_header, tables_beside
from skyshed.output.wcs_hdus import wcs_hdus
from skyshed.parameters import Parameters

__all__ = ["MAP_FORMATS", "write_map"]

#: Formats of a map.
MAP_FORMATS = ("fits", "zarr")
#: Pixels that are in memory at a time (16 MB), if rows are not longer.
STRIPE = 1 << 22
#: The side of a chunk of Zarr: one is small to read, and there are not too many files.
CHUNK = 512
#: The bytes that the descriptors of a compressed FITS image can count.
MOST_COMPRESSED = 2**31 - 1

Read = Callable[[int, int, int, int], Any]


def write_map(
    read: Read,
    shape: tuple[int, int],
    path: str | os.PathLike[str],
    nlabels: int,
    parameters: Parameters,
    record: dict[str, str],
    wcs: Any = None,
    *,
    compress: bool = False,
    format: str = "fits",
    step: int | None = None,
) -> None:
    """Write a segmentation image of which windows can be asked for.

    FITS, plain, is an int32 primary image, which any reader of FITS opens and which can be mapped
    into memory. Compressed by tiles of a row (RICE_1, lossless), it is many times smaller and takes
    a reader that knows the convention. Zarr (version 3) is compressed, in chunks that can be read
    one by one; its attributes are ``nlabels``, ``wcs`` (FITS cards), ``parameters`` and
    ``record``.

    Parameters
    ----------
    read : callable
        ``read(y0, y1, x0, x1)`` returns the labels of a window, half open.
    shape : tuple of int
        The shape of the image.
    path : path
        The file, or folder of Zarr, which takes its name when it is complete.
    nlabels : int
        The number of sources.
    parameters : `~skyshed.Parameters`
        The parameters that were used.
    record : dict of str
        Versions, date and input.
    wcs : object, optional
        The celestial WCS. One that the file can't hold is left out, with a warning. Look-up tables
        of its distortions are extensions of FITS; Zarr has no place for them.
    compress : bool, optional
        Whether to compress FITS.
    format : {"fits", "zarr"}, optional
        What to write.
    step : int, optional
        Rows that are read at a time for FITS. `None` keeps to 16 MB.

    Raises
    ------
    ValueError
        If ``read`` returns another shape than asked for, or a compressed FITS image has more than 2
        GB.
    ImportError
        If zarr is needed and not installed.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from skyshed import Parameters
    >>> from skyshed.output.segmentation_map import write_map
    >>> from skyshed.images import Window, open_image
    >>> labels = np.arange(12, dtype=np.int32).reshape(3, 4)
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> for format in ("fits", "zarr"):
    ...     write_map(lambda y0, y1, x0, x1: labels[y0:y1, x0:x1], (3, 4),
    ...               folder / f"map.{format}", 11, Parameters(), {}, format=format)
    ...     print(open_image(folder / f"map.{format}").image.read(Window(1, 2, 0, 4)))
    [[4 5 6 7]]
    [[4 5 6 7]]
    """
    check_choice(format, "format", MAP_FORMATS)
    path = Path(path)
    cards, tables = wcs_hdus(wcs, path, tables=format == "fits")
    if format == "zarr":
        attributes = {
            "nlabels": int(nlabels),
            "wcs": [str(card).rstrip() for card in cards],
            "parameters": parameters.to_dict(),
            "record": dict(record),
        }
        _write_zarr(read, shape, path, attributes)
        return
    header = file_header(record)
    header.extend(cards, bottom=True)
    header["NLABELS"] = (int(nlabels), "number of sources")
    header["BUNIT"] = ("", "labels; 0 is the background")
    stripes = _stripes(read, shape, step or max(1, STRIPE // shape[1]))
    with whole_file(path) as part:
        if compress:
            beside = [*tables, *tables_beside(parameters, record)]
            _write_compressed(stripes, shape, part, header, beside)
        else:
            content = b"".join(map(extension_bytes, tables)) + bytes_beside(parameters, record)
            _write_plain(stripes, shape, part, header, content)


def _stripes(read: Read, shape: tuple[int, int], step: int) -> Iterator[Any]:
    """Yield the labels of some rows at a time."""
    for y in range(0, shape[0], step):
        yield _window(read, y, min(y + step, shape[0]), 0, shape[1])


def _window(read: Read, y0: int, y1: int, x0: int, x1: int) -> Any:
    """Return the labels of a window."""
    labels = np.asarray(read(y0, y1, x0, x1))
    if labels.shape != (y1 - y0, x1 - x0):
        raise ValueError(
            f"read({y0}, {y1}, {x0}, {x1}) must return the shape {(y1 - y0, x1 - x0)}, "
            f"got {labels.shape}"
        )
    return labels.astype(np.int32, copy=False)


def _model(image: Any, beside: list[Any]) -> bytes:
    """Return a small file of the same kind."""
    content = io.BytesIO()
    first = [] if isinstance(image, fits.PrimaryHDU) else [fits.PrimaryHDU()]
    fits.HDUList([*first, image, *beside]).writeto(content)
    return content.getvalue()


def _write_plain(
    stripes: Iterator[Any], shape: tuple[int, int], path: Path, header: Any, beside: bytes
) -> None:
    """Write the primary image, and the tables after it."""
    row = fits.PrimaryHDU(np.zeros((1, shape[1]), np.int32), header)
    fits.HDUList([row, fits.BinTableHDU()]).update_extend()  # says that tables come after it
    row.header["NAXIS2"] = shape[0]
    with open(path, "wb") as file:
        file.write(row.header.tostring().encode("ascii"))
        for labels in stripes:
            # By bands, so that there is no second copy of a stripe.
            step = max(1, STRIPE // shape[1])
            for y in range(0, len(labels), step):
                file.write(np.ascontiguousarray(labels[y : y + step], ">i4").data)
        file.write(padding(4 * shape[0] * shape[1]))
        file.write(beside)


def _write_compressed(
    stripes: Iterator[Any], shape: tuple[int, int], path: Path, header: Any, beside: list[Any]
) -> None:
    """Write an image compressed by rows: the places of all rows, then what each is made into.

    astropy compresses an image as a whole. As rows are compressed one by one, those of a stripe are
    the same as in the whole; what is left to do is to count.
    """
    places = np.zeros((shape[0], 2), np.int64)
    done = size = 0
    table_start = table_size = 0
    with open(path, "wb") as file:
        for labels in stripes:
            content = _model(_compressed(labels, header), beside if done == 0 else [])
            with fits.open(io.BytesIO(content), disable_image_compression=True) as hdus:
                start, heap = hdus[1].fileinfo()["datLoc"], hdus[1].header["PCOUNT"]
                rows = hdus[1].header["NAXIS2"]
            if done == 0:
                first, table_start, table_size = content, start, 8 * shape[0]
                file.seek(table_start + table_size)
            kept = np.frombuffer(content, ">i4", 2 * rows, start).reshape(rows, 2)
            places[done : done + rows] = kept + (0, size)
            file.write(content[start + 8 * rows : start + 8 * rows + heap])
            done, size = done + rows, size + heap
            if size > MOST_COMPRESSED:
                raise ValueError(
                    "the compressed map has more than 2 GB, which a compressed FITS image cannot "
                    "have: choose format 'zarr', which is compressed too, or FITS without compress"
                )
        cards = {"NAXIS2": shape[0], "PCOUNT": size, "ZNAXIS2": shape[0]}
        around = Around.of(first, 1, TFORM1=f"1PB({places[:, 0].max()})", **cards)
        file.write(padding(table_size + size))
        file.write(around.after)
        file.seek(0)
        file.write(around.before)
        file.write(places.astype(">i4").data)


def _compressed(labels: Any, header: Any) -> Any:
    """Return rows of labels as a compressed image."""
    return fits.CompImageHDU(
        labels,
        header,
        name="SEGMENTATION",
        compression_type="RICE_1",
        tile_shape=(1, labels.shape[1]),
    )


def _write_zarr(read: Read, shape: tuple[int, int], path: Path, attributes: dict[str, Any]) -> None:
    """Write the chunks of a Zarr array; those without any label are left out, as Zarr does."""
    try:
        import zarr
    except ImportError:
        raise ImportError(
            "format 'zarr' needs zarr, which is not installed: pip install 'skyshed[mosaic]'"
        ) from None
    chunks = (min(CHUNK, shape[0]), min(CHUNK, shape[1]))
    width = max(STRIPE // (CHUNK * CHUNK), 1) * CHUNK
    with whole_folder(path) as part:
        array = zarr.create_array(
            part, shape=shape, chunks=chunks, dtype="int32", fill_value=0, zarr_format=3,
            attributes=attributes, overwrite=True,
        )  # fmt: skip
        for y0 in range(0, shape[0], CHUNK):
            for x0 in range(0, shape[1], width):
                y1, x1 = min(y0 + CHUNK, shape[0]), min(x0 + width, shape[1])
                array[y0:y1, x0:x1] = _window(read, y0, y1, x0, x1)
