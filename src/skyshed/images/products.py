"""Which product of an observatory an image is: a cheap look at a few cards, then the registry.

The registry is imported only where a header has a card that it goes by: most files are none of it.
"""

from typing import Any

from skyshed.images.structure import Structure, has_signs

__all__ = ["product_of"]


def product_of(structure: Structure) -> Any:
    """Return which product an image is, `None` if it is none that is known.

    Returns
    -------
    product : `~skyshed.images.profiles.product.Product` or None
        The profile, and what of it this file has.
    """
    if not has_signs(structure.cards):
        return None
    from skyshed.images.profiles.registry import recognise

    return recognise(structure)
