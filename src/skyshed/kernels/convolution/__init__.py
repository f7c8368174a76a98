"""Convolution of images with kernels, over NaN."""

from typing import Any

from skyshed.kernels import operation

__all__ = ["convolve"]


@operation
def convolve(
    data: Any,
    mask: Any,
    kernel: Any,
    boundary: str | None,
    fill_value: float,
    interpolate: bool,
    preserve_nan: bool,
    scale: float,
    n_threads: int | None,
) -> tuple[Any, int]:
    """Convolve ``data`` with ``kernel``; sums are float64.

    A *missing* pixel is NaN or masked. A result depends on nothing but the pixels under the kernel,
    and their place relative to the edges, so that tiles have the bits of the whole.

    Parameters
    ----------
    data : array of float32 or float64, shape (ny, nx), C-contiguous
        The image; or equal images, shape (n, ny, nx), each of which is convolved by itself.
    mask : array of bool, of the shape of ``data``, or None
        True for missing pixels.
    kernel : array of float64, shape (ky, kx), both odd
        The kernel, applied as it is (not normalized here). A kernel of rank one without negative
        elements may be applied as a row and a column, if their products are its elements to a
        relative 1e-13 (elements below 1e-30 of the largest aside).
    boundary : {None, "fill", "wrap", "extend"}
        What lies outside of the image. With None, pixels where the kernel reaches outside are 0.
    fill_value : float
        Value outside of the image for "fill"; value of missing pixels where not interpolated.
    interpolate : bool
        Whether missing pixels are left out of the sums. A sum that misses any is then divided by
        the weight it has and multiplied by ``scale``; one of no weight is ``scale`` times the
        pixel.
    preserve_nan : bool
        Whether missing pixels are NaN in the result.
    scale : float
        See ``interpolate``.
    n_threads : int or None
        Threads of the CPU twin; no effect on the result.

    Returns
    -------
    out : array
        In the dtype and shape of ``data``.
    n_empty : int
        How many pixels could not be interpolated for want of weight, and are NaN; 0 if
        ``preserve_nan``, where they are NaN in any case.
    """
