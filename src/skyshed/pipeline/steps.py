"""The steps of the chain: each takes the images and parameters that the one before has left."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from astropy.stats import SigmaClip

from skyshed import background as backgrounds
from skyshed.catalog import SourceCatalog
from skyshed.convolution import convolve, make_2dgaussian_kernel
from skyshed.deblending import deblend_sources
from skyshed.detection import detect_sources
from skyshed.namespace import array_namespace
from skyshed.noise import calc_total_error
from skyshed.pipeline.inputs import Inputs
from skyshed.pipeline.parameters import Parameters
from skyshed.pipeline.table import needs_background
from skyshed.segmentation import SegmentationImage

__all__ = ["CrowdedWarning", "Prepared", "find_sources", "make_catalog", "no_labels", "prepare"]

BKG_ESTIMATORS = {
    "sextractor": backgrounds.SExtractorBackground,
    "median": backgrounds.MedianBackground,
    "mean": backgrounds.MeanBackground,
    "mode": backgrounds.ModeEstimatorBackground,
    "mmm": backgrounds.MMMBackground,
    "biweight": backgrounds.BiweightLocationBackground,
}
BKGRMS_ESTIMATORS = {
    "std": backgrounds.StdBackgroundRMS,
    "mad": backgrounds.MADStdBackgroundRMS,
    "biweight": backgrounds.BiweightScaleBackgroundRMS,
}
#: Pixels that the scale of relative weights is estimated from: their median is good to 0.1 %.
SCALE_SAMPLE = 1_000_000


class CrowdedWarning(UserWarning):
    """The background could only be had from boxes full of sources."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """An image that is ready to be measured.

    Attributes
    ----------
    field : Inputs
        What it was made from, without the image itself.
    data : array, shape (ny, nx)
        The image without its background.
    convolved : array, shape (ny, nx)
        The same, convolved for detection; ``data`` where it isn't.
    background2d : `~skyshed.Background2D`
        The background.
    level : array or None
        The map of the background, where columns ask for it.
    noise : array, shape (ny, nx)
        The noise of the background of each pixel.
    parameters : Parameters
        Those that it was made with.
    """

    field: Inputs
    data: Any
    convolved: Any
    background2d: Any
    level: Any
    noise: Any
    parameters: Parameters

    @property
    def total_error(self) -> Any:
        """The total error of each pixel, a new image where there is an ``effective_gain``."""
        if self.field.error is not None:
            return self.field.error
        if not self.parameters.effective_gain:
            return self.noise
        return calc_total_error(self.data, self.noise, self.parameters.effective_gain)


def prepare(
    field: Inputs, parameters: Parameters, begin: Callable[[str], None], *, convolve: bool = True
) -> Prepared:
    """Subtract the background of an image, find its noise, and convolve it."""
    begin("background")
    background2d, parameters = find_background(field, parameters)
    data, level = subtract(field, background2d, parameters)
    field = replace(field, data=None)  # frees an image that nobody else holds
    noise = find_noise(field, background2d)
    begin("convolution")
    smooth = convolved(data, field.mask, parameters) if convolve else data
    return Prepared(field, data, smooth, background2d, level, noise, parameters)


def find_sources(image: Prepared, begin: Callable[[str], None]) -> SegmentationImage:
    """Detect and deblend the sources of an image."""
    parameters = image.parameters
    begin("detection")
    segmentation = detect_sources(
        image.convolved, parameters.nsigma * image.noise, parameters.npixels,
        parameters.connectivity, image.field.mask, n_threads=parameters.n_threads,
    )  # fmt: skip
    begin("deblending")
    if segmentation is None:
        return no_labels(image.data)
    if parameters.deblend:
        segmentation = deblended(image.convolved, segmentation, parameters)
    return segmentation


def find_background(field: Inputs, parameters: Parameters) -> tuple[Any, Parameters]:
    """Return the background, and the parameters it could be made with.

    In a crowded field, clipping can take more than ``exclude_percentile`` of every box. What is
    left of the boxes then gives a better background than none.
    """
    try:
        return _mesh(field, parameters), parameters
    except ValueError:
        lenient = parameters.replace(exclude_percentile=100)
        if lenient == parameters:
            raise
        try:
            background = _mesh(field, lenient)
        except ValueError:
            background = None
        if background is None:
            raise
    warnings.warn(
        f"more than exclude_percentile = {parameters.exclude_percentile:g} % of the pixels are "
        "masked or clipped in every box of the background: all boxes with good pixels were used, "
        "as with exclude_percentile = 100",
        CrowdedWarning,
        stacklevel=4,
    )
    return background, lenient


def _mesh(field: Inputs, parameters: Parameters) -> Any:
    return backgrounds.Background2D(
        field.data,
        parameters.box_size,
        mask=field.mask,
        exclude_percentile=parameters.exclude_percentile,
        filter_size=parameters.filter_size,
        filter_threshold=parameters.filter_threshold,
        sigma_clip=SigmaClip(
            sigma=parameters.clip_sigma,
            maxiters=np.inf if parameters.clip_maxiters is None else parameters.clip_maxiters,
        ),
        bkg_estimator=BKG_ESTIMATORS[parameters.bkg_estimator](),
        bkgrms_estimator=BKGRMS_ESTIMATORS[parameters.bkgrms_estimator](),
        n_threads=parameters.n_threads,
    )


def subtract(field: Inputs, background: Any, parameters: Parameters) -> tuple[Any, Any]:
    """Return the image without its background, and the background where columns ask for it."""
    level = background.background
    if needs_background(parameters.columns):
        return field.data - level, level
    # The map of the background is nobody else's: it can hold the difference.
    return np.subtract(field.data, level, out=level), None


def find_noise(field: Inputs, background: Any) -> Any:
    """Return the noise of the background of each pixel."""
    if field.rms is None:
        return background.background_rms
    if not field.relative:
        return field.rms
    measured = background.background_rms
    step = max(1, field.rms.size // SCALE_SAMPLE)
    given, measured = field.rms.ravel()[::step], measured.ravel()[::step]
    good = given > 0
    scale = float(np.median(measured[good] / given[good])) if good.any() else 1.0
    return field.rms * field.rms.dtype.type(scale)


def no_labels(data: Any) -> SegmentationImage:
    """Return a segmentation image without sources, where ``data`` is."""
    return SegmentationImage(array_namespace(data=data).zeros(data.shape, dtype=np.int32))


def convolved(data: Any, mask: Any, parameters: Parameters) -> Any:
    """Return the image that sources are detected on, NaN where it is masked."""
    if not (parameters.kernel_fwhm and parameters.kernel_size):
        return data
    kernel = make_2dgaussian_kernel(parameters.kernel_fwhm, parameters.kernel_size)
    return convolve(data, kernel, mask=mask, preserve_nan=True, n_threads=parameters.n_threads)


def deblended(image: Any, segmentation: Any, parameters: Parameters) -> Any:
    """Return the segmentation with sources that overlap split."""
    return deblend_sources(
        image,
        segmentation,
        parameters.npixels,
        nlevels=parameters.nlevels,
        contrast=parameters.contrast,
        mode=parameters.mode,
        connectivity=parameters.connectivity,
        n_threads=parameters.n_threads,
        progress_bar=False,
    )


def make_catalog(
    image: Prepared, error: Any, segmentation: SegmentationImage, detection_cat: Any = None
) -> SourceCatalog:
    """Return the catalog of an image; positions and shapes are ``detection_cat``'s, if given."""
    field, parameters = image.field, image.parameters
    return SourceCatalog(
        image.data,
        segmentation,
        convolved_data=None if image.convolved is image.data else image.convolved,
        error=error,
        background=image.level,
        mask=field.mask,
        wcs=field.wcs,
        localbkg_width=parameters.localbkg_width,
        apermask_method=parameters.apermask_method,
        kron_params=parameters.kron_params,
        detection_cat=detection_cat,
        n_threads=parameters.n_threads,
        unit=field.unit,
    )
