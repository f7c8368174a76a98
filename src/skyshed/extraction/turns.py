"""What is to be done to several images: one turn for each, checked before the first begins."""

import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from skyshed.arguments import is_path
from skyshed.chain.columns import check_columns
from skyshed.chain.request import Request
from skyshed.extraction.device import check_device
from skyshed.extraction.entry import open_request
from skyshed.extraction.hdus import Chosen
from skyshed.extraction.plan import Resources
from skyshed.images.hdu_names import is_name_and_version
from skyshed.images.headers import split_path
from skyshed.messages import find_stack_level
from skyshed.mosaic.memory import available, in_bytes
from skyshed.parameters import Parameters

__all__ = [
    "PER_IMAGE", "Turn", "as_images", "check_settings", "hdus_of_each", "image_names",
    "is_one_file", "make_turns",
]  # fmt: skip

#: Arguments of `skyshed.extract` that are one for all images, or a list of one for each.
PER_IMAGE = (
    "hdu", "weight", "rms", "variance", "background", "error", "mask", "quality", "wcs",
    "segmentation", "detection_image", "detection_weight", "detection_rms", "detection_variance",
    "detection_background", "detection_mask", "detection_cat", "region", "profile",
    "association",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Turn:
    """One of several images, with all that goes with it; nothing is opened yet.

    Attributes
    ----------
    image : image
        The image, as it was given.
    name : str
        What messages call it.
    options : mapping of str to object
        What `skyshed.extraction.entry.open_request` takes besides.
    resources : Resources
        What its run may use.
    hdu_name : str or None
        What names its HDU in brackets, where it is one of several of its file.
    """

    image: Any
    name: str
    options: Mapping[str, Any]
    resources: Resources
    hdu_name: str | None = None

    def open(self) -> Request:
        """Open the image and all that goes with it; its pixels are not read."""
        return open_request(self.image, **self.options)

    def opened(self, request: Request, heard: Sequence[tuple[Any, type[Warning]]]) -> "OpenedTurn":
        """Return the same, that need not be opened again."""
        own = {each.name: getattr(self, each.name) for each in fields(Turn)}
        return OpenedTurn(**own, request=request, heard=heard)


@dataclass(frozen=True, eq=False)
class OpenedTurn(Turn):
    """One that was opened before its turn, and is not opened again.

    Attributes
    ----------
    request : Request
        The image and all that goes with it.
    heard : sequence of (text, category)
        Warnings about it.
    """

    request: Request | None = None
    heard: Sequence[tuple[Any, type[Warning]]] = ()

    def open(self) -> Request:
        """Return what was opened, and warn as then."""
        for message, category in self.heard:
            warnings.warn(str(message), category, stacklevel=find_stack_level())
        assert self.request is not None
        return self.request


def is_one_file(images: Any) -> bool:
    """Whether what is given as images is one that may have several HDUs."""
    return is_path(images) or hasattr(images, "index_of")


def as_images(images: Any, hdu: Any = None) -> list[Any]:
    """Return several images as a list; one file is one if ``hdu`` says which HDUs of it are meant.

    Raises
    ------
    TypeError
        If it is one image, or no images at all.
    ValueError
        If there is none.
    """
    if hdu is not None and is_one_file(images):
        return [images]
    axes = getattr(images, "ndim", None)
    hdus = hasattr(images, "index_of")
    one = is_path(images) or hdus or hasattr(images, "header") or axes not in (None, 3)
    if one or isinstance(images, Mapping) or not isinstance(images, Iterable):
        shown = repr(images) if is_path(images) else f"a {type(images).__name__}"
        several = ", say which of its HDUs are meant (hdu='all')" if is_one_file(images) else ""
        what = "its HDUs that are images" if hdus else "images"
        raise TypeError(
            f"images must be a list of images, got {shown}: give a list of {what}{several}, or "
            "give one image to skyshed.extract"
        )
    listed = _planes_of(images)
    if not listed:
        raise ValueError("images is empty: give at least one image")
    return listed


def image_names(images: Sequence[Any], hdu: Any = None) -> list[str]:
    """Return what messages call the images; an HDU that a list gives belongs to the name.

    Examples
    --------
    >>> from skyshed.extraction.turns import image_names
    >>> image_names(["a.fits", [[0, 1], [2, 3]], ["b.fits", "c.fits"]])
    ['a.fits', 'images[1]', 'b.fits and 1 more']
    >>> image_names(["a.fits", "a.fits"], hdu=[1, "SCI"])
    ['a.fits[1]', 'a.fits[SCI]']
    """
    numbers = _for_each(hdu, "hdu", len(images)) if _is_series(hdu, "hdu") else [None] * len(images)
    names = []
    for place, (image, number) in enumerate(zip(images, numbers, strict=True)):
        several = isinstance(image, (list, tuple)) and len(image) > 0 and all(map(is_path, image))
        if is_path(image):
            name = os.fspath(image)
        elif several:
            more = f" and {len(image) - 1} more" if len(image) > 1 else ""
            name = f"{os.fspath(image[0])}{more}"
        else:
            name = f"images[{place}]"
        names.append(name if number is None else f"{name}[{number}]")
    return names


def hdus_of_each(images: Sequence[Any], hdu: Any) -> list[Any]:
    """Return the HDUs that are meant of each of the images that were given."""
    return _for_each(hdu, "hdu", len(images))


def make_turns(
    chosen: Sequence[Chosen],
    n_given: int | None,
    resources: Sequence[Resources],
    options: Mapping[str, Any],
    **common: Any,
) -> list[Turn]:
    """Give every image its turn.

    Parameters
    ----------
    chosen : sequence of Chosen
        The images.
    n_given : int or None
        How many were given, some of which may be several HDUs of a file; `None` where lists have a
        value for each HDU.
    resources : sequence of Resources
        What each may use.
    options : mapping of str to object
        Of the arguments `PER_IMAGE` all but ``hdu``: a list has one value for each image that was
        given, all else is for all.
    **common
        Further arguments of `skyshed.extraction.entry.open_request`, for all.

    Raises
    ------
    ValueError
        If a list has another length, or a file is given twice with the same options.
    """
    n = len(chosen) if n_given is None else n_given
    listed = {name: _for_each(value, name, n) for name, value in options.items()}
    turns = []
    for k, each in enumerate(chosen):
        place = k if n_given is None else each.place
        own = {key: values[place] for key, values in listed.items()}
        turns.append(
            Turn(
                each.image, each.name, {**common, **own, "hdu": each.hdu}, resources[k],
                each.hdu_name,
            )
        )  # fmt: skip
    _check_different(turns)
    return turns


def check_settings(
    parameters: Any, overrides: Mapping[str, Any], device: Any, memory: Any, scheduler: Any
) -> Parameters:
    """Return the parameters of all images; refuse what would fail for every one of them.

    Raises
    ------
    TypeError
        If ``parameters`` are none, or one does not exist.
    ValueError
        If a parameter, ``device`` or ``memory`` is not allowed, or a column does not exist.
    ImportError
        If the device needs a package that is not installed.
    OSError
        If there is no scheduler at the address.
    """
    if parameters is not None and not isinstance(parameters, Parameters):
        raise TypeError(f"parameters must be skyshed.Parameters, got {type(parameters).__name__}")
    settings: Parameters = (parameters or Parameters()).replace(**overrides)
    check_columns(settings.columns, has_wcs=True)
    if check_device(device, scheduler) == "cuda":
        available("cuda")
    if memory is not None:
        in_bytes(memory)
    if scheduler is not None:
        from skyshed.mosaic.engine import connect  # here: images at once need nothing of it

        with closing(connect(scheduler, 1)):
            pass
    return settings


def _is_series(value: Any, name: str) -> bool:
    """Whether an argument has one value for each image."""
    if name == "hdu" and is_name_and_version(value):
        return False
    if name == "region" and isinstance(value, (list, tuple)):
        return not all(isinstance(each, (int, np.integer)) for each in value)
    listed = isinstance(value, (list, tuple)) and not hasattr(value, "index_of")
    return listed or getattr(value, "ndim", None) == 3


def _for_each(value: Any, name: str, n_images: int) -> list[Any]:
    """Return one value of an argument for each image."""
    if not _is_series(value, name):
        return [value] * n_images
    if len(value) != n_images:
        raise ValueError(
            f"{name} has {len(value)} values and images has {n_images}: give one for each image, "
            f"in the same order, or one for all that is no list (an array, a path, ...)"
        )
    return _planes_of(value)


def _planes_of(values: Any) -> list[Any]:
    """Return the values of a list, or the planes of an array: a device's is not walked through."""
    if getattr(values, "ndim", None) is None:
        return list(values)
    return [values[k] for k in range(len(values))]


def _check_different(turns: Sequence[Turn]) -> None:
    """Refuse a file that is given twice with the same options, which is a slip."""
    seen: dict[Any, str] = {}
    for turn in turns:
        if not is_path(turn.image):
            continue
        file, hdu = split_path(turn.image)
        hdu = turn.hdu_name if hdu is None else hdu
        hdu = turn.options.get("hdu") if hdu is None else hdu
        others = (turn.options[key] for key in PER_IMAGE if key in turn.options and key != "hdu")
        key = (
            os.path.realpath(file), None if hdu is None else str(hdu),
            *(os.fspath(each) if is_path(each) else id(each) for each in others),
        )  # fmt: skip
        if key in seen:
            raise ValueError(
                f"images has {turn.name!r} twice (also as {seen[key]!r}): leave one out"
            )
        seen[key] = turn.name
