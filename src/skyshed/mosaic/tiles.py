"""Windows of an image, and the tiles that it is cut into."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["Tiling", "Window"]


@dataclass(frozen=True, order=True)
class Window:
    """A rectangle of pixels, as half-open ranges.

    Examples
    --------
    >>> from skyshed.mosaic.tiles import Window
    >>> window = Window(0, 4, 6, 10)
    >>> window.shape, window.grown(2, (100, 11))
    ((4, 4), Window(y0=0, y1=6, x0=4, x1=11))
    """

    y0: int
    y1: int
    x0: int
    x1: int

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.y1 - self.y0, self.x1 - self.x0

    @property
    def origin(self) -> tuple[int, int]:
        """The first pixel, ``(y, x)``."""
        return self.y0, self.x0

    @property
    def slices(self) -> tuple[slice, slice]:
        """The window in an array of the whole image."""
        return slice(self.y0, self.y1), slice(self.x0, self.x1)

    def grown(self, margin: int, shape: tuple[int, int]) -> "Window":
        """Return the window with a margin, as far as the image of ``shape`` reaches."""
        return Window(
            max(self.y0 - margin, 0), min(self.y1 + margin, shape[0]),
            max(self.x0 - margin, 0), min(self.x1 + margin, shape[1]),
        )  # fmt: skip

    def overlap(self, other: "Window") -> "Window":
        """Return what both windows hold; empty ranges where they do not meet."""
        y0, x0 = max(self.y0, other.y0), max(self.x0, other.x0)
        return Window(y0, max(min(self.y1, other.y1), y0), x0, max(min(self.x1, other.x1), x0))

    def around(self, other: "Window") -> "Window":
        """Return the least window that holds both."""
        return Window(
            min(self.y0, other.y0), max(self.y1, other.y1),
            min(self.x0, other.x0), max(self.x1, other.x1),
        )  # fmt: skip

    def holds(self, other: "Window") -> bool:
        """Whether the other window lies in this one."""
        return self.around(other) == self

    def within(self, other: "Window") -> tuple[slice, slice]:
        """Return this window in an array of ``other``, which holds it."""
        return (
            slice(self.y0 - other.y0, self.y1 - other.y0),
            slice(self.x0 - other.x0, self.x1 - other.x0),
        )


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
    >>> from skyshed.mosaic.tiles import Tiling
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
