"""Estimators of the background level and of its noise."""

from typing import Any, TypeVar

import numpy as np
from astropy.stats import SigmaClip

from skyshed.background.base import DEFAULT_CLIP, BackgroundBase, BackgroundRMSBase
from skyshed.background.statistics import kernel_statistics
from skyshed.kernels.boxes import Statistic

__all__ = [
    "LEVELS",
    "NOISES",
    "BiweightLocationBackground",
    "BiweightScaleBackgroundRMS",
    "MADStdBackgroundRMS",
    "MMMBackground",
    "MeanBackground",
    "MedianBackground",
    "ModeEstimatorBackground",
    "SExtractorBackground",
    "StdBackgroundRMS",
    "compiled_statistics",
    "register",
]


#: Estimators of the level and of the noise, by the names that `skyshed.Parameters` takes.
LEVELS: dict[str, type[BackgroundBase]] = {}
NOISES: dict[str, type[BackgroundRMSBase]] = {}

E = TypeVar("E", bound=type[BackgroundBase] | type[BackgroundRMSBase])


def register(estimator: E) -> E:
    """Register the class of an estimator by its ``name``.

    Kernels compute the statistics of registered estimators; others are called with the pixels.
    """
    if issubclass(estimator, BackgroundBase):
        LEVELS[estimator.name] = estimator
    else:
        NOISES[estimator.name] = estimator
    return estimator


class _Level(BackgroundBase):
    """An estimator of the level that combines statistics."""

    def calc_background(self, data: Any, axis: Any = None, masked: bool = False) -> Any:
        """Estimate the background level; see `BackgroundBase.calc_background`."""
        return self._estimate(data, axis, masked)


class _Noise(BackgroundRMSBase):
    """An estimator of the noise that combines statistics."""

    def calc_background_rms(self, data: Any, axis: Any = None, masked: bool = False) -> Any:
        """Estimate the noise; see `BackgroundRMSBase.calc_background_rms`."""
        return self._estimate(data, axis, masked)


@register
class MeanBackground(_Level):
    """The background level as the clipped mean.

    Parameters
    ----------
    sigma_clip : `~astropy.stats.SigmaClip` or None, optional
        See `BackgroundBase`.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed import MeanBackground
    >>> float(MeanBackground()(np.arange(100.0)))
    49.5
    """

    name = "mean"

    def _statistics(self) -> tuple[Statistic, ...]:
        return (Statistic("mean"),)


@register
class MedianBackground(_Level):
    """The background level as the clipped median.

    Parameters
    ----------
    sigma_clip : `~astropy.stats.SigmaClip` or None, optional
        See `BackgroundBase`.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed import MedianBackground
    >>> MedianBackground()(np.array([[1.0, 2.0, 6.0], [3.0, 4.0, 8.0]]), axis=1)
    array([2., 4.])
    """

    name = "median"

    def _statistics(self) -> tuple[Statistic, ...]:
        return (Statistic("median"),)


@register
class ModeEstimatorBackground(_Level):
    """The background level as a mode: ``median_factor * median - mean_factor * mean``.

    Parameters
    ----------
    median_factor : float, optional
        Factor of the clipped median.
    mean_factor : float, optional
        Factor of the clipped mean.
    sigma_clip : `~astropy.stats.SigmaClip` or None, optional
        See `BackgroundBase`.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed import ModeEstimatorBackground
    >>> float(ModeEstimatorBackground(median_factor=3, mean_factor=2)(np.array([0.0, 1.0, 5.0])))
    -1.0
    """

    name = "mode"

    _parameters = ("median_factor", "mean_factor", "sigma_clip")

    def __init__(
        self,
        median_factor: float = 3.0,
        mean_factor: float = 2.0,
        sigma_clip: SigmaClip | None = DEFAULT_CLIP,
    ) -> None:
        super().__init__(sigma_clip)
        self.median_factor = median_factor
        self.mean_factor = mean_factor

    def _statistics(self) -> tuple[Statistic, ...]:
        return (Statistic("median"), Statistic("mean"))

    def _combine(self, median: Any, mean: Any) -> Any:
        return self.median_factor * median - self.mean_factor * mean


@register
class MMMBackground(ModeEstimatorBackground):
    """The background level as DAOPHOT's mode, ``3 * median - 2 * mean``.

    See Stetson (1987, PASP 99, 191).

    Parameters
    ----------
    sigma_clip : `~astropy.stats.SigmaClip` or None, optional
        See `BackgroundBase`.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed import MMMBackground
    >>> float(MMMBackground()(np.arange(100.0)))
    49.5
    """

    name = "mmm"

    def __init__(self, sigma_clip: SigmaClip | None = DEFAULT_CLIP) -> None:
        super().__init__(3.0, 2.0, sigma_clip)


