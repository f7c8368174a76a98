"""Phase 1: the boxes of each tile, and the meshes of the whole exposures."""

from time import perf_counter

from skyshed.chain.background import assemble, measure_window
from skyshed.chain.steps import check_combination
from skyshed.mosaic.job import Job
from skyshed.mosaic.records import Meshes, TileBoxes

__all__ = ["assemble_meshes", "measure_boxes"]


def measure_boxes(job: Job, tile: tuple[int, int]) -> None:
    """Measure the boxes of a tile, in each exposure."""
    start = perf_counter()
    window, request = job.tiling[tile], job.request
    boxes = {
        name: measure_window(
            exposure.read(window), window, request.shape, request.box_size, request.parameters
        )
        for name, exposure in request.exposures.items()
    }
    job.workspace.save(TileBoxes(boxes, perf_counter() - start), tile)


def assemble_meshes(job: Job) -> None:
    """Make the meshes of the exposures from the boxes of all tiles.

    Raises
    ------
    ValueError
        If no pixel, or no box, of an exposure is good, or none of the bands that are combined has
        noise.
    """
    request, n_columns = job.request, job.tiling.grid[1]
    meshes = {}
    for name, exposure in request.exposures.items():
        boxes = {
            job.tiling[tile]: job.workspace.load(TileBoxes, tile, (f"boxes.{name}",)).boxes[name]
            for tile in job.tiling
        }
        meshes[name] = assemble(exposure, boxes, n_columns, request.box_size, request.parameters)
    check_combination(request, meshes)
    job.workspace.save(Meshes(meshes))
