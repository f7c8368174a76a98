"""Where the background is measured twice: what the second pass leaves out, and its boxes.

The first detection splits nothing: components that touch across tiles are joined, small ones are
dropped, and what remains is grown from the map of all tiles. Where sources are known there is
nothing to detect.
"""

from functools import partial
from time import perf_counter
from typing import Any

import numpy as np

from skyshed.chain.background import ExposureMesh, assemble, measure_window
from skyshed.chain.compared import Compared
from skyshed.chain.faint_light import level_halo
from skyshed.chain.source_mask import (
    LeftOut,
    first_parameters,
    grown_in,
    left_out_of_noise,
    reach_of,
)
from skyshed.images.window import Window
from skyshed.mosaic.detect import components, inner_faces
from skyshed.mosaic.job import Job
from skyshed.mosaic.known_labels import read_labels
from skyshed.mosaic.records import Found, FoundSources, SecondBoxes, SecondMeshes
from skyshed.mosaic.runs import in_whole_image, paint, runs_of
from skyshed.mosaic.stitch import describe, stitch
from skyshed.namespace import array_namespace, in_one_transfer, like

__all__ = ["assemble_again", "find", "join_found", "measure_again"]


def find(job: Job, tile: tuple[int, int]) -> None:
    """Find the components of a tile above the threshold over the first background."""
    start = perf_counter()
    core = job.tiling[tile]
    image = job.prepare_convolved(core, job.first_meshes, first_parameters(job.parameters))
    found = components(image, inner_faces(core, job.shape))
    sources = found.numbers != 0
    noise = left_out_of_noise(image, sources).noise
    bright = found.sources.pixel[:0]
    if noise is not sources:
        bright = array_namespace(noise=noise).flatnonzero(noise)
    pixels = found.sources.pixel, bright
    parts = in_one_transfer(*(part for each in pixels for part in runs_of(each, found.numbers)))
    runs, bright = (in_whole_image(list(part), core) for part in (parts[:3], parts[3:]))
    described = describe(found.sources, found.numbers, core, job.shape[1])
    job.workspace.save(Found(described, runs, bright, perf_counter() - start), tile)


def join_found(job: Job) -> None:
    """Tell of the components of each tile which are large enough with what lies in other tiles."""
    parts = {
        tile: job.workspace.load(Found, tile, ("components",)).components for tile in job.tiling
    }
    parameters = job.parameters
    joined = stitch(parts, job.tiling, parameters.npixels, parameters.connectivity)
    kept = [joined.tables[tile] > 0 for tile in job.tiling]
    start = np.cumsum([0, *(each.size for each in kept)])
    job.workspace.save(FoundSources(np.concatenate(kept), start))


def measure_again(job: Job, tile: tuple[int, int]) -> None:
    """Measure the boxes of a tile without sources, in each exposure."""
    start = perf_counter()
    window, request = job.tiling[tile], job.request
    distance = request.parameters.background_growth
    around = window.grown(level_halo(request.parameters), job.shape)
    beyond = around.grown(reach_of(distance), job.shape)
    left_out = _sources_in(job, beyond).each(
        lambda mask: grown_in(mask, distance, beyond, around)
    )  # fmt: skip
    boxes = {}
    for name, exposure in request.exposures.items():
        planes = exposure.read(around)
        boxes[name] = measure_window(
            planes, window, request.shape, request.box_size, request.parameters,
            left_out.each(partial(like, other=planes.data)),
            job.first_meshes.exposures[name].mesh, around, request.compares_noise,
        )  # fmt: skip
    job.workspace.save(SecondBoxes(boxes, perf_counter() - start), tile)


def _sources_in(job: Job, window: Window) -> LeftOut:
    """Return where the sources are that are known, or were found first, in a window."""
    if job.request.known is not None:
        known = read_labels(job, window) != 0
        return LeftOut(known, known)
    sources = _painted(job, window, "runs")
    of_noise = job.parameters.noise_nsigma
    return LeftOut(sources, sources if of_noise is None else _painted(job, window, "bright"))


def _painted(job: Job, window: Window, pixels: str) -> Any:
    """Return which pixels of a window are among those of the sources that were found first."""
    found = job.workspace.load(FoundSources)
    sources = np.zeros(window.shape, np.int32)
    for tile in job.tiling.tiles_in(window):
        runs = getattr(job.workspace.load(Found, tile, (pixels,)), pixels)
        number = tile[0] * job.tiling.grid[1] + tile[1]
        kept = found.kept[slice(*found.start[number : number + 2])]
        paint(runs, kept.astype(np.int32), window, sources)
    return sources != 0


def assemble_again(job: Job) -> None:
    """Make the meshes of the exposures from the boxes without sources."""
    request, n_columns = job.request, job.tiling.grid[1]
    meshes: dict[str, ExposureMesh] = {}
    compared = Compared(request)
    for name, exposure in request.exposures.items():
        boxes = {
            job.tiling[tile]: job.workspace.load(SecondBoxes, tile, (f"boxes.{name}",)).boxes[name]
            for tile in job.tiling
        }
        first = job.first_meshes.exposures[name]
        mesh = assemble(exposure, boxes, n_columns, request.box_size, request.parameters, first)
        meshes[name] = compared.add(mesh, boxes)
    job.workspace.save(SecondMeshes(meshes))
