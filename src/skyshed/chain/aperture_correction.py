"""The light beyond an aperture, by the curve of growth of the stars of the image.

Stars are picked among bright sources without neighbours as those of the most frequent half-light
radius. Fluxes in circles, and Kron fluxes, are divided by the share of a star's light that a circle
of that size holds; of galaxies, whose light is spread farther, that is the least that is missing
(Labbe et al. 2003, AJ 125, 1107, section 5).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.table import QTable

from skyshed.background.statistics import MAD_TO_STD
from skyshed.catalog.growth import GROWTH_RADII
from skyshed.catalog.table import add_column
from skyshed.chain.calibrated import add_flux_densities, add_magnitudes
from skyshed.chain.columns import STAR_COLUMNS, as_asked
from skyshed.chain.derived import spelled, total_columns
from skyshed.flags import SEGMENTATION_FLAGS as FLAGS
from skyshed.images.doubted import warn_of_image
from skyshed.images.photometry import Calibration
from skyshed.parameters import Parameters

__all__ = ["Growth", "corrected", "growth_of", "star_facts", "warn_of_no_stars"]

#: Stars have at least this significance; neighbours take less than this share of their aperture.
SIGNIFICANT, UNDISTURBED = 50.0, 0.05
#: Flags that a star may have: neighbours are seen by how much they take.
HARMLESS = FLAGS.DEBLENDED | FLAGS.KRON_NEIGHBOR_PIXELS | FLAGS.KRON_MINIMUM_RADIUS
#: Stars that a curve takes, at least; the share of candidates in whose narrowest range of
#: half-light radii those of stars are; how far from the middle of it a star may be.
FEWEST, LOCUS, TOLERANCE = 5, 0.1, 0.1
#: The whole light of a star is that in this many half-light radii: 3 FWHM, where a Moffat profile
#: of exponent 3 lacks 1 %.
WHOLE = 5.0


@dataclass(frozen=True, eq=False)
class Growth:
    """The curve of growth of stars.

    Attributes
    ----------
    radii, share : array of float64, shape (m,)
        Radii in pixels from 0, and the share of the whole light within them.
    n_stars : int
        How many stars it is the median of.
    half_light_radius : float
        Theirs, in pixels.
    spread : float
        The standard deviation of their shares at about that radius.
    """

    radii: Any
    share: Any
    n_stars: int
    half_light_radius: float
    spread: float

    def within(self, radius: Any) -> Any:
        """Return the share of a star's light within a radius, linear between those measured."""
        return np.interp(radius, self.radii, self.share)

    def record(self) -> dict[str, str]:
        """Return what the record of a run has of it."""
        return {
            "aperture_correction": f"{self.n_stars} stars of half-light radius "
            f"{self.half_light_radius:.3g} pixels, spread of their light within it "
            f"{self.spread:.2g}, whole within {self.radii[-1]:g} pixels"
        }


def star_facts(catalog: Any) -> Any:
    """Return what is needed of each source to pick stars, float64, shape (n, k)."""
    columns = catalog.results.on_host(*STAR_COLUMNS)
    return np.column_stack([np.asarray(each, float) for each in columns])


def growth_of(facts: Any) -> Growth | None:
    """Return the curve of growth of the stars among sources; `None` if there are too few.

    Parameters
    ----------
    facts : array of float64, shape (n, k)
        Of `star_facts`, in any order: only medians are taken.
    """
    size, flux, error, share, flags = facts[:, :5].T
    growth = facts[:, 5:]
    good = np.isfinite(facts).all(1) & (flux > SIGNIFICANT * error) & (share < UNDISTURBED)
    good &= (flags.astype(np.int64) & ~HARMLESS) == 0
    sizes = np.sort(size[good])
    if sizes.size < FEWEST:
        return None
    width = max(FEWEST, int(LOCUS * sizes.size)) - 1
    first = int(np.argmin(sizes[width:] - sizes[: sizes.size - width]))
    middle = float(np.median(sizes[first : first + width + 1]))
    stars = good & (np.abs(size - middle) <= TOLERANCE * middle)
    radii = np.array(GROWTH_RADII)
    last = min(int(np.searchsorted(radii, WHOLE * middle)), radii.size - 1)
    whole = growth[stars, last]
    stars = np.flatnonzero(stars)[whole > 0]
    if stars.size < FEWEST:
        return None
    shares = growth[stars, : last + 1] / growth[stars, last, None]
    at = int(np.argmin(np.abs(radii[:last] - middle))) if last else 0
    curve = np.median(shares, axis=0)
    spread = MAD_TO_STD * float(np.median(np.abs(shares[:, at] - curve[at])))
    return Growth(
        np.append(0.0, radii[: last + 1]), np.append(0.0, curve), stars.size, middle, spread
    )


def corrected(
    table: QTable,
    growth: Growth | None,
    parameters: Parameters,
    calibration: Calibration | None = None,
) -> QTable:
    """Return a table with fluxes of all light, NaN where there is no curve of growth.

    ``aperture_3_total_flux`` is ``aperture_3_flux`` over the share of a star's light within 3
    pixels; ``total_flux`` is ``best_flux`` over that within a circle of the area of the Kron
    aperture, where it is a Kron flux, and is ``best_flux`` where that is isophotal and corrected
    already. Errors are divided by the same; that of the curve is not in them.
    """

    def share(radius: Any) -> Any:
        return np.full(np.shape(radius), np.nan) if growth is None else growth.within(radius)

    whole = table.copy(copy_data=False)
    size = np.asarray(
        getattr(table["kron_aperture_radius"], "value", table["kron_aperture_radius"])
    )
    parts = {f"aperture_{spelled(radius)}": share(radius) for radius in parameters.aperture_radii}
    # What is corrected already is as all within an infinite radius.
    parts["best"] = share(np.where(np.asarray(table["best_is_isocor"], bool), np.inf, size))
    for name, part in parts.items():
        flux, error = table[f"{name}_flux"] / part, table[f"{name}_fluxerr"] / part
        columns = total_columns(name)
        for column, values in zip(columns, (flux, error), strict=True):
            add_column(whole, column, values)
        total = columns[0].name.removesuffix("_flux")
        zero_point = parameters.zero_point
        if calibration is not None:
            add_flux_densities(whole, total, flux, error, calibration)
        elif isinstance(zero_point, float):
            add_magnitudes(whole, total, flux, error, zero_point, parameters.zero_point_system)
    return as_asked(whole, parameters)


def warn_of_no_stars() -> None:
    """Warn that there are too few stars for a correction."""
    warn_of_image(
        f"fewer than {FEWEST} bright stars without neighbours tell how light grows with the "
        "radius, so that fluxes corrected for their apertures are NaN: leave aperture_correction "
        "(--aperture-correction) out, or take a larger image"
    )
