"""Labels handed to and taken from other libraries."""

from typing import Any

import numpy as np

from skyshed.namespace import to_host
from skyshed.segmentation.labels import Labels
from skyshed.segmentation.numbering import is_array
from skyshed.segmentation.provenance import Provenance

__all__ = ["Exchange", "as_segmentation_image"]


class Exchange(Labels):
    """How a `SegmentationImage` becomes an array or a segmentation image of another library."""

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self.data, dtype=dtype, copy=copy)

    def __dlpack__(self, **kwargs: Any) -> Any:
        return self.data.__dlpack__(**kwargs)

    def __dlpack_device__(self) -> Any:
        return (self._held if self._reader is None else np.empty(0)).__dlpack_device__()

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        # An AttributeError tells other libraries to look for another way to the labels.
        if not self._is_on_device:
            raise AttributeError("the labels are on the host: they have no CUDA array interface")
        return self.data.__cuda_array_interface__

    @classmethod
    def from_photutils(cls, segm: Any) -> Any:
        """Take over a segmentation image of photutils.

        Functions that take a `SegmentationImage` take photutils' as well, and do this by
        themselves.

        Parameters
        ----------
        segm : `photutils.segmentation.SegmentationImage`
            It is not modified. Its array is shared until one of the two is edited.

        Returns
        -------
        segm : `SegmentationImage`
            With the same labels, parents of deblended labels, flags, and notes.

        Examples
        --------
        >>> import numpy as np
        >>> from photutils.segmentation import SegmentationImage as Peer
        >>> from skyshed import SegmentationImage
        >>> SegmentationImage.from_photutils(Peer(np.array([[0, 7], [2, 0]]))).labels
        array([2, 7])
        """
        new = cls(segm.data)
        # photutils 2 had the older name, and newer releases warn about it.
        children = getattr(segm, "parent_to_deblended_labels", None)
        if children is None:
            children = getattr(segm, "deblended_labels_inverse_map", {})
        groups = [np.empty(0, np.int64), *map(np.asarray, children.values())]
        parents = np.repeat(np.array(list(children), np.int64), [len(g) for g in groups[1:]])
        flags = getattr(segm, "flags", None)
        new._provenance = Provenance.from_maps(
            (np.concatenate(groups), parents), None if flags is None else (new.labels, flags)
        )
        new.info = dict(getattr(segm, "info", {}))
        return new

    def to_photutils(self) -> Any:
        """Return the labels as a segmentation image of photutils.

        Returns
        -------
        segm : `photutils.segmentation.SegmentationImage`
            It shares the array until one of the two is edited; labels of a device are copied to
            the host. It has the parents of deblended labels and, where that photutils knows them,
            flags and notes.

        Raises
        ------
        ImportError
            If photutils is not installed.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SegmentationImage
        >>> type(SegmentationImage(np.array([[0, 7], [2, 0]])).to_photutils()).__module__
        'photutils.segmentation.core'
        """
        try:
            from photutils.segmentation import SegmentationImage as Peer
        except ImportError as error:
            raise ImportError("to_photutils() needs photutils: pip install photutils") from error
        peer = Peer(to_host(self.data))
        provenance = self._provenance
        notes = {
            "_deblend_label_map": provenance.children_of(self.dtype),
            "_flags_map": dict(
                zip(provenance.flagged.tolist(), provenance.flags.tolist(), strict=True)
            ),
            "info": dict(self.info),
        }
        for name, value in notes.items():
            if hasattr(peer, name):
                setattr(peer, name, value)
        return peer


def as_segmentation_image(segm: Any, name: str) -> Any:
    """Return a `SegmentationImage`: the given one, or what photutils' holds.

    photutils is not imported: its objects are known by what they have.

    Raises
    ------
    TypeError
        If it is neither.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed import SegmentationImage
    >>> from skyshed.segmentation.exchange import as_segmentation_image
    >>> segm = SegmentationImage(np.array([[0, 7], [2, 0]]))
    >>> as_segmentation_image(segm, "segment_img") is segm
    True
    """
    from skyshed.segmentation.image import SegmentationImage

    if isinstance(segm, SegmentationImage):
        return segm
    if is_array(getattr(segm, "data", None)) and all(hasattr(segm, each) for each in PEER):
        return SegmentationImage.from_photutils(segm)
    raise TypeError(
        f"{name} must be a SegmentationImage instance, got {type(segm).__name__}: wrap an array of "
        "labels, SegmentationImage(labels)"
    )


#: What a segmentation image of photutils has, from its first release to 3.1.
PEER = ("labels", "slices", "areas", "keep_labels", "relabel_consecutive")
