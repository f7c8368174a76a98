"""Connected components above a threshold."""

from typing import Any, NamedTuple

from skyshed.kernels import operation

__all__ = ["Seen", "label_above", "relabel", "sources_above", "unknown_labels"]


class Seen(NamedTuple):
    """What labelling comes across.

    Attributes
    ----------
    any_pixel : bool
        Whether there is a pixel that is not masked.
    n_negative : int
        How many pixels have a negative threshold.
    """

    any_pixel: bool
    n_negative: int


@operation
def label_above(
    data: Any, threshold: Any, mask: Any, npixels: int, connectivity: int, n_threads: int | None
) -> tuple[Any, int]:
    """Label the connected pixels of ``data`` above ``threshold``.

    Parameters
    ----------
    data : array of float32 or float64, shape (ny, nx), C-contiguous
        The image. NaN is never above a threshold. Or equal images, shape (n, ny, nx): nothing is
        connected across their edges, and they are numbered one after the other.
    threshold : array of float32 or float64, shape () or that of ``data``
        Strict lower limit, compared in the wider of the two dtypes.
    mask : array of bool, of the shape of ``data``, or None
        True for pixels that belong to no component.
    npixels : int
        Components of fewer pixels are dropped.
    connectivity : int
        4 (edges) or 8 (edges and corners).
    n_threads : int or None
        Threads of the CPU twin; no effect on the result.

    Returns
    -------
    labels : array of int32, of the shape of ``data``
        Components numbered from 1 in raster order of their first pixel; 0 elsewhere. Exact.
    n_labels : int
        How many there are.
    """


@operation
def sources_above(
    data: Any, threshold: Any, mask: Any, npixels: int, connectivity: int, n_threads: int | None
) -> tuple[Any, Any, Any, Any, Any, Seen]:
    """Label the connected pixels of ``data`` above ``threshold``, and list them.

    Parameters
    ----------
    data, threshold, mask, npixels, connectivity, n_threads
        As for `label_above`.

    Returns
    -------
    image : array of int32, of the shape of ``data``
        As of `label_above`.
    labels, start, pixel, bbox
        As of `segments.collect` for this image; of several for one of ``n * ny`` rows.
    seen : Seen
        What there was to detect in, and above what.
    """


@operation
def relabel(labels: Any, table: Any, n_threads: int | None) -> Any:
    """Return ``table[labels]``.

    Parameters
    ----------
    labels : array of int32, shape (ny, nx), C-contiguous
        Values in ``[0, len(table))``.
    table : array of int32, shape (n,)
        The new value of each label.
    n_threads : int or None
        Threads of the CPU twin.

    Returns
    -------
    array of int32, shape (ny, nx)

    Raises
    ------
    IndexError
        If a label is not in the table.
    """


def unknown_labels(n_pixels: int, size: int) -> IndexError:
    """Return the error to raise where labels are not in a table of ``size`` numbers."""
    return IndexError(f"{n_pixels} pixels have labels that are not in the table of {size} numbers")
