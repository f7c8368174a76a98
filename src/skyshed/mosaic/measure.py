"""Phase 6: the sources of each tile, measured on all their pixels and those of their apertures.

A tile is read with a margin. Sources whose apertures reach beyond it are measured by themselves, in
windows as large as they need.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np

from skyshed.catalog import SourceCatalog, kron_ellipses
from skyshed.chain.columns import make_table
from skyshed.chain.steps import measure_sources
from skyshed.images.window import Window
from skyshed.mosaic import background
from skyshed.mosaic.job import Job
from skyshed.mosaic.labels import labels_in
from skyshed.mosaic.reach import fits, needs_of
from skyshed.namespace import like
from skyshed.output.table_parts import concatenated, to_plain
from skyshed.segmentation.provenance import Provenance
from skyshed.sources import Sources

__all__ = ["measure"]


def measure(job: Job, place: tuple[int, int]) -> None:
    """Measure the sources of a tile, and write its labels."""
    start = perf_counter()
    core = job.tiling[place]
    window = core.grown(job.margin, job.shape)
    labels = labels_in(job, window)
    job.maps["segmentation"][core.slices] = labels[core.within(window)]
    parts, drawn = [], [(np.empty(0, np.int32), np.empty((0, 5)))]
    for catalog in _catalogs(job, place, window, labels):
        table = to_plain(make_table(catalog, job.parameters))
        parts.append(replace(table, rows=np.searchsorted(job.names, catalog.labels)))
        drawn.append(kron_ellipses(catalog))
    names, places = (np.concatenate(each) for each in zip(*drawn, strict=True))
    if parts:
        table = parts[0]
        if len(parts) > 1:
            rows = np.sort(np.concatenate([part.rows for part in parts]))
            table = replace(to_plain(concatenated(parts)), rows=rows)
        table.save(job.workspace.file("tables", place))
    job.workspace.save(
        "measure", place, n_sources=names.size, labels=names, places=places,
        seconds=perf_counter() - start,
    )  # fmt: skip


def _catalogs(
    job: Job, place: tuple[int, int], window: Window, labels: Any
) -> Iterator[SourceCatalog]:
    """Yield the catalogs that together hold the sources of a tile."""
    known = job.workspace.load("number", place)
    names = np.concatenate([known["labels"], known["seam_labels"]])
    flags = np.concatenate([known["flags"], known["seam_flags"]])
    order = np.argsort(names)
    names, flags = names[order], flags[order]
    # The least that is known of what each source needs: what ends in the tile has its box there.
    need = np.tile(_box(job.tiling[place]), (names.size, 1))
    need[np.searchsorted(names, known["seam_labels"])] = known["seam_boxes"]
    here = np.flatnonzero(fits(need, window))
    catalog = _catalog(job, window, labels, names[here], flags[here]) if here.size else None
    for needs in needs_of(job):
        if catalog is not None:
            need[here] = needs(catalog)
            inside = fits(need[here], window)
            here = here[inside]
            catalog = catalog[np.flatnonzero(inside)] if here.size else None
    if catalog is not None:
        yield catalog
    del catalog, labels
    for i in np.setdiff1d(np.arange(names.size), here):
        yield _alone(job, names[i : i + 1], flags[i : i + 1], Window(*need[i].tolist()))


def _box(window: Window) -> list[int]:
    return [window.y0, window.y1, window.x0, window.x1]


def _alone(job: Job, name: Any, flags: Any, window: Window) -> SourceCatalog:
    """Measure one source in a window that grows until it holds all that is needed."""
    window = window.grown(job.halo, job.shape)
    while True:
        catalog = _catalog(job, window, labels_in(job, window), name, flags)
        for needs in needs_of(job):
            need = needs(catalog)
            if not fits(need, window).all():
                window = window.around(Window(*need[0].tolist()))
                break
        else:
            return catalog


def _catalog(job: Job, window: Window, labels: Any, names: Any, flags: Any) -> SourceCatalog:
    """Return the catalog of some sources, given the labels of a window that holds their pixels.

    Where there is a band for detection, positions, shapes and apertures are measured on it.
    """
    band = background.prepare(job, window, job.detected_on)
    labels = like(labels, band.field.data)
    sources = Sources.from_labels(labels, job.parameters.n_threads)
    sources = sources.take(np.searchsorted(sources.host.labels, names))
    provenance = Provenance.from_maps(flags_of=(names, flags))
    measured = partial(
        measure_sources, labels=labels, sources=sources, provenance=provenance, wcs=job.sky,
        origin=window.origin, full_shape=job.shape,
    )  # fmt: skip
    catalog = measured(band)
    if job.detected_on == "image":
        return catalog
    return measured(background.prepare(job, window), detection_cat=catalog)
