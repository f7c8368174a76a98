"""What the chain asks of a GPU, counted on the stand-in for CuPy, and what that would take."""

import argparse
import functools
import gc
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks import device_model, device_rates, device_stacks, host_time
from benchmarks.device_chain import run
from benchmarks.device_rates import GPUS
from benchmarks.scene import Scene, survey_scene

HEADS = (
    "stage", "own launches", "library launches", "waits", "up, bytes", "down, bytes",
    "moved, images", "peak, bytes/pixel", "pool, bytes/pixel", "Python, ms",
)  # fmt: skip
WORK = (
    "kernel", "launches", "FP64", "FP32", "integer", "memory", "exchange", "lanes used",
    "FP64 lanes used", "longest block", "MB",
)  # fmt: skip
#: Kernels of which a field's tables have a row of their own; the others are summed.
SHOWN = 16
#: Seconds that a launch may take on the emulator: those of large fields are longer than a test's.
LONGEST = 3600.0
#: Side of the field that Python is timed on.
SMALL = 128
#: What the whole chain may ask for, whatever the size of the field.
LIMITS = {"launches": 100, "waits": 12, "moved, images": 80, "pool, bytes/pixel": 28}
WHOLE = "whole chain"


@dataclass(frozen=True)
class Count:
    """What the chain asked for on one field.

    Attributes
    ----------
    scene : Scene
    n_sources, largest : int
        Sources, and the pixels of the largest before any is split.
    ledger : `tests.device.standin.counts.Ledger`
    python : dict
        CPU seconds of each stage's own Python on this machine.
    """

    scene: Scene
    n_sources: int
    largest: int
    ledger: Any
    python: dict[str, float]

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
            "pool, bytes/pixel": section.pool_peak / self.scene.data.size,
        }


def report(scenes: Iterable[Scene], options: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    """Return the ledgers of fields in Markdown, and the predictions as what JSON can hold."""
    lines = [
        "# What the chain asks of a GPU",
        "",
        "No GPU here: launches, waits, transfers, bytes and instructions are counted on a "
        "stand-in for CuPy. Own kernels run on an emulator, which counts each load and store, and "
        "what warps execute, lanes that are apart one after the other; library calls count by a "
        "table of costs. Every field below was run whole.",
        "",
        "**All times are PREDICTIONS**, from best to worst: `benchmarks/device_model.py` says how, "
        "by the rates below. They rest on the counts, which are exact for bytes, launches and "
        "waits; for float64 arithmetic close to it (x86 instructions of the same text, divisions "
        "and functions by what NVRTC makes of them); for integers within a factor of 2 or so "
        "(another compiler's addresses and loops); and on rates from data sheets and latencies "
        "that are assumed. Not in them: caches, bank conflicts, accesses that do not coalesce, "
        "clocks that throttle further.",
        "",
        "The floor is the longer of bytes by bandwidth and floating-point operations by their "
        "rate, with all lanes used and nothing waited for. Python is the CPU time of the stages' "
        "own Python on the machine that wrote this (2 cores, shared).",
        "",
        "The peak holds all that the caller keeps: image, mask, image without sky, noise, smoothed "
        "image, and both label images. The pool is what CuPy's memory pool has of the driver "
        "then, modelled block by block: it keeps what became too small for later requests.",
        "",
        *_rates(),
        "",
    ]
    counts = []
    for scene in scenes:
        counts.append(count(scene))
        lines += [*_ledger(counts[-1]), ""]
    ends = [*_limits(counts[-1]), "", *_growth(counts), "", *_stacks()]
    text = "\n".join([*lines, *ends]) + "\n"
    fields = {str(each.scene.data.shape[1]): _predicted(each) for each in counts}
    return text, {"gpus": [gpu.name for gpu in GPUS], "fields": fields}


def _predicted(counted: Count) -> dict[str, Any]:
    """Return the predictions of a field in seconds: what a day on hardware is held against."""
    found = times(counted)
    kernels = device_model.kernels(counted.ledger.launches)

    def by_gpu(ends: Callable[[str], tuple[float, float]]) -> dict[str, Any]:
        return {
            gpu.name: dict(zip(("best", "worst"), map(_rounded, ends(gpu.name)), strict=True))
            for gpu in GPUS
        }

    return {
        "n_sources": counted.n_sources,
        "pool": counted.measured(WHOLE)["pool, bytes/pixel"],
        "stages": {
            name: by_gpu(lambda gpu, name=name: found[gpu][name].wall) for name in counted.sections
        },
        "kernels": {
            kernel.name: by_gpu(lambda gpu, kernel=kernel: kernel.took[gpu]) for kernel in kernels
        },
        "parts": {
            kernel.name: {
                gpu: [[_rounded(each) for each in end] for end in ends]
                for gpu, ends in kernel.parts.items()
            }
            for kernel in kernels
        },
        "host": by_gpu(lambda gpu: found[gpu][WHOLE].host),
        "library": by_gpu(lambda gpu: found[gpu][WHOLE].library),
        "largest": counted.largest,
    }


def _rounded(seconds: float) -> float:
    return float(f"{seconds:.4g}")


def _rates() -> list[str]:
    """Return the rates that predictions rest on."""
    rows = [
        (
            gpu.name, gpu.multiprocessors, _range(gpu.clock, 1e-9), f"{gpu.fp64:.3g}", gpu.fp32,
            gpu.integer, f"{gpu.fp64 * gpu.multiprocessors * gpu.clock[0] / 1e9:.3g}",
            _range(gpu.bandwidth, 1e-12), _range(gpu.wire, 1e-9), gpu.warps, gpu.shared // 1024,
        )
        for gpu in GPUS
    ]  # fmt: skip
    heads = (
        "GPU", "multiprocessors", "GHz", "FP64 a clock", "FP32", "integer", "FP64, G/s",
        "memory, TB/s", "host, GB/s", "warps", "shared, KiB",
    )  # fmt: skip
    assumed = (
        ("clocks between two instructions of a warp alone", _range(device_rates.ARITHMETIC)),
        ("an access of memory, seen by a warp alone, clocks", _range(device_rates.ACCESS)),
        ("a shuffle or barrier, clocks", _range(device_rates.EXCHANGE)),
        ("part of the issue rate that is reached", _range(device_rates.EFFICIENCY)),
        ("a kernel that does nothing, us", _range(device_rates.EMPTY, 1e6)),
        ("host: launch of an own kernel, us", _range(device_rates.OWN_LAUNCH, 1e6)),
        ("host: a library call, us", _range(device_rates.LIBRARY_LAUNCH, 1e6)),
        ("host: a wait, us", _range(device_rates.WAIT, 1e6)),
        ("host: a small upload, us", _range(device_rates.UPLOAD, 1e6)),
        ("host: Python, in units of this machine", _range(device_rates.PYTHON)),
    )
    return [
        "## Rates",
        "",
        "From data sheets and the CUDA C++ Programming Guide (warp instructions a clock and "
        "multiprocessor); best and worst:",
        "",
        *_table(heads, rows),
        "",
        *_table(("assumed", "best and worst"), assumed),
    ]


def _range(pair: tuple[float, float], unit: float = 1.0) -> str:
    """Return both ends of a range."""
    return " - ".join(f"{value * unit:.3g}" for value in sorted(pair))


def _table(heads: Any, rows: Any) -> list[str]:
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    return lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows]


