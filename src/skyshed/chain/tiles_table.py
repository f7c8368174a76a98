"""The table of tiles: where each is, its background and noise, its sources, its times."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import astropy.units as u
import numpy as np

from skyshed.background.mesh import Mesh
from skyshed.chain.request import Request
from skyshed.chain.smoothing import sigmas_of_flat_light
from skyshed.images.window import Window

if TYPE_CHECKING:  # slow to import
    from astropy.table import QTable

__all__ = ["TIME", "TileFacts", "tile_rows", "tiles_table"]

#: What names of columns of times end in, after the phase.
TIME = "_time"


class TileFacts(NamedTuple):
    """What is known of a tile.

    Attributes
    ----------
    tile : tuple of int
        Its row and column among the tiles.
    window : Window
        Its pixels.
    n_sources : int
        The sources that it measured.
    seconds : dict of str to float
        How long it took, by phase.
    """

    tile: tuple[int, int]
    window: Window
    n_sources: int
    seconds: dict[str, float]


def tile_rows(tiles: Iterable[TileFacts], mesh: Mesh, request: Request) -> list[dict[str, Any]]:
    """Return one row per tile, plain numbers by the names of columns; an image at once has one.

    ``depth`` is the flux of ``npixels`` pixels at the detection threshold.
    """
    return [_row(facts, mesh, request) for facts in tiles]


def tiles_table(rows: Iterable[dict[str, Any]], unit: Any) -> "QTable":
    """Return rows of `tile_rows`, of an image in a unit, as a table."""
    from astropy.table import QTable

    table = QTable(rows=list(rows))
    for name in table.colnames:
        if name.endswith(TIME):
            table[name] <<= u.s
        elif unit is not None and name in ("background", "background_rms", "depth"):
            table[name] <<= unit
    return table


def _row(facts: TileFacts, mesh: Mesh, request: Request) -> dict[str, Any]:
    window, (height, width) = facts.window, request.box_size
    rows = slice(window.y0 // height, -(-window.y1 // height))
    boxes = rows, slice(window.x0 // width, -(-window.x1 // width))
    noise, parameters = float(np.median(mesh.noise[boxes])), request.parameters
    threshold = parameters.threshold
    if threshold is None:
        one = parameters.threshold_type == "global"
        threshold = sigmas_of_flat_light(parameters) * (
            float(np.median(mesh.noise)) if one else noise
        )
    return {
        "row": facts.tile[0], "column": facts.tile[1],
        "ymin": window.y0, "ymax": window.y1 - 1, "xmin": window.x0, "xmax": window.x1 - 1,
        "n_sources": facts.n_sources,
        "background": float(np.median(mesh.level[boxes])),
        "background_rms": noise,
        "depth": parameters.npixels * threshold,
        **{f"{phase}{TIME}": seconds for phase, seconds in facts.seconds.items()},
    }  # fmt: skip
