"""Integers that astropy has read as floats, NaN where they are blank: as they are stored again."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skyshed.images.blanks import Blanks
from skyshed.images.made_of import MadeOfAnother
from skyshed.images.pixels import RefusedError
from skyshed.images.source import ImageSource
from skyshed.images.window import Window

__all__ = ["StoredIntegers"]


@dataclass(frozen=True, eq=False)
class StoredIntegers(MadeOfAnother):
    """An image of floats, read as the integers that they were in their file.

    Attributes
    ----------
    floats : ImageSource
        The image; NaN are blank.
    blanks : Blanks
        How the integers are stored.
    called : str
        What messages call it.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.images import Window, open_image
    >>> from skyshed.images.blanks import blanks_of
    >>> from skyshed.images.stored_integers import StoredIntegers
    >>> floats = open_image(np.array([[4.0, np.nan]], np.float32)).image
    >>> blanks = blanks_of({"BITPIX": 16, "BLANK": -1})
    >>> StoredIntegers(floats, blanks, "mask").read(Window(0, 1, 0, 2))
    array([[ 4, -1]], dtype=int16)
    """

    floats: ImageSource
    blanks: Blanks
    called: str

    @property
    def other(self) -> ImageSource:
        """The image of floats."""
        return self.floats

    @property
    def dtype(self) -> np.dtype:  # type: ignore[override]
        """That of the integers."""
        return self.blanks.dtype

    @property
    def blank(self) -> int | None:  # type: ignore[override]
        """The integer that blank pixels are."""
        return self.blanks.value

    @property
    def label(self) -> str:
        """What messages call the image."""
        return self.called

    def read(self, window: Window) -> Any:
        """Return the integers of a window; see `ImageSource.read`.

        Raises
        ------
        ValueError
            If a value is none of the integers, or may be another one that was rounded.
        """
        values = self.floats.read(window)
        blank = np.isnan(values)
        limits, exact = np.iinfo(self.dtype), 2.0 ** (np.finfo(values.dtype).nmant + 1)
        whole = (values == np.floor(values)) & (values >= limits.min) & (values <= limits.max)
        bad = ~blank & ~(whole & (np.abs(values) < exact))
        if bad.any():
            raise RefusedError(
                f"{self.called} has {self.dtype} with BLANK, of which astropy makes "
                f"{values.dtype}: {float(values[bad][0])} may be another integer in the file; give "
                "the path of the file, which is read in another way"
            )
        integers = np.where(blank, values.dtype.type(0), values).astype(self.dtype)
        integers[blank] = self.blanks.value
        return integers