def _ledger(counted: Count) -> list[str]:
    """Return the ledger of a field, stage by stage and kernel by kernel."""
    ledger, data = counted.ledger, counted.scene.data
    rows = []
    for name, section in counted.sections.items():
        figures = counted.measured(name)
        python = sum(counted.python.values()) if name == WHOLE else counted.python.get(name, 0.0)
        row = (
            name, section.own_launches, section.library_launches, section.synchronisations,
            section.uploaded, section.downloaded, f"{figures['moved, images']:.1f}",
            f"{figures['peak, bytes/pixel']:.1f}", f"{figures['pool, bytes/pixel']:.1f}",
            f"{python * 1e3:.1f}",
        )  # fmt: skip
        rows.append(row)
    downloads = [e for e in ledger.events if e.kind == "download"]
    largest = max((e.nbytes for e in downloads), default=0)
    kernels = device_model.kernels(ledger.launches)
    return [
        f"## {counted.scene.name}",
        "",
        f"{counted.n_sources} sources; an image is {data.nbytes} bytes. The largest copy to the "
        f"host between upload and table is {largest} bytes.",
        "",
        *_table(HEADS, rows),
        "",
        "Predicted, ms (floor). Upload is from pageable memory at worst. The whole chain is from "
        "the image in device memory to the table, without the upload.",
        "",
        *_times(counted),
        "",
        "What own kernels execute: millions of warp instructions by kind, the part of the lanes "
        "that takes part, thousands of instructions in the longest block, bytes loaded and stored.",
        "",
        *_work(kernels),
        "",
        "Own kernels, predicted, ms (floor), and what decides at best:",
        "",
        *_kernel_times(kernels),
    ]


def times(counted: Count) -> dict[str, dict[str, device_model.Time]]:
    """Return what each stage takes, and the whole chain without the upload, by GPU."""
    found = {}
    for gpu in GPUS:
        stages = {
            name: device_model.stage_time(
                gpu, section, [e for e in counted.ledger.launches if e.stage == name],
                counted.python.get(name, 0.0),
            )
            for name, section in counted.ledger.stages.items()
        }  # fmt: skip
        timed = [time for name, time in stages.items() if name != "upload"]
        found[gpu.name] = {**stages, WHOLE: device_model.together(timed)}
    return found


def _times(counted: Count) -> list[str]:
    found = times(counted)
    rows = []
    for name in counted.sections:
        cells = [_cell(found[gpu.name][name].wall, found[gpu.name][name].floor) for gpu in GPUS]
        rows.append((name, *cells))
    for what in ("own", "library", "host"):
        cells = [_range(getattr(found[gpu.name][WHOLE], what), 1e3) for gpu in GPUS]
        title = {"own": "own kernels", "library": "library's kernels", "host": "host alone"}[what]
        rows.append((f"of it {title}", *cells))
    return _table(("stage", *(gpu.name for gpu in GPUS)), rows)


