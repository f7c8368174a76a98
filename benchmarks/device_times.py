"""Times of the chain on a real GPU, with device events, beside the CPU path."""

import argparse
import gc
import time
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

import skyshed
from benchmarks.device_chain import STAGES, Results
from benchmarks.scene import Scene

#: The images that each stage reads.
READS = {
    "background": ("image", "mask"),
    "convolution": ("data",),
    "detection": ("convolved", "rms", "mask"),
    "deblending": ("convolved", "detected"),
    "catalog": ("data", "segments", "convolved", "rms", "mask"),
}
#: The images that each stage writes, and how far from the CPU's they may be, relative to the
#: largest value; labels must be identical.
WRITES = {
    "background": {"data": 1e-6, "rms": 1e-6},
    "convolution": {"convolved": 1e-6},
    "detection": {"detected": 0.0},
    "deblending": {"segments": 0.0},
    "catalog": {},
}
#: How far the columns of the table may be from the CPU's, relative to the largest value.
COLUMNS = 1e-6
HEADS = ("stage", "GPU, ms", "CPU, ms", "CPU / GPU", "floor, ms", "GPU / floor", "result")
#: Bytes of the copy that measures the bandwidth, and how often it is made.
COPIED, COPIES = 1 << 28, 10


def report(scenes: Iterable[Scene], options: argparse.Namespace, cupy: Any) -> str:
    """Return the tables of fields in Markdown.

    The floor is the time that reading a stage's images and writing its results once would take.
    """
    name = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)["name"].decode()
    bandwidth = options.bandwidth or _bandwidth(cupy)
    source = "given" if options.bandwidth else "measured with a copy of 256 MiB"
    lines = [
        f"# The chain on {name}",
        "",
        f"CuPy {cupy.__version__}. Least of {options.rounds} rounds, warm (CPU: of 3 at most, all "
        "cores). Each stage gets the CPU's inputs; its result was compared with the CPU's before "
        f"it was timed. Bandwidth: {bandwidth:.3g} bytes/s, {source}. The whole chain was run on "
        "its own results, from the image in device memory to the table.",
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for scene in scenes:
            lines += ["", *_field(scene, options.rounds, bandwidth, cupy)]
    return "\n".join(lines) + "\n"


def _field(scene: Scene, rounds: int, bandwidth: float, cupy: Any) -> list[str]:
    """Return the lines of one field."""
    here: Results = {"image": scene.data, "mask": scene.mask}
    rows = [_stage(name, here, rounds, bandwidth, cupy) for name in STAGES]
    peak = _peak(cupy, scene)
    inputs = {key: _uploaded(cupy, here[key]) for key in ("image", "mask")}
    whole = _device_seconds(cupy, _chain, inputs, rounds)
    cpu = _host_seconds(_chain, {key: here[key] for key in inputs}, rounds)
    return [
        f"## {scene.name}",
        "",
        f"{len(here['table'])} sources. The memory pool held {peak / scene.data.size:.1f} bytes "
        "per pixel at most, all images that the caller keeps included.",
        "",
        "| " + " | ".join(HEADS) + " |",
        "|" + " --- |" * len(HEADS),
        *rows,
        _row("whole chain", whole, cpu, None, ""),
    ]


def _stage(name: str, here: Results, rounds: int, bandwidth: float, cupy: Any) -> str:
    """Check and time a stage on the CPU's results, and add to them; return its row."""
    stage = STAGES[name]
    given = {key: here[key] for key in READS[name]}
    there = {key: _uploaded(cupy, value) for key, value in given.items()}
    stage(there)  # compiles
    stage(given)
    verdict = _verdict(name, there, given)
    floor = sum(_nbytes(there[key]) for key in (*READS[name], *WRITES[name])) / bandwidth
    gpu = _device_seconds(cupy, stage, there, rounds)
    cpu = _host_seconds(stage, given, rounds)
    here |= given
    return _row(name, gpu, cpu, floor, verdict)


def _row(name: str, gpu: float, cpu: float, floor: float | None, verdict: str) -> str:
    bound = ("", "") if floor is None else (f"{floor * 1e3:.3f}", f"{gpu / floor:.1f}")
    cells = (name, f"{gpu * 1e3:.3f}", f"{cpu * 1e3:.1f}", f"{cpu / gpu:.1f}", *bound, verdict)
    return "| " + " | ".join(cells) + " |"


def _chain(results: Results) -> None:
    for stage in STAGES.values():
        stage(results)


def _uploaded(cupy: Any, value: Any) -> Any:
    """Copy an image or a segmentation image to the device."""
    if value is None:
        return None
    if isinstance(value, skyshed.SegmentationImage):
        known = value.provenance  # the flags of sources say what was deblended
        return skyshed.SegmentationImage.from_labels(
            cupy.asarray(value.data),
            deblended_labels_map=(known.child, known.parent),
            flags_map=(known.flagged, known.flags),
        )
    return cupy.asarray(value)


def _fresh(results: Results) -> Results:
    """Return the results with segmentation images that don't know yet where their sources are."""
    return {
        key: skyshed.SegmentationImage(value.data)
        if isinstance(value, skyshed.SegmentationImage)
        else value
        for key, value in results.items()
    }


def _host_seconds(stage: Callable[[Results], None], given: Results, rounds: int) -> float:
    least = float("inf")
    for _ in range(min(rounds, 3)):
        results = _fresh(given)
        start = time.perf_counter()
        stage(results)
        least = min(least, time.perf_counter() - start)
    return least


def _device_seconds(
    cupy: Any, stage: Callable[[Results], None], given: Results, rounds: int
) -> float:
    """Time a stage with events, waits of the host and gaps between kernels included."""
    least = float("inf")
    for warm in range(rounds + 1):  # the first round fills the memory pool
        results = _fresh(given)
        begin, end = cupy.cuda.Event(), cupy.cuda.Event()
        cupy.cuda.Device().synchronize()
        begin.record()
        stage(results)
        end.record()
        end.synchronize()
        if warm:
            least = min(least, cupy.cuda.get_elapsed_time(begin, end) / 1e3)
    return least


def _bandwidth(cupy: Any) -> float:
    """Return the bytes per second that a copy reads and writes."""
    source = cupy.zeros(COPIED, np.uint8)
    target = cupy.empty_like(source)

    def copy(_: Results) -> None:
        for _ in range(COPIES):
            target[...] = source

    return 2 * COPIED * COPIES / _device_seconds(cupy, copy, {}, 3)


def _peak(cupy: Any, scene: Scene) -> int:
    """Return the bytes that the memory pool took for one run of the chain, its inputs included."""
    pool = cupy.get_default_memory_pool()
    gc.collect()
    pool.free_all_blocks()
    before = pool.total_bytes()
    results = {"image": cupy.asarray(scene.data), "mask": _uploaded(cupy, scene.mask)}
    _chain(results)
    return int(pool.total_bytes() - before)


def _nbytes(value: Any) -> int:
    """Return the bytes of an image or of a segmentation image; 0 for `None`."""
    value = value.data if isinstance(value, skyshed.SegmentationImage) else value
    return 0 if value is None else int(value.nbytes)


def _verdict(name: str, there: Results, here: Results) -> str:
    """Say how far the stage's results are from the CPU's."""
    if name == "catalog":
        return _verdict_of_table(there, here)
    found = []
    for key, tolerance in WRITES[name].items():
        theirs, ours = _plain(there[key]), _plain(here[key])
        if tolerance == 0:
            n = int(np.count_nonzero(theirs != ours))
            found.append("identical" if n == 0 else f"WRONG: {n} pixels have another label")
        else:
            worst = _worst(theirs, ours)
            good = worst <= tolerance
            found.append(f"{'' if good else 'WRONG: '}{key} within {worst:.1e}")
    return ", ".join(found)


def _verdict_of_table(there: Results, here: Results) -> str:
    """Compare the tables and the radii, column by column."""
    columns = {"radius": (there["radius"], here["radius"])}
    for name in here["table"].colnames:
        if np.asarray(here["table"][name]).dtype.kind in "fi":
            columns[name] = there["table"][name], here["table"][name]
    worst = {name: _worst(_plain(a), _plain(b)) for name, (a, b) in columns.items()}
    wrong = [name for name, value in worst.items() if not value <= COLUMNS]
    if wrong:
        listed = ", ".join(f"{name} by {worst[name]:.1e}" for name in wrong)
        return f"WRONG: off are {listed}"
    return f"{len(worst)} columns within {max(worst.values()):.1e}"


def _worst(theirs: Any, ours: Any) -> float:
    """Return the largest difference relative to the largest value; inf if NaN are elsewhere."""
    theirs, ours = theirs.astype(float), ours.astype(float)
    if theirs.shape != ours.shape or not np.array_equal(np.isfinite(theirs), np.isfinite(ours)):
        return float("inf")
    known = np.isfinite(ours)
    scale = np.abs(ours[known]).max(initial=0.0)
    return float(np.abs(theirs - ours)[known].max(initial=0.0) / (scale or 1.0))


def _plain(value: Any) -> Any:
    """Return an image, a segmentation image or a column as a NumPy array."""
    value = value.data if isinstance(value, skyshed.SegmentationImage) else value
    value = value.get() if hasattr(value, "get") and not isinstance(value, np.ndarray) else value
    return np.asarray(getattr(value, "value", value))
