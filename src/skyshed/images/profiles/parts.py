"""What is taken of a product, of one file or of several that are one image."""

from collections.abc import Mapping, Sequence
from typing import Any

from skyshed.images.doubted import warn_of_image
from skyshed.images.joined import JoinedSource
from skyshed.images.null_planes import ConstantSource
from skyshed.images.pixels import RefusedError
from skyshed.images.profiles.product import Product
from skyshed.images.profiles.taking import Plain, Taken, product_in, take
from skyshed.images.said import NOT_USED, Said
from skyshed.images.source import ImageSource

__all__ = ["taken_in"]

#: Texts of the record that differ between parts and are quoted.
QUOTED = 3


def taken_in(
    name: str | None, image: ImageSource, given: Any, user: Mapping[str, Any], mask_bits: Any
) -> Taken | None:
    """Return what is taken of the product that an image is; see `skyshed.images.taken.taken_as`.

    Files that are one image are a product if all are the same; of each the planes of its own file
    are taken.
    """
    if isinstance(image, JoinedSource):
        return _of_parts(name, image, given, user, mask_bits)
    product = product_in(name, image, given)
    if product is None:
        return None
    if isinstance(product, Plain):
        return product.taken(image, mask_bits)
    return take(product, image, given, user, mask_bits)


def _of_parts(
    name: str | None, image: JoinedSource, given: Any, user: Mapping[str, Any], mask_bits: Any
) -> Taken | None:
    """Return what is taken of each part, as one."""
    is_list = isinstance(given, list | tuple) and len(given) == len(image.parts)
    each_given = given if is_list else [None] * len(image.parts)
    products = [product_in(name, *each) for each in zip(image.parts, each_given, strict=True)]
    whole = [each for each in products if isinstance(each, Product)]
    called = [
        each.profile.name if isinstance(each, Product) else f"none ({each.why})" if each else "none"
        for each in products
    ]
    other = next((k for k, text in enumerate(called) if text != called[0]), None)
    if other is not None:
        places = (f"{image.parts[k].label} is {called[k]}" for k in (0, other))
        return Plain(f"the parts are not of one product: {', '.join(places)}").taken(
            image, mask_bits
        )
    if not whole:
        first = products[0]
        return first.taken(image, mask_bits) if isinstance(first, Plain) else None
    taken = [
        take(*each, user, mask_bits)
        for each in zip(whole, image.parts, each_given, strict=True)
    ]  # fmt: skip
    return _as_one(image, taken)


def _as_one(image: JoinedSource, taken: Sequence[Taken]) -> Taken:
    """Put together what is taken of each part."""
    first = taken[0]
    for part, each in zip(image.parts, taken, strict=True):
        if each.mask_bits != first.mask_bits:
            raise RefusedError(
                f"the masks of {image.parts[0].label} and {part.label} number their bits in "
                f"different ways ({_bits(first)}; {_bits(each)}): bring them to the same bits and "
                "give them as mask, or give profile='plain' (--as plain)"
            )
    companions = {}
    lacking = []
    for argument in dict.fromkeys(name for each in taken for name in each.companions):
        planes = [each.companions.get(argument) for each in taken]
        if argument != "mask" and None in planes:
            which = image.parts[planes.index(None)].label
            lacking.append(f"{argument}: {which} has none")
            warn_of_image(
                f"{argument} is taken from the file of each part, and {which} has none: it is left "
                f"out; give {argument}"
            )
            continue
        companions[argument] = _laid(image, planes)
    masks = [each.own_mask for each in taken]
    return Taken(
        image.laid([each.image for each in taken]),
        companions,
        _laid(image, masks) if any(masks) else None,
        first.mask_bits,
        any(each.relative for each in taken),
        _said(image, taken, lacking),
    )


def _laid(image: JoinedSource, planes: Sequence[ImageSource | None]) -> JoinedSource:
    """Return planes of the parts as one; a part without one has no bad pixels by it."""
    dtype = next(each.as_integers().dtype for each in planes if each is not None)
    filled = [
        ConstantSource(part.shape, dtype, 0, f"the mask of {part.label}")
        if plane is None
        else plane
        for part, plane in zip(image.parts, planes, strict=True)
    ]
    return image.laid(filled)


def _bits(taken: Taken) -> str:
    return "all" if taken.mask_bits is None else ", ".join(map(str, taken.mask_bits))


def _said(image: JoinedSource, taken: Sequence[Taken], lacking: Sequence[str]) -> Said:
    """Return what is said of all parts: once where it is the same, and numbers only then."""
    labels = [part.label for part in image.parts]
    doubt = next((each.said.doubt for each in taken if each.said.doubt), "")
    parameters: dict[str, Any] = {}
    dropped = []
    for name in dict.fromkeys(name for each in taken for name in each.said.parameters):
        values = [each.said.parameters.get(name) for each in taken]
        other = next((k for k, value in enumerate(values) if value != values[0]), None)
        if other is None:
            parameters[name] = values[0]
            continue
        differs = (
            f"{name} differs between the parts of the image: it is {values[0]} in {labels[0]} and "
            f"{values[other]} in {labels[other]}"
        )
        dropped.append(name)
        lacking = [*lacking, differs]
        if name == "zero_point":
            doubt = doubt or differs
        elif name == "effective_gain":
            warn_of_image(
                f"{differs}; the noise of the sources is left out of the errors: give "
                "effective_gain, or error"
            )
    if "zero_point" in dropped:
        parameters.pop("zero_point_system", None)
    of_dropped = {"zero_point": "profile_zero_point", "effective_gain": "profile_gain"}
    record = {}
    for key in dict.fromkeys(key for each in taken for key in each.said.record):
        if key not in {of_dropped.get(name) for name in dropped}:
            record[key] = _quoted([each.said.record.get(key, "nothing") for each in taken], labels)
    record["profile"] += f", each of {len(taken)} parts"
    if lacking:
        record[NOT_USED] = "; ".join(filter(None, [record.get(NOT_USED, ""), *lacking]))
    return Said(record, parameters, doubt)


def _quoted(texts: Sequence[str], labels: Sequence[str]) -> str:
    """Return a text that all parts have, or what some of them have."""
    if len(set(texts)) == 1:
        return texts[0]
    some = [f"{label}: {text}" for label, text in zip(labels, texts, strict=True)][:QUOTED]
    return "; ".join(some + ["..."] * (len(texts) > QUOTED))
