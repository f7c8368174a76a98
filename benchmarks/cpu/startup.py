"""Import, first call, and the first use of all in a new environment."""

import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

from benchmarks.cpu.rows import Part, Row, at_most
from benchmarks.cpu.shell import seconds_of, simulated

__all__ = ["measure"]

ROOT = Path(__file__).parents[2]

IMPORT = """
import json, sys
from time import perf_counter
start = perf_counter()
import numpy, astropy.units, astropy.table
others = perf_counter() - start
from skyshed import Background2D, SourceCatalog, convolve, deblend_sources, detect_sources
print(json.dumps({"others": others, "own": perf_counter() - start - others}))
"""

FIRST = """
import json, warnings
from time import perf_counter
import numpy, astropy.units, astropy.table
warnings.simplefilter("ignore")
from benchmarks.scene import survey_scene
scene = survey_scene(512, 1, None)
start = perf_counter()
import skyshed
from benchmarks.array_chain import skyshed_chain
from benchmarks.timing import NoClock
times = []
for _ in range(6):
    skyshed_chain(2).run(scene, NoClock())
    times.append(perf_counter() - start)
    start = perf_counter()
print(json.dumps({"first": times[0], "steady": min(times[1:])}))
"""


def run(script: str) -> dict[str, Any]:
    """Run a script in a new process and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def measure(quick: bool) -> Part:
    """Start processes; the least of several, as for all times here."""
    part = Part("Starting")
    rounds = 2 if quick else 5
    run(IMPORT)
    imports = [run(IMPORT) for _ in range(rounds)]
    own, others = (min(each[key] for each in imports) for key in ("own", "others"))
    note = f" (NumPy's and astropy's own: {others:.2f} s)"
    part.rows.append(Row("import of the chain's names, beyond", f"{own:.2f} s{note}"))
    run(FIRST)
    firsts = [run(FIRST) for _ in range(rounds)]
    over = min(each["first"] - each["steady"] for each in firsts)
    item = "import and first call of each stage, beyond NumPy's and astropy's import and later ones"
    part.rows.append(at_most(item, over, 0.35, "s"))
    part.figures.update({"import": own, "first call": over})
    if not quick:
        part.rows += _new_environment()
    return part


def _new_environment() -> list[Row]:
    """Build a wheel, install it alone, and extract an image for the first time."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        image = simulated(folder, 2048, 7)
        subprocess.run(
            [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", name,
             str(ROOT)], check=True,
        )  # fmt: skip
        wheel = next(folder.glob("skyshed-*.whl"))
        venv.create(folder / "new", with_pip=True)
        python = folder / "new/bin/python"
        before = _megabytes(folder / "new")
        subprocess.run([python, "-m", "pip", "install", "--quiet", str(wheel)], check=True)
        size = _megabytes(folder / "new") - before
        words = [
            str(python), "-m", "skyshed", "extract", str(image), "--out", str(folder / "out"),
            "--no-preview", "--quiet",
        ]  # fmt: skip
        # This version may be that of a source tree, which is not to be found there.
        alone = {name: each for name, each in os.environ.items() if name != "PYTHONPATH"}
        first, *later = (seconds_of(words, alone) for _ in range(4))
        wheel_size = wheel.stat().st_size / 1e6
    note = f" ({first:.2f} s, later {min(later):.2f} s)"
    item = "first use in a new environment: 2048^2, over the following"
    return [
        at_most(item, first - min(later), 2.0, "s", note),
        Row(
            "size of the wheel; installed with all it needs", f"{wheel_size:.1f} MB; {size:.0f} MB"
        ),
    ]


def _megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
