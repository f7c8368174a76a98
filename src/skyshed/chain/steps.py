"""What is done to a window of an exposure: the same for a whole image and for a tile."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from skyshed.background.window import BackgroundWindow
from skyshed.catalog import CatalogSettings, SourceCatalog
from skyshed.catalog.noise_factors import SmoothedNoise
from skyshed.chain.background import ExposureMesh
from skyshed.chain.columns import needs_background
from skyshed.chain.combination import combined, combined_correlation, combined_noise
from skyshed.chain.exposure_columns import bits_of_sources, with_saturated
from skyshed.chain.request import DETECTION, Request
from skyshed.chain.smoothing import (
    convolved,
    detection_limit,
    detection_significance,
    kernel_of,
    limit_of_each_pixel,
    sigmas_of_flat_light,
)
from skyshed.convolution import convolve
from skyshed.exceptions import CrowdedWarning, NoDetectionsWarning
from skyshed.frame import Frame, Lazy
from skyshed.images.exposure import Planes
from skyshed.images.noise_planes import NOISE_PLANES
from skyshed.images.window import Window
from skyshed.messages import find_stack_level
from skyshed.namespace import array_namespace
from skyshed.noise import calc_total_error
from skyshed.parameters import Parameters
from skyshed.segmentation.provenance import Provenance
from skyshed.sources import Sources

__all__ = [
    "WEIGHTS",
    "Prepared",
    "check_combination",
    "counts_per_unit",
    "make_catalog",
    "peak_npixels",
    "prepare",
    "prepare_exposure",
    "settings_of",
    "warn_of_crowding",
    "warn_of_nothing",
]


#: How much of the memory of an image the weights of apertures may take that bands have in common.
WEIGHTS = 0.25


@dataclass(frozen=True, eq=False)
class Parts:
    """An image without its background, and its noise, at the pixels that sources are measured on.

    Attributes
    ----------
    data, noise : arrays, shape (ny, nx)
        What other pixels hold is not said.
    finite : bool
        Whether all of the data there are finite, or masked.
    mask : array of bool, shape (ny, nx), or None
        Which pixels are masked.
    """

    data: Any
    noise: Any
    finite: bool
    mask: Any


@dataclass(eq=False)
class Prepared:
    """A window of an exposure with its background.

    What is quickly made from the image and the mesh of its background is made when it is needed:
    at no time are all images of the chain in memory.

    Attributes
    ----------
    planes : Planes
        The window, its noise absolute.
    background : BackgroundWindow or BackgroundStack
        The background there.
    parameters : Parameters
        Those of the chain.
    convolved : array, shape (ny, nx), or None
        The window without its background, convolved for detection; `None` where nothing is
        detected or shaped on it, and once shapes have been measured.
    global_noise : float
        One noise for the whole exposure.
    significance : array, shape (ny, nx), or None
        What a matched filter detects on, from `convolve` until sources are detected.
    limit : array, shape (ny, nx), or None
        The threshold where it is a multiple of the noise of the convolved image, likewise.
    noise_correlation : tuple of tuple of float, or None
        Of the noise of its pixels, where it was measured.
    n_images : int
        How many equal images these are, one below the other.
    smoothed_noise : SmoothedNoise or None
        Of a band that was convolved, where the correlation of its noise was measured: the errors of
        pixels are their noise before, without that of sources.
    parts : Parts or None
        What was made of it at those pixels only that are measured.
    """

    planes: Planes
    background: Any
    parameters: Parameters
    convolved: Any = None
    global_noise: float = np.nan
    significance: Any = None
    limit: Any = None
    noise_correlation: tuple[tuple[float, ...], ...] | None = None
    n_images: int = 1
    smoothed_noise: SmoothedNoise | None = None
    parts: "Parts | None" = None

    @property
    def smooth(self) -> bool:
        """Whether the image is convolved at all."""
        return kernel_of(self.parameters) is not None

    def without_background(self) -> tuple[Any, Any]:
        """Return the image without its background, and the background where columns need it."""
        if self.parts is not None:
            return self.parts.data, None
        needed = needs_background(self.parameters.columns)
        if self.planes.subtracted:
            return self.planes.data, self.planes.level if needed else None
        if self.convolved is not None and not self.smooth and not needed:
            return self.convolved, None
        if not needed:
            difference = self._difference()
            if difference is not None:
                return difference, None
        level = self.level()
        if needed or level is self.planes.level:
            return self.planes.data - level, level if needed else None
        # The map of the background is nobody else's: it can hold the difference.
        return np.subtract(self.planes.data, level, out=level), None

    def _difference(self) -> Any:
        """Return the image without its background, made in one pass; `None` if it can't be."""
        if self.planes.level is not None or not isinstance(self.background, BackgroundWindow):
            return None
        return self.background.add_without(None, self.planes.data)

    def add_significance(self, total: Any, squared: bool, lost: Any) -> Any:
        """Add the image over its noise, or the square of that, to a sum; 0 where it is masked.

        Parameters
        ----------
        total : array, shape (ny, nx), or None
            The sum, which is written to; `None` for the first term.
        squared : bool
            Whether the square is added.
        lost : array of uint8, shape (ny, nx), or None
            How often nothing was added, which is written to; `None` where that is never.

        Returns
        -------
        total, lost : array, and array or None
            The same after it; `None` where this can't be done in one pass over memory.
        """
        planes, background = self.planes, self.background
        given = planes.level is not None or planes.rms is not None
        if given or not isinstance(background, BackgroundWindow):
            return None
        masked, on_host = planes.unmarked or planes.mask is not None, background.xp is np
        if masked and lost is None:
            lost = background.xp.zeros(planes.data.shape, dtype=np.uint8)
        counted = lost if masked and on_host else None
        total = background.add_without(total, planes.data, planes.mask, True, squared, counted)
        if total is None:
            return None
        if masked and not on_host:
            lost += planes.mask.view(np.uint8)
        return total, lost

    def mark(self) -> None:
        """Mask pixels that are not finite, where that is not done yet."""
        self.planes = self.planes.marked()

    def make_parts(self, runs: Any, out: tuple[Any, Any], marked: Any) -> None:
        """Make the image without its background, and its noise, at some pixels only, if possible.

        Parameters
        ----------
        runs, out, marked
            See `skyshed.background.window.BackgroundWindow.subtract_in_runs`; what is ``marked`` is
            the mask then, of planes that have none yet.
        """
        planes, background = self.planes, self.background
        given = any(each is not None for each in (planes.level, planes.rms, planes.error))
        if given or not isinstance(background, BackgroundWindow):
            return
        marked = marked if planes.unmarked else None
        finite = background.subtract_in_runs(planes.data, planes.mask, runs, out, marked)
        if finite is not None:
            self.parts = Parts(*out, finite, marked if planes.unmarked else planes.mask)

    def level(self) -> Any:
        """Return the background of each pixel."""
        return self.background.background if self.planes.level is None else self.planes.level

    def noise(self) -> Any:
        """Return the noise of the background of each pixel."""
        if self.parts is not None:
            return self.parts.noise
        rms = self.planes.rms
        if rms is None:
            return self.background.background_rms
        return array_namespace(rms=rms).ascontiguousarray(rms)

    def threshold(self) -> Any:
        """Return what a pixel of a source must exceed in the image that it is `detected_on`."""
        parameters = self.parameters
        if self.limit is not None:
            return self.limit
        everywhere: float | None = parameters.threshold
        if parameters.filter == "matched":
            everywhere = detection_limit(parameters)
        elif everywhere is None and parameters.threshold_type == "global":
            everywhere = self.global_noise * sigmas_of_flat_light(parameters)
        if everywhere is not None:
            return self.background.xp.asarray(everywhere, dtype=self.background.dtype)
        rms = self.planes.rms
        if rms is not None:  # one number may stand for all pixels
            return parameters.nsigma * (rms if any(rms.strides) else rms[:1, :1].reshape(()))
        noise = self.noise()
        # The map of the noise is nobody else's.
        noise *= noise.dtype.type(parameters.nsigma)
        return noise

    def surface_threshold(self) -> Any:
        """Return the threshold as an image in the unit of the data.

        It is what a pixel of the convolved image must exceed. Of a matched filter, which compares
        significances, it is the flat light that in even noise is as significant as asked for.
        """
        parameters = self.parameters
        if parameters.filter == "matched":
            noise = self.noise()
            return noise * noise.dtype.type(sigmas_of_flat_light(parameters))
        if parameters.threshold is None and parameters.threshold_type == "map":
            if parameters.significance is None:
                noise = self.noise()
                return noise * noise.dtype.type(parameters.nsigma)
            return limit_of_each_pixel(self.noise(), self.planes.mask, parameters)
        everywhere = parameters.threshold
        if everywhere is None:
            everywhere = self.global_noise * sigmas_of_flat_light(parameters)
        background, (height, width) = self.background, self.window.shape
        shape = self.n_images * height, width
        return background.xp.full(shape, everywhere, dtype=background.dtype)

    def surface_threshold_in(self, window: Window, halo: int) -> Any:
        """Return `surface_threshold` in a window of this one, as in all of it."""
        around = window.grown(halo, self.background.shape)
        part = self.without_images()
        where = around.within(self.window)
        xp = self.background.xp

        def cut(plane: Any) -> Any:
            return None if plane is None else xp.ascontiguousarray(plane[where])

        planes = replace(part.planes, mask=cut(part.planes.mask), rms=cut(part.planes.rms))
        part = replace(part, planes=planes, background=self.background.at(*around.bounds))
        return part.surface_threshold()[window.within(around)]

    @property
    def has_error(self) -> bool:
        """Whether the total error is one of the planes, so that it takes no memory of its own."""
        planes = self.planes
        return planes.error is not None or (planes.rms is not None and not self._counts_per_unit)

    def total_error(self, data: Any) -> Any:
        """Return the total error of each pixel; ``data`` is the image without its background."""
        if self.planes.error is not None:
            return self.planes.error
        gain = self._counts_per_unit
        return calc_total_error(data, self.noise(), gain) if gain else self.noise()

    @property
    def _counts_per_unit(self) -> float | None:
        """Counts in a unit of the data, by which the light of sources adds to the total error."""
        return None if self.smoothed_noise is not None else counts_per_unit(self.parameters)

    def lazy_threshold(self) -> Any:
        """Return `surface_threshold`, to be made when it is needed, and not kept."""
        return Lazy(self.without_images().surface_threshold, keep=False)

    def without_images(self) -> "Prepared":
        """Return what noise and threshold are made from: it keeps no other image in memory."""
        planes = replace(self.planes, data=None, level=None, error=None)
        return replace(self, planes=planes, convolved=None, significance=None, limit=None)

    def lazy_error(self, data: Any) -> Any:
        """Return the total error of each pixel, to be made when it is needed; as `total_error`."""
        if self.planes.error is not None:
            return self.planes.error
        # What makes it must not keep the image with its background in memory.
        return Lazy(partial(self.without_images().total_error, data))

    @property
    def window(self) -> Window:
        """The pixels of the image that these are."""
        return Window(*self.background.window)

    def convolve(self, detect: bool = False) -> None:
        """Make the image that sources are deblended and shaped on; and what they are detected by.

        Without ``detect`` that is left out where it is not the same.
        """
        data, parameters = self.without_background()[0], self.parameters
        self.convolved = convolved(data, self.planes.mask, parameters, self.n_images)
        if not detect:
            return
        if parameters.filter == "matched":
            self.significance = detection_significance(
                data, self.noise(), self.planes.mask, parameters
            )
        elif parameters.significance is not None and parameters.threshold_type == "map":
            self.limit = limit_of_each_pixel(self.noise(), self.planes.mask, parameters)

    @property
    def detected_on(self) -> Any:
        """The image that pixels of sources are above the threshold in, once it is made."""
        return self.convolved if self.significance is None else self.significance

    def end_detection(self) -> None:
        """Let go what nothing but the detection needs."""
        self.significance = self.limit = None

    def deblended_on(self) -> Any:
        """Return the image that peaks of sources are looked for in, once it is convolved."""
        if self.parameters.deblend_on == "convolved":
            return self.convolved
        return self.without_background()[0]

    def cut(self, window: Window) -> "Prepared":
        """Return a window of this one."""
        xp, where = self.background.xp, window.within(self.window)
        smooth, significance, limit = (
            None if image is None else xp.ascontiguousarray(image[where])
            for image in (self.convolved, self.significance, self.limit)
        )
        return Prepared(
            self.planes.cut(where), self.background.at(*window.bounds), self.parameters, smooth,
            self.global_noise, significance, limit, self.noise_correlation,
            smoothed_noise=self.smoothed_noise,
        )  # fmt: skip


