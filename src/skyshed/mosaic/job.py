"""What every task of a run over tiles knows: the request, the tiles, the workspace."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from skyshed.chain.request import IMAGE, Request
from skyshed.chain.steps import Prepared, prepare
from skyshed.exceptions import WorkspaceError
from skyshed.images.window import Window
from skyshed.mosaic.records import Meshes, SourceList
from skyshed.mosaic.tiling import Tiling
from skyshed.mosaic.workspace import Workspace
from skyshed.parameters import Parameters

__all__ = ["Job"]

#: The map of labels, in the workspace.
SEGMENTATION = "segmentation.zarr"
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
    def meshes(self) -> Meshes:
        """The backgrounds of the exposures, once they are assembled."""
        return self.workspace.load(Meshes)

    @cached_property
    def labels(self) -> Any:
        """The labels of all sources, ascending, once they are numbered."""
        return self.workspace.load(SourceList, only=("labels",)).labels

    def prepare(self, window: Window, name: str = IMAGE) -> Prepared:
        """Return a window of an exposure with its background, not yet convolved."""
        planes = self.request.exposures[name].read(window)
        return prepare(planes, self.meshes.exposures[name], self.request, window)

    def prepare_convolved(self, core: Window) -> Prepared:
        """Return a window of the image that is detected on, convolved as in the whole image."""
        window = core.grown(self.request.halo, self.shape)
        image = self.prepare(window, self.request.detected_on)
        image.convolve()
        return image if window == core else image.cut(core)

    @cached_property
    def segmentation(self) -> Any:
        """The map of labels in the workspace."""
        import zarr

        # Chunks without a label are written, too: one that is not there is lost.
        kept: Any = {"write_empty_chunks": True}
        return zarr.open_array(self.segmentation_path, mode="r+").with_config(kept)

    def check_segmentation(self, phase: str) -> None:
        """Check that nothing was lost of the map that ``phase`` has written.

        Raises
        ------
        WorkspaceError
            If a chunk is not there.
        """
        chunks = self.segmentation
        lost = chunks.nchunks - chunks.nchunks_initialized
        if lost:
            raise WorkspaceError(
                f"{self.segmentation_path} lacks {lost} of {chunks.nchunks} chunks: remove "
                f"{self.workspace.path(phase)}, and the run makes them again"
            )

    @property
    def segmentation_path(self) -> str:
        """Where the map of labels is."""
        return str(self.workspace.path(SEGMENTATION))

    def make_segmentation(self) -> None:
        """Make the map of labels, empty; one that is there stays."""
        import zarr
        from zarr.codecs import BloscCodec, Crc32cCodec

        if self.workspace.path(f"{SEGMENTATION}/zarr.json").exists():
            return
        height, width = self.tiling.side
        rows = min(LARGEST_CHUNK, max(STRIPE // self.shape[1], 1))
        zarr.create_array(
            self.segmentation_path, shape=self.shape, dtype="int32", fill_value=0,
            chunks=(_chunk(height, rows), _chunk(width, LARGEST_CHUNK)),
            compressors=[BloscCodec(cname="lz4", clevel=1, shuffle="noshuffle"), Crc32cCodec()],
        )  # fmt: skip

    def __getstate__(self) -> dict[str, Any]:
        derived = ("segmentation", "labels", "meshes")
        return {name: value for name, value in vars(self).items() if name not in derived}


def _chunk(side: int, largest: int) -> int:
    """Return the side of chunks that make up tiles of this side: no two tiles write to one."""
    parts = 1
    while side // parts > largest or side % parts:
        parts += 1
    return side // parts
