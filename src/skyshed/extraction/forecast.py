"""What a run over tiles will take, before it is begun."""

import warnings
from contextlib import closing
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from skyshed.images.field import Field
from skyshed.images.window import Window
from skyshed.kernels.threads import resolve_n_threads
from skyshed.mosaic.engine import connect
from skyshed.mosaic.memory import PROCESS, memory_of_tiles, whole_image, written
from skyshed.mosaic.start import (
    Resources,
    choose_tiles,
    fits_at_once,
    itemsize_of,
)
from skyshed.mosaic.tiling import Tiling
from skyshed.parameters import Parameters

__all__ = ["Plan", "make_plan"]

#: The side of the window in the middle of the image that is extracted to see how long it takes.
SAMPLE = 1024
#: Bytes of the workspace for each source (its row, its ellipse, its labels) and for each pixel (two
#: compressed maps and the pixels at seams), as measured on survey fields.
BYTES_PER_SOURCE, BYTES_PER_PIXEL = 400, 0.2


@dataclass(frozen=True)
class Plan:
    """How an image will be worked on; figures for time and sources are those of a small window.

    Attributes
    ----------
    shape : tuple of int
        The shape of the image.
    tiling : Tiling or None
        The tiles; `None` if the image is worked on at once.
    margin : int
        Pixels that are read around a tile.
    n_workers : int
        Tiles at a time.
    memory : int
        Bytes that the process will take.
    disk : int
        Bytes of the workspace.
    n_sources : int
        Sources to expect.
    seconds : float
        Time to expect.
    sample : Window
        The window that the expectations come from.
    """

    shape: tuple[int, int]
    tiling: Tiling | None
    margin: int
    n_workers: int
    memory: int
    disk: int
    n_sources: int
    seconds: float
    sample: Window

    def __str__(self) -> str:
        ny, nx = self.shape
        lines = [f"image    {ny} x {nx} pixels"]
        if self.tiling is None:
            lines.append("tiles    none: the image fits into memory and is worked on at once")
        else:
            (rows, columns), (height, width) = self.tiling.grid, self.tiling.side
            lines += [
                f"tiles    {len(self.tiling)} ({rows} x {columns}) of {height} x {width} pixels, "
                f"{self.n_workers} at a time, read with a margin of {self.margin} pixels",
                f"disk     {written(self.disk)} for the workspace",
            ]
        window = self.sample
        lines += [
            f"memory   {written(self.memory)}",
            f"sources  about {float(f'{self.n_sources:.2g}'):,.0f}",
            f"time     about {_spelled(self.seconds)}",
            f"(sources and time as in rows {window.y0} to {window.y1 - 1}, columns {window.x0} to "
            f"{window.x1 - 1})",
        ]
        return "\n".join(lines)


def make_plan(field: Field, parameters: Parameters, resources: Resources) -> Plan:
    """Plan a run; a window in the middle of the image is extracted for it.

    Parameters
    ----------
    field : Field
        The image and its companions.
    parameters : Parameters
        The parameters of the chain.
    resources : Resources
        What may be used.
    """
    n_workers = resolve_n_threads(parameters.n_threads)
    size = itemsize_of(field.image)
    tiling, margin = None, 0
    memory = PROCESS + whole_image(field.shape, size, field.device)
    if not fits_at_once(field.image, resources, field.device):
        with closing(connect(resources.scheduler, n_workers)) as engine:
            n_workers, free = engine.per_process(), engine.memory()
        tiling, margin = choose_tiles({"image": field}, parameters, resources, n_workers, free)
        n_workers = min(n_workers, len(tiling))
        memory = memory_of_tiles(tiling, margin, n_workers, size)
    sample = _middle(field.shape)
    n_sources, seconds = _measured(field, sample, parameters)
    pixels = field.shape[0] * field.shape[1]
    share = pixels / (sample.shape[0] * sample.shape[1])
    n_sources = int(n_sources * share)
    disk = 0 if tiling is None else int(BYTES_PER_PIXEL * pixels + BYTES_PER_SOURCE * n_sources)
    return Plan(
        field.shape, tiling, margin, n_workers, memory, disk, n_sources, seconds * share, sample
    )


def _middle(shape: tuple[int, int]) -> Window:
    """Return the window to look at."""
    height, width = (min(side, SAMPLE) for side in shape)
    y0, x0 = (shape[0] - height) // 2, (shape[1] - width) // 2
    return Window(y0, y0 + height, x0, x0 + width)


def _measured(field: Field, window: Window, parameters: Parameters) -> tuple[int, float]:
    """Return how many sources a window has, and how long it takes once kernels are loaded."""
    from skyshed.extraction import extract

    inputs = field.read(window)
    given: dict[str, Any] = {"rms": inputs.rms, "error": inputs.error, "mask": inputs.mask}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(2):
            start = perf_counter()
            try:
                n_sources = len(extract(inputs.data, parameters=parameters, **given).table)
            except ValueError:  # nothing good in the middle: a plan is none the worse
                return 0, 0.0
            seconds = perf_counter() - start
    return n_sources, seconds


def _spelled(seconds: float) -> str:
    """Write a time for people.

    Examples
    --------
    >>> from skyshed.extraction.forecast import _spelled
    >>> _spelled(12.3), _spelled(200), _spelled(9000)
    ('12 s', '3 min', '2.5 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
