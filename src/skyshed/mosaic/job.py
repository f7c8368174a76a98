"""What every task of a run over tiles knows: the request, the tiles, the workspace."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skyshed.cached import cached_property
from skyshed.chain.prepared import Prepared
from skyshed.chain.request import IMAGE, Request
from skyshed.chain.smoothing import halo_of
from skyshed.chain.steps import prepare_exposure
from skyshed.exceptions import WorkspaceError
from skyshed.images.window import Window
from skyshed.messages import one_line
from skyshed.mosaic.maps import chunks_in, make_map, open_map, seal_of
from skyshed.mosaic.recent import Recent
from skyshed.mosaic.records import Measured, Meshes, SecondMeshes, SourceList
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
    def meshes(self) -> Meshes | SecondMeshes:
        """The backgrounds of the exposures, once they are assembled."""
        twice = self.parameters.background_passes > 1
        return self.workspace.load(SecondMeshes) if twice else self.first_meshes

    @cached_property
    def first_meshes(self) -> Meshes:
        """Those of the first pass, or of the only one."""
        return self.workspace.load(Meshes)

    @cached_property
    def recent(self) -> Recent:
        """The records of tiles that were read last: each is asked for by the tiles around it."""
        return Recent(self.workspace)

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
        self,
        core: Window,
        meshes: Meshes | SecondMeshes | None = None,
        parameters: Parameters | None = None,
    ) -> Prepared:
        """Return a window of the image that is detected on, convolved as in the whole image.

        ``parameters`` are those to detect by, where they differ in threshold or kernel.
        """
        halo = self.request.halo if parameters is None else halo_of(parameters)
        window = core.grown(halo, self.shape)
        image = self.prepare(window, self.request.detected_on, meshes)
        if parameters is not None:
            image = replace(image, parameters=parameters)
        image.convolve(detect=True)
        return image if window == core else image.cut(core)

    @cached_property
    def segmentation(self) -> Any:
        """The map of labels in the workspace; `read_labels` and `draw` look after it.

        Raises
        ------
        WorkspaceError
            If it is not as it was made.
        """
        return open_map(self.segmentation_path, *self._layout)

    def read_labels(self, window: Window) -> Any:
        """Return the labels that a window of the map has, once all of it is drawn.

        Raises
        ------
        WorkspaceError
            If a chunk is lost or damaged.
        """
        path = self.segmentation_path
        try:
            lost = next(
                (each for each in chunks_in(path, self._layout[1], window) if not each.exists()),
                None,
            )
            if lost is None:
                return np.asarray(self.segmentation[window.slices])
            what = f"{lost} is lost"
        except (ValueError, RuntimeError) as error:  # a checksum, a size; of the unpacker
            if isinstance(error, WorkspaceError):
                raise
            what = f"{path} is damaged within {window} ({one_line(error)})"
        drawn_by = self.workspace.path(Measured.kind)
        raise WorkspaceError(f"{what}: remove {drawn_by}, and the run makes it again")

    def draw(self, tile: tuple[int, int], labels: Any) -> Any:
        """Write the labels of a tile to the map; return the seals of its chunks.

        Raises
        ------
        OSError
            If they cannot be written.
        """
        window = self.tiling[tile]
        self.segmentation[window.slices] = labels
        paths = list(chunks_in(self.segmentation_path, self._layout[1], window))
        self.workspace.flush(paths)
        return np.array([seal_of(path) for path in paths], np.int64)

    def check_segmentation(self) -> None:
        """Check that the map has all chunks, as the tasks that left their records wrote them.

        Raises
        ------
        WorkspaceError
            If a chunk is lost, or is another.
        """
        wrong: dict[tuple[int, int], str] = {}
        for tile in self.tiling:
            paths = chunks_in(self.segmentation_path, self._layout[1], self.tiling[tile])
            seals = self.workspace.load(Measured, tile, ("chunks",)).chunks
            for path, seal in zip(paths, seals.tolist(), strict=True):
                found = seal_of(path)
                if found != seal:
                    what = "is lost" if found is None else "is not what was written there"
                    wrong.setdefault(tile, f"{path} {what}")
        if wrong:
            raise WorkspaceError(f"{next(iter(wrong.values()))}: {self.measure_again(list(wrong))}")

    def measure_again(self, tiles: list[tuple[int, int]]) -> str:
        """Say what to remove so that tiles are measured again: their records, or those of all."""
        if len(tiles) == 1:
            return (
                f"remove {self.workspace.file(Measured.kind, tiles[0])}, and the run makes it again"
            )
        return (
            f"remove {self.workspace.path(Measured.kind)}, and the run makes it again, as it does "
            f"what {len(tiles) - 1} more of {len(self.tiling)} tiles have lost"
        )

    @cached_property
    def _layout(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """The shape of the map, and of its chunks."""
        height, width = self.tiling.side
        rows = min(LARGEST_CHUNK, max(STRIPE // self.shape[1], 1))
        return self.shape, (_chunk(height, rows), _chunk(width, LARGEST_CHUNK))

    @property
    def segmentation_path(self) -> str:
        """Where the map of labels is."""
        return str(self.workspace.path(SEGMENTATION))

    def make_segmentation(self) -> None:
        """Make the map of labels, empty; one that is there stays."""
        make_map(self.segmentation_path, *self._layout, flush=self.workspace.durable)

    def __getstate__(self) -> dict[str, Any]:
        derived = ("recent", "segmentation", "labels", "meshes", "first_meshes", "_layout")
        return {name: value for name, value in vars(self).items() if name not in derived}


def _chunk(side: int, largest: int) -> int:
    """Return the side of chunks that make up tiles of this side: no two tiles write to one."""
    parts = 1
    while side // parts > largest or side % parts:
        parts += 1
    return side // parts
