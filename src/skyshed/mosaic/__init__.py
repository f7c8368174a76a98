"""Images larger than memory: the chain tile by tile, with the answer of the whole image.

    background -> detect -> stitch -> deblend -> number -> measure

`skyshed.extract` comes here by itself when an image does not fit into memory. Each phase is a
file: tasks over tiles (`background`, `detect`, `deblend`, `measure`) read windows and write to a
workspace on disk; between them, `join` looks at tables of the whole image. `run` has their order,
`engine` hands tasks to Dask, `extraction` chooses tiles, `result` is what is returned.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skyshed.exceptions import TileError
    from skyshed.extraction.mosaic_result import MosaicExtraction
    from skyshed.mosaic.workspace import WorkspaceError

__all__ = ["MosaicExtraction", "TileError", "WorkspaceError"]

_HOMES = {
    "MosaicExtraction": "extraction.mosaic_result",
    "TileError": "exceptions",
    "WorkspaceError": "mosaic.workspace",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"skyshed.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'skyshed.mosaic' has no attribute {name!r}")
