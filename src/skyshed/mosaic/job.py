"""What every task of a run over tiles knows: the field, the parameters, the tiles, the folder."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from skyshed.images.field import Field
from skyshed.images.wcs import ExactWCS
from skyshed.mosaic.tiling import Tiling
from skyshed.mosaic.workspace import Workspace, WorkspaceError
from skyshed.parameters import Parameters

__all__ = ["MAPS", "Job"]

#: Maps of labels: of the pieces of each tile, by its own numbers, and of the sources.
MAPS = ("pieces", "segmentation")
#: Chunks are read whole where a tile needs the edge of another.
LARGEST_CHUNK = 1280


@dataclass(frozen=True, eq=False)
class Job:
    """A run over tiles, as it is sent to workers.

    Attributes
    ----------
    fields : dict of str to Field
        The ``image`` with its companions, on which fluxes are measured; and the ``band``, if there
        is another image for positions, shapes and apertures.
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
    given : windows or None
        A map of labels whose sources are measured; `None` if they are detected.
    """

    fields: dict[str, Field]
    parameters: Parameters
    tiling: Tiling
    workspace: Workspace
    margin: int
    wcs: Any = None
    given: Any = None

    @property
    def field(self) -> Field:
        """The image and its companions."""
        return self.fields["image"]

    @property
    def detected_on(self) -> str:
        """Which of the fields sources are detected on."""
        return "band" if "band" in self.fields else "image"

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of the whole image."""
        return self.tiling.shape

    @property
    def halo(self) -> int:
        """How many pixels beyond its edge a convolved tile depends on."""
        return (self.parameters.kernel_size or 0) // 2 if self.parameters.kernel_fwhm else 0

    @property
    def sky(self) -> Any:
        """The WCS of the whole image, or None."""
        known = [self.wcs, *(field.image.wcs for field in self.fields.values())]
        if self.given is not None:
            known.append(self.given.wcs)
        return next((each for each in known if each is not None), None)

    @property
    def box_size(self) -> tuple[int, int]:
        """Height and width of the boxes of the background."""
        height, width = np.minimum(self.parameters.box_size, self.shape).tolist()
        return height, width

    @cached_property
    def maps(self) -> dict[str, Any]:
        """The maps of labels in the workspace, by name."""
        import zarr

        # Chunks without a label are written, too: one that is not there is lost.
        kept: Any = {"write_empty_chunks": True}
        return {
            name: zarr.open_array(self.map_path(name), mode="r+").with_config(kept) for name in MAPS
        }

    def check_map(self, name: str, phase: str) -> None:
        """See that nothing was lost of a map that ``phase`` has written.

        Raises
        ------
        WorkspaceError
            If a chunk is not there.
        """
        chunks = self.maps[name]
        lost = chunks.nchunks - chunks.nchunks_initialized
        if lost:
            raise WorkspaceError(
                f"{self.map_path(name)} lacks {lost} of {chunks.nchunks} chunks: remove "
                f"{self.workspace.path(phase)}, and the run makes them again"
            )

    @cached_property
    def names(self) -> Any:
        """The labels of all sources, ascending, once they are numbered."""
        if self.given is not None:
            return self.workspace.load("names")["labels"]
        return np.arange(1, int(self.workspace.load("counts")["n_sources"]) + 1, dtype=np.int32)

    def map_path(self, name: str) -> str:
        """Return where a map is."""
        return str(self.workspace.path(f"{name}.zarr"))

    def make_maps(self) -> None:
        """Make the maps, empty; those that are there stay."""
        import zarr
        from zarr.codecs import BloscCodec, Crc32cCodec

        for name in MAPS:
            if not self.workspace.path(f"{name}.zarr/zarr.json").exists():
                zarr.create_array(
                    self.map_path(name), shape=self.shape, dtype="int32", fill_value=0,
                    chunks=tuple(_chunk(side) for side in self.tiling.side),
                    compressors=[
                        BloscCodec(cname="lz4", clevel=1, shuffle="noshuffle"), Crc32cCodec(),
                    ],
                )  # fmt: skip

    def __getstate__(self) -> dict[str, Any]:
        sent = {name: value for name, value in vars(self).items() if name not in ("maps", "names")}
        return {**sent, "wcs": ExactWCS(self.wcs)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, wcs=state["wcs"].wcs)


def _chunk(side: int) -> int:
    """Return the side of chunks that make up tiles of this side: no two tiles write to one."""
    parts = 1
    while side // parts > LARGEST_CHUNK or side % parts:
        parts += 1
    return side // parts
