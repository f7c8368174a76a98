"""Phase 6: the sources of each tile, measured on all their pixels and those of their apertures.

A tile is read with a margin. Sources whose apertures reach beyond it are measured by themselves, in
windows as large as they need.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

import skyshed.catalog.measurements  # noqa: F401 - fills the registry
from skyshed.catalog import SourceCatalog
from skyshed.catalog.inputs import all_bad
from skyshed.catalog.registry import Results
from skyshed.frame import Frame, Remade
from skyshed.io.stream import concatenated, to_plain
from skyshed.mosaic import background
from skyshed.mosaic.job import Job
from skyshed.mosaic.labels import labels_in
from skyshed.mosaic.reach import first_needs, second_needs
from skyshed.mosaic.tiles import Window
from skyshed.namespace import like
from skyshed.pipeline.steps import convolved
from skyshed.pipeline.table import make_table
from skyshed.segmentation.provenance import Provenance
from skyshed.sources import Sources

__all__ = ["measure"]


def measure(job: Job, place: tuple[int, int]) -> None:
    """Measure the sources of a tile, and write its labels."""
    core = job.tiling[place]
    window = core.grown(job.margin, job.shape)
    labels = labels_in(job, window)
    job.maps["sources"][core.slices] = labels[core.within(window)]
    tables = [make_table(each, job.parameters) for each in _catalogs(job, place, window, labels)]
    parts = [to_plain(table) for table in tables if len(table)]
    if parts:
        to_plain(concatenated(parts)).save(job.workspace.file("measure", place))
    else:
        job.workspace.save("measure", place)
