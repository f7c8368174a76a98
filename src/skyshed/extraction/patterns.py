"""What goes with many images, named by a pattern: ``{folder}/{stem}.weight.fits``."""

import io
import os
import re
from collections.abc import Sequence

from skyshed.extraction.folders import file_stem
from skyshed.images.headers import split_path

__all__ = ["fill", "has_words", "listed"]

PLACEHOLDER = re.compile(r"\{(\w*)\}")
#: What a FITS file begins with.
FITS = b"SIMPLE  ="


def has_words(text: str) -> bool:
    """Whether a text is a pattern: any word in braces makes it one."""
    return PLACEHOLDER.search(text) is not None


def fill(pattern: str, image: str, name: str) -> str:
    """Return what a pattern stands for beside an image.

    Parameters
    ----------
    pattern : str
        A text with ``{folder}``, ``{stem}``, ``{file}`` or ``{hdu}`` in it.
    image : str
        The path of the image, which may name an HDU.
    name : str
        What messages call the pattern.

    Raises
    ------
    ValueError
        If a word in braces stands for nothing of this image.

    Examples
    --------
    >>> from skyshed.extraction.patterns import fill
    >>> fill("{folder}/{stem}.weight.fits", "deep/a.fits[SCI]", "weight")
    'deep/a.weight.fits'
    >>> fill("{file}[DQ]", "b.fits", "mask")
    'b.fits[DQ]'
    """
    words = _words(image)
    unknown = sorted(set(PLACEHOLDER.findall(pattern)) - set(words))
    if unknown:
        allowed = ", ".join(f"{{{word}}}" for word in words)
        raise ValueError(
            f"{name}: {{{unknown[0]}}} in {pattern!r} stands for nothing of {image}: a pattern may "
            f"have {allowed}"
        )
    return PLACEHOLDER.sub(lambda word: words[word[1]], pattern)


def listed(path: str | os.PathLike[str]) -> Sequence[str]:
    """Return the names in a file: one a line; blank lines, and those that begin with #, are not.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it holds no name, or is no text.
    """
    with open(path, "rb") as file:  # once: a pipe cannot be read again
        if file.peek(len(FITS)).startswith(FITS):
            raise ValueError(
                f"{os.fspath(path)} is a FITS file: give a file of names, one a line, such as "
                "'ls *.fits > list.txt' makes"
            )
        try:
            lines = [line.strip() for line in io.TextIOWrapper(file, encoding="utf-8")]
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{os.fspath(path)} is no text: give a file of names, one a line"
            ) from error
    names = [line for line in lines if line and not line.startswith("#")]
    if not names:
        raise ValueError(f"{os.fspath(path)} holds no name: write one a line")
    return names


def _words(image: str) -> dict[str, str]:
    """Return what the words of a pattern stand for; an image may name no HDU."""
    file, stem = file_stem(image)
    words = {"folder": os.path.dirname(file) or ".", "stem": stem, "file": file}
    hdu = split_path(image)[1]
    return words if hdu is None else {**words, "hdu": hdu}
