"""The base classes of estimators of the background.

An estimator declares which statistics of the pixels it needs, and combines them. Called with an
array, it computes them itself; for `~skyshed.background.Background2D` they are computed for all
boxes at once.
"""

import copy
import warnings
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from astropy.stats import SigmaClip

from skyshed.background.statistics import clipped_statistics
from skyshed.kernels.boxes import Statistic
from skyshed.namespace import array_namespace, is_device_array, only_on_host
from skyshed.peers import PassesAsPhotutils

__all__ = ["DEFAULT_CLIP", "BackgroundBase", "BackgroundRMSBase", "own_clip", "show"]

#: The default clipping, photutils'. Objects that keep it copy it: see `own_clip`.
DEFAULT_CLIP = SigmaClip(sigma=3.0, maxiters=10)


def own_clip(sigma_clip: Any) -> Any:
    """Return ``sigma_clip``, or a copy of the default, which the caller may change."""
    return copy.copy(sigma_clip) if sigma_clip is DEFAULT_CLIP else sigma_clip


def show(instance: Any, parameters: dict[str, Any]) -> str:
    """Return ``Name(parameter=value, ...)``."""
    listed = ", ".join(f"{name}={value!r}" for name, value in parameters.items())
    return f"{type(instance).__name__}({listed})"


class _Estimator(PassesAsPhotutils, ABC):
    """The common base class of estimators of the level and of the noise."""

    #: The name of the estimator in `skyshed.Parameters`; empty if it has none there.
    name: ClassVar[str] = ""
    #: The arguments of the constructor, in the order in which `repr` shows them.
    _parameters: tuple[str, ...] = ("sigma_clip",)

    def __init__(self, sigma_clip: SigmaClip | None = DEFAULT_CLIP) -> None:
        if sigma_clip is not None and not isinstance(sigma_clip, SigmaClip):
            raise TypeError(
                "sigma_clip must be an astropy SigmaClip instance or None (no clipping), got "
                f"{sigma_clip!r}: use astropy.stats.SigmaClip(sigma=...)"
            )
        self.sigma_clip = own_clip(sigma_clip)

    def __call__(self, data: Any, axis: Any = None, masked: bool = False) -> Any:
        """Estimate the background level, or the noise, of an array.

        Parameters
        ----------
        data : array_like, Quantity, `~numpy.ma.MaskedArray` or CuPy array
            Any shape. NaN and masked elements are left out.
        axis : int, tuple of int or None, optional
            The axes to estimate along; `None` for all elements together.
        masked : bool, optional
            Whether to return a masked array, instead of NaN, where there is no estimate. CuPy has
            no masked arrays.

        Returns
        -------
        estimate : float, array or `~numpy.ma.MaskedArray`
            The level, or the standard deviation of the noise, in the unit of ``data``, of the shape
            of ``data`` without ``axis``. float32 data give float32, integers float64. A CuPy array
            if ``data`` is one, even a single value.
        """
        return self._called(data, axis=axis, masked=masked)

    @abstractmethod
    def _called(self, data: Any, axis: Any, masked: bool) -> Any:
        """Call the method that the base class of the kind declares."""

    def __repr__(self) -> str:
        return show(self, {name: getattr(self, name) for name in self._parameters})

    def _statistics(self) -> tuple[Statistic, ...] | None:
        """The statistics that `_combine` takes; `None` if it needs the pixels."""
        return None

    def _combine(self, *statistics: Any) -> Any:
        """Combine the statistics to the estimate, element by element."""
        return statistics[0]

    def _estimate(self, data: Any, axis: Any, masked: bool) -> Any:
        if masked and axis is not None:
            only_on_host(
                data, "a masked array", "NumPy alone has them; with masked=False NaN says where "
                "there is no estimate",
            )  # fmt: skip
        data, unit = _floats(data)
        statistics = self._statistics() or ()
        # Where all values are NaN, the estimate is NaN, without a warning.
        with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
            warnings.simplefilter("ignore", RuntimeWarning)
            result = self._combine(*clipped_statistics(data, self.sigma_clip, axis, statistics))
        if masked and isinstance(result, np.ndarray):
            result = np.ma.masked_where(np.isnan(result), result)
        return result if unit is None else result << unit


def _floats(data: Any) -> tuple[Any, Any]:
    """Return ``data`` as floats without a unit, and the unit."""
    xp = array_namespace(data=data)
    data = data if is_device_array(data) else np.asanyarray(data)
    unit = getattr(data, "unit", None)
    data = data if unit is None else data.value
    return (data if data.dtype.kind == "f" else data.astype(xp.float64)), unit


class BackgroundBase(_Estimator):
    """Base class of estimators of the background level.

    Subclasses define `calc_background`; calling an instance calls it.

    Parameters
    ----------
    sigma_clip : `~astropy.stats.SigmaClip` or None, optional
        How outliers are clipped first; `None` does not clip. 3 sigma and at most 10 iterations by
        default.

    Raises
    ------
    TypeError
        If ``sigma_clip`` is neither a SigmaClip nor `None`.
    """

    def _called(self, data: Any, axis: Any, masked: bool) -> Any:
        return self.calc_background(data, axis=axis, masked=masked)

    @abstractmethod
    def calc_background(self, data: Any, axis: Any = None, masked: bool = False) -> Any:
        """Estimate the background level, with the arguments of a call of the instance."""


class BackgroundRMSBase(_Estimator):
    """Base class of estimators of the background's noise.

    Subclasses define `calc_background_rms`; calling an instance calls it.

    Parameters
    ----------
    sigma_clip : `~astropy.stats.SigmaClip` or None, optional
        How outliers are clipped first; `None` does not clip. 3 sigma and at most 10 iterations by
        default.

    Raises
    ------
    TypeError
        If ``sigma_clip`` is neither a SigmaClip nor `None`.
    """

    def _called(self, data: Any, axis: Any, masked: bool) -> Any:
        return self.calc_background_rms(data, axis=axis, masked=masked)

    @abstractmethod
    def calc_background_rms(self, data: Any, axis: Any = None, masked: bool = False) -> Any:
        """Estimate the noise, with the arguments of a call of the instance."""
