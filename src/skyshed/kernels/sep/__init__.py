"""What SEP, SourceExtractor's library, computes in a way of its own; on the CPU only.

Arithmetic and dtypes are SEP 1.4.1's: images of background and detection are float32, as there.
Operations share these arguments:

- ``mask``: array of bool, shape (ny, nx), or None; True where a pixel is left out.
- ``labels``, ``ids``: int32, shape (ny, nx) or None, and shape (n,): of a positive id, pixels of
  other objects are left out; else all pixels but those of ``-id``.
- ``n_threads``: threads, or None for all available cores; no effect on the result.
"""

from typing import Any

from skyshed.kernels import operation

__all__ = [
    "COLUMNS",
    "background_map",
    "background_mesh",
    "detect",
    "flux_radii",
    "kron_radii",
    "matched",
    "measure",
    "set_ellipses",
    "smoothed",
    "windowed",
]

#: The columns of objects, in the order of tables.
COLUMNS = (
    "thresh", "npix", "tnpix", "xmin", "xmax", "ymin", "ymax", "x", "y", "x2", "y2", "xy", "errx2",
    "erry2", "errxy", "a", "b", "theta", "cxx", "cyy", "cxy", "cflux", "flux", "cpeak", "peak",
    "xcpeak", "ycpeak", "xpeak", "ypeak", "flag",
)  # fmt: skip


@operation
def background_mesh(
    data: Any,
    mask: Any,
    box: tuple[int, int],
    window: tuple[int, int],
    least: float,
    n_threads: int | None,
) -> tuple[Any, Any, float, float]:
    """Estimate level and noise in boxes, by the mode of clipped histograms, and filter them.

    Boxes of which less than half the pixels are usable are filled from the nearest ones.

    Parameters
    ----------
    data : array of float32, shape (ny, nx), C-contiguous
        The image.
    mask, n_threads
        See the module.
    box : tuple of int
        Height and width of boxes in pixels.
    window : tuple of int
        Height and width of the median filter in boxes.
    least : float
        Boxes whose level it would change by less are not filtered.

    Returns
    -------
    level, noise : arrays of float32, shape (boxes down, boxes across)
        The mesh.
    median_level, median_noise : float
        Those of all boxes.
    """


@operation
def background_map(
    mesh: Any, box: tuple[int, int], shape: tuple[int, int], n_threads: int | None
) -> Any:
    """Interpolate a mesh by bicubic splines.

    Parameters
    ----------
    mesh : array of float32, shape (boxes down, boxes across), C-contiguous
        Values at the centres of boxes.
    box : tuple of int
        Height and width of boxes in pixels.
    shape : tuple of int
        The image's shape.
    n_threads
        See the module.

    Returns
    -------
    array of float32, shape ``shape``
    """


@operation
def smoothed(data: Any, kernel: Any, n_threads: int | None) -> Any:
    """Convolve, or rather correlate, in float32; pixels beyond the edges are 0.

    Parameters
    ----------
    data : array of float32, shape (ny, nx), C-contiguous
        The image.
    kernel : array of float32, shape (ky, kx), C-contiguous
        Its weights.
    n_threads
        See the module.

    Returns
    -------
    array of float32, shape (ny, nx)
    """


@operation
def matched(data: Any, noise: Any, is_variance: bool, kernel: Any, n_threads: int | None) -> Any:
    """Return the signal to noise of a matched filter, pixels weighted by their variance.

    Parameters
    ----------
    data : array of float32, shape (ny, nx), C-contiguous
        The image.
    noise : array of float32, shape (ny, nx), C-contiguous
        Its errors, or variances; pixels of 0 are left out.
    is_variance : bool
        Which of the two.
    kernel : array of float32, shape (ky, kx), C-contiguous
        The filter.
    n_threads
        See the module.

    Returns
    -------
    array of float32, shape (ny, nx)
    """


