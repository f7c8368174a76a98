"""The list of a survey: its exposures, and what goes with each."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from skyshed.arguments import is_path
from skyshed.extraction.patterns import fill, has_words, listed
from skyshed.images.headers import split_path
from skyshed.parameters.companions import COMPANIONS

__all__ = ["HDU", "Listing", "read_listing"]

#: The column that names the images.
IMAGE = "image"
#: What stands in patterns for the HDU of an image.
HDU = "{hdu}"
#: Arguments that are no files, which a table may have columns of, too.
SETTINGS = ("hdu", "region", "profile")
#: What `skyshed.extract` takes as a background that is no file.
NO_FILE = "none"
#: Endings of tables, and the name of their format in astropy; all else is names, one a line.
TABLES = {".csv": "ascii.csv", ".ecsv": "ascii.ecsv", ".parquet": "parquet"}


@dataclass(frozen=True)
class Listing:
    """The exposures of a survey, by number from 0.

    Attributes
    ----------
    images : sequence of str
        The paths of the images, as they were given.
    for_all : mapping of str to object
        Arguments of `skyshed.extract`; patterns are filled for each image.
    for_each : mapping of str to sequence
        The same with a value for each image; `None` or an empty text for none.
    kept : mapping of str to sequence
        Columns that go into the table of images as they are.
    folder : str
        What relative paths are relative to.
    """

    images: Sequence[str]
    for_all: Mapping[str, Any] = field(default_factory=dict)
    for_each: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    kept: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    folder: str = field(default_factory=os.getcwd)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, number: int) -> tuple[str, dict[str, Any]]:
        """Return the path of an image, and its arguments; all paths are absolute.

        Where the HDUs of an image are an argument, patterns keep the word for them.

        Raises
        ------
        ValueError
            If a pattern has a word that stands for nothing of it.
        """
        image = self.images[number]
        each = {name: values[number] for name, values in self.for_each.items()}
        named = image
        if (
            split_path(image)[1] is None
            and (each.get("hdu") or self.for_all.get("hdu")) is not None
        ):
            named = (
                f"{image}[{HDU}]"  # there may be several, which the file tells when it is opened
            )
        options = {}
        for name, value in self.for_all.items():
            is_pattern = isinstance(value, str) and has_words(value)
            options[name] = fill(value, named, name) if is_pattern else value
        options |= each
        options = {name: value for name, value in options.items() if value not in (None, "")}
        return self._absolute(image), {
            name: self._absolute(value) if _is_file(name, value) else value
            for name, value in options.items()
        }

    def _absolute(self, path: str) -> str:
        return os.path.join(self.folder, path)

    def digest(self) -> str:
        """Return what tells the list from others."""
        digest = hashlib.sha256()
        for number in range(len(self)):
            digest.update(json.dumps(self[number], sort_keys=True, default=str).encode())
        for name, values in self.kept.items():
            digest.update(json.dumps([name, *values], default=str).encode())
        return digest.hexdigest()


def read_listing(given: Any, for_all: Mapping[str, Any], keep: Sequence[str] = ()) -> Listing:
    """Return the exposures that are meant.

    Parameters
    ----------
    given : path, sequence of path, table or mapping of columns
        A file of names, one a line, or a table (CSV, ECSV, Parquet) with a column ``image``; paths;
        or the columns of such a table.
    for_all : mapping of str to object
        Arguments for all images.
    keep : sequence of str, optional
        Further columns of the table, which go into that of the images.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it names no image, a column is not known, or an argument is given for all and for each.
    TypeError
        If an image is no path: others have to find it.

    Examples
    --------
    >>> from skyshed.surveys.listing import read_listing
    >>> listing = read_listing(["/deep/a.fits"], {"weight": "{folder}/{stem}.weight.fits"})
    >>> listing[0]
    ('/deep/a.fits', {'weight': '/deep/a.weight.fits'})
    """
    columns: Mapping[str, Sequence[Any]]
    if is_path(given):
        path = Path(os.fspath(given))
        kind = TABLES.get(path.suffix.lower())
        columns = _read_table(path, kind) if kind else {IMAGE: listed(path)}
    elif hasattr(given, "colnames"):
        columns = {name: _plain(given[name]) for name in given.colnames}
    elif isinstance(given, Mapping):
        columns = {str(name): _plain(values) for name, values in given.items()}
    else:
        columns = {IMAGE: _images(given)}
    return _checked(columns, for_all, keep)


def _images(given: Any) -> list[Any]:
    if isinstance(given, bytes) or not hasattr(given, "__iter__") or hasattr(given, "ndim"):
        raise TypeError(
            "images must be a file of names, a table with a column 'image' or a list of paths, got "
            f"a {type(given).__name__}"
        )
    return list(given)


def _checked(
    columns: Mapping[str, Sequence[Any]], for_all: Mapping[str, Any], keep: Sequence[str]
) -> Listing:
    """Return a list whose columns all mean something."""
    if IMAGE not in columns:
        raise ValueError(
            f"images must have a column {IMAGE!r} with the paths, it has {', '.join(columns)}"
        )
    known = (IMAGE, *COMPANIONS, *SETTINGS)
    for name in columns:
        if name not in known and name not in keep:
            raise ValueError(
                f"images has a column {name!r}, which is none of {', '.join(known)}: leave it out, "
                f"or name it in keep=({name!r},) (--keep {name}) to have it in the table of images"
            )
    for name in keep:
        if name not in columns or name in known:
            raise ValueError(
                f"keep names the column {name!r}, and images has {', '.join(columns)}: name one of "
                "those that say nothing to skyshed"
            )
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"the columns of images differ in length: {lengths}")
    images = [_path(each, number) for number, each in enumerate(columns[IMAGE])]
    if not images:
        raise ValueError("images is empty: give at least one image")
    for_each = {name: columns[name] for name in columns if name in known and name != IMAGE}
    for_all = {name: value for name, value in for_all.items() if value is not None}
    for name in for_all:
        if name in for_each:
            raise ValueError(
                f"{name} is given for all images, and images has a column of it: leave one out"
            )
        if not isinstance(for_all[name], (str, int, float, tuple, os.PathLike)):
            raise TypeError(
                f"{name} must be a path, a pattern such as '{{folder}}/{{stem}}.{name}.fits' or a "
                f"plain value, got a {type(for_all[name]).__name__}: workers read files"
            )
    plain = {name: os.fspath(value) if is_path(value) else value for name, value in for_all.items()}
    kept = {name: columns[name] for name in keep}
    listing = Listing(images, plain, for_each, kept)
    _check_different(listing)
    return listing


def _check_different(listing: Listing) -> None:
    """Refuse an image that is there twice with the same arguments, which is a slip."""
    seen: dict[int, int] = {}
    for number in range(len(listing)):
        key = hash(json.dumps(listing[number], sort_keys=True, default=str))
        if key in seen and listing[seen[key]] == listing[number]:
            raise ValueError(
                f"images has {listing.images[number]!r} twice (rows {seen[key]} and {number}): "
                "leave one out"
            )
        seen.setdefault(key, number)


def _path(image: Any, number: int) -> str:
    if not is_path(image) or not str(image).strip():
        raise TypeError(
            f"images must be paths, which workers can read; number {number} is {image!r}"
        )
    return str(os.fspath(image))


def _is_file(name: str, value: Any) -> bool:
    """Whether an argument is the path of a file."""
    if name not in COMPANIONS or not isinstance(value, str):
        return False
    if not name.endswith("background"):
        return True
    try:
        float(split_path(value)[0])
    except ValueError:
        return value.strip().lower() != NO_FILE
    return False


def _read_table(path: Path, kind: str) -> dict[str, Any]:
    """Return the columns of a table in a file, as plain lists."""
    if kind == "parquet":
        from skyshed.optional import need

        table = need("pyarrow.parquet", "a list in Parquet", "parquet").read_table(path)
        return {name: table[name].to_pylist() for name in table.column_names}
    from astropy.table import Table

    # Nothing is guessed: numbers of HDUs stay texts in CSV, and are read as such.
    options: Any = {"guess": False, "format": kind}
    table = Table.read(path, **options)
    return {name: _plain(table[name]) for name in table.colnames}


def _plain(values: Any) -> list[Any]:
    """Return the values of a column as Python's own; what is masked is `None`."""
    return list(values.tolist()) if hasattr(values, "tolist") else list(values)
