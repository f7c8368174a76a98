"""Time the chain on a GPU, or count what it asks of one and predict its time.

    python -m benchmarks.device                       # on a GPU: 2048, 4096, 8192, 16384
    python -m benchmarks.device --size 512 4096       # without one: the ledgers of two fields

With a GPU, every stage's result is checked against the CPU's, then timed with device events.
Without one, the chain runs on the tests' stand-in for CuPy, which counts launches, transfers,
waits, bytes, instructions and memory; the times made of them (`device_model`, by the rates of
`device_rates`) are predictions and called so.
"""

import argparse
import importlib
import json
from pathlib import Path
from typing import Any

from benchmarks.scene import survey_scene

#: Sides of the fields that are timed on a GPU.
SIZES = (2048, 4096, 8192, 16384)
#: Side of the field of the ledger: the emulator takes some 15 s for a megapixel.
LEDGER_SIZE = 512


def main(argv: list[str] | None = None) -> None:
    """Run what this machine can run, and print the report."""
    options = _options(argv)
    cupy = _cupy()
    sizes = options.size or ((LEDGER_SIZE,) if cupy is None else SIZES)
    scenes = (survey_scene(size, options.seed, options.density) for size in sizes)
    if cupy is None:
        from benchmarks import device_ledger

        text, predicted = device_ledger.report(scenes, options)
        if options.save:
            path = Path(options.save).with_suffix(".json")
            path.write_text(json.dumps(predicted, indent=1) + "\n")
    else:
        from benchmarks import device_times

        text = device_times.report(scenes, options, cupy)
    if options.save:
        Path(options.save).write_text(text)
    print(text, flush=True)


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.device", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    add = parser.add_argument
    add("--size", type=int, nargs="+", help="sides of the simulated fields in pixels")
    add("--seed", type=int, default=1, help="seed of the simulated field")
    add("--density", type=float, help="sources per megapixel (default: the simulator's)")
    add("--rounds", type=int, default=5, help="timed runs of each stage, on a GPU")
    add(
        "--save",
        metavar="PATH",
        help="also write the report to this Markdown file, predictions beside it (.json)",
    )
    add(
        "--bandwidth", type=float,
        help="bytes per second of the GPU's memory (default: measured)",
    )  # fmt: skip
    return parser.parse_args(argv)


def _cupy() -> Any:
    """Return CuPy where there is a GPU, else None."""
    try:
        cupy = importlib.import_module("cupy")
    except ImportError:
        return None
    return cupy if cupy.is_available() else None


if __name__ == "__main__":
    main()
