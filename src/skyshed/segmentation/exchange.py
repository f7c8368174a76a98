"""Segmentation images of photutils: recognising, reading and making them."""

import inspect
from typing import Any

import numpy as np

from skyshed.namespace import to_host
from skyshed.optional import need
from skyshed.segmentation.label_table import LabelTable
from skyshed.segmentation.numbering import is_array
from skyshed.segmentation.provenance import Provenance

__all__ = ["is_photutils_image", "make_photutils_image", "read_provenance"]

#: What a segmentation image of photutils has, from its first release to 3.1.
ATTRIBUTES = ("labels", "slices", "areas", "keep_labels", "relabel_consecutive")


def is_photutils_image(segm: Any) -> bool:
    """Whether ``segm`` is a segmentation image of photutils, which is not imported to find out."""
    return is_array(getattr(segm, "data", None)) and all(hasattr(segm, n) for n in ATTRIBUTES)


def read_provenance(segm: Any, labels: Any) -> Provenance:
    """Return the parents of deblended labels, and the flags, that photutils' image has.

    Parameters
    ----------
    segm : `photutils.segmentation.SegmentationImage`
        An image of any release of photutils.
    labels : array of int, shape (n,)
        Its labels.
    """
    # photutils 2 had the older name, and newer releases warn about it.
    children = getattr(segm, "parent_to_deblended_labels", None)
    if children is None:
        children = getattr(segm, "deblended_labels_inverse_map", {})
    groups = [np.empty(0, np.int64), *map(np.asarray, children.values())]
    parents = np.repeat(np.array(list(children), np.int64), [len(g) for g in groups[1:]])
    flags = getattr(segm, "flags", None)
    return Provenance.from_maps(
        (np.concatenate(groups), parents), None if flags is None else (labels, flags)
    )


def make_photutils_image(data: Any, table: LabelTable, info: dict[str, Any]) -> Any:
    """Make photutils' segmentation image; see `~skyshed.SegmentationImage.to_photutils`."""
    kind = need("photutils.segmentation", "to_photutils()").SegmentationImage
    # `skyshed.accel` may stand in photutils' place.
    segm = inspect.unwrap(kind)(to_host(data))
    provenance = table.provenance
    notes = {
        "_deblend_label_map": provenance.children_of(table.dtype),
        "_flags_map": dict(
            zip(provenance.flagged.tolist(), provenance.flags.tolist(), strict=True)
        ),
        "info": dict(info),
    }
    for name, value in notes.items():
        if hasattr(segm, name):
            setattr(segm, name, value)
    return segm
