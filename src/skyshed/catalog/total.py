"""Estimates of all light of a source: isophotal corrected, Petrosian, and the best of some."""

from typing import Any

import numpy as np

from skyshed.catalog import noise_factors
from skyshed.catalog.apertures import as_ellipses, ellipse_sums, kron_boxes, radius_of_fraction
from skyshed.catalog.reach import circle_boxes
from skyshed.catalog.registry import SEGMENT, Column, measurement

#: Isophotal correction of a Gaussian profile (Maddox et al. 1990, as in SourceExtractor): with the
#: share a = area * threshold / flux of light below the isophote, the part of the flux that is above
#: is 1 - 0.1961 a - 0.7512 a^2. Larger shares than the last number say nothing of the flux.
ISOCOR_LINEAR, ISOCOR_SQUARE, LARGEST_SHARE = 0.1961, 0.7512, 0.99
#: Neighbours that take more of a Kron aperture disturb its flux more than an isophotal correction
#: does (benchmarks/results/truth.md). SourceExtractor's flag is for a tenth.
DISTURBED = 0.05
#: A Kron flux that is more than so many times the isophotal corrected one, by more than so many of
#: its errors, has the light of others in its aperture, too faint to be detected: of isolated
#: galaxies a magnitude above the limit, disks or bulges, at most 2 % have so much light beyond
#: their isophote, at thresholds from 1.4 to 4 times the noise
#: (benchmarks/results/foreign-light.md).
FOREIGN_RATIO, FOREIGN_SIGMAS = 2.5, 3.0
#: Petrosian ratio (Petrosian 1976, as in SDSS: Blanton et al. 2001, eq. 1), in annuli from 0.8 to
#: 1.25 of the radius; the flux is that within two radii.
PETROSIAN_RATIO, PETROSIAN_STEP, PETROSIAN_RADII = 0.2, 1.25, 2.0
#: Radii at which the growth of light is measured, in units of the ellipse of 1 sigma.
FIRST_RADIUS, N_RADII = 0.5, 16
#: Upper limits are at so many sigma.
SIGMAS_OF_LIMIT = 3.0
#: The radii of concentration hold these shares of the light (Bershady et al. 2000).
INNER, OUTER = 0.2, 0.8


@measurement(
    Column(
        "detection_threshold",
        "data",
        "What a pixel had to exceed to be detected, at the brightest pixel of the segment; of a "
        "matched filter, flat light. NaN where that is not known, or of another image.",
        requires=("threshold",),
        ucd="phot.flux.density;stat.min",
    ),
    reach=SEGMENT,
)
def detection_threshold(frame: Any, sources: Any, _high_at: Any) -> Any:
    """Look it up."""
    threshold = frame.threshold
    if threshold is None:
        return frame.xp.full(len(sources), np.nan)
    at = frame.xp.where(_high_at >= 0, _high_at, 0)
    found = frame.xp.take(threshold.reshape(-1), at).astype(float)
    return frame.xp.where(_high_at >= 0, found, np.nan)


@measurement(
    Column(
        "_share_below",
        description="Light below the isophote over that above, in the image of the detection.",
        requires=("threshold",),
    ),
    geometry=True,
)
def share_below(segment_flux: Any, area: Any, detection_threshold: Any) -> Any:
    """Compare the light below the isophote with that above, in the image of the detection."""
    with np.errstate(divide="ignore", invalid="ignore"):
        below = np.where(segment_flux > 0, area * detection_threshold / segment_flux, 0.0)
    below = np.clip(below, 0.0, LARGEST_SHARE)
    return np.where(np.isnan(detection_threshold), np.nan, below)


@measurement(
    Column(
        "isocor_flux",
        "data",
        "Isophotal flux corrected for the light below the threshold, of a Gaussian profile (Maddox "
        "et al. 1990; SourceExtractor's FLUX_ISOCOR), by the image that it was detected on; NaN "
        "where the threshold is not known.",
        requires=("threshold",),
        ucd="phot.flux",
    ),
    Column(
        "isocor_fluxerr",
        "data",
        "1-sigma error of isocor_flux, as SExtractor's FLUXERR_ISOCOR: that of segment_flux, and "
        "that of the correction, in which the number of pixels has the variance of a count.",
        requires=("error", "threshold"),
        ucd="stat.error;phot.flux",
    ),
)
def isocor(segment_flux: Any, segment_fluxerr: Any, area: Any, _share_below: Any) -> Any:
    """Correct the isophotal flux; the noise moves the isophote, which its error has to hold."""
    share = _share_below
    flux = segment_flux / (1 - ISOCOR_LINEAR * share - ISOCOR_SQUARE * share**2)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = (segment_fluxerr / segment_flux) ** 2
        of_share = share * np.sqrt(variance + 1 / area)
        of_correction = (ISOCOR_LINEAR + 2 * ISOCOR_SQUARE * share) * of_share
        error = segment_flux * np.sqrt(variance + of_correction**2)
    # Without a flux above the isophote there is no share below it.
    uncorrected = np.where(np.isnan(share), np.nan, segment_fluxerr)
    return flux, np.where(segment_flux > 0, error, uncorrected)


