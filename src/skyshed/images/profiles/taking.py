"""What is taken of a product for an extraction: planes that the user has not given himself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from skyshed.images.doubted import warn_of_image
from skyshed.images.noise_planes import NOISE_PLANES
from skyshed.images.open import open_image
from skyshed.images.profiles.declared import (
    ERROR,
    ERROR_VARIANCE,
    MASK,
    NO_DATA,
    RELATIVE_WEIGHT,
    ROLES,
)
from skyshed.images.profiles.planes import DeviationSource, InUnit, NoDataMask
from skyshed.images.profiles.product import FoundPlane, Product
from skyshed.images.profiles.registry import check_name, forced, may_be_known, nearly, recognise
from skyshed.images.said import NOT_USED, PLAIN, Said
from skyshed.images.source import ImageSource
from skyshed.images.structure import Structure, structure_in, structure_of
from skyshed.images.unit_texts import parsed_unit

__all__ = ["Plain", "Taken", "product_in", "take"]


@dataclass(frozen=True)
class Taken:
    """What is taken of a product.

    Attributes
    ----------
    image : ImageSource
        The image, in the unit that is known.
    companions : mapping of str to ImageSource
        The planes, by the arguments of `skyshed.extract` that they are.
    own_mask : ImageSource or None
        True where the image has no data.
    mask_bits : tuple of int or None
        Of the mask that is taken or given, the bits that reject a pixel; `None` for all.
    relative : bool
        Whether the weight that is taken is right up to a factor only.
    said : Said
        What the run says about it.
    """

    image: ImageSource
    companions: Mapping[str, ImageSource]
    own_mask: ImageSource | None
    mask_bits: tuple[int, ...] | None
    relative: bool
    said: Said


class Plain(NamedTuple):
    """Why an image that has signs of a product is taken as a plain one."""

    why: str

    def taken(self, image: ImageSource, mask_bits: Any) -> Taken:
        """Return the image, without any planes, and what the run record says."""
        return Taken(
            image, {}, None, mask_bits, False, Said({"profile": f"{PLAIN}: {self.why}"}, {})
        )


def product_in(name: str | None, image: ImageSource, given: Any) -> Product | Plain | None:
    """Return which product an image is; see `skyshed.images.taken.taken_as`."""
    if name is not None:
        check_name(name)
    elif not may_be_known(image.header):  # so that its file need not be opened again
        return None
    if _is_hdulist(given) and image.hdu is not None:
        return _product(name, structure_of(given, image.hdu.number))
    origin = image.origin()
    if "input_hdu" in origin:
        with structure_in(str(origin["input"]), int(origin["input_hdu"])) as structure:
            return _product(name, structure)
    if image.hdu is not None and hasattr(given, "header"):  # an HDU, which knows of no other
        return _product(name, structure_of([given], 0, images=[image.hdu]))
    if name is None:
        return None
    raise ValueError(
        f"profile is given as {name!r}, and image is no FITS file, HDUList or HDU, whose headers "
        "it is about: leave profile (--as) out"
    )


def _product(name: str | None, structure: Structure) -> Product | Plain | None:
    if name is not None:
        return forced(name, structure)
    product = recognise(structure)
    why = nearly(structure) if product is None else ""
    return Plain(why) if why else product


def take(
    product: Product, image: ImageSource, given: Any, user: Mapping[str, Any], mask_bits: Any
) -> Taken:
    """Open the planes of a product that the user has not given himself.

    Parameters
    ----------
    product : Product
        The product.
    image : ImageSource
        The image.
    given : object
        What the user gave as the image; planes of an HDUList are in it.
    user : mapping of str to object
        What he gave as companions.
    mask_bits : tuple of int or None
        The bits of the mask that he named.
    """
    container = given if _is_hdulist(given) else product.file
    shown = {"image": _shown_image(product, image)}
    if image.unit is None and not image.unknown_unit and product.unit:
        image = InUnit(image, parsed_unit(product.unit))
    has_noise = any(name in user for name in NOISE_PLANES)
    companions: dict[str, ImageSource] = {}
    empty: list[ImageSource] = []
    bits, relative = mask_bits, False
    passed = []
    parameters: dict[str, Any] = {}
    for found in product.planes:
        role, argument = found.plane.role, ROLES[found.plane.role]
        theirs = has_noise if argument in NOISE_PLANES else argument in user
        if theirs and role != NO_DATA:  # where there are no data, nobody has any
            passed.append(f"{found.name} ({argument} is given)")
            continue
        source = _opened(container, argument, found.number)
        if role == NO_DATA:
            empty.append(source)
            what = "no data where it is not above 0"
        elif role == MASK:
            companions[argument] = source
            own = tuple(sorted(set(found.bits.values()))) or None
            bits = mask_bits or own
            parameters |= {} if own is None else {"mask_bits": own}
            what = _shown_bits(found, bits, mask_bits)
        else:
            companions[argument] = _as_noise(source, role, image)
            relative = relative or role == RELATIVE_WEIGHT
            what = role
        about = f"HDU {found.number} {found.name} ({what})"
        shown[argument] = f"{shown[argument]}; {about}" if argument in shown else about
    record = _record(product, shown, passed, user)
    if product.zero_point is not None:
        parameters["zero_point"] = product.zero_point.value
        parameters["zero_point_system"] = product.zero_point.system
    if product.gain is not None and "error" not in companions and "error" not in user:
        parameters["effective_gain"] = product.gain.value
        record["profile_gain"] = product.gain.how
    if "gain" in product.doubts and "error" not in companions and "error" not in user:
        warn_of_image(
            f"{image.label}: {product.doubts['gain']}; the noise of the sources is left out of the "
            "errors: give effective_gain"
        )
    return Taken(
        image, companions, NoDataMask(tuple(empty)) if empty else None, bits, relative,
        Said(record, parameters, product.doubts.get("zero_point", "")),
    )  # fmt: skip


def _is_hdulist(given: Any) -> bool:
    return isinstance(given, list) and hasattr(given, "index_of")


def _opened(container: Any, argument: str, number: int) -> ImageSource:
    """Open a plane."""
    return open_image(container, argument, number).image


def _as_noise(source: ImageSource, role: str, image: ImageSource) -> ImageSource:
    """Return a plane of noise; a unit that was copied from the image says nothing."""
    power = {ERROR: 1, ERROR_VARIANCE: 2}.get(role)
    if power is None:
        return source
    unit = source.unit
    known = unit is not None and image.unit is not None
    if not (known and unit.is_equivalent(image.unit**power)):
        unit = None
    if role == ERROR_VARIANCE:
        return DeviationSource(source, None if unit is None else unit**0.5)
    return source if unit is source.unit else InUnit(source, None)


def _shown_image(product: Product, image: ImageSource) -> str:
    unit = image.unit or image.unknown_unit or product.unit or "a unit that is not known"
    name = "" if product.name == str(product.number) else f" {product.name}"
    return f"HDU {product.number}{name}, in {unit}"


def _shown_bits(found: FoundPlane, bits: Any, given: Any) -> str:
    """Say which bits of a mask count."""
    if given:
        return f"bits {', '.join(map(str, given))}, as given"
    if bits is None:
        return "pixels that are not 0"
    return f"bits {', '.join(f'{bit} {name}' for name, bit in found.bits.items())}"


def _record(
    product: Product, shown: Mapping[str, str], passed: list[str], user: Mapping[str, Any]
) -> dict[str, str]:
    """Return what the run record says of the product."""
    profile = product.profile
    record = {"profile": f"{profile.name}: {profile.about}; by {product.why}"}
    record.update({f"profile_{argument}": about for argument, about in shown.items()})
    if product.zero_point is not None:
        record["profile_zero_point"] = product.zero_point.how
    unused = [f"{each.what} ({each.why})" for each in profile.unused]
    unused += [
        f"{each.how} ({what})"
        for what, each in (("saturation", product.saturation), ("exposure", product.exposure))
        if each is not None
    ]
    lacking = [f"{role}: {why}" for role, why in product.lacking.items()]
    lacking += [f"{name.replace('_', ' ')}: {why}" for name, why in product.doubts.items()]
    if passed or unused or lacking:
        record[NOT_USED] = "; ".join([*passed, *unused, *lacking])
    missing = [
        f"{each.what}: --{each.option}" for each in profile.elsewhere
        if each.option not in user
    ]  # fmt: skip
    if missing:
        record["profile_not_given"] = "; ".join(missing)
    return record
