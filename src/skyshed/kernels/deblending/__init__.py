"""Splitting sources into their peaks."""

from typing import Any

from skyshed.kernels import operation

__all__ = ["NOT_COVERED", "TOO_MANY", "deblend", "paint", "parts", "survey"]

#: Flag: the source has more markers than allowed; it was left whole.
TOO_MANY = 1
#: Flag: no peak reaches some of the source's pixels; the source is not connected.
NOT_COVERED = 2


@operation
def survey(
    data: Any, sources: Any, connectivity: int, n_threads: int | None, room: Any = None
) -> tuple[Any, Any, Any, Any]:
    """Gather the values of every source, and their range.

    Parameters
    ----------
    data : array of float32 or float64, shape (ny, nx), C-contiguous
        The image.
    sources : `~skyshed.sources.Sources`
        n sources of N pixels in all.
    connectivity : int
        4 (edges) or 8 (edges and corners): what touches.
    n_threads : int or None
        Threads of the CPU twin; no effect on the result.
    room : array of uint8, shape (bytes of ``values``,), aligned to them, or None
        Memory that the GPU twin puts ``values`` in.

    Returns
    -------
    values : array of the dtype of ``data``, shape (N,)
        ``data`` at ``sources.pixel``.
    smallest, largest : array of the dtype of ``data``, shape (n,)
        Extremes of each source without NaN; ``inf`` and ``-inf`` where all is NaN. Exact.
    peaks : array of int64, shape (n,)
        At least 2 where a source may split; 1 where it has a single local maximum, 0 where it is
        constant: no thresholds can split it.
    """


@operation
def deblend(
    values: Any,
    sources: Any,
    index: Any,
    thresholds: Any,
    npixels: int,
    contrast: float,
    connectivity: int,
    saddle: bool,
    max_markers: int,
    n_threads: int | None,
    room: Any = None,
) -> tuple[Any, Any, Any]:
    """Split sources at multiple thresholds and share their pixels by watershed.

    Exact, ties included: basins are those of a priority flood with pixels in the order of their
    value, then of the time they were reached; the seeds enter in raster order at their own value.
    Both twins give the same bits. On the GPU the values and pixels of a few sources go to the host
    and back: those of some 1,500 pixels or more in which equal values leave the basins to the order
    of a serial flood, and, with ``saddle``, those whose peaks meet the contrast to rounding.

    Parameters
    ----------
    values : array of float32 or float64, shape (N,)
        The image at ``sources.pixel``. NaN exceeds no threshold, adds no flux and is flooded last.
    sources : `~skyshed.sources.Sources`
        Sources of N pixels in all.
    index : NumPy array of int64, shape (n,)
        Which of them to split. They have M pixels in all.
    thresholds : array of float64, shape (n, nlevels)
        Levels of each of these, ascending.
    npixels : int
        The least number of connected pixels of a peak above a level.
    contrast : float
        The least share of the source's flux: of a peak's basin or, if ``saddle``, of the peak above
        the level where it separates.
    connectivity : int
        4 (edges) or 8 (edges and corners).
    saddle : bool
        Which flux the contrast refers to.
    max_markers : int
        Sources with more markers are left whole and flagged `TOO_MANY`; -1 sets no limit.
    n_threads : int or None
        Threads of the CPU twin; no effect on the result.
    room : array of uint8, shape (any,), aligned to 8 bytes, or None
        Memory that the GPU twin works in where it suffices; what it held is lost.

    Returns
    -------
    child : array of int32, shape (M,)
        Of the pixels of the sources ``index``, one source after the other: from 1, by the raster
        order of the markers' first pixels; 0 where the source is whole.
    nchild : NumPy array of int64, shape (n,)
        Children of each source: 0, or at least 2.
    flags : NumPy array of uint8, shape (n,)
        Bits `TOO_MANY`, `NOT_COVERED`.
    """


@operation
def paint(
    sources: Any, base: Any, child_start: Any, child: Any, n_threads: int | None, room: Any = None
) -> Any:
    """Draw a label image from its sources and their children.

    Parameters
    ----------
    sources : `~skyshed.sources.Sources`
        All sources of the image.
    base : array of int32, shape (n,)
        The label of each source, or what to add to the numbers of its children.
    child_start : array of int64, shape (n,)
        Where a source's pixels begin in ``child``; -1 if it has no children.
    child : array of int32, shape (M,)
        Child numbers.
    n_threads : int or None
        Threads of the CPU twin; no effect on the result.
    room : array of int32, shape ``sources.shape``, C-contiguous, or None
        Memory that the GPU twin draws in; what it held is lost.

    Returns
    -------
    labels : array of int32, shape ``sources.shape``
        0 outside the sources.
    """


@operation
def parts(
    sources: Any,
    base: Any,
    child_start: Any,
    child: Any,
    n_children: Any,
    image: Any,
    n_threads: int | None,
) -> tuple[Any, Any, Any, Any]:
    """List the sources of the image that `paint` draws: those that stay whole, and children.

    Parameters
    ----------
    sources, base, child_start, child, n_threads
        As for `paint`. No two sources get the same label, and none the label 0.
    n_children : NumPy array of int64, shape (n,)
        How many children each source has; 0 where it stays whole.
    image : array of int32, shape ``sources.shape``
        What `paint` drew.

    Returns
    -------
    labels, start, pixel, bbox
        As of `segments.collect`. Exact.
    """
