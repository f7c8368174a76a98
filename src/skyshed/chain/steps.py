"""What is done to a window of an exposure: the same for a whole image and for a tile."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from skyshed.background.window import BackgroundWindow
from skyshed.catalog import CatalogSettings, SourceCatalog
from skyshed.catalog.noise_factors import SmoothedNoise
from skyshed.chain.background import ExposureMesh
from skyshed.chain.combination import combined, combined_correlation, combined_noise
from skyshed.chain.exposure_columns import bits_of_sources, with_saturated
from skyshed.chain.prepared import Prepared, counts_per_unit
from skyshed.chain.request import DETECTION, Request
from skyshed.chain.smoothing import (
    convolved,
)
from skyshed.convolution import convolve
from skyshed.exceptions import CrowdedWarning, NoDetectionsWarning
from skyshed.frame import Frame, Lazy
from skyshed.images.exposure import Planes
from skyshed.images.noise_planes import NOISE_PLANES
from skyshed.images.window import Window
from skyshed.messages import find_stack_level
from skyshed.namespace import array_namespace
from skyshed.parameters import Parameters
from skyshed.segmentation.provenance import Provenance
from skyshed.sources import Sources

__all__ = [
    "WEIGHTS",
    "check_combination",
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
