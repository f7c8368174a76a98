"""What the chain asks of a GPU, counted on the stand-in for CuPy, and the time it would take."""

import argparse
import gc
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.device_chain import run
from benchmarks.scene import Scene

HEADS = (
    "stage", "own launches", "library launches", "waits", "up, bytes", "down, bytes",
    "moved, images", "peak, bytes/pixel", "predicted, ms", "floor, ms",
)  # fmt: skip
#: What the whole chain may ask for, whatever the size of the field.
LIMITS = {"launches": 300, "waits": 40, "moved, images": 80, "peak, bytes/pixel": 28}
WHOLE = "whole chain"


@dataclass(frozen=True)
class Count:
    """What the chain asked for on one field.

    Attributes
    ----------
    scene : Scene
    n_sources : int
    ledger : `tests.device.standin.counts.Ledger`
    """

    scene: Scene
    n_sources: int
    ledger: Any

    @property
    def sections(self) -> dict[str, Any]:
        """The counts by stage, those of the whole chain last."""
        return {**self.ledger.stages, WHOLE: self.ledger.total}

    def measured(self, name: str) -> dict[str, float]:
        """Return what there are limits for, of one stage or of the whole chain."""
        section = self.sections[name]
        return {
            "launches": section.launches,
            "waits": section.synchronisations,
            "moved, images": self.ledger.bytes_moved(section) / self.scene.data.nbytes,
            "peak, bytes/pixel": section.peak / self.scene.data.size,
        }


def report(scenes: Iterable[Scene], options: argparse.Namespace) -> str:
    """Return the ledgers of fields in Markdown, and how they grow with the field."""
    lines = [
        "# What the chain asks of a GPU",
        "",
        "No GPU here: launches, waits, transfers and bytes are counted on a stand-in for CuPy (own "
        "kernels run on an emulator, which counts each load and store; library calls count by a "
        "table of costs). Every field below was run whole. The times are a PREDICTION, not a "
        "measurement: max(bytes / bandwidth, launches x 7 us) + waits x 20 us + transfers / 20 "
        f"GB/s, at {options.bandwidth:.3g} bytes/s; the floor is bytes / bandwidth.",
        "",
        "The peak holds all that the caller keeps: image, mask, image without sky, noise, smoothed "
        "image, and both label images.",
        "",
    ]
    counts = []
    for scene in scenes:
        counts.append(count(scene))
        lines += [*_ledger(counts[-1], options.bandwidth), ""]
    return "\n".join([*lines, *_limits(counts[-1]), "", *_growth(counts)]) + "\n"


def _table(heads: Any, rows: Any) -> list[str]:
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    return lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows]


def _ledger(counted: Count, bandwidth: float) -> list[str]:
    """Return the ledger of a field, stage by stage."""
    ledger, data = counted.ledger, counted.scene.data
    rows = []
    for name, section in counted.sections.items():
        figures = counted.measured(name)
        row = (
            name, section.own_launches, section.library_launches, section.synchronisations,
            section.uploaded, section.downloaded, f"{figures['moved, images']:.1f}",
            f"{figures['peak, bytes/pixel']:.1f}",
            f"{ledger.predicted_seconds(section, bandwidth) * 1e3:.3f}",
            f"{ledger.bytes_moved(section) / bandwidth * 1e3:.3f}",
        )  # fmt: skip
        rows.append(row)
    downloads = [e for e in ledger.events if e.kind == "download"]
    largest = max((e.nbytes for e in downloads), default=0)
    return [
        f"## {counted.scene.name}",
        "",
        f"{counted.n_sources} sources; an image is {data.nbytes} bytes. The largest copy to the "
        f"host between upload and table is {largest} bytes.",
        "",
        *_table(HEADS, rows),
    ]


def _limits(counted: Count) -> list[str]:
    """Compare a field with what the chain may ask for."""
    rows = []
    for name, figure in counted.measured(WHOLE).items():
        verdict = "within" if figure <= LIMITS[name] else "EXCEEDED"
        rows.append((name, f"{figure:.4g}", LIMITS[name], verdict))
    return [
        f"## The limits, on {counted.scene.data.shape[1]} x {counted.scene.data.shape[0]} pixels",
        "",
        *_table(("whole chain", "counted", "limit", ""), rows),
    ]


def _growth(counts: list[Count]) -> list[str]:
    """Show which counts grow with the field, stage by stage."""
    lines = [
        "## By size",
        "",
        "Launches and waits do not depend on the size, but for the few that sources too large for "
        "shared memory add; bytes per pixel depend on how much of the field sources cover.",
    ]
    sides = [str(each.scene.data.shape[1]) for each in counts]
    for name in LIMITS:
        form = "{:.1f}" if name == "moved, images" else "{:.2f}" if "peak" in name else "{}"
        rows = [
            (stage, *(form.format(each.measured(stage)[name]) for each in counts))
            for stage in counts[0].sections
        ]
        lines += ["", *_table((name, *sides), rows)]
    return lines


def count(scene: Scene) -> Count:
    """Run the chain on the stand-in.

    Own kernels run on the emulator in the build that counts each load and store.
    """
    from tests.device import standin

    gc.collect()  # what an earlier chain left in circles would count as held memory
    with standin.in_place() as cupy, standin.ledger(count_bytes=True) as ledger:
        with ledger.stage("upload"):
            mask = None if scene.mask is None else cupy.asarray(scene.mask)
            results = {"image": cupy.asarray(scene.data), "mask": mask}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name, stage in run(results):
                with ledger.stage(name):
                    stage()
        n_sources = len(np.asarray(results["table"]["label"]))
    return Count(scene, n_sources, ledger)
