"""Images that are made of another one, and are what it is unless they say otherwise."""

from abc import abstractmethod
from typing import Any

import numpy as np

from skyshed.images.cards import Cards
from skyshed.images.hdu_facts import HduFacts
from skyshed.images.source import ImageSource
from skyshed.images.window import Window

__all__ = ["MadeOfAnother"]


class MadeOfAnother(ImageSource):
    """An image that passes on all that another one tells, but for its pixels.

    So that nothing is lost, such as BLANK, when `ImageSource` comes to tell more: a test compares
    the two.
    """

    @property
    @abstractmethod
    def other(self) -> ImageSource:
        """The image that it is made of."""

    @property
    def shape(self) -> tuple[int, int]:  # type: ignore[override]
        """Rows and columns."""
        return self.other.shape

    @property
    def dtype(self) -> np.dtype:  # type: ignore[override]
        """The dtype of what `read` returns."""
        return self.other.dtype

    @property
    def unit(self) -> Any:
        """The unit of the pixels."""
        return self.other.unit

    @property
    def wcs(self) -> Any:
        """The celestial WCS."""
        return self.other.wcs

    @property
    def label(self) -> str:
        """What messages call the image."""
        return self.other.label

    @property
    def unit_from_header(self) -> bool:  # type: ignore[override]
        """Whether the unit comes from a file's header."""
        return self.other.unit_from_header

    @property
    def unknown_unit(self) -> str:  # type: ignore[override]
        """What a header says the unit is, where that is not known."""
        return self.other.unknown_unit

    @property
    def hdu(self) -> HduFacts | None:  # type: ignore[override]
        """What the HDU says it is."""
        return self.other.hdu

    @property
    def header(self) -> Cards | None:  # type: ignore[override]
        """The cards of its header."""
        return self.other.header

    @property
    def blank(self) -> int | None:  # type: ignore[override]
        """The value of pixels without one, of integers that are read as they are stored."""
        return self.other.blank

    @property
    def windowed(self) -> bool:  # type: ignore[override]
        """Whether a window takes less memory to read than the whole image."""
        return self.other.windowed

    @property
    def held_bytes(self) -> int:
        """The bytes of this process's memory that the pixels take already."""
        return self.other.held_bytes

    @property
    def bases(self) -> tuple[ImageSource, ...]:
        """Those of the other image."""
        return self.other.bases

    def lacks(self, window: Window) -> str:
        """Say why a window of the other image cannot be read; see `ImageSource.lacks`."""
        return self.other.lacks(window)

    @property
    def checked(self) -> str:
        """What `doubts` of the other image checks."""
        return self.other.checked

    def doubts(self) -> list[str]:
        """Say what of the other image is not as it was written; see `ImageSource.doubts`."""
        return self.other.doubts()

    def origin(self) -> dict[str, Any]:
        """Return where the image comes from; see `ImageSource.origin`."""
        return self.other.origin()

    @property
    def files(self) -> list[str]:
        """Those of the other image; see `ImageSource.files`."""
        return self.other.files

    def fingerprint(self) -> dict[str, Any]:
        """Return that of the other image; see `ImageSource.fingerprint`."""
        return self.other.fingerprint()
