"""Facts by which a changed file or array is noticed, and one is not taken for another."""

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from skyshed.images.source import ImageSource
from skyshed.images.window import Window
from skyshed.kernels.threads import rows_per_range, run_ranges
from skyshed.namespace import to_host

__all__ = ["content_digest", "file_facts", "file_origin", "sample_digest", "zarr_facts"]

#: Rows, and columns, whose pixels stand for an array in memory while a run is at work on it: a
#: million pixels at most, which take milliseconds.
SAMPLE = 1000
#: What says how a Zarr array is stored, of its formats 3 and 2.
ZARR_METADATA = ("zarr.json", ".zarray", ".zattrs")


def file_facts(path: str) -> dict[str, Any]:
    """Return where a file is, its size and when it was last written.

    Raises
    ------
    OSError
        If it is no longer there.
    """
    status = os.stat(path)
    return {"path": os.path.abspath(path), "size": status.st_size, "mtime_ns": status.st_mtime_ns}


def file_origin(path: str) -> dict[str, Any]:
    """Return the facts about a file that the record of a run keeps."""
    status = os.stat(path)
    written = datetime.fromtimestamp(status.st_mtime, UTC)
    return {
        "input": os.path.abspath(path),
        "input_size": status.st_size,
        "input_date": written.isoformat(timespec="milliseconds"),
    }


def zarr_facts(folder: Path) -> dict[str, Any]:
    """Return where a Zarr array is, how it is stored and when a chunk was last written."""
    metadata = hashlib.sha256()
    for name in ZARR_METADATA:
        if (folder / name).is_file():
            metadata.update((folder / name).read_bytes())
    # Folders too: their time says that a chunk was taken away.
    newest = max(
        os.stat(os.path.join(where, name)).st_mtime_ns
        for where, _, files in os.walk(folder)
        for name in (".", *files)
    )
    return {"path": str(folder), "metadata": metadata.hexdigest(), "mtime_ns": newest}


def sample_digest(source: ImageSource) -> str:
    """Return the SHA-256 of evenly spaced pixels of an image."""
    ny, nx = source.shape
    columns = _spaced(nx)
    digest = hashlib.sha256()
    for y in _spaced(ny):
        pixels = to_host(source.read(Window(int(y), int(y) + 1, 0, nx)))
        row = np.ascontiguousarray(pixels[0, columns])
        digest.update(row.data)
    return digest.hexdigest()


def content_digest(source: ImageSource, n_threads: int | None = None) -> str:
    """Return a SHA-256 of all pixels of an image: of those of bands of rows, whose own follow.

    Parameters
    ----------
    source : ImageSource
        The image; it is read once, by bands.
    n_threads : int, optional
        Threads to use; `None` for all available cores.
    """
    ny, nx = source.shape
    rows = rows_per_range(nx)
    bands: dict[int, bytes] = {}

    def read(y0: int, y1: int) -> None:
        pixels = np.ascontiguousarray(to_host(source.read(Window(y0, y1, 0, nx))))
        bands[y0] = hashlib.sha256(pixels.data).digest()

    run_ranges(read, ny, n_threads, rows)
    return hashlib.sha256(b"".join(bands[y0] for y0 in sorted(bands))).hexdigest()


def _spaced(length: int) -> Any:
    """Return at most `SAMPLE` evenly spaced indices, the first and the last among them."""
    return np.unique(np.linspace(0, length - 1, min(length, SAMPLE)).round().astype(np.int64))
