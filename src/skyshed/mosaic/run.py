"""A run over tiles: the phases in their order, each from where the workspace has it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from time import monotonic, sleep
from typing import Any

import numpy as np
from astropy.table import QTable

from skyshed.cached import cached_property
from skyshed.chain.background import ExposureMesh
from skyshed.chain.columns import catalog_table, empty_table
from skyshed.chain.doubts import warn_of_doubts
from skyshed.chain.request import IMAGE, Request
from skyshed.chain.run import Run
from skyshed.chain.steps import warn_of_crowding, warn_of_nothing
from skyshed.chain.tiles_table import TileFacts, tile_rows
from skyshed.deblending import warn_of_modes
from skyshed.exceptions import WorkspaceError
from skyshed.heap import give_back_freed
from skyshed.images.window import Window
from skyshed.mosaic.background import assemble_meshes, measure_boxes
from skyshed.mosaic.deblend import deblend
from skyshed.mosaic.detect import detect
from skyshed.mosaic.engine import Cluster, Threads, explained
from skyshed.mosaic.job import Job
from skyshed.mosaic.known_labels import MODES, collect, number_known
from skyshed.mosaic.measure import Noted, catalogs_in, measure
from skyshed.mosaic.number import number_sources
from skyshed.mosaic.records import (
    Collected,
    Deblended,
    Detected,
    Found,
    FoundSources,
    Measured,
    Meshes,
    Numbered,
    Record,
    Seams,
    SecondBoxes,
    SecondMeshes,
    SourceList,
    StitchedSources,
    TileBoxes,
)
from skyshed.mosaic.second_pass import assemble_again, find, join_found, measure_again
from skyshed.mosaic.stitch import stitch_tiles
from skyshed.namespace import array_namespace
from skyshed.output.table_parts import PlainTable, concatenated, from_plain, to_plain
from skyshed.parameters import Parameters
from skyshed.segmentation import SegmentationImage
from skyshed.segmentation.provenance import Provenance

__all__ = ["TiledRun", "phases_of", "run_tiles"]


@dataclass(frozen=True)
class Phase:
    """What is done for each tile, and then once for the whole image.

    Attributes
    ----------
    record : type
        What the tiles' tasks leave; the phase is named after it.
    task : callable
        The work for a tile.
    whole : callable or None
        The work for the whole image, once all tiles are done.
    leaves : type or None
        The record that this leaves of the whole image.
    tells : type or None
        The record that this leaves of each tile, if it does.
    draws : bool
        Whether the tasks write the map of labels.
    """

    record: type[Record]
    task: Callable[[Job, tuple[int, int]], None]
    whole: Callable[[Job], Any] | None = None
    leaves: type[Record] | None = None
    tells: type[Record] | None = None
    draws: bool = False

    @property
    def name(self) -> str:
        """What users call the phase."""
        return self.record.kind

    def left(self, job: Job) -> list[tuple[int, int]]:
        """Return the tiles that are left to do."""
        return [tile for tile in job.tiling if not job.workspace.has(self.record, tile)]

    def is_whole(self, job: Job) -> bool:
        """Whether what is done for the whole image is done, and nothing of it was removed."""
        has = job.workspace.has
        if self.leaves is None:
            return True
        told = self.tells is None or all(has(self.tells, tile) for tile in job.tiling)
        return has(self.leaves) and told


BACKGROUND = Phase(TileBoxes, measure_boxes, assemble_meshes, Meshes)
#: A second pass over the background.
FIND = Phase(Found, find, join_found, FoundSources)
REMEASURE = Phase(SecondBoxes, measure_again, assemble_again, SecondMeshes)
MEASURE = Phase(Measured, measure, draws=True)
DETECTED = (
    Phase(Detected, detect, stitch_tiles, StitchedSources, Seams),
    Phase(Deblended, deblend, number_sources, SourceList, Numbered),
    MEASURE,
)
KNOWN = (Phase(Collected, collect, number_known, SourceList, Numbered), MEASURE)


def phases_of(request: Request) -> tuple[Phase, ...]:
    """Return the phases of a run, in their order."""
    found = request.known is None
    again: tuple[Phase, ...] = ()
    if request.parameters.background_passes > 1:
        again = (FIND, REMEASURE) if found else (REMEASURE,)
    return (BACKGROUND, *again, *(DETECTED if found else KNOWN))


def run_tiles(
    job: Job, engine: Threads | Cluster, begin: Callable[[str, int, int], Callable[[], None]]
) -> None:
    """Do what is left to do.

    Parameters
    ----------
    job : Job
        The run; its workspace has been begun.
    engine : Threads or Cluster
        What runs the tasks.
    begin : callable
        Called with the name of each phase, the number of tiles that were done before, and that of
        all; returns what is called after each tile.

    Raises
    ------
    TileError
        If a tile cannot be finished.
    """
    job.make_segmentation()
    for phase in phases_of(job.request):
        left = phase.left(job)
        finished = begin(phase.name, len(job.tiling) - len(left), len(job.tiling))
        if left:
            with job.workspace.committing(partial(explained, f"{phase.name}, a tile", job)):
                engine.run(phase.task, phase.name, job, left, finished)
            _see_what_was_left(phase, job, engine.late)
            give_back_freed()
        if phase.draws:
            job.check_segmentation()
        if phase.whole is not None and not phase.is_whole(job):
            failed = partial(explained, f"after {phase.name}, all tiles", job)
            try:
                with job.workspace.committing(failed):
                    phase.whole(job)
            except OSError as error:
                raise failed(error) from error


def _see_what_was_left(phase: Phase, job: Job, late: float) -> None:
    """Wait until all that the tasks of a phase have left is seen here.

    Raises
    ------
    WorkspaceError
        If it is not in time.
    """
    end = monotonic() + late
    while left := phase.left(job):
        if monotonic() >= end:
            raise WorkspaceError(
                f"{job.workspace.file(phase.name, left[0])} is not there, though its tile is "
                "finished: the workspace must be on a file system that all workers share with this "
                "process"
            )
        sleep(0.1)


class TiledRun(Run):
    """What was found tile by tile; it is read from the workspace.

    Parameters
    ----------
    job : Job
        The run, which is finished.
    parameters : Parameters
        Those that were asked for; a task's may have fewer threads.
    """

    def __init__(self, job: Job, parameters: Parameters) -> None:
        self.job, self.request = job, job.request
        lenient = any(mesh.lenient for mesh in job.meshes.exposures.values())
        self.parameters = parameters.replace(exclude_percentile=100) if lenient else parameters

    def warn(self) -> None:
        """Warn of what the tiles found, also in a run that had been finished before.

        Warns
        -----
        NoDetectionsWarning, DeblendWarning, CrowdedWarning, ImageWarning
            See `skyshed.extract`.
        """
        parameters = self.request.parameters
        warn_of_crowding(parameters, self.job.meshes.exposures)
        warn_of_doubts(self.request.exposures, self.job.meshes.exposures)
        if self._sources.labels.size == 0:
            warn_of_nothing(self.request)
        if parameters.aperture_correction and self.growth is None:
            from skyshed.chain.aperture_correction import warn_of_no_stars

            warn_of_no_stars()
        changed = {name: labels.size for name, labels in self._changed_modes().items()}
        if changed:
            warn_of_modes(changed, parameters.mode, parameters.max_markers)

    @cached_property
    def _sources(self) -> SourceList:
        return self.job.workspace.load(SourceList)

    def _changed_modes(self) -> dict[str, Any]:
        """Return the labels deblended with another mode than asked for, by the reason."""
        labels = {name: getattr(self._sources, name) for name in MODES}
        return {name: each for name, each in labels.items() if each.size}

    @property
    def xp(self) -> Any:
        """The array namespace of the images."""
        if self.request.exposure.device == "cuda":
            import array_api_compat.cupy as xp

            return xp
        return array_namespace(image=np.empty(0))

    @property
    def rows_per_read(self) -> int:
        """The rows of the chunks that maps are stored in."""
        return int(self.job.segmentation.chunks[0])

    def read_masked(self, window: Window) -> Any:
        """Return a window of the image without its background, NaN where masked."""
        image = self.job.prepare(window)
        data, _ = image.without_background()
        mask = image.planes.mask
        return data if mask is None else self.xp.where(mask, data.dtype.type(np.nan), data)

    def mesh(self, name: str = IMAGE) -> ExposureMesh:
        """Return the background of one of the exposures."""
        return self.job.meshes.exposures[name]

    def read(self, name: str, window: Window) -> Any:
        """Return a window of one of the images, made anew."""
        if name == "convolved_data" and self.request.detection_cat is not None:
            return self.request.detection_cat.frame.shape_data[window.slices]
        if name == "convolved_data":
            return self.job.prepare_convolved(window).convolved
        if name == "threshold":
            halo = self.request.halo
            around = window.grown(halo, self.job.shape)
            image = self.job.prepare(around, self.request.detected_on)
            return image.surface_threshold_in(window, halo)
        image = self.job.prepare(window)
        if name == "noise":
            return image.noise()
        if name in ("background", "background_rms"):
            return image.level() if name == "background" else image.background.background_rms
        if name == "mask":
            mask = image.planes.mask
            return image.background.xp.zeros(window.shape, dtype=bool) if mask is None else mask
        data, _ = image.without_background()
        return data if name == "data" else image.total_error(data)

    @cached_property
    def segmentation(self) -> SegmentationImage:
        """The label of each pixel; pixels are read when they are asked for."""
        listed, job = self._sources, self.job
        known = self.request.known
        segmentation = None if known is None else known.segmentation
        return SegmentationImage.from_reader(
            lambda y0, y1, x0, x1: job.read_labels(Window(y0, y1, x0, x1)),
            listed.labels,
            shape=self.job.shape,
            dtype=np.dtype(np.int32) if known is None else known.source.dtype,
            provenance=self._provenance,
            info=self._changed_modes() if segmentation is None else dict(segmentation.info),
        )

    @property
    def _provenance(self) -> Provenance:
        listed = self._sources
        return Provenance(
            listed.child, listed.parent, listed.flagged, listed.flags, listed.whole, listed.before
        )

    @property
    def table(self) -> QTable:
        """One row per source, by label; read from the workspace each time."""
        parts = list(self.parts())
        if parts:
            return catalog_table(concatenated(parts), self.parameters, self.request.calibration)
        request = self.request
        table = empty_table(
            request.wcs, request.unit, self.parameters, self.dtype, request.has_quality,
            request.calibration, request.association,
        )  # fmt: skip
        return self._corrected(table) if self.parameters.aperture_correction else table

    @cached_property
    def _catalogs(self) -> tuple[Any, Any]:
        labels, everything = self.job.labels, self.request.exposure.image.everything
        if labels.size == 0:
            return None, self.request.detection_cat
        known = self._provenance
        noted = Noted(known.flags_of(labels), known.labels_before(labels))
        pixels = self.job.read_labels(everything)
        return catalogs_in(self.job, everything, pixels, labels, noted)

    @property
    def catalog(self) -> Any:
        """The catalog of the sources, made from images that are read as a whole."""
        return self._catalogs[0]

    @property
    def detection_cat(self) -> Any:
        """The catalog that positions, shapes and apertures come from, if it is another."""
        given = self.request.detection_cat
        return self._catalogs[1] if given is None else given

    def tile_rows(self) -> list[dict[str, Any]]:
        """Return one row per tile."""
        return tile_rows(map(self._facts, self.job.tiling), self.mesh().mesh, self.request)

    @property
    def n_tiles(self) -> int:
        """How many tiles there are."""
        return len(list(self.job.tiling))

    def _facts(self, tile: tuple[int, int]) -> TileFacts:
        load = self.job.workspace.load
        seconds = {
            phase.name: float(load(phase.record, tile, ("seconds",)).seconds)  # type: ignore[attr-defined]
            for phase in phases_of(self.request)
        }
        n_sources = len(load(Measured, tile, ("labels",)).labels)
        return TileFacts(tile, self.job.tiling[tile], n_sources, seconds)

    def parts(self) -> Iterator[PlainTable]:
        """Yield the tables of the tiles that measured any source.

        Raises
        ------
        WorkspaceError
            If one is damaged or lost; it is named.
        """
        workspace = self.job.workspace
        for tile in self.job.tiling:
            try:
                if len(workspace.load(Measured, tile, ("labels",)).labels):
                    part = workspace.load_table(tile)
                    if self.parameters.aperture_correction:
                        rows = part.rows
                        part = replace(to_plain(self._corrected(from_plain(part))), rows=rows)
                    yield part
            except OSError as error:
                lost = [each for each in self.job.tiling if self._lacks_table(each)]
                again = self.job.measure_again([tile, *(each for each in lost if each != tile)])
                raise WorkspaceError(f"{error}: {again}") from error

    def _corrected(self, table: QTable) -> QTable:
        """Return a table with fluxes of all light."""
        from skyshed.chain.aperture_correction import corrected

        return corrected(table, self.growth, self.parameters, self.request.calibration)

    @cached_property
    def growth(self) -> Any:
        """The curve of growth of the stars; `None` where there is none, or none was asked for."""
        if not self.parameters.aperture_correction:
            return None
        from skyshed.chain.aperture_correction import growth_of

        load = self.job.workspace.load
        parts = [load(Measured, tile, ("stars",)).stars for tile in self.job.tiling]
        parts = [part for part in parts if part.size]
        return growth_of(np.concatenate(parts)) if parts else None

    def _lacks_table(self, tile: tuple[int, int]) -> bool:
        """Whether the table of a tile that measured any source is lost."""
        workspace = self.job.workspace
        return not workspace.has_table(tile) and bool(
            len(workspace.load(Measured, tile, ("labels",)).labels)
        )

    def ellipses(self) -> Iterator[tuple[Any, Any]]:
        """Yield labels and Kron ellipses, tile by tile."""
        for tile in self.job.tiling:
            measured = self.job.workspace.load(Measured, tile, ("labels", "ellipses"))
            yield measured.labels, measured.ellipses
