"""What a run over tiles found: the names of an `Extraction`, with images that stay on disk."""

import os
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from astropy.table import QTable

from skyshed.background import Background2D
from skyshed.chain.columns import empty_table
from skyshed.images.window import Window
from skyshed.mosaic.background import background_of, prepare
from skyshed.mosaic.job import Job
from skyshed.mosaic.run import phases_of
from skyshed.mosaic.workspace import WorkspaceError
from skyshed.output.table_parts import PlainTable, concatenated
from skyshed.parameters import Parameters

__all__ = ["MosaicExtraction", "MosaicSegmentation"]


@dataclass(frozen=True, eq=False)
class MosaicSegmentation:
    """The labels of an image that need not fit into memory.

    Attributes
    ----------
    data : `zarr.Array` of int32, shape (ny, nx)
        The label of each pixel, 0 for none. Slices of it are NumPy arrays.
    labels : array of int32, shape (n,)
        All labels, ascending.
    """

    data: Any
    labels: Any

    @property
    def nlabels(self) -> int:
        """The number of sources."""
        return len(self.labels)

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of the image."""
        return self.data.shape

    def read(self, y0: int, y1: int, x0: int, x1: int) -> Any:
        """Return a window as a NumPy array."""
        return np.asarray(self.data[y0:y1, x0:x1])


@dataclass(frozen=True, eq=False, repr=False)
class MosaicExtraction:
    """The sources of an image that was worked on tile by tile; what `skyshed.extract` returns.

    It reads from the workspace: keep that as long as it is used.

    Attributes
    ----------
    job : Job
        The run.
    parameters : `~skyshed.Parameters`
        The parameters that were used.
    record : dict of str
        Versions, date and input.
    owned : object
        Removes a temporary workspace when nobody uses the result any more.
    """

    job: Job
    parameters: Parameters
    record: dict[str, str] = field(default_factory=dict)
    owned: Any = None

    def __repr__(self) -> str:
        n, (ny, nx) = self.segmentation.nlabels, self.job.shape
        sources = f"{n} source{'' if n == 1 else 's'}"
        return f"<MosaicExtraction: {sources} in {ny} x {nx} pixels, {len(self.job.tiling)} tiles>"

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of the image."""
        return self.job.shape

    @property
    def unit(self) -> Any:
        """The unit of the image, or None."""
        return self.job.field.image.unit

    @property
    def wcs(self) -> Any:
        """The celestial WCS, or None."""
        return self.job.sky

    @cached_property
    def segmentation(self) -> MosaicSegmentation:
        """The label of each pixel."""
        return MosaicSegmentation(self.job.maps["segmentation"], self.job.names)

    @cached_property
    def background2d(self) -> Background2D:
        """The background, as a mesh and as maps: ``window`` makes those of a window."""
        return background_of(self.job)

    def read(self, y0: int, y1: int, x0: int, x1: int) -> Any:
        """Return a window of the image without its background, NaN where masked."""
        image = prepare(self.job, Window(y0, y1, x0, x1))
        data, _ = image.without_background()
        return data if image.field.mask is None else np.where(image.field.mask, np.nan, data)

    def parts(self) -> Any:
        """Yield the catalogs of the tiles that measured any source, as plain tables.

        Raises
        ------
        WorkspaceError
            If one is damaged or lost; it is named.
        """
        workspace = self.job.workspace
        for place in self.job.tiling:
            path = workspace.file("tables", place)
            try:
                if path.exists() or workspace.load("measure", place)["n_sources"]:
                    yield PlainTable.load(path)
            except OSError as error:
                measured = workspace.file("measure", place)
                raise WorkspaceError(
                    f"{error}: remove {measured}, and the run makes it again"
                ) from error

    def places(self) -> Any:
        """Yield, by tile, labels and rows ``x, y, a, b, theta``: see `skyshed.output.ds9`."""
        for place in self.job.tiling:
            yield tuple(self.job.workspace.load("measure", place, ("labels", "places")).values())

    @property
    def table(self) -> QTable:
        """One row per source, by label; read from the workspace each time."""
        parts = list(self.parts())
        return concatenated(parts) if parts else self._no_rows()

    def _no_rows(self) -> QTable:
        dtype = self.background2d.background_mesh.dtype
        return empty_table(self.wcs, self.unit, self.parameters, dtype)

    @property
    def tiles(self) -> QTable:
        """One row per tile: where it is, its background and noise, its sources, its times.

        ``depth`` is the flux of ``npixels`` pixels at the detection threshold.
        """
        import astropy.units as u

        rows = [self._about(place) for place in self.job.tiling]
        table = QTable(rows=rows)
        for name in table.colnames:
            if name.endswith("_time"):
                table[name] <<= u.s
            elif self.unit is not None and name in ("background", "background_rms", "depth"):
                table[name] <<= self.unit
        return table

    def _about(self, place: tuple[int, int]) -> dict[str, Any]:
        window, (height, width) = self.job.tiling[place], self.job.box_size
        rows = slice(window.y0 // height, -(-window.y1 // height))
        boxes = rows, slice(window.x0 // width, -(-window.x1 // width))
        load, mesh = self.job.workspace.load, self.background2d
        noise = float(np.median(mesh.background_rms_mesh[boxes]))
        return {
            "row": place[0], "column": place[1],
            "ymin": window.y0, "ymax": window.y1 - 1, "xmin": window.x0, "xmax": window.x1 - 1,
            "n_sources": int(load("measure", place)["n_sources"]),
            "background": float(np.median(mesh.background_mesh[boxes])),
            "background_rms": noise,
            "depth": self.parameters.npixels * self.parameters.nsigma * noise,
            **{
                f"{phase}_time": float(load(phase, place, ("seconds",))["seconds"])
                for phase in (each.name for each in phases_of(self.job))
            },
        }  # fmt: skip

    def write(
        self,
        folder: str | os.PathLike,
        format: str = "fits",
        *,
        compress: bool = False,
        preview: bool = True,
        regions: bool = False,
        map_format: str = "fits",
    ) -> list[Any]:
        """Write everything into a folder, under the names that `Extraction.write` uses.

        Parameters
        ----------
        folder : path
            Where to; it is made if need be, and files of earlier runs are replaced.
        format : {"fits", "ecsv", "parquet"}, optional
            Of the catalog. FITS has the sources by label; Parquet has a row group for each tile,
            in the order of the tiles; ECSV is put together in memory.
        compress : bool, optional
            Whether to compress the segmentation image by tiles (RICE).
        preview : bool, optional
            Whether to draw ``preview.png``; this needs matplotlib.
        regions : bool, optional
            Whether to write the Kron ellipses as DS9 regions.
        map_format : {"fits", "zarr"}, optional
            Of the segmentation image; Zarr is compressed, in chunks.

        Returns
        -------
        paths : list of `~pathlib.Path`
            The files written.
        """
        from skyshed.output.write_mosaic import write_mosaic

        return write_mosaic(
            self, folder, format, compress=compress, preview=preview, regions=regions,
            map_format=map_format,
        )  # fmt: skip
