"""Sums in apertures as SEP has them; also of CuPy images."""

from typing import Any

import numpy as np

from skyshed.kernels import shapes
from skyshed.kernels.shapes import Seen
from skyshed.namespace import array_namespace, in_one_transfer, on_device_of, to_host
from skyshed.sep.flags import APER_HASMASKED, APER_TRUNC
from skyshed.sep.images import Noise, above_threshold, ids_and_labels, image_of, noise_of

__all__ = ["sum_circann", "sum_circle", "sum_ellipann", "sum_ellipse"]

#: What SEP's boxes end at: a pixel's upper edge, less a little.
EDGE = 1.4999999
#: Pixel numbers that float64 holds exactly; boxes end there.
FARTHEST = 2.0**53


def sum_circle(
    data: Any, x: Any, y: Any, r: Any, var: Any = None, err: Any = None, gain: float | None = None,
    mask: Any = None, maskthresh: float = 0.0, seg_id: Any = None, segmap: Any = None,
    bkgann: Any = None, subpix: int = 5, *, n_threads: int | None = None,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """Sum an image in circles.

    Parameters
    ----------
    data : array_like or CuPy array, shape (ny, nx)
        The image, its background subtracted.
    x, y : array_like of float
        The centres in pixels; these and sizes are broadcast.
    r : array_like of float
        The radii in pixels.
    var, err : float or array, shape (ny, nx), optional
        Variances or errors of the pixels; one of them.
    gain : float, optional
        Photons per unit of ``data``: adds the sum's Poisson noise to its error.
    mask, maskthresh : array, shape (ny, nx), and float, optional
        Pixels above the threshold are masked: the sum is scaled up by the area of the aperture over
        that which is left.
    seg_id, segmap : array_like of int, and array of int, shape (ny, nx), optional
        The object of each position, and the objects. Of a positive id, other objects' pixels are
        left out; of a negative one, all but those of the object.
    bkgann : tuple of array_like, optional
        Inner and outer radius of a ring, whose mean is subtracted as the background.
    subpix : int, optional
        A pixel at the edge counts by how many of its ``subpix**2`` points are inside; 0 is exact.
    n_threads : int, optional
        Threads on the CPU; `None` for all available cores. The result has the same bits for any
        number.

    Returns
    -------
    sum, sumerr : arrays of float64
        On the host.
    flag : array of int16
        Sums of ``APER_*``.

    Raises
    ------
    TypeError, ValueError
        If an image or a size is not as it must be, or a ring has no usable pixel.

    Examples
    --------
    >>> import numpy as np
    >>> import skyshed.sep as sep
    >>> flux, error, flag = sep.sum_circle(np.ones((50, 50)), [20.0], [25.0], 3.0, subpix=0)
    >>> flux.round(3)
    array([28.274])
    """
    images = _Images(data, var, err, gain, mask, maskthresh, subpix, n_threads)
    return images.sums((x, y, r, r, 0.0, 1.0), (0.0, 0.0), seg_id, segmap, bkgann, x, circle=True)


def sum_circann(
    data: Any, x: Any, y: Any, rin: Any, rout: Any, var: Any = None, err: Any = None,
    gain: float | None = None, mask: Any = None, maskthresh: float = 0.0, seg_id: Any = None,
    segmap: Any = None, subpix: int = 5, *, n_threads: int | None = None,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """Sum an image in rings between the radii ``rin`` and ``rout``; see `sum_circle`."""
    images = _Images(data, var, err, gain, mask, maskthresh, subpix, n_threads)
    where = x, y, rout, rout, 0.0, 1.0
    return images.sums(where, (rin, rin), seg_id, segmap, None, x, circle=True)


def sum_ellipse(
    data: Any, x: Any, y: Any, a: Any, b: Any, theta: Any, r: Any = 1.0, var: Any = None,
    err: Any = None, gain: float | None = None, mask: Any = None, maskthresh: float = 0.0,
    bkgann: Any = None, subpix: int = 5, seg_id: Any = None, segmap: Any = None, *,
    n_threads: int | None = None,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """Sum an image in ellipses.

    Semi-axes are ``r * a`` and ``r * b``, those of the ring ``bkgann`` its two numbers times ``a``
    and ``b``; ``theta`` is the angle of ``a`` from x towards y in radians, in [-pi/2, pi/2]. See
    `sum_circle`.
    """
    images = _Images(data, var, err, gain, mask, maskthresh, subpix, n_threads)
    return images.sums((x, y, a, b, theta, r), (0.0, 0.0), seg_id, segmap, bkgann, x)


def sum_ellipann(
    data: Any, x: Any, y: Any, a: Any, b: Any, theta: Any, rin: Any, rout: Any, var: Any = None,
    err: Any = None, gain: float | None = None, mask: Any = None, maskthresh: float = 0.0,
    subpix: int = 5, seg_id: Any = None, segmap: Any = None, *, n_threads: int | None = None,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """Sum an image between ellipses of ``rin`` and ``rout`` times ``a, b``; see `sum_ellipse`."""
    images = _Images(data, var, err, gain, mask, maskthresh, subpix, n_threads)
    return images.sums((x, y, a, b, theta, rout), (rin, rin), seg_id, segmap, None, x)


class _Images:
    """What is summed, checked once."""

    def __init__(
        self, data: Any, var: Any, err: Any, gain: Any, mask: Any, maskthresh: float, subpix: int,
        n_threads: int | None,
    ) -> None:  # fmt: skip
        if int(subpix) != subpix or subpix < 0:
            raise ValueError(f"subpix must be an integer of at least 0, got {subpix!r}")
        xp = array_namespace(data=data, var=var, err=err, mask=mask)
        self.data = image_of(data)
        self.noise: Noise = noise_of(err, var, self.data.shape)
        self.gain, self.samples, self.n_threads = gain or 0.0, int(subpix), n_threads
        masked = above_threshold(mask, maskthresh, self.data.shape)
        self.mask = None if masked is None else xp.ascontiguousarray(masked)
        self.has_mask = mask is not None
        error = self.noise.array
        if error is not None and self.noise.is_variance:
            error = xp.sqrt(xp.maximum(error, 0))
        if error is not None and error.dtype != self.data.dtype:
            self.data, error = self.data.astype(np.float64), error.astype(np.float64)
        self.error = error

    def sums(
        self, where: Any, hole: Any, seg_id: Any, segmap: Any, ring: Any, like: Any, *,
        circle: bool = False,
    ) -> tuple[Any, Any, Any]:  # fmt: skip
        """Sum in shapes ``x, y, a, b, theta, r``, less ``hole`` (of a circle radii, else times)."""
        given = (*where, *hole, *(ring if ring is not None else ()))
        arrays = np.broadcast_arrays(*(np.asarray(to_host(each), float) for each in given))
        shape = arrays[0].shape
        columns = [each.ravel() for each in arrays]
        x, y, a, b, theta, r, inner, _ = columns[:8]
        _check(a, b, theta, r, inner, circle)
        labelled = ids_and_labels(segmap, seg_id, like, shape, self.data.shape)
        # A circle's radii are its axes; an ellipse's hole is that many times its axes.
        holes = (inner, inner) if circle else (inner * a, inner * b)
        total, variance, area, left, flags = self._add_up(
            (x, y, a * r, b * r, theta, *holes), labelled, self.samples
        )
        total, variance, whole_area = self._scaled(total, variance, area, left)
        if self.gain > 0:
            variance = variance + np.where(total > 0, total / self.gain, 0.0)
        error = np.sqrt(variance)
        if ring is not None:
            total, error = self._less_background(
                columns, circle, labelled, (total, error, whole_area)
            )
        return tuple(each.reshape(shape) for each in (total, error, flags))

    def _less_background(
        self, columns: Any, circle: bool, labelled: Any, found: Any
    ) -> tuple[Any, Any]:
        """Subtract the mean of a ring; of circles, its pixels count by their centres, as in SEP."""
        x, y, a, b, theta, *_, low, high = columns
        _check(a, b, theta, high, low, circle, ring=True)
        axes = (high, high, theta, low, low) if circle else (
            a * high, b * high, theta, a * low, b * low
        )  # fmt: skip
        total, error, area = found
        samples = 1 if circle else self.samples
        sky, variance, used, left, _ = self._add_up((x, y, *axes), labelled, samples)
        if circle:
            # SEP takes the ring's whole area where there are objects but no mask.
            used = used if self.has_mask else used + left
        else:
            sky, variance, used = self._scaled(sky, variance, used, left)
        if not (used > 0).all():
            raise ValueError(
                "The background annulus does not contain any valid pixels, for the object at "
                f"index {int(np.argmin(used > 0))}."
            )
        if self.gain > 0:
            variance = variance + np.where(sky > 0, sky / self.gain, 0.0)
        share = np.where(area > 0, area / used, 0.0)
        return total - sky * share, np.sqrt(error * error + variance * share * share)

    def _scaled(self, total: Any, variance: Any, area: Any, left: Any) -> tuple[Any, Any, Any]:
        """Scale sums up to the whole area where there is a mask; return them and that area."""
        if not self.has_mask:
            return total, variance, area + left
        with np.errstate(divide="ignore", invalid="ignore"):
            whole = (area + left) / area
            return total * whole, variance * whole, area + left

    def _add_up(self, columns: Any, labelled: Any, samples: int) -> tuple[Any, ...]:
        """Return sums, variances, areas that were used and left out, and flags."""
        x, y, a, b, theta, *hole = columns
        rows = np.ascontiguousarray(np.stack([x, y, a, b, theta, *hole], axis=1))
        ids, labels = labelled
        boxes, truncated = _boxes(x, y, a, b, theta, self.data.shape)
        family = shapes.CIRCLE if not theta.any() and (a == b).all() else shapes.ELLIPSE
        rule = shapes.NO_RULE if labels is None else shapes.OWN
        with on_device_of(self.data):
            found, seen = shapes.sums(
                self.data, self.error, self.mask, labels, rows, boxes,
                ids if labels is not None else None, None, family, samples, rule, 1, False,
                self.n_threads,
            )  # fmt: skip
            found, seen = in_one_transfer(found, seen)
        total, variance, area, left = found.T
        if self.noise.number is not None:
            number = self.noise.number
            variance = area * (number if self.noise.is_variance else number * number)
        flags = np.where(truncated, int(APER_TRUNC), 0)
        flags |= np.where((left > 0) | (seen & Seen.MASKED != 0), int(APER_HASMASKED), 0)
        return total, variance, area, left, flags.astype(np.short)


def _check(
    a: Any, b: Any, theta: Any, r: Any, inner: Any, circle: bool, *, ring: bool = False
) -> None:
    """Refuse shapes that are none.

    Raises
    ------
    ValueError
        If a radius is negative, an inner one the larger one, or an angle out of range.
    """
    outer = r if ring or not circle else a
    if not (outer >= 0).all() or not (inner >= 0).all() or not (outer >= inner).all():
        raise ValueError("radii must not be negative, and an outer one not less than its inner one")
    if circle:
        return
    half = np.pi / 2
    if not ((b >= 0) & (a >= b)).all() or not ((theta >= -half) & (theta <= half)).all():
        raise ValueError("ellipses must have a >= b >= 0, and theta in [-pi/2, pi/2]")


def _boxes(x: Any, y: Any, a: Any, b: Any, theta: Any, shape: Any) -> tuple[Any, Any]:
    """Return the boxes of ellipses clipped to an image, and where SEP says that they were."""
    ny, nx = shape
    cosine, sine = np.cos(theta), np.sin(theta)
    wide, high = np.hypot(a * cosine, b * sine), np.hypot(a * sine, b * cosine)
    ends = np.stack([y - high + 0.5, y + high + EDGE, x - wide + 0.5, x + wide + EDGE], axis=1)
    ends = np.nan_to_num(ends, nan=-1.0).clip(-FARTHEST, FARTHEST).astype(np.int64)
    limits = np.array([ny, ny, nx, nx])
    truncated = (ends[:, ::2] < 0).any(axis=1) | (ends[:, 1::2] > limits[1::2]).any(axis=1)
    return np.ascontiguousarray(np.clip(ends, 0, limits)), truncated
