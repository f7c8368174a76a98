"""The steps of the chain: each takes the images and parameters that the one before has left."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from astropy.stats import SigmaClip

from skyshed.background import Background2D
from skyshed.background.estimators import LEVELS, NOISES
from skyshed.catalog import CatalogSettings, SourceCatalog
from skyshed.chain.columns import needs_background
from skyshed.convolution import convolve, make_2dgaussian_kernel
from skyshed.deblending import deblend_sources
from skyshed.detection import detect_sources
from skyshed.frame import Frame, Lazy
from skyshed.images.exposure import Inputs
from skyshed.namespace import array_namespace
from skyshed.noise import calc_total_error
from skyshed.parameters import Parameters
from skyshed.segmentation import SegmentationImage
from skyshed.segmentation.provenance import Provenance
from skyshed.sources import Sources

__all__ = ["CrowdedWarning", "Prepared", "find_sources", "make_catalog", "no_labels", "prepare"]

#: Pixels that the scale of relative weights is estimated from: their median is good to 0.1 %.
SCALE_SAMPLE = 1_000_000


class CrowdedWarning(UserWarning):
    """The background could only be had from boxes full of sources."""


@dataclass(eq=False)
class Prepared:
    """An image that is ready for detection.

    What is quickly made from the image and the mesh of its background is made when it is needed:
    at no time are all images of the chain in memory.

    Attributes
    ----------
    field : Inputs
        The image and its companions.
    background2d : `~skyshed.Background2D`
        The background.
    convolved : array, shape (ny, nx), or None
        The image without its background, convolved for detection; `None` where nothing is detected
        on it, and once shapes have been measured.
    parameters : Parameters
        Those that it was made with.
    """

    field: Inputs
    background2d: Any
    convolved: Any
    parameters: Parameters

    @property
    def smooth(self) -> bool:
        """Whether the image is convolved at all."""
        return bool(self.parameters.kernel_fwhm and self.parameters.kernel_size)

    def without_background(self) -> tuple[Any, Any]:
        """Return the image without its background, and the background where columns ask for it."""
        plain = self.convolved is not None and not self.smooth
        if plain and not needs_background(self.parameters.columns):
            return self.convolved, None
        return subtract(self.field, self.background2d, self.parameters)

    def noise(self) -> Any:
        """Return the noise of the background of each pixel."""
        return find_noise(self.field, self.background2d)

    def threshold(self) -> Any:
        """Return what a pixel of a source must exceed."""
        noise = self.noise()
        if noise is self.field.rms:
            return self.parameters.nsigma * noise
        # The map of the noise is nobody else's.
        noise *= noise.dtype.type(self.parameters.nsigma)
        return noise

    def total_error(self, data: Any) -> Any:
        """Return the total error of each pixel; ``data`` is the image without its background."""
        if self.field.error is not None:
            return self.field.error
        if not self.parameters.effective_gain:
            return self.noise()
        return calc_total_error(data, self.noise(), self.parameters.effective_gain)

    def lazy_error(self, data: Any) -> Any:
        """Return the total error of each pixel, to be made when it is needed; as `total_error`."""
        if self.field.error is not None:
            return self.field.error
        # What makes it must not keep the image with its background in memory.
        noise = replace(self, field=replace(self.field, data=None), convolved=None)
        return Lazy(partial(noise.total_error, data))


def prepare(
    field: Inputs, parameters: Parameters, begin: Callable[[str], None], *, convolve: bool = True
) -> Prepared:
    """Measure the background of an image, and convolve what is above it."""
    begin("background")
    background2d, parameters = find_background(field, parameters)
    begin("convolution")
    smooth = None
    if convolve:
        data, _ = subtract(field, background2d, parameters)
        smooth = convolved(data, field.mask, parameters)
    return Prepared(field, background2d, smooth, parameters)


def find_sources(image: Prepared, begin: Callable[[str], None]) -> SegmentationImage:
    """Detect and deblend the sources of an image."""
    parameters = image.parameters
    begin("detection")
    threshold = image.threshold()
    segmentation = detect_sources(
        image.convolved, threshold, parameters.npixels, parameters.connectivity,
        image.field.mask, n_threads=parameters.n_threads,
    )  # fmt: skip
    del threshold
    begin("deblending")
    if segmentation is None:
        return no_labels(image.convolved)
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
    warn_of_crowding(parameters, stacklevel=5)
    return background, lenient


def warn_of_crowding(parameters: Parameters, stacklevel: int) -> None:
    """Warn that boxes were used that have fewer good pixels than wanted."""
    warnings.warn(
        f"more than exclude_percentile = {parameters.exclude_percentile:g} % of the pixels are "
        "masked or clipped in every box of the background: all boxes with good pixels were used, "
        "as with exclude_percentile = 100",
        CrowdedWarning,
        stacklevel=stacklevel,
    )


def _mesh(field: Inputs, parameters: Parameters) -> Any:
    return Background2D(
        field.data,
        parameters.box_size,
        mask=field.mask,
        exclude_percentile=parameters.exclude_percentile,
        filter_size=parameters.filter_size,
        filter_threshold=parameters.filter_threshold,
        sigma_clip=background_clip(parameters),
        **background_estimators(parameters),
        n_threads=parameters.n_threads,
    )


def background_clip(parameters: Parameters) -> SigmaClip:
    """Return how the pixels of a box of the background are clipped."""
    maxiters = np.inf if parameters.clip_maxiters is None else parameters.clip_maxiters
    return SigmaClip(sigma=parameters.clip_sigma, maxiters=maxiters)


def background_estimators(parameters: Parameters) -> dict[str, Any]:
    """Return how level and noise of a box are estimated, by the names of the arguments."""
    return {
        "bkg_estimator": LEVELS[parameters.bkg_estimator](),
        "bkgrms_estimator": NOISES[parameters.bkgrms_estimator](),
    }


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
    image: Prepared, segmentation: SegmentationImage, detection_cat: Any = None
) -> SourceCatalog:
    """Return the catalog of an image; positions and shapes are ``detection_cat``'s, if given.

    The convolved image is let go, in ``image`` too, once shapes have been measured on it.
    """
    xp = array_namespace(data=image.field.data)
    labels = xp.ascontiguousarray(segmentation.data, dtype=np.int32)
    return measure_sources(
        image, labels, segmentation.sources, segmentation.provenance, image.field.wcs, detection_cat
    )


def measure_sources(
    image: Prepared,
    labels: Any,
    sources: Sources,
    provenance: Provenance,
    wcs: Any,
    detection_cat: SourceCatalog | None = None,
    origin: tuple[int, int] = (0, 0),
    full_shape: tuple[int, int] | None = None,
) -> SourceCatalog:
    """Return the catalog of sources of an image, or of a window of one.

    The convolved image is let go, in ``image`` too, once shapes have been measured on it: then
    the total error is made. ``origin`` and ``full_shape`` are those of a `Frame`.
    """
    field, parameters = image.field, image.parameters
    data, level = image.without_background()
    smooth = None
    if image.smooth and detection_cat is None:
        remake = partial(convolved, data, field.mask, parameters)
        smooth = Lazy(remake, held=image.convolved, keep=False)
    image.convolved = None
    frame = Frame.from_images(
        data, labels, field.mask, convolved_data=smooth, error=image.lazy_error(data),
        background=level, origin=origin, full_shape=full_shape,
    )  # fmt: skip
    catalog = SourceCatalog.from_frame(
        frame, sources, catalog_settings(parameters, wcs), provenance=provenance,
        detection_cat=detection_cat, unit=field.unit, n_threads=parameters.n_threads,
    )  # fmt: skip
    if smooth is not None:
        catalog.measure("moments")
        smooth.release()
    return catalog


def catalog_settings(parameters: Parameters, wcs: Any) -> CatalogSettings:
    """Return what the parameters say about measuring."""
    return CatalogSettings(
        wcs, parameters.kron_params, parameters.localbkg_width, parameters.apermask_method
    )
