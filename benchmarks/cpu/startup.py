"""Import, first call and cold compilation, each in processes of their own."""

import json
import os
import subprocess
import sys
import tempfile
from typing import Any

from benchmarks.cpu.rows import Part, Row, at_most

__all__ = ["measure"]

IMPORT = """
import json, sys
from time import perf_counter
start = perf_counter()
import numpy
numpy_only = perf_counter() - start
import skyshed
bare = perf_counter() - start
from skyshed import Background2D, SourceCatalog, convolve, deblend_sources, detect_sources
print(json.dumps({"bare": bare, "names": perf_counter() - start, "numpy": numpy_only}))
"""

FIRST = """
import json, warnings
from time import perf_counter
import skyshed
from benchmarks.array_chain import skyshed_chain
from benchmarks.scene import survey_scene
from benchmarks.timing import Clock
warnings.simplefilter("ignore")
scene = survey_scene(512, 1, None)
times = []
for _ in range(6):
    start = perf_counter()
    skyshed_chain(2).run(scene, Clock())
    times.append(perf_counter() - start)
print(json.dumps({"first": times[0], "steady": min(times[1:])}))
"""

COLD = """
import json
from skyshed.warmup import warmup
done = warmup(["float32"])
print(json.dumps({"seconds": done.seconds, "compiled": done.compiled}))
"""

#: The chain of the benchmark, which is what a first user runs.
COLD_CHAIN = FIRST.replace("range(6)", "range(2)")


def run(script: str, **environment: str) -> dict[str, Any]:
    """Run a script in a new process and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True,
        env={**os.environ, **environment},
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


def measure(quick: bool) -> Part:
    """Start processes; the least of several, as for all times here."""
    part = Part("Starting")
    rounds = 2 if quick else 5
    run(IMPORT)
    imports = [run(IMPORT) for _ in range(rounds)]
    names = min(each["names"] for each in imports)
    bare, numpy_only = (min(each[key] for each in imports) for key in ("bare", "numpy"))
    note = f" (`import skyshed` {bare:.2f} s, of which NumPy {numpy_only:.2f} s)"
    part.rows.append(at_most("import of the chain's names", names, 0.7, "s", note))
    run(FIRST)
    firsts = [run(FIRST) for _ in range(rounds)]
    over = min(each["first"] - each["steady"] for each in firsts)
    part.rows.append(
        at_most("first chain of a process over the following, kernels on disk", over, 1.0, "s")
    )
    part.figures.update({"import": names, "first call": over})
    if quick:
        return part
    with tempfile.TemporaryDirectory() as folder:
        cold = run(COLD_CHAIN, NUMBA_CACHE_DIR=folder)
    item = "first chain of all, every kernel compiled"
    part.rows.append(at_most(item, cold["first"], 30.0, "s"))
    with tempfile.TemporaryDirectory() as folder:
        warm = run(COLD, NUMBA_CACHE_DIR=folder)
    reached = f"{warm['seconds']:.1f} s for {warm['compiled']} kernels"
    part.rows.append(Row("`skyshed warmup` of every measurement, one dtype", reached))
    part.figures.update({"cold chain": cold["first"], "warmup": warm["seconds"]})
    return part
