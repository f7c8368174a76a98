"""All checks of the device path in one go; `ci/device` calls it.

    python -m tests.device.run               # everything
    python -m tests.device.run --only coverage address

The last line of the output is the summary. The status is 0 only if nothing failed, every kernel was
compiled and launched, every line of every kernel file ran, and no sanitizer reported anything.
"""

import argparse
import ctypes
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from skyshed.kernels import cubins
from tests.device import coverage, kernel_files
from tests.device.emulator import sanitize
from tests.device.emulator.build import FOLDER, PLAIN_VARIANT
from tests.device.test_nvrtc import TABLE, TABLED

HERE = Path(__file__).parent
KERNELS = "tests/device/kernels"
COMPILING = "tests/device/test_nvrtc.py"
#: A run of pytest that takes longer hangs.
TIMEOUT = 1500
SANITIZER_OPTIONS = {
    "address": "detect_leaks=0:detect_stack_use_after_return=0:halt_on_error=0",
    "thread": "report_bugs=1:halt_on_error=0:exitcode=0",
}
COUNTED = re.compile(r"(\d+) (passed|failed|errors?|skipped)")


@dataclass
class Phase:
    """What one run of pytest came to."""

    name: str
    status: int
    output: str
    seconds: float
    reports: list[str] = field(default_factory=list)

    def count(self, *outcomes: str) -> int:
        """Return how many tests ended so, by pytest's own summary."""
        last = self.output.strip().splitlines()[-1] if self.output.strip() else ""
        return sum(int(n) for n, outcome in COUNTED.findall(last) if outcome in outcomes)

    @property
    def ok(self) -> bool:
        return self.status == 0 and not self.reports

    def describe(self) -> None:
        """Print what happened, and what went wrong."""
        last = self.output.strip().splitlines()[-1:] or ["no output"]
        print(f"{self.name}: {last[0]}; status {self.status}, {self.seconds:.0f} s")
        if self.status:
            print(self.output[-20_000:])
        for report in self.reports[:5]:
            print(report[:4000])
        if self.reports:
            print(f"{self.name}: {len(self.reports)} sanitizer reports")
        sys.stdout.flush()


def pytest(name: str, arguments: list[str], environment: dict[str, str], *before: str) -> Phase:
    """Run pytest in a process of its own."""
    start = time.monotonic()
    command = [
        *before,
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "--tb=short",
        *arguments,
    ]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=TIMEOUT,
            env={**os.environ, **environment}, cwd=HERE.parents[1],
        )  # fmt: skip
        status, output = done.returncode, done.stdout
        if status not in (0, 1):  # not tests that failed, but the process
            output += done.stderr[-8000:]
    except subprocess.TimeoutExpired as expired:
        status, output = 124, f"{(expired.stdout or b'').decode()}\nno end after {TIMEOUT} s"
    return Phase(name, status, output, time.monotonic() - start)


def run_compiler(scratch: Path) -> Phase:
    """Compile everything; leave the table of resources in ``scratch/table``."""
    table = scratch / "table"
    table.mkdir()
    return pytest("NVRTC", [COMPILING], {TABLE: str(table)})


def run_emulated(scratch: Path) -> Phase:
    """Run all device tests on the emulator's coverage build; counts go to ``scratch/coverage``."""
    environment = {PLAIN_VARIANT: "coverage", FOLDER: str(scratch / "coverage")}
    return pytest("emulated", ["tests/device", f"--ignore={COMPILING}"], environment)


def run_sanitized(variant: str, scratch: Path) -> Phase:
    """Run the kernel tests under a sanitizer, each test function with its first parameters."""
    folder = scratch / variant
    folder.mkdir()
    options = f"{SANITIZER_OPTIONS[variant]}:log_path={folder / 'report'}"
    environment = {
        PLAIN_VARIANT: variant,
        FOLDER: str(folder),
        "LD_PRELOAD": sanitize.runtime(variant),
        "OPENBLAS_NUM_THREADS": "1",
        "ASAN_OPTIONS" if variant == "address" else "TSAN_OPTIONS": options,
    }
    # No randomised addresses: the thread sanitizer wants memory laid out as it expects.
    phase = pytest(f"{variant} sanitizer", [KERNELS], environment, "setarch", "-R")
    phase.reports = [path.read_text() for path in sorted(folder.glob("report.*"))]
    return phase


