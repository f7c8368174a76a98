"""An image and what goes with it, read window by window as the chain's inputs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from skyshed.images import ArrayWindows, FitsWindows
from skyshed.images.exposure import Inputs, combine
from skyshed.images.read import Image
from skyshed.images.window import Window

__all__ = ["COMPANIONS", "Field", "origin_of"]

#: What goes with an image, by the names of the arguments of `skyshed.extract`.
COMPANIONS = ("weight", "rms", "error", "mask")


@dataclass(frozen=True, eq=False)
class Field:
    """An image with its companions, any of which may be larger than memory.

    Attributes
    ----------
    image : windows
        See `skyshed.images.open_windows`.
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
            # Of files, units that make no sense are overlooked; see `combine`.
            origin = {} if isinstance(windows, ArrayWindows) else {"input_hdu": name}
            others[name] = Image(windows.read(*bounds), windows.unit, origin=origin)
        own = self.image_mask
        main = Image(
            self.image.read(*bounds), self.image.unit,
            mask=None if own is None else own[window.slices],
        )  # fmt: skip
        return combine(
            main, mask_bits=self.mask_bits, scale_weight=self.scale_weight, **others
        ).moved(self.device)


def origin_of(windows: Any) -> dict[str, Any]:
    """Return where windows come from, for the record."""
    region = getattr(windows, "region", None)
    if region is not None:
        y0, y1, x0, x1 = region
        return {**origin_of(windows.whole), "region": f"{y0}:{y1},{x0}:{x1}"}
    if isinstance(windows, FitsWindows):
        return {"input": windows.path, "input_hdu": windows.number}
    parts = getattr(windows, "parts", None)
    if parts is not None:
        return {"input": ", ".join(str(origin_of(each)["input"]) for each in parts)}
    return {"input": getattr(windows, "path", "array")}
