"""Sums over apertures around sources: Kron ellipses, circles, growth curves, local backgrounds.

All operations share these arguments:

- ``place``: four ints ``(y0, x0, ny, nx)``: the whole-image index of the images' first pixel, and
  the shape of the whole image. Positions are whole-image pixel coordinates; apertures are clipped
  to the whole image, so that a tile gives the bits of the whole image where it holds their pixels.
  Where the images are those of several equal ones, one below the other, ``y0`` is an array of int64
  on the host, shape (n,): minus the row that the image of each source begins at.
- ``method``: what to do with the pixels of other sources: `NONE` measures them, `MASK` leaves them
  out, `CORRECT` takes the value of the pixel opposite the aperture's centre, or 0 where that one is
  unusable: outside the aperture's bounding box clipped to the image, masked, or another source's.
- ``mask``: array of bool or None; True where a pixel is left out, non-finite ``data`` included.
- ``ellipses``, ``circles``: on the host, NumPy arrays, also for images on a device: how much there
  is to do follows from them. Device arrays are copied, which waits for the device.
  ``background`` and ``flux`` may be there, too.

Sums run in float64, in an order that depends on the aperture alone. Apertures whose
bounding box is larger than the whole image and than `LARGEST_BOX` pixels are not measured.
"""

from enum import IntFlag
from typing import Any, NamedTuple

from skyshed.kernels import operation

__all__ = [
    "CORRECT",
    "FEWEST",
    "HOLE",
    "LARGEST_BOX",
    "MASK",
    "NONE",
    "KeptWeights",
    "Seen",
    "aperture_sums",
    "keep_weights",
    "kron_sums",
    "local_background",
    "radius_of_flux",
]

NONE, MASK, CORRECT = 0, 1, 2
#: Boxes of up to this many pixels are measured even where the image is smaller (photutils' rule).
LARGEST_BOX = 1_000_000
#: The hole of a local background's annulus is this many times the source's box (photutils' rule).
HOLE = 1.5
#: With fewer usable pixels no local background is estimated.
FEWEST = 10


class Seen(IntFlag):
    """What a visit of an aperture came across; pixels are those with a weight in the image."""

    #: Not measured: something is not finite, a semi-axis not positive, or the box is too large.
    UNMEASURED = 1
    #: There is no pixel.
    NO_PIXEL = 2
    #: There is a pixel, and the aperture reaches beyond the image as well.
    BEYOND_EDGE = 4
    #: A pixel of ``input_mask``.
    MASKED = 8
    #: A pixel of ``mask`` that is none of ``input_mask``.
    NON_FINITE = 16
    #: The sum of the squared errors is not finite.
    ERROR_NON_FINITE = 32
    #: A pixel of another source, masked or not, that was left out or replaced.
    NEIGHBOUR = 64
    #: Such a pixel that could not be replaced.
    NOT_REPLACED = 128


class KeptWeights(NamedTuple):
    """How much pixels count in ellipses, kept for several images of the same pixels and labels.

    Attributes
    ----------
    boxes : array of int64, shape (n, 6)
        ``y0, y1, x0, x1`` of each ellipse, half open, in indices of the images, and ``my, mx``:
        opposite to pixel ``(y, x)`` is ``(my - y, mx - x)``. All 0 where it is not measured.
    row_start, rim_start : arrays of int64, shape (n + 1,)
        Where the rows and the weights of each ellipse begin.
    rows : array of int32, shape (n_rows, 5)
        For each row of the ellipse's box, relative to its first column: where pixels begin that it
        touches, and end; where those inside begin, and end; and whether it touches one of another
        source.
    rims : array of float64, shape (n_rims,)
        The weights of pixels that it touches and that are not inside, row by row.
    """

    boxes: Any
    row_start: Any
    rim_start: Any
    rows: Any
    rims: Any


@operation
def local_background(
    data: Any,
    labels: Any,
    mask: Any,
    bbox: Any,
    width: float,
    n_threads: int | None,
) -> tuple[Any, Any]:
    """Estimate the background in a rectangular annulus around each bounding box.

    The annulus starts at 1.5 times the box and is ``width`` pixels wide; a pixel is in it by its
    centre. Its pixels of no source are clipped at 3 sigma about the median, at most 20 times; the
    estimate is SourceExtractor's mode (Bertin & Arnouts 1996): 2.5 median - 1.5 mean, the median
    where these two differ by 0.3 sigma or more, the mean where sigma is 0.

    Parameters
    ----------
    data : array of float32 or float64, shape (ny, nx), C-contiguous
        The image; or equal images, shape (n, ny, nx), of which each source has its own.
    labels : array of int32, of the shape of ``data``
        Pixels other than 0 are left out.
    mask
        See the module.
    bbox : array of int64, shape (n, 4)
        ``y0, y1, x0, x1`` of each source, half-open, in indices of ``data``; of several images as
        if they were one of ``n * ny`` rows.
    width : float
        Width of the annulus in pixels, positive.
    n_threads : int or None
        Threads of the CPU twin.

    Returns
    -------
    background : array of float64, shape (n,)
        0 where fewer than `FEWEST` pixels are usable.
    count : array of int64, shape (n,)
        How many are.
    """


