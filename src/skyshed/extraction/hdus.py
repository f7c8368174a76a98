"""Which images several are: a file of which several HDUs are asked for is as many images."""

import os
import warnings
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

from skyshed.arguments import is_path
from skyshed.exceptions import ImageWarning
from skyshed.images.hdu_facts import HduFacts, images_of, listed
from skyshed.images.hdu_index import index_of
from skyshed.images.hdu_names import keys_of, names_several, select, wanted_hdus
from skyshed.images.headers import split_path
from skyshed.images.products import product_of
from skyshed.images.structure import structure_in, structure_of
from skyshed.messages import find_stack_level

__all__ = ["Chosen", "choose_hdus"]


class Chosen(NamedTuple):
    """One image of one file.

    Attributes
    ----------
    image : image
        The image as it was given, or the file of it where several of its HDUs are meant.
    hdu : int, str, tuple or None
        The HDU of it.
    name : str
        What messages call it.
    place : int
        Which of the images it is of that were given.
    hdu_name : str or None
        What names the HDU in brackets, where it is one of several.
    """

    image: Any
    hdu: Any
    name: str
    place: int
    hdu_name: str | None = None


def choose_hdus(images: Sequence[Any], hdus: Sequence[Any], names: Sequence[str]) -> list[Chosen]:
    """Return each image that is meant; only files of which several HDUs may be are opened.

    A file that cannot be read, or has none of its HDUs, is one image: whoever opens it says why.

    Parameters
    ----------
    images : sequence of image
        The images as they were given; a path may name HDUs itself, ``camera.fits[S*]``.
    hdus : sequence
        The HDUs of each, as `skyshed.images.hdu_names.wanted_hdus` takes them; `None` for none.
    names : sequence of str
        What messages call the images.

    Raises
    ------
    ValueError
        If it cannot be read which HDUs are meant.
    """
    chosen: list[Chosen] = []
    for place, (image, hdu, name) in enumerate(zip(images, hdus, names, strict=True)):
        file, named = split_path(image) if is_path(image) else (image, None)
        wanted = hdu if named is None else named
        found = None
        if (hdu is None or named is None) and names_several(wanted):
            found = _images(file)
        known = _known(file, found, wanted) if found else None
        chosen += _of_file(file, name, place, wanted, found or (), known) or [
            Chosen(image, hdu, name, place)
        ]
    return chosen


def _images(file: Any) -> Sequence[HduFacts] | None:
    """Return the images of a file or HDUList; `None` of what has no HDUs or cannot be read."""
    if hasattr(file, "index_of"):
        return images_of(file)
    if not is_path(file):
        return None
    try:
        return index_of(os.fspath(file)).images
    except Exception:  # whoever opens it says what is wrong
        return None


def _known(file: Any, images: Sequence[HduFacts], wanted: Any) -> Sequence[int] | None:
    """Return which HDUs are images and no planes, by the product that a file is, if it is one."""
    if not any(each.is_all for each in wanted_hdus(wanted)):
        return None
    number = images[0].number
    try:
        with ExitStack() as stack:
            if is_path(file):
                structure = stack.enter_context(structure_in(os.fspath(file), number))
            else:
                structure = structure_of(file, number)
            product = product_of(structure)
    except Exception:  # whoever opens it says what is wrong
        return None
    return None if product is None else product.images


def _of_file(
    file: Any, name: str, place: int, wanted: Any, images: Sequence[HduFacts],
    known: Sequence[int] | None,
) -> list[Chosen]:  # fmt: skip
    """Return those images of a file that are meant; none if it has none of them."""
    if not images:
        return []
    found = select(images, wanted, known)
    if not any(isinstance(each, HduFacts) for each in found):
        return []
    if known is None:  # else what is taken of them is in the record
        _tell_of_planes(images, found, wanted, name)
    keys = keys_of(images)
    shown = split_path(name)[0] if is_path(file) else name
    return [
        Chosen(file, each.number, f"{shown}[{keys[each]}]", place, keys[each])
        if isinstance(each, HduFacts)
        else Chosen(file, each.text, f"{shown}[{each.text}]", place)
        for each in found
    ]


def _tell_of_planes(images: Sequence[HduFacts], found: Any, wanted: Any, name: str) -> None:
    """Say which images of a file are not taken where all are asked for."""
    left = [each for each in images if each not in found]
    if left and any(each.is_all for each in wanted_hdus(wanted)):
        warnings.warn(
            f"{name}: all leaves out {listed(left)}, which go with images by their names; name "
            f"those that are images, such as hdu='all,{left[0].number}'",
            ImageWarning,
            stacklevel=find_stack_level(),
        )
