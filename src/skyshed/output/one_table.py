"""One catalog of several images: their rows wait on disk until it is known how many there are."""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from skyshed.output.atomic import remove, whole_file
from skyshed.output.catalog_parts import stream_catalog
from skyshed.output.formats import FORMATS, files_of
from skyshed.output.report import NO_HDU
from skyshed.output.table_parts import PlainTable, check_same_columns, to_plain
from skyshed.parameters import Parameters

if TYPE_CHECKING:
    from astropy.table import QTable

__all__ = ["OneTable"]

#: The columns that say where a source is from: what they are, and their UCDs.
ABOUT = {
    "image": ("Image that the source is in.", "meta.id;obs.image"),
    "hdu": ("HDU that the image was read from; -1 if it is in none.", "meta.number;obs.image"),
    "hdu_name": (
        "Name of the HDU, NAME or NAME,VERSION; its number without one.", "meta.title;obs.image",
    ),
}  # fmt: skip
#: Formats whose texts are ASCII.
ASCII = ("fits", "ldac", "votable")


class OneTable:
    """The catalog of several images, in the memory of one.

    Parameters
    ----------
    folder : path
        The folder of the catalog. Until `finish` the rows are in a folder in it.
    names : sequence of str
        The names of all images that may be added.
    format : str, optional
        Of the catalog, one of `skyshed.output.formats.FORMATS`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from astropy.table import QTable
    >>> from skyshed import Parameters
    >>> from skyshed.output.one_table import OneTable
    >>> from skyshed.output.catalogs import read_catalog
    >>> together = OneTable(tempfile.mkdtemp(), ["a.fits", "b.fits"])
    >>> for name in ("a.fits", "b.fits"):
    ...     together.add(QTable({"label": [1, 2]}), name, hdu=0)
    >>> catalog, parameters = together.finish(Parameters(), {})
    >>> read_catalog(catalog)["image"].tolist()
    ['a.fits', 'a.fits', 'b.fits', 'b.fits']
    """

    def __init__(self, folder: Path | str, names: Sequence[str], format: str = "fits") -> None:
        self._folder, self._format = Path(folder), format
        self._parts = Path(tempfile.mkdtemp(prefix=".catalog-", dir=folder))
        self._width = max(len(self._spelled(name)) for name in names)
        self._hdu_width = 1
        self._first: PlainTable | None = None
        self._n_parts = self._n_rows = 0

    def add(self, table: "QTable", name: str, hdu: int | None, hdu_name: str = "") -> None:
        """Add the sources of an image.

        Raises
        ------
        ValueError
            If the columns are not those of the first image.
        """
        from astropy.table import Column, QTable

        n, hdu_name = len(table), self._spelled(hdu_name)
        self._hdu_width = max(self._hdu_width, len(hdu_name))
        origin = {
            "image": np.full(n, self._spelled(name), f"U{self._width}"),
            "hdu": np.full(n, NO_HDU if hdu is None else hdu, np.int64),
            "hdu_name": np.full(n, hdu_name, f"U{max(len(hdu_name), 1)}"),
        }
        columns = {
            each: Column(origin[each], description=about, meta={"ucd": ucd})
            for each, (about, ucd) in ABOUT.items()
        }
        plain = to_plain(QTable({**columns, **{each: table[each] for each in table.colnames}}))
        if self._first is not None:
            try:
                check_same_columns(plain, self._first)
            except ValueError as error:
                raise ValueError(
                    f"its columns are not those of the first image, as one table needs: {error}"
                ) from error
        rows = np.arange(self._n_rows, self._n_rows + n)
        replace(plain, rows=rows).save(self._part(self._n_parts))
        self._first = plain[:0] if self._first is None else self._first
        self._n_parts, self._n_rows = self._n_parts + 1, self._n_rows + n

    def finish(self, parameters: Parameters, record: dict[str, str]) -> list[Path]:
        """Write the catalog, and the parameters beside it; nothing if no image was added.

        Returns
        -------
        paths : list of `~pathlib.Path`
            The files written. Catalogs in other formats that an earlier run left there are removed.
        """
        try:
            if self._n_parts == 0:
                return []
            paths = [self._folder / f"catalog.{self._format}", self._folder / "parameters.toml"]
            stream_catalog(
                self._read(), self._n_rows, paths[0], parameters, record, self._format
            )  # fmt: skip
            with whole_file(paths[1]) as part:
                part.write_text(parameters.to_toml(), encoding="utf-8")
        finally:
            shutil.rmtree(self._parts, ignore_errors=True)
        for format in FORMATS.keys() - {self._format}:
            for name in files_of("catalog", format):
                remove(self._folder / name)
        return paths

    def _part(self, number: int) -> Path:
        return self._parts / f"{number:08d}.npz"

    def _read(self) -> Iterator[PlainTable]:
        for number in range(self._n_parts):
            part = PlainTable.load(self._part(number))
            part.columns["hdu_name"] = part.columns["hdu_name"].astype(f"U{self._hdu_width}")
            yield part

    def _spelled(self, name: str) -> str:
        """Return a name as the format can hold it: FITS and VOTables are ASCII."""
        if self._format not in ASCII:
            return name
        return name.encode("ascii", "backslashreplace").decode("ascii")
