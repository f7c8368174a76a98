"""Ellipses on the CPU: array arithmetic, which NumPy does at the speed of memory."""

from typing import Any

import numpy as np

from skyshed.kernels.ellipses import major_axis_angle

#: The variance of a uniform distribution over one pixel: no source is resolved below it.
PIXEL_VARIANCE = 1 / 12
#: How far below 0, relative to the squared trace, rounding can take the determinant of the
#: covariance of a source on a line.
DETERMINANT_ROUNDING = 1000 * np.finfo(float).eps


def ellipses(moments: Any, n_threads: int | None) -> tuple[Any, ...]:
    """Describe ellipses; see the contract in `skyshed.kernels.ellipses`."""
    total = moments[:, 0, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        xx, xy, yy = _resolved(*(moments[:, i, 2 - i] / total for i in range(3)))
    large, small = _eigenvalues(xx, xy, yy)
    a, b = np.sqrt(large), np.sqrt(small)
    orientation = major_axis_angle(xx, xy, yy)
    return (
        np.stack([xx, xy, xy, yy], axis=-1).reshape(-1, 2, 2),
        np.stack([large, small], axis=-1),
        xx,
        xy,
        yy,
        a,
        b,
        2 * np.sqrt(np.log(2) * (large + small)),
        orientation,
        np.sqrt(1 - small / large),
        a / b,
        1 - b / a,
        *_equation(a, b, orientation),
    )


def _eigenvalues(xx: Any, xy: Any, yy: Any) -> tuple[Any, Any]:
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


def _resolved(xx: Any, xy: Any, yy: Any) -> tuple[Any, Any, Any]:
    """Raise the variance along each principal axis to that of a pixel; the axes stay."""
    large, small = _eigenvalues(xx, xy, yy)
    point = large < PIXEL_VARIANCE
    thin = (small < PIXEL_VARIANCE) & ~point
    # (large - C) / (large - small) projects on the minor axis.
    lift = np.where(thin, (PIXEL_VARIANCE - small) / (large - small), 0.0)
    trace = xx + yy
    impossible = xx * yy - xy * xy < -DETERMINANT_ROUNDING * trace**2
    impossible |= trace < 0

    def chosen(value: Any, of_point: float) -> Any:
        return np.where(impossible, np.nan, np.where(point, of_point, value))

    return (
        chosen(xx + lift * (large - xx), PIXEL_VARIANCE),
        chosen(xy - lift * xy, 0.0),
        chosen(yy + lift * (large - yy), PIXEL_VARIANCE),
    )


def _equation(a: Any, b: Any, orientation: Any) -> tuple[Any, Any, Any]:
    """Expand the ellipse ``cxx dx**2 + cxy dx dy + cyy dy**2 = R**2``, R in units of its axes."""
    angle = np.deg2rad(orientation)
    cos, sin = np.cos(angle), np.sin(angle)
    major, minor = a**-2, b**-2
    return (
        cos**2 * major + sin**2 * minor,
        2 * cos * sin * (major - minor),
        sin**2 * major + cos**2 * minor,
    )
