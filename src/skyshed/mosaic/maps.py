"""The map of labels in the workspace: a Zarr array whose chunks are known to be as written."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from skyshed.exceptions import WorkspaceError
from skyshed.images.window import Window
from skyshed.messages import one_line
from skyshed.output.atomic import flush_to_disk

__all__ = ["chunks_in", "make_map", "open_map", "seal_of"]

#: Where Zarr says how an array is stored.
METADATA = "zarr.json"
#: Bytes of the checksum at the end of each chunk, which the last codec writes there.
SEAL = 4

Pair = tuple[int, int]


def _create(store: Any, shape: Pair, chunks: Pair) -> Any:
    """Return a new map, whose pixels are 0."""
    import zarr
    from zarr.codecs import BloscCodec, Crc32cCodec

    packer = BloscCodec(cname="lz4", clevel=1, shuffle="noshuffle")
    return zarr.create_array(
        store, shape=shape, dtype="int32", fill_value=0, chunks=chunks,
        compressors=[packer, Crc32cCodec()],
    )  # fmt: skip


def make_map(path: str, shape: Pair, chunks: Pair, *, flush: bool) -> None:
    """Make a map; one that is there stays.

    Parameters
    ----------
    path : str
        Its folder.
    shape, chunks : tuple of int
        Of the map, and of its chunks.
    flush : bool
        Whether it must outlast a loss of power.
    """
    metadata = Path(path) / METADATA
    if not metadata.exists():
        _create(path, shape, chunks)
        if flush:
            flush_to_disk(metadata.parent)


def open_map(path: str, shape: Pair, chunks: Pair) -> Any:
    """Open a map that `make_map` made with these arguments.

    Raises
    ------
    WorkspaceError
        If it is another.
    """
    import zarr
    from zarr.storage import MemoryStore

    what = "says another shape, or another way of storing"
    try:
        found = zarr.open_array(path, mode="r+")
        if found.metadata.to_dict() == _create(MemoryStore(), shape, chunks).metadata.to_dict():
            # Chunks without a label are written, too: one that is not there is lost.
            kept: Any = {"write_empty_chunks": True}
            return found.with_config(kept)
    except Exception as error:  # of JSON, of Zarr
        what = one_line(error)
    raise WorkspaceError(
        f"{Path(path) / METADATA} is damaged ({what}): remove it, and the run makes it again"
    )


def chunks_in(path: str, chunks: Pair, window: Window) -> Iterator[Path]:
    """Yield the files of the chunks that a window has pixels of, in their order.

    Examples
    --------
    >>> from skyshed.images.window import Window
    >>> from skyshed.mosaic.maps import chunks_in
    >>> [str(each) for each in chunks_in("a", (10, 10), Window(0, 11, 3, 4))]
    ['a/c/0/0', 'a/c/1/0']
    """
    for row in range(window.y0 // chunks[0], -(-window.y1 // chunks[0])):
        for column in range(window.x0 // chunks[1], -(-window.x1 // chunks[1])):
            yield Path(path) / "c" / str(row) / str(column)


def seal_of(path: Path) -> int | None:
    """Return the checksum that the file of a chunk ends with; `None` if there is none.

    Whether it is that of the chunk, Zarr sees when it reads it.
    """
    try:
        with open(path, "rb") as file:
            file.seek(-SEAL, os.SEEK_END)
            return int.from_bytes(file.read(SEAL), "little")
    except OSError:  # not there, or too short
        return None
