"""The truth of a simulated field: its sources, the gradient of its sky, its bad columns.

It is drawn for the whole field from its seed, however small the window that is rendered.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skyshed.datasets import profiles
from skyshed.datasets.conditions import Conditions
from skyshed.kernels import rendering

__all__ = ["Field", "random_stream"]

STAR, DISK, ELLIPTICAL, SERSIC = 0, 1, 2, 3
TYPES = np.array(["star", "disk", "elliptical", "sersic"])
#: The fractions of galaxies that are exponential disks and de Vaucouleurs ellipticals; the others
#: have a Sersic index in the range `SERSIC_INDICES`.
DISK_FRACTION, ELLIPTICAL_FRACTION = 0.55, 0.2
SERSIC_INDICES = (0.6, 2.5)
#: Effective radii are log-normal about ``SIZE * 10 ** (SIZE_SLOPE * (m - SIZE_MAGNITUDE))``
#: arcseconds, with a scatter of SIZE_SCATTER dex (a distribution as in Shen et al. 2003).
SIZE, SIZE_MAGNITUDE, SIZE_SLOPE, SIZE_SCATTER = 0.35, 23.0, -0.13, 0.15
#: The axis ratio of a disk that is seen edge-on (Hubble 1926).
DISK_THICKNESS = 0.2
#: The least axis ratio of ellipticals.
LEAST_ELLIPTICAL = 0.5
#: A profile ends where it falls below this fraction of the noise.
FAINTEST = 0.05
#: Trails of saturated stars: half-length and half-width in units of the radius that is saturated,
#: and the power of the peak by which the length grows. They look like those of a detector, but are
#: not a model of one.
TRAIL_LENGTH, TRAIL_WIDTH, TRAIL_GROWTH = 8.0, 0.4, 0.3
#: The mean lengths in pixels of bad columns and cosmic rays, and the range of the peaks of cosmic
#: rays in units of the noise.
COLUMN_LENGTH, RAY_LENGTH, RAY_PEAK = 300.0, 12.0, (30.0, 300.0)
#: One over twice the variance of the profile across a cosmic ray, whose sigma is 0.45 pixels.
RAY_RATE = 1 / (2 * 0.45**2)


def random_stream(seed: int, purpose: int, row: int = 0, column: int = 0) -> np.random.Generator:
    """Return the random generator for one purpose and one block, independent of all others.

    It is counter-based (Philox; Salmon et al. 2011): seed and purpose are its key, row and column
    of the block are the upper half of its counter.
    """
    key = np.array([seed, purpose], dtype=np.uint64)
    counter = np.array([0, 0, row, column], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


@dataclass(frozen=True, eq=False)
class Field:
    """A field of the sky before it is observed.

    Attributes
    ----------
    shape : tuple of int
        The shape ``(ny, nx)`` in pixels.
    seed : int
        The seed of all random numbers.
    conditions : `Conditions`
        Sky, seeing, camera and populations.
    truth : dict of arrays, each of shape (n,)
        The sources: x, y, magnitude, flux, type (0 to 3, see `TYPES`), sersic_index,
        half_light_radius, axis_ratio, angle, parent.
    """

    shape: tuple[int, int]
    seed: int
    conditions: Conditions
    truth: dict[str, Any]

    @classmethod
    def draw(
        cls, shape: tuple[int, int], density: float, seed: int, conditions: Conditions
    ) -> "Field":
        """Draw the sources of a field, ``density`` per million pixels."""
        n = round(density * 1e-6 * shape[0] * shape[1])
        rng = random_stream(seed, 0)
        truth = _populations(n, rng, conditions)
        truth |= _positions(n, shape, rng, conditions)
        return cls(shape, seed, conditions, truth)

    def profiles(self, window: tuple[int, int, int, int]) -> tuple[Any, Any]:
        """Return the profiles that may reach a window, those of trails last, and their kinds."""
        c, faintest = self.conditions, FAINTEST * self.conditions.rms
        near = self._near(window, faintest)
        t = {name: values[near] for name, values in self.truth.items()}
        star = t["type"] == STAR
        table = np.empty((len(star), len(rendering.COLUMNS)))
        table[star] = profiles.star_profiles(
            t["x"][star], t["y"][star], t["flux"][star], c.psf_fwhm, c.psf_beta, faintest
        )
        galaxy = {name: values[~star] for name, values in t.items()}
        table[~star] = profiles.galaxy_profiles(
            galaxy["x"], galaxy["y"], galaxy["flux"], galaxy["sersic_index"],
            galaxy["half_light_radius"], galaxy["axis_ratio"], galaxy["angle"],
            c.psf_radius, faintest,
        )  # fmt: skip
        kind = np.where(star, rendering.MOFFAT, rendering.SERSIC)
        trails = _trails(table[star], c)
        return np.concatenate([table, trails]), np.append(
            kind, np.full(len(trails), rendering.TRAIL)
        )

    def _near(self, window: tuple[int, int, int, int], faintest: float) -> Any:
        """Return the indices of the sources that may reach a window.

        Their profiles are not needed: nowhere within the isophote where a profile ends is it
        fainter than there, so that the area of the isophote is at most the flux over that
        brightness.
        """
        t, (y0, y1, x0, x1) = self.truth, window
        radius = np.sqrt(t["flux"] / (np.pi * faintest * t["axis_ratio"]))
        least = profiles.LEAST_REACH * np.hypot(t["half_light_radius"], self.conditions.psf_radius)
        radius = np.maximum(radius, least) + 1
        near = (t["y"] > y0 - radius) & (t["y"] < y1 + radius)
        near &= (t["x"] > x0 - radius) & (t["x"] < x1 + radius)
        return np.nonzero(near | self.saturated())[0]

    def saturated(self) -> Any:
        """Return which sources are stars whose peak exceeds the saturation level on a mean sky."""
        c, t = self.conditions, self.truth
        peak = t["flux"] * (c.psf_beta - 1) / (np.pi * c.psf_scale**2)
        return (t["type"] == STAR) & (peak + c.sky_level > c.saturation)

    def sky(self, y0: int, y1: int, x0: int, x1: int) -> Any:
        """Return the sky of a window, float32: a plane that rises in a random direction."""
        c = self.conditions
        angle = random_stream(self.seed, 1).uniform(0, 2 * np.pi)
        slope = c.sky_level * c.sky_gradient / (abs(np.cos(angle)) + abs(np.sin(angle)))
        y = np.arange(y0, y1)[:, np.newaxis] / max(self.shape[0] - 1, 1) - 0.5
        x = np.arange(x0, x1) / max(self.shape[1] - 1, 1) - 0.5
        sky = c.sky_level + slope * np.sin(angle) * y + slope * np.cos(angle) * x
        return sky.astype(np.float32)

    def bad_columns(self) -> tuple[Any, Any, Any]:
        """Return the bad columns: x, first row, and end row (exclusive)."""
        ny, nx = self.shape
        rng = random_stream(self.seed, 2)
        n = rng.poisson(self.conditions.bad_columns * 1e-6 * ny * nx)
        x, start = rng.integers(0, nx, n), rng.integers(0, ny, n)
        return x, start, start + 1 + rng.exponential(COLUMN_LENGTH, n).astype(np.int64)

    def cosmic_rays(self) -> tuple[Any, Any]:
        """Return the profiles of the cosmic rays, and their kinds."""
        ny, nx = self.shape
        c, rng = self.conditions, random_stream(self.seed, 3)
        n = rng.poisson(c.cosmic_rays * 1e-6 * ny * nx)
        weakest, strongest = np.log(RAY_PEAK)
        half, angle = rng.exponential(RAY_LENGTH / 2, n), rng.uniform(0, np.pi, n)
        columns = {
            "x": rng.uniform(-0.5, nx - 0.5, n),
            "y": rng.uniform(-0.5, ny - 0.5, n),
            "amplitude": c.rms * np.exp(rng.uniform(weakest, strongest, n)),
            "cxx": np.cos(angle),
            "cyy": np.sin(angle),
            "power": half,
            "rate": np.full(n, RAY_RATE),
            "half_width": half * abs(np.cos(angle)) + 3,
            "half_height": half * np.sin(angle) + 3,
        }
        table = np.zeros((n, len(rendering.COLUMNS)))
        for name, values in columns.items():
            table[:, rendering.COLUMNS.index(name)] = values
        return table, np.full(n, rendering.STREAK)


def _magnitudes(n: int, slope: float, rng: np.random.Generator, c: Conditions) -> Any:
    """Draw from counts that grow as ``10 ** (slope * m)``, by inverting their integral."""
    bright, faint = (10 ** (slope * m) for m in c.magnitudes)
    return np.log10(bright + rng.random(n) * (faint - bright)) / slope


def _populations(n: int, rng: np.random.Generator, c: Conditions) -> dict[str, Any]:
    """Draw types, magnitudes and shapes."""
    star = rng.random(n) < c.star_fraction
    share = rng.random(n)
    kind = np.where(share < DISK_FRACTION + ELLIPTICAL_FRACTION, ELLIPTICAL, SERSIC)
    kind = np.where(star, STAR, np.where(share < DISK_FRACTION, DISK, kind))
    magnitude = np.where(
        star, _magnitudes(n, c.star_slope, rng, c), _magnitudes(n, c.galaxy_slope, rng, c)
    )
    index = np.select(
        [kind == DISK, kind == ELLIPTICAL], [1.0, 4.0], rng.uniform(*SERSIC_INDICES, n)
    )
    size = np.log10(SIZE) + SIZE_SLOPE * (magnitude - SIZE_MAGNITUDE)
    radius = 10 ** (size + SIZE_SCATTER * rng.standard_normal(n)) / c.pixel_scale
    # Disks are oriented at random: the cosine of the inclination is uniform.
    tilt = rng.random(n)
    disk_ratio = np.sqrt(tilt**2 * (1 - DISK_THICKNESS**2) + DISK_THICKNESS**2)
    ratio = np.where(
        kind == ELLIPTICAL, LEAST_ELLIPTICAL + tilt * (1 - LEAST_ELLIPTICAL), disk_ratio
    )
    angle = rng.uniform(0, np.pi, n)
    return {
        "magnitude": magnitude,
        "flux": 10 ** (-0.4 * (magnitude - c.zero_point)),
        "type": kind,
        "sersic_index": np.where(star, np.nan, index),
        "half_light_radius": np.where(star, c.psf_radius, radius),
        "axis_ratio": np.where(star, 1.0, ratio),
        "angle": np.where(star, 0.0, angle),
    }


def _positions(
    n: int, shape: tuple[int, int], rng: np.random.Generator, c: Conditions
) -> dict[str, Any]:
    """Draw positions: uniform or, for clustered sources, near one of those."""
    ny, nx = shape
    y, x = rng.uniform(0, ny, n), rng.uniform(0, nx, n)
    n_field = n - round(n * c.clustered_fraction)
    # The sources are in random order, so the first ones may be the parents of the others.
    parent = np.full(n, -1)
    if 0 < n_field < n:
        parent[n_field:] = rng.integers(0, n_field, n - n_field)
        near = parent[n_field:]
        # The excess of pairs, r dr r^-0.8, has the distribution function (r / radius)^1.2.
        distance = c.clustering_radius * rng.random(n - n_field) ** (1 / 1.2)
        angle = rng.uniform(0, 2 * np.pi, n - n_field)
        y[n_field:] = (y[near] + distance * np.sin(angle)) % ny
        x[n_field:] = (x[near] + distance * np.cos(angle)) % nx
    return {"x": x - 0.5, "y": y - 0.5, "parent": parent}


def _trails(stars: Any, c: Conditions) -> Any:
    """Return the profiles of the trails of those stars that are saturated, given their profiles."""
    column = rendering.COLUMNS.index
    peak = stars[:, column("amplitude")]
    bright = stars[peak + c.sky_level > c.saturation]
    peak = bright[:, column("amplitude")]
    radius = c.psf_scale * np.sqrt(np.maximum((peak / c.saturation) ** (1 / c.psf_beta) - 1, 0))
    trails = np.zeros_like(bright)
    trails[:, :2] = bright[:, :2]
    trails[:, column("amplitude")] = 2 * c.saturation
    trails[:, column("power")] = 0.5
    trails[:, column("rate")] = np.maximum(TRAIL_WIDTH * radius, 0.5)
    trails[:, column("half_width")] = trails[:, column("rate")]
    growth = np.maximum(peak / c.saturation, 1) ** TRAIL_GROWTH
    trails[:, column("half_height")] = 1 + TRAIL_LENGTH * radius * growth
    return trails
