"""Detection and deblending in one call."""

from __future__ import annotations

from typing import Any

import numpy as np

from skyshed._typing import Image, Mask, Pair
from skyshed.arguments import as_pair, check_positive_integer
from skyshed.deblending import MAX_MARKERS, check_deblending, deblend_sources
from skyshed.detection import detect_sources
from skyshed.kernels.threads import resolve_n_threads
from skyshed.names import accept_aliases, both_names, canonical_attribute
from skyshed.peers import PassesAsPhotutils
from skyshed.segmentation import SegmentationImage

__all__ = ["SourceFinder"]


class SourceFinder(PassesAsPhotutils):
    """Detect sources and split those that overlap.

    Parameters
    ----------
    npixels : int or sequence of two int
        The least number of connected pixels of a source, and that of a peak when sources are split;
        one number stands for both. The attribute is an array of both.
    connectivity : {8, 4}, optional
        Whether pixels that touch at corners are connected (8) or only at edges (4).
    deblend : bool, optional
        Whether to split sources. If not, the following arguments have no effect.
    nlevels, contrast, mode, relabel, contrast_method, max_markers : optional
        See `deblend_sources`.
    n_threads : int, optional
        Threads to use; `None` for all available cores. The result is the same for any number.
    progress_bar : bool, optional
        Accepted for compatibility; no progress is shown.
    max_npixels : int, optional
        See `detect_sources`.

    Raises
    ------
    ValueError
        If an argument is out of range.
    TypeError
        If ``deblend`` or ``relabel`` is not a bool.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed import SourceFinder
    >>> data = np.array([[1, 9, 8, 2, 7, 9, 1]])
    >>> finder = SourceFinder(npixels=1)
    >>> finder(data, threshold=0).data
    array([[1, 1, 1, 1, 2, 2, 2]], dtype=int32)
    """

    @accept_aliases
    def __init__(
        self,
        npixels: Pair,
        connectivity: int = 8,
        deblend: bool = True,
        nlevels: int = 32,
        contrast: float = 0.001,
        mode: str = "exponential",
        relabel: bool = True,
        n_threads: int | None = None,
        progress_bar: bool = True,
        *,
        contrast_method: str | None = None,
        max_markers: int | None = MAX_MARKERS,
        max_npixels: int | None = None,
    ) -> None:
        self.npixels = np.array(
            as_pair(npixels, both_names("npixels"), order="(for detection and deblending)")
        )
        for name, value in (("deblend", deblend), ("relabel", relabel)):
            if not isinstance(value, (bool, np.bool_)):
                raise TypeError(f"{name} must be a boolean, got {value!r}: use True or False")
        check_deblending(nlevels, contrast, mode, connectivity, contrast_method, max_markers)
        if max_npixels is not None:
            check_positive_integer(max_npixels, "max_npixels")
        resolve_n_threads(n_threads)
        self.connectivity = connectivity
        self.deblend = deblend
        self.nlevels = nlevels
        self.contrast = contrast
        self.mode = mode
        self.relabel = relabel
        self.n_threads = n_threads
        self.progress_bar = progress_bar
        self.contrast_method = contrast_method
        self.max_markers = max_markers
        self.max_npixels = max_npixels

    def __repr__(self) -> str:
        # What photutils has not is shown where it is used.
        more = {"max_markers": MAX_MARKERS, "max_npixels": None}
        listed = ", ".join(
            f"{name}={value!r}"
            for name, value in vars(self).items()
            if name not in more or value != more[name]
        )
        return f"{type(self).__name__}({listed})"

    def __getattr__(self, name: str) -> Any:
        return canonical_attribute(self, name)

    def __call__(
        self,
        data: Image,
        threshold: Image,
        mask: Mask = None,
        *,
        deblend_data: Image | None = None,
    ) -> SegmentationImage | None:
        """Find the sources of an image.

        Parameters
        ----------
        data : array_like or Quantity, shape (ny, nx)
            The background-subtracted, usually convolved image.
        threshold : float, array_like or Quantity, shape () or (ny, nx)
            Pixels strictly above it are detected; in the unit of ``data``.
        mask : array_like of bool, shape (ny, nx), optional
            True for pixels to leave out: they belong to no source.
        deblend_data : array_like or Quantity, shape (ny, nx), optional
            Another image of the same pixels to look for peaks in, such as the one before
            convolution; ``data`` if `None`.

        Returns
        -------
        segment_img : `SegmentationImage` or None
            `None` if there is no source.

        Raises
        ------
        ValueError
            As `detect_sources` and `deblend_sources`.

        Warns
        -----
        NoDetectionsWarning, AstropyUserWarning
            As `detect_sources`.
        DeblendWarning
            As `deblend_sources`.
        """
        segment_img = detect_sources(
            data,
            threshold,
            self.npixels[0],
            connectivity=self.connectivity,
            mask=mask,
            n_threads=self.n_threads,
            max_npixels=self.max_npixels,
        )
        if segment_img is None or not self.deblend:
            return segment_img
        return deblend_sources(
            data if deblend_data is None else deblend_data,
            segment_img,
            self.npixels[1],
            nlevels=self.nlevels,
            contrast=self.contrast,
            mode=self.mode,
            connectivity=self.connectivity,
            relabel=self.relabel,
            n_threads=self.n_threads,
            contrast_method=self.contrast_method,
            max_markers=self.max_markers,
        )
