"""A band on another grid, brought to the pixels of the first by the package reproject."""

from dataclasses import replace
from typing import Any

import numpy as np

from skyshed.images.arrays import ArraySource
from skyshed.images.exposure import Exposure
from skyshed.images.source import ImageSource
from skyshed.namespace import like as beside
from skyshed.namespace import to_host
from skyshed.optional import need, package_versions

__all__ = ["PACKAGE", "reprojected"]

#: What resamples images, and the extra that installs it.
PACKAGE = "reproject"
#: Pixels between those at which the ratio of areas is measured: it changes slowly.
STEP = 32
#: A pixel of which less than this share lies on pixels of the band is not the band's.
LEAST_SHARE = 0.99


def reprojected(exposure: Exposure, name: str, like: Exposure, other: str) -> tuple[Exposure, str]:
    """Return a band on the pixels of another, and what the record says of it.

    A pixel is the mean of the band over the pixel's area, times how many of the band's pixels that
    is: sums over apertures are those of the band, in its unit, and so are their errors, whose
    variances are resampled in the same way. What is masked spoils every pixel that it is part of.

    Parameters
    ----------
    exposure, like : Exposure
        The band, and the one with the pixels that are wanted.
    name, other : str
        What they are called.

    Raises
    ------
    ValueError
        If one has no WCS, the band has a quality plane or a weight of unknown scale, which can't be
        resampled, or no good pixel of it lies where the other is.
    ImportError
        If reproject is not installed.
    """
    for band, its in ((name, exposure), (other, like)):
        if its.wcs is None:
            raise ValueError(
                f"reproject=True needs a WCS of every band, and {band} has none: give "
                f"wcs={{{band!r}: ...}}"
            )
    refused = {"quality": "quality" in exposure.companions, "scale_weight": exposure.relative}
    for what, given in refused.items():
        if given:
            raise ValueError(
                f"reproject=True can't bring {what} of {name} to the pixels of {other}: leave it "
                "out, or resample the band and what goes with it first"
            )
    resample = need(PACKAGE, "a band on another grid of pixels", PACKAGE).reproject_exact
    # Nothing is brought to a device before it has the pixels that are wanted.
    planes = replace(exposure, device=None).read()
    data = to_host(planes.data)
    bad = ~np.isfinite(data)
    if planes.mask is not None:
        bad |= to_host(planes.mask)
    shape, dtype = like.shape, data.dtype

    def mean(plane: Any, where_bad: float) -> Any:
        values = np.where(bad, where_bad, to_host(plane)).astype(np.float64)
        return resample((values, exposure.wcs), like.wcs, shape_out=shape)

    values, share = mean(data, 0.0)
    if not np.any(share > 0):
        raise ValueError(
            f"{name} has no pixel where {other} is: by their WCS they are of different parts of "
            "the sky"
        )
    lost = ~np.isfinite(values) | ~(share >= LEAST_SHARE)
    if bad.any():
        spoiled, _ = mean(np.broadcast_to(data.dtype.type(0), data.shape), 1.0)
        lost |= ~(spoiled == 0)
    ratio = _ratio_of_areas(exposure.wcs, like.wcs, shape)
    lost |= ~np.isfinite(ratio)
    if lost.all():
        raise ValueError(
            f"{name} has no good pixel where {other} is: all are masked, not finite, weightless, "
            "or in part outside of it"
        )

    def plane(array: Any) -> ArraySource:
        return ArraySource(beside(array.astype(dtype), planes.data), exposure.unit, like.wcs)

    companions: dict[str, ImageSource] = {}
    for each in ("rms", "error"):
        sigma = getattr(planes, each)
        if sigma is not None:
            variance, _ = mean(np.square(to_host(sigma), dtype=np.float64), 0.0)
            companions[each] = plane(np.sqrt(variance * ratio))
    if planes.level is not None:
        companions["background"] = plane(mean(planes.level, 0.0)[0] * ratio)
    image = replace(
        plane(np.where(lost, np.nan, values * ratio)), came_from=exposure.image.origin()
    )
    noted = f"to the pixels of {other}, by reproject_exact"
    version = package_versions([PACKAGE]).get(PACKAGE)
    return replace(
        exposure, image=image, companions=companions, own_mask=None, factors={}, mask_bits=None,
        weight_threshold=None, wcs=like.wcs, wcs_file=None, saturation=None, device=like.device,
    ), f"{noted} of {PACKAGE} {version}"  # fmt: skip


def _ratio_of_areas(wcs: Any, wanted: Any, shape: tuple[int, int]) -> Any:
    """Return how many pixels of an image lie in each pixel that is wanted, float64.

    It is the ratio of their areas on the sky, at points between which it is interpolated.
    """
    nodes = [np.append(np.arange(0, n - 1, STEP), n - 1).astype(float) for n in shape]
    y, x = np.meshgrid(*nodes, indexing="ij")
    there = wcs.world_to_pixel(wanted.pixel_to_world(x, y))
    ratio = _areas(wanted, x, y) / _areas(wcs, *there)
    rows = _between(ratio, nodes[0], shape[0])
    return _between(rows.T, nodes[1], shape[1]).T


def _areas(wcs: Any, x: Any, y: Any) -> Any:
    """Return the areas of pixels on the sky, in steradians.

    Directions, unlike numbers of pixels or degrees, go on where a map of the whole sky ends.
    """

    def towards(dx: float, dy: float) -> Any:
        return wcs.pixel_to_world(x + dx, y + dy).represent_as("unitspherical").to_cartesian().xyz

    def across(dx: float, dy: float) -> Any:
        """Return the difference over a pixel; where it ends the map, twice that over half of it."""
        middle = towards(0, 0)
        after, before = towards(dx, dy) - middle, middle - towards(-dx, -dy)
        after = np.where(np.isfinite(after), after, before)
        return after + np.where(np.isfinite(before), before, after)

    by_x, by_y = across(0.5, 0), across(0, 0.5)
    return np.linalg.norm(np.cross(by_x, by_y, axis=0), axis=0)


def _between(values: Any, nodes: Any, n: int) -> Any:
    """Return an array, whose rows are those at ``nodes``, at all rows from 0 to n - 1."""
    if nodes.size == 1:
        return np.repeat(values, n, axis=0)
    at = np.arange(n)
    before = np.minimum(at // STEP, nodes.size - 2)
    share = ((at - nodes[before]) / np.diff(nodes)[before])[:, None]
    return values[before] * (1 - share) + values[before + 1] * share
