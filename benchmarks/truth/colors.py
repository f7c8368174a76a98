"""Colors of stars between two bands of different seeing."""

import warnings
from typing import Any

import numpy as np

from benchmarks.truth.fields import Plan
from benchmarks.truth.figures import NEAR, SHARE
from benchmarks.truth.simulate import noise, simulate
from skyshed import extract_bands
from skyshed.quality.matching import isolated, match

__all__ = ["COLOR_FIELDS", "color_pulls"]

#: The fields in which they are measured; both bands have the same sources, of color 0.
COLOR_FIELDS = ("survey", "sparse, disks and stars", "resampled")
#: The worse seeing over the better, as in the findings.
WORSE = 5.0 / 3.5
#: The radius of the apertures, in units of the worse FWHM.
APERTURE = 1.0
BRIGHTEST, FAINTEST = -2.5, -0.5


def color_pulls(plan: Plan, seed: int, side: int, limit: float, options: dict[str, Any]) -> Any:
    """Return color / error of stars without neighbours, in matched apertures."""
    sharp = simulate(plan, seed, side)
    blurred = simulate(plan, seed, side, psf_fwhm=sharp.psf_fwhm * WORSE)
    rng = np.random.default_rng([seed, 3])
    bands = {"a": sharp.data, "b": _with_other_noise(plan, blurred, rng)}
    radius = round(APERTURE * blurred.psf_fwhm, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = extract_bands(
            bands, detect=("a",), zero_point=30.0, effective_gain=sharp.gain,
            psf_fwhm={"a": sharp.psf_fwhm, "b": blurred.psf_fwhm}, aperture_radii=(radius,),
            **{**options, "aperture_correction": False},
        ).table  # fmt: skip
    x, y = (np.asarray(table[f"{each}centroid"], float) for each in "xy")
    found = match(x, y, sharp.x, sharp.y, sharp.flux, 3.0)
    m = sharp.magnitude
    chosen = (found.detection_of >= 0) & sharp.star
    chosen &= isolated(sharp.x, sharp.y, sharp.flux, NEAR * blurred.psf_fwhm, SHARE)
    chosen &= (m > limit + BRIGHTEST) & (m < limit + FAINTEST)
    detection = found.detection_of[chosen]
    name = f"aperture_{radius:.6g}".replace(".", "p")
    color, error = (
        np.asarray(table[f"{name}_{kind}_a_b"], float)[detection] for kind in ("color", "colorerr")
    )
    return color / error


def _with_other_noise(plan: Plan, sky: Any, rng: np.random.Generator) -> Any:
    """Return the image of a field with noise of its own."""
    error = np.sqrt(sky.rms**2 + np.maximum(sky.light, 0) / sky.gain)
    return (sky.light + sky.sky + error * noise(sky.data.shape, plan, rng)).astype(np.float32)
