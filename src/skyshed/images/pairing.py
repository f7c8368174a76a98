"""Which image of a file with several goes with the image: of the same CCD, never just the first."""

import os
from collections.abc import Callable, Sequence
from typing import Any

from skyshed.images.hdu_facts import HduFacts, images_of, listed
from skyshed.images.hdu_index import index_of
from skyshed.images.headers import split_path
from skyshed.images.joined import JoinedSource
from skyshed.images.open import OpenedImage, open_image
from skyshed.images.source import ImageSource
from skyshed.images.zarr import is_in_zarr

__all__ = ["open_paired"]


def open_paired(given: Any, name: str, image: ImageSource) -> OpenedImage:
    """Open an image that goes with another: of a file with several, the one that belongs to it.

    Where no HDU is named, it is that with the EXTNAME (and EXTVER) of the image's own; or else the
    only one of its EXTVER, or of its detector (IMAGEID, CCDNUM, ...); or, if the HDUs have no
    names, that in the same place of as many images of the same shape. Where a name is given that
    several HDUs have, it is one of these. Of a list, each goes with the part of the image in the
    same place.

    Parameters
    ----------
    given : object
        What `open_image` opens.
    name : str
        What messages call it.
    image : ImageSource
        The image that it goes with.

    Raises
    ------
    ValueError
        If there are several images, and none or more than one belongs to the image.
    """
    if isinstance(image, JoinedSource) and isinstance(given, list | tuple):
        if len(given) == len(image.parts) and not hasattr(given, "index_of"):
            parts = zip(given, image.parts, strict=True)
            given = [_one(each, f"{name}[{k}]", part) for k, (each, part) in enumerate(parts)]
        return open_image(given, name)
    file, theirs = _images(given)
    if len(theirs) < 2:
        return open_image(given, name)
    return open_image(file, name, _counterpart(theirs, name, given, image).number)


def _one(given: Any, name: str, part: ImageSource) -> Any:
    """Return a part of a list with the HDU that belongs to a part of the image."""
    file, theirs = _images(given)
    if len(theirs) < 2:
        return given
    return open_image(file, name, _counterpart(theirs, name, given, part).number).image


def _images(given: Any) -> tuple[Any, list[HduFacts]]:
    """Return a FITS file or HDUList, and those of its images that may be meant; none of all else.

    A name may be that of several, such as the DQ of each chip of HST.
    """
    if isinstance(given, list) and hasattr(given, "index_of"):
        return given, images_of(given)
    if not isinstance(given, str | os.PathLike) or is_in_zarr(given):
        return given, []
    path, named = split_path(given)
    images = _images_in(path) or []
    return path, [each for each in images if named is None or each.name == named.strip().upper()]


def _images_in(path: str) -> list[HduFacts] | None:
    try:
        return list(index_of(path).images)
    except Exception:  # whoever opens it says what is wrong
        return None


def _counterpart(theirs: Sequence[HduFacts], name: str, given: Any, image: ImageSource) -> HduFacts:
    """Return which of several images belongs to the image."""
    mine = image.hdu
    found = [] if mine is None else _belonging(mine, theirs, lambda: _siblings(image))
    if len(found) == 1:
        return found[0]
    file = os.fspath(given) if isinstance(given, str | os.PathLike) else "an HDUList"
    which = "image has no HDU" if mine is None else f"image is HDU {mine}"
    what = "none" if not found else " and ".join(map(str, found))
    raise ValueError(
        f"{name} ({file}) holds {len(theirs)} images, and it is not known which belongs to image: "
        f"{which}, and {what} of {listed(theirs)} {'has' if len(found) < 2 else 'have'} its name, "
        f"version or detector; name one, such as {file}[{theirs[0].key}]"
    )


def _siblings(image: ImageSource) -> list[HduFacts]:
    """Return the images of the file that the image comes from."""
    return _images_in(str(image.origin().get("input", ""))) or []


def _belonging(
    mine: HduFacts, theirs: Sequence[HduFacts], siblings: Callable[[], list[HduFacts]]
) -> list[HduFacts]:
    """Return the images that belong to one: by name, version, detector, or place."""
    found = [each for each in theirs if not _contradicts(mine, each)]
    told = False
    for belongs in (_of_name, _of_version, *map(_of_detector, mine.detectors)):
        some = [each for each in found if belongs(mine, each)]
        # What all of them have in common tells nothing.
        if some and (len(some) < len(theirs) or len(found) < len(theirs)):
            found, told = some, True
    if told or any(_of_name(mine, each) for each in found):
        return found
    if mine.name and all(each.name for each in theirs):
        return []
    return _in_place(mine, theirs, siblings())


def _contradicts(mine: HduFacts, other: HduFacts) -> bool:
    """Whether two images say that they are of different detectors."""
    versions = None not in (mine.version, other.version) and mine.version != other.version
    named = dict(mine.detectors)
    return versions or any(named.get(card, value) != value for card, value in other.detectors)


def _of_name(mine: HduFacts, other: HduFacts) -> bool:
    return bool(mine.name) and other.name == mine.name


def _of_version(mine: HduFacts, other: HduFacts) -> bool:
    return mine.version is not None and other.version == mine.version


def _of_detector(detector: tuple[str, str]) -> Callable[[HduFacts, HduFacts], bool]:
    return lambda _, other: detector in other.detectors


def _in_place(
    mine: HduFacts, theirs: Sequence[HduFacts], siblings: Sequence[HduFacts]
) -> list[HduFacts]:
    """Return the image that is in the same place among as many of the same shapes."""
    if [_long(each) for each in siblings] != [_long(each) for each in theirs]:
        return []
    numbers = [each.number for each in siblings]
    return [theirs[numbers.index(mine.number)]] if mine.number in numbers else []


def _long(image: HduFacts) -> tuple[int, ...]:
    """Return the shape of an image without axes of length 1."""
    return tuple(length for length in image.shape if length > 1)
