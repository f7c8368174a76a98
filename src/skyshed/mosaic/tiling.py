"""The tiles that an image is cut into."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from skyshed.images.window import Window

__all__ = ["Tiling"]


@dataclass(frozen=True)
class Tiling:
    """An image cut into tiles of whole steps, such as the boxes of its background.

    Attributes
    ----------
    shape : tuple of int
        The shape of the image.
    side : tuple of int
        Height and width of a tile; those at the upper and right edges may be cut off.

    Examples
    --------
    >>> from skyshed.mosaic.tiling import Tiling
    >>> tiling = Tiling.of((100, 70), largest=50, step=(16, 16))
    >>> tiling.grid, len(tiling), tiling[0, 1]
    ((3, 2), 6, Window(y0=0, y1=48, x0=48, x1=70))
    """

    shape: tuple[int, int]
    side: tuple[int, int]

    @classmethod
    def of(cls, shape: tuple[int, int], largest: int, step: tuple[int, int]) -> "Tiling":
        """Return the tiling with the largest sides that are whole steps, at least one step."""
        return cls(shape, (_whole(largest, step[0]), _whole(largest, step[1])))

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of tiles."""
        return -(-self.shape[0] // self.side[0]), -(-self.shape[1] // self.side[1])

    def __len__(self) -> int:
        return self.grid[0] * self.grid[1]

    def __getitem__(self, place: tuple[int, int]) -> Window:
        row, column = place
        height, width = self.side
        return Window(
            row * height, min((row + 1) * height, self.shape[0]),
            column * width, min((column + 1) * width, self.shape[1]),
        )  # fmt: skip

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Yield the places of the tiles, row by row."""
        rows, columns = self.grid
        return ((row, column) for row in range(rows) for column in range(columns))

    def places_in(self, window: Window) -> Iterator[tuple[int, int]]:
        """Yield the places of the tiles that have pixels in a window, row by row."""
        height, width = self.side
        for row in range(window.y0 // height, -(-window.y1 // height)):
            for column in range(window.x0 // width, -(-window.x1 // width)):
                yield row, column

    def holder(self, y: Any, x: Any) -> Any:
        """Return the number, row by row, of the tile that holds each pixel."""
        return (y // self.side[0]) * self.grid[1] + x // self.side[1]


def _whole(largest: int, step: int) -> int:
    return max(largest // step, 1) * step
