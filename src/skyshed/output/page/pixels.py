"""Images of any size as tiles for a page of limited size: all of it coarse, some of it fine.

A tile has `TILE` pixels a side. At level L a pixel stands for 2^L x 2^L pixels of the image; tiles
are counted from the first pixel of the image, so that those of a level join four of the one below.
"""

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from skyshed.namespace import to_host
from skyshed.output.page.blocks import Blocks
from skyshed.shrinking import Read, block_max, block_mean

__all__ = ["TILE", "Pyramid", "make_pyramid", "tiles_of_sources"]

#: Pixels along a side of a tile.
TILE = 512
#: Most pixels of the finest level that is there everywhere, of all images together.
MOST = 1 << 24
#: Pixels that are read at a time.
WINDOW = 1 << 22
#: Codes of pixels are steps of asinh(value / (SOFTENING * noise)): of 0.15 of the noise where it
#: is noise, of 5 % where it is bright. 0 is a masked pixel.
SOFTENING, STEP, CODES = 3.0, 0.05, 254
#: Bytes of a pixel on the page, and of its label, at most as measured on noise and crowded fields;
#: coarser levels are a third on top.
BYTES, LABEL_BYTES = 0.9, 0.25


@dataclass(frozen=True, eq=False)
class Pyramid:
    """An image of a page.

    Attributes
    ----------
    finest, coarsest : int
        The levels that are there everywhere.
    tiles : dict of str to list
        By ``"level/x/y"``: the number of the block, width and height in pixels and, for images,
        what turns codes into values: value = scale * sinh(low + (code - 1) * step).
    """

    finest: int
    coarsest: int
    tiles: dict[str, list[Any]]


def tiles_of_sources(x: Any, y: Any, shape: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the tiles of level 0 that have sources, those with most first."""
    inside = np.isfinite(x) & np.isfinite(y)
    columns = -(-shape[1] // TILE)
    across, up = (
        np.clip(np.floor(np.asarray(each)[inside] + 0.5), 0, length - 1).astype(np.int64) // TILE
        for each, length in ((x, shape[1]), (y, shape[0]))
    )
    flat, counts = np.unique(up * columns + across, return_counts=True)
    order = np.lexsort((flat, -counts))
    return [(int(each) % columns, int(each) // columns) for each in flat[order]]


def make_pyramid(
    read: Read,
    shape: tuple[int, int],
    blocks: Blocks,
    n_bytes: float,
    *,
    noise: float | None = None,
    wanted: Collection[tuple[int, int]] = (),
    share: float = 1.0,
    step: int | None = None,
) -> Pyramid:
    """Read an image once, window by window, and keep what a page can hold of it.

    Parameters
    ----------
    read : callable
        ``read(y0, y1, x0, x1)`` returns a window, half open.
    shape : tuple of int
        Of the image.
    blocks : Blocks
        Where the tiles go.
    n_bytes : float
        What the tiles may take; the coarse levels are there in any case.
    noise : float, optional
        The noise of a pixel; `None` for an image of labels.
    wanted : collection of (int, int), optional
        Tiles ``(x, y)`` of level 0 to keep as far as there is room, the first first.
    share : float, optional
        Of `MOST`, for one of several images.
    step : int, optional
        Rows that are best read at a time.
    """
    is_labels = noise is None
    finest = 0
    while math.prod(-(-length >> finest) for length in shape) > MOST * share:
        finest += 1
    coarsest = finest
    while max(shape) >> coarsest > TILE:
        coarsest += 1
    keep = set()
    if finest:
        of_pixel = LABEL_BYTES if is_labels else BYTES
        coarse = math.prod(shape) / 4**finest * of_pixel * 4 / 3
        room = int(max(n_bytes - coarse, 0) / (of_pixel * TILE * TILE))
        keep = set(list(wanted)[:room])
    join = block_max if is_labels else block_mean
    dtype = np.int32 if is_labels else np.float32
    base = np.empty([-(-length // 2**finest) for length in shape], dtype)
    encode = _Encoder(blocks, noise)
    block = 2**finest
    height = max(TILE, block, TILE * ((step or 0) // TILE))
    width = max(TILE, block, TILE * (WINDOW // (height * TILE)))
    for y0 in range(0, shape[0], height):
        for x0 in range(0, shape[1], width):
            y1, x1 = min(y0 + height, shape[0]), min(x0 + width, shape[1])
            window = to_host(read(y0, y1, x0, x1))
            base[y0 // block : -(-y1 // block), x0 // block : -(-x1 // block)] = _joined(
                window, block, join, dtype
            )
            for x, y in _tiles(y0, y1, x0, x1):
                if (x, y) in keep:
                    rows, columns = (
                        slice(TILE * at - first, TILE * (at + 1) - first)
                        for at, first in ((y, y0), (x, x0))
                    )
                    encode(0, x, y, window[rows, columns])
    for level in range(finest, coarsest + 1):
        for x, y in _tiles(0, base.shape[0], 0, base.shape[1]):
            here = base[TILE * y : TILE * (y + 1), TILE * x : TILE * (x + 1)]
            encode(level, x, y, here)
        base = _joined(base, 2, join, dtype)
    return Pyramid(finest, coarsest, encode.tiles)


def _tiles(y0: int, y1: int, x0: int, x1: int) -> list[tuple[int, int]]:
    """Return the tiles, x and y, that begin in a window that begins at one."""
    return [
        (x, y) for y in range(y0 // TILE, -(-y1 // TILE)) for x in range(x0 // TILE, -(-x1 // TILE))
    ]


def _joined(window: Any, block: int, join: Callable[[Any, int], Any], dtype: Any) -> Any:
    """Join blocks of pixels; those at the end that are not full count as far as they go."""
    if block == 1:
        return window.astype(dtype, copy=False)
    missing = [(0, -length % block) for length in window.shape]
    if any(after for _, after in missing):
        fill = 0 if join is block_max else np.nan
        window = np.pad(window, missing, constant_values=fill)
    return join(window, block).astype(dtype, copy=False)


class _Encoder:
    """Turns pixels of tiles into blocks."""

    def __init__(self, blocks: Blocks, noise: float | None) -> None:
        self._blocks, self._noise = blocks, noise
        self.tiles: dict[str, list[Any]] = {}

    def __call__(self, level: int, x: int, y: int, pixels: Any) -> None:
        """Keep a tile, unless there is nothing in it."""
        height, width = pixels.shape
        coding: list[float] = []
        if self._noise is None:
            coded = pixels.astype(np.int32, copy=False)
        else:
            coded, coding = self._coded(pixels, level)
        if coded.any():
            block = self._blocks.add(coded, noisy=self._noise is not None)
            self.tiles[f"{level}/{x}/{y}"] = [block, width, height, *coding]

    def _coded(self, pixels: Any, level: int) -> tuple[Any, list[float]]:
        assert self._noise is not None
        # The mean of a block has less noise than its pixels.
        scale = SOFTENING * self._noise / 2**level
        good = np.isfinite(pixels)
        values = np.arcsinh(np.where(good, pixels, 0) / scale)
        low, high = (float(f(values[good])) if good.any() else 0.0 for f in (np.min, np.max))
        step = max(STEP, (high - low) / (CODES - 1))
        codes = np.where(good, np.rint((values - low) / step) + 1, 0).astype(np.uint8)
        return codes, [scale, low, step]
