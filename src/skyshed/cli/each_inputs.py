"""Which images ``--each`` is about, and what goes with each: names, lists of names, patterns."""

import os
import re
from collections.abc import Sequence

__all__ = ["COMPANIONS", "companions_of", "images_of"]

#: Options of files that go with an image.
COMPANIONS = (
    "weight", "rms", "variance", "background", "error", "mask", "quality", "segmentation",
    "detection_image", "detection_weight", "detection_rms", "detection_variance",
    "detection_background", "detection_mask",
    "wcs",
)  # fmt: skip
#: What begins the name of a file that holds names.
LIST = "@"
PLACEHOLDER = re.compile(r"\{(\w*)\}")


def images_of(given: Sequence[str]) -> list[str]:
    """Return the names of images, with those that ``@FILE`` holds in its place.

    Raises
    ------
    OSError
        If such a file cannot be read.
    ValueError
        If it holds no name.
    """
    names = []
    for each in given:
        names += _listed(each[1:]) if each.startswith(LIST) else [each]
    return names


def companions_of(
    given: str, option: str, images: Sequence[str], places: Sequence[int] | None = None
) -> str | list[str]:
    """Return what an option gives: one file for all images, or a list of one for each.

    Parameters
    ----------
    given : str
        A file, for all; ``@FILE``, a file of as many names as there are images, in their order; or
        a pattern with ``{folder}``, ``{stem}``, ``{file}`` or ``{hdu}`` of each image in it.
    option : str
        The option, for messages.
    images : sequence of str
        The images.
    places : sequence of int, optional
        Which of the images that were given each is of: they may be several HDUs of a file.

    Raises
    ------
    OSError
        If a list of names cannot be read.
    ValueError
        If it has another number of names, or a pattern a word that is not known.

    Examples
    --------
    >>> from skyshed.cli.each_inputs import companions_of
    >>> companions_of("{folder}/{stem}.weight.fits", "--weight", ["deep/a.fits[SCI]", "b.fits"])
    ['deep/a.weight.fits', './b.weight.fits']
    >>> companions_of("{file}[DQ]", "--mask", ["deep/a.fits[SCI]", "b.fits"])
    ['deep/a.fits[DQ]', 'b.fits[DQ]']
    """
    if given.startswith(LIST):
        names = _listed(given[1:])
        places = range(len(images)) if places is None else places
        n_given = max(places, default=-1) + 1
        if len(names) != n_given:
            raise ValueError(
                f"{option}: {given[1:]} holds {len(names)} names and there are {n_given} "
                "images: give one for each image, in the same order"
            )
        return [names[place] for place in places]
    words = set(PLACEHOLDER.findall(given))
    if not words:
        return given
    every = [_words(image) for image in images]
    for image, own in zip(images, every, strict=True):
        unknown = sorted(words - set(own))
        if unknown:
            allowed = ", ".join(f"{{{word}}}" for word in own)
            raise ValueError(
                f"{option}: {{{unknown[0]}}} in {given!r} stands for nothing of {image}: a pattern "
                f"may have {allowed}"
            )
    return [_filled(given, own) for own in every]


def _words(image: str) -> dict[str, str]:
    """Return what the words of a pattern stand for; an image may name no HDU."""
    from skyshed.extraction.folders import file_stem
    from skyshed.images.headers import split_path

    file, stem = file_stem(image)
    words = {"folder": os.path.dirname(file) or ".", "stem": stem, "file": file}
    hdu = split_path(image)[1]
    return words if hdu is None else {**words, "hdu": hdu}


def _filled(pattern: str, words: dict[str, str]) -> str:
    """Return a pattern with its words replaced."""
    return PLACEHOLDER.sub(lambda word: words[word[1]], pattern)


def _listed(path: str) -> list[str]:
    """Return the names in a file: one a line; blank lines, and those that begin with #, are not."""
    with open(path, encoding="utf-8") as file:
        lines = [line.strip() for line in file]
    names = [line for line in lines if line and not line.startswith("#")]
    if not names:
        raise ValueError(f"{path} holds no name: write one a line")
    return names
