"""What a report says in words: parameters, flags, times, versions, and what to be wary of."""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

import numpy as np

from skyshed.flags import SEGMENTATION_FLAGS
from skyshed.output.page.contents import Contents
from skyshed.parameters import Parameters
from skyshed.parameters.parameters import worded

__all__ = ["flag_rows", "parameter_groups", "record_rows", "tile_rows", "time_rows"]

#: Rows of the table of tiles that a page lists.
MOST_TILES = 1000
#: What each phase of a run does, by the name of its column in the table of tiles.
PHASES = {
    "background_time": "background: level and noise of each box",
    "find_time": "first detection, so that sources are left out of the background",
    "remeasure_time": "background again, without the sources",
    "collect_time": "the pixels of the sources that were given",
    "detect_time": "detection: convolution, threshold, connected pixels",
    "deblend_time": "deblending: sources with several peaks are split",
    "measure_time": "measurement: positions, shapes, fluxes",
}


def parameter_groups(parameters: Parameters) -> list[dict[str, Any]]:
    """Return every parameter by group: value, default, unit and meaning.

    Examples
    --------
    >>> from skyshed import Parameters
    >>> from skyshed.output.page.explained import parameter_groups
    >>> rows = [row for group in parameter_groups(Parameters(nsigma=3)) for row in group["rows"]]
    >>> [row["name"] for row in rows if row["changed"]]
    ['nsigma']
    """
    groups: dict[str, list[dict[str, Any]]] = {}
    for each in fields(parameters):
        value = getattr(parameters, each.name)
        groups.setdefault(each.metadata["group"], []).append(
            {
                "name": each.name, "value": worded(value), "default": worded(each.default),
                "unit": each.metadata["unit"], "about": each.metadata["about"],
                "changed": value != each.default,
            }
        )  # fmt: skip
    return [{"group": group, "rows": rows} for group, rows in groups.items()]


def flag_rows() -> list[dict[str, Any]]:
    """Return every bit of the flags with its meaning."""
    return [
        {
            "bit": flag.bit_value, "name": flag.name, "about": flag.description.replace("`", ""),
            "when": flag.detailed_description.replace("`", ""),
        }
        for flag in SEGMENTATION_FLAGS.all_flags
    ]  # fmt: skip


def record_rows(record: Any) -> list[list[str]]:
    """Return what is known of the run, as pairs of texts."""
    return [[str(key), str(value)] for key, value in record.items()]


def time_rows(contents: Contents) -> list[dict[str, Any]]:
    """Return the seconds of each phase, of all tiles together."""
    if contents.tiles is None or not len(contents.tiles):
        return []
    return [
        {
            "name": PHASES.get(name, name.removesuffix("_time").replace("_", " ")),
            "seconds": round(float(np.nansum(_plain(contents.tiles[name]))), 3),
        }
        for name in contents.tiles.colnames
        if name.endswith("_time")
    ]


def tile_rows(contents: Contents) -> dict[str, Any] | None:
    """Return the table of tiles as texts, if there are several; its first rows if it is long."""
    tiles = contents.tiles
    if tiles is None or len(tiles) < 2:
        return None
    names = [
        f"{name} ({tiles[name].unit})" if getattr(tiles[name], "unit", None) else name
        for name in tiles.colnames
    ]
    columns: Iterable[Any] = (_plain(tiles[name][:MOST_TILES]).tolist() for name in tiles.colnames)
    rows = [[_cell(value) for value in row] for row in zip(*columns, strict=True)]
    return {"names": names, "rows": rows, "of": len(tiles)}


def _plain(column: Any) -> Any:
    return np.asarray(getattr(column, "value", column))


def _cell(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)
