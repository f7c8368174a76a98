"""Covariance matrices of two dimensions, as arrays of their elements."""

from typing import Any

import numpy as np

__all__ = ["PIXEL_VARIANCE", "eigenvalues", "floored", "major_axis_angle"]

#: The variance of a uniform distribution over one pixel: no source is resolved below it.
PIXEL_VARIANCE = 1 / 12
#: How far below 0, relative to the squared trace, rounding can take the determinant of the
#: covariance of a source on a line.
DETERMINANT_ROUNDING = 1000 * np.finfo(float).eps


def eigenvalues(xx: Any, xy: Any, yy: Any) -> tuple[Any, Any]:
    """Return the larger and the smaller eigenvalue of symmetric 2 x 2 matrices.

    The smaller comes from the determinant where it can: the difference of half the trace and half
    the discriminant would cancel for elongated matrices.
    """
    half = 0.5 * (xx + yy)
    root = np.hypot(0.5 * (xx - yy), xy)
    large = half + root
    with np.errstate(divide="ignore", invalid="ignore"):
        small = np.where(half > 0, (xx * yy - xy * xy) / large, half - root)
    # Rounding must not make the smaller the larger one.
    return large, np.minimum(small, large)


def floored(xx: Any, xy: Any, yy: Any, least: Any) -> tuple[Any, Any, Any]:
    """Raise the variance along each principal axis to ``least``, a number or one per matrix.

    The axes keep their directions. Matrices that are not positive semidefinite describe no shape
    and become NaN.
    """
    large, small = eigenvalues(xx, xy, yy)
    point = large < least
    thin = (small < least) & ~point
    # (large - C) / (large - small) projects on the minor axis.
    lift = np.where(thin, (least - small) / (large - small), 0.0)
    trace = xx + yy
    impossible = xx * yy - xy * xy < -DETERMINANT_ROUNDING * trace**2
    impossible |= trace < 0

    def chosen(value: Any, of_point: float) -> Any:
        return np.where(impossible, np.nan, np.where(point, of_point, value))

    return (
        chosen(xx + lift * (large - xx), least),
        chosen(xy - lift * xy, 0.0),
        chosen(yy + lift * (large - yy), least),
    )


def major_axis_angle(aa: Any, ab: Any, bb: Any) -> Any:
    """Return the angle of the major axis from axis a towards axis b, in degrees, in (-90, 90]."""
    # A covariance of -0.0 would give -90 instead of 90.
    return np.rad2deg(0.5 * np.arctan2(2 * ab + 0.0, aa - bb))
