"""Sums over the positions of an aperture, in one pass of the kernels."""

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skyshed.aperture.flags import APERTURE_FLAGS
from skyshed.aperture.weighing import checked_method, samples_of
from skyshed.arguments import as_image, is_nddata, split_units
from skyshed.background.checks import as_boolean
from skyshed.kernels import shapes
from skyshed.kernels.shapes import Seen
from skyshed.namespace import array_namespace, in_one_transfer, on_device_of, to_host

__all__ = ["Images", "Measured", "measure", "measured_boxes", "unpacked"]

MASK_METHODS = ("none", "mask", "source_only", "background_only", "correct")
#: Pixels of boxes that are weighed at once, to learn whether there is weight beyond an edge; a box
#: with more of them that reaches beyond an edge is taken to have some there.
WEIGHED = 1 << 22


def unpacked(data: Any, error: Any, mask: Any, wcs: Any) -> tuple[Any, Any, Any, Any]:
    """Return data, error, mask and WCS; those of an NDData come before what is given beside it."""
    if not is_nddata(data):
        return data, error, mask, wcs
    from astropy.nddata import StdDevUncertainty
    from astropy.utils.exceptions import AstropyUserWarning

    for name, value in (("error", error), ("mask", mask), ("wcs", wcs)):
        if value is not None:
            warnings.warn(
                f"The {name!r} keyword is ignored. Its value is obtained from the input NDData "
                "object.",
                AstropyUserWarning,
                stacklevel=3,
            )
    error, uncertainty = None, data.uncertainty
    if isinstance(uncertainty, StdDevUncertainty):
        unit = uncertainty.unit or data.unit
        error = uncertainty.array if unit is None else uncertainty.array << unit
    values = data.data if data.unit is None else data.data << data.unit
    return values, error, data.mask, data.wcs


