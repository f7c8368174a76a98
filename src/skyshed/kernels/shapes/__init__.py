"""Sums over circles, ellipses, rectangles and their annuli at given places, and their weights.

All operations share these arguments:

- ``rows``: float64, shape (n, 7), finite: ``x, y, a, b, theta, inner a, inner b``: the centre in
  pixels; the semi-axes of an ellipse, the radius of a circle (twice), or half the sides of a
  rectangle; the angle of ``a`` from x towards y in radians; and the same of the hole, 0 where
  there is none.
- ``boxes``: int64, shape (n, 4): ``y0, y1, x0, x1``, half-open: the pixels that are looked at.
  Nothing outside is measured; for images they lie within.
- ``family``: `CIRCLE`, `ELLIPSE` or `RECTANGLE`.
- ``samples``: 0 weighs a pixel by the area that it shares with the shape, to some 1e-15; k by how
  many of its k x k points lie strictly inside. A hole's weights are subtracted.
"""

from enum import IntFlag
from typing import Any

from skyshed.kernels import operation

__all__ = [
    "ANY",
    "CIRCLE",
    "ELLIPSE",
    "MIRROR",
    "NO_RULE",
    "OWN",
    "RECTANGLE",
    "Seen",
    "sums",
    "weights",
]

CIRCLE, ELLIPSE, RECTANGLE = 0, 1, 2
#: What is done with pixels that have labels.
NO_RULE, OWN, MIRROR = 0, 1, 2
#: The label of a shape that measures all pixels.
ANY = -(2**31)


class Seen(IntFlag):
    """What a visit of a shape came across; pixels are those with a weight in its box."""

    #: There is a pixel.
    PIXEL = 1
    #: There is one that was measured.
    USED = 2
    #: A pixel of ``mask``.
    MASKED = 4
    #: A pixel, not masked, whose value is not finite (where those are measured: that was measured).
    NON_FINITE = 8
    #: A measured pixel whose error is not finite.
    ERROR_NON_FINITE = 16
    #: A pixel with another label than the shape's own, and not 0, which would have been measured.
    NEIGHBOUR = 32
    #: Such a pixel that could not be replaced by its mirror.
    NOT_REPLACED = 64


@operation
def sums(
    data: Any,
    error: Any,
    mask: Any,
    labels: Any,
    rows: Any,
    boxes: Any,
    label: Any,
    background: Any,
    family: int,
    samples: int,
    rule: int,
    power: int,
    finite_only: bool,
    n_threads: int | None,
) -> tuple[Any, Any]:
    """Sum data and variances in shapes.

    Parameters
    ----------
    data : array of float32 or float64, shape (ny, nx), C-contiguous
        The image.
    error : array of the dtype of ``data``, shape (ny, nx), or None
        1-sigma errors of the pixels.
    mask : array of bool, shape (ny, nx), or None
        True where a pixel is left out.
    labels : array of int32, shape (ny, nx), or None
        Which source each pixel belongs to; None with `NO_RULE`.
    rows, boxes, family, samples
        See the module; on the host, C-contiguous, also for images on a device.
    label : array of int32, shape (n,), or None
        On the host. With `OWN`, pixels of other sources than ``label`` are left out where that is
        positive, and all pixels but those of the label ``-label`` (0 is the background) where it is
        not. With `MIRROR`, positive labels' pixels of other sources are replaced by the pixel
        opposite the centre, or left out where that is outside the box, masked or another source's.
        None, or `ANY`: all pixels are measured.
    background : array of float64, shape (n,), or None
        On the host. Subtracted from each pixel.
    rule : int
        `NO_RULE`, `OWN` or `MIRROR`.
    power : int
        1 or 2: of the weights, in variances.
    finite_only : bool
        Whether data that are not finite are left out; else they make the sum not finite.
    n_threads : int or None
        Threads of the CPU twin.

    Returns
    -------
    sums : array of float64, shape (n, 4)
        Sums of ``weight * (data - background)``, of ``weight**power * error**2``, of the weights of
        the pixels that were measured, and of those that were left out. 0 where there are none.
    seen : array of int32, shape (n,)
        `Seen` of each shape.
    """


@operation
def weights(
    rows: Any, boxes: Any, family: int, samples: int, width: int, n_threads: int | None
) -> Any:
    """Weigh the pixels of the boxes of shapes.

    Parameters
    ----------
    rows, boxes, family, samples
        See the module; C-contiguous. These are on the device that does it. Boxes may lie anywhere.
    width : int
        Columns of the table; at least the pixels of the largest box.
    n_threads : int or None
        Threads of the CPU twin.

    Returns
    -------
    array of float64, shape (n, width)
        The weights of the pixels of each box, row by row, then 0.
    """
