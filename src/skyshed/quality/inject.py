"""Sources to inject: drawn, and drawn into an image."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skyshed.datasets.profiles import galaxy_profiles, half_light_radius, star_profiles
from skyshed.kernels import rendering

__all__ = ["Drawn", "draw", "light_of"]

#: Injected sources are so many FWHM apart, and at least so many pixels, so that they do not disturb
#: one another.
APART, LEAST_APART = 12.0, 40
#: Galaxies: exponential disks, whose half-light radii are log-uniform between these, in units of
#: that of the PSF, and whose axis ratios are uniform.
DISK_INDEX, RADII, AXIS_RATIOS = 1.0, (0.5, 2.0), (0.3, 1.0)
#: Exponent of the Moffat PSF.
BETA = 3.0


@dataclass(frozen=True, eq=False)
class Drawn:
    """Sources to inject.

    Attributes
    ----------
    x, y : array of float64, shape (n,)
        Their centers, in pixels.
    flux : array of float64, shape (n,)
        All of their light.
    star : array of bool, shape (n,)
        Which are stars; the others are galaxies.
    radius, axis_ratio, angle : array of float64, shape (n,)
        Of galaxies before the seeing: effective semi-major axis in pixels, axis ratio, angle in
        radians from the x axis. 0, 1 and 0 of stars.
    """

    x: Any
    y: Any
    flux: Any
    star: Any
    radius: Any
    axis_ratio: Any
    angle: Any


def draw(
    shape: tuple[int, int],
    fluxes: tuple[float, float],
    psf_fwhm: float,
    star_fraction: float,
    rng: np.random.Generator,
) -> Drawn:
    """Draw as many sources as have room in an image, at places on a grid, each moved at random.

    Fluxes are log-uniform between ``fluxes``.
    """
    apart = max(APART * psf_fwhm, LEAST_APART)
    rows, columns = (max(int(side // apart), 1) for side in shape)
    height, width = shape[0] / rows, shape[1] / columns
    row, column = (each.ravel() for each in np.mgrid[:rows, :columns])
    n = row.size
    # A quarter of a cell to either side leaves half of one between neighbours.
    y = (row + 0.5 + rng.uniform(-0.25, 0.25, n)) * height - 0.5
    x = (column + 0.5 + rng.uniform(-0.25, 0.25, n)) * width - 0.5
    star = rng.random(n) < star_fraction
    log_flux = rng.uniform(np.log(fluxes[0]), np.log(fluxes[1]), n)
    radius = half_light_radius(psf_fwhm, BETA) * np.exp(
        rng.uniform(np.log(RADII[0]), np.log(RADII[1]), n)
    )
    axis_ratio, angle = rng.uniform(*AXIS_RATIOS, n), rng.uniform(0, np.pi, n)
    return Drawn(
        x, y, np.exp(log_flux), star, np.where(star, 0.0, radius),
        np.where(star, 1.0, axis_ratio), np.where(star, 0.0, angle),
    )  # fmt: skip


def light_of(drawn: Drawn, shape: tuple[int, int], psf_fwhm: float, faintest: float) -> Any:
    """Return the image of the sources, float64; profiles end at the brightness ``faintest``."""
    star, galaxy = drawn.star, ~drawn.star
    stars = star_profiles(drawn.x[star], drawn.y[star], drawn.flux[star], psf_fwhm, BETA, faintest)
    galaxies = galaxy_profiles(
        drawn.x[galaxy], drawn.y[galaxy], drawn.flux[galaxy],
        np.full(np.count_nonzero(galaxy), DISK_INDEX), drawn.radius[galaxy],
        drawn.axis_ratio[galaxy], drawn.angle[galaxy], half_light_radius(psf_fwhm, BETA), faintest,
    )  # fmt: skip
    table = np.concatenate([stars, galaxies])
    kind = np.repeat([rendering.MOFFAT, rendering.SERSIC], [len(stars), len(galaxies)])
    return np.asarray(rendering.render(table, kind, 0, 0, shape, None), float)
