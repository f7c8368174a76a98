"""The convolved values of the pixels of sources, kept from their detection for their shapes."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skyshed.images.window import Window
from skyshed.kernels import painting
from skyshed.mosaic.job import Job
from skyshed.mosaic.records import Detected, Runs

__all__ = ["SmoothPixels"]


@dataclass(frozen=True, eq=False)
class SmoothPixels:
    """Those of the sources that a tile measures: of its own, and of all at seams.

    Attributes
    ----------
    job : Job
        The run.
    runs : Runs
        The pixels of what was detected in the tile.
    values : array of float32 or float64, shape (N,)
        The values of these pixels, one run after the other.
    """

    job: Job
    runs: Runs
    values: Any

    @classmethod
    def of_tile(cls, job: Job, tile: tuple[int, int]) -> "SmoothPixels | None":
        """Return what is kept for a tile; `None` where nothing is."""
        if job.request.known is not None:
            return None
        detected = job.workspace.load(Detected, tile, ("runs", "smooth"))
        return cls(job, detected.runs, detected.smooth) if detected.smooth.size else None

    def drawn(self, window: Window) -> Any:
        """Return an image of a window, 0 where there is no source."""
        image = np.zeros(window.shape, self.values.dtype)
        for tile in self.job.tiling.tiles_in(window):
            seam = self.job.recent.load(Detected, tile, ("seam_pixel", "seam_value"))
            y, x = np.divmod(seam.seam_pixel, self.job.shape[1])
            here = (y >= window.y0) & (y < window.y1) & (x >= window.x0) & (x < window.x1)
            image[y[here] - window.y0, x[here] - window.x0] = seam.seam_value[here]
        runs, origin = self.runs, (window.y0, window.x0)
        return painting.copy_runs(image, origin, runs.y, runs.x, runs.length, self.values)
