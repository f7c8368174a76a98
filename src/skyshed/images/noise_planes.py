"""Planes that say the noise of each pixel: weights, variances and noise, and what they mean.

A pixel without a weight is written in several ways: a weight of 0, negative or NaN; a variance of
1e30 (SExtractor's ``BIG``; its manual, Weighting), or a noise of 1e15, its square root, or more.
"""

import re
from typing import Any

import astropy.units as u
import numpy as np

from skyshed.images.source import ImageSource

__all__ = ["NOISE_PLANES", "check_meaning", "noise_of", "refuse_noise"]

#: The planes that say the noise of the background, by the names of the arguments, and the power of
#: the noise that each holds.
NOISE_PLANES = {"weight": -2, "rms": 1, "variance": 2}
#: A variance that means that there is no weight, less than float32 rounds it by.
NO_WEIGHT = 0.999e30
#: What the names of HDUs say that they hold -> the power of the noise.
NAMED = (
    (2, re.compile(r"VAR(IANCE)?(_.*)?|.*_VAR(IANCE)?")),
    (-2, re.compile(r"WHT|WGT|WEIGHTS?|IVAR|INVVAR|.*_(WHT|WEIGHT|IVAR)")),
    (1, re.compile(r"RMS|ERR(OR)?S?|SIGMA|STD(DEV)?|UNC(ERT|ERTAINTY)?|.*_(RMS|ERR)")),
)
#: The power of the noise -> what that is called, and the argument for it.
CALLED = {
    2: ("a variance", "variance"), -2: ("an inverse variance", "weight"),
    1: ("a standard deviation", "rms, or as error if it is that of the whole flux"),
}  # fmt: skip


def noise_of(name: str, values: Any, factor: float, threshold: float | None = None) -> Any:
    """Return the noise that a plane says, 0 where it has no weight.

    Parameters
    ----------
    name : str
        One of `NOISE_PLANES`.
    values : array of float32 or float64
        The plane, as it is stored.
    factor : float
        What it is multiplied by to be in the unit of the image.
    threshold : float, optional
        Of weights as they are stored: lower ones are none.
    """
    power = NOISE_PLANES[name]
    good = np.isfinite(values) & (values > 0)
    # Of a weight the least that counts, of others the largest.
    limit = NO_WEIGHT ** (power / 2)
    good &= values > limit if power < 0 else values < limit
    if threshold is not None:
        good &= values >= threshold
    values = np.where(good, values, values.dtype.type(1))
    if factor != 1.0:
        values = values * values.dtype.type(factor)
    if power != 1:
        values = np.sqrt(values)
    if power < 0:
        values = np.divide(1, values, out=values)
    return np.where(good, values, values.dtype.type(0))


def check_meaning(source: ImageSource, name: str, power: int, unit: Any) -> None:
    """Refuse a plane that is, by its unit or the name of its HDU, another power of the noise.

    Parameters
    ----------
    source : ImageSource
        The plane.
    name : str
        The argument.
    power : int
        That of the noise that the argument stands for.
    unit : `~astropy.units.UnitBase` or None
        The image's.

    Raises
    ------
    ValueError
        If it is; the message says what to give it as.
    """
    said = [_named(source)]
    if unit is not None and source.unit is not None:
        said.append(_of_unit(source.unit, unit))
    others = [each for each in said if each[0] not in (None, power)]
    if not others:
        return
    is_power, why = others[0]
    assert is_power is not None
    what, argument = CALLED[is_power]
    prefix = next((name.removesuffix(each) for each in NOISE_PLANES if name.endswith(each)), "")
    if prefix:  # of what goes with a detection image, for which no errors are given
        argument = argument.partition(",")[0]
    raise ValueError(
        f"{name} must be {CALLED[power][0]}, and {source.label} is {what} by {why}: give it as "
        f"{prefix}{argument}"
    )


def refuse_noise(source: ImageSource, name: str) -> None:
    """Refuse a plane of noise, by the name of its HDU, where the level of the sky is meant.

    Raises
    ------
    ValueError
        If it is one; the message says what to give it as.
    """
    power, why = _named(source)
    if power is not None:
        what, argument = CALLED[power]
        raise ValueError(
            f"{name} must be the level of the sky, and {source.label} is {what} by {why}: give it "
            f"as {argument}"
        )


def _named(source: ImageSource) -> tuple[int | None, str]:
    """Return the power of the noise that the name of an HDU says, and the name."""
    name = "" if source.hdu is None else source.hdu.name
    for power, pattern in NAMED:
        if pattern.fullmatch(name):
            return power, f"its name, {name}"
    return None, ""


def _of_unit(unit: Any, of_image: Any) -> tuple[int | None, str]:
    """Return the power of the image's unit that a unit is; the first is often only copied."""
    if of_image.is_equivalent(u.dimensionless_unscaled):
        return None, ""
    for power in (2, -2):
        if unit.is_equivalent(of_image**power):
            return power, f"its unit, {unit}"
    return None, ""
