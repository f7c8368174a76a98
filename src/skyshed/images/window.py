"""Rectangles of pixels."""

from dataclasses import dataclass

__all__ = ["Window"]


@dataclass(frozen=True, order=True)
class Window:
    """A rectangle of pixels, as half-open ranges.

    Examples
    --------
    >>> from skyshed.images.window import Window
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