@operation
def kron_sums(
    data: Any,
    labels: Any,
    mask: Any,
    place: tuple[int, int, int, int],
    label: Any,
    ellipses: Any,
    scale: float,
    method: int,
    n_threads: int | None,
) -> tuple[Any, Any]:
    """Sum the data, and the data times elliptical radius, in scaled ellipses.

    Parameters
    ----------
    data : array of float32 or float64, shape (ny, nx), C-contiguous
        The image.
    labels : array of int32, shape (ny, nx)
        Which source each pixel belongs to.
    mask, place, method
        See the module.
    label : array of int32, shape (n,)
        The label of each source.
    ellipses : array of float64, shape (n, 5)
        ``x, y, a, b, theta``: centre and semi-axes in pixels, angle from the x axis in radians.
    scale : float
        Pixels are summed whose centre has an elliptical radius, in units of the semi-axes, of at
        most ``scale``.
    n_threads : int or None
        Threads of the CPU twin.

    Returns
    -------
    moment, total : arrays of float64, shape (n,)
        Sums of ``data * radius`` and of ``data``; 0 where no pixel is usable, NaN where an ellipse
        is not finite, has a zero semi-axis, is too large, or lies outside the image.
    """


@operation
def aperture_sums(
    data: Any,
    error: Any,
    input_mask: Any,
    labels: Any,
    mask: Any,
    place: tuple[int, int, int, int],
    label: Any,
    ellipses: Any,
    background: Any,
    method: int,
    n_threads: int | None,
    kept: KeptWeights | None = None,
) -> tuple[Any, Any, Any]:
    """Sum the data in elliptical apertures, pixels weighted by their exact overlap.

    Parameters
    ----------
    data : array of float32 or float64, shape (ny, nx), C-contiguous
        The image.
    error : array of float32 or float64, shape (ny, nx), or None
        1-sigma errors of the pixels.
    input_mask : array of bool, shape (ny, nx), or None
        The part of ``mask`` that does not come from non-finite data.
    labels : array of int32, shape (ny, nx)
        Which source each pixel belongs to.
    mask, place, method
        See the module.
    label : array of int32, shape (n,)
        The label of each source.
    ellipses : array of float64, shape (n, 5)
        ``x, y, a, b, theta`` as in `kron_sums`.
    background : array of float64, shape (n,)
        Subtracted from each pixel.
    n_threads : int or None
        Threads of the CPU twin.
    kept : KeptWeights, optional
        What `keep_weights` returned of the same ``labels``, ``place``, ``label`` and ``ellipses``:
        takes less time, and makes no difference.

    Returns
    -------
    total, variance : arrays of float64, shape (n,)
        Sums of ``weight * (data - background)`` and of ``(weight * error)**2``; weights are exact
        to about 1e-15 (a + 1). NaN where no pixel is usable, the ellipse or background is not
        finite, a semi-axis is not positive, or the aperture is too large; ``variance`` is NaN
        without ``error``.
    seen : array of int32, shape (n,)
        `Seen` of each aperture.
    """


@operation
def keep_weights(
    labels: Any,
    place: tuple[int, int, int, int],
    label: Any,
    ellipses: Any,
    most: int,
    n_threads: int | None,
) -> KeptWeights | None:
    """Compute the weights of `aperture_sums`, for several images of the same pixels.

    Parameters
    ----------
    labels : array of int32, shape (ny, nx), C-contiguous
        Which source each pixel belongs to.
    place
        See the module; one for all sources.
    label : array of int32, shape (n,)
        The label of each source.
    ellipses : array of float64, shape (n, 5)
        ``x, y, a, b, theta`` as in `kron_sums`.
    most : int
        How many bytes they may take.
    n_threads : int or None
        Threads of the CPU twin.

    Returns
    -------
    KeptWeights or None
        `None` where they would take more, and on a GPU, which computes them sooner than it reads
        them.
    """


@operation
def radius_of_flux(
    data: Any,
    labels: Any,
    mask: Any,
    place: tuple[int, int, int, int],
    label: Any,
    circles: Any,
    background: Any,
    flux: Any,
    method: int,
    n_threads: int | None,
) -> Any:
    """Find the radius of the circle that holds a given flux.

    The root of ``1 - (flux in the circle) / flux`` is searched between 0.1 pixel and the largest
    radius by Brent's method; while both ends have the same sign, the largest radius shrinks by a
    tenth of itself. The largest radius is the answer where it holds the flux to 1e-12.

    Parameters
    ----------
    data : array of float32 or float64, shape (ny, nx), C-contiguous
        The image.
    labels : array of int32, shape (ny, nx)
        Which source each pixel belongs to.
    mask, place, method
        See the module.
    label : array of int32, shape (n,)
        The label of each source.
    circles : array of float64, shape (n, 3)
        ``x, y``, the centre, and the largest radius, in pixels.
    background : array of float64, shape (n,)
        Subtracted from each pixel.
    flux : array of float64, shape (n,)
        The flux to be held.
    n_threads : int or None
        Threads of the CPU twin.

    Returns
    -------
    array of float64, shape (n,)
        In pixels; NaN where there is no root, a value is not finite, or ``flux`` is 0 or what
        rounding may leave of the pixels of the largest circle's box: 2.2e-16 times their number
        times the largest of them.
    """
