"""Runs a test's kernels under a sanitizer, in a process of its own.

The sanitizers' runtimes must be loaded before Python itself, hence the separate process: it imports
the named function, calls it with the variant, and what the sanitizer reports comes back as text.
"""

import os
import subprocess
import sys

RUNTIMES = {"address": "libasan.so", "thread": "libtsan.so"}


def runtime(variant):
    """Return the path of a sanitizer's runtime library."""
    done = subprocess.run(
        ["g++", f"-print-file-name={RUNTIMES[variant]}"], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def run(path, function, variant, timeout=600):
    """Call ``function(variant)`` of the Python file ``path`` under a sanitizer.

    Returns
    -------
    str
        What the sanitizer reported; empty if nothing.
    """
    code = (
        "import importlib.util, sys\n"
        f"spec = importlib.util.spec_from_file_location('under_test', {str(path)!r})\n"
        "module = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(module)\n"
        f"getattr(module, {function!r})({variant!r})\n"
        "print('finished')\n"
    )
    environment = {
        **os.environ,
        "LD_PRELOAD": runtime(variant),
        "OPENBLAS_NUM_THREADS": "1",
        "ASAN_OPTIONS": "detect_leaks=0:detect_stack_use_after_return=0",
        "TSAN_OPTIONS": "report_bugs=1:halt_on_error=0:exitcode=0",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    # The thread sanitizer wants the address space laid out as it expects: no randomisation.
    layout = ["setarch", "-R"] if variant == "thread" else []
    done = subprocess.run(
        [*layout, sys.executable, "-c", code],
        capture_output=True, text=True, check=False, env=environment, timeout=timeout,
    )  # fmt: skip
    report = done.stderr[done.stderr.find("Sanitizer") :] if "Sanitizer" in done.stderr else ""
    if not report and "finished" not in done.stdout:
        raise RuntimeError(f"the process under {variant} did not finish:\n{done.stderr[-4000:]}")
    return report