def show_table(folder: Path) -> None:
    """Print registers, shared memory and spills of every kernel."""
    rows = [
        line.split("\t") for path in sorted(folder.glob("*.tsv"))
        for line in path.read_text().splitlines()
    ]  # fmt: skip
    print(f"\n{'kernel (' + TABLED + ')':<56}registers  shared  stack  spilled (bytes)")
    for name, kernel, real, registers, shared, stack, spilled in rows:
        what = f"{name} {kernel} {real}"
        print(f"{what:<56}{registers:>9}{shared:>8}{stack:>7}{spilled:>9}")
    print()


def show_sanitized(variant: str, scratch: Path) -> bool:
    """Print which kernels a sanitizer did not watch; return whether it watched all."""
    missing = coverage.never_launched(scratch / variant)
    for kernel in missing:
        print(f"{variant} sanitizer: no test launches {kernel}")
    return not missing


def show_coverage(found: coverage.Coverage) -> bool:
    """Print what did not run; return whether everything did."""
    for kernel in found.not_launched():
        print(f"no test launches {kernel}")
    for line in found.not_run():
        print(f"not run: {line}")
    return not found.not_launched() and not found.not_run()


def count_gpus() -> int:
    """Return how many GPUs the driver sees: 0 without a driver. CuPy is not asked."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return 0
    count = ctypes.c_int(0)
    if driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count)):
        return 0
    return count.value


def run_on_gpu() -> Phase:
    """Run what needs a GPU; it is a failure if there is one and CuPy can't use it."""
    code = "import cupy, sys; sys.exit(not cupy.is_available())"
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    if asked.returncode:
        why = asked.stderr.strip() or "cupy.is_available() is False"
        return Phase("GPU", 1, f"this machine has a GPU, but CuPy can't use it: {why}", 0.0)
    return pytest("GPU", [KERNELS, "tests/device/test_hardware.py"], {})


def main() -> int:
    """Run the phases and print the summary."""
    parser = argparse.ArgumentParser(prog="python -m tests.device.run", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    every = ("nvrtc", "coverage", "address", "thread")
    parser.add_argument("--only", nargs="+", choices=every, default=every, metavar="PHASE")
    wanted = parser.parse_args().only
    kernels = sum(len(kernel_files.kernels(path)) for path in kernel_files.files())
    ok, covered, phases = True, coverage.Coverage(), {}
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(2) as pool:
        scratch = Path(name)
        jobs = {
            "coverage": lambda: run_emulated(scratch),
            "nvrtc": lambda: run_compiler(scratch),
            "thread": lambda: run_sanitized("thread", scratch),
            "address": lambda: run_sanitized("address", scratch),
        }
        running = {phase: pool.submit(job) for phase, job in jobs.items() if phase in wanted}
        for phase, job in running.items():
            phases[phase] = job.result()
            phases[phase].describe()
        if "nvrtc" in phases:
            show_table(scratch / "table")
        if "coverage" in phases:
            covered = coverage.collect([scratch / "coverage"])
            ok = show_coverage(covered)
        for variant in SANITIZER_OPTIONS:
            if variant in phases:
                ok = show_sanitized(variant, scratch) and ok
    if count_gpus():
        phases["gpu"] = run_on_gpu()
        phases["gpu"].describe()
    ok = ok and all(phase.ok for phase in phases.values())
    print(summary(kernels, phases, covered))
    return 0 if ok else 1


def summary(kernels: int, phases: dict[str, Phase], covered: coverage.Coverage) -> str:
    """Return the line that says it all."""
    done = [phases[name] for name in ("coverage", "address", "thread", "gpu") if name in phases]
    emulated = phases.get("coverage", Phase("", 0, "", 0))
    failed = sum(phase.count("failed", "error", "errors") for phase in phases.values())
    failed += sum(not phase.ok and not phase.count("failed", "error", "errors") for phase in done)
    compiled = "not compiled"
    if "nvrtc" in phases and phases["nvrtc"].ok:
        compiled = f"compiled for {cubins.CUBINS[0]} ... {cubins.CUBINS[-1]}"
    missing = len(covered.not_run())
    return (
        f"device: {kernels} kernels, {compiled}, {emulated.count('passed')} emulated tests passed, "
        f"{failed} failed, {covered.n_lines - missing} of {covered.n_lines} lines run, "
        f"{0 if 'gpu' in phases else emulated.count('skipped')} skipped for want of a GPU"
    )


if __name__ == "__main__":
    sys.exit(main())