@operation
def detect(
    data: Any,
    smooth: Any,
    snr: Any,
    noise: Any,
    is_variance: bool,
    sigma: float | None,
    threshold: float,
    limit: int | None,
    least: int,
    levels: int,
    contrast: float,
    cleaned: bool,
    beta: float,
    gain: float,
) -> tuple[Any, Any]:
    """Detect, deblend, measure and clean objects, in SourceExtractor's order.

    Parameters
    ----------
    data, smooth : arrays of float32, shape (ny, nx), C-contiguous
        The image, and what is detected on; may be the same.
    snr : array of float32, shape (ny, nx), or None
        Compared with ``threshold`` in place of ``smooth``.
    noise : array of float32, shape (ny, nx), or None
        Errors or variances of the pixels.
    is_variance : bool
        Which of the two, ``noise`` and ``sigma``.
    sigma : float or None
        The noise of all pixels, without ``noise``.
    threshold : float
        In units of the noise where there is one, else of ``smooth``.
    limit : int or None
        Pixels that the objects which are not complete in a row may have together.
    least : int
        Pixels that an object has at least.
    levels : int
        Levels of deblending.
    contrast : float
        Share of the flux that a branch has at least.
    cleaned : bool
        Whether objects in others' wings are left out.
    beta : float
        The exponent of the wings.
    gain : float
        Photons per unit, for errors; 0 leaves them out.

    Returns
    -------
    table : array of float64, shape (n, 30), or None
        `COLUMNS`; None, as ``labels``, where ``limit`` is reached.
    labels : array of int32, shape (ny, nx)
        The object of each pixel, from 1; 0 for none.
    """


@operation
def measure(
    data: Any,
    smooth: Any,
    noise: Any,
    is_variance: bool,
    sigma: float | None,
    threshold: float,
    pixels: Any,
    start: Any,
    gain: float,
    n_threads: int | None,
) -> Any:
    """Measure given objects.

    Parameters
    ----------
    data, smooth, noise, is_variance, sigma, threshold, gain
        As in `detect`.
    pixels : array of int64, shape (m,)
        Flat indices of the pixels, object by object.
    start : array of int64, shape (n + 1,)
        Where each object begins.
    n_threads
        See the module.

    Returns
    -------
    array of float64, shape (n, 30)
        `COLUMNS`; of flags, that of singular moments alone.
    """


@operation
def kron_radii(
    data: Any, mask: Any, labels: Any, rows: Any, ids: Any, n_threads: int | None
) -> tuple[Any, Any]:
    """Return the mean elliptical radius of the light in ellipses.

    Parameters
    ----------
    data : array of float32 or float64, shape (ny, nx), C-contiguous
        The image.
    mask, labels, ids, n_threads
        See the module.
    rows : array of float64, shape (n, 6), C-contiguous
        ``x, y, cxx, cyy, cxy, r``.

    Returns
    -------
    radii : array of float64, shape (n,)
        0 where no pixel is usable, or the light or its moment is not positive.
    flags : array of int32, shape (n,)
        SEP's.
    """


@operation
def flux_radii(
    data: Any,
    mask: Any,
    labels: Any,
    rows: Any,
    ids: Any,
    totals: Any,
    fractions: Any,
    samples: int,
    n_threads: int | None,
) -> tuple[Any, Any]:
    """Return the radii of circles that hold fractions of a flux, from 64 rings.

    Parameters
    ----------
    data : array of float32 or float64, shape (ny, nx), C-contiguous
        The image.
    mask, labels, ids, n_threads
        See the module.
    rows : array of float64, shape (n, 3), C-contiguous
        ``x, y`` and the largest radius.
    totals : array of float64, shape (n,), or None
        The fluxes; None for those within the largest radius.
    fractions : array of float64, shape (m,)
        Of the flux.
    samples : int
        A pixel between rings is shared out by samples x samples points.

    Returns
    -------
    radii : array of float64, shape (n, m)
        In pixels.
    flags : array of int32, shape (n,)
        SEP's.
    """


@operation
def windowed(
    data: Any, mask: Any, rows: Any, samples: int, n_threads: int | None
) -> tuple[Any, Any]:
    """Return positions weighted by a Gaussian window, found by iteration.

    Parameters
    ----------
    data : array of float32 or float64, shape (ny, nx), C-contiguous
        The image.
    mask, n_threads
        See the module.
    rows : array of float64, shape (n, 3), C-contiguous
        ``x, y`` and the standard deviation of the window.
    samples : int
        Points along a pixel's side, at the edge of 4 standard deviations; 0 is exact.

    Returns
    -------
    positions : array of float64, shape (n, 2)
        ``x, y``.
    flags : array of int32, shape (n,)
        SEP's.
    """


@operation
def set_ellipses(mask: Any, rows: Any) -> None:
    """Set the pixels of a mask whose centres lie in ellipses, in place; return nothing.

    Parameters
    ----------
    mask : array of bool, shape (ny, nx), C-contiguous
        Is written to.
    rows : array of float64, shape (n, 6), C-contiguous
        ``x, y, cxx, cyy, cxy, r``.
    """
