"""Run all that a first day on hardware must tell, in at most ten minutes, without a network.

    python -m benchmarks.gpu_day --out results         # on a machine with a GPU
    python -m benchmarks.gpu_day --rehearse            # on the stand-in for CuPy: that it runs

Run it from the repository's root, with ``src/skyshed/kernels/lib`` (machine code and the CPU's
libraries) as the build left it. Packages that the machine lacks may lie as wheels in ``.whl``: they
are unpacked into a folder of the results. Each step is a process with a limit of its own and a log;
``summary.txt`` grows as steps end, so that a machine that is taken away leaves what it has told.
The last step sets what was measured beside what was predicted (``measured.md``).
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: Set for every step of a rehearsal.
REHEARSAL = "SKYSHED_GPU_DAY_REHEARSAL"
PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=line", "--maxfail=40")
#: Tests whose subject is what only the stand-in can count.
COUNTED = "not costs and not read_once and not written_once and not one_launch"
STAGES = ("", "_background", "_catalog", "_schedules", "_segmentation", "_centroids", "_flags")
TOOLS = ("memcheck", "racecheck", "initcheck", "synccheck")
#: Seconds for everything.
WHOLE = 580
#: Seconds that a step gets in any case.
LEAST = 20


@dataclass(frozen=True)
class Step:
    """A process: what it runs, for how many seconds at most."""

    name: str
    limit: int
    arguments: tuple[str, ...]
    before: tuple[str, ...] = ()


def steps(rehearsal: bool) -> Iterator[Step]:
    """Yield the steps in order: the smallest truth first, what takes longest last."""
    own = ("-m", "benchmarks.gpu_day.step")
    yield Step("facts", 40, (*own, "facts"))
    yield Step("smoke", 110, (*own, "smoke"))
    yield Step("times", 130, (*own, "times"))
    yield Step("hardware", 100, (*PYTEST, "-m", "gpu", "tests/device/test_hardware.py"))
    many = ("-n", "2" if rehearsal else "6", "--dist", "loadfile")
    yield Step("kernels", 150, (*PYTEST, *many, "-k", COUNTED, "tests/device/kernels"))
    files = [f"tests/device/test_stages{name}.py" for name in STAGES]
    yield Step("stages", 90, (*PYTEST, *many, *files, "tests/device/test_chain.py"))
    # Without the pool, in whose blocks an overrun goes unseen.
    for tool in TOOLS[:1] if rehearsal else TOOLS:
        before = (
            "compute-sanitizer", "--tool", tool, "--kernel-name-exclude",
            "kernel_substring=cupy_", "--print-limit", "20",
        )  # fmt: skip
        yield Step(f"sanitizer-{tool}", 60, (*own, "sanitize"), () if rehearsal else before)
    yield Step("measured", 20, (*own, "measured"))


def main(argv: list[str] | None = None) -> int:
    """Run the steps; return 0 if each ended well."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu_day", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("--out", type=Path, default=Path(os.environ.get("OUT", "gpu-day")), help="for the results")
    add("--rehearse", action="store_true", help="on the stand-in for CuPy, with small fields")
    add("--only", nargs="+", metavar="STEP", help="of the steps' names")
    add(
        "--seconds",
        type=int,
        help=f"for everything ({WHOLE}; a rehearsal takes as long as it does)",
    )
    options = parser.parse_args(argv)
    out = options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    environment = _environment(out, options.rehearse)
    whole = options.seconds or (None if options.rehearse else WHOLE)
    begun, failed = time.monotonic(), 0
    with (out / "summary.txt").open("w") as summary:
        for step in steps(options.rehearse):
            if options.only and step.name not in options.only:
                continue
            spent = time.monotonic() - begun
            line = _run(step, out, environment, None if whole is None else whole - spent)
            failed += " rc=0 " not in line
            print(line, flush=True)
            summary.write(f"{line}\n")
            summary.flush()
    print(f"{time.monotonic() - begun:.0f} s; {failed} steps failed; results are in {out}")
    return 1 if failed else 0


def _run(step: Step, out: Path, environment: dict[str, str], left: float | None) -> str:
    """Run a step, keep what it says, and return a line about it."""
    limit = float(step.limit) if left is None else min(step.limit, left)
    if environment.get(REHEARSAL):
        limit = 1200.0
    if limit < 5 and step.name != "measured":
        return f"{step.name:<20} rc=- left out for want of time"
    if step.before and shutil.which(step.before[0]) is None:
        return f"{step.name:<20} rc=- {step.before[0]} is not installed"
    begun = time.monotonic()
    with (out / f"{step.name}.log").open("w") as log:
        try:
            done = subprocess.run(
                [*step.before, sys.executable, *step.arguments, *_posing(step, environment)],
                stdout=log, stderr=subprocess.STDOUT, cwd=ROOT, env=environment, check=False,
                timeout=max(limit, LEAST),
            )  # fmt: skip
            code = done.returncode
        except subprocess.TimeoutExpired:
            code = 124
    said = (out / f"{step.name}.log").read_text(errors="replace").strip().splitlines()
    spent = time.monotonic() - begun
    last = said[-1][:160] if said else ""
    return f"{step.name:<20} rc={code} {spent:4.0f} s of {limit:.0f}: {last}"


def _posing(step: Step, environment: dict[str, str]) -> tuple[str, ...]:
    """Return what lets pytest see the stand-in as CuPy, in a rehearsal."""
    pytest = "pytest" in step.arguments and environment.get(REHEARSAL)
    return ("-p", "benchmarks.gpu_day.posing") if pytest else ()


def _environment(out: Path, rehearsal: bool) -> dict[str, str]:
    """Return the variables of all steps; unpack what the machine lacks."""
    site = out / "site"
    for wheel in sorted((ROOT / ".whl").glob("*.whl")):
        with zipfile.ZipFile(wheel) as opened:
            opened.extractall(site)
    paths = [str(ROOT / "src"), str(ROOT), str(site), os.environ.get("PYTHONPATH", "")]
    environment = {
        **os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "PYTHONUNBUFFERED": "1",
        "OUT": str(out), "CUPY_CACHE_DIR": str(out / "cupy"), "OPENBLAS_NUM_THREADS": "4",
    }  # fmt: skip
    environment.pop(REHEARSAL, None)
    if rehearsal:
        environment[REHEARSAL] = "1"
    return environment


if __name__ == "__main__":
    sys.exit(main())
