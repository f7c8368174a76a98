"""The local background of each position, as it is given."""

from typing import Any

import numpy as np

from skyshed.namespace import to_host

__all__ = ["local_levels"]


def local_levels(value: Any, n: int, unit: Any) -> Any:
    """Return the local background of each position without its unit: float64, shape (n,)."""
    if value is None:
        return np.zeros(n)
    own = getattr(value, "unit", None)
    if own is not None or unit is not None:
        if own is None or unit is None or own != unit:
            raise ValueError(
                f"local_bkg and data must have the same units, or none of them any; got {own} and "
                f"{unit}"
            )
        value = value.value
    value = np.atleast_1d(np.asarray(to_host(value), float))
    if value.ndim != 1:
        raise ValueError(f"local_bkg must be a 1D array, got shape {value.shape}")
    if len(value) not in (1, n):
        raise ValueError(
            "local_bkg must be scalar or have the same length as the input aperture: got "
            f"{len(value)} for {n} positions"
        )
    if not np.isfinite(value).all():
        raise ValueError("local_bkg must not contain any nonfinite (e.g., inf or NaN) values")
    return np.broadcast_to(value, n)
