"""What parameters may be given as, for editors and type checkers; `Parameters` checks them."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypedDict

__all__ = ["Overrides"]


class Overrides(TypedDict, total=False):
    """The parameters of the chain, as keywords of whatever runs it; photutils 3's spellings too.

    Their meanings, units and defaults are those of `Parameters`.
    """

    scale_weight: bool
    weight_threshold: float | None
    mask_bits: str | int | Iterable[int | str] | None
    saturation: float | str | None
    renumber: bool
    box_size: int | Sequence[int]
    filter_size: int | Sequence[int]
    filter_threshold: float | None
    exclude_percentile: float
    clip_sigma: float
    clip_maxiters: int | None
    bkg_estimator: Literal["sextractor", "median", "mean", "mode", "mmm", "biweight"]
    bkgrms_estimator: Literal["std", "mad", "biweight"]
    bkg_rms_estimator: Literal["std", "mad", "biweight"]
    background_passes: Literal[1, 2]
    background_growth: float
    background_nsigma: float | None
    noise_nsigma: float | None
    background_fwhm: float | None
    correlated_noise: bool
    kernel_fwhm: float | None
    kernel_size: int | None
    kernel: Any  # a path, rows of numbers, an array, a kernel of astropy
    filter: Literal["convolution", "matched"]
    template_fwhm: Iterable[float]
    nsigma: float
    n_sigma: float
    significance: float | None
    threshold: float | None
    threshold_type: Literal["map", "global"]
    npixels: int
    n_pixels: int
    max_npixels: int | None
    connectivity: Literal[4, 8]
    deblend: bool
    nlevels: int
    n_levels: int
    contrast: float
    mode: Literal["exponential", "linear", "sinh"]
    contrast_method: Literal["basin", "saddle"]
    deblend_npixels: int | None
    deblend_on: Literal["convolved", "data"]
    max_markers: int | None
    localbkg_width: int
    local_bkg_width: int
    apermask_method: Literal["correct", "mask", "none"]
    aperture_mask_method: Literal["correct", "mask", "none"]
    kron_params: Iterable[float]
    fluxfrac_radii: Iterable[float]
    aperture_radii: Iterable[float]
    aperture_center: Literal["centroid", "centroid_win"]
    aperture_correction: bool
    effective_gain: float | str | None
    exposure_time: float | str | None
    zero_point: float | str | None
    zero_point_system: Literal["AB", "Vega"] | None
    calibrate: bool
    columns: Iterable[str] | None
    designation: str | None
    n_threads: int | None
    nproc: int | None
    n_processes: int | None
