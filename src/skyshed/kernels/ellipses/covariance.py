"""Covariance matrices of two dimensions, as arrays of their elements."""

from typing import Any

import numpy as np

__all__ = ["major_axis_angle"]


def major_axis_angle(aa: Any, ab: Any, bb: Any) -> Any:
    """Return the angle of the major axis from axis a towards axis b, in degrees, in (-90, 90]."""
    # A covariance of -0.0 would give -90 instead of 90.
    return np.rad2deg(0.5 * np.arctan2(2 * ab + 0.0, aa - bb))
