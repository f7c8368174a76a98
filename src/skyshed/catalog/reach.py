"""How far from a source its measurements read.

A window that holds all that is read gives the bits of the whole image.

A measurement declares its reach where it is registered; `boxes_needed` and `reach_steps` read the
registry. A reach returns boxes in the whole image, int64, shape (n, 4): ``y0, y1, x0, x1``, half
open. They need not end at the edges of the image.
"""

import inspect
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from skyshed.catalog.registry import ALIASES, COLUMNS, Measurement, Results

__all__ = [
    "EDGE",
    "ReachStep",
    "boxes_needed",
    "circle_boxes",
    "enlarged",
    "joined",
    "reach_steps",
    "segment_boxes",
]

#: Pixels to add to a radius: the pixel that it ends in, and one for rounding.
EDGE = 2


def segment_boxes(frame: Any, sources: Any) -> Any:
    """Return the bounding boxes of the segments, in the whole image."""
    return sources.host.bbox + np.repeat(frame.origins(sources), 2, axis=1)


def enlarged(boxes: Any, margin: Any) -> Any:
    """Return boxes that extend farther on each side.

    Parameters
    ----------
    boxes : array of int64, shape (n, 4)
        The boxes.
    margin : int or array of int, shape (n, 2)
        The number of pixels; an array gives it for y and x.
    """
    margin = np.broadcast_to(margin, (len(boxes), 2))
    return boxes + np.stack([-margin[:, 0], margin[:, 0], -margin[:, 1], margin[:, 1]], axis=1)


def circle_boxes(x: Any, y: Any, radius: Any) -> Any:
    """Return the boxes of circles; an inverted box, which adds nothing, where there is no circle.

    Parameters
    ----------
    x, y, radius : array of float, shape (n,)
        Centres in the whole image, and radii, in pixels; there is a circle where they are finite
        and the radius is positive.
    """
    radius = np.broadcast_to(radius, np.shape(x))
    drawn = np.isfinite(x) & np.isfinite(y) & np.isfinite(radius) & (radius > 0)
    boxes = np.empty((len(x), 4), np.int64)
    boxes[:, ::2], boxes[:, 1::2] = np.iinfo(np.int64).max, 0
    x, y, radius = x[drawn], y[drawn], radius[drawn] + EDGE
    limits = (
        np.floor(y - radius),
        np.ceil(y + radius) + 1,
        np.floor(x - radius),
        np.ceil(x + radius) + 1,
    )
    boxes[drawn] = np.stack(limits, axis=1)
    return boxes


def joined(one: Any, other: Any) -> Any:
    """Return the smallest boxes that hold each box and its counterpart."""
    boxes = np.minimum(one, other)
    boxes[:, 1::2] = np.maximum(one, other)[:, 1::2]
    return boxes


@dataclass(frozen=True)
class ReachStep:
    """Measurements whose reach is known once earlier steps have all the pixels that they read.

    Attributes
    ----------
    measurements : tuple of Measurement
        They have a reach.
    radius : float
        The largest radius of circular apertures, 0 if there are none.
    """

    measurements: tuple[Measurement, ...]
    radius: float = 0.0

    def boxes(self, catalog: Any) -> Any:
        """Return what the frame of a catalog must hold for these measurements.

        Columns that the reaches depend on are measured.

        Parameters
        ----------
        catalog : SourceCatalog
            n sources. With a ``detection_cat``, positions and shapes are measured in its frame,
            which is taken to be that of the catalog, unless it is the whole image.

        Returns
        -------
        boxes : array of int64, shape (n, 4)
            ``y0, y1, x0, x1`` in the whole image, half open; no smaller than those of the segments.
        """
        boxes = segment_boxes(catalog.frame, catalog.sources)
        for results in _with_frames_to_fill(catalog.results):
            for entry in self.measurements:
                if entry.reach is not None and not (entry.geometry and results.detection):
                    boxes = joined(boxes, self._reach(entry.reach, results))
        return np.clip(boxes, 0, np.repeat(catalog.frame.full_shape, 2))

    def _reach(self, reach: Any, results: Results) -> Any:
        needs = tuple(inspect.signature(reach).parameters)
        if "radius" in needs:
            results = results.with_inputs(radius=self.radius)
        columns = [need for need in needs if need in COLUMNS]
        values = dict(zip(columns, results.on_host(*columns), strict=True))
        return reach(**{need: values[need] if need in values else results[need] for need in needs})


