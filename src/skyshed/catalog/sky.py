"""Positions and angles on the sky, where there is a WCS."""

from typing import Any

import numpy as np

from skyshed.catalog.registry import Column, measurement
from skyshed.kernels.ellipses.covariance import major_axis_angle
from skyshed.namespace import in_one_transfer

#: The step in pixels with which the WCS is differentiated: from a pixel's centre to its edges.
STEP = 0.5


def _nothing(n: int) -> Any:
    """Return an array of n times None, which sky columns hold if there is no WCS."""
    return np.full(n, None)


@measurement(
    Column(
        "sky_centroid", "sky", "Sky coordinate of the centroid, in the frame of the WCS.", ucd="pos"
    ),
    geometry=True,
)
def sky_centroid(wcs: Any, xcentroid: Any, ycentroid: Any) -> Any:
    """Convert the centroids to sky coordinates."""
    if wcs is None:
        return _nothing(len(xcentroid))
    return wcs.pixel_to_world(*in_one_transfer(xcentroid, ycentroid))


@measurement(
    Column(
        "sky_centroid_win",
        "sky",
        "Sky coordinate of centroid_win, in the frame of the WCS.",
        ucd="pos",
    ),
    geometry=True,
)
def sky_centroid_win(wcs: Any, xcentroid_win: Any, ycentroid_win: Any) -> Any:
    """Convert the windowed centroids to sky coordinates."""
    return sky_centroid(wcs, xcentroid_win, ycentroid_win)


@measurement(
    Column(
        "sky_centroid_quad",
        "sky",
        "Sky coordinate of centroid_quad, in the frame of the WCS.",
        ucd="pos",
    ),
    geometry=True,
)
def sky_centroid_quad(wcs: Any, xcentroid_quad: Any, ycentroid_quad: Any) -> Any:
    """Convert the quadratic centroids to sky coordinates."""
    return sky_centroid(wcs, xcentroid_quad, ycentroid_quad)


@measurement(
    Column("sky_centroid_icrs", "sky", "Sky coordinate of the centroid in the ICRS.", ucd="pos"),
    geometry=True,
)
def sky_centroid_icrs(wcs: Any, sky_centroid: Any) -> Any:
    """Transform the sky centroids to the ICRS."""
    return sky_centroid if wcs is None else sky_centroid.icrs


@measurement(
    Column("ra", "deg", "Right ascension of the centroid in the ICRS.", ucd="pos.eq.ra;meta.main"),
    Column("dec", "deg", "Declination of the centroid in the ICRS.", ucd="pos.eq.dec;meta.main"),
    geometry=True,
)
def icrs_degrees(wcs: Any, sky_centroid_icrs: Any) -> tuple[Any, Any]:
    """Take the ICRS positions apart, for those who want plain numbers."""
    if wcs is None:
        return (_nothing(len(sky_centroid_icrs)),) * 2
    return sky_centroid_icrs.ra.deg, sky_centroid_icrs.dec.deg


@measurement(
    Column(
        "sky_bbox_ll",
        "sky",
        "Sky coordinate of the lower left corner of the bounding box.",
        ucd="pos",
    ),
    Column(
        "sky_bbox_ul",
        "sky",
        "Sky coordinate of the upper left corner of the bounding box.",
        ucd="pos",
    ),
    Column(
        "sky_bbox_lr",
        "sky",
        "Sky coordinate of the lower right corner of the bounding box.",
        ucd="pos",
    ),
    Column(
        "sky_bbox_ur",
        "sky",
        "Sky coordinate of the upper right corner of the bounding box.",
        ucd="pos",
    ),
    geometry=True,
)
def sky_corners(
    wcs: Any, bbox_xmin: Any, bbox_xmax: Any, bbox_ymin: Any, bbox_ymax: Any
) -> tuple[Any, ...]:
    """Convert the outer corners of the corner pixels to sky coordinates."""
    if wcs is None:
        return (_nothing(len(bbox_xmin)),) * 4
    x0, x1, y0, y1 = in_one_transfer(bbox_xmin, bbox_xmax, bbox_ymin, bbox_ymax)
    left, right, lower, upper = x0 - 0.5, x1 + 0.5, y0 - 0.5, y1 + 0.5
    corners = ((left, lower), (left, upper), (right, lower), (right, upper))
    return tuple(wcs.pixel_to_world(x, y) for x, y in corners)


def sky_jacobian(wcs: Any, x: Any, y: Any) -> tuple[Any, Any, Any, Any]:
    """Return the derivatives of the offsets towards east and north with respect to x and y.

    They are central differences of unit vectors, projected on the tangent plane, and so are right
    across longitude 0 and at the poles. The unit is radians per pixel.

    Returns
    -------
    east_x, east_y, north_x, north_y : array of float64, shape (n,)
    """
    from astropy import units as u

    low_level = getattr(wcs, "low_level_wcs", wcs)
    axes = [component[1] for component in low_level.world_axis_object_components]
    if sorted(axes) != [0, 1]:
        raise ValueError(
            "wcs must have one celestial longitude and one latitude axis, and no other; "
            f"its axes are {list(low_level.world_axis_physical_types)}"
        )

    def on_sky(x: Any, y: Any) -> tuple[Any, Any]:
        world = low_level.pixel_to_world_values(x, y)
        lon, lat = (
            np.asarray(world[k]) * u.Unit(low_level.world_axis_units[k]).to(u.rad)
            for k in (axes.index(0), axes.index(1))
        )
        return lon, lat

    def vectors(x: Any, y: Any) -> Any:
        lon, lat = on_sky(x, y)
        return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])

    lon, lat = on_sky(x, y)
    east = np.stack([-np.sin(lon), np.cos(lon), np.zeros_like(lon)])
    north = np.stack([-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)])
    by_x = (vectors(x + STEP, y) - vectors(x - STEP, y)) / (2 * STEP)
    by_y = (vectors(x, y + STEP) - vectors(x, y - STEP)) / (2 * STEP)
    return tuple((by * towards).sum(axis=0) for towards in (east, north) for by in (by_x, by_y))


