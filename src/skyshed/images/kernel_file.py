"""Kernels in files: FITS images, and texts as SExtractor reads them."""

import re
from typing import Any

import numpy as np

from skyshed.images.open import open_image
from skyshed.images.pixels import RefusedError

__all__ = ["read_kernel"]

#: How a text begins that holds a kernel (SExtractor manual, "Filtering"): with the word that says
#: whether it is to be normalised.
HEAD = re.compile(r"\s*CONV\s+(?P<norm>NORM|NONORM)\s*")
#: Bytes that a text is looked at for its head.
LOOK = 4096


def read_kernel(path: str) -> Any:
    r"""Return the kernel of a file, as it is laid on an image.

    Parameters
    ----------
    path : str
        A FITS image (``psf.fits``, ``psf.fits[1]``, whatever `skyshed.images.open_image` takes), or
        a text of rows of numbers, with or without ``CONV NORM`` in the first line.

    Returns
    -------
    kernel : array of float64, shape (ky, kx)
        Not normalised.

    Raises
    ------
    ValueError
        If it is no kernel, or one that is not to be normalised, ``CONV NONORM``.
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from skyshed.images.kernel_file import read_kernel
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "default.conv"
    >>> _ = path.write_text("CONV NORM\n# 3x3\n1 2 1\n2 4 2\n1 2 1\n")
    >>> read_kernel(str(path)).sum()
    np.float64(16.0)
    """
    text = _text_of(path)
    if text is None:
        source = open_image(path).image
        return np.asarray(source.read(source.everything), np.float64)
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    lines = [line for line in lines if line]
    head = HEAD.fullmatch(lines[0]) if lines else None
    if head is not None:
        if head["norm"] == "NONORM":
            raise RefusedError(
                f"{path}: CONV NONORM asks for a kernel that is not normalised, which would change "
                "the unit of the image: write CONV NORM"
            )
        lines = lines[1:]
    try:
        rows = [[float(word) for word in line.replace(",", " ").split()] for line in lines]
    except ValueError as error:
        raise RefusedError(f"{path} holds no kernel, rows of numbers: {error}") from None
    if not rows or len({len(row) for row in rows}) > 1:
        counts = ", ".join(str(len(row)) for row in rows) or "none"
        raise RefusedError(f"{path} holds no kernel: its rows have {counts} numbers, not as many")
    return np.array(rows)


def _text_of(path: str) -> str | None:
    """Return the text of a file; `None` if it is none, or the path of an image in a file."""
    try:
        with open(path, "rb") as file:
            head = file.read(LOOK)
    except (FileNotFoundError, IsADirectoryError):
        return None  # image.fits[1], a Zarr array; otherwise opening it says that it is not there
    if head.startswith((b"SIMPLE  =", b"#ASDF", b"\x1f\x8b", b"BZh")) or b"\0" in head:
        return None
    with open(path, encoding="utf-8", errors="replace") as text:
        return text.read()
