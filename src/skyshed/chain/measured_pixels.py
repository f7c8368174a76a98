"""The pixels that bands are measured on: those of segments and apertures, which all bands share."""

from typing import Any

import numpy as np

from skyshed.catalog import SourceCatalog
from skyshed.catalog.apertures import weights_of
from skyshed.catalog.kept_weights import rows_read
from skyshed.catalog.reach import boxes_beside, runs_of
from skyshed.chain.band_columns import radii_of_detection
from skyshed.chain.columns import measured_columns, needs_background
from skyshed.chain.prepared import Prepared
from skyshed.chain.request import Request
from skyshed.chain.sextractor_columns import aperture_radii_of, has_radii

__all__ = ["MeasuredPixels"]

#: Pixels of a run are a multiple of what CPUs do at a time.
LANES = 8
#: Where more of an image is measured than this share, all of it is made: memory is read in order.
MOST = 0.7
#: Boxes that have so many times the pixels of the image together cover most of it. Their runs,
#: which would take more memory than it, are not made.
OVERLAPPING = 3


class MeasuredPixels:
    """The pixels that are measured, and the images that each band writes them to.

    Parameters
    ----------
    request : Request
        What is asked for.
    detection : SourceCatalog
        Where positions and shapes come from.
    """

    def __init__(self, request: Request, detection: SourceCatalog) -> None:
        self.runs = _runs(request, detection)
        self._images: dict[np.dtype, tuple[Any, Any]] = {}
        self._marked: Any = None

    def make(self, image: Prepared) -> None:
        """Make of a band what is measured, where that is little; it holds until the next band."""
        if self.runs is None:
            return
        data = image.planes.data
        if data.dtype not in self._images:
            self._images.clear()
            self._images[data.dtype] = np.empty_like(data), np.empty_like(data)
        if image.planes.unmarked and self._marked is None:
            self._marked = np.empty(data.shape, bool)
        image.make_parts(self.runs, self._images[data.dtype], self._marked)


def _runs(request: Request, detection: SourceCatalog) -> Any:
    """Return the pixels that are measured, as runs; `None` where all are to be made."""
    parameters, frame = request.parameters, detection.frame
    if frame.xp is not np or needs_background(parameters.columns):
        return None
    kron = _kron_rows(detection)
    of_bands = set(parameters.fluxfrac_radii).difference(radii_of_detection(request))
    parameters = parameters.replace(fluxfrac_radii=tuple(of_bands))
    boxes = boxes_beside(
        detection, measured_columns(parameters), aperture_radii_of(parameters),
        has_radii(parameters), () if kron is None else ("kron_photometry",),
    )  # fmt: skip
    if boxes is None:
        return None
    height, width = (boxes[:, [1, 3]] - boxes[:, [0, 2]]).clip(0).T
    if (height * width).sum() > OVERLAPPING * frame.shape[0] * frame.shape[1]:
        return None
    runs = runs_of(boxes, frame.shape, LANES, kron)
    few = np.diff(runs, axis=1).sum() < MOST * frame.shape[0] * frame.shape[1]
    return runs if few else None


def _kron_rows(detection: SourceCatalog) -> Any:
    """Return which pixels Kron fluxes are measured on, as rows; `None` where that is not known."""
    if detection.frame.kept is None:
        return None
    (ellipses,) = detection.results.on_host("_kron_ellipse")
    kept = weights_of(detection.frame, detection.sources, ellipses, detection.n_threads)
    return None if kept is None else rows_read(kept)
