"""Fluxes, extremes and areas over the unmasked pixels of each segment."""

from typing import Any

import numpy as np

from skyshed.catalog import noise_factors
from skyshed.catalog.registry import SEGMENT, Column, measurement
from skyshed.kernels import isophotal


@measurement(
    Column("_count", description="Number of unmasked pixels."),
    Column("_sum", description="Sum of the data, the local background included."),
    Column("_low", description="Least value, the local background included."),
    Column("_high", description="Largest value, the local background included."),
    Column("_low_at", description="Flat index of the first least value in the frame, or -1."),
    Column("_high_at", description="Flat index of the first largest value in the frame, or -1."),
    reach=SEGMENT,
)
def _summary(frame: Any, sources: Any, n_threads: int | None) -> Any:
    return isophotal.summarize(sources, frame.data, frame.mask, n_threads)


@measurement(
    Column(
        "area",
        "pix2",
        "Area of the unmasked pixels; NaN where all are masked.",
        ucd="phys.area;instr.pixel",
    ),
    geometry=True,
)
def area(_count: Any) -> Any:
    """Count the unmasked pixels; NaN for sources that have none."""
    return np.where(_count > 0, _count, np.nan)


@measurement(
    Column(
        "segment_area",
        "pix2",
        "Area of the segment, masked pixels included.",
        ucd="phys.area;instr.pixel",
    ),
    geometry=True,
)
def segment_area(sources: Any) -> Any:
    """Count the pixels of each segment."""
    return sources.host.area.astype(float)


@measurement(
    Column(
        "equivalent_radius",
        "pix",
        "Radius of the circle that has the source's area, sqrt(area / pi).",
        ucd="phys.size.radius;instr.pixel",
    ),
    geometry=True,
)
def equivalent_radius(area: Any) -> Any:
    """Convert areas to radii."""
    return np.sqrt(area / np.pi)


@measurement(
    Column(
        "perimeter",
        "pix",
        "Length of the lines that connect the 4-connected border pixels (Benkrid et al. 2000).",
        ucd="phys.size;instr.pixel",
    ),
    geometry=True,
    reach=SEGMENT,
)
def perimeter(frame: Any, sources: Any, n_threads: int | None) -> Any:
    """Measure outlines."""
    return isophotal.perimeter(sources, frame.mask, n_threads)


@measurement(
    Column(
        "gini",
        description="Gini coefficient of the absolute values (Lotz et al. 2004, eq. 6).",
        ucd="src.morph.param",
    ),
    reach=SEGMENT,
)
def gini(frame: Any, sources: Any, n_threads: int | None) -> Any:
    """Measure how unevenly the flux is distributed over the pixels."""
    return isophotal.gini(sources, frame.data, frame.mask, n_threads)


@measurement(
    Column(
        "min_value",
        "data",
        "Least value of the unmasked pixels, less the local background.",
        ucd="phot.flux.density;stat.min",
    ),
    Column(
        "max_value",
        "data",
        "Largest value of the unmasked pixels, less the local background.",
        ucd="phot.flux.density;stat.max",
    ),
    Column(
        "segment_flux",
        "data",
        "Sum of the unmasked pixels, less the local background.",
        ucd="phot.flux",
    ),
)
def fluxes(_count: Any, _sum: Any, _low: Any, _high: Any, local_background: Any) -> Any:
    """Subtract the local background."""
    return (
        _low - local_background,
        _high - local_background,
        _sum - _count * local_background,
    )


@measurement(
    Column(
        "segment_fluxerr",
        "data",
        "1-sigma error of segment_flux: the errors of its pixels added in quadrature, times what "
        "the correlation of the noise makes of such a sum, where that was measured.",
        alias="segment_flux_err",
        requires=("error",),
        ucd="stat.error;phot.flux",
    ),
)
def segment_fluxerr(
    _variance: Any,
    _sum: Any,
    _count: Any,
    semimajor_sigma: Any,
    semiminor_sigma: Any,
    orientation: Any,
    noise_correlation: Any,
    smoothed_noise: Any,
) -> Any:
    """Take the square root of the variance."""
    shape = semimajor_sigma, semiminor_sigma, orientation
    return noise_factors.errors_in_segments(
        _variance, _sum, _count, shape, noise_correlation, smoothed_noise
    )


@measurement(
    Column("_variance", description="Sum of the squared errors of the unmasked pixels."),
    Column("_finite_errors", description="Whether all errors are finite, of masked pixels, too."),
    reach=SEGMENT,
)
def _variances(frame: Any, sources: Any, n_threads: int | None) -> Any:
    if frame.error is None:
        return np.full(len(sources), np.nan), np.ones(len(sources), bool)
    return isophotal.total(sources, frame.error, frame.mask, True, n_threads)


def _index_in_cutout(at: Any, frame: Any, sources: Any) -> Any:
    """Return flat indices as ``(y, x)`` in the source's box; NaN where there is no pixel."""
    index = np.stack(np.divmod(at, frame.shape[1]), axis=-1) - sources.bbox[:, ::2]
    nowhere = at < 0
    if np.any(nowhere):
        index = index.astype(float)
        index[nowhere] = np.nan
    return index


@measurement(
    Column(
        "cutout_minval_index",
        description="(y, x) of the first least value, in the cutout.",
        alias="cutout_min_value_index",
        index=True,
        ucd="pos;instr.pixel",
    ),
    Column(
        "cutout_maxval_index",
        description="(y, x) of the first largest value, in the cutout.",
        alias="cutout_max_value_index",
        index=True,
        ucd="pos;instr.pixel",
    ),
    reach=SEGMENT,
)
def cutout_extremes(_low_at: Any, _high_at: Any, frame: Any, sources: Any) -> Any:
    """Locate the extremes in the cutouts."""
    return _index_in_cutout(_low_at, frame, sources), _index_in_cutout(_high_at, frame, sources)


@measurement(
    Column(
        "minval_index",
        description="(y, x) of the first least value.",
        alias="min_value_index",
        index=True,
        ucd="pos;instr.pixel",
    ),
    Column(
        "minval_xindex",
        description="x of the first least value.",
        alias="min_value_xindex",
        index=True,
        ucd="pos.cartesian.x;instr.pixel",
    ),
    Column(
        "minval_yindex",
        description="y of the first least value.",
        alias="min_value_yindex",
        index=True,
        ucd="pos.cartesian.y;instr.pixel",
    ),
    Column(
        "maxval_index",
        description="(y, x) of the first largest value.",
        alias="max_value_index",
        index=True,
        ucd="pos;instr.pixel",
    ),
    Column(
        "maxval_xindex",
        description="x of the first largest value.",
        alias="max_value_xindex",
        index=True,
        ucd="pos.cartesian.x;instr.pixel",
    ),
    Column(
        "maxval_yindex",
        description="y of the first largest value.",
        alias="max_value_yindex",
        index=True,
        ucd="pos.cartesian.y;instr.pixel",
    ),
)
def extremes(cutout_minval_index: Any, cutout_maxval_index: Any, _corner: Any) -> Any:
    """Locate the extremes in the image."""
    low, high = cutout_minval_index + _corner, cutout_maxval_index + _corner
    return low, low[:, 1], low[:, 0], high, high[:, 1], high[:, 0]