@measurement(
    Column(
        "sky_orientation",
        "deg",
        "Angle of the major axis from north towards east, (-90, 90].",
        ucd="pos.posAng",
    ),
    geometry=True,
)
def sky_orientation(
    wcs: Any, xcentroid: Any, ycentroid: Any, covar_sigx2: Any, covar_sigxy: Any, covar_sigy2: Any
) -> Any:
    """Transform the covariance matrix to the tangent plane at the centroid."""
    if wcs is None:
        return _nothing(len(xcentroid))
    x, y, xx, xy, yy = in_one_transfer(xcentroid, ycentroid, covar_sigx2, covar_sigxy, covar_sigy2)
    east_x, east_y, north_x, north_y = sky_jacobian(wcs, x, y)

    def covariance(ax: Any, ay: Any, bx: Any, by: Any) -> Any:
        return ax * bx * xx + (ax * by + ay * bx) * xy + ay * by * yy

    return major_axis_angle(
        covariance(north_x, north_y, north_x, north_y),
        covariance(north_x, north_y, east_x, east_y),
        covariance(east_x, east_y, east_x, east_y),
    )


@measurement(
    Column(
        "sky_pixel_area",
        "arcsec2",
        "Area on the sky of a pixel at the centroid: data over it are surface brightnesses.",
        ucd="phys.angArea;instr.pixel",
    ),
    geometry=True,
)
def sky_pixel_area(wcs: Any, xcentroid: Any, ycentroid: Any) -> Any:
    """Take the determinant of the derivatives of the tangent plane at the centroid."""
    if wcs is None:
        return _nothing(len(xcentroid))
    x, y = in_one_transfer(xcentroid, ycentroid)
    east_x, east_y, north_x, north_y = sky_jacobian(wcs, x, y)
    return np.abs(east_x * north_y - east_y * north_x) * np.rad2deg(3600) ** 2


def sky_errors(wcs: Any, centre: Any, covariance: Any) -> tuple[Any, Any, Any]:
    """Transform errors of positions to the tangent plane at these positions.

    Parameters
    ----------
    wcs : WCS or None
        Without one, the results hold `None`.
    centre : array of float64, shape (n, 2)
        Positions ``x, y``.
    covariance : array of float64, shape (n, 3)
        Their variances along x and y, and their covariance, in pixels squared.

    Returns
    -------
    errors, east, north : array of float64, shape (n, 2), (n,) and (n,)
        1-sigma errors towards east and north, in arcseconds; NaN where a position or a variance is
        not finite.
    """
    if wcs is None:
        return (_nothing(len(centre)),) * 3
    centre, covariance = in_one_transfer(centre, covariance)
    errors = np.full((len(centre), 2), np.nan)
    is_finite = np.isfinite(centre).all(axis=1) & np.isfinite(covariance).all(axis=1)
    if is_finite.any():
        xx, yy, xy = covariance[is_finite].T
        east_x, east_y, north_x, north_y = sky_jacobian(wcs, *centre[is_finite].T)
        for k, (by_x, by_y) in enumerate(((east_x, east_y), (north_x, north_y))):
            errors[is_finite, k] = np.sqrt(
                by_x * by_x * xx + 2 * by_x * by_y * xy + by_y * by_y * yy
            )
    errors *= np.rad2deg(3600)
    return errors, errors[:, 0].copy(), errors[:, 1].copy()


def _error_columns(position: str) -> tuple[Column, ...]:
    """Return the columns of a position's errors on the sky."""
    return (
        Column(
            f"{position}_err",
            "arcsec",
            f"1-sigma errors of {position} towards east and north.",
            requires=("error",),
            ucd="stat.error;pos.eq",
        ),
        *(
            Column(
                f"{position}_{axis}_err",
                "arcsec",
                f"1-sigma error of {position} towards {towards}, a great-circle angle.",
                requires=("error",),
                ucd=f"stat.error;pos.eq.{axis}",
            )
            for axis, towards in (("ra", "east"), ("dec", "north"))
        ),
    )


@measurement(*_error_columns("sky_centroid"), geometry=True)
def sky_centroid_errors(wcs: Any, centroid: Any, _centroid_noise_cov: Any) -> Any:
    """Transform the errors of the centroids."""
    return sky_errors(wcs, centroid, _centroid_noise_cov)


@measurement(*_error_columns("sky_centroid_win"), geometry=True)
def sky_centroid_win_errors(wcs: Any, centroid_win: Any, _centroid_win_noise_cov: Any) -> Any:
    """Transform the errors of the windowed centroids."""
    return sky_errors(wcs, centroid_win, _centroid_win_noise_cov)


@measurement(*_error_columns("sky_centroid_quad"), geometry=True)
def sky_centroid_quad_errors(wcs: Any, centroid_quad: Any, _centroid_quad_cov: Any) -> Any:
    """Transform the errors of the quadratic centroids."""
    return sky_errors(wcs, centroid_quad, _centroid_quad_cov)