@register
class SExtractorBackground(_Level):
    """The background level as SourceExtractor's mode: ``2.5 * median - 1.5 * mean``.

    It is the median where a box is crowded, that is where mean and median differ by 0.3 standard
    deviations or more, and the mean where all pixels have one value (Bertin & Arnouts 1996,
    A&AS 117, 393).

    Parameters
    ----------
    sigma_clip : `~astropy.stats.SigmaClip` or None, optional
        See `BackgroundBase`.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed import SExtractorBackground
    >>> float(SExtractorBackground()(np.arange(100.0)))
    49.5
    """

    name = "sextractor"

    #: A box is crowded if mean and median differ by at least this many standard deviations.
    _CROWDED = 0.3

    def _statistics(self) -> tuple[Statistic, ...]:
        return (Statistic("median"), Statistic("mean"), Statistic("std"))

    def _combine(self, median: Any, mean: Any, std: Any) -> Any:
        mode = 2.5 * median - 1.5 * mean
        crowded = np.abs(mean - median) / std >= self._CROWDED
        level = np.where(std == 0, mean, np.where(crowded, median, mode))
        return level if np.ndim(median) else level[()]


@register
class BiweightLocationBackground(_Level):
    """The background level as the biweight location (Beers, Flynn & Gebhardt 1990, AJ 100, 32).

    Parameters
    ----------
    c : float, optional
        Tuning constant: pixels more than ``c`` median absolute deviations away have no weight.
    M : float or array_like or None, optional
        The location that deviations are measured from; `None` for the median.
    sigma_clip : `~astropy.stats.SigmaClip` or None, optional
        See `BackgroundBase`.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed import BiweightLocationBackground
    >>> float(BiweightLocationBackground()(np.arange(100.0)))
    49.5
    """

    name = "biweight"

    _parameters = ("c", "M", "sigma_clip")

    def __init__(
        self, c: float = 6.0, M: Any = None, sigma_clip: SigmaClip | None = DEFAULT_CLIP
    ) -> None:
        super().__init__(sigma_clip)
        self.c = c
        self.M = M

    def _statistics(self) -> tuple[Statistic, ...]:
        return (Statistic("biweight_location", self.c, self.M),)


@register
class StdBackgroundRMS(_Noise):
    """The noise as the clipped standard deviation.

    Parameters
    ----------
    sigma_clip : `~astropy.stats.SigmaClip` or None, optional
        See `BackgroundRMSBase`.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed import StdBackgroundRMS
    >>> round(float(StdBackgroundRMS()(np.arange(100.0))), 6)
    28.86607
    """

    name = "std"

    def _statistics(self) -> tuple[Statistic, ...]:
        return (Statistic("std"),)


@register
class MADStdBackgroundRMS(_Noise):
    """The noise from the median absolute deviation, scaled to the sigma of a normal distribution.

    Parameters
    ----------
    sigma_clip : `~astropy.stats.SigmaClip` or None, optional
        See `BackgroundRMSBase`.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed import MADStdBackgroundRMS
    >>> round(float(MADStdBackgroundRMS()(np.arange(100.0))), 6)
    37.065055
    """

    name = "mad"

    def _statistics(self) -> tuple[Statistic, ...]:
        return (Statistic("mad_std"),)


@register
class BiweightScaleBackgroundRMS(_Noise):
    """The noise as the biweight scale (Beers, Flynn & Gebhardt 1990, AJ 100, 32).

    Parameters
    ----------
    c : float, optional
        Tuning constant: pixels more than ``c`` median absolute deviations away have no weight.
    M : float or array_like or None, optional
        The location that deviations are measured from; `None` for the median.
    sigma_clip : `~astropy.stats.SigmaClip` or None, optional
        See `BackgroundRMSBase`.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed import BiweightScaleBackgroundRMS
    >>> round(float(BiweightScaleBackgroundRMS()(np.arange(100.0))), 6)
    30.094338
    """

    name = "biweight"

    _parameters = ("c", "M", "sigma_clip")

    def __init__(
        self, c: float = 9.0, M: Any = None, sigma_clip: SigmaClip | None = DEFAULT_CLIP
    ) -> None:
        super().__init__(sigma_clip)
        self.c = c
        self.M = M

    def _statistics(self) -> tuple[Statistic, ...]:
        return (Statistic("biweight_scale", self.c, self.M),)


def compiled_statistics(estimator: Any) -> tuple[Statistic, ...] | None:
    """Return the statistics that an estimator combines, `None` if it must be called with pixels."""
    # Not its subclasses: a user's may compute something else.
    if type(estimator) not in (*LEVELS.values(), *NOISES.values()):
        return None
    return kernel_statistics(estimator._statistics())