def _cell(seconds: tuple[float, float], floor: float) -> str:
    return f"{_range(seconds, 1e3)} ({floor * 1e3:.2g})"


def _work(kernels: list[device_model.Kernel]) -> list[str]:
    rows = []
    for kernel in kernels[:SHOWN]:
        rows.append((
            kernel.name, kernel.launches, *(f"{n / 1e6:.2f}" for n in kernel.warps),
            f"{kernel.lane_use:.0%}",
            "" if kernel.fp64_lane_use != kernel.fp64_lane_use else f"{kernel.fp64_lane_use:.0%}",
            f"{kernel.longest.sum() / 1e3:.1f}", f"{kernel.nbytes / 1e6:.1f}",
        ))  # fmt: skip
    rest, every = kernels[SHOWN:], kernels
    for title, group in (("others", rest), ("all", every)):
        warps = sum((kernel.warps for kernel in group), np.zeros(device_model.N_KINDS))
        lanes = sum((kernel.lanes for kernel in group), np.zeros(device_model.N_KINDS))
        rows.append((
            title, sum(kernel.launches for kernel in group), *(f"{n / 1e6:.2f}" for n in warps),
            f"{lanes.sum() / max(warps.sum(), 1) / 32:.0%}",
            f"{lanes[0] / max(warps[0], 1) / 32:.0%}", "",
            f"{sum(kernel.nbytes for kernel in group) / 1e6:.1f}",
        ))  # fmt: skip
    return _table(WORK, rows)


def _kernel_times(kernels: list[device_model.Kernel]) -> list[str]:
    worst = GPUS[-1].name
    shown = sorted(kernels, key=lambda kernel: -kernel.took[worst][0])[:SHOWN]
    rows = [
        (
            kernel.name,
            *(
                f"{_cell(kernel.took[gpu.name], kernel.floor[gpu.name])} {kernel.bound[gpu.name]}"
                for gpu in GPUS
            ),
        )
        for kernel in shown
    ]
    return _table(("kernel", *(gpu.name for gpu in GPUS)), rows)


def _limits(counted: Count) -> list[str]:
    """Compare a field with what the chain may ask for."""
    rows = []
    for name, limit in LIMITS.items():
        figure = counted.measured(WHOLE)[name]
        verdict = "within" if figure <= limit else "EXCEEDED"
        rows.append((name, f"{figure:.4g}", limit, verdict))
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
        form = "{:.1f}" if name == "moved, images" else "{:.2f}" if "pool" in name else "{}"
        rows = [
            (stage, *(form.format(each.measured(stage)[name]) for each in counts))
            for stage in counts[0].sections
        ]
        lines += ["", *_table((name, *sides), rows)]
    return lines


def _stacks() -> list[str]:
    """Show that launches and waits do not grow with the number of equal images."""
    heads = (
        "images", "own launches", "library launches", "waits", "uploads", "downloads",
        "launches an image", "waits an image",
    )  # fmt: skip
    return [
        "## Equal images together",
        "",
        f"`extract_each` of planes of an array on the device, {device_stacks.SIDE} x "
        f"{device_stacks.SIDE} pixels each, until all have their tables. One image goes the usual "
        "way.",
        "",
        *_table(heads, device_stacks.counts_of()),
    ]


def count(scene: Scene) -> Count:
    """Run the chain on the stand-in.

    Own kernels run on the emulator in the build that counts what they do. Python is timed in runs
    of their own, on a field that is as small as its cost does not depend on.
    """
    from tests.device import standin
    from tests.device.emulator import build

    build.WATCHDOG = max(build.WATCHDOG, LONGEST)
    gc.collect()  # what an earlier chain left in circles would count as held memory
    with standin.in_place() as cupy:
        with standin.ledger(count_bytes=True) as ledger:
            cupy.get_default_memory_pool().free_all_blocks()
            with ledger.stage("upload"):
                mask = None if scene.mask is None else cupy.asarray(scene.mask)
                results = {"image": cupy.asarray(scene.data), "mask": mask}
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                for name, stage in run(results):
                    with ledger.stage(name):
                        stage()
            n_sources = len(np.asarray(results["table"]["label"]))
        largest = int(np.bincount(cupy.asnumpy(results["detected"].data).ravel())[1:].max())
    return Count(scene, n_sources, largest, ledger, _python())


@functools.cache
def _python() -> dict[str, float]:
    """Return the CPU seconds of each stage's own Python: they do not grow with the image."""
    from tests.device import standin

    scene = survey_scene(SMALL, 1, None)
    with standin.in_place() as cupy, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = {"image": cupy.asarray(scene.data), "mask": cupy.asarray(scene.mask)}
        return {name: host_time.python_seconds(cupy, stage) for name, stage in run(results)}
