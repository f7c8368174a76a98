"""The chain on a whole image: one window that is everything."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from skyshed.cached import cached_property
from skyshed.catalog import SourceCatalog, kron_ellipses
from skyshed.chain.background import ExposureMesh, assemble, measure_window
from skyshed.chain.columns import empty_table, make_table, plain_table
from skyshed.chain.doubts import warn_of_doubts
from skyshed.chain.prepared import Prepared
from skyshed.chain.request import DETECTION, IMAGE, Request
from skyshed.chain.run import Run
from skyshed.chain.source_mask import LeftOut, left_out_by
from skyshed.chain.steps import (
    make_catalog,
    peak_npixels,
    prepare,
    warn_of_crowding,
    warn_of_nothing,
)
from skyshed.chain.tiles_table import TileFacts, tile_rows
from skyshed.deblending import deblend_sources
from skyshed.detection import detect_sources
from skyshed.images.exposure import Planes
from skyshed.images.window import Window
from skyshed.namespace import (
    array_namespace,
    device_of,
    is_device_array,
    like,
    stays_on_device,
    to_host,
)
from skyshed.output.table_parts import PlainTable, to_plain
from skyshed.segmentation import SegmentationImage

if TYPE_CHECKING:  # slow to import, and not needed to write a catalog
    from astropy.table import QTable

__all__ = [
    "Clock",
    "WholeRun",
    "deblended",
    "detected",
    "known_sources",
    "n_stages",
    "phases_of",
    "run_whole",
]

#: What progress shows, at most; those of the background come once for each exposure.
STAGES = ("reading", "background", "convolution", "detection", "deblending", "measurement")
#: What a second pass over the background has besides; the last comes once for each exposure.
SECOND_PASS = ("first detection", "background again")

#: Sources that are measured at a time when a table is written. What is known of one while it is
#: measured takes 1.3 kB, so that these take 65 MB, which is less than the preview.
AT_A_TIME = 50_000
#: The phase of a tile that a stage belongs to, by which times are told.
PHASES = {
    "reading": "background",
    "background": "background",
    "first detection": "find",
    "background again": "remeasure",
    "convolution": "detect",
    "detection": "detect",
    "deblending": "deblend",
    "measurement": "measure",
}


def n_stages(request: Request) -> int:
    """Return how many stages progress shows, at most."""
    both, twice = len(request.exposures) - 1, request.parameters.background_passes > 1
    return len(STAGES) + 2 * both + twice * (len(SECOND_PASS) + both)


def phases_of(request: Request) -> tuple[str, ...]:
    """Return the phases that a run has by tiles."""
    known = request.known is not None
    again = ("remeasure",) if known else ("find", "remeasure")
    return (
        "background", *(again if request.parameters.background_passes > 1 else ()),
        *(("collect",) if known else ("detect", "deblend")), "measure",
    )  # fmt: skip


@stays_on_device
class WholeRun(Run):
    """What was found in an image that was worked on at once; it is in memory.

    Parameters
    ----------
    request : Request
        What was asked for.
    meshes : dict of str to ExposureMesh
        The background of each exposure.
    segmentation : SegmentationImage
        The sources.
    catalogs : dict of str to SourceCatalog
        Those of the exposures; none without sources.
    image : Prepared
        The image.
    shaped : Prepared
        The image that sources were detected and shaped on, which may be the same.
    seconds : dict of str to float
        What the phases took.
    """

    def __init__(
        self,
        request: Request,
        meshes: dict[str, ExposureMesh],
        segmentation: SegmentationImage,
        catalogs: dict[str, SourceCatalog],
        image: Prepared,
        shaped: Prepared,
        seconds: dict[str, float],
    ) -> None:
        lenient = any(mesh.lenient for mesh in meshes.values())
        self.request = request
        self.parameters = (
            request.parameters.replace(exclude_percentile=100) if lenient else request.parameters
        )
        self._meshes, self._segmentation = meshes, segmentation
        self._device = device_of(segmentation.label_table.image)
        self._catalogs, self._seconds = catalogs, seconds
        self._background, self._mask = image.background, image.planes.mask
        self._level, self._rms = image.planes.level, image.planes.rms
        self._threshold_of = shaped.without_images()
        # With sources, their catalogs hold the images; the exposure's own are let go.
        self._image = None if catalogs else image
        self._shaped = None if catalogs else shaped

    def mesh(self, name: str = IMAGE) -> ExposureMesh:
        """Return the background of one of the exposures."""
        return self._meshes[name]

    @property
    def xp(self) -> Any:
        """The array namespace of the images."""
        return self._background.xp

    @property
    def segmentation(self) -> SegmentationImage:
        """The label of each pixel."""
        return self._segmentation

    @property
    def catalog(self) -> Any:
        """The catalog of the sources; `None` if there is none."""
        return self._catalogs.get(IMAGE)

    @property
    def detection_cat(self) -> Any:
        """The catalog that positions, shapes and apertures come from, if it is another."""
        return self._catalogs.get(DETECTION, self.request.detection_cat)

    @cached_property
    def table(self) -> "QTable":
        """One row per source."""
        request = self.request
        if self.catalog is None:
            table = empty_table(
                request.wcs, request.unit, self.parameters, self.dtype, request.has_quality,
                request.calibration, request.association,
            )  # fmt: skip
        else:
            table = make_table(
                self.catalog, self.parameters, request.calibration, request.association
            )
        if not self.parameters.aperture_correction:
            return table
        from skyshed.chain.aperture_correction import corrected

        return corrected(table, self.growth, self.parameters, request.calibration)

    @cached_property
    def growth(self) -> Any:
        """The curve of growth of the stars; `None` where there is none, or none was asked for."""
        if self.catalog is None or not self.parameters.aperture_correction:
            return None
        from skyshed.chain.aperture_correction import growth_of, star_facts

        return growth_of(star_facts(self.catalog))

    def tile_rows(self) -> list[dict[str, Any]]:
        """Return one row, of the whole image."""
        window = self.request.exposure.image.everything
        facts = TileFacts((0, 0), window, self._segmentation.nlabels, self._seconds)
        return tile_rows([facts], self.mesh().mesh, self.request)

    def parts(self) -> Iterator[PlainTable]:
        """Yield the table, as one part or several; one that was asked for may have been changed."""
        if self.catalog is None or "table" in vars(self) or self.parameters.aperture_correction:
            plain = to_plain(self.table)
            yield replace(plain, rows=np.arange(len(plain)))
            return
        request, begin = self.request, 0
        for catalog in self._some_at_a_time():
            plain = plain_table(catalog, self.parameters, request.calibration, request.association)
            yield replace(plain, rows=np.arange(begin, begin + len(plain)))
            begin += len(plain)

    def _some_at_a_time(self) -> Iterator[SourceCatalog]:
        """Yield catalogs of so many sources that what is measured of them takes little memory."""
        catalog = self.catalog
        if catalog.nlabels <= AT_A_TIME:
            yield catalog
            return
        for begin in range(0, catalog.nlabels, AT_A_TIME):
            yield catalog[begin : begin + AT_A_TIME]

    def ellipses(self) -> Iterator[tuple[Any, Any]]:
        """Yield labels and Kron ellipses of all sources."""
        if self.catalog is not None:
            for catalog in self._some_at_a_time():
                yield kron_ellipses(catalog)

    def read(self, name: str, window: Window) -> Any:
        """Return a window of one of the images."""
        if name == "noise" and self._rms is not None:
            return self._rms[window.slices]
        if name == "noise":
            name = "background_rms"
        if name == "background" and self._level is not None:
            return self._level[window.slices]
        if name in ("background", "background_rms"):
            return getattr(self._background.at(*window.bounds), name)
        if name == "threshold":
            return self._threshold_of.surface_threshold_in(window, self.request.halo)
        if name == "mask":
            xp = self._background.xp
            return (
                xp.zeros(window.shape, dtype=bool)
                if self._mask is None
                else self._mask[window.slices]
            )
        return self._image_of(name)[window.slices]

    def _image_of(self, name: str) -> Any:
        """Return the whole image called ``name``."""
        detection = self.detection_cat
        if name == "convolved_data" and detection is not None:
            return detection.frame.shape_data
        if self._image is None or self._shaped is None:
            frame = self._catalogs[IMAGE].frame
            return frame.shape_data if name == "convolved_data" else getattr(frame, name)
        if name == "convolved_data":
            if self._shaped.convolved is None:
                self._shaped.convolve()
            return self._shaped.convolved
        data, _ = self._image.without_background()
        return data if name == "data" else self._image.total_error(data)


def run_whole(request: Request, begin: Callable[[str], None]) -> WholeRun:
    """Find the sources of a request, unless they are known, and measure them.

    Parameters
    ----------
    request : Request
        What is asked for.
    begin : callable
        Told the name of each stage as it begins.

    Raises
    ------
    ValueError
        If no pixel, or no box of the background, of an exposure is good.
    OSError
        If a file cannot be read.

    Warns
    -----
    NoDetectionsWarning, DeblendWarning, CrowdedWarning, ImageWarning
        See `skyshed.extract`.
    """
    meshes: dict[str, ExposureMesh] = {}
    catalogs: dict[str, SourceCatalog] = {}
    detection = request.detection_cat
    segmentation: SegmentationImage | None = None
    shaped: Prepared | None = None
    left_out: LeftOut | None = None
    twice = request.parameters.background_passes > 1
    clock = Clock(begin, phases_of(request))
    for name in (DETECTION, IMAGE):
        if name not in request.exposures:
            continue
        planes, image = _prepared(request, name, meshes, clock)
        if segmentation is None and request.known is not None:
            segmentation = known_sources(request, image.planes.data)
        if twice:
            if left_out is None:
                clock("first detection" if segmentation is None else "background again")
                left_out = left_out_by(image, segmentation)
            clock("background again")
            image = _prepared_again(request, planes, meshes, left_out)
        del planes
        shaped = shaped or image
        if segmentation is None:
            segmentation = detected(image, clock)
        if segmentation.nlabels:
            clock("measurement")
            labels = array_namespace(labels=segmentation.data).ascontiguousarray(
                segmentation.data, dtype=np.int32
            )
            catalogs[name] = make_catalog(
                request, image, labels, segmentation.sources, segmentation.provenance, detection
            )
            detection = catalogs[name]
    assert segmentation is not None
    assert shaped is not None
    warn_of_crowding(request.parameters, meshes)
    warn_of_doubts(request.exposures, meshes)
    if segmentation.nlabels == 0 and request.known is not None:
        warn_of_nothing(request)
    clock.stop()
    run = WholeRun(request, meshes, segmentation, catalogs, image, shaped, clock.seconds)
    if request.parameters.aperture_correction and run.growth is None:
        from skyshed.chain.aperture_correction import warn_of_no_stars

        warn_of_no_stars()
    return run


class Clock:
    """Tells the progress which stage begins, and keeps how long each phase took."""

    def __init__(self, begin: Callable[[str], None], phases: tuple[str, ...]) -> None:
        self._begin, self._phase, self._start = begin, "", perf_counter()
        self.seconds = dict.fromkeys(phases, 0.0)

    def __call__(self, stage: str) -> None:
        """Say that a stage begins."""
        self.stop()
        self._phase = PHASES[stage]
        self._begin(stage)

    def stop(self) -> None:
        """End the phase that runs."""
        now = perf_counter()
        if self._phase:
            self.seconds[self._phase] += now - self._start
        self._phase, self._start = "", now


def known_sources(request: Request, data: Any) -> SegmentationImage:
    """Return the sources that are known beforehand, where the image ``data`` is."""
    known = request.known
    assert known is not None
    labels = known.read(known.source.everything)
    there = like(labels, data) if is_device_array(data) else to_host(labels)
    if known.segmentation is not None and known.mask is None and there is labels:
        return known.segmentation
    return SegmentationImage(there)


def _prepared(
    request: Request, name: str, meshes: dict[str, ExposureMesh], clock: Clock
) -> tuple[Planes, Prepared]:
    """Read an exposure, and measure its background."""
    exposure, parameters = request.exposures[name], request.parameters
    window = exposure.image.everything
    clock("reading")
    planes = exposure.read()
    clock("background")
    boxes = measure_window(planes, window, request.shape, request.box_size, parameters)
    meshes[name] = assemble(exposure, {window: boxes}, 1, request.box_size, parameters)
    return planes, prepare(planes, meshes[name], request, window)


def _prepared_again(
    request: Request, planes: Planes, meshes: dict[str, ExposureMesh], left_out: LeftOut
) -> Prepared:
    """Measure the background of an exposure once more, without sources."""
    name, parameters = planes.name, request.parameters
    exposure = request.exposures[name]
    window = exposure.image.everything
    boxes = {
        window: measure_window(
            planes, window, request.shape, request.box_size, parameters, left_out,
            meshes[name].mesh,
        )
    }  # fmt: skip
    meshes[name] = assemble(exposure, boxes, 1, request.box_size, parameters, meshes[name])
    return prepare(planes, meshes[name], request, window)


def detected(image: Prepared, clock: Clock) -> SegmentationImage:
    """Detect and deblend the sources of an image."""
    parameters = image.parameters
    clock("convolution")
    image.convolve(detect=True)
    clock("detection")
    segmentation = detect_sources(
        image.detected_on, image.threshold(), parameters.npixels, parameters.connectivity,
        image.planes.mask, n_threads=parameters.n_threads, max_npixels=parameters.max_npixels,
    )  # fmt: skip
    image.end_detection()
    if segmentation is None:
        xp = array_namespace(data=image.convolved)
        return SegmentationImage(xp.zeros(image.convolved.shape, dtype=np.int32))
    if parameters.deblend:
        clock("deblending")
        segmentation = deblended(image, segmentation)
    return segmentation


def deblended(image: Prepared, segmentation: SegmentationImage) -> SegmentationImage:
    """Split the sources of an image, or of several one below the other."""
    parameters = image.parameters
    return deblend_sources(
        image.deblended_on(), segmentation, peak_npixels(parameters), nlevels=parameters.nlevels,
        contrast=parameters.contrast, mode=parameters.mode, connectivity=parameters.connectivity,
        n_threads=parameters.n_threads, progress_bar=False,
        contrast_method=parameters.contrast_method, max_markers=parameters.max_markers,
    )  # fmt: skip
