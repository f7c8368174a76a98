"""The formats of catalogs: one file for each, which is imported when a catalog is written or read.

Each is listed here. FITS and Parquet, whose files are filled part by part, are written by
`skyshed.output.catalog_parts`. The module of any other has a function ``write(path, first, rows,
about)``, which is given a table without rows, all rows in their order, in chunks, and what belongs
to the catalog; and ``read(path)``, which returns the table.
"""

import importlib
from dataclasses import dataclass
from typing import Any

__all__ = ["FORMATS", "About", "Format", "files_of", "module_of"]


@dataclass(frozen=True)
class Format:
    """A format of catalogs.

    Attributes
    ----------
    name : str
        What it is called in options, and what names of its files end in.
    title : str
        What it is, in a few words.
    module : str
        Of this package, which writes and reads it; empty for those written part by part.
    needs, extra : str
        A package that it needs, and the extra of skyshed that installs it.
    beside : str
        What the name of a second file ends in, if there is one.
    """

    name: str
    title: str
    module: str = ""
    needs: str = ""
    extra: str = ""
    beside: str = ""


#: The formats of catalogs, by the names of options.
FORMATS: dict[str, Format] = {
    each.name: each
    for each in (
        Format("fits", "FITS binary table"),
        Format("ecsv", "text, with units in its header", "ecsv"),
        Format("parquet", "Parquet, with a VOTable header", needs="pyarrow", extra="parquet"),
        Format("votable", "VOTable of the IVOA, binary", "votable"),
        Format("ldac", "FITS_LDAC with SourceExtractor's names, for SCAMP", "ldac"),
        Format("csv", "plain text, columns described in a file beside it", "csv_text",
               beside="-metadata.json"),
    )
}  # fmt: skip


@dataclass(frozen=True)
class About:
    """What belongs to a catalog besides its columns.

    Attributes
    ----------
    file : str
        The name of the catalog.
    parameters : `~skyshed.Parameters`
        Those that were used.
    record : dict of str
        Versions, date and input.
    shape : tuple of int, or None
        Of the image; `None` if there are several.
    wcs : object, or None
        Its celestial WCS.
    """

    file: str
    parameters: Any
    record: dict[str, str]
    shape: tuple[int, int] | None = None
    wcs: Any = None


def module_of(format: str) -> Any:
    """Return the module that writes and reads a format; `None` for those written part by part."""
    name = FORMATS[format].module
    return importlib.import_module(f"{__name__}.{name}") if name else None


def files_of(stem: str, format: str) -> tuple[str, ...]:
    """Return the names of the files of a catalog.

    Examples
    --------
    >>> from skyshed.output.formats import files_of
    >>> files_of("catalog", "csv")
    ('catalog.csv', 'catalog.csv-metadata.json')
    """
    name, beside = f"{stem}.{format}", FORMATS[format].beside
    return (name, name + beside) if beside else (name,)
