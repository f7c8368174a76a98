"""What a sanitizer watches: a small chain and the columns that it leaves out, without the pool."""

import contextlib

import cupy

import skyshed
from benchmarks.device_times import _chain
from benchmarks.scene import survey_scene

COLUMNS = ("perimeter", "gini", "centroid_win", "centroid_quad", "local_background")


def run(rehearsal: bool) -> None:
    """Run the chain; the sanitizer says what it has seen."""
    with contextlib.suppress(NotImplementedError, AttributeError):
        cupy.cuda.set_allocator(None)  # each array is memory of its own
    scene = survey_scene(160 if rehearsal else 256, 1, None)
    given = {"image": cupy.asarray(scene.data), "mask": cupy.asarray(scene.mask)}
    _chain(given)
    catalog = skyshed.SourceCatalog(
        given["data"], given["segments"], convolved_data=given["convolved"], error=given["rms"],
        mask=given["mask"], localbkg_width=8,
    )  # fmt: skip
    for name in COLUMNS:
        getattr(catalog, name)
    given["segments"].make_source_mask(size=5)
    skyshed.Background2D(given["image"], 128).background  # noqa: B018
    cupy.cuda.Device().synchronize()
    print("sanitized a chain of", len(given["table"]), "sources")
