"""Facts by which a changed image is noticed without reading all of it."""

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np

from skyshed.images.arrays import ArrayWindows, mapped_file
from skyshed.images.fits import FitsWindows
from skyshed.images.joined import JoinedWindows
from skyshed.images.region import CutWindows
from skyshed.images.zarr import ZarrWindows

__all__ = ["Facts", "fingerprint"]

#: Rows, and columns, whose pixels stand for an array in memory: a million pixels at most, which
#: take milliseconds; no image differs from another only between so many.
SAMPLE = 1000
#: What says how a Zarr array is stored, of its formats 3 and 2.
ZARR_METADATA = ("zarr.json", ".zarray", ".zattrs")

Facts = dict[str, Any]


def fingerprint(windows: Any) -> Facts:
    """Return facts that differ if an image was changed.

    Of a file: where it is, its size and when it was last written. Of a Zarr array: where it is, how
    it is stored and when any of its chunks was last written. Of an array in memory: a checksum of
    evenly spaced pixels. Of a Dask array: its name, which is made from what it computes.

    Parameters
    ----------
    windows : Windows
        The image.

    Returns
    -------
    facts : dict
        Texts, integers and lists of them, which JSON can hold.

    Raises
    ------
    OSError
        If a file is no longer there.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.images import fingerprint, open_windows
    >>> facts = fingerprint(open_windows(np.zeros((3, 4))))
    >>> facts["shape"], facts["dtype"], facts["sha256"][:8]
    ([3, 4], 'float64', '2ea9ab91')
    """
    if isinstance(windows, CutWindows):
        return {**fingerprint(windows.whole), "region": list(windows.region)}
    about = {
        "shape": [int(length) for length in windows.shape],
        "dtype": str(windows.dtype),
        "unit": str(windows.unit or ""),
    }
    if isinstance(windows, JoinedWindows):
        parts = [fingerprint(part) for part in windows.parts]
        return {"parts": parts, "places": [list(place) for place in windows.places], **about}
    if isinstance(windows, FitsWindows):
        return {**_of_file(windows.path), "hdu": windows.number, **about}
    if isinstance(windows, ZarrWindows):
        return {**_of_zarr(Path(windows.path)), **about}
    return {**_of_array(windows), **about}


def _of_file(path: str) -> Facts:
    found = os.stat(path)
    return {"path": os.path.abspath(path), "size": found.st_size, "mtime_ns": found.st_mtime_ns}


def _of_zarr(folder: Path) -> Facts:
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


def _of_array(windows: ArrayWindows) -> Facts:
    array = windows.array
    mapped = mapped_file(array)
    if mapped is not None:
        where = {"offset": mapped.offset, "strides": list(mapped.strides)}
        return {**_of_file(mapped.path), **where, "stored": mapped.dtype.str}
    if hasattr(array, "dask"):
        return {"dask": str(array.name)}
    ny, nx = windows.shape
    columns = _spaced(nx)
    digest = hashlib.sha256()
    for y in _spaced(ny):
        row = np.ascontiguousarray(windows.read(int(y), int(y) + 1, 0, nx)[0, columns])
        digest.update(row.data)
    return {"sha256": digest.hexdigest()}


def _spaced(length: int) -> Any:
    """Return at most `SAMPLE` evenly spaced indices, the first and the last among them."""
    return np.unique(np.linspace(0, length - 1, min(length, SAMPLE)).round().astype(np.int64))
