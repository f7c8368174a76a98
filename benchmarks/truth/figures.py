"""What is told of a catalog beside the truth, and what is wanted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sep

from benchmarks.truth.catalogs import Catalog, Tool
from benchmarks.truth.simulate import Sky
from skyshed.quality.matching import isolated, match
from skyshed.quality.scores import completeness, limit, middle, spread

__all__ = [
    "FIGURES",
    "NEAR",
    "SHARE",
    "UNCERTAIN",
    "Judge",
    "Sample",
    "bad_at",
    "deepest",
    "pooled",
]

#: A detection is of a source within this many pixels (the findings').
RADIUS = 3.0
#: A flux more than this many times the true one is a bad detection.
CATASTROPHE = 3.0
#: Nothing is judged so near the edge, in pixels.
BORDER = 16
#: Bins of magnitude of the completeness.
EDGES = np.arange(17.0, 25.6, 0.25)
#: Neighbours within this many FWHM, with this share of the flux, disturb a measurement.
NEAR, SHARE = 3.5, 0.05
#: Errors are judged of sources so far above the limit: fainter ones are selected by their noise,
#: the light of brighter ones is not a matter of noise.
PULLS = (-3.0, -0.75)
#: A circle is a source's own where others that were found have less light in it, in errors.
OWN = 0.5
#: False detections per million pixels of the negative image, at which detection is compared.
FALSE_PER_MPX = 5.0
#: Thresholds between which that number is searched, and steps; and multiples of the one found: in a
#: crowded field a higher threshold parts more than it loses.
THRESHOLDS, STEPS, HIGHER = (0.5, 6.0), 6, (1.0, 1.5, 2.25, 3.4)

#: By how much figures of n normal deviates are uncertain, times the root of n, over their standard
#: deviation: a width by the median absolute deviation (Rousseeuw & Croux 1993, table 2), a median.
UNCERTAINTY = {spread: 1.17, middle: 1.25}
#: The names of uncertainties end with this.
UNCERTAIN = ", uncertain by"

#: Names of samples of total fluxes, which make one figure, begin with this.
OF_TOTALS = "totals: "
#: What is told, and what is wanted.
FIGURES = {
    "sources": "",
    "sky bias": "<= 0.04, crowded: half of today's",
    "total -1": "0.93-1.07 (aim 0.95-1.05)",
    "total -2.5": "",
    "totals": "",
    "stars -1": "",
    "flux pull": "0.9-1.15",
    "wide flux pull": "0.9-1.15",
    "flux pull, own circle": "",
    "wide flux pull, own circle": "",
    "flux pull, all light": "",
    "wide flux pull, all light": "",
    "star flux pull": "0.9-1.15",
    "star wide flux pull": "0.9-1.15",
    "x pull": "0.9-1.15",
    "bad": "",
    "of them no source": "",
    "complete": "",
    "mag 20-22": "0.02",
    "22-23": "0.06",
    "23-24": "0.13",
}


@dataclass(frozen=True, eq=False)
class Sample:
    """The numbers that a figure is made of, from one realization of a field or from several.

    Attributes
    ----------
    values : array of float, shape (n,)
        One of each source, or one of each realization.
    figure : callable
        Makes one number of them.
    """

    values: Any
    figure: Callable[[Any], float]


def pooled(parts: Sequence[dict[str, Sample]]) -> dict[str, Any]:
    """Return `FIGURES` of the samples of several realizations of a field together.

    Of widths and medians there is also by how much they are uncertain (`UNCERTAIN`).
    """
    figures: dict[str, Any] = {}
    for name, first in parts[0].items():
        values = np.concatenate([np.atleast_1d(part[name].values) for part in parts])
        figures[name] = first.figure(values)
        if (times := UNCERTAINTY.get(first.figure)) and (
            n := np.count_nonzero(np.isfinite(values))
        ):
            figures[f"{name}{UNCERTAIN}"] = times * spread(values) / np.sqrt(n)
    others = {name: figures.pop(name) for name in list(figures) if name.startswith(OF_TOTALS)}
    if others:
        figures["totals"] = ", ".join(
            f"{name.removeprefix(OF_TOTALS)} {ratio:.3f}"
            for name, ratio in others.items()
            if np.isfinite(ratio) and not name.endswith(UNCERTAIN)
        )
    return figures


@dataclass(frozen=True)
class Judge:
    """Compares catalogs with a field's truth.

    Attributes
    ----------
    sky : Sky
        The field.
    limit : float
        The magnitude at which the baseline finds half of the sources.
    """

    sky: Sky
    limit: float

    @property
    def radii(self) -> tuple[float, float, float]:
        """Of apertures: for stars (0.7 FWHM), and those whose errors are judged (1, 2 FWHM)."""
        fwhm = self.sky.psf_fwhm
        return round(0.7 * fwhm, 1), round(fwhm, 1), round(2 * fwhm, 1)

    def figures(self, catalog: Catalog) -> dict[str, Any]:
        """Return `FIGURES` of a catalog."""
        return pooled([self.samples(catalog)])

    def samples(self, catalog: Catalog) -> dict[str, Sample]:
        """Return what `FIGURES` of a catalog are made of."""
        sky, m = self.sky, self.sky.magnitude
        found = match(catalog.x, catalog.y, sky.x, sky.y, sky.flux, RADIUS)
        inside = _inside(sky, sky.x, sky.y)
        got = found.detection_of >= 0
        of = found.detection_of
        alone = isolated(sky.x, sky.y, sky.flux, NEAR * sky.psf_fwhm, SHARE)
        total = next(iter(catalog.fluxes.values()))

        def ratios(flux: Any, star: bool, above: float) -> Sample:
            near = np.abs(m - (self.limit - above)) <= 0.25
            chosen = got & inside & alone & near & (sky.star == star)
            return Sample(flux[of[chosen]] / sky.flux[chosen], middle)

        judged = _inside(sky, catalog.x, catalog.y)
        no_source = judged & (found.source_of < 0)
        too_bright = judged & (found.source_of >= 0)
        too_bright &= total > CATASTROPHE * sky.flux[found.source_of]
        per_field = 4 * 1024**2 / judged_area(sky)
        above = got & inside & (m > self.limit + PULLS[0]) & (m < self.limit + PULLS[1])
        own = above & self._undisturbed()
        stars = own & sky.star
        own_light, found_light = sky.light_of(own), sky.light_of(got)
        pulls = {
            "{}flux pull": (own, own_light, None),
            "{}flux pull, own circle": (own, own_light, found_light),
            "{}flux pull, all light": (above & alone, sky.light, None),
            "star {}flux pull": (stars, sky.light_of(stars), None),
        }

        def count(which: Any) -> Sample:
            return Sample(per_field * np.count_nonzero(which), np.mean)

        return {
            "sources": Sample(len(catalog.x), np.mean),
            "sky bias": Sample(np.median((catalog.background - sky.sky) / sky.rms), np.mean),
            "total -1": ratios(total, False, 1.0),
            "total -2.5": ratios(total, False, 2.5),
            **{
                f"{OF_TOTALS}{each}": ratios(flux, False, 1.0)
                for each, flux in catalog.fluxes.items()
            },
            "stars -1": ratios(total, True, 1.0),
            **{
                name.format(width): self._flux_pulls(catalog, of[which], light, radius, found_light)
                for name, (which, light, found_light) in pulls.items()
                for width, radius in zip(("", "wide "), self.radii[1:], strict=True)
            },
            "x pull": self._x_pulls(catalog, of, stars),
            "bad": count(no_source | too_bright),
            "of them no source": count(no_source),
            "complete": Sample(got[inside & (m < self.limit)], np.mean),
            **self._star_scatter(catalog, got & inside & alone & sky.star, of),
        }

    def _flux_pulls(
        self, catalog: Catalog, detection: Any, light: Any, radius: float, found_light: Any
    ) -> Sample:
        """Compare fluxes with those in the same circles on an image without noise.

        Where ``found_light`` is given, that of all sources that were found, of those alone in whose
        circles it is little more than ``light``.
        """
        flux, error = (np.asarray(each)[detection] for each in catalog.apertures[radius])
        x, y = (np.ascontiguousarray(each[detection], float) for each in (catalog.x, catalog.y))

        def sums(image: Any) -> Any:
            good = np.isfinite(x) & np.isfinite(y)
            result = np.full(len(x), np.nan)
            if good.any():
                result[good], _, _ = sep.sum_circle(image, x[good], y[good], radius, subpix=0)
            return result

        true = sums(light)
        if found_light is None:
            return _pulls(flux, true, error)
        own = sums(found_light) - true < OWN * error
        return _pulls(flux[own], true[own], error[own])

    def _undisturbed(self) -> Any:
        """Return which sources have no neighbour that could be detected."""
        sky = self.sky
        bright = sky.magnitude < self.limit
        alone = np.zeros(len(sky.x), bool)
        alone[bright] = isolated(
            sky.x[bright], sky.y[bright], sky.flux[bright], NEAR * sky.psf_fwhm, 0.0
        )
        return alone

    def _x_pulls(self, catalog: Catalog, of: Any, chosen: Any) -> Sample:
        if catalog.x_error is None:
            return Sample(np.empty(0), spread)
        detection = of[chosen]
        return _pulls(catalog.x[detection], self.sky.x[chosen], catalog.x_error[detection])

    def _star_scatter(self, catalog: Catalog, chosen: Any, of: Any) -> dict[str, Sample]:
        """Return the magnitudes of stars from the small aperture, at three depths."""
        sky = self.sky
        flux = np.asarray(catalog.apertures[self.radii[0]][0], float)
        if catalog.corrected is not None:
            flux = catalog.corrected[0]
        result = {}
        for name, (low, high) in {
            "mag 20-22": (20, 22), "22-23": (22, 23), "23-24": (23, 24)
        }.items():  # fmt: skip
            stars = chosen & (sky.magnitude >= low) & (sky.magnitude < high)
            ratio = flux[of[stars]] / sky.flux[stars]
            result[name] = Sample(-2.5 * np.log10(np.where(ratio > 0, ratio, np.nan)), spread)
        return result

    def half_complete(self, catalog: Catalog) -> float:
        """Return the magnitude at which a catalog has half of the sources."""
        sky = self.sky
        found = match(catalog.x, catalog.y, sky.x, sky.y, sky.flux, RADIUS)
        inside = _inside(sky, sky.x, sky.y)
        share = completeness(found.detection_of[inside] >= 0, sky.magnitude[inside], EDGES)
        return limit(share, EDGES)


def judged_area(sky: Sky) -> int:
    """Return how many pixels are judged."""
    ny, nx = sky.data.shape
    return (ny - 2 * BORDER) * (nx - 2 * BORDER)


def bad_at(figures_at: Callable[[float], dict[str, Any]], complete: float) -> float:
    """Return how many detections are bad at the highest threshold that finds a share of sources.

    Parameters
    ----------
    figures_at : callable
        ``figures_at(nsigma)`` returns `FIGURES` at a threshold.
    complete : float
        The share of sources brighter than the limit.

    Returns
    -------
    bad : float
        As among `FIGURES`; NaN where no threshold finds so many.
    """
    low, high = THRESHOLDS
    bad = np.nan
    for _ in range(STEPS):
        threshold = float(np.sqrt(low * high))
        figures = figures_at(threshold)
        if figures["complete"] < complete:
            high = threshold
        else:
            low, bad = threshold, figures["bad"]
    return bad


def _pulls(measured: Any, true: Any, error: Any) -> Sample:
    with np.errstate(divide="ignore", invalid="ignore"):
        return Sample((measured - true) / error, spread)


def _inside(sky: Sky, x: Any, y: Any) -> Any:
    ny, nx = sky.data.shape
    with np.errstate(invalid="ignore"):
        return (x > BORDER) & (x < nx - BORDER) & (y > BORDER) & (y < ny - BORDER)


def deepest(tool: Tool, judge: Judge) -> tuple[float, float]:
    """Return how much a tool finds with at most `FALSE_PER_MPX` detections on the negative image.

    Returns
    -------
    completeness : float
        Of sources within half a magnitude of the limit.
    threshold : float
        At which that is, in the tool's own unit: the best of `HIGHER` times the lowest.
    """
    sky = judge.sky
    wanted = FALSE_PER_MPX * sky.data.size / 1e6
    low, high = THRESHOLDS
    for _ in range(STEPS):
        middle_ = float(np.sqrt(low * high))
        if len(tool.detect(sky.negative, sky, middle_)[0]) > wanted:
            low = middle_
        else:
            high = middle_
    near = _inside(sky, sky.x, sky.y) & (np.abs(sky.magnitude - judge.limit) < 0.5)

    def share(threshold: float) -> float:
        x, y = tool.detect(sky.data, sky, threshold)
        found = match(x, y, sky.x, sky.y, sky.flux, RADIUS)
        return float(np.mean(found.detection_of[near] >= 0))

    return max((share(times * high), times * high) for times in HIGHER)
