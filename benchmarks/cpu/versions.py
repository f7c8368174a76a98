"""An older version beside this one, stage by stage, in pairs."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cpu.rows import Part, Row, at_least
from benchmarks.report import by_stage
from benchmarks.scene import survey_scene
from benchmarks.timing import ratio

__all__ = ["OLD", "measure"]

#: Names the Python of an environment that has the older version and what it needs.
OLD = "SKYSHED_OLD_PYTHON"
ROOT = Path(__file__).parents[2]
#: The least ratios that are wanted, old over new.
WANTED = {"background": 2.0, "deblending": 2.0, "catalog": 2.0}

WORKER = """
import json, sys, warnings
import numpy as np
from benchmarks.array_chain import skyshed_chain
from benchmarks.scene import Scene
from benchmarks.timing import Clock
warnings.simplefilter("ignore")
with np.load(sys.argv[1]) as images:
    mask = images["mask"] if "mask" in images.files else None
    scene = Scene("", "", images["data"], mask)
chain = skyshed_chain(2)
chain.run(scene, Clock())
print("ready", flush=True)
while sys.stdin.readline():
    clock = Clock()
    chain.run(scene, clock)
    print(json.dumps([clock.seconds, clock.cpu]), flush=True)
"""


class _Worker:
    """A process of one version, which runs the chain when it is asked to."""

    def __init__(self, python: str, images: Path) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        if python == sys.executable:  # this version may be that of a source tree
            environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        self._process = subprocess.Popen(
            [python, "-c", WORKER, str(images)], cwd=ROOT, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        if self._process.stdout.readline() != "ready\n":
            raise SystemExit(f"{python} cannot run the chain of its skyshed")

    def run(self) -> tuple[dict[str, float], dict[str, float]]:
        """Return the seconds of each stage, by the clock and of CPU."""
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        seconds, cpu = json.loads(self._process.stdout.readline())
        return seconds, cpu

    def close(self) -> None:
        self._process.communicate()


def measure(quick: bool) -> Part:
    """Run both versions in turn on the same field."""
    part = Part("Beside an older version")
    python = os.environ.get(OLD)
    if not python:
        part.rows.append(Row("stages of an older version", f"not measured: ${OLD} is not set"))
        return part
    size, rounds = (1024, 3) if quick else (4096, 21)
    scene = survey_scene(size, 2, None)
    with tempfile.TemporaryDirectory() as folder:
        images = Path(folder) / "scene.npz"
        planes = {"data": scene.data} | ({} if scene.mask is None else {"mask": scene.mask})
        np.savez(images, **planes)
        workers: dict[str, Any] = {
            "old": _Worker(python, images), "new": _Worker(sys.executable, images),
        }  # fmt: skip
        seconds: dict[str, list[dict[str, float]]] = {name: [] for name in workers}
        cpu: dict[str, list[dict[str, float]]] = {name: [] for name in workers}
        for _ in range(rounds):
            for name, worker in workers.items():
                clock, used = worker.run()
                seconds[name].append(clock)
                cpu[name].append(used)
        for worker in workers.values():
            worker.close()
    stages = {name: by_stage(each) for name, each in seconds.items()}
    used_by = {name: by_stage(each) for name, each in cpu.items()}
    for stage, times in stages["new"].items():
        least, low, high = ratio(stages["old"][stage], times)
        old_cpu, new_cpu = (min(used_by[name][stage]) for name in ("old", "new"))
        note = (
            f" ({low:.2f}-{high:.2f}; {1e3 * min(stages['old'][stage]):.0f} and "
            f"{1e3 * min(times):.0f} ms; of CPU {old_cpu / new_cpu:.2f} x, {1e3 * old_cpu:.0f} and "
            f"{1e3 * new_cpu:.0f} ms)"
        )
        item = f"{size}^2, {stage}: old / new"
        if stage in WANTED:
            part.rows.append(at_least(item, least, WANTED[stage], note=note))
        else:
            part.rows.append(Row(item, f"{least:.2f} x{note}"))
    part.figures = {name: {s: min(t) for s, t in each.items()} for name, each in stages.items()}
    return part
