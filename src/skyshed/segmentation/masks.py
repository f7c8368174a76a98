"""Images of where the sources are: dilated masks and outlines."""

from typing import Any

import numpy as np

from skyshed.arguments import as_pair
from skyshed.kernels import masks
from skyshed.namespace import array_namespace, only_on_host, to_host
from skyshed.segmentation.label_table import LabelTable

__all__ = ["make_source_mask", "outline_segments"]


def make_source_mask(table: LabelTable, size: Any, footprint: Any, n_threads: int | None) -> Any:
    """Make a mask of all sources; see `~skyshed.SegmentationImage.make_source_mask`."""
    data = table.data
    mask = array_namespace(data=data).ascontiguousarray(data != 0)
    if footprint is None and size is None:
        return mask
    table.check_2d("Growing a mask")
    if footprint is None:
        footprint = np.ones(as_pair(size, "size", order="(ny, nx)"), bool)
    footprint = np.ascontiguousarray(to_host(footprint), dtype=bool)
    if footprint.ndim != 2:
        raise ValueError(
            f"footprint must be 2-D, got {footprint.ndim}-D with shape {footprint.shape}"
        )
    # A side of even length has no middle: photutils takes the upper of the two middle pixels for a
    # full footprint, and the lower one for any other.
    is_full = bool(footprint.all())
    center = tuple((side - (not is_full)) // 2 for side in footprint.shape)
    return masks.dilate(mask, footprint, center, n_threads)


def outline_segments(table: LabelTable, mask_background: bool) -> Any:
    """Make an image of outlines; see `~skyshed.SegmentationImage.outline_segments`."""
    table.check_2d("outline_segments")
    data = table.data
    if mask_background:
        only_on_host(data, "a masked array", "leave mask_background out; outlines are not 0")
    middle = data[1:-1, 1:-1]
    outlines = data.copy()
    outlines[1:-1, 1:-1][
        (middle == data[:-2, 1:-1])
        & (middle == data[2:, 1:-1])
        & (middle == data[1:-1, :-2])
        & (middle == data[1:-1, 2:])
    ] = 0
    return np.ma.masked_where(outlines == 0, outlines) if mask_background else outlines
