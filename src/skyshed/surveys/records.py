"""The sources of an exposure until the catalog is made of them: records in files that grow.

A worker appends to a file of its own, so that none waits for another and 100,000 exposures are a
few files. A record counts when the ledger says where it lies; what else is in a file was left by a
process that died, and is passed over.
"""

import hashlib
import mmap
import os
import zlib
from pathlib import Path
from typing import Any, NamedTuple

from skyshed.output.atomic import whole_file
from skyshed.output.sealed import DamagedError

__all__ = ["Place", "append", "load_schema", "read"]

#: The folders of the files of records, and of the schemas that they are read by.
RECORDS, SCHEMAS = "records", "schemas"


class Place(NamedTuple):
    """Where a record lies, as a ledger can hold it.

    Attributes
    ----------
    file : str
        The file, in the folder of records.
    start, size : int
        The first byte, and how many.
    checksum : int
        CRC-32 of the bytes.
    schema : str
        The name of its schema.
    """

    file: str
    start: int
    size: int
    checksum: int
    schema: str


def append(folder: Path, writer: str, batch: Any) -> Place:
    """Append a record to the file of a writer; it is on the disk when this returns.

    Parameters
    ----------
    folder : Path
        That of the survey.
    writer : str
        Who writes: no two do at a time under one name.
    batch : `pyarrow.RecordBatch`
        The sources.
    """
    schema = _save_schema(folder, batch.schema)
    content = memoryview(batch.serialize())
    records = folder / RECORDS
    records.mkdir(exist_ok=True)
    with open(records / writer, "ab") as file:
        start = file.seek(0, os.SEEK_END)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return Place(writer, start, len(content), zlib.crc32(content), schema)


def read(folder: Path, place: Place, schema: Any, opened: dict[str, Any]) -> Any:
    """Return a record; its columns are the bytes of the file, which are read as they are used.

    Parameters
    ----------
    folder : Path
        That of the survey.
    place : Place
        Where the record lies.
    schema : `pyarrow.Schema`
        What `load_schema` returns for it.
    opened : dict
        The files that were opened, which are kept there: each is mapped into memory once.

    Raises
    ------
    DamagedError
        If it is not there as it was written.
    """
    import pyarrow

    path = folder / RECORDS / place.file
    if place.file not in opened:
        try:
            with open(path, "rb") as file:
                opened[place.file] = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:  # not there; empty
            raise DamagedError(f"{path} cannot be read ({error})") from error
    view = memoryview(opened[place.file])[place.start : place.start + place.size]
    if len(view) != place.size or zlib.crc32(view) != place.checksum:
        raise DamagedError(f"{path} is damaged at byte {place.start}")
    return pyarrow.ipc.read_record_batch(pyarrow.py_buffer(view), schema)


def load_schema(folder: Path, name: str) -> Any:
    """Return the schema of a name.

    Raises
    ------
    DamagedError
        If it is not there as it was written.
    """
    import pyarrow

    path = folder / SCHEMAS / name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DamagedError(f"{path} cannot be read ({error})") from error
    if _digest(content) != name:
        raise DamagedError(f"{path} is damaged")
    return pyarrow.ipc.read_schema(pyarrow.py_buffer(content))


def _save_schema(folder: Path, schema: Any) -> str:
    """Write a schema, if it is not there, and return its name: few tables differ in theirs."""
    content = schema.serialize().to_pybytes()
    name = _digest(content)
    path = folder / SCHEMAS / name
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        with whole_file(path) as part:
            part.write_bytes(content)
    return name


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
