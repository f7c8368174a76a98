"""The only decider: at once or by tiles, how many tiles at a time, and what that takes."""

import importlib.util
import json
import os
import warnings
from contextlib import closing, suppress
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from skyshed.chain.at_once import run_at_once
from skyshed.chain.request import Request
from skyshed.chain.steps import WEIGHTS
from skyshed.devices import on_gpu
from skyshed.images.source import ImageSource
from skyshed.images.window import Window
from skyshed.kernels.threads import resolve_n_threads
from skyshed.mosaic.memory import SHARE, available, in_bytes, written
from skyshed.mosaic.tiling import Tiling
from skyshed.namespace import is_device_array

__all__ = ["Forecast", "Plan", "Resources", "bytes_at_once", "make_forecast", "make_plan"]

#: What a run takes for each pixel of an exposure at once, in units of the bytes of a pixel as the
#: chain holds it, the image itself included: measured on the host (18.7 bytes for float32;
#: `python -m benchmarks.cpu --only memory`), counted for a GPU (28 bytes at most; docs/device.md).
WHOLE = {"cpu": 5.0, "cuda": 7.0}
#: What a tile takes for each of its pixels and those of its margin, in the same units (measured).
TILE = 8.0
#: What a companion takes, in units of its own bytes as the chain holds it: as read and as used.
COMPANION = 2.0
#: Bytes that columns of dilated segments take for each pixel, besides (17 measured).
DILATED = 18.0
#: What of this is left, at most, when the result of a run at once is written: the image without its
#: background, the labels, the error, the mask.
KEPT = 4.0
#: Bytes that a source takes at once (its box, the list of its pixels, its parent), besides what is
#: measured of 50,000 at a time (190 measured), and how many there are for a pixel: as many as can
#: be told apart. Fields of more take more.
SOURCE, SOURCES = 190, 1 / 100
#: What the process takes whatever it works on: Python, its packages and kernels (153 MB measured,
#: Dask and Zarr included; `python -m benchmarks.process_memory`).
PROCESS = 160 * 10**6
#: What writing takes, when no tile is in memory any more: two copies of a row of chunks of the map
#: (64 MB each at most), then matplotlib with the preview (at most 190 MB measured for either).
WRITING = 200 * 10**6
#: The least and the largest side of a tile: smaller ones are mostly margin, larger gain nothing.
LEAST_SIDE, LARGEST_SIDE = 256, 4096
#: The most tiles of a run, each of which has records of its own: at their largest they are 1.7e12
#: pixels. A header that claims more (of Zarr, where chunks that are not there are no damage) would
#: keep a run busy listing tiles.
MOST_TILES = 100_000
#: Pixels around a tile that are read with it. Apertures of fewer than one source in a thousand
#: reach farther; these are measured by themselves.
MARGIN = 64
#: The share of a tile that the margin may be, on each side, where a tile's size is given.
LARGEST_MARGIN = 4
#: The side of the window in the middle of the image that is extracted to see how long it takes.
SAMPLE = 1024
#: Bytes of the workspace for each source (its row, its ellipse, its labels) and for each pixel (the
#: runs of pieces, the values of their pixels, the compressed map and the pixels at seams), as
#: measured on survey fields.
BYTES_PER_SOURCE, BYTES_PER_PIXEL = 300, 0.6


@dataclass(frozen=True)
class Resources:
    """What a run may use.

    Attributes
    ----------
    memory, workspace, scheduler, restart
        See `skyshed.extract`.
    scratch : path or None
        The folder to work in if there are tiles and ``workspace`` names none; a temporary one if
        `None`.
    tile : tuple of int or None
        Height and width of tiles, in place of what fits into memory; for tests.
    gpus : tuple of int
        The numbers of several GPUs that share the tiles; none for the current device.
    """

    memory: Any = None
    workspace: Any = None
    scheduler: Any = None
    restart: bool = False
    scratch: Any = None
    tile: tuple[int, int] | None = None
    gpus: tuple[int, ...] = ()

    @property
    def tiles_wanted(self) -> bool:
        """Whether only a run over tiles will do."""
        if any(each is not None for each in (self.workspace, self.scheduler, self.tile)):
            return True
        # An earlier run was interrupted: this one goes on.
        return self.scratch is not None and os.path.exists(self.scratch)

    @property
    def folder(self) -> Any:
        """The folder to work in; `None` for a temporary one."""
        return self.scratch if self.workspace is None else self.workspace


