"""The images that a catalog measures, and where they lie in the whole image."""

from collections.abc import Callable
from typing import Any

import numpy as np

from skyshed.kernels.finiteness import all_finite
from skyshed.namespace import array_namespace, in_one_transfer, is_device_array

__all__ = ["Frame", "Lazy", "bad_pixels"]

#: Copies small device arrays to the host.
Fetch = Callable[..., tuple[Any, ...]]


class Lazy:
    """An image that is made when it is first needed, and can be released.

    Parameters
    ----------
    make : callable
        Makes the image, with the same bits each time. Whatever it refers to stays in memory.
    held : array, optional
        The image, if it exists already.
    keep : bool, optional
        Whether to hold the image once it was made. Otherwise it is made each time it is needed.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.frame import Lazy
    >>> lazy = Lazy(lambda: np.ones((2, 2)), held=np.ones((2, 2)), keep=False)
    >>> lazy.get() is lazy.get()
    True
    >>> lazy.release()
    >>> lazy.get() is lazy.get()
    False
    """

    def __init__(self, make: Callable[[], Any], held: Any = None, keep: bool = True) -> None:
        self._make = make
        self._held = held
        #: Whether to hold the image once it was made.
        self.keep = keep

    def get(self) -> Any:
        """Return the image: the one that is held, or else a new one."""
        image = self._held
        if image is None:
            image = self._make()
            if self.keep:
                self._held = image
        return image

    def release(self) -> None:
        """Release the image; it is made again if it is needed again."""
        self._held = None