@dataclass(frozen=True)
class Images:
    """What is measured: arrays of one library on one device, as the kernels take them.

    Attributes
    ----------
    data, error : array of float32 or float64, shape (ny, nx)
        Of one dtype; ``error`` may be `None`.
    mask : array of bool, or None
        True for pixels to leave out.
    unit : unit, or None
        Of ``data`` and ``error``.
    labels : array of int32, or None
        The segmentation image, where there is a rule.
    label : array of int32, shape (n,), or None
        What the kernels' rule takes for each position.
    rule : int
        The kernels' rule.
    """

    data: Any
    error: Any = None
    mask: Any = None
    unit: Any = None
    labels: Any = None
    label: Any = None
    rule: int = shapes.NO_RULE

    @classmethod
    def of(cls, data: Any, error: Any = None, mask: Any = None) -> "Images":
        """Check images and make them the kernels'.

        Raises
        ------
        TypeError
            If one does not hold real numbers, ``mask`` is not boolean, or some are on a device.
        ValueError
            If shapes or units differ.
        """
        (values, sigma), unit = split_units(data=data, error=error)
        own = None
        if isinstance(values, np.ma.MaskedArray):
            own, values = np.ma.getmaskarray(values), values.data
        if np.ma.is_masked(sigma):  # what is masked is not known
            kind = sigma.dtype if sigma.dtype.kind == "f" else np.float64
            sigma = sigma.astype(kind).filled(np.nan)
        elif isinstance(sigma, np.ma.MaskedArray):
            sigma = sigma.data
        xp = array_namespace(data=values, error=sigma, mask=mask)
        image = as_image(values, "data", xp)
        if sigma is not None:
            sigma = as_image(sigma, "error", xp, shape=image.shape)
            if sigma.dtype != image.dtype:
                image, sigma = image.astype(np.float64), sigma.astype(np.float64)
        out = as_boolean(mask, "mask", image.shape, xp)
        if own is not None and own.any():
            out = own if out is None else out | own
        return cls(image, sigma, out, unit)

    def with_neighbours(self, segments: Any, labels: Any, method: Any, n: int) -> "Images":
        """Return the same with what is done with the pixels of other sources.

        Parameters
        ----------
        segments : `~skyshed.SegmentationImage` or None
            The sources.
        labels : int, array_like of int, shape (n,), or None
            The source of each position, 0 for none.
        method : str
            ``"none"``, ``"mask"``, ``"source_only"``, ``"background_only"`` or ``"correct"``.
        n : int
            The number of positions.

        Raises
        ------
        TypeError
            If ``segments`` is no segmentation image.
        ValueError
            If a value is not allowed, or something is missing.
        """
        if method not in MASK_METHODS:
            raise ValueError(f"mask_method must be one of {MASK_METHODS}, got {method!r}")
        if labels is not None:
            labels = np.atleast_1d(np.asarray(to_host(labels)))
            if labels.ndim != 1:
                raise ValueError(f"labels must be a 1D array, got shape {labels.shape}")
            if len(labels) != n:
                raise ValueError(
                    "labels must have the same length as the number of aperture positions: "
                    f"got {len(labels)} labels for {n} positions"
                )
        if method == "none":
            return self
        if segments is None:
            raise ValueError(
                f"segmentation_image must be input when mask_method is not 'none', it is {method!r}"
            )
        if not (hasattr(segments, "labels") and hasattr(segments, "data")):
            raise TypeError(
                f"segmentation_image must be a SegmentationImage, got {type(segments).__name__}: "
                "make one of an array by skyshed.SegmentationImage(array)"
            )
        if segments.data.shape != self.data.shape:
            raise ValueError(
                "segmentation_image must have the same shape as the data: got "
                f"{segments.data.shape} and {self.data.shape}"
            )
        xp = array_namespace(data=self.data, segmentation_image=segments.data)
        known = np.asarray(to_host(segments.labels))
        if known.max(initial=0) > np.iinfo(np.int32).max:
            raise ValueError(
                f"segmentation_image has the label {known.max()}; labels up to 2147483647 can be "
                "measured: call its relabel_consecutive() first"
            )
        image = xp.ascontiguousarray(segments.data, dtype=np.int32)
        if method == "background_only":
            return replace(self, labels=image, label=np.zeros(n, np.int32), rule=shapes.OWN)
        if labels is None:
            raise ValueError(
                "labels must be input when segmentation_image is input and mask_method is "
                f"{method!r}"
            )
        unknown = np.setdiff1d(labels[labels != 0], known)
        if len(unknown):
            raise ValueError(f"labels {unknown.tolist()} are not present in the segmentation_image")
        own = -labels if method == "source_only" else labels
        label = np.where(labels == 0, shapes.ANY, own).astype(np.int32)
        rule = shapes.MIRROR if method == "correct" else shapes.OWN
        return replace(self, labels=image, label=label, rule=rule)

    def with_unit(self, values: Any, power: int = 1) -> Any:
        """Return values with the unit of the data, or a power of it."""
        return values if self.unit is None else values << self.unit**power


@dataclass(frozen=True)
class Measured:
    """Sums over the n positions of an aperture; on the host.

    Attributes
    ----------
    total, error, area : array of float64, shape (n,)
        The sum, its error (NaN where there is no error image), and the weights of what was summed
        up; NaN where the flag ``no_overlap`` is set.
    flags : array of int64, shape (n,)
        See `APERTURE_FLAGS`.
    overlaps : array of bool, shape (n,)
        Whether the bounding box and the image have a pixel in common.
    inside : array of float64, shape (n,)
        ``area`` without the NaN.
    """

    total: Any
    error: Any
    area: Any
    flags: Any
    overlaps: Any
    inside: Any


def measured_boxes(boxes: Any, shape: tuple[int, int]) -> Any:
    """Return boxes clipped to an image."""
    ny, nx = shape
    return np.minimum(np.maximum(boxes, 0), [ny, ny, nx, nx])


