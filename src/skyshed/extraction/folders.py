"""Names of folders for several images: those of their files, each different."""

import os
import re
from collections import Counter
from collections.abc import Sequence

from skyshed.images.headers import split_path

__all__ = ["file_stem", "folder_names"]

#: Endings of files, of which at most one of each line is left out of the name.
ENDINGS = (
    re.compile(r"\.(gz|bz2|xz|zst|z|fz)$", re.IGNORECASE),
    re.compile(r"\.(fits|fit|fts|zarr)$", re.IGNORECASE),
)
#: What names of folders don't have: blanks, brackets, commas, ...
ODD = re.compile(r"[^\w.+-]+")


def folder_names(names: Sequence[str]) -> list[str]:
    """Return the name of a folder for each image: that of its file, with its HDU if it names one.

    Where several would be the same (on some systems ``A`` and ``a`` are), all but the first get a
    number, in the order of the list: the same list gives the same folders.

    Examples
    --------
    >>> from skyshed.extraction.folders import folder_names
    >>> folder_names(["one/ccd.fits", "two/ccd.fits.fz", "one/ccd.fits[SCI,2]", "images[3]"])
    ['ccd', 'ccd-2', 'ccd-SCI-2', 'images-3']
    """
    stems = [_folder(name) for name in names]
    given = Counter(stem.casefold() for stem in stems)
    taken: set[str] = set()
    last: Counter[str] = Counter()
    folders = []
    for stem in stems:
        folder, key = stem, stem.casefold()
        if key in taken:
            number = max(last[key], 1) + 1
            while f"{key}-{number}" in taken or f"{key}-{number}" in given:
                number += 1
            last[key] = number
            folder = f"{stem}-{number}"
        taken.add(folder.casefold())
        folders.append(folder)
    return folders


def file_stem(name: str) -> tuple[str, str]:
    """Return the file of an image without its HDU, and the file's name without its endings.

    Examples
    --------
    >>> from skyshed.extraction.folders import file_stem
    >>> file_stem("deep/a.fits.gz[SCI]")
    ('deep/a.fits.gz', 'a')
    """
    file, _ = split_path(name)
    stem = os.path.basename(os.path.normpath(file))
    for ending in ENDINGS:
        stem = ending.sub("", stem)
    return file, stem


def _folder(name: str) -> str:
    """Return the name of a folder for an image, whatever the others are called."""
    stem, hdu = file_stem(name)[1], split_path(name)[1]
    stem = ODD.sub("-", stem if hdu is None else f"{stem}-{hdu}").strip("-")
    return stem if stem.strip(".") else "image"
