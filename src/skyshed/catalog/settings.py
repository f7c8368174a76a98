"""The settings of a catalog's measurements."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from skyshed.arguments import is_number
from skyshed.catalog.noise_factors import SmoothedNoise

__all__ = ["CatalogSettings", "check_kron_params"]


@dataclass(frozen=True)
class CatalogSettings:
    """The settings of a catalog.

    Parameters
    ----------
    wcs : WCS, optional
        Converts pixels to positions on the sky. It is that of the whole image, not of a frame.
    kron_params : sequence of 2 or 3 floats, optional
        The scale of the Kron radius, the least Kron radius, and the least radius in pixels of the
        circle that replaces smaller Kron ellipses.
    localbkg_width : int, optional
        The width in pixels of the rectangular annulus from which a local background is estimated;
        0 for none.
    apermask_method : {'correct', 'mask', 'none'}, optional
        How apertures treat pixels of neighbouring sources.
    noise_correlation : square of float, optional
        The correlation of the noise of pixels, of
        `skyshed.background.noise_correlation.correlation_of`; errors are those of independent
        noise if `None`.
    smoothed_noise : SmoothedNoise, optional
        Of an image that was convolved: its `skyshed.catalog.noise_factors.SmoothedNoise`, where
        ``noise_correlation`` is that of the pixels before.

    Raises
    ------
    ValueError
        If a setting is out of range.

    Examples
    --------
    >>> from skyshed.catalog import CatalogSettings
    >>> CatalogSettings(kron_params=[2.5, 1.4]).kron_params
    (2.5, 1.4)
    >>> CatalogSettings(localbkg_width=-1)
    Traceback (most recent call last):
    ...
    ValueError: localbkg_width/local_bkg_width must be >= 0, got -1; 0 is for no local background
    """

    wcs: Any = None
    kron_params: Sequence[float] = (2.5, 1.4, 0.0)
    localbkg_width: int = 0
    apermask_method: str = "correct"
    noise_correlation: tuple[tuple[float, ...], ...] | None = None
    smoothed_noise: SmoothedNoise | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "kron_params", check_kron_params(self.kron_params))
        object.__setattr__(self, "localbkg_width", _check_width(self.localbkg_width))
        _check_masking(self.apermask_method)
        object.__setattr__(self, "noise_correlation", _check_correlation(self.noise_correlation))


def check_kron_params(kron_params: Any) -> tuple[float, ...]:
    """Return Kron parameters as a tuple.

    Raises
    ------
    ValueError
        If they are not two or three numbers in range.
    """
    got = f"got {kron_params!r}"
    if np.ndim(kron_params) != 1:
        raise ValueError(f"kron_params must be 1D, a sequence of numbers; {got}")
    if len(kron_params) not in (2, 3):
        raise ValueError(
            "kron_params must have 2 or 3 elements: the scale, the least Kron radius and, if "
            f"wanted, the least circular radius; {got}"
        )
    if not all(is_number(each) for each in kron_params):
        raise ValueError(f"kron_params must be 2 or 3 real numbers; {got}")
    if not kron_params[0] > 0:
        raise ValueError(f"kron_params[0] must be > 0, it scales the Kron radius; {got}")
    if not kron_params[1] > 0:
        raise ValueError(f"kron_params[1] must be > 0, it is the least Kron radius; {got}")
    if len(kron_params) == 3 and not kron_params[2] >= 0:
        raise ValueError(f"kron_params[2] must be >= 0, it is the least circular radius; {got}")
    return tuple(kron_params)


def _check_width(width: Any) -> int:
    """Return the width of the local background's annulus as an int of at least 0."""
    name = "localbkg_width/local_bkg_width"
    if not is_number(width) or not width % 1 == 0:
        raise ValueError(f"{name} must be an integer number of pixels, got {width!r}")
    if width < 0:
        raise ValueError(f"{name} must be >= 0, got {width!r}; 0 is for no local background")
    return int(width)


def _check_masking(method: Any) -> None:
    """Raise a ValueError unless ``method`` is a way to treat pixels of neighbouring sources."""
    if np.ndim(method) != 0 or method not in ("correct", "mask", "none"):
        raise ValueError(
            f"Invalid aperture_mask_method value {method!r}: apermask_method/aperture_mask_method "
            "must be 'correct', 'mask' or 'none'"
        )


def _check_correlation(correlation: Any) -> tuple[tuple[float, ...], ...] | None:
    """Return the correlation of the noise as tuples, which can be compared."""
    if correlation is None:
        return None
    try:
        square = np.asarray(correlation, float)
    except (TypeError, ValueError, OverflowError):
        square = np.empty(0)
    side = square.shape[0] if square.ndim else 0
    if square.ndim != 2 or square.shape != (side, side) or not side % 2:
        raise ValueError(
            "noise_correlation must be a square of an odd number of numbers, or None; got "
            f"{correlation!r}"
        )
    middle = square[side // 2, side // 2]
    if not np.isfinite(square).all() or middle != 1:
        raise ValueError(
            "noise_correlation must be finite, and 1 in its middle, the correlation of a pixel "
            f"with itself; got {middle:g} there"
        )
    return tuple(map(tuple, square.tolist()))
