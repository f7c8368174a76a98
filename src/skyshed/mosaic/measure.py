"""Phase 6: the sources of each tile, measured on all their pixels and those of their apertures.

A tile is read with a margin. Sources whose apertures reach beyond it are measured by themselves, in
windows as large as they need.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np

from skyshed.catalog import SourceCatalog, kron_ellipses
from skyshed.chain.band_columns import band_table, joined
from skyshed.chain.columns import plain_table
from skyshed.chain.request import DETECTION, IMAGE
from skyshed.chain.steps import make_catalog
from skyshed.images.window import Window
from skyshed.mosaic.job import Job
from skyshed.mosaic.labels import labels_in
from skyshed.mosaic.reach import fits, holds, needs_of
from skyshed.mosaic.records import Measured, Numbered
from skyshed.mosaic.smooth import SmoothPixels
from skyshed.namespace import like
from skyshed.output.table_parts import PlainTable, from_plain, put_together, to_plain
from skyshed.segmentation.provenance import Provenance
from skyshed.sources import Sources

__all__ = ["Noted", "catalogs_in", "measure"]

#: The facts of stars where none are asked for.
NO_STARS = np.empty((0, 0))


def measure(job: Job, tile: tuple[int, int]) -> None:
    """Measure the sources of a tile, and write its labels."""
    start = perf_counter()
    core = job.tiling[tile]
    window = core.grown(job.margin, job.shape)
    labels = labels_in(job, window)
    chunks = job.draw(tile, labels[core.within(window)])
    if job.request.of_band:
        table, names, ellipses, stars = *_of_bands(job, tile, window, labels), NO_STARS
    else:
        tell = partial(
            plain_table, parameters=job.parameters, calibration=job.request.calibration,
            association=job.request.association,
        )  # fmt: skip
        facts: list[Any] = []
        catalogs = _catalogs(job, tile, window, labels)
        if job.parameters.aperture_correction:
            catalogs = _noting_stars(catalogs, facts)
        table, names, ellipses = _table(job, catalogs, tell)
        stars = np.concatenate(facts) if facts else NO_STARS
    if table is not None:
        job.workspace.save_table(table, tile)
    job.workspace.save(Measured(names, ellipses, chunks, stars, perf_counter() - start), tile)


def _noting_stars(
    catalogs: Iterator[SourceCatalog], facts: list[Any]
) -> Iterator[SourceCatalog]:  # fmt: skip
    """Yield catalogs, and note what tells their stars."""
    from skyshed.chain.aperture_correction import star_facts

    for catalog in catalogs:
        yield catalog
        facts.append(star_facts(catalog))


def _of_bands(
    job: Job, tile: tuple[int, int], window: Window, labels: Any
) -> tuple[PlainTable | None, Any, Any]:
    """Return what `_table` does, of all bands, one after the other; shapes are measured once."""
    request, detections = job.request, Detections()
    tables, rows, meshes = {}, None, job.meshes.exposures
    for band in request.measured:

        def tell(catalog: SourceCatalog, band: str = band) -> PlainTable:
            return to_plain(band_table(catalog, request, band, meshes))

        catalogs = _catalogs(job, tile, window, labels, band, detections)
        table, names, ellipses = _table(job, catalogs, tell)
        if table is not None:
            tables[band], rows = from_plain(table), table.rows
    if not tables:
        return None, names, ellipses
    return replace(to_plain(joined(tables, request)), rows=rows), names, ellipses


def _table(
    job: Job, catalogs: Iterator[SourceCatalog], tell: Callable[[SourceCatalog], PlainTable]
) -> tuple[PlainTable | None, Any, Any]:
    """Return the table of the sources of a tile, in order, their labels and Kron ellipses."""
    parts, drawn = [], [(np.empty(0, np.int32), np.empty((0, 5)))]
    for catalog in catalogs:
        table = tell(catalog)
        parts.append(replace(table, rows=np.searchsorted(job.labels, catalog.labels)))
        drawn.append(kron_ellipses(catalog))
    names, ellipses = (np.concatenate(each) for each in zip(*drawn, strict=True))
    if len(parts) < 2:
        return (parts[0] if parts else None), names, ellipses
    rows = np.sort(np.concatenate([part.rows for part in parts]))
    return replace(put_together(parts), rows=rows), names, ellipses


@dataclass(frozen=True, eq=False)
class Noted:
    """What deblending noted about sources.

    Attributes
    ----------
    flags, before : array of int, shape (n,)
        Their flags, and their labels before.
    """

    flags: Any
    before: Any

    def take(self, index: Any) -> "Noted":
        """Return the same of some of the sources."""
        return Noted(self.flags[index], self.before[index])

    def of(self, names: Any) -> Provenance:
        """Return it as what a catalog knows of its labels."""
        return Provenance.from_maps(flags_of=(names, self.flags), before_of=(names, self.before))


class Detections(dict[Any, SourceCatalog]):
    """Catalogs that positions and shapes come from, by window and labels, for the next bands."""


def _catalogs(
    job: Job,
    tile: tuple[int, int],
    window: Window,
    labels: Any,
    band: str = IMAGE,
    detections: Detections | None = None,
) -> Iterator[SourceCatalog]:
    """Yield the catalogs that together hold the sources of a tile, of the image or of a band."""
    numbered = job.workspace.load(
        Numbered, tile,
        (
            "labels", "flags", "before", "seam_labels", "seam_flags", "seam_before", "seam_boxes"
        ),
    )  # fmt: skip
    names = np.concatenate([numbered.labels, numbered.seam_labels])
    flags = np.concatenate([numbered.flags, numbered.seam_flags])
    before = np.concatenate([numbered.before, numbered.seam_before])
    order = np.argsort(names)
    names, noted = names[order], Noted(flags[order], before[order])
    # The least that is known of what each source needs: what ends in the tile has its box there.
    need = np.tile(job.tiling[tile].bounds, (names.size, 1))
    need[np.searchsorted(names, numbered.seam_labels)] = numbered.seam_boxes
    here = np.flatnonzero(fits(need, window))
    smooth = SmoothPixels.of_tile(job, tile)
    catalog = None
    if here.size:
        catalog, _ = catalogs_in(
            job, window, labels, names[here], noted.take(here), band, detections, smooth
        )
    for needs in needs_of(job):
        if catalog is not None:
            wanted = needs(catalog)
            inside = fits(wanted, window)
            # All that may be known of a source is that this window is too small: it then begins
            # with what it was known to need, not with a window larger than a tile's.
            known = ~holds(wanted, window)
            need[here[known]] = wanted[known]
            here = here[inside]
            catalog = catalog[np.flatnonzero(inside)] if here.size else None
    if catalog is not None:
        yield catalog
    del catalog, labels
    for i in np.setdiff1d(np.arange(names.size), here):
        around = Window(*need[i].tolist())
        yield _alone(job, names[i : i + 1], noted.take([i]), around, band, detections, smooth)


def _alone(
    job: Job,
    name: Any,
    noted: "Noted",
    window: Window,
    band: str,
    detections: Detections | None,
    smooth: SmoothPixels | None,
) -> SourceCatalog:
    """Measure one source in a window that grows until it holds all that is needed."""
    window = window.grown(job.request.halo, job.shape)
    while True:
        labels = labels_in(job, window)
        catalog, _ = catalogs_in(job, window, labels, name, noted, band, detections, smooth)
        for needs in needs_of(job):
            need = needs(catalog)
            if not fits(need, window).all():
                window = window.around(Window(*need[0].tolist()))
                break
        else:
            return catalog


def catalogs_in(
    job: Job,
    window: Window,
    labels: Any,
    names: Any,
    noted: "Noted",
    band: str = IMAGE,
    detections: Detections | None = None,
    smooth: SmoothPixels | None = None,
) -> tuple[SourceCatalog, SourceCatalog | None]:
    """Return the catalog of some sources, and the one that their shapes come from, if another.

    Parameters
    ----------
    job : Job
        The run.
    window : Window
        Where to measure; it holds the pixels of the sources.
    labels : array of int32, shape ``window.shape``
        The label of each pixel.
    names : array of int, shape (n,)
        The labels of the sources, ascending.
    noted : Noted
        What deblending noted about them.
    band : str, optional
        The exposure to measure on.
    detections : Detections, optional
        The catalogs of the combination that were made before, to which new ones are added.
    smooth : SmoothPixels, optional
        The convolved values of the pixels of the sources; the window is convolved if `None`.
    """
    request, detection_cat = job.request, job.request.detection_cat
    key = window, names.tobytes()
    if detections is not None and key in detections:
        detection_cat = detections[key]
        image = job.prepare(window, band)
        return make_catalog(
            request, image, like(labels, image.planes.data), detection_cat.sources,
            noted.of(names), detection_cat,
        ), detection_cat  # fmt: skip
    image = job.prepare(window, request.detected_on)
    labels = like(labels, image.planes.data)
    sources = Sources.from_labels(labels, job.parameters.n_threads)
    sources = sources.take(np.searchsorted(sources.host.labels, names))
    provenance = noted.of(names)
    if detection_cat is not None:
        detection_cat = detection_cat.get_labels(names)
    shapes = None if smooth is None else partial(smooth.drawn, window)
    if request.detected_on == DETECTION:
        detection_cat = make_catalog(request, image, labels, sources, provenance, shapes=shapes)
        if detections is not None:
            detections[key] = detection_cat
        image = job.prepare(window, band)
    catalog = make_catalog(request, image, labels, sources, provenance, detection_cat, shapes)
    return catalog, detection_cat
