"""How far from a source its measurements read, so that a window gives the whole image's bits."""

from typing import Any

import numpy as np

from skyshed.catalog.kron import KRON_ELLIPSE_SIGMAS
from skyshed.catalog.registry import ALIASES, COLUMNS, depends
from skyshed.chain.columns import spelled_out
from skyshed.images.window import Window
from skyshed.kernels.apertures import HOLE
from skyshed.mosaic.job import Job
from skyshed.parameters import Parameters

__all__ = ["fits", "needs_of_paths", "needs_of_shape", "needs_of_size"]

#: Pixels beyond a radius: the pixel that its end lies in, and one for rounding.
EDGE = 2


def needs_of_shape(catalog: Any, job: Job) -> Any:
    """Return the boxes that must be known before the Kron radius can be measured.

    Those of the sources, as far as convolution and the annulus of the local background read, and
    those of the ellipses in which Kron radii are measured.

    Parameters
    ----------
    catalog : SourceCatalog
        n sources; shapes are measured on their own pixels.
    job : Job
        The run.

    Returns
    -------
    boxes : array of int64, shape (n, 4)
        ``y0, y1, x0, x1`` in the whole image, half open; no smaller than those of the sources.
    """
    frame, sources = catalog._results["frame"], catalog._results["sources"]
    boxes = sources.host.bbox + np.repeat(frame.origin, 2)
    side = boxes[:, 1::2] - boxes[:, ::2]
    width = catalog.localbkg_width
    # The hole of the annulus is around the box; half of what it is larger lies on each side.
    around = np.ceil((HOLE - 1) / 2 * side).astype(np.int64) + width + EDGE if width else 0
    grow = np.broadcast_to(np.maximum(around, job.halo), side.shape)
    boxes = boxes + np.stack([-grow[:, 0], grow[:, 0], -grow[:, 1], grow[:, 1]], axis=1)
    (major,) = catalog._results.on_host("semimajor_sigma")
    return _joined(boxes, _about(catalog, KRON_ELLIPSE_SIGMAS * major), job.shape)


def needs_of_size(catalog: Any, job: Job) -> Any:
    """Return the boxes of the apertures, once the Kron radii are known; as `needs_of_shape`."""
    sources, frame = catalog._results["sources"], catalog._results["frame"]
    (radius,) = catalog._results.on_host("_kron_major")
    radius = np.nan_to_num(radius)
    if job.parameters.aperture_radii:
        radius = np.maximum(radius, max(job.parameters.aperture_radii))
    boxes = sources.host.bbox + np.repeat(frame.origin, 2)
    return _joined(boxes, _about(catalog, radius), job.shape)


def needs_of_paths(catalog: Any, job: Job) -> Any:
    """Return the boxes that windowed centroids were searched in; as `needs_of_shape`.

    How far a window moves is known when it has. Where it came to the end of the frame, all that is
    known is that more is needed: the box is larger than the frame.
    """
    sources, frame = catalog._results["sources"], catalog._results["frame"]
    boxes = sources.host.bbox + np.repeat(frame.origin, 2)
    if _wants_windows(job.parameters):
        (beyond,) = catalog._results.on_host("_centroid_win_beyond")
        y, x = frame.origin
        here = Window(y, y + frame.shape[0], x, x + frame.shape[1])
        more = here.grown(max(frame.shape) // 2 + 1, job.shape)
        boxes[beyond] = more.y0, more.y1, more.x0, more.x1
    return boxes


def fits(boxes: Any, window: Any) -> Any:
    """Return whether each box lies in a window, bool, shape (n,)."""
    return (
        (boxes[:, 0] >= window.y0) & (boxes[:, 1] <= window.y1)
        & (boxes[:, 2] >= window.x0) & (boxes[:, 3] <= window.x1)
    )  # fmt: skip


def _wants_windows(parameters: Parameters) -> bool:
    """Whether any column asked for is measured in a Gaussian window."""
    names = (ALIASES.get(each, each) for each in spelled_out(parameters.columns, True) or ())
    return any(depends(name, ("_half_light_radius",)) for name in names if name in COLUMNS)


def _about(catalog: Any, radius: Any) -> Any:
    """Return the boxes of circles about the centroids; where there is none, one around nothing."""
    x, y = catalog._results.on_host("xcentroid", "ycentroid")
    known = np.isfinite(x) & np.isfinite(y) & np.isfinite(radius) & (radius > 0)
    boxes = np.empty((x.size, 4), np.int64)
    boxes[:, ::2], boxes[:, 1::2] = np.iinfo(np.int64).max, 0
    x, y, radius = x[known], y[known], radius[known] + EDGE
    limits = (
        np.floor(y - radius),
        np.ceil(y + radius) + 1,
        np.floor(x - radius),
        np.ceil(x + radius) + 1,
    )
    boxes[known] = np.stack(limits, axis=1)
    return boxes


def _joined(one: Any, other: Any, shape: tuple[int, int]) -> Any:
    """Return the boxes around two boxes each, as far as they lie in the image."""
    boxes = np.minimum(one, other)
    boxes[:, 1::2] = np.maximum(one, other)[:, 1::2]
    return np.clip(boxes, 0, np.repeat(shape, 2))
