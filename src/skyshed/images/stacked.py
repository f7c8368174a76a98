"""Equal images, one below the other, read as one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from skyshed.images.made_of import MadeOfAnother
from skyshed.images.source import ImageSource
from skyshed.images.window import Window
from skyshed.namespace import array_namespace

__all__ = ["StackedSource"]


@dataclass(frozen=True, eq=False)
class StackedSource(MadeOfAnother):
    """Several images of one shape, one below the other; it is read as a whole.

    Attributes
    ----------
    images : sequence of ImageSource
        The images. What is told of it besides the pixels is told of the first.
    """

    images: Sequence[ImageSource]

    @property
    def other(self) -> ImageSource:
        """The first image."""
        return self.images[0]

    @property
    def shape(self) -> tuple[int, int]:  # type: ignore[override]
        """Rows of all images together, and columns."""
        ny, nx = self.other.shape
        return len(self.images) * ny, nx

    def read(self, window: Window) -> Any:
        """Return the pixels of all images; see `ImageSource.read`."""
        return one_below_the_other([each.read(each.everything) for each in self.images])

    def read_marked(self, window: Window, device: str | None) -> tuple[Any, Any]:
        """Return the pixels, and which are not finite; see `ImageSource.read_marked`."""
        parts = [each.read_marked(each.everything, device) for each in self.images]
        marks = [bad for _, bad in parts]
        unknown = any(bad is None for bad in marks)
        pixels = one_below_the_other([image for image, _ in parts])
        return pixels, None if unknown else one_below_the_other(marks)

    def as_integers(self) -> ImageSource:
        """Return the images as integers; see `ImageSource.as_integers`."""
        return StackedSource([each.as_integers() for each in self.images])

    def as_bits(self) -> ImageSource:
        """Return the images as bits; see `ImageSource.as_bits`."""
        return StackedSource([each.as_bits() for each in self.images])

    def as_mask(self) -> ImageSource:
        """Return the images as masks; see `ImageSource.as_mask`."""
        return StackedSource([each.as_mask() for each in self.images])


def one_below_the_other(images: Sequence[Any]) -> Any:
    """Return equal images as one; those that follow each other in an array are not copied.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.images.stacked import one_below_the_other
    >>> stack = np.arange(12).reshape(3, 2, 2)
    >>> one_below_the_other([stack[1], stack[2]])
    array([[ 4,  5],
           [ 6,  7],
           [ 8,  9],
           [10, 11]])
    """
    first, n = images[0], len(images)
    (ny, nx), base = first.shape, first.base
    if hasattr(base, "flags") and base.flags.c_contiguous and base.dtype == first.dtype:
        begin, size = (_address(first) - _address(base)) // first.itemsize, first.size
        if all(
            each.base is base and each.flags.c_contiguous and each.shape == (ny, nx)
            and _address(each) == _address(first) + k * first.nbytes
            for k, each in enumerate(images)
        ):  # fmt: skip
            return base.reshape(-1)[begin : begin + n * size].reshape(n * ny, nx)
    return array_namespace(**{f"images[{k}]": each for k, each in enumerate(images)}).concatenate(
        images
    )


def _address(array: Any) -> int:
    """Return where the first pixel of an array is in the memory of its device."""
    if isinstance(array, np.ndarray):
        return int(array.__array_interface__["data"][0])
    return int(array.data.ptr)
