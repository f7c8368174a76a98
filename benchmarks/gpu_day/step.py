"""One step in a process of its own: ``python -m benchmarks.gpu_day.step NAME``."""

import importlib
import os
import sys
import warnings

from benchmarks.gpu_day.__main__ import REHEARSAL

STEPS = ("facts", "smoke", "times", "sanitize", "measured")


def main() -> None:
    """Run the step that is named."""
    (name,) = sys.argv[1:]
    if name not in STEPS:
        raise SystemExit(f"steps are {', '.join(STEPS)}; got {name!r}")
    rehearsal = bool(os.environ.get(REHEARSAL))
    if rehearsal:
        importlib.import_module("benchmarks.gpu_day.posing")
    warnings.simplefilter("ignore")
    importlib.import_module(f"benchmarks.gpu_day.{name}").run(rehearsal)


if __name__ == "__main__":
    main()
