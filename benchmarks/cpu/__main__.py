"""Measure what is promised of the CPU path, and say of each item whether it is met.

    python -m benchmarks.cpu                       # all parts, some ten minutes on two idle cores
    python -m benchmarks.cpu --out                 # and write benchmarks/results/cpu.md and plots
    python -m benchmarks.cpu --only peers memory   # some parts
    python -m benchmarks.cpu --quick               # small fields: to see that it works
    SKYSHED_OLD_PYTHON=old/bin/python python -m benchmarks.cpu --only versions

Every part runs in a process of its own. photutils 3.1.1 needs Python >= 3.12. The part `shell`
needs SourceExtractor (Debian: source-extractor), `versions` an environment with an older skyshed.
"""

import argparse
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.cpu.rows import Part
from benchmarks.report import machine

RESULTS = Path(__file__).parents[1] / "results"
PARTS = (
    "peers", "versions", "shell", "startup", "giant", "memory", "scaling", "threads", "reading",
    "files",
)  # fmt: skip


def main(argv: list[str] | None = None) -> int:
    """Run the parts and print the report; the status is 1 if an item is not met."""
    options = _options(argv)
    if options.part:
        part = importlib.import_module(f"benchmarks.cpu.{options.part}").measure(options.quick)
        print(json.dumps(part.to_dict()))
        return 0
    parts = {}
    for name in options.only:
        print(f"measuring: {name}", file=sys.stderr, flush=True)
        parts[name] = _run(name, options.quick)
    text = _report(parts)
    print(text)
    if options.out is not None:
        from benchmarks.cpu.plots import draw

        path = Path(options.out) if options.out else RESULTS / "cpu.md"
        pictures = draw(parts, path.parent, path.stem)
        path.write_text(text + "".join(f"\n![]({picture.name})\n" for picture in pictures))
        print(f"written to {path}", file=sys.stderr)
    return int(any(row.met is False for part in parts.values() for row in part.rows))


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cpu", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="default: all")
    parser.add_argument("--quick", action="store_true", help="small fields and few rounds")
    parser.add_argument("--out", nargs="?", const="", metavar="FILE", help="write the report")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def _run(name: str, quick: bool) -> Part:
    """Measure one part in a new process."""
    command = [sys.executable, "-m", "benchmarks.cpu", "--part", name, *["--quick"] * quick]
    # Freed arrays go back to the system at once, so that a process's memory is what it uses.
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536"} if name == "memory" else None
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    return Part.from_dict(json.loads(done.stdout.splitlines()[-1]))


def _report(parts: dict[str, Part]) -> str:
    """Return all tables in Markdown."""
    lines = ["# The CPU path, measured", "", *machine(2, None), ""]
    for part in parts.values():
        lines += [
            f"## {part.title}",
            "",
            "| item | reached | wanted | |",
            "| --- | --- | --- | --- |",
        ]
        for row in part.rows:
            met = {True: "met", False: "**not met**", None: ""}[row.met]
            lines.append(f"| {row.item} | {row.reached} | {row.wanted} | {met} |")
        lines += ["", *part.remarks]
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    sys.exit(main())
