"""Parameters that name a card of the image's header or a bit of the mask, and what these say."""

import os
from dataclasses import fields, replace
from typing import Any

import astropy.units as u

from skyshed.images.cards import Cards
from skyshed.images.exposure import Exposure
from skyshed.images.kernel_file import read_kernel
from skyshed.images.pixels import RefusedError
from skyshed.parameters import Parameters

__all__ = ["changed_in", "settled"]

#: Parameters that may be the name of a card.
NUMBERS = ("saturation", "effective_gain", "exposure_time", "zero_point")


def settled(
    parameters: Parameters, exposure: Exposure
) -> tuple[Parameters, Exposure, dict[str, str]]:
    """Return parameters that are numbers all, the exposure with them, and where they are from.

    Returns
    -------
    parameters : Parameters
        The same, with numbers for names.
    exposure : Exposure
        The same, with its saturation.
    cards : dict of str to str
        For the record: the card of each, ``zero_point_card``, and the names of bits.

    Raises
    ------
    ValueError
        If a card is not there, or is no number that is allowed, or ``exposure_time`` is given for
        data that are not per second, or without ``effective_gain``.
    """
    noted = {}
    for name in NUMBERS:
        card = getattr(parameters, name)
        if not isinstance(card, str):
            continue
        value, where = _cards(exposure, name, card).number(card, name)
        spelled = f"{card} = {value!r} of {where}"
        try:
            parameters = parameters.replace(**{name: value})
        except ValueError as error:
            raise RefusedError(f"{spelled}: {error}") from None
        noted[f"{name}_card"] = spelled
    if isinstance(parameters.kernel, str):
        parameters, noted["kernel_file"] = _with_kernel(parameters, parameters.kernel)
    if exposure.named_bits:
        names = ", ".join(f"{name} = {bit}" for name, bit in exposure.named_bits.items())
        noted["mask_bits_names"] = names
    if parameters.mask_bits is not None:
        parameters = parameters.replace(mask_bits=exposure.mask_bits)
    if parameters.exposure_time is not None:
        _check_time(parameters, exposure)
    if isinstance(parameters.saturation, float):
        exposure = replace(exposure, saturation=parameters.saturation)
    return parameters, exposure, noted


def _with_kernel(parameters: Parameters, path: str) -> tuple[Parameters, str]:
    """Return the parameters with the numbers of a file of a kernel, and where it is."""
    try:
        kernel = parameters.replace(kernel=read_kernel(path))
    except RefusedError:
        raise
    except ValueError as error:
        raise RefusedError(f"{path}: {error}") from None
    return kernel, os.path.abspath(path)


def _cards(exposure: Exposure, name: str, card: str) -> Cards:
    cards = exposure.image.header
    if cards is None:
        raise RefusedError(
            f"{name} is asked for by the name of a card, {card}, and {exposure.image.label} has no "
            "header: give a number"
        )
    return cards


def _check_time(parameters: Parameters, exposure: Exposure) -> None:
    """Refuse an exposure time that multiplies nothing, or that data do not lack."""
    if not parameters.effective_gain:
        raise RefusedError(
            "exposure_time multiplies effective_gain, which is not given: give effective_gain, the "
            "counts per unit of the data and second, or leave exposure_time out"
        )
    unit = exposure.unit
    if unit is not None and _is_count(unit):
        raise RefusedError(
            f"exposure_time is for data per second, and the image is in {unit}: leave it out, and "
            "give the counts per unit of the data as effective_gain"
        )


def _is_count(unit: u.UnitBase) -> bool:
    """Whether a unit is that of counts, not of counts per second; fluxes are per second."""
    counts = (u.electron, u.ct, u.ph, u.adu, u.DN)
    per_time = any(
        base.is_equivalent(u.s) and power < 0
        for base, power in zip(unit.bases, unit.powers, strict=True)
    )
    return any(base in counts for base in unit.bases) and not per_time


def changed_in(asked: Parameters, used: Parameters) -> dict[str, Any]:
    """Return the parameters that files gave other values, and what the user gave."""
    values = {each.name: getattr(asked, each.name) for each in fields(Parameters)}
    return {name: value for name, value in values.items() if value != getattr(used, name)}
