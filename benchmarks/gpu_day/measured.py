"""What was measured beside what was predicted (``benchmarks/results/device-ledger.json``)."""

import json
import os
from pathlib import Path
from typing import Any

#: In the folder of the results: what `times` has measured.
FILE = "times.json"
PREDICTED = Path(__file__).parents[1] / "results" / "device-ledger.json"
#: Kernels that a table shows.
SHOWN = 20


def run(rehearsal: bool) -> None:
    """Write the tables, and say how many predictions hold."""
    out = Path(os.environ["OUT"])
    measured = json.loads((out / FILE).read_text())
    predicted = json.loads(PREDICTED.read_text())
    text, within, n = tables(measured, predicted, every=rehearsal)
    (out / "measured.md").write_text(text)
    print(text)
    print(f"measured: {within} of {n} within the prediction")


def tables(
    measured: dict[str, Any], predicted: dict[str, Any], every: bool = False
) -> tuple[str, int, int]:
    """Return the tables, how many figures are within their prediction, and how many there are.

    Fields of a size that was not predicted are left out; with ``every`` they are held against the
    prediction of the smallest field, which says nothing but that the table can be made.
    """
    gpu = gpu_of(measured["gpu"], predicted["gpus"])
    lines = [
        f"# Measured on {measured['gpu']}, beside the prediction for {gpu}",
        "",
        "ms; a stage from its call until the device has done it, a kernel by events around its "
        "launches. Predictions: `benchmarks/results/device-ledger.md`.",
    ]
    within = n = 0
    for size, field in measured["fields"].items():
        fields = predicted["fields"]
        known = fields.get(size) or (next(iter(fields.values())) if every else None)
        if known is None:
            lines += ["", f"## {size} x {size}: not predicted"]
            continue
        rows = [(name, stage["done"]) for name, stage in field["stages"].items()]
        rows.append(("whole chain", sum(seconds for _, seconds in rows)))
        lines += ["", f"## {size} x {size} pixels, {field['n_sources']} sources", ""]
        lines += [
            f"The pool had {field['pool']:.1f} bytes per pixel; predicted {known['pool']:.1f}.",
            "",
            *_head("stage"),
        ]
        for name, seconds in rows:
            line, good = _row(name, seconds, known["stages"][name][gpu])
            lines.append(line)
            within, n = within + good, n + 1
        kernels = sorted(field["kernels"].items(), key=lambda item: -item[1]["seconds"])
        lines += ["", *_head("kernel")]
        for name, of in kernels[:SHOWN]:
            if name in known["kernels"]:
                line, good = _row(name, of["seconds"], known["kernels"][name][gpu])
                lines.append(line)
                within, n = within + good, n + 1
            else:
                lines.append(f"| {name} | {of['seconds'] * 1e3:.3f} | not predicted | | |")
    return "\n".join(lines) + "\n", within, n


def gpu_of(name: str, known: list[str]) -> str:
    """Return the GPU of the predictions that a device is, or the first of them if it is none."""
    return next((one for one in known if one.lower() in name.lower()), known[0])


def _head(what: str) -> list[str]:
    return [f"| {what} | measured | predicted | measured / best | |", "|" + " --- |" * 5]


def _row(name: str, seconds: float, predicted: dict[str, float]) -> tuple[str, bool]:
    """Return a row, and whether the time is within the prediction."""
    best, worst = predicted["best"], predicted["worst"]
    good = best <= seconds <= worst
    verdict = "within" if good else "faster" if seconds < best else "SLOWER"
    cells = (
        name, f"{seconds * 1e3:.3f}", f"{best * 1e3:.3g} - {worst * 1e3:.3g}",
        f"{seconds / best:.1f}", verdict,
    )  # fmt: skip
    return "| " + " | ".join(cells) + " |", good
