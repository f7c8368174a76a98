"""Which images ``--each`` is about, and what goes with each: names, lists of names, patterns."""

from collections.abc import Sequence

__all__ = ["companions_of", "images_of"]

#: What begins the name of a file that holds names.
LIST = "@"


def images_of(given: Sequence[str]) -> list[str]:
    """Return the names of images, with those that ``@FILE`` holds in its place.

    Raises
    ------
    OSError
        If such a file cannot be read.
    ValueError
        If it holds no name.
    """
    from skyshed.extraction.patterns import listed  # here: help is quick without it

    names: list[str] = []
    for each in given:
        names += listed(each[1:]) if each.startswith(LIST) else [each]
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
    from skyshed.extraction.patterns import fill, has_words, listed

    if given.startswith(LIST):
        names = listed(given[1:])
        places = range(len(images)) if places is None else places
        n_given = max(places, default=-1) + 1
        if len(names) != n_given:
            raise ValueError(
                f"{option}: {given[1:]} holds {len(names)} names and there are {n_given} "
                "images: give one for each image, in the same order"
            )
        return [names[place] for place in places]
    return [fill(given, image, option) for image in images] if has_words(given) else given