def measure(
    aperture: Any,
    images: Images,
    method: str,
    subpixels: int,
    *,
    background: Any = None,
    finite_only: bool = True,
    n_threads: int | None = None,
) -> Measured:
    """Sum the images in an aperture at each of its n positions.

    Parameters
    ----------
    aperture : PixelAperture
        The shape.
    images : Images
        What is measured.
    method, subpixels
        See `PixelAperture.to_mask`.
    background : array of float64, shape (n,), optional
        Subtracted from each pixel.
    finite_only : bool, optional
        Whether data that are not finite are left out; else the sum is not finite.
    n_threads : int, optional
        Threads on the CPU; `None` for all available cores.
    """
    checked_method(method, subpixels)
    samples = samples_of(method, subpixels)
    rows, whole = aperture.rows, aperture.boxes
    boxes = measured_boxes(whole, images.data.shape)
    with on_device_of(images.data):
        found, seen = shapes.sums(
            images.data, images.error, images.mask, images.labels, rows, boxes, images.label,
            background, aperture.family, samples, images.rule, 2, finite_only, n_threads,
        )  # fmt: skip
        found, seen = in_one_transfer(found, seen)
    overlaps = (boxes[:, 1] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 2])
    beyond = (boxes != whole).any(axis=1)
    if samples:
        beyond[beyond] = _weight_beyond(
            aperture, rows[beyond], whole[beyond], boxes[beyond], samples
        )
    flags = _flags(seen, overlaps, beyond)
    total, variance, inside, _ = found.T
    nowhere = (flags & APERTURE_FLAGS.NO_OVERLAP) != 0
    total, area = (np.where(nowhere, np.nan, each) for each in (total, inside))
    if images.error is None:
        error = np.full(len(total), np.nan)
    else:
        with np.errstate(invalid="ignore"):
            error = np.where(nowhere, np.nan, np.sqrt(variance))
    return Measured(total, error, area, flags, overlaps, inside)


def _flags(seen: Any, overlaps: Any, beyond: Any) -> Any:
    """Translate what the kernels saw."""
    pixel = (seen & Seen.PIXEL) != 0
    conditions = {
        "NO_OVERLAP": ~overlaps | (~pixel & beyond),
        "PARTIAL_OVERLAP": pixel & beyond,
        "NO_PIXELS": ~pixel,
        "MASKED_PIXELS": seen & Seen.MASKED,
        "NON_FINITE_DATA": seen & Seen.NON_FINITE,
        "NON_FINITE_ERROR": seen & Seen.ERROR_NON_FINITE,
        "NEIGHBOR_PIXELS": seen & Seen.NEIGHBOUR,
        "UNCORRECTED_PIXELS": seen & Seen.NOT_REPLACED,
        "ALL_MASKED": pixel & ((seen & Seen.USED) == 0),
    }
    flags = np.zeros(len(seen), np.int64)
    for name, condition in conditions.items():
        flags |= np.where(condition, getattr(APERTURE_FLAGS, name), 0)
    return flags


def _weight_beyond(aperture: Any, rows: Any, whole: Any, inside: Any, samples: int) -> Any:
    """Say of boxes that reach beyond the image whether pixels there have weight."""
    sides = np.maximum(whole[:, 1::2] - whole[:, ::2], 0).astype(float)
    sizes = sides.prod(axis=1)
    beyond = np.ones(len(rows), bool)
    small = np.flatnonzero(sizes <= WEIGHED)
    width = int(sizes[small].max(initial=0))
    step = max(WEIGHED // max(width, 1), 1)
    for start in range(0, len(small), step):
        which = small[start : start + step]
        of = np.ascontiguousarray(rows[which]), np.ascontiguousarray(whole[which])
        table = shapes.weights(*of, aperture.family, samples, width, None)
        boxes, places = whole[which], np.arange(width)
        across = np.maximum(boxes[:, 3:] - boxes[:, 2:3], 1)
        y, x = boxes[:, :1] + places // across, boxes[:, 2:3] + places % across
        y0, y1, x0, x1 = inside[which].T[..., None]
        out = (y < y0) | (y >= y1) | (x < x0) | (x >= x1)
        beyond[which] = ((table > 0) & out).any(axis=1)
    return beyond
