"""Checksums that files carry of their own pixels: DATASUM of FITS, MD5 of the blocks of ASDF.

The sum is that of the FITS Standard 4.0, appendix J: of the data as 32-bit words, in ones'
complement.
"""

import hashlib
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from skyshed.images.astropy_says import quiet
from skyshed.images.hdu_index import opened_at

__all__ = ["check_datasum", "check_md5", "datasum"]

#: Bytes that are read at a time: whole words, and blocks of FITS.
STEP = 2880 << 10
#: Ones' complement of 32 bits counts modulo this.
MODULUS = 2**32 - 1


def datasum(path: str | os.PathLike[str], begins: int, size: int) -> int | None:
    """Return the checksum of the data of an HDU, `None` where the file ends before they do.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from astropy.io import fits
    >>> from skyshed.images.checksums import datasum
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "image.fits"
    >>> fits.writeto(path, np.arange(12, dtype=np.int32).reshape(3, 4), checksum="datasum")
    >>> datasum(path, 2880, 2880), fits.getval(path, "DATASUM")
    (66, '66')
    """
    total = 0
    for content in _steps(path, begins, size):
        if content is None:
            return None
        words = np.frombuffer(content, ">u4")
        total += int(words.astype(np.uint32).sum(dtype=np.uint64))
    return (total - 1) % MODULUS + 1 if total else 0


def check_datasum(path: str, header_at: int, label: str) -> None:
    """Compare the data of an HDU, as they are stored, with the card DATASUM, if there is one.

    Parameters
    ----------
    path : str
        The file.
    header_at : int
        The byte at which the header of the HDU begins.
    label : str
        What messages call the image.

    Raises
    ------
    OSError
        If they differ.
    """
    with quiet(), opened_at(path, header_at, disable_image_compression=True) as hdus:
        header, where = hdus[0].header, hdus[0].fileinfo()
        said = str(header.get("DATASUM", "")).strip()
    if not said.isdecimal():
        return
    found = datasum(path, header_at + int(where["datLoc"]), int(where["datSpan"]))
    # Zero has two forms in ones' complement. A file that is cut off says so when it is read.
    if found is None or (found - int(said)) % MODULUS == 0:
        return
    raise OSError(
        f"{label} is damaged: the sum of its data is {found}, its card DATASUM says {said}; copy "
        "or download the file anew or, if a program has changed the pixels and left the card, "
        "remove the card"
    )


def check_md5(path: str, begins: int, size: int, said: bytes, label: str) -> None:
    """Compare some bytes of a file with their MD5; one of zeros stands for none.

    Raises
    ------
    OSError
        If they differ.
    """
    if not any(said):
        return
    digest = hashlib.md5(usedforsecurity=False)
    for content in _steps(path, begins, size):
        if content is None:  # said when it is read
            return
        digest.update(content)
    if digest.digest() != said:
        raise OSError(
            f"{label} is damaged: its data do not have the checksum that the file says; copy or "
            "download the file anew"
        )


def _steps(path: str | os.PathLike[str], begins: int, size: int) -> Iterator[Any]:
    """Yield bytes of a file, some at a time; `None` where it ends too early."""
    with open(path, "rb", buffering=0) as file:
        file.seek(begins)
        room = bytearray(min(STEP, size))
        while size:
            part = memoryview(room)[: min(STEP, size)]
            got = file.readinto(part)
            while got is not None and 0 < got < len(part):
                more = file.readinto(part[got:])
                if not more:
                    break
                got += more
            if not got or got < len(part):
                yield None
                return
            size -= got
            yield part
