"""What every task of a run over tiles knows: the request, the tiles, the workspace."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from skyshed.chain.request import IMAGE, Request
from skyshed.chain.steps import Prepared, prepare_exposure
from skyshed.exceptions import WorkspaceError
from skyshed.images.window import Window
from skyshed.mosaic.records import Meshes, SecondMeshes, SourceList
from skyshed.mosaic.tiling import Tiling
from skyshed.mosaic.workspace import Workspace
from skyshed.parameters import Parameters

__all__ = ["FOUND", "MAPS", "PIECES", "SEGMENTATION", "Job"]

#: Maps of labels: of the pieces of each tile, by its own numbers, and of the sources; of the
#: components that the first of two passes over the background found, by the numbers of each tile.
MAPS = PIECES, SEGMENTATION, FOUND = ("pieces", "segmentation", "found")
#: The longest side of a chunk: chunks are read whole where a tile needs the edge of another.
LARGEST_CHUNK = 1280
#: Pixels of a row of chunks (64 MB), which is what is in memory at a time when a map is written.
STRIPE = 1 << 24


@dataclass(frozen=True, eq=False)
class Job:
    """A run over tiles, as it is sent to workers.

    Attributes
    ----------
    request : Request
        What is asked of the chain; ``n_threads`` of its parameters is that of one task.
    tiling : Tiling
        The tiles.
    workspace : Workspace
        Where the phases leave their records.
    margin : int
        Pixels around a tile that are read with it for the apertures of its sources.
    """

    request: Request
    tiling: Tiling
    workspace: Workspace
    margin: int

    @property
    def parameters(self) -> Parameters:
        """The parameters of the chain."""
        return self.request.parameters

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of the whole image."""
        return self.tiling.shape

    @cached_property
    def meshes(self) -> Meshes | SecondMeshes:
        """The backgrounds of the exposures, once they are assembled."""
        twice = self.parameters.background_passes > 1
        return self.workspace.load(SecondMeshes) if twice else self.first_meshes

    @cached_property
    def first_meshes(self) -> Meshes:
        """Those of the first pass, or of the only one."""
        return self.workspace.load(Meshes)

    @cached_property
    def labels(self) -> Any:
        """The labels of all sources, ascending, once they are numbered."""
        return self.workspace.load(SourceList, only=("labels",)).labels

    def prepare(
        self, window: Window, name: str = IMAGE, meshes: Meshes | SecondMeshes | None = None
    ) -> Prepared:
        """Return a window of an exposure with its background, not yet convolved.

        ``meshes`` are the backgrounds, if not those that the run ends with.
        """
        return prepare_exposure(
            self.request, name, window, (meshes or self.meshes).exposures
        )  # fmt: skip

    def prepare_convolved(
        self, core: Window, meshes: Meshes | SecondMeshes | None = None
    ) -> Prepared:
        """Return a window of the image that is detected on, convolved as in the whole image."""
        window = core.grown(self.request.halo, self.shape)
        image = self.prepare(window, self.request.detected_on, meshes)
        image.convolve()
        return image if window == core else image.cut(core)

    @cached_property
    def maps(self) -> dict[str, Any]:
        """The maps of labels in the workspace, by name."""
        import zarr

        # Chunks without a label are written, too: one that is not there is lost.
        kept: Any = {"write_empty_chunks": True}
        return {
            name: zarr.open_array(self.map_path(name), mode="r+").with_config(kept)
            for name in self.map_names
        }

    @property
    def map_names(self) -> tuple[str, ...]:
        """The maps that the run has."""
        found = self.parameters.background_passes > 1 and self.request.known is None
        return MAPS if found else (PIECES, SEGMENTATION)

    def check_map(self, name: str, phase: str) -> None:
        """Check that nothing was lost of a map that ``phase`` has written.

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

    def map_path(self, name: str) -> str:
        """Return where a map is."""
        return str(self.workspace.path(f"{name}.zarr"))

    def make_maps(self) -> None:
        """Make the maps, empty; those that are there stay."""
        import zarr
        from zarr.codecs import BloscCodec, Crc32cCodec

        height, width = self.tiling.side
        rows = min(LARGEST_CHUNK, max(STRIPE // self.shape[1], 1))
        for name in self.map_names:
            if not self.workspace.path(f"{name}.zarr/zarr.json").exists():
                zarr.create_array(
                    self.map_path(name), shape=self.shape, dtype="int32", fill_value=0,
                    chunks=(_chunk(height, rows), _chunk(width, LARGEST_CHUNK)),
                    compressors=[
                        BloscCodec(cname="lz4", clevel=1, shuffle="noshuffle"), Crc32cCodec(),
                    ],
                )  # fmt: skip

    def __getstate__(self) -> dict[str, Any]:
        derived = ("maps", "labels", "meshes", "first_meshes")
        return {name: value for name, value in vars(self).items() if name not in derived}


def _chunk(side: int, largest: int) -> int:
    """Return the side of chunks that make up tiles of this side: no two tiles write to one."""
    parts = 1
    while side // parts > largest or side % parts:
        parts += 1
    return side // parts