class Frame:
    """Images of one field, or of one tile of it, all of one shape and on one device.

    Measurements are made relative to each source's own bounding box; ``origin`` is added last, and
    apertures are clipped to ``full_shape``, so that a tile gives the bits of the whole image.

    Frames do not change. Any image may be given as a `Lazy`; the attributes are always arrays.

    Parameters
    ----------
    data : array of float32 or float64, shape (ny, nx), C-contiguous
        The background-subtracted image that fluxes are measured on.
    labels : array of int32, shape (ny, nx), C-contiguous
        Which source each pixel belongs to; 0 is none.
    convolved_data : array or None
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
        The shape of the whole image; that of the frame where None.
    input_mask : array of bool or None
        The part of ``mask`` that the caller gave. Centroids and shapes ignore these pixels only:
        where ``data`` are not finite, ``convolved_data`` may be (convolution interpolates).
    threshold : array or None
        What a pixel had to exceed to be detected.
    n_images : int
        How many equal images these are, one below the other, each of which is whole; ``full_shape``
        is that of one. Positions are in the image of the source, and nothing of a source is
        measured in another.
    kept : `skyshed.catalog.kept_weights.WeightsInCommon` or None
        Weights of apertures, for frames of the same pixels and labels that are measured after one
        another.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.frame import Frame
    >>> data = np.array([[1.0, np.nan], [3.0, 4.0]])
    >>> frame = Frame.from_images(data, np.ones((2, 2), np.int32), origin=(10, 0))
    >>> frame.mask
    array([[False,  True],
           [False, False]])
    >>> frame.shape, frame.origin
    ((2, 2), (10, 0))
    """

    def __init__(
        self,
        data: Any,
        labels: Any,
        convolved_data: Any = None,
        error: Any = None,
        background: Any = None,
        mask: Any = None,
        origin: tuple[int, int] = (0, 0),
        full_shape: tuple[int, int] | None = None,
        input_mask: Any = None,
        threshold: Any = None,
        n_images: int = 1,
        kept: Any = None,
    ) -> None:
        self._images = {
            "data": data, "labels": labels, "convolved_data": convolved_data, "error": error,
            "background": background, "mask": mask, "input_mask": input_mask,
            "threshold": threshold,
        }  # fmt: skip
        self._origin = origin
        self._full_shape = full_shape
        self.n_images = n_images
        self.kept = kept

    @classmethod
    def from_images(
        cls,
        data: Any,
        labels: Any,
        mask: Any = None,
        n_threads: int | None = None,
        fetch: Fetch = in_one_transfer,
        finite: bool = False,
        **others: Any,
    ) -> "Frame":
        """Make a frame of an image, and mask its non-finite pixels.

        Parameters
        ----------
        data, labels : array
            As for the class.
        mask : array of bool, shape (ny, nx), or None
            The caller's mask: the ``input_mask`` of the frame.
        n_threads : int, optional
            Threads to look for such pixels with; `None` for all available cores.
        fetch : callable, optional
            Copies device arrays to the host, and may copy more than it is asked for.
        finite : bool, optional
            Whether it is known that all data are finite that anything is measured on, or masked.
        **others
            Other arguments of the class.
        """
        if finite:
            bad = None if mask is None else mask.view()  # as where some are not
        else:
            bad = bad_pixels(data, mask, n_threads, fetch)
        return cls(data, labels, mask=bad, input_mask=mask, **others)

    def replace(self, **changes: Any) -> "Frame":
        """Return a frame with some arguments replaced; images that are `Lazy` stay so."""
        arguments = {
            **self._images, "origin": self._origin, "full_shape": self._full_shape,
            "n_images": self.n_images, "kept": self.kept,
        }  # fmt: skip
        return Frame(**{**arguments, **changes})

    def __getstate__(self) -> dict[str, Any]:
        # The function that makes an image may not be copyable or picklable; the image is.
        images = {
            name: image.get() if isinstance(image, Lazy) and image.keep else image
            for name, image in self._images.items()
        }
        return {**vars(self), "_images": images}

    def _image(self, name: str) -> Any:
        image = self._images[name]
        return image.get() if isinstance(image, Lazy) else image

    @property
    def data(self) -> Any:
        """The background-subtracted image that fluxes are measured on."""
        return self._image("data")

    @property
    def labels(self) -> Any:
        """Which source each pixel belongs to; 0 is none."""
        return self._image("labels")

    @property
    def convolved_data(self) -> Any:
        """The convolved image, or None; see `shape_data`."""
        return self._image("convolved_data")

    @property
    def error(self) -> Any:
        """Total 1-sigma error of each pixel, or None."""
        return self._image("error")

    @property
    def background(self) -> Any:
        """The background that was subtracted, or None."""
        return self._image("background")

    @property
    def mask(self) -> Any:
        """True where a pixel is to be ignored, non-finite ``data`` included; None for nowhere."""
        return self._image("mask")

    @property
    def input_mask(self) -> Any:
        """The part of ``mask`` that the caller gave, or None."""
        return self._image("input_mask")

    @property
    def threshold(self) -> Any:
        """What a pixel had to exceed to be detected, or None where that is not known."""
        return self._image("threshold")

    @property
    def origin(self) -> tuple[int, int]:
        """The index ``(y, x)`` of this frame's first pixel in the whole image."""
        return self._origin

    def first_rows(self, sources: Any) -> Any:
        """Return which row of the frame the image of each source begins at, int64, shape (n,)."""
        height = self.shape[0] // self.n_images
        return sources.host.bbox[:, 0] // height * height

    def origins(self, sources: Any) -> Any:
        """Return the origin of the frame as the image of each source has it, int64, shape (n, 2).

        Parameters
        ----------
        sources : `~skyshed.sources.Sources`
            The n sources.
        """
        origins = np.tile(np.asarray(self._origin, np.int64), (len(sources), 1))
        if self.n_images > 1:
            origins[:, 0] -= self.first_rows(sources)
        return origins

    @property
    def xp(self) -> Any:
        """The array namespace of the images."""
        return array_namespace(data=self.labels)

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of this frame's images."""
        shape: tuple[int, int] = self.labels.shape
        return shape

    @property
    def full_shape(self) -> tuple[int, int]:
        """The shape of the whole image that this frame is a part of."""
        return self._full_shape or self.shape

    @property
    def is_whole(self) -> bool:
        """Whether the frame is the whole image."""
        return self.shape == self.full_shape

    @property
    def shape_data(self) -> Any:
        """The image that centroids and shapes are measured on."""
        convolved = self.convolved_data
        return self.data if convolved is None else convolved


def bad_pixels(
    data: Any, mask: Any, n_threads: int | None = None, fetch: Fetch = in_one_transfer
) -> Any:
    """Return a mask that also covers non-finite data; the given one only if all data are finite.

    Parameters
    ----------
    data : array of float, shape (ny, nx)
        The image.
    mask : array of bool, shape (ny, nx), or None
        True where pixels are masked.
    n_threads : int, optional
        Threads of the host; `None` for all available cores.
    fetch : callable, optional
        As for `Frame.from_images`.
    """
    xp = array_namespace(data=data)
    if _is_finite(data, n_threads, fetch):
        return mask
    if mask is not None and not is_device_array(data) and all_finite(data, n_threads, mask):
        return mask.view()  # another array, by which it is known that there are some
    bad = xp.isfinite(data)
    np.logical_not(bad, out=bad)  # one image, not one for each step
    return bad if mask is None else np.logical_or(bad, mask, out=bad)


def _is_finite(data: Any, n_threads: int | None, fetch: Fetch) -> bool:
    """Whether all data are finite; on a device also of a size that can be added up."""
    if is_device_array(data):
        return bool(np.isfinite(fetch(np.sum(data))[0]))
    return bool(all_finite(data, n_threads))
