"""Labels that are stored as floats: whole numbers, or no labels."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skyshed.images.made_of import MadeOfAnother
from skyshed.images.pixels import RefusedError
from skyshed.images.source import ImageSource
from skyshed.images.window import Window
from skyshed.namespace import array_namespace

__all__ = ["WholeNumbers"]


@dataclass(frozen=True, eq=False)
class WholeNumbers(MadeOfAnother):
    """An image of floats, read as the labels that they are; NaN is no source.

    Attributes
    ----------
    floats : ImageSource
        The image.
    name : str
        What messages call it.
    to_renumber : bool
        Whether labels may be larger than int32 holds, as they will be numbered anew.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.images import Window, open_image
    >>> from skyshed.images.whole_numbers import WholeNumbers
    >>> floats = open_image(np.array([[0.0, 3.0, np.nan]])).image
    >>> WholeNumbers(floats, "segmentation").read(Window(0, 1, 0, 3))
    array([[0, 3, 0]], dtype=int32)
    """

    floats: ImageSource
    name: str
    to_renumber: bool = False

    @property
    def other(self) -> ImageSource:
        """The image of floats."""
        return self.floats

    @property
    def dtype(self) -> np.dtype:  # type: ignore[override]
        """The dtype of labels."""
        return np.dtype(np.int64 if self.to_renumber else np.int32)

    @property
    def largest(self) -> int:
        """The largest label that the floats tell from its neighbours, and the dtype holds."""
        exact: int = 2 ** (np.finfo(self.floats.dtype).nmant + 1)
        return min(exact, int(np.iinfo(self.dtype).max))

    @property
    def _for_larger(self) -> str:
        """What to do about labels that are larger."""
        if self.largest < np.iinfo(self.dtype).max:
            return "give labels that are larger as integers, which tell them apart"
        return "see renumber (--renumber) for larger ones"

    def read(self, window: Window) -> Any:
        """Return the labels of a window; see `ImageSource.read`.

        Raises
        ------
        ValueError
            If a value is no whole number, or none that can be a label.
        """
        values = self.floats.read(window)
        xp = array_namespace(values=values)
        values = xp.where(xp.isnan(values), values.dtype.type(0), values)
        bad = (values != xp.floor(values)) | (values < 0) | (values > self.largest)
        if xp.any(bad):
            raise RefusedError(
                f"{self.name} must hold labels from 0, which is no source, to {self.largest} in "
                f"{self.floats.dtype}; it has {float(values[bad][0])} in {self.label}: make sure "
                f"that it is a map of labels, and {self._for_larger}"
            )
        return values.astype(self.dtype)
