"""What the host does between the tiles of a mosaic: seconds and bytes of each tile.

    python -m benchmarks.seams                       # 8192 x 8192 pixels, in tiles of 4096 and 2048
    python -m benchmarks.seams --size 4096 --side 1024 --out

A field is extracted by tiles. Then what joins tiles is done again on the records that they left,
and timed alone: joining components across faces, splitting the sources at the seams (putting their
pixels together, and deblending them), and the factor of relative weights from samples. Times are
of the CPU, one thread, without reading and writing records; the least of several turns.
"""

import argparse
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.report import machine
from benchmarks.scene import survey_scene

RESULTS = Path(__file__).parent / "results" / "seams.md"
TURNS = 5
#: Bytes of a component that a tile hands over: area, first pixel and box; of a pixel at a seam, its
#: place and value.
COMPONENT, SEAM_PIXEL = 8 + 8 + 32, 8 + 4
HEADS = (
    "pixels", "tiles of", "tiles", "components", "at seams", "their pixels", "KB to join",
    "joining, ms", "gathering, ms", "splitting, ms", "largest tile, ms", "weights of all, ms",
)  # fmt: skip


class Kept:
    """The records of a finished run, in memory: what reads them reads no file again."""

    def __init__(self, workspace: Any) -> None:
        self._workspace, self._records = workspace, {}

    def load(self, record: Any, tile: Any = None, only: Any = None) -> Any:
        """Return a record, and keep it."""
        key = (record, tile)
        if key not in self._records:
            self._records[key] = self._workspace.load(record, tile)
        return self._records[key]


def least(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the milliseconds of CPU that something takes at least, and what it gives."""
    took = []
    for _ in range(TURNS):
        start = time.process_time()
        given = work()
        took.append(1e3 * (time.process_time() - start))
    return min(took), given


def measure(size: int, side: int) -> tuple[Any, ...]:
    """Return the row of a field: all but the first counts are means of a tile."""
    from skyshed.extraction.entry import open_request, run_request
    from skyshed.extraction.plan import Resources, make_plan

    scene = survey_scene(size, 1, None)
    # Weights that are right up to a factor: their scale is found from samples.
    weight = np.ones(scene.data.shape, np.float32)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        request = open_request(
            scene.data, mask=scene.mask, weight=weight, scale_weight=True, n_threads=1
        )
        resources = Resources(None, Path(folder) / "run", None, tile=(side, side))
        found = run_request(request, make_plan(request, resources), resources)
        return _row(found._run.job, size, side)


def _row(job: Any, size: int, side: int) -> tuple[Any, ...]:
    """Do once more what joins the tiles of a finished run, and time it."""
    from skyshed.chain import background
    from skyshed.mosaic.deblend import _gathered, lay_out
    from skyshed.mosaic.detect import search
    from skyshed.mosaic.records import Detected, Seams, TileBoxes
    from skyshed.mosaic.stitch import stitch

    kept, tiles, parameters = Kept(job.workspace), list(job.tiling), job.parameters
    detected = {tile: kept.load(Detected, tile) for tile in tiles}
    parts = {tile: record.components for tile, record in detected.items()}
    joining, _ = least(
        lambda: stitch(parts, job.tiling, parameters.npixels, parameters.connectivity)
    )
    kept_job = replace(job, workspace=kept)
    gathering, splitting = [], []
    for tile in tiles:
        seams = kept.load(Seams, tile)
        if seams.source.size:
            took, given = least(lambda seams=seams: lay_out(*_gathered(kept_job, seams)))
            gathering.append(took)
            splitting.append(
                least(lambda given=given: search(*given, np.ones(len(given[1]), bool), parameters))[
                    0
                ]
            )
    exposure = job.request.exposure
    boxes = {job.tiling[tile]: kept.load(TileBoxes, tile).boxes["image"] for tile in tiles}
    mesh = job.meshes.exposures["image"].mesh
    weights, _ = least(lambda: background._scale(mesh, boxes, exposure.shape, job.request.box_size))
    n, faces = len(tiles), 4 * side * 4
    components = sum(len(part.area) for part in parts.values()) / n
    pixels = sum(record.seam_pixel.size for record in detected.values()) / n
    crossing = components * COMPONENT + pixels * SEAM_PIXEL + faces
    return (
        f"{size} x {size}", side, n, f"{components:.0f}",
        f"{sum(int(record.seam.sum()) for record in detected.values()) / n:.0f}", f"{pixels:.0f}",
        f"{crossing / 1e3:.0f}", f"{joining / n:.2f}", f"{sum(gathering) / n:.2f}",
        f"{sum(splitting) / n:.2f}", f"{max(map(sum, zip(gathering, splitting, strict=True))):.1f}",
        f"{weights:.0f}",
    )  # fmt: skip


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--size", type=int, default=8192)
    parser.add_argument("--side", type=int, nargs="+", default=[4096, 2048])
    parser.add_argument("--out", action="store_true", help=f"write {RESULTS.name}")
    options = parser.parse_args()
    lines = [
        "# What the host does between tiles", "",
        f"    python -m benchmarks.seams --size {options.size} --side "
        + " ".join(map(str, options.side)),
        "", *machine(1, None)[:2], "",
        "Means of a tile, but for the counts of tiles, the largest tile and the weights of the",
        "whole image: ms of CPU, one thread.",
        "", f"| {' | '.join(HEADS)} |", "|" + " --- |" * len(HEADS),
    ]  # fmt: skip
    for side in options.side:
        lines.append(f"| {' | '.join(map(str, measure(options.size, side)))} |")
        print(lines[-1], file=sys.stderr, flush=True)
    text = "\n".join(lines) + "\n"
    print(text)
    if options.out:
        RESULTS.write_text(text)


if __name__ == "__main__":
    main()
