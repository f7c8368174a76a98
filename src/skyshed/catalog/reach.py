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
    "boxes_beside",
    "boxes_needed",
    "circle_boxes",
    "enlarged",
    "joined",
    "reach_steps",
    "runs_of",
    "segment_boxes",
]

#: Pixels to add to a radius: the pixel that it ends in, and one for rounding.
EDGE = 2
#: Beyond any image, in pixels, and no more than an integer holds.
FAR = 1 << 40


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
    boxes[drawn] = np.clip(np.stack(limits, axis=1), -FAR, FAR)
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
                    boxes = joined(boxes, _boxes_of(entry.reach, results, self.radius))
        return np.clip(boxes, 0, np.repeat(catalog.frame.full_shape, 2))


def _boxes_of(reach: Any, results: Results, radius: float) -> Any:
    """Return the boxes of a reach; ``radius`` is that of circular apertures."""
    needs = _needs_of(reach)
    if "radius" in needs:
        results = results.with_inputs(radius=radius)
    columns = [need for need in needs if need in COLUMNS]
    values = dict(zip(columns, results.on_host(*columns), strict=True))
    return reach(**{need: values[need] if need in values else results[need] for need in needs})


def _needs_of(reach: Any) -> tuple[str, ...]:
    return tuple(inspect.signature(reach).parameters)


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
    steps: dict[int, list[Measurement]] = {}
    for entry in _needed(_names(columns, aperture_radii, fluxfrac_radii)).values():
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


def boxes_beside(
    detection: Any,
    columns: Iterable[str],
    aperture_radii: Collection[float] = (),
    fluxfrac_radii: bool = False,
    but_for: Collection[str] = (),
) -> Any:
    """Return what catalogs read of their frames whose positions and shapes come from another one.

    Parameters
    ----------
    detection : SourceCatalog
        The catalog that they come from, in a frame that is the whole image.
    columns, aperture_radii, fluxfrac_radii
        As for `reach_steps`.
    but_for : collection of str, optional
        Names of measurements that are left out: the caller knows what they read.

    Returns
    -------
    boxes : array of int64, shape (n, 4), or None
        As of `ReachStep.boxes`; `None` where positions and shapes do not tell.
    """
    results, boxes = detection.results, segment_boxes(detection.frame, detection.sources)
    radius = max(aperture_radii, default=0.0)
    names = _names(columns, aperture_radii, fluxfrac_radii)
    for entry in _needed(names, geometry=False).values():
        if entry.reach is None or entry.name in but_for:
            continue
        if any(not COLUMNS[need][1].geometry for need in _needs_of(entry.reach) if need in COLUMNS):
            return None
        boxes = joined(boxes, _boxes_of(entry.reach, results, radius))
    return np.clip(boxes, 0, np.repeat(detection.frame.full_shape, 2))


def runs_of(boxes: Any, shape: tuple[int, int], multiple: int = 1, rows: Any = None) -> Any:
    """Return which pixels of an image are in any of some boxes, as runs of pixels of a row.

    Parameters
    ----------
    boxes : array of int64, shape (n, 4)
        ``y0, y1, x0, x1``, half open, within the image.
    shape : tuple of int
        Its shape.
    multiple : int, optional
        Runs begin and end at multiples of so many pixels in their row, or at its end.
    rows : array of int64, shape (n, 3), optional
        Further pixels: in each row ``y`` from one column to before another, ``y, x0, x1``, within
        the image.

    Returns
    -------
    runs : array of int64, shape (m, 2)
        From a flat index to before another, ascending; no pixel is in two runs.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.catalog.reach import runs_of
    >>> runs_of(np.array([[0, 2, 1, 4], [1, 2, 3, 8]]), (2, 10)).tolist()
    [[1, 4], [11, 18]]
    """
    y0, y1, x0, x1 = boxes[(boxes[:, 1] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 2])].T
    height = y1 - y0
    y = np.arange(height.sum()) - np.repeat(np.cumsum(height) - height - y0, height)
    x0, x1 = np.repeat(x0, height), np.repeat(x1, height)
    if rows is not None:
        y, x0, x1 = np.concatenate([[y, x0, x1], rows[rows[:, 2] > rows[:, 1]].T], axis=1)
    first = y * shape[1] + x0 // multiple * multiple
    end = y * shape[1] + np.minimum(-(-x1 // multiple) * multiple, shape[1])
    order = np.argsort(first, kind="stable")
    first = first[order]
    end = np.maximum.accumulate(end[order])
    # Runs that touch stay two: one may end a row that the other does not belong to.
    new = np.flatnonzero(first[1:] >= end[:-1]) + 1
    begins = np.concatenate([first[:1], first[new]])
    return np.stack([begins, np.concatenate([end[new - 1], end[-1:]])], axis=1)


def _names(
    columns: Iterable[str], aperture_radii: Collection[float], fluxfrac_radii: bool
) -> list[str]:
    """Return the names of all columns that `reach_steps` is asked for."""
    names = [ALIASES.get(name, name) for name in columns]
    names += ["_circular_flux"] * (len(aperture_radii) > 0)
    return names + ["_fluxfrac_radius"] * bool(fluxfrac_radii)


def _needed(
    names: Iterable[str], entries: dict[str, Measurement] | None = None, geometry: bool = True
) -> dict[str, Measurement]:
    """Return the measurements of columns, after the measurements that they need.

    Without ``geometry``, those of positions and shapes are known, and what they need is not needed.
    """
    entries = {} if entries is None else entries
    for name in names:
        if name in COLUMNS and COLUMNS[name][1].name not in entries:
            entry = COLUMNS[name][1]
            if geometry or not entry.geometry:
                _needed(entry.needs, entries, geometry)
                entries[entry.name] = entry
    return entries


def _step(entry: Measurement) -> int:
    """Return the number of the step in which the reach of a measurement is known, from 0."""
    assert entry.reach is not None
    before = _needed(_needs_of(entry.reach)).values()
    steps = [_step(other) for other in before if other.reach is not None and other is not entry]
    return max(steps, default=-1) + 1