@measurement(
    Column(
        "kron_neighbor_share",
        description="Share of the usable area of the Kron aperture that other sources take.",
        ucd="stat.value",
    ),
    reach=kron_boxes,
    on_host=("_kron_ellipse",),
)
def kron_neighbor_share(frame: Any, sources: Any, _kron_ellipse: Any, n_threads: int | None) -> Any:
    """Compare the areas with and without pixels of other sources."""

    def area(method: str) -> Any:
        # The sum of the weights is what a background of 1 takes from the sum of the pixels.
        levels = (np.full(len(sources), level) for level in (0.0, 1.0))
        with_, without = (
            ellipse_sums(frame, sources, _kron_ellipse, level, method, n_threads)[0]
            for level in levels
        )
        return with_ - without

    whole, own = area("none"), area("mask")
    # Where all is another's, there is no sum.
    own = np.where(np.isnan(own) & ~np.isnan(whole), 0.0, own)
    share = 1 - own / np.where(whole > 0, whole, np.nan)
    return np.where(share > 0, share, share * 0)


@measurement(
    Column(
        "_foreign_light",
        description="Whether the Kron aperture holds light of undetected neighbours, in the image "
        "of the detection.",
    ),
    geometry=True,
)
def foreign_light(kron_flux: Any, kron_fluxerr: Any, isocor_flux: Any) -> Any:
    """Compare the fluxes where the source was detected, so that all bands choose alike."""
    excess = kron_flux - isocor_flux
    # Without errors kron_fluxerr is NaN, and nothing is significant.
    significant = excess > FOREIGN_SIGMAS * kron_fluxerr
    return significant & (isocor_flux > 0) & (kron_flux > FOREIGN_RATIO * isocor_flux)


@measurement(
    Column(
        "best_flux",
        "data",
        "Kron flux, or isocor_flux where neighbours take more than 0.05 of the Kron aperture (as "
        "SourceExtractor's MAG_BEST, which allows a tenth), or where kron_flux is more than 2.5 "
        "times as large, by more than 3 kron_fluxerr, in the image of the detection: light of "
        "undetected neighbours, of which nothing is known without errors; kron_flux without a "
        "threshold.",
        ucd="phot.flux",
    ),
    Column(
        "best_fluxerr",
        "data",
        "1-sigma error of best_flux.",
        requires=("error",),
        ucd="stat.error;phot.flux",
    ),
    Column(
        "best_is_isocor",
        description="Whether best_flux is isocor_flux.",
        ucd="meta.code",
    ),
)
def best(
    kron_flux: Any,
    kron_fluxerr: Any,
    isocor_flux: Any,
    isocor_fluxerr: Any,
    kron_neighbor_share: Any,
    _foreign_light: Any,
) -> Any:
    """Choose; a source without a Kron flux has the other."""
    disturbed = (kron_neighbor_share > DISTURBED) | np.isnan(kron_flux)
    disturbed = (disturbed | _foreign_light) & ~np.isnan(isocor_flux)
    return (
        np.where(disturbed, isocor_flux, kron_flux),
        np.where(disturbed, isocor_fluxerr, kron_fluxerr),
        disturbed,
    )


@measurement(
    Column(
        "kron_flux_limit",
        "data",
        "Upper limit of kron_flux where nothing is seen, 3 times kron_fluxerr: what a flux in such "
        "an aperture must exceed to be told from noise at 3 sigma.",
        requires=("error",),
        ucd="phot.flux;stat.max",
    ),
)
def kron_flux_limit(kron_fluxerr: Any) -> Any:
    """Multiply the error."""
    return SIGMAS_OF_LIMIT * kron_fluxerr


def _widest(xcentroid: Any, ycentroid: Any, semimajor_sigma: Any) -> Any:
    widest = FIRST_RADIUS * PETROSIAN_STEP ** (N_RADII - 1)
    return circle_boxes(xcentroid, ycentroid, widest * semimajor_sigma)


@measurement(
    Column("_growth", "data", "Flux in ellipses of growing size, shape (n, 16)."),
    reach=_widest,
    on_host=("_ellipse_of_1_sigma", "local_background"),
)
def _growth(
    frame: Any,
    sources: Any,
    _ellipse_of_1_sigma: Any,
    local_background: Any,
    apermask_method: str,
    n_threads: int | None,
) -> Any:
    fluxes = []
    for radius in _radii():
        scaled = _ellipse_of_1_sigma * np.array([1, 1, radius, radius, 1])
        flux, _, _ = ellipse_sums(
            frame, sources, scaled, local_background, apermask_method, n_threads
        )
        fluxes.append(flux)
    return frame.xp.stack(fluxes, axis=-1)


