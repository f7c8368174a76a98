"""The chain on several bands: one detection on their combination, then each band by itself.

Positions, shapes and apertures are measured once. No more than the combination and one band are in
memory at a time.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from astropy.table import QTable

from skyshed.background import Background2D
from skyshed.catalog import kron_ellipses
from skyshed.chain.background import ExposureMesh, assemble, background_of, measure_window
from skyshed.chain.band_columns import (
    band_table,
    empty_bands,
    joined,
    table_of_bands,
)
from skyshed.chain.combination import combined_mesh
from skyshed.chain.compared import Compared
from skyshed.chain.doubts import warn_of_doubts
from skyshed.chain.measured_pixels import MeasuredPixels
from skyshed.chain.prepared import Prepared
from skyshed.chain.request import DETECTION, IMAGE, Request
from skyshed.chain.run import Run, dtype_of_chain
from skyshed.chain.source_mask import LeftOut, left_out_by
from skyshed.chain.steps import (
    check_combination,
    make_catalog,
    prepare_exposure,
    warn_of_crowding,
    warn_of_nothing,
)
from skyshed.chain.tiles_table import TileFacts, tile_rows
from skyshed.chain.whole import Clock, detected, known_sources, phases_of
from skyshed.images.window import Window
from skyshed.namespace import array_namespace
from skyshed.output.table_parts import PlainTable, to_plain
from skyshed.segmentation import SegmentationImage

__all__ = ["BandsRun", "WholeBands", "run_bands"]


class BandsRun(Run):
    """What a finished run over several bands knows; images are made anew when they are read."""

    @property
    @abstractmethod
    def meshes(self) -> Mapping[str, ExposureMesh]:
        """The background of each band."""

    def mesh(self, name: str = IMAGE) -> ExposureMesh:
        """Return the background of a band; that of the combination is 0."""
        if name not in (IMAGE, DETECTION):
            return self.meshes[name]
        combination = self.request.combination
        assert combination is not None
        own = [self.meshes[band] for band in combination.bands]
        there = max(mesh.n_unmasked for mesh in own)
        mesh = combined_mesh(combination, [each.mesh for each in own])
        return replace(own[0], mesh=mesh, scale=1.0, n_unmasked=there)

    def noted(self) -> dict[str, str]:
        """Return nothing: what is measured of a band is not that of all."""
        return {}

    def prepared(self, name: str, window: Window) -> Prepared:
        """Return a window of a band, or of the combination, with its background."""
        return prepare_exposure(self.request, name, window, self.meshes)

    def read(self, name: str, window: Window) -> Any:
        """Return a window of one of the images of the combination."""
        return self.read_of(DETECTION, name, window)

    def read_of(self, band: str, name: str, window: Window) -> Any:
        """Return a window of one of the images of a band, or of the combination."""
        if name == "convolved_data":
            around = window.grown(self.request.halo, self.request.shape)
            image = self.prepared(DETECTION, around)
            image.convolve()
            return image.cut(window).convolved
        if name == "threshold":
            halo = self.request.halo
            image = self.prepared(DETECTION, window.grown(halo, self.request.shape))
            return image.surface_threshold_in(window, halo)
        image = self.prepared(band, window)
        xp = array_namespace(data=image.planes.data)
        if name == "background":
            level = image.level()
            return level if level.flags.writeable else xp.ascontiguousarray(level)
        if name == "noise":
            return image.noise()
        if name == "background_rms":
            return image.noise() if band == DETECTION else image.background.background_rms
        if name == "mask":
            mask = image.planes.mask
            return xp.zeros(window.shape, dtype=bool) if mask is None else mask
        data, _ = image.without_background()
        return data if name == "data" else image.total_error(data)

    def dtype_of(self, name: str, band: str = DETECTION) -> np.dtype:
        """Return the dtype of one of the images of a band, or of the combination."""
        found: np.dtype = self.read_of(band, name, Window(0, 1, 0, 1)).dtype
        return found

    @property
    def dtype(self) -> np.dtype:
        """The dtype of the combination."""
        combination = self.request.combination
        assert combination is not None
        exposures = (self.request.exposures[name] for name in combination.bands)
        return np.result_type(*(dtype_of_chain(each.image.dtype) for each in exposures))

    @property
    def has_mask(self) -> bool:
        """Whether the combination may lack any pixel."""
        ny, nx = self.request.shape
        combination = self.request.combination
        assert combination is not None
        return all(self.meshes[band].n_unmasked < ny * nx for band in combination.bands)

    def background_of(self, band: str) -> Background2D:
        """Return the background of a band, as a mesh and as maps."""
        request = self.request
        dtype = dtype_of_chain(request.exposures[band].image.dtype)
        return background_of(
            self.meshes[band].mesh, request.shape, request.box_size, dtype, self.xp,
            self.parameters,
        )  # fmt: skip

    def catalog_of(self, band: str) -> Any:
        """Return the catalog of a band, made from images that are read as a whole."""
        segmentation = self.segmentation
        if segmentation.nlabels == 0:
            return None
        everything = self.request.exposure.image.everything
        image = self.prepared(DETECTION, everything)
        labels = _labels(segmentation)
        detection = make_catalog(
            self.request, image, labels, segmentation.sources, segmentation.provenance
        )
        if band == DETECTION:
            return detection
        return make_catalog(
            self.request, self.prepared(band, everything), labels, segmentation.sources,
            segmentation.provenance, detection,
        )  # fmt: skip


class WholeBands(BandsRun):
    """What was found in bands that were worked on at once.

    Parameters
    ----------
    request : Request
        What was asked for.
    meshes : dict of str to ExposureMesh
        The background of each band.
    segmentation : SegmentationImage
        The sources.
    table : `~astropy.table.QTable`
        One row per source.
    ellipses : tuple of array
        Labels and Kron ellipses.
    seconds : dict of str to float
        What the phases took.
    xp : module
        The array namespace of the images.
    """

    def __init__(
        self,
        request: Request,
        meshes: dict[str, ExposureMesh],
        segmentation: SegmentationImage,
        table: QTable,
        ellipses: Any,
        seconds: dict[str, float],
        xp: Any,
    ) -> None:
        lenient = any(mesh.lenient for mesh in meshes.values())
        self.request = request
        self.parameters = (
            request.parameters.replace(exclude_percentile=100) if lenient else request.parameters
        )
        self._meshes, self._segmentation, self._table = meshes, segmentation, table
        self._ellipses, self._seconds, self._xp = ellipses, seconds, xp

    @property
    def meshes(self) -> Mapping[str, ExposureMesh]:
        """The background of each band."""
        return self._meshes

    @property
    def xp(self) -> Any:
        """The array namespace of the images."""
        return self._xp

    @property
    def segmentation(self) -> SegmentationImage:
        """The label of each pixel."""
        return self._segmentation

    @property
    def table(self) -> QTable:
        """One row per source."""
        return self._table

    @property
    def catalog(self) -> Any:
        """The catalog of the first band; `None` if there is none."""
        return self.catalog_of(next(iter(self.request.of_band)))

    @property
    def detection_cat(self) -> Any:
        """The catalog of the combination; `None` if there is none."""
        return self.catalog_of(DETECTION)

    def tile_rows(self) -> list[dict[str, Any]]:
        """Return one row, of the whole image."""
        window = self.request.exposure.image.everything
        facts = TileFacts((0, 0), window, self._segmentation.nlabels, self._seconds)
        return tile_rows([facts], self.mesh().mesh, self.request)

    def parts(self) -> Iterator[PlainTable]:
        """Yield the table, as one part."""
        yield replace(to_plain(self.table), rows=np.arange(len(self.table)))

    def ellipses(self) -> Iterator[tuple[Any, Any]]:
        """Yield labels and Kron ellipses of all sources."""
        if self._ellipses is not None:
            yield self._ellipses


def run_bands(request: Request, begin: Callable[[str], None]) -> WholeBands:
    """Find the sources of several bands, unless they are known, and measure them in each.

    Parameters
    ----------
    request : Request
        What is asked for.
    begin : callable
        Told the name of each stage as it begins.

    Raises
    ------
    ValueError
        If no pixel, or no box of the background, of a band is good.
    OSError
        If a file cannot be read.

    Warns
    -----
    NoDetectionsWarning, DeblendWarning, CrowdedWarning, ImageWarning
        See `skyshed.extract`.
    """
    clock = Clock(begin, phases_of(request))
    everything = request.exposure.image.everything
    meshes = _measured(request, clock, None, {})
    check_combination(request, meshes)
    segmentation = None
    if request.known is not None:
        first = request.exposure.read(Window(0, 1, 0, 1)).data
        segmentation = known_sources(request, first)
    image = prepare_exposure(request, DETECTION, everything, meshes)
    if request.parameters.background_passes > 1:
        clock("first detection" if segmentation is None else "background again")
        left_out = left_out_by(image, segmentation)
        del image
        meshes = _measured(request, clock, left_out, meshes)
        image = prepare_exposure(request, DETECTION, everything, meshes)
    if segmentation is None:
        segmentation = detected(image, clock)
    xp = array_namespace(data=image.planes.data)
    warn_of_crowding(request.parameters, meshes)
    warn_of_doubts(request.exposures, meshes)
    if segmentation.nlabels == 0:
        if request.known is not None:
            warn_of_nothing(request)
        clock.stop()
        table = empty_bands(request)
        return WholeBands(request, meshes, segmentation, table, None, clock.seconds, xp)
    clock("measurement")
    tables, ellipses = _tables(request, image, segmentation, meshes)
    clock.stop()
    return WholeBands(request, meshes, segmentation, tables, ellipses, clock.seconds, xp)


def _measured(
    request: Request, clock: Clock, left_out: LeftOut | None, first: dict[str, ExposureMesh]
) -> dict[str, ExposureMesh]:
    """Measure the background of each band; in a second pass without sources."""
    meshes, compared = {}, Compared(request)
    for name, exposure in request.exposures.items():
        window = exposure.image.everything
        if left_out is None:
            clock("reading")
        planes = exposure.read(marked=left_out is not None)
        clock("background" if left_out is None else "background again")
        boxes = measure_window(
            planes, window, request.shape, request.box_size, request.parameters, left_out,
            None if left_out is None else first[name].mesh, compared=request.compares_noise,
        )  # fmt: skip
        mesh = assemble(
            exposure, {window: boxes}, 1, request.box_size, request.parameters, first.get(name)
        )
        meshes[name] = compared.add(mesh, {window: boxes})
    return meshes


def _tables(
    request: Request,
    image: Prepared,
    segmentation: SegmentationImage,
    meshes: Mapping[str, ExposureMesh],
) -> tuple[QTable, Any]:
    """Return the table of all bands, and the Kron ellipses."""
    labels, sources = _labels(segmentation), segmentation.sources
    detection = make_catalog(request, image, labels, sources, segmentation.provenance)
    pixels = MeasuredPixels(request, detection)
    tables = {}
    for name in request.measured:
        band = prepare_exposure(request, name, image.window, meshes, marked=False)
        pixels.make(band)
        catalog = make_catalog(request, band, labels, sources, segmentation.provenance, detection)
        tables[name] = band_table(catalog, request, name, meshes)
    return table_of_bands(joined(tables, request), request), kron_ellipses(catalog)


def _labels(segmentation: SegmentationImage) -> Any:
    xp = array_namespace(labels=segmentation.data)
    return xp.ascontiguousarray(segmentation.data, dtype=np.int32)