def counts_per_unit(parameters: Parameters) -> float | None:
    """Return the gain, times the exposure time of data that are per second."""
    gain, time = parameters.effective_gain, parameters.exposure_time
    if not isinstance(gain, float):
        return None
    return gain * time if isinstance(time, float) else gain


def prepare(planes: Planes, mesh: ExposureMesh, request: Request, window: Window) -> Prepared:
    """Put a window of an exposure together with its background, not yet convolved."""
    background = BackgroundWindow(
        mesh.mesh, request.shape, request.box_size, planes.data.dtype, window.bounds,
        array_namespace(data=planes.data), request.parameters.n_threads,
    )  # fmt: skip
    if planes.relative:
        rms = planes.rms * planes.rms.dtype.type(mesh.scale)
        planes = replace(planes, rms=rms, relative=False)
    return Prepared(
        planes, background, request.parameters_of(planes.name), global_noise=mesh.global_noise,
        noise_correlation=mesh.noise_correlation,
    )  # fmt: skip


def prepare_exposure(
    request: Request,
    name: str,
    window: Window,
    meshes: Mapping[str, ExposureMesh],
    marked: bool = True,
) -> Prepared:
    """Read a window of an exposure, or combine it of bands, with its background; not convolved.

    Without ``marked``, who looks at the mask calls `Prepared.mark` before.
    """
    combination = request.combination
    if combination is not None and name == DETECTION:
        bands = (
            prepare_exposure(request, each, window, meshes, False) for each in combination.bands
        )
        # Level and noise are in the planes: the mesh says where the window is.
        image = prepare(
            combined(combination, bands, name), meshes[combination.bands[0]], request, window
        )
        of_bands = [meshes[each] for each in combination.bands]
        noises = [each.global_noise for each in of_bands]
        image.global_noise = combined_noise(combination, noises)
        image.noise_correlation = combined_correlation(
            combination, noises, [each.noise_correlation for each in of_bands]
        )
        return image
    if request.band_of(name) != name:
        return _matched(request, name, window, meshes)
    planes = request.exposures[name].read(window, marked)
    return prepare(planes, meshes[name], request, window)


