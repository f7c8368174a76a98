"""What the planes of an exposure say of each source: bits of quality, saturated pixels."""

from typing import Any

import numpy as np

from skyshed.catalog.registry import Column
from skyshed.flags import SEGMENTATION_FLAGS
from skyshed.images.exposure import Exposure, Planes
from skyshed.images.window import Window
from skyshed.namespace import array_namespace, count_in_rows, to_host
from skyshed.segmentation.provenance import Provenance
from skyshed.sources import Sources

__all__ = ["QUALITY", "bits_of_sources", "saturated", "with_saturated"]

#: The columns of a quality plane.
QUALITY = {
    name: Column(
        name,
        description=f"Sum of the bits of the quality plane that {which}.",
        ucd="meta.code.qual",
    )
    for name, which in (
        ("quality_or", "any pixel of the segment has"),
        ("quality_and", "all pixels of the segment have"),
    )
}


def bits_of_sources(exposure: Exposure, window: Window, sources: Sources) -> dict[str, Any]:
    """Return the columns of the quality plane, int64; none if there is no such plane.

    Parameters
    ----------
    exposure : Exposure
        The image with its planes.
    window : Window
        Where to look.
    sources : Sources
        The sources, in the pixels of the window.
    """
    if "quality" not in exposure.companions:
        return {}
    bits = exposure.quality_at(window, sources.pixel)
    begin = to_host(sources.start)[:-1]
    both = (np.bitwise_or, np.bitwise_and)
    return {
        name: each.reduceat(bits, begin) if begin.size else bits[:0]
        for name, each in zip(QUALITY, both, strict=True)
    }


def with_saturated(
    provenance: Provenance, saturation: float | None, planes: Planes, sources: Sources
) -> Provenance:
    """Return what is noted about the sources, with the flag of those with a saturated pixel."""
    if saturation is None:
        return provenance
    found = saturated(saturation, planes, sources)
    return provenance.with_flag(sources.host.labels[found], SEGMENTATION_FLAGS.SATURATED)


def saturated(saturation: float, planes: Planes, sources: Sources) -> Any:
    """Return which sources have a saturated pixel, on the host."""
    xp = array_namespace(data=planes.data)
    values = xp.take(planes.data.reshape(-1), sources.pixel)
    return to_host(count_in_rows(values >= saturation, sources.start) > 0)
