"""What a run takes of the product that its image is, by its headers or as the user says."""

from collections.abc import Mapping
from typing import Any

from skyshed.images.said import PLAIN
from skyshed.images.source import ImageSource
from skyshed.images.structure import has_signs

__all__ = ["taken_as"]


def taken_as(
    name: str | None, image: ImageSource, given: Any, user: Mapping[str, Any], mask_bits: Any
) -> Any:
    """Return what is taken of the product that an image is: by its headers, or as the user says.

    Parameters
    ----------
    name : str or None
        A profile, ``"plain"`` for none, or `None` for that of the headers.
    image : ImageSource
        The image.
    given : object
        What the user gave as the image.
    user : mapping of str to object
        What they gave as companions.
    mask_bits : tuple or None
        The bits of the mask that they named.

    Returns
    -------
    taken : `~skyshed.images.profiles.taking.Taken` or None
        `None` of an image that is none, and has no signs of one.

    Raises
    ------
    ValueError
        If there is no such profile, or the image cannot be it.
    TypeError
        If ``name`` is no text.
    """
    if name is not None and not isinstance(name, str):
        raise TypeError(
            f"profile must be the name of one, {PLAIN!r} or None, got {type(name).__name__}"
        )
    parts = (image.header,) if image.header is None else image.header.parts
    if name == PLAIN or (name is None and not any(map(has_signs, parts))):
        return None
    from skyshed.images.profiles.parts import taken_in

    return taken_in(name, image, given, user, mask_bits)
