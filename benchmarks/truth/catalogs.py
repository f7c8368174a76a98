"""What every tool is asked: its catalog of an image, and what it detects at a threshold."""

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Catalog", "Tool"]


@dataclass(frozen=True, eq=False)
class Catalog:
    """A tool's catalog of an image.

    Attributes
    ----------
    x, y : array of float, shape (n,)
        The positions that the tool gives stars, in pixels from 0.
    x_error : array of float, shape (n,), or None
        1-sigma errors of ``x``.
    fluxes : dict of str to array of float, shape (n,)
        Total fluxes, by what the tool calls them; the first is what it is judged by.
    apertures : dict of float to pair of arrays
        Fluxes and errors in circles of these radii around ``x, y``.
    background : array, shape (ny, nx)
        Its sky.
    corrected : pair of arrays or None
        A flux of stars from a small aperture, corrected to the total, and its error.
    """

    x: Any
    y: Any
    x_error: Any
    fluxes: dict[str, Any]
    apertures: dict[float, tuple[Any, Any]]
    background: Any
    corrected: tuple[Any, Any] | None = None


@dataclass(frozen=True)
class Tool:
    """A tool: how it measures an image, and how it detects.

    Attributes
    ----------
    name : str
        In the tables.
    measure : callable
        ``measure(sky, radii)`` returns a `Catalog`.
    detect : callable or None
        ``detect(data, sky, nsigma)`` returns x and y of what it finds at a threshold; `None` where
        another tool stands for it.
    options : dict
        For the record.
    """

    name: str
    measure: Any
    detect: Any = None
    options: dict[str, Any] = field(default_factory=dict)
