"""Two threads beside two processes of one thread, and the same bits for any number."""

import subprocess
import sys
import warnings
from collections.abc import Iterator
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.array_chain import skyshed_chain
from benchmarks.cpu.rows import Part, Row, at_least
from benchmarks.scene import survey_scene
from benchmarks.timing import NoClock

__all__ = ["measure"]

#: What a process does: warm up, say so, and run for a while whenever it is asked to.
WORKER = """
import sys, warnings
from benchmarks.cpu.threads import chains_per_second
warnings.simplefilter("ignore")
n, size, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
for rate in chains_per_second(n, size, seconds):
    print(rate, flush=True)
    if not sys.stdin.readline():
        break
"""


def chains_per_second(n_threads: int, size: int, seconds: float) -> Iterator[float]:
    """Yield 0 once the chain is warm, then how many a second run, each time for a while."""
    scene, chain = survey_scene(size, 1, None), skyshed_chain(n_threads)
    chain.run(scene, NoClock())
    yield 0.0
    while True:
        done, start = 0, perf_counter()
        while perf_counter() - start < seconds:
            chain.run(scene, NoClock())
            done += 1
        yield done / (perf_counter() - start)


def start(n_threads: int, size: int, seconds: float) -> Any:
    """Start a process of `chains_per_second`, and wait until it is warm."""
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(n_threads), str(size), str(seconds)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    worker.stdout.readline()
    return worker


def together(workers: list[Any]) -> float:
    """Return the chains a second of processes that run at the same time."""
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    return sum(float(worker.stdout.readline()) for worker in workers)


def measure(quick: bool) -> Part:
    """Compare the throughputs, alternating; compare labels and columns over thread counts."""
    part = Part("Threads")
    size, seconds, turns = (512, 0.5, 3) if quick else (2048, 3.0, 9)
    both, one, other = (start(n, size, seconds) for n in (2, 1, 1))
    shares = sorted(together([both]) / together([one, other]) for _ in range(turns))
    for worker in (both, one, other):
        worker.communicate()
    median = shares[turns // 2]
    note = f" (median of {turns} turns, {shares[0]:.2f}-{shares[-1]:.2f})"
    item = "throughput of two threads over that of two processes of one thread"
    part.rows.append(at_least(item, median, 0.9, "x", note))
    part.figures["share"] = median
    differing = [str(n) for n in (2, 3, 5) if not same_bits(512 if quick else 1024, n)]
    said = "none" if not differing else ", ".join(differing)
    item = "thread counts (2, 3, 5) whose labels or columns are not those of one thread"
    part.rows.append(Row(item, said, "none", not differing))
    return part


def same_bits(size: int, n_threads: int) -> bool:
    """Whether the labels and every column have the bits of one thread's."""
    import skyshed

    scene = survey_scene(size, 4, None)
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for n in (1, n_threads):
            found.append(skyshed.extract(scene.data, mask=scene.mask, n_threads=n))
        one, many = (each.catalog.to_arrays() for each in found)
    labels = np.array_equal(found[0].segmentation.data, found[1].segmentation.data)
    return labels and all(one[name].tobytes() == many[name].tobytes() for name in one)
