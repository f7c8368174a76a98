"""Ellipses: axes, coefficients, and masks of them."""

from typing import Any

import numpy as np

from skyshed.kernels import sep
from skyshed.namespace import only_on_host

__all__ = ["coefficients", "ellipse_axes", "ellipse_coeffs", "mask_ellipse"]


def ellipse_coeffs(a: Any, b: Any, theta: Any) -> tuple[Any, Any, Any]:
    """Return the coefficients of ellipses, ``cxx x**2 + cyy y**2 + cxy x y = 1``.

    Parameters
    ----------
    a, b : array_like of float
        The semi-axes.
    theta : array_like of float
        The angle of ``a`` from x towards y in radians.

    Returns
    -------
    cxx, cyy, cxy : arrays of float64

    Examples
    --------
    >>> import skyshed.sep as sep
    >>> cxx, cyy, cxy = sep.ellipse_coeffs(2.0, 1.0, 0.0)
    >>> float(cxx), float(cyy)
    (0.25, 1.0)
    """
    a, b, theta = (np.asarray(each, float) for each in (a, b, theta))
    cosine, sine = np.cos(theta), np.sin(theta)
    with np.errstate(divide="ignore", invalid="ignore"):
        cxx = cosine * cosine / (a * a) + sine * sine / (b * b)
        cyy = sine * sine / (a * a) + cosine * cosine / (b * b)
        cxy = 2.0 * cosine * sine * (1.0 / (a * a) - 1.0 / (b * b))
    return cxx, cyy, cxy


def ellipse_axes(cxx: Any, cyy: Any, cxy: Any) -> tuple[Any, Any, Any]:
    """Return the semi-axes of ellipses, and their angles; the inverse of `ellipse_coeffs`.

    Parameters
    ----------
    cxx, cyy, cxy : array_like of float
        The coefficients.

    Returns
    -------
    a, b, theta : arrays of float64
        ``theta`` is in radians, in (-pi/2, pi/2].

    Raises
    ------
    ValueError
        If some are no ellipse.
    """
    cxx, cyy, cxy = np.broadcast_arrays(*(np.asarray(each, float) for each in (cxx, cyy, cxy)))
    total, difference = cxx + cyy, cxx - cyy
    bad = (cxx * cyy - cxy * cxy / 4.0 <= 0) | (total <= 0)
    if bad.any():
        at = np.flatnonzero(bad.ravel())[0]
        values = (float(each.ravel()[at]) for each in (cxx, cyy, cxy))
        raise ValueError(
            "parameters do not describe ellipse: cxx={:f}, cyy={:f}, cxy={:f}".format(*values)
        )
    root = np.hypot(difference, cxy)
    a, b = np.sqrt(2.0 / (total - root)), np.sqrt(2.0 / (total + root))
    with np.errstate(divide="ignore", invalid="ignore"):
        half = 0.5 * np.arctan(cxy / difference)
    theta = np.where((cxy == 0) | (difference == 0), 0.0, half)
    theta = np.where(cxx > cyy, theta + np.pi / 2, theta)
    return a, b, np.where(theta > np.pi / 2, theta - np.pi, theta)


def coefficients(x: Any, y: Any, a: Any, b: Any, theta: Any, r: Any) -> tuple[Any, Any]:
    """Return the kernels' rows of ellipses, float64, shape (n, 6), and the broadcast shape."""
    return stacked(x, y, *ellipse_coeffs(a, b, theta), r)


def stacked(*columns: Any) -> tuple[Any, Any]:
    """Return columns, broadcast, as rows: float64, shape (n, columns); and the broadcast shape."""
    arrays = np.broadcast_arrays(*(np.asarray(each, float) for each in columns))
    return np.ascontiguousarray(np.stack([a.ravel() for a in arrays], axis=1)), arrays[0].shape


def mask_ellipse(
    arr: Any, x: Any, y: Any, a: Any = None, b: Any = None, theta: Any = None, r: Any = 1.0,
    cxx: Any = None, cyy: Any = None, cxy: Any = None,
) -> None:  # fmt: skip
    """Set the pixels of ellipses to True, in place.

    Parameters
    ----------
    arr : array of bool, shape (ny, nx)
        The mask, which is changed.
    x, y : array_like of float
        The centres.
    a, b, theta : array_like of float, optional
        The semi-axes, and their angle.
    r : array_like of float, optional
        The semi-axes are multiplied by it.
    cxx, cyy, cxy : array_like of float, optional
        The coefficients in place of ``a``, ``b`` and ``theta``.

    Raises
    ------
    ValueError
        If ``arr`` is not a 2-D array of bool or uint8, or neither axes nor coefficients are given.

    Examples
    --------
    >>> import numpy as np
    >>> import skyshed.sep as sep
    >>> mask = np.zeros((20, 20), bool)
    >>> sep.mask_ellipse(mask, 10, 10, 1.0, 1.0, 0.0, r=2.001)
    >>> int(mask.sum())
    13
    """
    only_on_host(arr, "mask_ellipse", "copy it to the host with cupy.asnumpy")
    if arr.ndim != 2 or arr.dtype not in (np.bool_, np.uint8) or not arr.flags.c_contiguous:
        raise ValueError(
            "arr must be a 2-D C-contiguous array of bool or uint8, got "
            f"{arr.ndim}-D of {arr.dtype}"
        )
    if a is not None and b is not None and theta is not None:
        rows, _ = coefficients(x, y, a, b, theta, r)
    elif cxx is not None and cyy is not None and cxy is not None:
        rows, _ = stacked(x, y, cxx, cyy, cxy, r)
    else:
        raise ValueError("Must specify either a, b and theta or cxx, cyy and cxy.")
    sep.set_ellipses(arr.view(np.bool_), rows)
