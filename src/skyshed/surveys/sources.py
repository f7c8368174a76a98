"""The sources of an exposure as columns of the catalog, in the order of the sky."""

import json
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from skyshed.output.table_parts import PlainTable
from skyshed.surveys.sky import COLUMN, index_of

__all__ = ["ABOUT", "NEEDED", "as_batch", "joined"]

#: The columns that the catalog has beside those that are asked for, and what they are.
ABOUT = {
    COLUMN: "HEALPix pixel of order 29 of the position, nested.",
    "image_id": "Exposure that the source is in: its row in the list, from 0.",
    "hdu": "HDU that the image was read from; -1 if it is in none.",
}
#: The columns that are measured for the catalog in any case.
NEEDED = ("label", "ra", "dec")
#: Positions as objects, of which the catalog has `ra` and `dec` as numbers.
POSITION = "sky_centroid"
#: What stands for the HDU of an image that is in none.
NO_HDU = -1
#: What is kept of a column in the schema.
KEPT = ("unit", "description")
#: Schemas that a process keeps: all images of a survey have one, or one of some.
SCHEMAS = 16


def as_batch(
    plain: PlainTable, middles: Any, image: int, hdu: int | None, added: Collection[str] = ()
) -> Any:
    """Return the sources of an image as a batch of Arrow, by their index on the sky.

    Parameters
    ----------
    plain : `~skyshed.output.table_parts.PlainTable`
        With the columns `NEEDED`.
    middles : callable
        ``middles(rows)`` returns right ascension and declination, in degrees, of the middles of
        the bounding boxes of some rows: where a source has no centroid, that is its position.
    image : int
        The number of the exposure.
    hdu : int or None
        The HDU of it.
    added : collection of str, optional
        Columns that were measured for other purposes, and are left out.

    Returns
    -------
    batch : `pyarrow.RecordBatch`

    Raises
    ------
    ValueError
        If a source has no position on the sky.
    """
    import pyarrow

    ra, dec = (np.array(plain.columns[name], float) for name in ("ra", "dec"))
    lost = np.flatnonzero(~(np.isfinite(ra) & np.isfinite(dec)))
    if lost.size:
        ra[lost], dec[lost] = middles(lost)
        if not (np.isfinite(ra[lost]) & np.isfinite(dec[lost])).all():
            raise ValueError(
                f"{lost.size} of {len(plain)} sources have no position on the sky, by which the "
                "catalog is partitioned: see whether the WCS covers the whole image"
            )
    left_out = {*added, *(f"{POSITION}.{part}" for part in ("ra", "dec")), POSITION}
    measured = {name: each for name, each in plain.columns.items() if name not in left_out}
    n = len(plain)
    index = index_of(ra, dec)
    columns: dict[str, Any] = {
        COLUMN: index,
        "image_id": np.full(n, image, np.int64),
        "hdu": np.full(n, NO_HDU if hdu is None else hdu, np.int32),
        **measured, "ra": ra, "dec": dec,
    }  # fmt: skip
    order = np.lexsort((columns["label"], index))
    arrays = [_arrow(np.asarray(values)[order], pyarrow) for values in columns.values()]
    described = zip(columns, (each.type for each in arrays), strict=True)
    return pyarrow.RecordBatch.from_arrays(arrays, schema=_schema(plain.header, tuple(described)))


@lru_cache(maxsize=SCHEMAS)
def _schema(header: str, columns: tuple[tuple[str, Any], ...]) -> Any:
    """Return the schema of columns, given by name and type, whose table has a header."""
    import pyarrow

    about = {name: {"description": text} for name, text in ABOUT.items()} | _about(header)
    fields = []
    for name, kind in columns:
        metadata = about.get(name.partition(".")[0] if name not in about else name, {})
        # Readers of nested tables take dots for themselves.
        fields.append(pyarrow.field(name.replace(".", "_"), kind, metadata=metadata or None))
    return pyarrow.schema(fields)


def joined(batches: Sequence[Any]) -> Any:
    """Return the batches of an exposure's images as one, by their index on the sky.

    Raises
    ------
    ValueError
        If their columns differ.
    """
    import pyarrow

    first = batches[0]
    if len(batches) == 1:
        return first
    for each in batches:
        if not each.schema.equals(first.schema, check_metadata=True):
            raise ValueError(
                "the images of the exposure have different columns or units: give their HDUs as "
                "exposures of their own"
            )
    table = pyarrow.Table.from_batches(batches).combine_chunks()
    order = np.lexsort(tuple(table[name].to_numpy() for name in ("label", "hdu", COLUMN)))
    return table.take(order).combine_chunks().to_batches()[0] if len(table) else first


def _about(header: str) -> dict[str, dict[str, str]]:
    """Return unit and description of each column, as texts."""
    found = {}
    for described in json.loads(header):
        texts = {each: str(described[each]) for each in KEPT if described.get(each)}
        if texts:
            found[described["name"]] = texts
    return found


def _arrow(values: Any, pyarrow: Any) -> Any:
    """Return a column as an array of Arrow; those of several values a row are lists."""
    values = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("="), copy=False))
    if values.ndim == 1:
        if values.dtype.kind == "U":  # of no values, Arrow would not see that they are texts
            return pyarrow.array(values.tolist(), pyarrow.string())
        return pyarrow.array(values)
    width = int(np.prod(values.shape[1:]))
    return pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(values.ravel()), width)
