"""Catalogs and maps to files, with all that made them; and catalogs back."""

import json
import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.io import fits
from astropy.table import QTable, Table

from skyshed.arguments import check_choice
from skyshed.output.atomic import whole_file
from skyshed.output.fits_tables import PARAMETERS, RECORD, file_header, tables_beside
from skyshed.output.parquet import read_parquet
from skyshed.output.segmentation_map import MAP_FORMATS, write_map
from skyshed.parameters import Parameters

if TYPE_CHECKING:
    from skyshed.extraction.result import Extraction

__all__ = [
    "FORMATS",
    "check_writable",
    "map_name",
    "read_catalog",
    "whole_file",
    "write_catalog",
    "write_extraction",
    "write_segmentation",
]

#: Format of a catalog -> what astropy calls it.
FORMATS = {"fits": "fits", "ecsv": "ascii.ecsv", "parquet": "parquet"}
#: The table's name in FITS.
CATALOG = "CATALOG"


def write_extraction(
    extraction: "Extraction",
    folder: str | os.PathLike,
    format: str = "fits",
    *,
    compress: bool = False,
    preview: bool = True,
    regions: bool = False,
    map_format: str = "fits",
) -> list[Path]:
    """Write catalog, segmentation image, parameters and pictures of an extraction into a folder.

    Parameters
    ----------
    extraction : `~skyshed.extraction.Extraction`
        What to write.
    folder : path
        Where to; it is made if need be.
    format : {"fits", "ecsv", "parquet"}, optional
        Of the catalog.
    compress, preview, regions, map_format
        See `Extraction.write`.

    Returns
    -------
    paths : list of `~pathlib.Path`
        The files written.
    """
    folder = check_writable(folder, format, map_format)
    found, record = extraction, extraction.record
    paths = [
        folder / f"catalog.{format}",
        folder / map_name(map_format, compress),
        folder / "parameters.toml",
    ]
    write_catalog(found.table, paths[0], found.parameters, record, format)
    write_segmentation(
        found.segmentation, paths[1], found.parameters, record, found.wcs, compress=compress,
        format=map_format,
    )  # fmt: skip
    with whole_file(paths[2]) as part:
        part.write_text(found.parameters.to_toml(), encoding="utf-8")
    if regions:
        from skyshed.output.ds9 import kron_regions

        paths.append(folder / "kron.reg")
        with whole_file(paths[-1]) as part:
            part.write_text(kron_regions(found.catalog), encoding="ascii")
    if preview:
        from skyshed.output.preview import write_preview

        paths.append(folder / "preview.png")
        with whole_file(paths[-1]) as part:
            write_preview(found, part)
    return paths


def map_name(format: str, compress: bool) -> str:
    """Return what the file, or folder, of a segmentation image is called."""
    return "segmentation.zarr" if format == "zarr" else f"segmentation.fits{'.fz' * compress}"


def check_writable(
    folder: str | os.PathLike, format: str = "fits", map_format: str = "fits"
) -> Path:
    """Make a folder if need be and see that files can be written there, in those formats.

    Raises
    ------
    OSError
        If the folder cannot be made or written to.
    ValueError
        If the format is unknown.
    ImportError
        If the format needs a package that is not installed.
    """
    check_choice(format, "format", tuple(FORMATS))
    check_choice(map_format, "map_format", MAP_FORMATS)
    for kind, needed, extra in ((format, "pyarrow", "parquet"), (map_format, "zarr", "mosaic")):
        if kind in ("parquet", "zarr") and find_spec(needed) is None:
            raise ImportError(
                f"format {kind!r} needs {needed}, which is not installed: "
                f"pip install 'skyshed[{extra}]'"
            )
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trial = folder / f".skyshed-{os.getpid()}"
        trial.touch()
        trial.unlink()
    except OSError as error:
        reason = error.strerror or str(error)
        raise OSError(f"{folder}: files cannot be written there ({reason})") from error
    return folder