def _matched(
    request: Request, name: str, window: Window, meshes: Mapping[str, ExposureMesh]
) -> Prepared:
    """Return a window of a band convolved to the seeing of the worst one, without background.

    Where the correlation of its noise was measured, that of the convolved image follows, and errors
    are those of sums over such noise. Else they are those of the band as it is: convolution keeps
    the variance of sums over apertures that are larger than the kernel, and makes that of single
    pixels smaller. An ``error`` that is given holds the noise of sources, too, which convolution
    does not make smaller, and is taken as it is.
    """
    band = request.band_of(name)
    kernel = request.matching[band]
    around = window.grown(len(kernel) // 2, request.shape)
    image = prepare_exposure(request, band, around, meshes)
    data, _ = image.without_background()
    xp = array_namespace(data=data)
    if len(kernel) > 1:
        data = convolve(
            data, kernel, mask=image.planes.mask, preserve_nan=True,
            n_threads=request.parameters.n_threads,
        )  # fmt: skip
    zero = xp.broadcast_to(xp.zeros((), dtype=data.dtype), data.shape)
    image.planes = replace(image.planes, data=data, level=zero, subtracted=True, name=name)
    image.parameters = request.parameters_of(name)
    correlation = meshes[band].correlation
    if len(kernel) > 1 and correlation.size and image.planes.error is None:
        from skyshed.background.shared_noise import smoothed  # of matched bands alone

        covariance = tuple(map(tuple, smoothed(correlation, kernel, kernel).tolist()))
        gain = counts_per_unit(image.parameters)
        image.smoothed_noise = SmoothedNoise(covariance, 1 / gain if gain else 0.0)
    cut = image.cut(window)
    cut.planes = replace(cut.planes, data=xp.ascontiguousarray(cut.planes.data))
    return cut


def make_catalog(
    request: Request,
    image: Prepared,
    labels: Any,
    sources: Sources,
    provenance: Provenance,
    detection_cat: SourceCatalog | None = None,
    shapes: Callable[[], Any] | None = None,
) -> SourceCatalog:
    """Return the catalog of some sources in a window of an exposure.

    Shapes are measured at once and the convolved image is let go, in ``image`` too: only then is
    the total error made, so that not all images are in memory together. Errors of positions, which
    need both, are measured at once where that takes no more memory, or nothing was convolved; else
    it is convolved again.

    Parameters
    ----------
    request : Request
        What is asked for.
    image : Prepared
        The window.
    labels : array of int32, shape (ny, nx)
        The label of each pixel of the window.
    sources : Sources
        The sources to measure, in the pixels of the window.
    provenance : Provenance
        What deblending noted about them.
    detection_cat : SourceCatalog, optional
        The catalog of the same sources that positions, shapes and apertures are taken from.
    shapes : callable, optional
        Makes an image of the window that has the values of the convolved one at all pixels of the
        sources: shapes are measured on it, and the window is convolved only for what reads further
        pixels later.
    """
    if image.parts is None:
        image.mark()
    parameters, planes = image.parameters, image.planes
    mask = planes.mask if image.parts is None else image.parts.mask
    data, level = image.without_background()
    smooth = None
    if image.smooth and detection_cat is None:
        # Columns of one's own may read it beyond the sources: they get the whole.
        held = image.convolved if shapes is None else shapes()
        again = partial(convolved, data, planes.mask, parameters, image.n_images)
        smooth = Lazy(again, held=held, keep=False)
    image.convolved = None
    # It is of the image that sources were detected on, where that was done here.
    known = request.known is not None or detection_cat is not None
    frame = Frame.from_images(
        data, labels, mask, parameters.n_threads, sources.on_host_with,
        convolved_data=smooth,
        error=image.lazy_error(data), background=level,
        threshold=None if known else image.lazy_threshold(),
        origin=image.window.origin, full_shape=request.shape, n_images=image.n_images,
        finite=image.parts is not None and image.parts.finite,
        kept=_weights_in_common(request, image, detection_cat),
    )  # fmt: skip
    exposure = request.exposures.get(planes.name)  # none of a combination
    if exposure is not None:
        provenance = with_saturated(provenance, exposure.saturation, planes, sources)
    catalog = SourceCatalog.from_frame(
        frame, sources, settings_of(request, image), provenance=provenance,
        detection_cat=detection_cat, unit=request.unit_of(planes.name),
        n_threads=parameters.n_threads,
    )  # fmt: skip
    if exposure is not None:
        for name, bits in bits_of_sources(exposure, image.window, sources).items():
            catalog.add_extra_property(name, bits)
    if smooth is not None:
        at_once = image.has_error or shapes is not None
        catalog.measure("moments", *(("_centroid_cov",) if at_once else ()))
        smooth.release()
    return catalog


def _weights_in_common(
    request: Request, image: Prepared, detection_cat: SourceCatalog | None
) -> Any:
    """Return what keeps the weights of apertures for all bands; `None` where one is measured alone.

    It comes with the catalog of the combination. A GPU computes weights sooner than it reads them.
    """
    data = image.planes.data
    if detection_cat is not None:
        return detection_cat.frame.kept if request.combination is not None else None
    if len(request.measured) < 2 or array_namespace(data=data) is not np:
        return None
    from skyshed.catalog.kept_weights import WeightsInCommon  # of several bands alone

    return WeightsInCommon(int(WEIGHTS * data.size * data.dtype.itemsize))


def settings_of(request: Request, image: Prepared) -> CatalogSettings:
    """Return the settings of the catalog of an exposure."""
    parameters = image.parameters
    return CatalogSettings(
        request.wcs, parameters.kron_params, parameters.localbkg_width, parameters.apermask_method,
        image.noise_correlation, image.smoothed_noise,
    )  # fmt: skip


def peak_npixels(parameters: Parameters) -> int:
    """Return the least number of pixels of a peak."""
    least = parameters.deblend_npixels
    return parameters.npixels if least is None else least


def check_combination(request: Request, meshes: Mapping[str, ExposureMesh]) -> None:
    """Refuse bands to detect on of which none has noise: nothing is significant there.

    Raises
    ------
    ValueError
        The message says what may help.
    """
    if request.combination is None:
        return
    for name in request.combination.bands:
        given = any(each in request.exposures[name].companions for each in NOISE_PLANES)
        if given or (meshes[name].mesh.noise > 0).any():
            return
    raise ValueError(
        f"the noise measured is 0 everywhere in {', '.join(request.combination.bands)}, so that "
        "nothing can be significant: look at background, if it is given, or give the noise as rms"
    )


def warn_of_crowding(parameters: Parameters, meshes: Mapping[str, ExposureMesh]) -> None:
    """Warn that boxes were used that have fewer good pixels than wanted, or that few are left."""
    messages = []
    if any(mesh.lenient for mesh in meshes.values()):
        messages.append(
            f"more than exclude_percentile = {parameters.exclude_percentile:g} % of the pixels are "
            "masked or clipped in every box of the background: all boxes with good pixels were "
            "used, as with exclude_percentile = 100"
        )
    if any(mesh.few_left for mesh in meshes.values()):
        messages.append(
            "without the sources, grown by background_growth = "
            f"{parameters.background_growth:g} pixels, fewer than half of the boxes of the "
            "background have enough pixels left for the second pass: keep the first "
            "(background_passes=1), or make background_growth smaller or box_size larger"
        )
    for message in messages:
        warnings.warn(message, CrowdedWarning, stacklevel=find_stack_level())


def warn_of_nothing(request: Request) -> None:
    """Warn that there is no source: none was found, or the labels that were given are all 0."""
    if request.known is not None:
        message = "segmentation has no labels: there is nothing to measure"
    else:
        message = (
            f"No sources were found: no {request.parameters.npixels} connected pixels are above "
            "the threshold; lower the threshold or npixels"
        )
    warnings.warn(message, NoDetectionsWarning, stacklevel=find_stack_level())
