"""Kron (1980) radii and the fluxes in apertures scaled by them."""

from typing import Any

import numpy as np

from skyshed.catalog import noise_factors
from skyshed.catalog.apertures import MASKING, as_ellipses, ellipse_sums, frame_window, kron_boxes
from skyshed.catalog.reach import circle_boxes
from skyshed.catalog.registry import Column, measurement
from skyshed.kernels import apertures
from skyshed.kernels.ellipses import kron_sizes

#: The Kron radius is measured in the ellipse of the source's second moments scaled by this factor:
#: about twice the isophotal extent of a source, as in SourceExtractor.
KRON_ELLIPSE_SIGMAS = 6.0
#: A radius beyond that ellipse can only come from sums that nearly cancel.
LARGEST_KRON_RADIUS = KRON_ELLIPSE_SIGMAS


def _ellipses_of_6_sigma(xcentroid: Any, ycentroid: Any, semimajor_sigma: Any) -> Any:
    return circle_boxes(xcentroid, ycentroid, KRON_ELLIPSE_SIGMAS * semimajor_sigma)


@measurement(
    Column(
        "_kron_moment", description="Sum of data times elliptical radius in the 6-sigma ellipse."
    ),
    Column("_kron_total", "data", "Sum of the data there, the local background included."),
    geometry=True,
    reach=_ellipses_of_6_sigma,
    on_host=("_ellipse_of_1_sigma",),
)
def _kron_light(
    frame: Any,
    sources: Any,
    _ellipse_of_1_sigma: Any,
    apermask_method: str,
    n_threads: int | None,
) -> Any:
    return apertures.kron_sums(
        frame.data,
        frame.labels,
        frame.mask,
        frame_window(frame, sources),
        sources.labels,
        _ellipse_of_1_sigma,
        KRON_ELLIPSE_SIGMAS,
        MASKING[apermask_method],
        n_threads,
    )


@measurement(
    Column("_ellipse_of_1_sigma", description="x, y, a, b in pixels, theta in radians."),
    geometry=True,
)
def _ellipse_of_1_sigma(
    _count: Any,
    xcentroid: Any,
    ycentroid: Any,
    semimajor_sigma: Any,
    semiminor_sigma: Any,
    orientation: Any,
) -> Any:
    # Where all data are masked, the convolved data may still have a centroid.
    xcentroid = np.where(_count > 0, xcentroid, np.nan)
    return as_ellipses(xcentroid, ycentroid, semimajor_sigma, semiminor_sigma, orientation)


@measurement(
    Column(
        "kron_radius_measured",
        "pix",
        "Unscaled Kron radius before any limit, sum(r I) / sum(I) over the ellipse of 6 sigma, r "
        "in units of its axes (Kron 1980); NaN where a sum is not positive.",
        ucd="phys.size.radius;instr.pixel",
    ),
    geometry=True,
)
def kron_radius_measured(_kron_moment: Any, _kron_total: Any) -> Any:
    """Divide the sums (Kron 1980, eq. 1)."""
    positive = (_kron_moment > 0) & (_kron_total > 0)
    return np.where(positive, _kron_moment / np.where(positive, _kron_total, 1.0), np.nan)


@measurement(
    Column(
        "kron_radius",
        "pix",
        "Unscaled Kron radius, at least kron_params[1]; 0 where the aperture is the least circle.",
        ucd="phys.size.radius;instr.pixel",
    ),
    Column("_kron_at_least", description="Whether a minimum set the Kron aperture."),
    Column("_kron_major", "pix", "Semi-major axis of the Kron aperture."),
    Column("_kron_minor", "pix", "Semi-minor axis of the Kron aperture."),
    geometry=True,
)
def kron_radius(
    kron_radius_measured: Any,
    _kron_moment: Any,
    _kron_total: Any,
    semimajor_sigma: Any,
    semiminor_sigma: Any,
    kron_params: tuple[float, ...],
) -> Any:
    """Apply the limits; NaN if no radius was measured, or one larger than the ellipse allows."""
    scale, least, *circle = kron_params
    return kron_sizes(
        kron_radius_measured,
        _kron_moment,
        _kron_total,
        semimajor_sigma,
        semiminor_sigma,
        scale,
        least,
        circle[0] if circle else None,
        LARGEST_KRON_RADIUS,
        None,
    )


@measurement(
    Column(
        "kron_flux",
        "data",
        "Sum over the Kron aperture, the ellipse scaled by kron_radius times kron_params[0], less "
        "the local background.",
        ucd="phot.flux",
    ),
    Column("_kron_variance", description="Sum of the squared errors, weighted."),
    Column("_kron_seen", description="What was noticed in the Kron aperture, as bits of `Seen`."),
    reach=kron_boxes,
    on_host=("_kron_ellipse", "local_background"),
)
def kron_photometry(
    frame: Any,
    sources: Any,
    _kron_ellipse: Any,
    local_background: Any,
    apermask_method: str,
    n_threads: int | None,
) -> Any:
    """Sum over the Kron apertures."""
    return ellipse_sums(frame, sources, _kron_ellipse, local_background, apermask_method, n_threads)


@measurement(
    Column(
        "kron_fluxerr",
        "data",
        "1-sigma error of kron_flux: the errors of the aperture's pixels added in quadrature, "
        "times what the correlation of the noise makes of such a sum, where that was measured.",
        "kron_flux_err",
        requires=("error",),
        ucd="stat.error;phot.flux",
    )
)
def kron_fluxerr(
    _kron_variance: Any,
    kron_flux: Any,
    _kron_ellipse: Any,
    noise_correlation: Any,
    smoothed_noise: Any,
) -> Any:
    """Take the square root of the variance."""
    return noise_factors.errors_in_ellipses(
        _kron_variance, kron_flux, _kron_ellipse, noise_correlation, smoothed_noise
    )


@measurement(
    Column("_kron_ellipse", description="x, y, a, b in pixels, theta in radians."), geometry=True
)
def _kron_ellipse(
    xcentroid: Any, ycentroid: Any, _kron_major: Any, _kron_minor: Any, orientation: Any
) -> Any:
    return as_ellipses(xcentroid, ycentroid, _kron_major, _kron_minor, orientation)
