"""Several bands tile by tile: the phases are those of one image, and so is the workspace."""

from collections.abc import Mapping
from typing import Any

from astropy.table import QTable

from skyshed.chain.background import ExposureMesh
from skyshed.chain.band_columns import empty_bands, table_of_bands
from skyshed.chain.bands import BandsRun
from skyshed.chain.request import DETECTION
from skyshed.chain.run import Run
from skyshed.images.window import Window
from skyshed.mosaic.run import TiledRun
from skyshed.output.table_parts import concatenated

__all__ = ["TiledBands"]


class TiledBands(BandsRun, TiledRun):
    """What was found in bands tile by tile; it is read from the workspace."""

    @property
    def meshes(self) -> Mapping[str, ExposureMesh]:
        """The background of each band."""
        return self.job.meshes.exposures

    @property
    def table(self) -> QTable:
        """One row per source, by label; read from the workspace each time."""
        parts = list(self.parts())
        if parts:
            return table_of_bands(concatenated(parts), self.request)
        return empty_bands(self.request)

    @property
    def catalog(self) -> Any:
        """The catalog of the first band; `None` if there is none."""
        return self.catalog_of(next(iter(self.request.of_band)))

    @property
    def detection_cat(self) -> Any:
        """The catalog of the combination; `None` if there is none."""
        return self.catalog_of(DETECTION)

    def read_masked(self, window: Window) -> Any:
        """Return a window of the combination, NaN where masked."""
        return Run.read_masked(self, window)
