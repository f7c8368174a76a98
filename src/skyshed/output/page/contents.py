"""What a report shows: images by windows, the table in parts, and what made them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from astropy.table import QTable

from skyshed.output.table_parts import PlainTable
from skyshed.parameters import Parameters

__all__ = ["Contents", "MapLayer", "PixelLayer"]


@dataclass(frozen=True, eq=False)
class PixelLayer:
    """An image that is shown pixel by pixel.

    Attributes
    ----------
    name : str
        What the page calls it.
    read : callable
        ``read(y0, y1, x0, x1)`` returns a window, half open, NaN where masked; on the host or on a
        device.
    noise : float
        The typical noise of a pixel, which greys are scaled to.
    unit : str
        The unit of its pixels; empty for none.
    """

    name: str
    read: Callable[[int, int, int, int], Any]
    noise: float
    unit: str = ""


@dataclass(frozen=True, eq=False)
class MapLayer:
    """A smooth image that is known by its boxes.

    Attributes
    ----------
    name : str
        What the page calls it.
    values : array, shape (nby, nbx)
        The value of each box.
    box : tuple of int
        Height and width of a box, in pixels of the image.
    unit : str
        The unit of the values; empty for none.
    """

    name: str
    values: Any
    box: tuple[int, int]
    unit: str = ""


@dataclass(frozen=True, eq=False)
class Contents:
    """Everything that a report is made from.

    Attributes
    ----------
    title : str
        The name of what was measured.
    shape : tuple of int
        Of the images.
    n_sources : int
        Rows of the table.
    parts : callable
        Returns an iterator over parts of the table, `PlainTable`, each row knowing its place.
    parameters : `~skyshed.Parameters`
        The parameters that were used.
    record : mapping of str to str
        Versions, date, input and what the files said.
    images : sequence of PixelLayer
        The images, the first of which is shown first; none if they are not to be had.
    maps : sequence of MapLayer
        Background and noise.
    read_labels : callable or None
        Windows of the segmentation image.
    ellipses : callable or None
        Returns an iterator over labels and apertures, rows ``x, y, a, b, theta`` (degrees).
    ellipses_are : str
        What the apertures are called.
    wcs : object or None
        The celestial WCS.
    tiles : `~astropy.table.QTable` or None
        One row per tile.
    notes : sequence of str
        What the reader should know: warnings, and what is missing and why.
    step : int or None
        How many rows of labels to read at a time; `None` if it does not matter.
    """

    title: str
    shape: tuple[int, int]
    n_sources: int
    parts: Callable[[], Iterator[PlainTable]]
    parameters: Parameters
    record: Mapping[str, str]
    images: Sequence[PixelLayer] = ()
    maps: Sequence[MapLayer] = ()
    read_labels: Callable[[int, int, int, int], Any] | None = None
    ellipses: Callable[[], Iterator[tuple[Any, Any]]] | None = None
    ellipses_are: str = "Kron apertures"
    wcs: Any = None
    tiles: QTable | None = None
    notes: Sequence[str] = field(default_factory=tuple)
    step: int | None = None