@dataclass(frozen=True)
class Plan:
    """How a request will be worked on.

    Attributes
    ----------
    shape : tuple of int
        The shape of the images.
    tiling : Tiling or None
        The tiles; `None` if the image is worked on at once.
    margin : int
        Pixels that are read around a tile.
    n_workers : int
        Tiles at a time.
    memory : int
        Bytes that the process, or each worker, will take.
    budget : int
        Bytes that it may take.
    """

    shape: tuple[int, int]
    tiling: Tiling | None
    margin: int
    n_workers: int
    memory: int
    budget: int

    def __str__(self) -> str:
        ny, nx = self.shape
        lines = [f"image    {ny} x {nx} pixels"]
        if self.tiling is None:
            lines.append("tiles    none: the image fits into memory and is worked on at once")
        else:
            (rows, columns), (height, width) = self.tiling.grid, self.tiling.side
            lines.append(
                f"tiles    {len(self.tiling)} ({rows} x {columns}) of {height} x {width} pixels, "
                f"{self.n_workers} at a time, read with a margin of {self.margin} pixels"
            )
        lines.append(f"memory   {written(self.memory)} of {written(self.budget)}")
        return "\n".join(lines)


def make_plan(request: Request, resources: Resources) -> Plan:
    """Decide how a request is worked on.

    Raises
    ------
    ValueError
        If tiles are needed and the memory is too small for any, or an image can't be read by
        windows.
    ImportError
        If tiles are asked for and Dask or Zarr are not installed.
    OSError
        If there is no scheduler at the address, or a file ends before the image that its header
        claims does.
    """
    _check_there(request)
    _check_apart(request, resources)
    device = request.exposure.device
    budget = None if resources.memory is None else in_bytes(resources.memory)
    if not resources.tiles_wanted:
        most = int(SHARE * available(device)) if budget is None else budget
        whole = bytes_at_once(request, device)
        # Without the packages for tiles the image is tried as a whole, unless a budget is given.
        shared = _pays_to_share(request, resources) and _installed()
        if (whole <= most and not shared) or (budget is None and not _installed()):
            return Plan(request.shape, None, 0, 1, whole, most)
    _check_tiles(request)
    from skyshed.mosaic.engine import connect  # here: images at once need nothing of it

    n_workers = resolve_n_threads(request.parameters.n_threads)
    with closing(connect(resources.scheduler, n_workers)) as engine:
        n_workers = engine.per_process()
        host = engine.memory()
    room, n_gpus = None, max(len(resources.gpus), 1)
    if device == "cuda" and resources.scheduler is None:
        # Both memories bound the tiles; more than one at a time only where that makes none smaller.
        room = int(SHARE * _free_on(resources.gpus)) if budget is None else budget
        largest = (LARGEST_SIDE + 2 * MARGIN) ** 2 * _bytes_per_pixel(request, TILE)
        n_workers = n_gpus * max(1, min(-(-n_workers // n_gpus), int(room / largest)))
    limit = host if budget is None else budget
    # Tiles are whole boxes: where these are large, fewer tiles at a time may be all that fits. They
    # are larger, too: of a very large image, they may be few enough only then.
    least = n_workers if resources.scheduler is not None else 1
    for n in range(n_workers, least - 1, -1):
        if room is not None:  # of the tiles at a time, a GPU has its share
            limit = min(host, PROCESS + room * n // -(-n // n_gpus))
        try:
            tiling, margin = _tiles(request, resources, n, limit)
            _check_number(tiling)
        except ValueError:  # no tile is small enough for so many at a time, or there are too many
            if n == least:
                raise
            continue
        n = min(n, len(tiling))
        memory = PROCESS + max(n * _bytes_of_tile(request, tiling, margin), WRITING)
        if memory <= limit or resources.tile is not None or _begun(resources.folder) is not None:
            return Plan(request.shape, tiling, margin, n, memory, limit)
    height, width = request.box_size
    raise ValueError(
        f"memory of {written(limit)} is too little for a tile of whole boxes, whose size is "
        f"{height} x {width}: {written(memory)} is needed; give more, or a smaller box_size"
    )


def _check_number(tiling: Tiling) -> None:
    """Refuse more tiles than a run can list."""
    n_tiles = tiling.grid[0] * tiling.grid[1]
    if n_tiles > MOST_TILES:
        (ny, nx), (height, width) = tiling.shape, tiling.side
        raise ValueError(
            f"the image has {ny} x {nx} pixels, {n_tiles} tiles of {height} x {width}, and a run "
            f"has at most {MOST_TILES}: give more memory, for larger tiles, or a region"
        )


def _free_on(gpus: tuple[int, ...]) -> int:
    """Return the free memory of the GPU that has the least; of none, that of the current one."""
    free = []
    for gpu in gpus:
        with on_gpu(gpu):
            free.append(available("cuda"))
    return min(free, default=0) or available("cuda")


def _pays_to_share(request: Request, resources: Resources) -> bool:
    """Whether an image is so large that several GPUs are to share it."""
    n = len(resources.gpus)
    return n > 1 and request.shape[0] * request.shape[1] >= n * LARGEST_SIDE**2


def _check_apart(request: Request, resources: Resources) -> None:
    """Refuse what lies in the memory of one GPU where several are to share the work."""
    if len(resources.gpus) < 2:
        return
    arrays = {
        name: getattr(base, "array", None)
        for name, source in request.sources().items()
        for base in source.bases
    }
    if request.detection_cat is not None:
        arrays["detection_cat"] = request.detection_cat.frame.labels
    for name, array in arrays.items():
        if is_device_array(array):
            raise ValueError(
                f"{name} is in the memory of one GPU, and {len(resources.gpus)} are to share the "
                "work: give a file or a NumPy array, or no device"
            )


def _check_there(request: Request) -> None:
    """Refuse images that cannot be all there, by the size of their files: nothing is read."""
    for name, source in request.sources().items():
        why = source.lacks(source.everything)
        if why:
            raise OSError(f"{name} ({source.label}) cannot be read: {why}")


def _installed() -> bool:
    """Whether the packages are there that tiles need."""
    return all(importlib.util.find_spec(name) for name in ("dask", "zarr"))


def _check_tiles(request: Request) -> None:
    """Refuse tiles where they can't be had."""
    if not _installed():
        raise ImportError(
            "images are worked on tile by tile with Dask and Zarr, which are not installed: "
            "pip install 'skyshed[mosaic]', or give more memory"
        )
    for name, source in request.sources().items():
        if not source.windowed:
            raise ValueError(
                f"{name} ({source.label}) is compressed as a whole and can't be read by windows, "
                "as tiles are: unpack it, compress it by tiles (fpack), or give more memory"
            )


def _itemsize(source: ImageSource) -> int:
    """Return the bytes of a pixel as the chain holds it: integers become float64."""
    dtype = source.dtype
    return dtype.itemsize if dtype.kind == "f" and dtype.itemsize >= 4 else 8


def _bytes_per_pixel(request: Request, share: float) -> float:
    """Return what the images of a request take; ``share`` is that of an exposure itself."""
    columns = request.parameters.columns or ()
    dilated = any(name in ("all", "asymmetry") or name.startswith("dilated") for name in columns)
    total = DILATED * dilated
    if request.combination is not None:
        return total + _bytes_of_bands(request, share)
    for exposure in request.exposures.values():
        total += share * _itemsize(exposure.image)
        for name, source in exposure.companions.items():
            total += COMPANION * (source.dtype.itemsize if name == "mask" else _itemsize(source))
        if exposure.own_mask is not None:
            total += exposure.own_mask.dtype.itemsize
    if request.known is not None:
        total += COMPANION * max(request.known.source.dtype.itemsize, 4)
    return total


def _bytes_of_bands(request: Request, share: float) -> float:
    """Return what several bands take: the combination, kept weights, one band with all of its."""
    largest = max(
        _itemsize(exposure.image)
        + COMPANION * sum(map(_itemsize, exposure.companions.values()))
        + (0 if exposure.own_mask is None else exposure.own_mask.dtype.itemsize)
        for exposure in request.exposures.values()
    )
    known = 0 if request.known is None else COMPANION * request.known.source.dtype.itemsize
    detection = max(_itemsize(exposure.image) for exposure in request.exposures.values())
    return (share + WEIGHTS) * detection + COMPANION * largest + known


def bytes_at_once(request: Request, device: str | None) -> int:
    """Return what a run at once takes of a device, or on the host, where it is the process."""
    pixels = request.shape[0] * request.shape[1]
    if device == "cuda":
        return int(pixels * _bytes_per_pixel(request, WHOLE["cuda"]))
    # Arrays that the caller holds do not count.
    held = sum(
        exposure.image.held_bytes
        for exposure in request.exposures.values()
        if exposure.image.dtype.kind == "f" and exposure.image.dtype.itemsize >= 4
    )
    work, kept = (int(pixels * _bytes_per_pixel(request, n)) - held for n in (WHOLE["cpu"], KEPT))
    return PROCESS + int(pixels * SOURCES * SOURCE) + max(work, max(kept, 0) + WRITING)


def _bytes_of_tile(request: Request, tiling: Tiling, margin: int) -> int:
    """Return what a tile takes while it is worked on."""
    height, width = (
        min(side + 2 * margin, whole) for side, whole in zip(tiling.side, tiling.shape, strict=True)
    )
    return int(height * width * _bytes_per_pixel(request, TILE))


def _tiles(
    request: Request, resources: Resources, n_workers: int, memory: int
) -> tuple[Tiling, int]:
    """Return the tiles that fit into the memory, and the margin that they are read with."""
    begun = None if resources.restart else _begun(resources.folder)
    if begun is not None:
        height, width = begun["tile"]
        return Tiling(request.shape, (height, width)), int(begun["margin"])
    step = request.box_size
    margin = max(MARGIN, int(2 * max(request.parameters.aperture_radii, default=0)))
    if resources.tile is not None:
        margin = min(margin, max(resources.tile) // LARGEST_MARGIN)
        (high, wide), (by_y, by_x) = resources.tile, step
        side = high // by_y * by_y or by_y, wide // by_x * by_x or by_x
        return Tiling(request.shape, side), margin
    return tiles_for(request, memory, n_workers, margin, step), margin


def _begun(folder: Any) -> dict[str, Any] | None:
    """Return what a workspace says about the run that it holds, `None` if it holds none."""
    if folder is None:
        return None
    from skyshed.mosaic.workspace import IDENTITY

    with suppress(OSError, ValueError):
        with open(os.path.join(folder, IDENTITY), encoding="utf-8") as file:
            begun: dict[str, Any] = json.load(file)
        if {"tile", "margin"} <= set(begun):
            return begun
    return None


def tiles_for(
    request: Request, memory: int, n_workers: int, margin: int, step: tuple[int, int]
) -> Tiling:
    """Return the largest tiles of whole boxes that fit.

    Parameters
    ----------
    request : Request
        What is asked for.
    memory : int
        What all the workers of a process may take together, the process itself included.
    n_workers : int
        Tiles that are worked on at a time.
    margin : int
        Pixels around a tile that are read with it.
    step : tuple of int
        Height and width of a box.

    Raises
    ------
    ValueError
        If not even small tiles fit; the message says what does.
    """
    each = _bytes_per_pixel(request, TILE)
    side = int((max(memory - PROCESS, 0) / n_workers / each) ** 0.5) - 2 * margin
    if side < LEAST_SIDE or memory < PROCESS + WRITING:
        least = PROCESS + max(n_workers * (LEAST_SIDE + 2 * margin) ** 2 * each, WRITING)
        raise ValueError(
            f"memory of {written(memory)} is too little for {n_workers} "
            f"tile{'' if n_workers == 1 else 's'} at a time: at least "
            f"{written(least)} is needed; give more, or fewer threads"
        )
    # Whole boxes, and as many of them as a chunk of the maps has at least.
    steps = [size * -(-LEAST_SIDE // size) for size in step]
    return Tiling.of(request.shape, min(side, LARGEST_SIDE), (steps[0], steps[1]))


@dataclass(frozen=True)
class Forecast:
    """What a run will find and take, going by a small window; ``str`` is a report.

    Attributes
    ----------
    plan : Plan
        How it will be worked on.
    sample : Window
        The window that was extracted.
    n_sources : int
        Sources to expect.
    seconds : float
        Time to expect.
    disk : int
        Bytes of the workspace.
    """

    plan: Plan
    sample: Window
    n_sources: int
    seconds: float
    disk: int

    def __str__(self) -> str:
        window = self.sample
        lines = [str(self.plan)]
        if self.plan.tiling is not None:
            lines.append(f"disk     {written(self.disk)} for the workspace")
        return "\n".join(
            [
                *lines,
                f"sources  about {float(f'{self.n_sources:.2g}'):,.0f}",
                f"time     about {_spelled(self.seconds)}",
                f"(sources and time as in rows {window.y0} to {window.y1 - 1}, columns "
                f"{window.x0} to {window.x1 - 1})",
            ]
        )


def make_forecast(request: Request, plan: Plan) -> Forecast:
    """Extract a window in the middle of the image, to say what the whole will take."""
    height, width = (min(side, SAMPLE) for side in request.shape)
    y0, x0 = (request.shape[0] - height) // 2, (request.shape[1] - width) // 2
    window = Window(y0, y0 + height, x0, x0 + width)
    n_sources, seconds = _measured(request, window)
    pixels = request.shape[0] * request.shape[1]
    share = pixels / (height * width)
    n_sources = int(n_sources * share)
    disk = (
        0 if plan.tiling is None else int(BYTES_PER_PIXEL * pixels + BYTES_PER_SOURCE * n_sources)
    )
    return Forecast(plan, window, n_sources, seconds * share, disk)


def _measured(request: Request, window: Window) -> tuple[int, float]:
    """Return how many sources a window has, and how long it takes once kernels are loaded."""
    sample = request.cut(window)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(2):
            start = perf_counter()
            try:
                n_sources = len(run_at_once(sample, lambda _: None).table)
            except ValueError:  # nothing good in the middle: a plan is none the worse
                return 0, 0.0
            seconds = perf_counter() - start
    return n_sources, seconds


def _spelled(seconds: float) -> str:
    """Write a time for people.

    Examples
    --------
    >>> from skyshed.extraction.plan import _spelled
    >>> _spelled(12.3), _spelled(200), _spelled(9000)
    ('12 s', '3 min', '2.5 h')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
