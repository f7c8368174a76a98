"""The promise of ``memory=``: the peak of the whole process, imports, writing and preview included.

    python -m benchmarks.process_memory [--side 10000] [--out]

Runs ``skyshed extract FILE --memory BUDGET`` on one image, each in a process of its own, and prints
the largest resident set that the system saw of it beside the budget. With ``--out`` the table goes
to ``benchmarks/results/process-memory.md``.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from astropy.io import fits

from skyshed.datasets import make_survey_image
from skyshed.mosaic.memory import in_bytes, written

BUDGETS = ("600MB", "800MB", "1GB", "1.5GB", "2GB", "3GB", "4GB")
#: The side of the simulated field that the image repeats.
FIELD = 2000
#: Runs a command and prints its peak. For the system a process begins with the peak of the one that
#: starts it (`vfork`), so a small one does: this one has had large arrays.
LAUNCHER = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(1024 * usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""
RESULTS = Path(__file__).parent / "results" / "process-memory.md"


def write_image(path: Path, side: int) -> None:
    """Write a float32 image that repeats a survey field."""
    field = make_survey_image((FIELD, FIELD), seed=1).data.astype(np.float32)
    times = -(-side // FIELD)
    fits.writeto(path, np.tile(field, (times, times))[:side, :side])


def peak_of(path: Path, out: Path, budget: str, *options: str) -> tuple[int, int]:
    """Return the peak of a run in bytes, and the number of its tiles (1 for at once)."""
    command = [
        sys.executable, "-m", "skyshed", "extract", str(path), "--out", str(out), "--quiet",
        "--memory", budget, *options,
    ]  # fmt: skip
    launcher = [sys.executable, "-S", "-c", LAUNCHER, *command]
    said = subprocess.run(launcher, stdout=subprocess.PIPE, text=True)
    if said.returncode:
        raise SystemExit(f"{' '.join(command)}: status {said.returncode}")
    tiles = out / "tiles.ecsv"
    n_tiles = 1
    if tiles.exists():
        rows = [line for line in tiles.read_text().splitlines() if not line.startswith("#")]
        n_tiles = len(rows) - 1
    return int(said.stdout), n_tiles


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=10_000, help="of the image")
    parser.add_argument("--budgets", nargs="+", default=BUDGETS)
    parser.add_argument("--out", action="store_true", help="write the results")
    arguments = parser.parse_args()
    lines = [
        f"# Peak memory of the process: {arguments.side} x {arguments.side} pixels, float32",
        "",
        "`python -m benchmarks.process_memory`: `skyshed extract FILE --memory BUDGET` in a "
        "process of its own, writing and preview included.",
        f"{platform.platform()}, {os.cpu_count()} cores.",
        "",
        "| budget | peak | share | tiles |",
        "| --- | --- | --- | --- |",
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.fits"
        write_image(path, arguments.side)
        for budget in arguments.budgets:
            peak, n_tiles = peak_of(path, Path(folder) / f"out-{budget}", budget)
            share = peak / in_bytes(budget)
            lines.append(f"| {budget} | {written(peak)} | {share:.2f} | {n_tiles} |")
            print(lines[-1], flush=True)
    if arguments.out:
        RESULTS.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
