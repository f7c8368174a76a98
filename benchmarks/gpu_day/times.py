"""Times: the chain beside the CPU, then each stage and each own kernel, and giant sources."""

import argparse
import contextlib
import gc
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cupy
import numpy as np
from scipy import ndimage

import skyshed
from benchmarks import device_times
from benchmarks.device_chain import STAGES, Results
from benchmarks.gpu_day.measured import FILE
from benchmarks.scene import survey_scene

SIZES, ALONE, GIANTS = (2048, 4096), (2048, 4096, 8192, 16384), (150, 400, 1000)
ROUNDS = 5


def run(rehearsal: bool) -> None:
    """Print the tables as they come, and write what was measured to a file."""
    sizes, alone, giants = ((160,), (160, 200), (60,)) if rehearsal else (SIZES, ALONE, GIANTS)
    path = Path(os.environ["OUT"]) / FILE
    name = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)["name"].decode()
    found: dict[str, Any] = {"gpu": name, "cupy": cupy.__version__, "fields": {}, "giants": {}}
    for size in alone:
        found["fields"][str(size)] = _field(size)
        path.write_text(json.dumps(found, indent=1))
    for side in giants:
        found["giants"][str(side * side)] = seconds = _giant(side)
        print(f"giant of {side * side} pixels: {seconds * 1e3:.1f} ms", flush=True)
        path.write_text(json.dumps(found, indent=1))
    if rehearsal:
        device_times.COPIED = 1 << 16
    options = argparse.Namespace(rounds=1 if rehearsal else ROUNDS, bandwidth=None)
    scenes = (survey_scene(size, 1, None) for size in sizes)
    report = device_times.report(scenes, options, cupy)
    print(report)
    (path.parent / "device-times.md").write_text(report)
    print("times: WRONG" if "WRONG" in report else "times: told")


def _field(size: int) -> dict[str, Any]:
    """Time the stages and the own kernels on a field, warm."""
    scene = survey_scene(size, 1, None)
    pool = cupy.get_default_memory_pool()
    gc.collect()
    pool.free_all_blocks()
    given: Results = {"image": cupy.asarray(scene.data), "mask": cupy.asarray(scene.mask)}
    device_times._chain(dict(given))
    kept = pool.total_bytes()
    stages: dict[str, Any] = {}
    results = dict(given)
    for name, stage in STAGES.items():
        cupy.cuda.Device().synchronize()
        start = time.perf_counter()
        stage(results)
        issued = time.perf_counter() - start
        cupy.cuda.Device().synchronize()
        stages[name] = {"issued": issued, "done": time.perf_counter() - start}
    n_sources = len(results["table"])
    del results
    gc.collect()
    with _watched() as record:
        device_times._chain(dict(given))
    cupy.cuda.Device().synchronize()
    kernels: dict[str, Any] = {}
    for kernel, begin, end in record:
        of = kernels.setdefault(kernel, {"launches": 0, "seconds": 0.0})
        of["launches"] += 1
        of["seconds"] += cupy.cuda.get_elapsed_time(begin, end) / 1e3
    found = {
        "n_sources": n_sources, "stages": stages, "kernels": kernels,
        "pool": kept / scene.data.size,
    }  # fmt: skip
    _show(size, found)
    return found


@contextlib.contextmanager
def _watched() -> Iterator[list[tuple[str, Any, Any]]]:
    """Record an event before and after each launch of an own kernel."""
    from skyshed.kernels import cuda

    plain, record = cuda.Kernels.launch, []

    def launch(self: Any, kernel: str, threads: int, *args: Any, **kwargs: Any) -> None:
        begin, end = cupy.cuda.Event(), cupy.cuda.Event()
        begin.record()
        plain(self, kernel, threads, *args, **kwargs)
        end.record()
        record.append((kernel, begin, end))

    cuda.Kernels.launch = launch  # type: ignore[method-assign]
    try:
        yield record
    finally:
        cuda.Kernels.launch = plain  # type: ignore[method-assign]


def _show(size: int, found: dict[str, Any]) -> None:
    print(f"## {size}^2, {found['n_sources']} sources, pool {found['pool']:.2f} bytes per pixel")
    for name, stage in found["stages"].items():
        print(f"   {name:22} issued {stage['issued'] * 1e3:.2f}, done {stage['done'] * 1e3:.2f} ms")
    longest = sorted(found["kernels"].items(), key=lambda item: -item[1]["seconds"])
    for kernel, of in longest[:14]:
        print(f"   {kernel:22} {of['launches']} x  {of['seconds'] * 1e3:9.3f} ms", flush=True)


def _giant(side: int) -> float:
    """Return the seconds of deblending a source of ``side * side`` pixels and many peaks."""
    light = ndimage.gaussian_filter(np.random.default_rng(5).normal(size=(side, side)), 4.0)
    light = 60 + 200 * (light - light.min()) / np.ptp(light)
    image = np.zeros((side + 40, side + 40), np.float32)
    image[20:-20, 20:-20] = light
    given = cupy.asarray(image)
    detected = skyshed.detect_sources(given, 4.0, 5)
    seconds = float("inf")
    for _ in range(2):
        cupy.cuda.Device().synchronize()
        start = time.perf_counter()
        skyshed.deblend_sources(given, detected, 5, contrast=1e-5, progress_bar=False)
        cupy.cuda.Device().synchronize()
        seconds = min(seconds, time.perf_counter() - start)
    return seconds