def _with_frames_to_fill(results: Results) -> Iterator[Results]:
    """Yield the results, then those of detection catalogs as long as their frames are windows."""
    whole = results["frame"].is_whole
    level: Results | None = results
    while level is not None and (level is results or whole or not level["frame"].is_whole):
        yield level
        level = level.detection


def reach_steps(
    columns: Iterable[str], aperture_radii: Collection[float] = (), fluxfrac_radii: bool = False
) -> tuple[ReachStep, ...]:
    """Return the steps in which it becomes known how much of an image columns are measured on.

    Parameters
    ----------
    columns : iterable of str
        Names of columns, the guide's or photutils 3's; other names are ignored.
    aperture_radii : collection of float, optional
        Radii in pixels of the circles of `SourceCatalog.circular_photometry`.
    fluxfrac_radii : bool, optional
        Whether `SourceCatalog.fluxfrac_radius` is asked for.

    Returns
    -------
    steps : tuple of ReachStep
        The boxes of a step are right where the frame holds those of all steps before. Where it
        holds the boxes of all steps, the columns have the bits of the whole image.

    Examples
    --------
    >>> import skyshed.catalog
    >>> from skyshed.catalog.reach import reach_steps
    >>> for step in reach_steps(["kron_flux"]):
    ...     print([entry.name for entry in step.measurements])
    ['_kron_light', '_annuli']
    ['kron_photometry']
    """
    names = [ALIASES.get(name, name) for name in columns]
    names += ["_circular_flux"] * (len(aperture_radii) > 0)
    names += ["_fluxfrac_radius"] * bool(fluxfrac_radii)
    steps: dict[int, list[Measurement]] = {}
    for entry in _needed(names).values():
        if entry.reach is not None:
            steps.setdefault(_step(entry), []).append(entry)
    radius = max(aperture_radii, default=0.0)
    return tuple(ReachStep(tuple(steps[number]), radius) for number in sorted(steps))


def boxes_needed(
    catalog: Any,
    columns: Iterable[str] | None = None,
    aperture_radii: Collection[float] = (),
    fluxfrac_radii: bool = False,
) -> Iterator[Any]:
    """Yield what the frame of a catalog must hold, as it becomes known.

    Parameters
    ----------
    catalog : SourceCatalog
        n sources.
    columns : iterable of str, optional
        The columns that will be asked for; the catalog's default columns if `None`.
    aperture_radii, fluxfrac_radii
        As for `reach_steps`.

    Yields
    ------
    boxes : array of int64, shape (n, 4)
        As of `ReachStep.boxes`.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed import SourceCatalog, detect_sources
    >>> from skyshed.catalog.reach import boxes_needed
    >>> data = np.zeros((60, 60))
    >>> data[25:30, 30:36] = 1
    >>> catalog = SourceCatalog(data, detect_sources(data, 0.5, npixels=3))
    >>> for boxes in boxes_needed(catalog, ["kron_flux"]):
    ...     print(boxes)
    [[14 41 20 46]]
    [[19 36 24 42]]
    """
    names = catalog.default_columns if columns is None else columns
    for step in reach_steps(names, aperture_radii, fluxfrac_radii):
        yield step.boxes(catalog)


def _needed(
    names: Iterable[str], entries: dict[str, Measurement] | None = None
) -> dict[str, Measurement]:
    """Return the measurements of columns, after the measurements that they need."""
    entries = {} if entries is None else entries
    for name in names:
        if name in COLUMNS and COLUMNS[name][1].name not in entries:
            entry = COLUMNS[name][1]
            _needed(entry.needs, entries)
            entries[entry.name] = entry
    return entries


def _step(entry: Measurement) -> int:
    """Return the number of the step in which the reach of a measurement is known, from 0."""
    assert entry.reach is not None
    before = _needed(inspect.signature(entry.reach).parameters).values()
    steps = [_step(other) for other in before if other.reach is not None and other is not entry]
    return max(steps, default=-1) + 1
