"""Sums and statistics of the pixels in apertures, as columns."""

from typing import Any

import numpy as np
from astropy import units as u

from skyshed.aperture.clipping import kept_by
from skyshed.aperture.column import Column
from skyshed.aperture.groups import GROUP_FUNCTIONS, GROUP_SHAPES, GROUPS
from skyshed.aperture.measuring import measure, measured_boxes
from skyshed.aperture.per_position import PerPosition
from skyshed.aperture.pixels import blocks
from skyshed.aperture.weighing import samples_of
from skyshed.background.statistics import MAD_TO_STD
from skyshed.cached import cached_property
from skyshed.namespace import in_one_transfer, like

__all__ = ["ValueColumns"]


def _of_values(name: str, doc: str, power: int = 1) -> Column:
    def column(self: Any) -> Any:
        return (
            self._images.with_unit(self._statistic(name), power) if power else self._statistic(name)
        )

    column.__doc__ = doc
    return Column(column)


class ValueColumns(PerPosition):
    """Sums of the pixels by their weights, and statistics of those whose centre is inside."""

    sigma_clip: Any
    sum_method: str
    subpixels: int
    ddof: int
    n_threads: int | None

    def _blocks(self, method: str) -> Any:
        """Yield tables of pixels, clipped where that is asked for."""
        background = self._background if self._background.any() else None
        samples = samples_of(method, self.subpixels)
        for block in blocks(self._pixel, self._images, samples, background, self.n_threads):
            if self.sigma_clip is not None:
                block.keep(like(kept_by(self.sigma_clip, block), block.values))
            yield block

    def _statistic(self, name: str) -> Any:
        """Return a statistic of the pixels whose centre is inside; groups are computed at once."""
        group = next(group for group, names in GROUPS.items() if name in names)
        self._reduce({group})
        return self._reduced[group][name]

    def _reduce(self, groups: set[str]) -> None:
        """Compute groups of statistics that are not known yet, in one pass over the pixels."""
        missing = [group for group in GROUPS if group in groups and group not in self._reduced]
        if not missing:
            return
        parts: dict[str, list[Any]] = {group: [] for group in missing}
        for block in self._blocks("center"):
            for group in missing:
                parts[group].append(in_one_transfer(*GROUP_FUNCTIONS[group](block)))
        for group in missing:
            names = GROUPS[group]
            shapes = GROUP_SHAPES.get(group, ((),) * len(names))
            empty = [np.empty((0, *shape)) for shape in shapes]
            found = [np.concatenate(each) for each in zip(*parts[group], strict=True)] or empty
            self._reduced[group] = dict(zip(names, found, strict=True))

    @cached_property
    def _reduced(self) -> dict[str, Any]:
        return {}

    @cached_property
    def _center_sums(self) -> Any:
        return self._measured("center")

    @cached_property
    def _sums(self) -> Any:
        """Return total, variance, area and flags by ``sum_method``."""
        found = self._measured(self.sum_method)
        if self.sigma_clip is None:
            return found.total, found.error, found.inside, found.flags, found.overlaps
        columns: list[list[Any]] = [[], [], []]
        for block in self._blocks(self.sum_method):
            values = block.weights * block.values
            errors = 0.0 * values if block.errors is None else block.weights * block.errors
            sums = values, errors**2, block.weights
            for column, part in zip(
                columns, in_one_transfer(*(s.sum(axis=1) for s in sums)), strict=True
            ):
                column.append(part)
        total, variance, area = (np.concatenate([np.empty(0), *column]) for column in columns)
        return total, np.sqrt(variance), area, found.flags, found.overlaps

    def _measured(self, method: str) -> Any:
        background: Any = np.ascontiguousarray(self._background, float)
        background = background if background.any() else None
        return measure(
            self._pixel, self._images, method, self.subpixels, background=background,
            n_threads=self.n_threads,
        )  # fmt: skip

    @property
    def _clipped_boxes(self) -> Any:
        return measured_boxes(self._pixel.boxes, self._images.data.shape)

    @Column
    def id(self) -> Any:
        """The numbers of the positions, from 1."""
        return self._ids

    @Column
    def sum(self) -> Any:
        """The sum of the pixels, weighted by ``sum_method``; NaN where there is none."""
        total, _, area, *_ = self._sums
        return self._images.with_unit(np.where(area > 0, total, np.nan))

    @Column
    def sum_err(self) -> Any:
        """The root of the sum of ``(weight * error)**2``; NaN without ``error``."""
        _, error, area, *_ = self._sums
        known = area > 0 if self._images.error is not None else np.zeros(len(area), bool)
        return self._images.with_unit(np.where(known, error, np.nan))

    @Column
    def sum_aper_area(self) -> Any:
        """The weights of what was summed up, in pixels squared; NaN where there is none."""
        area = self._sums[2]
        return np.where(area > 0, area, np.nan) << u.pix**2

    @Column
    def center_aper_area(self) -> Any:
        """The number of pixels whose centre is inside, in pixels squared; NaN for none."""
        return self._n_pixels << u.pix**2

    @property
    def _n_pixels(self) -> Any:
        count = self._statistic("count").astype(float)
        return np.where(count > 0, count, np.nan)

    min = _of_values("min", "The least value.")
    max = _of_values("max", "The greatest value.")
    mean = _of_values("mean", "The mean value.")
    median = _of_values("median", "The median value.")
    biweight_location = _of_values("biweight_location", "The biweight location, c = 6.")
    biweight_midvariance = _of_values(
        "biweight_midvariance", "The biweight midvariance, c = 9.", power=2
    )
    gini = _of_values("gini", "The Gini coefficient (Lotz et al. 2004, Eq. 6).", power=0)

    @Column
    def mode(self) -> Any:
        """``3 median - 2 mean``."""
        return 3.0 * self._array("median") - 2.0 * self._array("mean")

    @Column
    def var(self) -> Any:
        """The variance, by the number of pixels less ``ddof``; NaN where that is not positive."""
        return self._images.with_unit(self._variance, 2)

    @Column
    def std(self) -> Any:
        """The root of `var`."""
        return self._images.with_unit(np.sqrt(self._variance))

    @property
    def _variance(self) -> Any:
        variance, n = self._statistic("variance"), self._n_pixels
        if self.ddof == 0:
            return variance
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(n > self.ddof, variance * n / (n - self.ddof), np.nan)

    @Column
    def mad_std(self) -> Any:
        """The median absolute deviation times 1.4826, the standard deviation of a Gaussian."""
        return self._images.with_unit(self._statistic("mad") * MAD_TO_STD)

    @property
    def _standard_error(self) -> Any:
        n = self._n_pixels
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(n >= 2, np.sqrt(self._statistic("variance") / (n - 1)), np.nan)

    @Column
    def mean_err(self) -> Any:
        """The standard error of the mean: the sample deviation over the root of the number."""
        return self._images.with_unit(self._standard_error)

    @Column
    def median_err(self) -> Any:
        """The standard error of the median of many Gaussian values: sqrt(pi / 2) `mean_err`."""
        return self._images.with_unit(np.sqrt(np.pi / 2) * self._standard_error)
