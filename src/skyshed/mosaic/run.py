"""A run over tiles: the phases in their order, each from where the workspace has it."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from skyshed.chain.steps import warn_of_crowding
from skyshed.deblending import warn_of_modes
from skyshed.exceptions import NoDetectionsWarning
from skyshed.mosaic import background, join, known_labels
from skyshed.mosaic.deblend import deblend
from skyshed.mosaic.detect import detect
from skyshed.mosaic.engine import Cluster, Threads, explained
from skyshed.mosaic.job import Job
from skyshed.mosaic.measure import measure

__all__ = ["phases_of", "run"]


@dataclass(frozen=True)
class Phase:
    """What is done for each tile, and then once for the whole image.

    Attributes
    ----------
    name : str
        Also of the files that the tiles' tasks leave.
    task : callable
        The work for a tile.
    whole : callable or None
        The work for the whole image, once all tiles are done.
    leaves : str
        The file that this leaves.
    tells : str
        What the files are named after that this leaves for each tile, if it does.
    draws : str
        The map that the tasks write, if they do.
    """

    name: str
    task: Callable[[Job, tuple[int, int]], None]
    whole: Callable[[Job], Any] | None = None
    leaves: str = ""
    tells: str = ""
    draws: str = ""

    def left(self, job: Job) -> list[tuple[int, int]]:
        """Return the tiles that are left to do."""
        return [place for place in job.tiling if not job.workspace.has(self.name, place)]

    def is_whole(self, job: Job) -> bool:
        """Whether what is done for the whole image is done, and nothing of it was removed."""
        has = job.workspace.has
        if self.whole is None:
            return True
        return has(self.leaves) and (
            not self.tells or all(has(self.tells, place) for place in job.tiling)
        )


BACKGROUND = Phase("background", background.measure, background.assemble, "mesh")
MEASURE = Phase("measure", measure, draws="segmentation")
DETECTED = (
    BACKGROUND,
    Phase("detect", detect, join.join, "stitch", "seams", "pieces"),
    Phase("deblend", deblend, join.number, "counts", "number"),
    MEASURE,
)
GIVEN = (
    BACKGROUND,
    Phase("collect", known_labels.collect, known_labels.number, "counts", "number"),
    MEASURE,
)


def phases_of(job: Job) -> tuple[Phase, ...]:
    """Return the phases of a run, in their order."""
    return DETECTED if job.given is None else GIVEN


def run(
    job: Job, engine: Threads | Cluster, begin: Callable[[str, int], Callable[[], None]]
) -> None:
    """Do what is left to do.

    Parameters
    ----------
    job : Job
        The run; its workspace has been begun.
    engine : Threads or Cluster
        What runs the tasks.
    begin : callable
        Called with the name of each phase and the number of tiles that were done before; returns
        what is called after each tile.

    Raises
    ------
    TileError
        If a tile cannot be finished.

    Warns
    -----
    NoDetectionsWarning, DeblendWarning, CrowdedWarning
        As `skyshed.extract` of an image at once.
    """
    job.make_maps()
    for phase in phases_of(job):
        left = phase.left(job)
        finished = begin(phase.name, len(job.tiling) - len(left))
        if left:
            engine.run(phase.task, phase.name, job, left, finished)
        if phase.draws:
            job.check_map(phase.draws, phase.name)
        if phase.whole is not None and not phase.is_whole(job):
            try:
                phase.whole(job)
            except OSError as error:
                raise explained(f"after {phase.name}, all tiles", job, error) from error
    _warn(job)


def _warn(job: Job) -> None:
    """Warn of what the tiles found, also in a run that had been finished before."""
    counts = {name: int(n) for name, n in job.workspace.load("counts").items()}
    parameters = job.parameters
    mesh = job.workspace.load("mesh", names=tuple(f"{name}_lenient" for name in job.fields))
    if any(mesh.values()):
        warn_of_crowding(parameters, stacklevel=6)
    n_sources = counts.pop("n_sources")
    if n_sources == 0 and job.given is not None:
        warnings.warn(
            "segmentation has no labels: there is nothing to measure", NoDetectionsWarning,
            stacklevel=5,
        )  # fmt: skip
    elif n_sources == 0:
        warnings.warn(
            f"No sources were found: no {parameters.npixels} connected pixels are above the "
            "threshold; lower the threshold or npixels",
            NoDetectionsWarning,
            stacklevel=5,
        )
    changed = {name: n for name, n in counts.items() if n}
    if changed:
        warn_of_modes(changed, parameters.mode)
