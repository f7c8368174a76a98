"""The images that a catalog measures, and where they lie in the whole."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from skyshed.namespace import array_namespace

__all__ = ["Frame", "Remade"]


@dataclass(frozen=True)
class Remade:
    """An image that is made whenever it is asked for: it is seldom needed, and quickly made.

    Attributes
    ----------
    make : callable
        Makes it; the same bits each time.
    """

    make: Callable[[], Any]


@dataclass(frozen=True, eq=False)
class Frame:
    """Images of one field, or of one tile of it, all of one shape and on one device.

    Measurements are made relative to each source's own bounding box; ``origin`` is added last, and
    apertures are clipped to ``full_shape``. So a tile's answer has the bits of the whole image's.

    Attributes
    ----------
    data : array of float32 or float64, shape (ny, nx)
        The background-subtracted image that fluxes are measured on.
    labels : array of int32, shape (ny, nx)
        Which source each pixel belongs to; 0 is none.
    convolved_data : array, Remade or None
        The image that centroids and shapes are measured on; ``data`` where None.
    error : array or None
        Total 1-sigma error of each pixel.
    background : array or None
        The background that was subtracted.
    mask : array of bool or None
        True where a pixel is to be ignored, non-finite ``data`` included.
    origin : tuple of int
        The index ``(y, x)`` of this frame's first pixel in the whole image.
    full_shape : tuple of int or None
        The shape of the whole image; that of ``data`` where None.
    input_mask : array of bool or None
        The part of ``mask`` that the caller gave. Centroids and shapes ignore these pixels only:
        where ``data`` are not finite, ``convolved_data`` may be (convolution interpolates).
    """

    data: Any
    labels: Any
    convolved_data: Any = None
    error: Any = None
    background: Any = None
    mask: Any = None
    origin: tuple[int, int] = (0, 0)
    full_shape: tuple[int, int] | None = None
    input_mask: Any = None

    @property
    def xp(self) -> Any:
        """The array namespace of the images."""
        return array_namespace(data=self.data)

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of this frame's images."""
        return self.data.shape

    @property
    def whole_shape(self) -> tuple[int, int]:
        """The shape of the whole image that this frame is a part of."""
        return self.full_shape or self.data.shape

    @property
    def shape_data(self) -> Any:
        """The image that centroids and shapes are measured on."""
        if isinstance(self.convolved_data, Remade):
            return self.convolved_data.make()
        return self.data if self.convolved_data is None else self.convolved_data