def _radii() -> Any:
    return FIRST_RADIUS * PETROSIAN_STEP ** np.arange(N_RADII)


@measurement(
    Column(
        "petrosian_radius",
        "pix",
        "Semi-major axis of the ellipse, of the shape of the source, at which the mean surface "
        "brightness from 0.8 to 1.25 of it falls to 0.2 of that within it (Petrosian 1976; Blanton "
        "et al. 2001, eq. 1); NaN where it does not.",
        ucd="phys.size.radius;instr.pixel",
    ),
)
def petrosian_radius(_growth: Any, semimajor_sigma: Any) -> Any:
    """Find where the ratio first falls through its limit, between radii by their logarithm."""
    radii = _radii()
    area = radii**2
    with np.errstate(divide="ignore", invalid="ignore"):
        around = (_growth[:, 2:] - _growth[:, :-2]) / (area[2:] - area[:-2])
        ratio = around / (_growth[:, 1:-1] / area[1:-1])
    inner = np.log(radii[1:-1])
    falls = (ratio[:, :-1] >= PETROSIAN_RATIO) & (ratio[:, 1:] < PETROSIAN_RATIO)
    k = np.argmax(falls, axis=1)
    rows = np.arange(len(ratio))
    above, below = ratio[rows, k], ratio[rows, k + 1]
    above = np.where(falls.any(axis=1), above, np.nan)
    part = (above - PETROSIAN_RATIO) / (above - below)
    return np.exp(inner[k] + part * (inner[k + 1] - inner[k])) * semimajor_sigma


@measurement(
    Column("_petrosian_ellipse", description="x, y, a, b in pixels, theta in radians."),
)
def _petrosian_ellipse(
    xcentroid: Any,
    ycentroid: Any,
    petrosian_radius: Any,
    semimajor_sigma: Any,
    semiminor_sigma: Any,
    orientation: Any,
) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        a = PETROSIAN_RADII * petrosian_radius
        b = a * semiminor_sigma / semimajor_sigma
    return as_ellipses(xcentroid, ycentroid, a, b, orientation)


def _petrosian_boxes(xcentroid: Any, ycentroid: Any, petrosian_radius: Any) -> Any:
    return circle_boxes(xcentroid, ycentroid, PETROSIAN_RADII * petrosian_radius)


@measurement(
    Column(
        "petrosian_flux",
        "data",
        "Sum over the ellipse of two petrosian_radius, less the local background.",
        ucd="phot.flux",
    ),
    Column("_petrosian_variance", description="Sum of the squared errors, weighted."),
    reach=_petrosian_boxes,
    on_host=("_petrosian_ellipse", "local_background"),
)
def petrosian_photometry(
    frame: Any,
    sources: Any,
    _petrosian_ellipse: Any,
    local_background: Any,
    apermask_method: str,
    n_threads: int | None,
) -> Any:
    """Sum over the Petrosian apertures."""
    flux, variance, _ = ellipse_sums(
        frame, sources, _petrosian_ellipse, local_background, apermask_method, n_threads
    )
    return flux, variance


@measurement(
    Column(
        "petrosian_fluxerr",
        "data",
        "1-sigma error of petrosian_flux.",
        requires=("error",),
        ucd="stat.error;phot.flux",
    ),
)
def petrosian_fluxerr(
    _petrosian_variance: Any,
    petrosian_flux: Any,
    _petrosian_ellipse: Any,
    noise_correlation: Any,
    smoothed_noise: Any,
) -> Any:
    """Take the square root of the variance."""
    return noise_factors.errors_in_ellipses(
        _petrosian_variance, petrosian_flux, _petrosian_ellipse, noise_correlation, smoothed_noise
    )


@measurement(
    Column("_inner_radius", "pix", "Radius of the circle that holds 0.2 of kron_flux."),
    Column("_outer_radius", "pix", "Radius of the circle that holds 0.8 of kron_flux."),
    reach=kron_boxes,
    on_host=("_kron_circle", "kron_flux", "local_background"),
)
def _radii_of_concentration(
    frame: Any,
    sources: Any,
    _kron_circle: Any,
    kron_flux: Any,
    local_background: Any,
    apermask_method: str,
    n_threads: int | None,
) -> Any:
    return tuple(
        radius_of_fraction(
            frame, sources, _kron_circle, share * kron_flux, local_background, apermask_method,
            n_threads,
        )
        for share in (INNER, OUTER)
    )  # fmt: skip


@measurement(
    Column(
        "concentration",
        description="Logarithm of the ratio of the radii of the circles that hold 0.8 and 0.2 of "
        "kron_flux, times 5 (Bershady et al. 2000, eq. 1): 2.1 for a Gaussian, 2.7 for an "
        "exponential disk.",
        ucd="src.morph.param",
    ),
)
def concentration(_inner_radius: Any, _outer_radius: Any) -> Any:
    """Compare the radii."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return 5 * np.log10(_outer_radius / _inner_radius)
