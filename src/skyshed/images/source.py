"""What every image has in common, whatever holds its pixels."""

import os
from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from skyshed.images.cards import Cards
from skyshed.images.hdu_facts import HduFacts
from skyshed.images.window import Window

__all__ = ["ImageSource"]


class ImageSource(ABC):
    """An image that is read by windows.

    Sources are small, can be sent to other processes and are read from several threads. A new kind
    is a class with an opener; see `skyshed.images.open.register`.

    Attributes
    ----------
    shape : tuple of int
        Rows and columns.
    dtype : dtype
        That of what `read` returns, in native byte order.
    unit : `~astropy.units.UnitBase` or None
        The unit of the pixels.
    wcs : object or None
        The celestial WCS.
    label : str
        What messages call the image.
    """

    shape: tuple[int, int]
    dtype: np.dtype
    unit: Any
    wcs: Any

    #: Whether the unit comes from a file's header. Those of companions are often copied from
    #: another image, so a unit that makes no sense there is overlooked.
    unit_from_header: bool = False
    #: Which HDU of a file it is, for its companions to be paired with.
    hdu: HduFacts | None = None
    #: The cards of its header, where it has one.
    header: Cards | None = None
    #: The value of pixels without one, of integers that are read as they are stored.
    blank: int | None = None
    #: What a header says the unit is, where that is not known.
    unknown_unit: str = ""
    #: Whether a window takes less memory to read than the whole image.
    windowed: bool = True

    @property
    def label(self) -> str:
        """What messages call the image."""
        return type(self).__name__

    @property
    def everything(self) -> Window:
        """The window that holds the whole image."""
        return Window(0, self.shape[0], 0, self.shape[1])

    @property
    def bases(self) -> "tuple[ImageSource, ...]":
        """The images that this one is made of, each of which is read from one place."""
        return (self,)

    def lacks(self, window: Window) -> str:
        """Say why a window cannot be read, as far as that is known without reading it."""
        return ""

    @property
    def checked(self) -> str:
        """What `doubts` checks, which several images may be of: planes of an HDU."""
        return self.label

    def doubts(self) -> list[str]:
        """Say what of the pixels, and of the header, is not as it was written.

        Pixels are read for that, where a file has checksums.

        Raises
        ------
        OSError
            If a checksum that no program leaves behind says that the file is damaged.
        """
        return []

    @property
    def held_bytes(self) -> int:
        """The bytes of this process's memory that the pixels take already; 0 for files."""
        return 0

    def as_integers(self) -> "ImageSource":
        """Return the image as integers, for bits and labels, where NaN stands for blank ones.

        Blank pixels have the value ``blank`` then. An image of other pixels is itself.
        """
        return self

    def as_bits(self) -> "ImageSource":
        """Return the image as `as_integers` does, for what only the bits count of."""
        return self.as_integers()

    def as_mask(self) -> "ImageSource":
        """Return the image as `as_bits` does, for a mask, where pixels without a value are bad.

        They have the value ``blank``, or all bits.
        """
        return self.as_bits()

    @abstractmethod
    def read(self, window: Window) -> Any:
        """Return the pixels of a window, C-contiguous and in native byte order.

        The array may share its memory with the user's image: it must not be written to.

        Raises
        ------
        OSError
            If the pixels cannot be read; the message names the image and the window.
        """

    def read_marked(self, window: Window, device: str | None) -> tuple[Any, Any]:
        """Return the pixels of a window, and which of them are not finite.

        Parameters
        ----------
        window : Window
            What to read.
        device : {None, 'cpu', 'cuda'}
            Where the pixels are wanted. They may be elsewhere: as `read` returns them.

        Returns
        -------
        pixels : array
            As of `read`.
        bad : array of bool, or None
            `None` for integers, and where it is not known yet: of floats whoever wants it looks.

        Raises
        ------
        OSError
            If the pixels cannot be read.
        """
        return self.read(window), None

    @abstractmethod
    def origin(self) -> dict[str, Any]:
        """Return where the image comes from, for the record: ``input`` and what specifies it."""

    @property
    def files(self) -> list[str]:
        """The files, or folders, that the pixels are read from; none for those in memory."""
        path = self.origin().get("input")
        return [path] if isinstance(path, str) and os.path.exists(path) else []

    @abstractmethod
    def fingerprint(self) -> dict[str, Any]:
        """Return facts that differ if the image was changed, without reading all of it.

        Returns
        -------
        facts : dict
            Texts, integers and lists of them, which JSON can hold.

        Raises
        ------
        OSError
            If a file is no longer there.
        """

    def description(self) -> dict[str, Any]:
        """Return the facts that every fingerprint has: shape, dtype and unit."""
        return {
            "shape": [int(length) for length in self.shape],
            "dtype": str(self.dtype),
            "unit": str(self.unit or ""),
        }
