"""`LocalBackground`: the background around positions, from circular annuli."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from skyshed._typing import ImageOrNDData, Mask, PerSource
from skyshed.arguments import as_image, check_positive_integer, is_number, union
from skyshed.background.base import show
from skyshed.background.checks import as_boolean, callable_or, unpack
from skyshed.background.estimators import MedianBackground, compiled_statistics
from skyshed.background.statistics import compiled_clip
from skyshed.kernels import annuli, boxes
from skyshed.names import accept_aliases
from skyshed.namespace import array_namespace, in_one_transfer, like, to_host
from skyshed.optional import need
from skyshed.peers import PassesAsPhotutils

__all__ = ["LocalBackground"]

#: Bytes of pixels that are gathered at a time.
CHUNK_BYTES = 1 << 26


class LocalBackground(PassesAsPhotutils):
    """Estimate the background around positions from the pixels of circular annuli.

    Parameters
    ----------
    inner_radius, outer_radius : float
        Radii of the annulus in pixels. It consists of the pixels whose centers lie in it.
    bkg_estimator : callable, optional
        Estimates the level or the noise: an estimator of `skyshed.background`, which also clips, or
        a function that takes the good pixels of one annulus, a one-dimensional array of the library
        of the data. `MedianBackground` by default.
    n_threads : int, optional
        Threads to use; `None` for all available cores. The result is the same for any number.

    Raises
    ------
    ValueError
        If a radius is not positive and finite, the outer radius is not the larger one, or
        ``n_threads`` is not a positive integer.
    TypeError
        If ``bkg_estimator`` is not callable.

    Notes
    -----
    Estimators of `skyshed.background` run in compiled loops, in float64, if they do not clip, or
    clip by ``'mean'`` or ``'median'`` with ``'std'`` or ``'mad_std'``. Others, subclasses among
    them, are called once for each position.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed import LocalBackground
    >>> data = np.full((101, 101), 3.0)
    >>> data[48:53, 48:53] = 100
    >>> local = LocalBackground(inner_radius=5, outer_radius=10)
    >>> float(local(data, 50, 50))
    3.0
    >>> local(data, [30, 50, -50], [40, 50, -50])
    array([ 3.,  3., nan])
    """

    @accept_aliases
    def __init__(
        self,
        inner_radius: float,
        outer_radius: float,
        bkg_estimator: Any = None,
        *,
        n_threads: int | None = None,
    ) -> None:
        for name, radius in (("inner_radius", inner_radius), ("outer_radius", outer_radius)):
            if not is_number(radius) or not 0 < radius <= sys.float_info.max:
                raise ValueError(f"{name} must be positive and finite, in pixels; got {radius!r}")
        if not outer_radius > inner_radius:
            raise ValueError(
                f"outer_radius must be greater than inner_radius: got {outer_radius!r} and "
                f"{inner_radius!r}"
            )
        self.inner_radius = inner_radius
        self.outer_radius = outer_radius
        self.bkg_estimator = callable_or(bkg_estimator, "bkg_estimator", MedianBackground())
        self.n_threads = (
            None if n_threads is None else check_positive_integer(n_threads, "n_threads")
        )

    def __repr__(self) -> str:
        return show(self, vars(self))

    def to_aperture(self, x: Any, y: Any) -> Any:
        """Return the annuli as an aperture object of photutils, which must be installed.

        Parameters
        ----------
        x, y : float or array_like of float, shape (n,)
            The centers in pixels.

        Returns
        -------
        aperture : `~photutils.aperture.CircularAnnulus`
            It has ``n`` positions: an array of them even for a single one.

        Raises
        ------
        ValueError
            If ``x`` and ``y`` differ in shape, or are not finite.
        ImportError
            If photutils is not installed.
        """
        centers = _centers(x, y)
        apertures = need("photutils.aperture", "to_aperture()")
        return apertures.CircularAnnulus(centers, self.inner_radius, self.outer_radius)

    def __call__(self, data: ImageOrNDData, x: Any, y: Any, mask: Mask = None) -> PerSource | float:
        """Estimate the background around positions.

        Parameters
        ----------
        data : array_like, Quantity, `~numpy.ma.MaskedArray`, NDData or CuPy array, shape (ny, nx)
            The image. Pixels that are masked or not finite are left out.
        x, y : float or array_like of float, shape (n,)
            The positions in pixels.
        mask : array_like of bool, shape (ny, nx), optional
            True for pixels to leave out.

        Returns
        -------
        level : float, array of float64 or Quantity, shape (n,)
            In the unit of ``data``, on the host; NaN where an annulus has no good pixel. A scalar
            for a single position.

        Raises
        ------
        ValueError
            If ``data`` is not 2-D, shapes differ, or a position is not finite.
        TypeError
            If ``mask`` is not boolean.
        """
        nddata_mask = None if isinstance(data, np.ndarray) else getattr(data, "mask", None)
        image, data_mask, unit = unpack(data)
        xp = array_namespace(data=image, mask=mask)
        image = as_image(image, "data", xp)
        masks = (mask, nddata_mask, data_mask)
        left_out = union(*(as_boolean(each, "mask", image.shape, xp) for each in masks))
        centers = _centers(x, y)
        width = annuli.most_pixels(self.inner_radius, self.outer_radius, image.size)
        step = max(CHUNK_BYTES // (width * image.itemsize), 1)
        parts = [np.empty(0)]
        for start in range(0, len(centers), step):
            chunk = like(centers[start : start + step], image)
            radii = (float(self.inner_radius), float(self.outer_radius))
            rows = annuli.gather(image, left_out, chunk, radii, width, self.n_threads)
            parts.append(self._estimate(rows))
        level = np.concatenate(parts)
        result = level[0] if level.size == 1 else level
        return result if unit is None else result << unit

    def _estimate(self, rows: Any) -> Any:
        """Estimate each annulus: a row of pixels, filled up with NaN."""
        estimator = self.bkg_estimator
        statistics = compiled_statistics(estimator)
        rule = NotImplemented if statistics is None else compiled_clip(estimator.sigma_clip)
        if statistics is None or rule is NotImplemented:
            counts = to_host((rows == rows).sum(axis=1)).tolist()
            levels = [estimator(rows[i, :n]) for i, n in enumerate(counts)]
            return np.array([float(to_host(level)) for level in levels])
        box = (1, rows.shape[1])
        values, *_ = boxes.statistics(rows, None, box, rule, statistics, self.n_threads)
        (values,) = in_one_transfer(values)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(estimator._combine(*values.reshape(len(statistics), -1)))


def _centers(x: Any, y: Any) -> Any:
    """Return positions as an array of shape (n, 2) on the host."""
    x, y = (np.atleast_1d(np.asarray(to_host(each), float)) for each in (x, y))
    if x.shape != y.shape:
        raise ValueError(f"x and y must have the same shape: got {x.shape} and {y.shape}")
    if x.ndim != 1:
        raise ValueError(f"x and y must be numbers or 1-D arrays, got shape {x.shape}: use ravel()")
    bad = ~(np.isfinite(x) & np.isfinite(y))
    if bad.any():
        first = int(np.argmax(bad))
        raise ValueError(
            f"the 'positions' must not contain any nonfinite x or y: {bad.sum()} are NaN "
            f"or inf, the first at index {first} ({x[first]}, {y[first]}); leave them out"
        )
    return np.ascontiguousarray(np.stack([x, y], axis=1))
