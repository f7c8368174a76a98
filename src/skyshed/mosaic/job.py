"""What every task of a run over tiles knows: the request, the tiles, the workspace."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from skyshed.chain.request import IMAGE, Request
from skyshed.chain.steps import Prepared, prepare
from skyshed.exceptions import WorkspaceError
from skyshed.images.window import Window
from skyshed.messages import one_line
from skyshed.mosaic.maps import chunks_in, make_map, open_map, seal_of
from skyshed.mosaic.records import Meshes, Record, SourceList
from skyshed.mosaic.tiling import Tiling
from skyshed.mosaic.workspace import Workspace
from skyshed.parameters import Parameters

__all__ = ["MAPS", "PIECES", "SEGMENTATION", "Job"]

#: Maps of labels: of the pieces of each tile, by its own numbers, and of the sources.
MAPS = PIECES, SEGMENTATION = ("pieces", "segmentation")
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
    def maps(self) -> dict[str, Any]:
        """The maps of labels in the workspace, by name; `read_map` and `draw` look after them.

        Raises
        ------
        WorkspaceError
            If one is not as it was made.
        """
        return {name: open_map(self.map_path(name), *self._layout) for name in MAPS}

    def read_map(self, name: str, window: Window) -> Any:
        """Return the labels that a window of a map has, once its phase has drawn all of it.

        Raises
        ------
        WorkspaceError
            If a chunk is lost or damaged.
        """
        try:
            lost = next(
                (path for path in chunks_in(self.map_path(name), *self._layout, window)
                 if not path.exists()), None
            )  # fmt: skip
            if lost is None:
                return np.asarray(self.maps[name][window.slices])
            what = f"{lost} is lost"
        except ValueError as error:  # a checksum, a size
            if isinstance(error, WorkspaceError):
                raise
            what = f"{self.map_path(name)} is damaged within {window} ({one_line(error)})"
        except RuntimeError as error:  # of the unpacker
            what = f"{self.map_path(name)} is damaged within {window} ({one_line(error)})"
        raise WorkspaceError(f"{what}: remove {self._drawn_by(name)}, and the run makes it again")

    def draw(self, name: str, tile: tuple[int, int], labels: Any) -> Any:
        """Write the labels of a tile to a map; return the seals of its chunks.

        Raises
        ------
        OSError
            If they cannot be written.
        """
        window = self.tiling[tile]
        self.maps[name][window.slices] = labels
        paths = chunks_in(self.map_path(name), *self._layout, window)
        return np.array([seal_of(path, flush=self.workspace.durable) for path in paths], np.int64)

    def check_map(self, name: str, kind: type[Record]) -> None:
        """Check that a map has all chunks, as the tasks that left these records wrote them.

        Raises
        ------
        WorkspaceError
            If a chunk is lost, or is another.
        """
        for tile in self.tiling:
            paths = chunks_in(self.map_path(name), *self._layout, self.tiling[tile])
            seals = self.workspace.load(kind, tile, ("chunks",)).chunks  # type: ignore[attr-defined]
            for path, seal in zip(paths, seals.tolist(), strict=True):
                found = seal_of(path)
                if found != seal:
                    what = "is lost" if found is None else "is not what was written there"
                    raise WorkspaceError(
                        f"{path} {what}: remove {self.workspace.file(kind.kind, tile)}, and the "
                        "run makes it again"
                    )

    def _drawn_by(self, name: str) -> str:
        """Return the folder of the records of the phase that draws a map."""
        return str(self.workspace.path("detect" if name == PIECES else "measure"))

    @cached_property
    def _layout(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """The shape of the maps, and of their chunks."""
        height, width = self.tiling.side
        rows = min(LARGEST_CHUNK, max(STRIPE // self.shape[1], 1))
        return self.shape, (_chunk(height, rows), _chunk(width, LARGEST_CHUNK))

    def map_path(self, name: str) -> str:
        """Return where a map is."""
        return str(self.workspace.path(f"{name}.zarr"))

    def make_maps(self) -> None:
        """Make the maps, empty; those that are there stay."""
        for name in MAPS:
            make_map(self.map_path(name), *self._layout, flush=self.workspace.durable)

    def __getstate__(self) -> dict[str, Any]:
        derived = ("maps", "labels", "meshes", "_layout")
        return {name: value for name, value in vars(self).items() if name not in derived}


def _chunk(side: int, largest: int) -> int:
    """Return the side of chunks that make up tiles of this side: no two tiles write to one."""
    parts = 1
    while side // parts > largest or side % parts:
        parts += 1
    return side // parts
