"""Phase 2: the components of a tile above the threshold, and the peaks of those that end in it.

A component that touches a face between tiles may go on beyond it: it leaves its pixels and their
values to phase 4. All others are split here, where the convolved image is at hand.
"""

from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from skyshed.chain.prepared import Prepared
from skyshed.chain.steps import peak_npixels
from skyshed.deblending import Search, Split
from skyshed.images.window import Window
from skyshed.kernels import deblending, labelling
from skyshed.mosaic.job import Job
from skyshed.mosaic.records import Detected
from skyshed.mosaic.runs import in_whole_image, runs_of
from skyshed.mosaic.stitch import describe, faces_of, in_whole
from skyshed.namespace import in_one_transfer, is_device_array, like
from skyshed.parameters import Parameters
from skyshed.sources import Sources

__all__ = ["TileComponents", "components", "detect", "inner_faces", "search"]


@dataclass(frozen=True, eq=False)
class TileComponents:
    """The components of a tile: those large enough that end in it, and those that may not.

    Attributes
    ----------
    sources : Sources
        m components, by their first pixel in raster order, in the pixels of the tile.
    numbers : array of int32, shape ``window.shape``
        The number of each pixel's component, from 1; 0 elsewhere.
    seam : array of bool, shape (m,)
        Whether a component touches a face between tiles.
    """

    sources: Sources
    numbers: Any
    seam: Any


def detect(job: Job, tile: tuple[int, int]) -> None:
    """Find the components of a tile; split those that end in it."""
    start = perf_counter()
    core, width = job.tiling[tile], job.shape[1]
    image = job.prepare_convolved(core)
    found = components(image, inner_faces(core, job.shape), job.parameters.max_npixels)
    image.end_detection()
    peaks = image.deblended_on()
    split = search(peaks, found.sources, ~found.seam, job.parameters)
    pieces = _pieces(found.sources, split, job.parameters.n_threads)
    begins, lengths, numbers = runs_of(found.sources.pixel, pieces)
    at_seam = found.sources.take(np.flatnonzero(found.seam))
    values = peaks.reshape(-1)[at_seam.pixel]
    *parts, pixel, values = in_one_transfer(begins, lengths, numbers, at_seam.pixel, values)
    smooth = peaks.reshape(-1)[found.sources.pixel] if _keeps(image, peaks) else values[:0]
    record = Detected(
        describe(found.sources, found.numbers, core, width), found.seam, split.n_children,
        split.flags, in_whole(pixel, core, width), values, in_whole_image(parts, core),
        smooth, perf_counter() - start,
    )  # fmt: skip
    job.workspace.save(record, tile)


def _keeps(image: Prepared, peaks: Any) -> bool:
    """Whether shapes will be measured on what is kept of the image that peaks are looked for in.

    A device convolves the image once more in less time than it takes to send it there.
    """
    return image.smooth and peaks is image.convolved and not is_device_array(peaks)


def inner_faces(window: Window, shape: tuple[int, int]) -> tuple[str, ...]:
    """Return the faces of a window beyond which the image goes on."""
    goes_on = {
        "top": window.y0 > 0, "bottom": window.y1 < shape[0],
        "left": window.x0 > 0, "right": window.x1 < shape[1],
    }  # fmt: skip
    return tuple(name for name, inner in goes_on.items() if inner)


def components(image: Prepared, inner: tuple[str, ...], most: int | None = None) -> TileComponents:
    """Label what is above the threshold; drop what ends in the tile and is too small or large."""
    parameters = image.parameters
    n_threads = parameters.n_threads
    labels, number, start, pixel, bbox, _ = labelling.sources_above(
        image.detected_on, image.threshold(), image.planes.mask, 1, parameters.connectivity,
        n_threads,
    )  # fmt: skip
    sources = Sources(number, start, pixel, bbox, labels.shape)
    n_labels = len(sources)
    touches = np.zeros(n_labels + 1, bool)
    for face in in_one_transfer(*(faces_of(labels)[name] for name in inner)):
        touches[face] = True
    fits = sources.host.area >= parameters.npixels
    if most is not None:
        fits &= sources.host.area <= most
    kept = np.flatnonzero(touches[1:] | fits)
    number = np.zeros(n_labels + 1, np.int32)
    number[kept + 1] = np.arange(1, kept.size + 1)
    numbers = labelling.relabel(labels, like(number, labels), n_threads)
    return TileComponents(sources.take(kept), numbers, touches[1:][kept])


def search(image: Any, sources: Sources, wanted: Any, parameters: Parameters) -> Split:
    """Split the sources that are ``wanted`` and large enough, as `skyshed.deblend_sources` does."""
    npixels = peak_npixels(parameters)
    large = sources.host.area >= 2 * npixels
    asked = np.flatnonzero(wanted & large & (parameters.deblend and parameters.contrast < 1))
    return Search(
        image, sources, npixels, parameters.nlevels, parameters.contrast, parameters.mode,
        parameters.connectivity, parameters.contrast_method, parameters.n_threads,
        parameters.max_markers,
    ).split(asked, image.dtype)  # fmt: skip


def _pieces(sources: Sources, split: Split, n_threads: int | None) -> Any:
    """Number the children of all components, and those without, from 1; return their image."""
    count = np.maximum(split.n_children, 1)
    before = np.cumsum(count) - count
    # The number of what is whole, or what to add to those of children.
    base = np.where(split.n_children == 0, before + 1, before).astype(np.int32)
    return deblending.paint(
        sources, like(base, sources.pixel), like(split.child_start, sources.pixel), split.child,
        n_threads,
    )  # fmt: skip
