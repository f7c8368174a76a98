"""Where the tiles of a compressed image lie, and which of their pixels a window has."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from skyshed.images.pixels import RefusedError
from skyshed.images.window import Window
from skyshed.namespace import like

__all__ = ["TileGrid", "TilePart"]


@dataclass(frozen=True, eq=False)
class TilePart:
    """The tiles that a window touches.

    Attributes
    ----------
    numbers : array of int64, shape (n,)
        Theirs, from 0, in ascending order.
    tiles : array of int64, shape (n, 11)
        As `skyshed.kernels.rice.decode_tiles` takes them, without bytes and seeds.
    rows, columns : array of int64, shape (n, 2)
        Of the image, half open: where they lie.
    """

    numbers: Any
    tiles: Any
    rows: Any
    columns: Any

    def named(self, k: int) -> str:
        """Return what messages call a tile."""
        (y0, y1), (x0, x1) = self.rows[k], self.columns[k]
        return f"tile {self.numbers[k] + 1} (rows {y0} to {y1 - 1}, columns {x0} to {x1 - 1})"

    def lay(self, k: int, numbers: Any, pixels: Any) -> None:
        """Lay what is wanted of a tile's numbers in a window."""
        first, step_y, step_x, y0, y1, x0, x1 = self.tiles[k, 3:10]
        at = first + step_y * np.arange(y1 - y0)[:, None] + step_x * np.arange(x1 - x0)
        wanted = numbers[at].astype(pixels.dtype, copy=False)
        pixels[y0:y1, x0:x1] = like(wanted, pixels)


@dataclass(frozen=True)
class TileGrid:
    """The tiles of an image.

    Attributes
    ----------
    shape, tile : tuple of int
        Of the image and of a tile, in the order of NumPy. The last tiles of an axis are cut off.
    """

    shape: tuple[int, ...]
    tile: tuple[int, ...]

    @classmethod
    def of(cls, header: Any, label: str) -> "TileGrid":
        """Return the grid that a header says.

        Raises
        ------
        RefusedError
            If a length is none.
        """
        axes = range(int(header["ZNAXIS"]), 0, -1)
        tile = tuple(header[f"ZTILE{axis}"] for axis in axes)
        if not all(isinstance(length, int) and length >= 1 for length in tile):
            raise RefusedError(f"{label}: ZTILE is {tile[::-1]}; the lengths must be positive")
        return cls(tuple(int(header[f"ZNAXIS{axis}"]) for axis in axes), tile)

    def part(self, axes: tuple[int, int], first: tuple[int, ...], window: Window) -> TilePart:
        """Return the tiles of a window.

        Parameters
        ----------
        axes : tuple of int
            Which axes the image has.
        first : tuple of int
            Where on each axis its first pixel is.
        window : Window
            In the image.
        """
        ranges = [slice(at, at + 1) for at in first]
        ranges[axes[0]], ranges[axes[1]] = window.slices
        touched = [
            np.arange(wanted.start // side, -(-wanted.stop // side))
            for wanted, side in zip(ranges, self.tile, strict=True)
        ]
        index = [each.reshape(-1) for each in np.meshgrid(*touched, indexing="ij")]
        n_tiles = [-(-length // side) for length, side in zip(self.shape, self.tile, strict=True)]
        numbers = np.zeros(math.prod(map(len, touched)), np.int64)
        n_pixels, begin = np.ones_like(numbers), np.zeros_like(numbers)
        placed: dict[int, tuple[Any, ...]] = {}
        for axis in reversed(range(len(self.shape))):
            numbers += index[axis] * math.prod(n_tiles[axis + 1 :])
            low = index[axis] * self.tile[axis]
            high = np.minimum(low + self.tile[axis], self.shape[axis])
            wanted = np.maximum(low, ranges[axis].start)
            begin += (wanted - low) * n_pixels
            placed[axis] = (n_pixels.copy(), wanted, np.minimum(high, ranges[axis].stop), low, high)
            n_pixels *= high - low
        (step_y, y0, y1, *rows), (step_x, x0, x1, *columns) = (placed[axis] for axis in axes)
        zero = np.zeros_like(numbers)
        y0, y1, x0, x1 = y0 - window.y0, y1 - window.y0, x0 - window.x0, x1 - window.x0
        return TilePart(
            numbers,
            np.stack([zero, zero, n_pixels, begin, step_y, step_x, y0, y1, x0, x1, zero], axis=1),
            np.stack(rows, axis=1),
            np.stack(columns, axis=1),
        )
