"""Two threads beside two processes of one thread, and the same bits for any number."""

import subprocess
import sys
import warnings
from time import perf_counter

import numpy as np

from benchmarks.array_chain import skyshed_chain
from benchmarks.cpu.rows import Part, Row, at_least
from benchmarks.scene import survey_scene
from benchmarks.timing import Clock

__all__ = ["measure"]

#: What each of the two processes does: report ready, wait for the other, and run for a while.
WORKER = """
import sys, warnings
from time import perf_counter
from benchmarks.cpu.threads import run_for
warnings.simplefilter("ignore")
n, size, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
print(run_for(n, size, seconds, lambda: (print("ready", flush=True), sys.stdin.readline())))
"""


def run_for(n_threads, size, least_seconds, wait=lambda: None):
    """Return how many chains a second run on ``n_threads`` threads, warm."""
    scene, chain = survey_scene(size, 1, None), skyshed_chain(n_threads)
    chain.run(scene, Clock())
    wait()
    done, start = 0, perf_counter()
    while perf_counter() - start < least_seconds:
        chain.run(scene, Clock())
        done += 1
    return done / (perf_counter() - start)


def together(n_threads: list[int], size: int, seconds: float) -> list[float]:
    """Return the chains a second of processes that run at the same time."""
    command = [sys.executable, "-c", WORKER]
    workers = [
        subprocess.Popen(
            [*command, str(n), str(size), str(seconds)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for n in n_threads
    ]  # fmt: skip
    for worker in workers:
        worker.stdout.readline()
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    return [float(worker.communicate()[0]) for worker in workers]


def measure(quick: bool) -> Part:
    """Compare the throughputs, alternating; compare labels and columns over thread counts."""
    part = Part("Threads")
    size, seconds = (512, 2.0) if quick else (2048, 8.0)
    shares = []
    for _ in range(1 if quick else 3):
        (one,) = together([2], size, seconds)
        shares.append(one / sum(together([1, 1], size, seconds)))
    note = f" ({min(shares):.2f}-{max(shares):.2f} in {len(shares)} turns)"
    item = "throughput of two threads over that of two processes of one thread"
    part.rows.append(at_least(item, max(shares), 0.85, "x", note))
    part.figures["share"] = max(shares)
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
