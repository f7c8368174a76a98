"""What estimators of the background have in common.

An estimator says which statistics of the pixels it needs and how it combines them. Called on an
array it measures them itself; `~skyshed.background.Background2D` has them measured for all boxes at
once.
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

__all__ = ["DEFAULT_CLIP", "BackgroundBase", "BackgroundRMSBase", "own_clip", "show"]

#: The clipping where the caller names none (photutils' default). Owners take copies: `own_clip`.
DEFAULT_CLIP = SigmaClip(sigma=3.0, maxiters=10)


def own_clip(sigma_clip: Any) -> Any:
    """Return ``sigma_clip``, or a copy if it is the default, which an owner may then change."""
    return copy.copy(sigma_clip) if sigma_clip is DEFAULT_CLIP else sigma_clip


def show(instance: Any, parameters: dict[str, Any]) -> str:
    """Return ``Name(parameter=value, ...)``."""
    listed = ", ".join(f"{name}={value!r}" for name, value in parameters.items())
    return f"{type(instance).__name__}({listed})"


class _Estimator(ABC):
    """What estimators of the level and of the noise share."""

    #: What `skyshed.Parameters` calls the estimator; empty for one of the user's own.
    name: ClassVar[str] = ""
    #: Names of the constructor's arguments, in the order of the repr.
    _parameters: tuple[str, ...] = ("sigma_clip",)

    def __init__(self, sigma_clip: SigmaClip | None = DEFAULT_CLIP) -> None:
        if sigma_clip is not None and not isinstance(sigma_clip, SigmaClip):
            raise TypeError(
                "sigma_clip must be an astropy SigmaClip instance or None (no clipping), got "
                f"{sigma_clip!r}: use astropy.stats.SigmaClip(sigma=...)"
            )
        self.sigma_clip = own_clip(sigma_clip)

    def __call__(self, data: Any, axis: Any = None, masked: bool = False) -> Any:
        """Estimate the background level, or its noise, of an array.

        Parameters
        ----------
        data : array_like, Quantity, `~numpy.ma.MaskedArray` or CuPy array
            Any shape. NaN and masked elements are left out.
        axis : int, tuple of int or None, optional
            The axes to estimate along; `None` for all elements together.
        masked : bool, optional
            Whether to return a masked array instead of NaN where there is no estimate; CuPy has
            none.

        Returns
        -------
        estimate : float, array or `~numpy.ma.MaskedArray`
            The level, or the standard deviation of the noise, in the unit of ``data``, of shape
            ``data.shape`` without ``axis``. float32 data give float32, integers float64. A CuPy
            array where ``data`` is one, also without axes.
        """
        return self._called(data, axis=axis, masked=masked)

    @abstractmethod
    def _called(self, data: Any, axis: Any, masked: bool) -> Any:
        """Call the public method."""

    def __repr__(self) -> str:
        return show(self, {name: getattr(self, name) for name in self._parameters})

    def _statistics(self) -> tuple[Statistic, ...] | None:
        """The statistics that `_combine` takes; None if they must be measured here."""
        return None

    def _combine(self, *statistics: Any) -> Any:
        """The estimate from the statistics, element by element."""
        return statistics[0]

    def _estimate(self, data: Any, axis: Any, masked: bool) -> Any:
        if masked and axis is not None:
            only_on_host(
                data, "a masked array", "NumPy alone has them; with masked=False NaN says where "
                "there is no estimate",
            )  # fmt: skip
        data, unit = _floats(data)
        wanted = self._statistics() or ()
        # Where all is NaN the answer is NaN, without a warning.
        with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
            warnings.simplefilter("ignore", RuntimeWarning)
            result = self._combine(*clipped_statistics(data, self.sigma_clip, axis, wanted))
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

    Subclasses define `calc_background`; instances are called like it.

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
        """Estimate the background level; arguments and result are those of calling the instance."""


class BackgroundRMSBase(_Estimator):
    """Base class of estimators of the background's noise.

    Subclasses define `calc_background_rms`; instances are called like it.

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
        """Estimate the noise; arguments and result are those of calling the instance."""