def write_catalog(
    table: QTable,
    path: str | os.PathLike,
    parameters: Parameters,
    record: dict[str, str],
    format: str = "fits",
) -> None:
    """Write a catalog; `read_catalog` reads it back with units, coordinates and metadata.

    In FITS the catalog is the table CATALOG, the parameters and the record are tables beside it.
    ECSV and Parquet hold them in their metadata, as ``parameters`` and ``record``.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from astropy.table import QTable
    >>> from skyshed import Parameters
    >>> from skyshed.output.write import read_catalog, write_catalog
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "catalog.fits"
    >>> write_catalog(QTable({"label": [1, 2]}), path, Parameters(), {"input": "deep.fits"})
    >>> read_catalog(path).meta["record"]["input"]
    'deep.fits'
    """
    check_choice(format, "format", tuple(FORMATS))
    table = table.copy(copy_data=False)
    _refuse_objects(table)
    with whole_file(Path(path)) as part:
        if format != "fits":
            table.meta = {"parameters": parameters.to_dict(), "record": dict(record)}
            table.write(part, format=FORMATS[format], overwrite=True)
            return
        table.meta = {"EXTNAME": CATALOG}
        fits.PrimaryHDU(header=file_header(record)).writeto(part, overwrite=True)
        table.write(part, format="fits", append=True)
        for beside in tables_beside(parameters, record):
            fits.append(part, beside.data, beside.header)


def read_catalog(path: str | os.PathLike) -> QTable:
    """Read a catalog that `write_catalog` wrote, in any of its formats.

    Returns
    -------
    table : `~astropy.table.QTable`
        The catalog; ``meta["parameters"]`` is a dict that `Parameters` takes, ``meta["record"]``
        says versions, date and input.

    Raises
    ------
    ValueError
        If the name of the file does not end in that of a format.
    """
    format = Path(path).suffix.lstrip(".")
    check_choice(format, f"the ending of {os.fspath(path)!r}", tuple(FORMATS))
    if format == "parquet":
        return read_parquet(path)
    if format == "ecsv":
        return QTable.read(path, format=FORMATS[format])
    table = QTable.read(path, format="fits", hdu=CATALOG)
    for name in table.colnames:  # texts, which FITS keeps as bytes
        if getattr(getattr(table[name], "dtype", None), "kind", "") == "S":
            table[name] = np.char.decode(table[name], "ascii")
    parameters, record = (Table.read(path, hdu=name) for name in (PARAMETERS, RECORD))
    table.meta = {
        "parameters": {row["name"]: json.loads(row["value"]) for row in parameters},
        "record": {row["name"]: json.loads(f'"{row["value"]}"') for row in record},
    }
    return table


def write_segmentation(
    segmentation: Any,
    path: str | os.PathLike,
    parameters: Parameters,
    record: dict[str, str],
    wcs: Any = None,
    *,
    compress: bool = False,
    format: str = "fits",
) -> None:
    """Write a segmentation image as int32 FITS, with its WCS, or as Zarr; see `write_map`.

    Plain, it is the primary image, which any reader of FITS opens and which can be mapped into
    memory by windows. Compressed by tiles (RICE_1, lossless), it is many times smaller and takes a
    reader that knows the convention.
    """
    labels = np.asarray(segmentation.data, np.int32)
    write_map(
        lambda y0, y1, x0, x1: labels[y0:y1, x0:x1],
        labels.shape, path, segmentation.nlabels, parameters, record, wcs, compress=compress,
        format=format,
    )  # fmt: skip


def _refuse_objects(table: QTable) -> None:
    """Refuse columns of Python objects, which no format holds."""
    for name in table.colnames:
        if getattr(getattr(table[name], "dtype", None), "kind", "") == "O":
            raise ValueError(
                f"column {name!r} holds Python objects and cannot be written: leave it out"
            )
