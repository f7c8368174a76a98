"""The report of a benchmark, in Markdown."""

import importlib.util
import os
import platform
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.settings import EXTRACTION, STAGES
from benchmarks.timing import ratio

__all__ = ["by_stage", "machine", "write_report"]

PACKAGES = ("skyshed", "photutils", "sep", "astropy", "numpy", "scipy")


def write_report(
    title: str,
    seconds: dict[str, list[dict[str, float]]],
    labels: dict[str, Any],
    n_threads: int,
) -> str:
    """Return the report of one field: the machine, a table of stages, and what was found.

    Parameters
    ----------
    title : str
    seconds : dict
        Per library, one ``{stage: seconds}`` per round.
    labels : dict
        Per library, its label image.
    n_threads : int
        The threads that libraries were given.
    """
    stages = {name: by_stage(rounds) for name, rounds in seconds.items()}
    n_rounds = len(seconds["skyshed"])
    parts = [machine(n_threads, n_rounds), _table(stages), _sources(labels)]
    return "\n\n".join([f"# {title}", *("\n".join(part) for part in parts)]) + "\n"


def by_stage(rounds: list[dict[str, float]]) -> dict[str, list[float]]:
    """Turn rounds of stages into stages of rounds, with the sums that the table shows."""
    stages = {stage: [round_[stage] for round_ in rounds] for stage in rounds[0]}
    if "extraction" not in stages:
        parts = zip(*(stages[part] for part in EXTRACTION), strict=True)
        stages["extraction"] = [sum(part) for part in parts]
    stages["end to end"] = [sum(round_.values()) for round_ in rounds]
    return stages


def _table(stages: dict[str, dict[str, list[float]]]) -> list[str]:
    """Return a Markdown table: least seconds, and how many times skyshed's each peer takes."""
    own = stages["skyshed"]
    peers = [name for name in stages if name != "skyshed"]
    heads = ["stage", *(f"{name}, s" for name in stages), *(f"{name} / skyshed" for name in peers)]
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    for stage in (*STAGES[:-1], "extraction", STAGES[-1], "end to end"):
        cells = [stage if stage != "extraction" else "convolution to deblending"]
        cells += [
            f"{min(stages[name][stage]):.3f}" if stage in stages[name] else "" for name in stages
        ]
        for peer in peers:
            if stage in stages[peer]:
                least, low, high = ratio(stages[peer][stage], own[stage])
                cells.append(f"{least:.2f} ({low:.2f}-{high:.2f})")
            else:
                cells.append("")
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _sources(labels: dict[str, Any]) -> list[str]:
    """Say how many sources each library found, and where photutils' labels are not skyshed's."""
    own = np.asarray(labels["skyshed"])
    lines = []
    for name, image in labels.items():
        line = f"- {name}: {np.unique(image[image > 0]).size} sources"
        if name == "photutils":
            differing = int(np.count_nonzero(image != own))
            line += f"; {differing} of {own.size} pixels have another label than in skyshed"
        lines.append(line)
    return lines


def machine(n_threads: int, n_rounds: int | None) -> list[str]:
    """Return lines on the versions, the processor, the threads and, if given, the rounds."""
    installed = [name for name in PACKAGES if importlib.util.find_spec(name) is not None]
    versions = ", ".join(f"{name} {import_module(name).__version__}" for name in installed)
    rounds = "several rounds" if n_rounds is None else f"{n_rounds} rounds"
    return [
        f"- {versions}; Python {platform.python_version()}",
        f"- {_processor()}, {len(os.sched_getaffinity(0))} cores; "
        f"{n_threads} threads where a library has them",
        f"- least of {rounds}, libraries in turn; in brackets the range of the ratio "
        "within a round",
    ]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()
