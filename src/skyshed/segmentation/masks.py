"""Images of where the sources are: grown masks and outlines."""

from typing import Any

import numpy as np

from skyshed.arguments import check_positive_integer
from skyshed.kernels import masks
from skyshed.namespace import array_namespace, only_on_host, to_host
from skyshed.segmentation.labels import Labels

__all__ = ["Masks"]


class Masks(Labels):
    """The methods of a `SegmentationImage` that draw its sources into an image."""

    def make_source_mask(
        self, size: Any = None, footprint: Any = None, *, n_threads: int | None = None
    ) -> Any:
        """Make a mask of all sources, grown by a footprint if one is given.

        Parameters
        ----------
        size : int or tuple of int, optional
            Sides ``(ny, nx)`` of a rectangular footprint; one number for a square.
        footprint : array_like, shape (my, mx), optional
            The pixels (those that are not 0) that each pixel grows to. It overrides ``size``.
        n_threads : int, optional
            Threads to use; `None` for all available cores.

        Returns
        -------
        mask : array of bool, shape (ny, nx)
            True at the sources.

        Raises
        ------
        ValueError
            If ``size`` is not one or two positive integers, or ``footprint`` not 2-D.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SegmentationImage
        >>> segm = SegmentationImage(np.array([[0, 0, 0, 0], [3, 0, 0, 0]]))
        >>> segm.make_source_mask(size=3)
        array([[ True,  True, False, False],
               [ True,  True, False, False]])
        """
        mask = array_namespace(data=self._data).ascontiguousarray(self._data != 0)
        if footprint is None and size is None:
            return mask
        self._check_2d("Growing a mask")
        if footprint is None:
            footprint = np.ones(_sides(size), bool)
        footprint = np.ascontiguousarray(to_host(footprint), dtype=bool)
        if footprint.ndim != 2:
            raise ValueError(
                f"footprint must be 2-D, got {footprint.ndim}-D with shape {footprint.shape}"
            )
        # A side of even length has no middle: photutils takes the upper of the two pixels there
        # for a full footprint, the lower one for any other.
        full = bool(footprint.all())
        center = tuple((side - (not full)) // 2 for side in footprint.shape)
        return masks.dilate(mask, footprint, center, n_threads)

    def outline_segments(self, mask_background: bool = False) -> Any:
        """Make an image of the sources' outer pixels.

        Parameters
        ----------
        mask_background : bool, optional
            Whether to return a masked array, masked wherever there is no outline.

        Returns
        -------
        outlines : array of int or `~numpy.ma.MaskedArray`, shape (ny, nx)
            The label of every pixel with a pixel of another label, the background or the edge of
            the image above, below, left or right of it; 0 elsewhere.

        Examples
        --------
        >>> import numpy as np
        >>> from skyshed import SegmentationImage
        >>> segm = SegmentationImage(np.array([[1, 1, 1], [1, 1, 1], [1, 1, 1], [0, 2, 2]]))
        >>> segm.outline_segments()
        array([[1, 1, 1],
               [1, 0, 1],
               [1, 1, 1],
               [0, 2, 2]])
        """
        self._check_2d("outline_segments")
        data = self._data
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


def _sides(size: Any) -> tuple[int, int]:
    """Return ``size`` as the sides (ny, nx) of a rectangle."""
    sides = np.atleast_1d(size).tolist()
    if len(sides) not in (1, 2):
        raise ValueError(f"size must be one or two positive integers (ny, nx), got {size!r}")
    ny, nx = (check_positive_integer(side, "size") for side in (sides[0], sides[-1]))
    return ny, nx
