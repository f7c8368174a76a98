"""What every task of a run over tiles knows: the field, the parameters, the tiles, the folder."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from skyshed.mosaic.field import Field
from skyshed.mosaic.tiles import Tiling
from skyshed.mosaic.workspace import Workspace
from skyshed.pipeline.parameters import Parameters

__all__ = ["Job"]


@dataclass(frozen=True, eq=False)
class Job:
    """A run over tiles, as it is sent to workers.

    Attributes
    ----------
    field : Field
        The image and its companions.
    parameters : Parameters
        Those of the chain; ``n_threads`` is that of one task.
    tiling : Tiling
        The tiles.
    workspace : Workspace
        Where the phases leave what they found.
    margin : int
        Pixels around a tile that are read with it for the apertures of its sources.
    wcs : object or None
        A WCS that goes before the image's own.
    """

    field: Field
    parameters: Parameters
    tiling: Tiling
    workspace: Workspace
    margin: int
    wcs: Any = None

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of the whole image."""
        return self.tiling.shape

    @property
    def halo(self) -> int:
        """How many pixels beyond its edge a convolved tile depends on."""
        smooth = self.parameters.kernel_fwhm and self.parameters.kernel_size
        return self.parameters.kernel_size // 2 if smooth else 0

    @property
    def sky(self) -> Any:
        """The WCS of the whole image, or None."""
        return self.field.image.wcs if self.wcs is None else self.wcs

    @property
    def box_size(self) -> tuple[int, int]:
        """Height and width of the boxes of the background."""
        height, width = np.minimum(self.parameters.box_size, self.shape).tolist()
        return height, width

    @cached_property
    def maps(self) -> dict[str, Any]:
        """The maps of labels in the workspace: of pieces, and of sources."""
        import zarr

        folder = self.workspace.path("maps")
        return {name: zarr.open_array(folder / name, mode="r+") for name in ("pieces", "sources")}

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "maps"}
