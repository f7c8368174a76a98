"""Simulated fields with all that is true about them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.ndimage import correlate1d
from scipy.special import gammaincc

from benchmarks.truth import bulges
from benchmarks.truth.fields import SIDE, Plan
from skyshed.kernels import rendering

__all__ = ["Sky", "noise", "simulate"]

#: Of the second simulator: the sky, electrons per unit, and the noise per pixel.
SKY, GAIN, READ_NOISE = 1000.0, 40.0, 0.5


@dataclass(frozen=True, eq=False)
class Sky:
    """An image and the truth.

    Attributes
    ----------
    plan : Plan
        What it is.
    data : array of float32, shape (ny, nx)
        The image.
    light, sky, rms : array of float, shape (ny, nx)
        Of the sources alone; of the sky alone; the noise without sources.
    gain : float
        Electrons per unit of the image.
    psf_fwhm, psf_beta : float
        Full width at half maximum in pixels, and exponent, of the Moffat PSF.
    x, y, flux, magnitude : array of float, shape (n,)
        The true sources. The flux is the light that is in the image: the survey's profiles end at a
        twentieth of the noise, which leaves 3 % of what the magnitude stands for out at 22.5, 4 %
        at 23.5.
    star : array of bool, shape (n,)
        Which of them are stars.
    light_of : callable
        Of an array of bool, shape (n,): the light of the sources that it chooses, like ``light``.
    """

    plan: Plan
    data: Any
    light: Any
    sky: Any
    rms: Any
    gain: float
    psf_fwhm: float
    psf_beta: float
    x: Any
    y: Any
    flux: Any
    magnitude: Any
    star: Any
    light_of: Callable[[Any], Any]

    @property
    def negative(self) -> Any:
        """The image mirrored at the sky: all that is found there is false."""
        return (2 * self.sky - self.data).astype(np.float32)


def simulate(plan: Plan, seed: int, side: int = SIDE, **changed: Any) -> Sky:
    """Make a field; ``changed`` conditions go before those of its plan."""
    conditions = {**plan.conditions, **changed}
    make = _survey if plan.simulator == "survey" else _bulges
    return make(plan, seed, side, conditions)


def _survey(plan: Plan, seed: int, side: int, conditions: dict[str, Any]) -> Sky:
    from skyshed.datasets import make_survey_image

    image = make_survey_image(
        (side, side), seed=seed, bad_fraction=0.0, bad_columns=0.0, chip_shape=None,
        saturation=1e9, **conditions,
    )  # fmt: skip
    gain = image.conditions.gain
    error, sky = image.error.astype(float), image.sky.astype(float)
    light = error**2 * gain - image.conditions.read_noise**2 / gain - sky
    data = image.data
    if any(plan.weights):
        data = (light + sky + error * noise(error.shape, plan, _noise_of(seed))).astype(np.float32)
    truth = {
        name: np.asarray(image.truth[name]) for name in ("x", "y", "flux", "magnitude", "type")
    }
    profiles, kind = image.field.profiles(image.window)

    def light_of(chosen: Any) -> Any:
        return rendering.render(profiles[chosen], kind[chosen], 0, 0, (side, side), None)

    return Sky(
        plan, data, light, sky, image.rms.astype(float), gain, image.psf_fwhm,
        image.conditions.psf_beta, truth["x"], truth["y"],
        truth["flux"] * _share_drawn(image), truth["magnitude"], truth["type"] == "star", light_of,
    )  # fmt: skip


def _share_drawn(image: Any) -> Any:
    """Return the share of each source's flux within the isophote where its profile ends."""
    table, kind = image.field.profiles(image.window)
    column = dict(zip(rendering.COLUMNS, table.T, strict=True))
    reach, power, rate, soft = (column[name] for name in ("reach", "power", "rate", "soft"))
    star = kind == rendering.MOFFAT
    share = np.empty(len(table))
    share[star] = 1 - (1 + reach[star]) ** (1 - power[star])
    p = power[~star]
    beyond = gammaincc(1 / p, rate[~star] * (reach + soft)[~star] ** p)
    share[~star] = 1 - beyond / gammaincc(1 / p, rate[~star] * soft[~star] ** p)
    return share


def _bulges(plan: Plan, seed: int, side: int, conditions: dict[str, Any]) -> Sky:
    truth = bulges.draw(side, conditions["density"], np.random.default_rng([seed, 1]))

    def light_of(chosen: Any) -> Any:
        some = {name: values[chosen] for name, values in truth.items()}
        return bulges.light_of(some, side, conditions["psf_fwhm"], conditions["psf_beta"])

    light = light_of(np.ones(len(truth["x"]), bool))
    error = np.sqrt((SKY + light) / GAIN + READ_NOISE**2)
    data = (light + SKY + error * noise(light.shape, plan, _noise_of(seed))).astype(np.float32)
    flat = np.full_like(light, SKY)
    return Sky(
        plan, data, light, flat, np.full_like(light, np.sqrt(SKY / GAIN + READ_NOISE**2)), GAIN,
        conditions["psf_fwhm"], conditions["psf_beta"], truth["x"], truth["y"], truth["flux"],
        truth["magnitude"], truth["kind"] == bulges.STAR, light_of,
    )  # fmt: skip


def noise(shape: tuple[int, int], plan: Plan, rng: np.random.Generator) -> Any:
    """Return noise of variance 1, correlated as the plan says."""
    a, b = plan.weights
    white = rng.standard_normal(shape)
    weights = np.array([b, a, 1.0, a, b])
    weights /= np.sqrt(np.sum(weights**2))
    return correlate1d(correlate1d(white, weights, 0, mode="wrap"), weights, 1, mode="wrap")


def _noise_of(seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, 2])
