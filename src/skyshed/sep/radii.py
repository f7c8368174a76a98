"""Kron radii, flux radii and windowed positions as SEP has them; on the CPU only."""

from typing import Any

import numpy as np

from skyshed.kernels import sep
from skyshed.sep.ellipses import coefficients, stacked
from skyshed.sep.images import above_threshold, ids_and_labels, on_host

__all__ = ["flux_radius", "kron_radius", "winpos"]

#: The least window: SourceExtractor's half-light radius of half a pixel, as a standard deviation.
LEAST_SIGMA = 2.0 / 2.35 * 0.5


def _mask(mask: Any, maskthresh: float, shape: Any) -> Any:
    masked = above_threshold(mask, maskthresh, shape)
    return None if masked is None else np.ascontiguousarray(masked, bool)


def kron_radius(
    data: Any, x: Any, y: Any, a: Any, b: Any, theta: Any, r: Any, mask: Any = None,
    maskthresh: float = 0.0, seg_id: Any = None, segmap: Any = None, *,
    n_threads: int | None = None,
) -> tuple[Any, Any]:  # fmt: skip
    """Return the Kron radius: the mean elliptical radius of the light in an ellipse.

    Parameters
    ----------
    data : array_like, shape (ny, nx)
        The image, its background subtracted.
    x, y : array_like of float
        The centres in pixels.
    a, b, theta : array_like of float
        The semi-axes in pixels, and the angle of ``a`` from x towards y in radians.
    r : array_like of float
        The ellipse that is looked at is this many times larger; SourceExtractor's is 6.
    mask, maskthresh : array, shape (ny, nx), and float, optional
        Pixels above the threshold are left out.
    seg_id, segmap : array_like of int, and array of int, shape (ny, nx), optional
        The object of each position, and the objects. Of a positive id, other objects' pixels are
        left out; of a negative one, all but those of the object.
    n_threads : int, optional
        Threads; `None` for all available cores.

    Returns
    -------
    radius : array of float64
        In units of the axes; 0 where flagged ``APER_ALLMASKED`` or ``APER_NONPOSITIVE``.
    flag : array of int16
        Sums of ``APER_*``.

    Raises
    ------
    TypeError, ValueError
        If an image is not as it must be.
    """
    image = on_host(data, "sep.kron_radius")
    rows, shape = coefficients(x, y, a, b, theta, r)
    ids, labels = ids_and_labels(segmap, seg_id, x, shape, image.shape)
    radii, flags = sep.kron_radii(
        image, _mask(mask, maskthresh, image.shape), labels, rows, ids, n_threads
    )
    return radii.reshape(shape), flags.astype(np.short).reshape(shape)


def flux_radius(
    data: Any, x: Any, y: Any, rmax: Any, frac: Any, normflux: Any = None, mask: Any = None,
    maskthresh: float = 0.0, subpix: int = 5, seg_id: Any = None, segmap: Any = None, *,
    n_threads: int | None = None,
) -> tuple[Any, Any]:  # fmt: skip
    """Return the radii of circles that hold fractions of a flux.

    Parameters
    ----------
    data : array_like, shape (ny, nx)
        The image, its background subtracted.
    x, y : array_like of float
        The centres in pixels.
    rmax : array_like of float, of the same shape
        The largest radius in pixels.
    frac : float or array_like of float
        The fractions.
    normflux : array_like of float, of the same shape, optional
        The flux of which they are; that within ``rmax`` by default.
    mask, maskthresh, seg_id, segmap
        As for `kron_radius`.
    subpix : int, optional
        A pixel between two of 64 rings is shared out by ``subpix**2`` points.
    n_threads : int, optional
        Threads; `None` for all available cores.

    Returns
    -------
    radius : array of float64
        In pixels; the shape of ``x``, then that of ``frac``.
    flag : array of int16
        Sums of ``APER_*``.

    Raises
    ------
    TypeError, ValueError
        If an image is not as it must be, or shapes differ.
    """
    image = on_host(data, "sep.flux_radius")
    x, y, rmax = (np.asarray(each, float) for each in (x, y, rmax))
    if y.shape != x.shape or rmax.shape != x.shape:
        raise ValueError("shape of x, y, and r must match")
    if int(subpix) != subpix or subpix < 1:
        raise ValueError(f"subpix must be a positive integer, got {subpix!r}")
    if (rmax < 0).any():
        raise ValueError("rmax must not be negative")
    fractions, totals = np.asarray(frac, float), None
    if normflux is not None:
        totals = np.asarray(normflux, float)
        if totals.shape != x.shape:
            raise ValueError("shape of normflux must match shape of x, y and r")
        totals = np.ascontiguousarray(totals.ravel())
    rows, shape = stacked(x, y, rmax)
    ids, labels = ids_and_labels(segmap, seg_id, x, shape, image.shape)
    radii, flags = sep.flux_radii(
        image, _mask(mask, maskthresh, image.shape), labels, rows, ids, totals,
        np.ascontiguousarray(fractions.ravel()), int(subpix), n_threads,
    )  # fmt: skip
    return radii.reshape(shape + fractions.shape), flags.astype(np.short).reshape(shape)


def winpos(
    data: Any, xinit: Any, yinit: Any, sig: Any, mask: Any = None, maskthresh: float = 0.0,
    subpix: int = 11, minsig: float = LEAST_SIGMA, *, n_threads: int | None = None,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """Return windowed positions: centroids weighted by a Gaussian, found by iteration.

    Parameters
    ----------
    data : array_like, shape (ny, nx)
        The image, its background subtracted.
    xinit, yinit : array_like of float
        Where to begin, in pixels.
    sig : array_like of float
        The standard deviation of the window; SourceExtractor's is the half-light radius times
        2 / 2.35.
    mask, maskthresh
        As for `kron_radius`; masked pixels count as the mean of the others.
    subpix : int, optional
        Points along a pixel's side at the edge of the window; 0 is exact.
    minsig : float, optional
        The least window.
    n_threads : int, optional
        Threads; `None` for all available cores.

    Returns
    -------
    x, y : arrays of float64
        The positions in pixels.
    flag : array of int16
        Sums of ``APER_*``.

    Raises
    ------
    TypeError, ValueError
        If an image is not as it must be.
    """
    image = on_host(data, "sep.winpos")
    if int(subpix) != subpix or subpix < 0:
        raise ValueError(f"subpix must be an integer of at least 0, got {subpix!r}")
    rows, shape = stacked(xinit, yinit, np.maximum(np.asarray(sig, float), minsig))
    masked = _mask(mask, maskthresh, image.shape)
    positions, flags = sep.windowed(image, masked, rows, int(subpix), n_threads)
    x, y = (np.ascontiguousarray(positions[:, k]).reshape(shape) for k in range(2))
    return x, y, flags.astype(np.short).reshape(shape)
