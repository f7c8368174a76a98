"""Ellipses on the CPU: array arithmetic, which NumPy does at the speed of memory."""

from typing import Any

import numpy as np

from skyshed.kernels.ellipses.covariance import (
    PIXEL_VARIANCE,
    eigenvalues,
    floored,
    major_axis_angle,
)


def ellipses(moments: Any, n_threads: int | None) -> tuple[Any, ...]:
    """Describe ellipses; see the contract in `skyshed.kernels.ellipses`."""
    total = moments[:, 0, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        xx, xy, yy = (moments[:, i, 2 - i] / total for i in range(3))
        xx, xy, yy = floored(xx, xy, yy, PIXEL_VARIANCE)
    large, small = eigenvalues(xx, xy, yy)
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


def kron_sizes(
    measured, moment, total, semimajor, semiminor, scale, least, circle, largest, n_threads
):
    """Size Kron apertures; see the contract in `skyshed.kernels.ellipses`."""
    not_positive = (moment <= 0) | (total <= 0)
    radius = np.where(not_positive, least, measured)
    radius[radius > largest] = np.nan
    radius[radius < least] = least
    if circle is not None:
        radius[scale * radius * np.sqrt(semimajor * semiminor) <= circle] = 0.0
    at_least = not_positive | (measured <= least) | (radius == 0)
    major, minor = semimajor * radius * scale, semiminor * radius * scale
    if circle is not None:
        circular = (major == 0) & (minor == 0)
        major[circular] = minor[circular] = circle
    return radius, at_least, major, minor
