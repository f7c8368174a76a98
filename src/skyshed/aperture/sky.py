"""Shapes between pixels and the sky: by the derivatives of a WCS at one position.

A shape's images under the local linear map are found by singular values: the axes of the ellipse
that an ellipse is mapped to.
"""

from typing import Any

import numpy as np
from astropy import units as u

from skyshed.catalog.sky import sky_jacobian

__all__ = [
    "axes_in_pixels",
    "axes_on_sky",
    "mean_scale",
    "pixel_positions",
    "principal_axes_in_pixels",
    "principal_axes_on_sky",
    "sky_positions",
]

ARCSEC = float(u.radian.to(u.arcsec))


def sky_positions(aperture: Any, wcs: Any) -> Any:
    """Return the positions of a pixel aperture on the sky."""
    return wcs.pixel_to_world(*np.transpose(aperture.positions))


def pixel_positions(aperture: Any, wcs: Any) -> Any:
    """Return the positions of a sky aperture in pixels."""
    return np.transpose(wcs.world_to_pixel(aperture.positions))


def _forward(wcs: Any, position: Any) -> Any:
    """Return the matrix from pixels to arcseconds towards east and north, shape (2, 2).

    Raises
    ------
    ValueError
        If the WCS is not defined there.
    """
    x, y = np.atleast_2d(position)[0]
    if not (np.isfinite(x) and np.isfinite(y)):
        raise ValueError(
            f"the first position is at pixel ({x}, {y}) under the WCS: it has no finite pixel "
            "position, e.g. it lies outside the valid region of the projection"
        )
    matrix = ARCSEC * np.array(sky_jacobian(wcs, np.array([x]), np.array([y]))).reshape(2, 2)
    if not np.isfinite(matrix).all():
        raise ValueError(
            f"The WCS is undefined at pixel position ({x}, {y}), e.g. outside the valid region of "
            "the projection"
        )
    return matrix


def mean_scale(wcs: Any, position: Any) -> float:
    """Return arcseconds per pixel, such that areas are kept: the root of the determinant."""
    return float(np.sqrt(abs(np.linalg.det(_forward(wcs, position)))))


def axes_on_sky(wcs: Any, position: Any, a: float, b: float, theta: float) -> tuple[Any, ...]:
    """Return ``a`` and ``b`` in arcseconds and the angle of ``a`` from north towards east."""
    a, b, east, north = _axes(_forward(wcs, position), a, b, theta, on_sky=False)
    return a, b, _angle(np.arctan2(east, north))


def axes_in_pixels(
    wcs: Any, position: Any, a: float, b: float, theta: float, sky: Any
) -> tuple[Any, ...]:
    """Return ``a`` and ``b`` in pixels and the angle of ``a`` from x towards y.

    ``theta`` is in radians from north towards east of the frame of ``sky``, the coordinates.
    """
    turned = theta + _turn(wcs, sky)
    inverse = np.linalg.inv(_forward(wcs, position))
    a, b, x, y = _axes(inverse, a, b, turned, on_sky=True)
    return a, b, _angle(np.arctan2(y, x))


def _axes(matrix: Any, a: float, b: float, theta: float, *, on_sky: bool) -> tuple[Any, ...]:
    """Map an ellipse, and return the lengths of its axes and the direction of the first one."""
    cosine, sine = np.cos(theta), np.sin(theta)
    # The directions of the axes: as (x, y), or as (east, north) where angles are from north.
    axes = np.array(
        [[sine, cosine], [cosine, -sine]] if on_sky else [[cosine, -sine], [sine, cosine]]
    )
    mapped = matrix @ (axes * [a, b])
    directions, lengths, _ = np.linalg.svd(mapped)
    first = mapped[:, 0]
    along = directions.T @ first
    which = 0 if abs(along[0]) > abs(along[1]) else 1
    direction = directions[:, which] * (-1 if along[which] < 0 else 1)
    if np.isclose(a, b) and first.any():
        direction = first / np.hypot(*first)  # a circle's axes are as good as any: keep the angle
    return float(lengths[which]), float(lengths[1 - which]), *direction


def _angle(radians: Any) -> Any:
    """Return an angle in [0, 360) degrees."""
    from astropy.coordinates import Angle

    return Angle(np.rad2deg(radians) * u.deg).wrap_at(360 * u.deg)


def _turn(wcs: Any, sky: Any) -> float:
    """Return the angle of the north of coordinates' frame in that of the WCS, in radians."""
    from astropy.coordinates import BaseCoordinateFrame, frame_transform_graph

    low_level = getattr(wcs, "low_level_wcs", wcs)
    key = next(axis[0] for axis in low_level.world_axis_object_components if axis[1] == 0)
    frame = low_level.world_axis_object_classes[key][2].get("frame")
    if isinstance(frame, str):
        frame = frame_transform_graph.lookup_name(frame) or frame
    if isinstance(frame, type):
        frame = frame()
    if frame is None or (isinstance(frame, BaseCoordinateFrame) and sky.is_equivalent_frame(frame)):
        return 0.0
    north = sky.directional_offset_by(0.0, 1 * u.arcsec)
    return float(sky.transform_to(frame).position_angle(north.transform_to(frame)).to_value(u.rad))


def principal_axes_on_sky(wcs: Any, position: Any) -> tuple[Any, ...]:
    """Return the axes of a circle of 1 pixel on the sky in arcseconds, and the major's angle."""
    directions, lengths, _ = np.linalg.svd(_forward(wcs, position))
    return *map(float, lengths), _angle(np.arctan2(directions[0, 0], directions[1, 0]))


def principal_axes_in_pixels(wcs: Any, position: Any) -> tuple[Any, ...]:
    """Return the axes of a circle of 1 arcsecond in pixels, and the major one's angle."""
    directions, lengths, _ = np.linalg.svd(np.linalg.inv(_forward(wcs, position)))
    return *map(float, lengths), _angle(np.arctan2(directions[1, 0], directions[0, 0]))
