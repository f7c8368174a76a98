"""The backgrounds of equal images, one below the other."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skyshed.background.window import BackgroundWindow
from skyshed.cached import cached_property

__all__ = ["BackgroundStack"]


@dataclass(frozen=True, eq=False)
class BackgroundStack:
    """Level and noise of the background at every pixel of equal images.

    Of each image the bits are those of its own background.

    Attributes
    ----------
    images : sequence of BackgroundWindow
        The backgrounds of the whole images, which differ in nothing but their meshes.
    """

    images: tuple[BackgroundWindow, ...]

    @property
    def dtype(self) -> Any:
        """The dtype of the images."""
        return self.images[0].dtype

    @property
    def xp(self) -> Any:
        """The array library of the maps."""
        return self.images[0].xp

    @property
    def window(self) -> tuple[int, int, int, int]:
        """The pixels of each image that these are."""
        return self.images[0].window

    @property
    def background(self) -> Any:
        """The level at every pixel, shape (n * ny, nx), computed each time it is asked for."""
        return self._expand("level")

    @property
    def background_rms(self) -> Any:
        """The noise at every pixel, shape (n * ny, nx), computed each time it is asked for."""
        return self._expand("noise")

    @cached_property
    def _spline(self) -> dict[str, Any]:
        """The coefficients of both meshes of all images."""
        interpolator = self.images[0].interpolator
        return {
            name: np.stack([each.mesh.coefficients(name, interpolator) for each in self.images])
            for name in ("level", "noise")
        }

    def _expand(self, name: str) -> Any:
        first = self.images[0]
        meshes = np.stack([getattr(each.mesh, name) for each in self.images])
        coefficients = first.xp.asarray(self._spline[name])
        limits = meshes.min(axis=(1, 2)), meshes.max(axis=(1, 2))
        return first.interpolator.stacked(
            coefficients, limits, first.shape, first.box_size, meshes.dtype, first.n_threads
        )
