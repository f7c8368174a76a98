"""The chain on equal images at once: one set of launches on a device, and of waits for it.

The images lie one below the other in one array, and kernels know where each ends. What is known of
boxes and sources comes to the host for all of them together; there each image gets what it has
alone, with the same bits.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from skyshed.background.mesh import Mesh
from skyshed.background.stack import BackgroundStack
from skyshed.background.window import BackgroundWindow
from skyshed.catalog import SourceCatalog
from skyshed.chain.background import ExposureMesh, assemble, measure_stack
from skyshed.chain.columns import as_measured, make_table
from skyshed.chain.doubts import warn_of_doubts
from skyshed.chain.exposure_columns import saturated
from skyshed.chain.prepared import Prepared
from skyshed.chain.request import IMAGE, Request
from skyshed.chain.smoothing import convolved
from skyshed.chain.stacked_sources import StackedSources
from skyshed.chain.steps import make_catalog, prepare, settings_of, warn_of_crowding
from skyshed.chain.whole import Clock, WholeRun, deblended, phases_of
from skyshed.deblending.deblend import warn_of_modes
from skyshed.detection import detect_in_stack, warn_of_no_sources
from skyshed.flags import SEGMENTATION_FLAGS
from skyshed.frame import Frame, Lazy
from skyshed.images.exposure import Planes
from skyshed.images.source import ImageSource
from skyshed.images.stacked import StackedSource
from skyshed.images.window import Window
from skyshed.namespace import array_namespace, device_of
from skyshed.segmentation import SegmentationImage
from skyshed.segmentation.provenance import Provenance

__all__ = ["are_alike", "can_be_stacked", "run_stack"]

#: Returns the context in which something is done for one of the images, by its place, or for none.
About = Callable[[int | None], AbstractContextManager[Any]]

#: Planes that may go with an image of a stack.
COMPANIONS = {"weight", "rms", "variance", "background", "error", "mask"}
#: What catalogs of the images do not share.
OWN = ("wcs", "noise_correlation", "provenance")
#: Columns that are indices in the pixels of all images together.
IN_ALL = ("_low_at", "_high_at")


def can_be_stacked(request: Request) -> bool:
    """Whether what is asked of an image can be done to several at once."""
    parameters, exposure = request.parameters, request.exposure
    if request.combination is not None or set(request.exposures) != {IMAGE}:
        return False
    if any(each is not None for each in (request.known, request.detection_cat)):
        return False
    # One pass over the background, and a threshold that is one number or a multiple of each pixel's
    # noise, which is never negative.
    by_noise = parameters.threshold is None and parameters.threshold_type == "map"
    return (
        parameters.background_passes == 1
        and parameters.filter != "matched"
        and parameters.significance is None
        and (by_noise or (parameters.threshold is not None and parameters.threshold >= 0))
        and not parameters.aperture_correction
        and max(request.box_size) > 1
        and set(exposure.companions) <= COMPANIONS
    )


def are_alike(one: Request, other: Request) -> bool:
    """Whether two images that can be stacked can be so together."""
    return _facts(one) == _facts(other)


def _facts(request: Request) -> tuple[Any, ...]:
    """Return what images of a stack have in common."""
    exposure = request.exposure
    planes = {"image": exposure.image, "own_mask": exposure.own_mask, **exposure.companions}
    return (
        # Magnitudes are each image's own.
        request.parameters.replace(zero_point=None, zero_point_system="AB"),
        exposure.shape, exposure.device, exposure.mask_bits, exposure.relative,
        dict(exposure.factors), exposure.weight_threshold, exposure.saturation,
        {name: each and (each.dtype, each.blank, _homes(each)) for name, each in planes.items()},
    )  # fmt: skip


def _homes(source: ImageSource) -> list[Any]:
    """Return the device of each array that an image is made of; `None` for files and the host."""
    return [device_of(getattr(base, "array", None)) for base in source.bases]


def run_stack(
    requests: Sequence[Request],
    begin: Callable[[str], None],
    about: About,
) -> list[WholeRun | Exception]:
    """Find and measure the sources of equal images at once.

    Parameters
    ----------
    requests : sequence of Request
        What is asked for; all `can_be_stacked`, and `are_alike`.
    begin : callable
        Told the name of each stage as it begins.
    about : callable
        Returns the context in which what concerns an image alone is done: warnings are of it. That
        of `None` is for what each image is told of by itself later: its warnings are dropped.

    Returns
    -------
    runs : list of WholeRun or Exception
        What `skyshed.chain.whole.run_whole` returns or raises for each image. The columns of its
        table are measured already.

    Raises
    ------
    OSError
        If a file cannot be read.
    """
    first, n = requests[0], len(requests)
    parameters, window = first.parameters, first.exposure.image.everything
    clock = Clock(begin, phases_of(first))
    clock("reading")
    planes = _read(requests)
    clock("background")
    meshes = _meshes(requests, planes, window, about)
    image = _prepared(requests, planes, meshes)
    clock("convolution")
    image.convolve()
    clock("detection")
    labels, sources = detect_in_stack(
        image.convolved, image.threshold(), image.planes.mask, parameters.npixels,
        parameters.connectivity, n, parameters.n_threads, parameters.max_npixels,
    )  # fmt: skip
    detected = SegmentationImage.from_labels(labels, sources=sources)
    del labels, sources
    segments = detected
    if parameters.deblend and detected.nlabels:
        clock("deblending")
        with about(None):
            segments = deblended(image, detected)
    clock("measurement")
    stacked = StackedSources.of(detected, segments, n)
    del detected, segments
    catalog = None
    if len(stacked.sources):
        with about(None):
            catalog = _catalog(first, image, stacked)
    flagged = None
    if catalog is not None and first.exposure.saturation is not None:
        flagged = saturated(first.exposure.saturation, image.planes, stacked.sources)
    clock.stop()
    seconds = {phase: spent / n for phase, spent in clock.seconds.items()}
    runs: list[WholeRun | Exception] = []
    for k, (request, mesh) in enumerate(zip(requests, meshes, strict=True)):
        if isinstance(mesh, Exception):
            runs.append(mesh)
            continue
        segmentation = stacked.segmentation(k)
        with about(k):
            _warn(request, mesh, segmentation)
        own = _image_of(k, request, mesh, image)
        catalogs = {}
        if segmentation.nlabels:
            assert catalog is not None
            catalogs[IMAGE] = _own_catalog(k, request, own, segmentation, stacked, catalog, flagged)
        runs.append(WholeRun(request, {IMAGE: mesh}, segmentation, catalogs, own, own, seconds))
    return runs


def _read(requests: Sequence[Request]) -> Planes:
    """Read all images, one below the other."""
    exposures = [each.exposure for each in requests]
    first = exposures[0]
    masks = [each.own_mask for each in exposures if each.own_mask is not None]
    stacked = replace(
        first,
        image=StackedSource([each.image for each in exposures]),
        own_mask=StackedSource(masks) if masks else None,
        companions={
            name: StackedSource([each.companions[name] for each in exposures])
            for name in first.companions
        },
    )
    return stacked.read()


def _meshes(
    requests: Sequence[Request],
    planes: Planes,
    window: Window,
    about: About,
) -> list[ExposureMesh | Exception]:
    """Return the background of each image, or why it has none."""
    first = requests[0]
    meshes: list[ExposureMesh | Exception] = []
    all_boxes = measure_stack(planes, len(requests), first.box_size, first.parameters)
    for k, (request, boxes) in enumerate(zip(requests, all_boxes, strict=True)):
        with about(k):
            try:
                mesh = assemble(
                    request.exposure, {window: boxes}, 1, request.box_size, request.parameters
                )
            except ValueError as error:
                meshes.append(error)
            else:
                meshes.append(mesh)
    return meshes


def _prepared(
    requests: Sequence[Request], planes: Planes, meshes: Sequence[ExposureMesh | Exception]
) -> Prepared:
    """Put all images together with their backgrounds; in what failed nothing is detected."""
    first, xp = requests[0], array_namespace(data=planes.data)
    windows = tuple(
        BackgroundWindow(
            _nothing(first, planes.data.dtype) if isinstance(mesh, Exception) else mesh.mesh,
            first.shape, first.box_size, planes.data.dtype, first.exposure.image.everything.bounds,
            xp, first.parameters.n_threads,
        )
        for mesh in meshes
    )  # fmt: skip
    if planes.relative:
        scale = [1.0 if isinstance(mesh, Exception) else mesh.scale for mesh in meshes]
        of_rows = np.repeat(np.array(scale, planes.rms.dtype), first.shape[0])
        planes = replace(planes, rms=planes.rms * xp.asarray(of_rows)[:, None], relative=False)
    return Prepared(planes, BackgroundStack(windows), first.parameters, n_images=len(requests))


def _nothing(request: Request, dtype: Any) -> Mesh:
    """Return the mesh of an image without a background: above NaN there is nothing."""
    shape = [-(-side // size) for side, size in zip(request.shape, request.box_size, strict=True)]
    nan = np.full(shape, np.nan, dtype)
    return Mesh(nan, nan, np.ones(shape, bool), np.zeros(shape, np.int64))


def _catalog(first: Request, image: Prepared, stacked: StackedSources) -> SourceCatalog:
    """Return the catalog of all sources; what tables are made from is on the host."""
    # Positions on the sky are each image's own, as is what is noted of its sources.
    exposure = replace(first.exposure, wcs=None, saturation=None, companions={})
    request = replace(first, exposures={IMAGE: exposure}, association=None)
    catalog = make_catalog(request, image, stacked.labels, stacked.sources, Provenance())
    # Only an image with its WCS has some of SExtractor's columns: here is what they are made from.
    parameters, asked = first.parameters, first.parameters.columns
    if asked is not None:
        parameters = parameters.replace(columns=dict.fromkeys(as_measured(asked)))
    make_table(catalog, parameters)
    return catalog


def _image_of(k: int, request: Request, mesh: ExposureMesh, image: Prepared) -> Prepared:
    """Return one of the images with its background."""
    rows, planes = _rows(k, request), image.planes
    all_good = mesh.n_unmasked == request.shape[0] * request.shape[1]
    mask, rms, error, level = (
        None if each is None else each[rows]
        for each in (planes.mask, planes.rms, planes.error, planes.level)
    )
    own = replace(
        planes, data=planes.data[rows], mask=None if all_good else mask, rms=rms, error=error,
        level=level,
    )  # fmt: skip
    return prepare(own, mesh, request, request.exposure.image.everything)


def _rows(k: int, request: Request) -> slice:
    """Return the rows of one of the images."""
    return slice(k * request.shape[0], (k + 1) * request.shape[0])


def _own_catalog(
    k: int,
    request: Request,
    image: Prepared,
    segmentation: SegmentationImage,
    stacked: StackedSources,
    catalog: SourceCatalog,
    flagged: Any,
) -> SourceCatalog:
    """Return the catalog of one of the images, with what was measured of all."""
    whole, rows, mask = catalog.frame, _rows(k, request), image.planes.mask
    data = whole.data[rows]
    again = partial(convolved, data, mask, image.parameters)
    bad = mask if mask is None or whole.mask is whole.input_mask else whole.mask[rows]
    frame = Frame(
        data, segmentation.data, Lazy(again, keep=False) if image.smooth else None,
        image.lazy_error(data), None if whole.background is None else whole.background[rows],
        bad, image.window.origin, request.shape, mask, image.lazy_threshold(),
    )  # fmt: skip
    sources, provenance = segmentation.label_table.sources, segmentation.provenance
    these = stacked.which(k)
    if flagged is not None:
        labels = sources.host.labels[flagged[these]]
        provenance = provenance.with_flag(labels, SEGMENTATION_FLAGS.SATURATED)
    own = SourceCatalog.from_frame(
        frame, sources, settings_of(request, image), provenance=provenance,
        unit=request.unit_of(IMAGE), n_threads=image.parameters.n_threads,
    )  # fmt: skip
    catalog.results.give(own.results, these, OWN, IN_ALL)
    return own


def _warn(request: Request, mesh: ExposureMesh, segmentation: SegmentationImage) -> None:
    """Say of an image what is said of one that is worked on alone."""
    parameters = request.parameters
    if not segmentation.nlabels:
        warn_of_no_sources(parameters.npixels, parameters.max_npixels)
    if segmentation.info:
        counts = {name: len(changed) for name, changed in segmentation.info.items()}
        warn_of_modes(counts, parameters.mode, parameters.max_markers)
    warn_of_crowding(parameters, {IMAGE: mesh})
    warn_of_doubts(request.exposures, {IMAGE: mesh})
