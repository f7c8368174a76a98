"""An image and what goes with it, read window by window as the chain's inputs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from skyshed.io.read import Image
from skyshed.mosaic.tiles import Window
from skyshed.pipeline.inputs import Inputs, combine

__all__ = ["COMPANIONS", "Field"]

#: What goes with an image, by the names of the arguments of `skyshed.extract`.
COMPANIONS = ("weight", "rms", "error", "mask")


@dataclass(frozen=True, eq=False)
class Field:
    """An image with its companions, any of which may be larger than memory.

    Attributes
    ----------
    image : windows
        See `skyshed.io.windows.open_windows`.
    companions : mapping of str to windows
        Some of `COMPANIONS`.
    image_mask : array-like of bool or None
        What the image itself masks.
    mask_bits : tuple of int or None
        Bits of an integer mask that count.
    scale_weight : bool
        Whether weights are right up to a factor only.
    device : {None, 'cpu', 'cuda'}
        Where windows are brought to.
    """

    image: Any
    companions: Mapping[str, Any]
    image_mask: Any = None
    mask_bits: tuple[int, ...] | None = None
    scale_weight: bool = False
    device: str | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of the whole image."""
        return self.image.shape

    def read(self, window: Window) -> Inputs:
        """Return the inputs of a window; its mask is None where all pixels are good.

        Raises
        ------
        OSError
            If a file cannot be read there.
        """
        bounds = window.y0, window.y1, window.x0, window.x1
        others: dict[str, Any] = dict.fromkeys(COMPANIONS)
        for name, windows in self.companions.items():
            others[name] = Image(
                windows.read(*bounds), windows.unit, origin=getattr(windows, "origin", None)
            )
        own = self.image_mask
        main = Image(
            self.image.read(*bounds), self.image.unit,
            mask=None if own is None else own[window.slices],
        )  # fmt: skip
        return combine(
            main, mask_bits=self.mask_bits, scale_weight=self.scale_weight, **others
        ).moved(self.device)
