"""Sums over apertures, and radii of circles that contain a fraction of the flux."""

from typing import Any

import numpy as np

from skyshed.catalog import noise_factors
from skyshed.catalog.reach import circle_boxes
from skyshed.catalog.registry import Column, measurement
from skyshed.kernels import apertures

__all__ = [
    "MASKING",
    "as_ellipses",
    "circle_sums",
    "ellipse_sums",
    "frame_window",
    "kron_boxes",
    "radius_of_fraction",
    "weights_of",
]

#: What the kernels call the catalog's ``apermask_method``.
MASKING = {"none": apertures.NONE, "mask": apertures.MASK, "correct": apertures.CORRECT}


def frame_window(frame: Any, sources: Any) -> tuple[Any, int, int, int]:
    """Return where a frame lies in the whole image, as the aperture kernels take it."""
    if frame.n_images > 1:
        return (frame.origins(sources)[:, 0], 0, *frame.full_shape)
    return (*frame.origin, *frame.full_shape)


def as_ellipses(x: Any, y: Any, a: Any, b: Any, theta: Any) -> Any:
    """Return ellipses as the kernels take them, from centres, axes, and angles in degrees."""
    return np.column_stack((x, y, a, b, np.deg2rad(theta)))


def ellipse_sums(
    frame: Any,
    sources: Any,
    ellipses: Any,
    local_background: Any,
    apermask_method: str,
    n_threads: int | None,
) -> tuple[Any, Any, Any]:
    """Return flux, its variance and `~skyshed.kernels.apertures.Seen` of one ellipse per source.

    ``ellipses`` are those of `as_ellipses`.
    """
    sums: tuple[Any, Any, Any] = apertures.aperture_sums(
        frame.data,
        frame.error,
        frame.input_mask,
        frame.labels,
        frame.mask,
        frame_window(frame, sources),
        sources.labels,
        ellipses,
        local_background,
        MASKING[apermask_method],
        n_threads,
        weights_of(frame, sources, ellipses, n_threads),
    )
    return sums


def weights_of(frame: Any, sources: Any, ellipses: Any, n_threads: int | None) -> Any:
    """Return the weights of ellipses that a frame has in common with others; `None` for none."""
    if frame.kept is None:
        return None
    place = frame_window(frame, sources)
    return frame.kept.of(frame.labels, place, sources.labels, ellipses, n_threads)


def _circles_of_radius(xcentroid: Any, ycentroid: Any, radius: float) -> Any:
    return circle_boxes(xcentroid, ycentroid, radius)


def _circles_around_win(xcentroid_win: Any, ycentroid_win: Any, radius: float) -> Any:
    return circle_boxes(xcentroid_win, ycentroid_win, radius)


@measurement(
    Column("_circular_flux", "data", "Sum over a circle, less the local background."),
    Column("_circular_fluxerr", "data", "Error of that sum from the total error."),
    reach=_circles_of_radius,
    on_host=("xcentroid", "ycentroid"),
)
def _circular_photometry(
    frame: Any,
    sources: Any,
    xcentroid: Any,
    ycentroid: Any,
    radius: float,
    local_background: Any,
    apermask_method: str,
    noise_correlation: Any,
    smoothed_noise: Any,
    n_threads: int | None,
) -> Any:
    return circle_sums(
        frame, sources, (xcentroid, ycentroid), radius, local_background, apermask_method,
        noise_correlation, smoothed_noise, n_threads,
    )  # fmt: skip


def circle_sums(
    frame: Any,
    sources: Any,
    center: tuple[Any, Any],
    radius: float,
    local_background: Any,
    apermask_method: str,
    noise_correlation: Any,
    smoothed_noise: Any,
    n_threads: int | None,
) -> tuple[Any, Any]:
    """Return the flux in a circle around each source, and its error."""
    axis = np.full(center[0].shape, radius)
    ellipses = as_ellipses(*center, axis, axis, np.zeros_like(axis))
    total, variance, _ = ellipse_sums(
        frame, sources, ellipses, local_background, apermask_method, n_threads
    )
    # All circles are alike.
    return total, noise_factors.errors_of_sums(
        variance, total, noise_correlation, smoothed_noise,
        lambda correlation: noise_factors.of_ellipses(correlation, [[0, 0, radius, radius, 0]])[0],
    )  # fmt: skip


@measurement(
    Column("_circular_win_flux", "data", "Sum over a circle around centroid_win, as above."),
    Column("_circular_win_fluxerr", "data", "Error of that sum from the total error."),
    reach=_circles_around_win,
    on_host=("xcentroid_win", "ycentroid_win"),
)
def _circular_win_photometry(
    frame: Any,
    sources: Any,
    xcentroid_win: Any,
    ycentroid_win: Any,
    radius: float,
    local_background: Any,
    apermask_method: str,
    noise_correlation: Any,
    smoothed_noise: Any,
    n_threads: int | None,
) -> Any:
    return circle_sums(
        frame, sources, (xcentroid_win, ycentroid_win), radius, local_background, apermask_method,
        noise_correlation, smoothed_noise, n_threads,
    )  # fmt: skip


def kron_boxes(xcentroid: Any, ycentroid: Any, _kron_major: Any) -> Any:
    """Return the boxes of circles around the Kron apertures."""
    return circle_boxes(xcentroid, ycentroid, _kron_major)


def radius_of_fraction(
    frame: Any,
    sources: Any,
    circles: Any,
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
    circles : array of float64, shape (n, 3)
        The largest circles: ``x, y, radius``.
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
        frame_window(frame, sources),
        sources.labels,
        circles,
        local_background,
        flux,
        MASKING[apermask_method],
        n_threads,
    )


@measurement(
    Column("_kron_circle", description="x, y and radius of the circle around the Kron aperture."),
    geometry=True,
)
def _kron_circle(xcentroid: Any, ycentroid: Any, _kron_major: Any) -> Any:
    return np.column_stack((xcentroid, ycentroid, _kron_major))


@measurement(
    Column("_fluxfrac_radius", "pix", "Radius of the circle that holds a fraction of kron_flux."),
    reach=kron_boxes,
    on_host=("_kron_circle", "kron_flux", "local_background"),
)
def _fluxfrac_radius(
    frame: Any,
    sources: Any,
    _kron_circle: Any,
    kron_flux: Any,
    local_background: Any,
    fraction: float,
    apermask_method: str,
    n_threads: int | None,
) -> Any:
    flux = fraction * kron_flux
    return radius_of_fraction(
        frame, sources, _kron_circle, flux, local_background, apermask_method, n_threads
    )


@measurement(
    Column("_half_light_radius", "pix", "Radius of the circle that holds half of kron_flux."),
    geometry=True,
    reach=kron_boxes,
    on_host=("_kron_circle", "kron_flux", "local_background"),
)
def _half_light_radius(
    frame: Any,
    sources: Any,
    _kron_circle: Any,
    kron_flux: Any,
    local_background: Any,
    apermask_method: str,
    n_threads: int | None,
) -> Any:
    flux = 0.5 * kron_flux
    return radius_of_fraction(
        frame, sources, _kron_circle, flux, local_background, apermask_method, n_threads
    )
