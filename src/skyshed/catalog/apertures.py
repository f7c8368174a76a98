"""Sums over apertures, and radii of circles that contain a fraction of the flux."""

from typing import Any

import numpy as np

from skyshed.catalog.reach import circle_boxes
from skyshed.catalog.registry import Column, measurement
from skyshed.kernels import apertures

__all__ = ["MASKING", "ellipse_sums", "frame_window", "kron_boxes", "radius_of_fraction"]

#: What the kernels call the catalog's ``apermask_method``.
MASKING = {"none": apertures.NONE, "mask": apertures.MASK, "correct": apertures.CORRECT}


def frame_window(frame: Any) -> tuple[int, int, int, int]:
    """Return where a frame lies in the whole image, as the aperture kernels take it."""
    return (*frame.origin, *frame.full_shape)


def ellipse_sums(
    frame: Any,
    sources: Any,
    ellipses: Any,
    local_background: Any,
    apermask_method: str,
    n_threads: int | None,
) -> tuple[Any, Any, Any]:
    """Return flux, error and `~skyshed.kernels.apertures.Seen` of one ellipse per source.

    ``ellipses`` has the columns ``x, y, a, b, theta``, theta in degrees.
    """
    total, variance, seen = apertures.aperture_sums(
        frame.data,
        frame.error,
        frame.input_mask,
        frame.labels,
        frame.mask,
        frame_window(frame),
        sources.labels,
        np.column_stack((*ellipses[:4], np.deg2rad(ellipses[4]))),
        local_background,
        MASKING[apermask_method],
        n_threads,
    )
    return total, np.sqrt(variance), seen


def _circles_of_radius(xcentroid: Any, ycentroid: Any, radius: float) -> Any:
    return circle_boxes(xcentroid, ycentroid, radius)


@measurement(
    Column("_circular_flux", "data", "Sum over a circle, less the local background."),
    Column("_circular_fluxerr", "data", "Error of that sum from the total error."),
    reach=_circles_of_radius,
)
def _circular_photometry(
    frame: Any,
    sources: Any,
    xcentroid: Any,
    ycentroid: Any,
    radius: float,
    local_background: Any,
    apermask_method: str,
    n_threads: int | None,
) -> Any:
    axis = frame.xp.full(xcentroid.shape, radius)
    ellipses = xcentroid, ycentroid, axis, axis, np.zeros_like(axis)
    return ellipse_sums(frame, sources, ellipses, local_background, apermask_method, n_threads)[:2]


def kron_boxes(xcentroid: Any, ycentroid: Any, _kron_major: Any) -> Any:
    """Return the boxes of circles around the Kron apertures."""
    return circle_boxes(xcentroid, ycentroid, _kron_major)


def radius_of_fraction(
    frame: Any,
    sources: Any,
    circles: tuple[Any, Any, Any],
    flux: Any,
    local_background: Any,
    apermask_method: str,
    n_threads: int | None,
) -> Any:
    """Return the radii of circles that contain a given flux.

    Parameters
    ----------
    frame, sources, local_background, apermask_method, n_threads
        As measurements receive them.
    circles : tuple of arrays ``x, y, radius``, shape (n,)
        The largest circles.
    flux : array of float64, shape (n,)
        The flux that each circle must contain.

    Returns
    -------
    radius : array of float64, shape (n,)
        In pixels; NaN where no circle up to the largest one contains that flux.
    """
    return apertures.radius_of_flux(
        frame.data,
        frame.labels,
        frame.mask,
        frame_window(frame),
        sources.labels,
        np.column_stack(circles),
        local_background,
        flux,
        MASKING[apermask_method],
        n_threads,
    )


@measurement(
    Column("_fluxfrac_radius", "pix", "Radius of the circle that holds a fraction of kron_flux."),
    reach=kron_boxes,
)
def _fluxfrac_radius(
    frame: Any,
    sources: Any,
    xcentroid: Any,
    ycentroid: Any,
    _kron_major: Any,
    kron_flux: Any,
    local_background: Any,
    fraction: float,
    apermask_method: str,
    n_threads: int | None,
) -> Any:
    circles, flux = (xcentroid, ycentroid, _kron_major), fraction * kron_flux
    return radius_of_fraction(
        frame, sources, circles, flux, local_background, apermask_method, n_threads
    )


@measurement(
    Column("_half_light_radius", "pix", "Radius of the circle that holds half of kron_flux."),
    geometry=True,
    reach=kron_boxes,
)
def _half_light_radius(
    frame: Any,
    sources: Any,
    xcentroid: Any,
    ycentroid: Any,
    _kron_major: Any,
    kron_flux: Any,
    local_background: Any,
    apermask_method: str,
    n_threads: int | None,
) -> Any:
    circles, flux = (xcentroid, ycentroid, _kron_major), 0.5 * kron_flux
    return radius_of_fraction(
        frame, sources, circles, flux, local_background, apermask_method, n_threads
    )
