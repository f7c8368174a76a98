"""A catalog as HATS lays it out: Parquet files by pixels of HEALPix, and what is known of them.

The layout is that of the note "HATS: A Standard for the Hierarchical Adaptive Tiling Scheme in the
Virtual Observatory" (Caplar et al. 2025; https://www.ivoa.net/documents/Notes/HATS), which `hats`
and LSDB read.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from skyshed.output.atomic import whole_file
from skyshed.output.sealed import DamagedError
from skyshed.surveys.records import Place, load_schema, read
from skyshed.surveys.sky import COLUMN, FINEST, ORDER, Pixel

__all__ = [
    "DATASET", "OLD_PROPERTIES", "PARTITIONS", "PROPERTIES", "covering", "file_of", "write_about",
    "write_partition",
]  # fmt: skip

#: The folder of the partitions, and the file without which there is no catalog.
DATASET, PROPERTIES = "dataset", "hats.properties"
#: The name that readers of the first versions look for.
OLD_PROPERTIES = "properties"
#: The file that lists the partitions.
PARTITIONS = "partition_info.csv"
#: How many partitions a folder holds.
PER_FOLDER = 10_000
#: Rows of a row group: what a reader takes at a time.
ROW_GROUP = 65_536
#: The most partitions whose row groups are listed in one file, which readers hold in memory.
MOST_LISTED = 2_000
#: How rows are put in order, from the last key to the first.
KEYS = ("label", "hdu", "image_id", COLUMN)


def file_of(pixel: Pixel) -> str:
    """Return the file of a partition, in the folder of the dataset.

    Examples
    --------
    >>> from skyshed.surveys.hats import file_of
    >>> from skyshed.surveys.sky import Pixel
    >>> file_of(Pixel(7, 12345))
    'Norder=7/Dir=10000/Npix=12345.parquet'
    """
    folder = pixel.number // PER_FOLDER * PER_FOLDER
    return f"Norder={pixel.order}/Dir={folder}/Npix={pixel.number}.parquet"


def write_partition(
    folder: str, dataset: str, schema: bytes, part: tuple[Pixel, Sequence[Sequence[Any]]]
) -> int | str:
    """Write the sources of a pixel; a task.

    Parameters
    ----------
    folder : str
        Where the records are.
    dataset : str
        The folder to write to.
    schema : bytes
        That of the catalog; columns that a record lacks are null.
    part : tuple
        The pixel, and the places of the records that have sources in it.

    Returns
    -------
    n : int or str
        How many there are; or the file that is damaged.
    """
    import pyarrow
    from pyarrow import parquet

    pixel, places = Pixel(*part[0]), [Place(*each) for each in part[1]]
    whole = pyarrow.ipc.read_schema(pyarrow.py_buffer(schema))
    schemas: dict[str, Any] = {}
    opened: dict[str, Any] = {}
    parts = []
    try:
        for place in places:
            if place.schema not in schemas:
                schemas[place.schema] = load_schema(Path(folder), place.schema)
            batch = read(Path(folder), place, schemas[place.schema], opened)
            first, behind = np.searchsorted(batch[COLUMN].to_numpy(), pixel.bounds)
            parts.append(_conformed(batch.slice(first, behind - first), whole))
    except DamagedError as error:
        return str(error)
    table = pyarrow.Table.from_batches(parts, schema=whole)
    order = np.lexsort(tuple(table[name].to_numpy() for name in KEYS))
    table = table.take(order)
    del parts
    path = Path(dataset) / file_of(Pixel(*pixel))
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as temporary:
        parquet.write_table(table, temporary, row_group_size=ROW_GROUP, compression="zstd")
    return len(table)


def write_about(
    catalog: Path, dataset: Path, schema: Any, counts: Mapping[Pixel, int], name: str,
    most: int, record: Mapping[str, str],
) -> None:  # fmt: skip
    """Write what readers must know of the partitions; the properties come last.

    Parameters
    ----------
    catalog, dataset : Path
        The folder of the catalog, and where its partitions are.
    schema : `pyarrow.Schema`
        That of the partitions.
    counts : mapping of Pixel to int
        The partitions, and their rows.
    name : str
        Of the catalog.
    most : int
        The rows that a partition should have at most.
    record : mapping of str to str
        What made the catalog.
    """
    from pyarrow import parquet

    with whole_file(dataset / "_common_metadata") as part:
        parquet.write_metadata(schema, part)
    if len(counts) <= MOST_LISTED:
        listed = []
        for pixel in counts:
            found = parquet.read_metadata(dataset / file_of(pixel))
            found.set_file_path(file_of(pixel))
            listed.append(found)
        with whole_file(dataset / "_metadata") as part:
            parquet.write_metadata(schema, part, metadata_collector=listed)
    lines = ["Norder,Npix", *(f"{pixel.order},{pixel.number}" for pixel in counts)]
    with whole_file(catalog / PARTITIONS) as part:
        part.write_text("\n".join(lines) + "\n", encoding="ascii")
    size = sum((dataset / file_of(pixel)).stat().st_size for pixel in counts)
    text = _properties(counts, name, most, size, record)
    for file in (OLD_PROPERTIES, PROPERTIES):
        with whole_file(catalog / file) as part:
            part.write_text(text, encoding="utf-8")


def _properties(
    counts: Mapping[Pixel, int], name: str, most: int, size: int, record: Mapping[str, str]
) -> str:
    """Return the file of properties."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%MUTC")
    covered = sum(1 / (12 * 4**pixel.order) for pixel in counts)
    known = {
        "obs_collection": name,
        "dataproduct_type": "source",
        "hats_nrows": sum(counts.values()),
        "hats_col_ra": "ra",
        "hats_col_dec": "dec",
        "hats_col_healpix": COLUMN,
        "hats_col_healpix_order": ORDER,
        "hats_npix_suffix": ".parquet",
        "hats_max_rows": most,
        "hats_order": max((pixel.order for pixel in counts), default=0),
        "moc_sky_fraction": f"{covered:.8g}",
        "hats_estsize": -(-size // 1024),
        "hats_builder": f"skyshed v{record['skyshed']}",
        "hats_creation_date": now,
        "hats_release_date": now[:10],
        "hats_version": "v1.0",
    }
    return "".join(f"{key}={_escaped(str(value))}\n" for key, value in known.items())


def _escaped(text: str) -> str:
    """Return a value as Java's properties have it."""
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _conformed(batch: Any, schema: Any) -> Any:
    """Return a batch with the columns of a schema; those that it lacks are null."""
    import pyarrow

    arrays = [
        batch[each.name]
        if each.name in batch.schema.names
        else pyarrow.nulls(len(batch), each.type)
        for each in schema
    ]
    return pyarrow.RecordBatch.from_arrays(arrays, schema=schema)


def covering(pixels: Iterable[Pixel]) -> Any:
    """Return the first of the finest pixels in each partition, to look up where others lie.

    Parameters
    ----------
    pixels : iterable of Pixel
        Partitions in the order of the sky.
    """
    return np.array([pixel.number << (2 * (FINEST - pixel.order)) for pixel in pixels], np.int64)
