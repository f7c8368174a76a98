"""Catalogs of skyshed and its peers beside the truth of simulated fields.

    python -m benchmarks.truth                      # ten fields, all tools, in an hour
    python -m benchmarks.truth --field survey       # one of them
    python -m benchmarks.truth --out                # write results/truth.md
    python -m benchmarks.truth --quick              # no photutils, no search for equal thresholds

The fields are in `benchmarks/truth/fields.py`, with how many realizations of each are made. Their
seeds are drawn at run time, and printed.
"""

import argparse
import importlib.util
import secrets
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.source_extractor import installed
from benchmarks.truth.catalogs import Tool
from benchmarks.truth.colors import COLOR_FIELDS, color_pulls
from benchmarks.truth.fields import FIELDS, SIDE, Plan
from benchmarks.truth.figures import (
    FALSE_PER_MPX,
    FIGURES,
    UNCERTAIN,
    Judge,
    Sample,
    bad_at,
    deepest,
    pooled,
)
from benchmarks.truth.photutils_tool import photutils_tool
from benchmarks.truth.simulate import simulate
from benchmarks.truth.skyshed_tool import skyshed_tool
from skyshed.parameters import PRESETS
from skyshed.quality.scores import spread

RESULTS = Path(__file__).parents[1] / "results" / "truth.md"
DEPTH = "complete at equal false"
#: The presets that are judged beside the defaults.
OURS = ("recommended", "crowded")
COLOR = "color pull"
#: The tool at whose completeness bad detections are compared.
PEER = "SourceExtractor, no CLEAN"
EQUAL = "bad at its completeness"


def tools(quick: bool) -> list[Tool]:
    """Return the tools that are there, the baseline first."""
    found = [
        photutils_tool("skyshed"), skyshed_tool(),
        *(skyshed_tool(name, **PRESETS[name]) for name in OURS),
    ]  # fmt: skip
    if not quick and importlib.util.find_spec("photutils"):
        found.append(photutils_tool())
    if importlib.util.find_spec("sep"):
        from benchmarks.truth.sep_tool import sep_tool

        found.append(sep_tool())
    if installed():
        from benchmarks.truth.source_extractor_tool import source_extractor_tool

        found += [source_extractor_tool(False), source_extractor_tool(True)]
    return found


def judged(plan: Plan, seeds: Sequence[int], side: int, quick: bool) -> tuple[Any, dict[str, Any]]:
    """Return the limit of a field, and the figures of each tool, over some realizations."""
    judges: list[Judge] = []
    samples: dict[str, list[dict[str, Any]]] = {}
    used = tools(quick)
    for seed in seeds:
        start = perf_counter()
        sky = simulate(plan, seed, side)
        judge = Judge(sky, np.nan)
        for tool in used:
            if tool.name == "photutils" and judges:
                continue  # it takes longer than all others together
            catalog = tool.measure(sky, judge.radii)
            if tool is used[0]:
                judge = Judge(sky, judge.half_complete(catalog))
            samples.setdefault(tool.name, []).append(judge.samples(catalog))
        judges.append(judge)
        print(f"  seed {seed}: {perf_counter() - start:.1f} s", file=sys.stderr)
    found = {name: pooled(parts) for name, parts in samples.items()}
    for tool in used:
        figures = found[tool.name]
        if tool.detect is not None and not quick:
            share, threshold = deepest(tool, judges[0])
            figures[DEPTH] = f"{share:.3f} ({threshold:.2f})"
        if tool.name in ("skyshed", "recommended") and plan.name in COLOR_FIELDS:
            parts = [
                color_pulls(plan, seed, side, judge.limit, tool.options)
                for seed, judge in zip(seeds, judges, strict=True)
            ]
            figures |= pooled([{COLOR: Sample(part, spread)} for part in parts])
    if PEER in found and not quick:
        found[PEER][EQUAL] = found[PEER]["bad"]
        for name in OURS if plan.crowded else OURS[:1]:
            found[name][EQUAL] = bad_at(
                partial(_at_threshold, name, judges), found[PEER]["complete"]
            )
    return np.mean([judge.limit for judge in judges]), found


def _at_threshold(preset: str, judges: Sequence[Judge], nsigma: float) -> dict[str, Any]:
    """Return the figures of a preset with another threshold."""
    tool = skyshed_tool(preset, **{**PRESETS[preset], "nsigma": nsigma})
    return pooled([judge.samples(tool.measure(judge.sky, judge.radii)) for judge in judges])


def table(found: dict[str, dict[str, Any]]) -> str:
    """Return the figures of a field: a row for each, a column for each tool."""
    lines = [f"| | wanted | {' | '.join(found)} |", "|" + " --- |" * (len(found) + 2)]
    wanted = {
        **FIGURES, EQUAL: f"<= {PEER}", DEPTH: "at least any peer's", COLOR: "0.9-1.15",
    }  # fmt: skip
    for name, what in wanted.items():
        cells = [
            _spelled(figures.get(name), figures.get(f"{name}{UNCERTAIN}"))
            for figures in found.values()
        ]
        if any(cells):
            lines.append(f"| {name} | {what} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _spelled(value: Any, uncertain_by: float | None = None) -> str:
    if value is None or (isinstance(value, float) and not np.isfinite(value)):
        return ""
    if uncertain_by is not None:
        return f"{value:.3f} ± {uncertain_by:.3f}"
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 10 else f"{value:.3f}"
    return str(value)


def main(argv: list[str] | None = None) -> None:
    """Print the tables, and write them where asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--field", nargs="+", choices=[plan.name for plan in FIELDS], help="default: all")
    add("--side", type=int, default=SIDE, help="of the fields, in pixels")
    add("--seed", type=int, help="of all fields, the first of each; drawn if not given")
    add("--realizations", type=int, help="of each field (default: the field's own, 4 or 8)")
    add("--quick", action="store_true", help="no photutils, no search for equal thresholds")
    add("--out", action="store_true", help="write benchmarks/results/truth.md")
    options = parser.parse_args(argv)
    plans = [plan for plan in FIELDS if options.field is None or plan.name in options.field]
    parts = []
    for plan in plans:
        seed = options.seed if options.seed is not None else secrets.randbelow(2**31)
        seeds = range(seed, seed + (options.realizations or plan.realizations))
        print(plan.name, file=sys.stderr)
        depth, found = judged(plan, seeds, options.side, options.quick)
        conditions = ", ".join(f"{key} {value:g}" for key, value in plan.conditions.items())
        parts.append(
            f"## {plan.name}\n\nSimulator {plan.simulator}; {conditions or 'its defaults'}; "
            f"correlation of neighbouring pixels {plan.correlation:.2f}; seeds "
            f"{', '.join(map(str, seeds))}; the baseline finds half of the sources at magnitude "
            f"{depth:.2f}.\n\n{table(found)}\n"
        )
        print(parts[-1])
    text = f"{HEAD.format(side=options.side)}\n" + "\n".join(parts)
    if options.out:
        RESULTS.write_text(text)


HEAD = f"""# Catalogs beside the truth

`python -m benchmarks.truth --side {{side}} --out`: fields of {{side}} x {{side}} pixels, which
`benchmarks/truth/fields.py` lists, some realizations of each, whose seeds stand below: figures are
of the sources of all of them, counts and sky their means; those of photutils and of equal false
detections of the first.
**skyshed** is `extract` with its defaults, **recommended** and **crowded** are its presets. All
tools deblend, with their own defaults.
The limit is the magnitude at which the baseline, the recipe of photutils' guide, finds half of the
sources. A detection is of the brightest source within 3 pixels.

- **sky bias**: median of (background - true sky) / noise.
- **total -1, -2.5**: median of total flux / true flux of galaxies 1 and 2.5 magnitudes above the
  limit that have no neighbour (within 3.5 FWHM, of a twentieth of their flux), of the flux that
  **totals** names first; there those of the other fluxes 1 magnitude above. **stars -1**: of stars.
- **pulls**: width of (measured - true) / error, 0.75 to 3 magnitudes above the limit: flux in a
  circle of 1 and of 2 FWHM of sources, and of **stars**, that have no neighbour above the limit
  (within 3.5 FWHM), beside their own light in the same circle, so that sources too faint to be
  detected are noise; **own circle**, of those in whose circle the light of other sources that were
  found is less than half of the error; **all light**, of sources without a neighbour of a twentieth
  of their flux, beside the image without noise, that of the faint ones included, which no error
  leaves out that is measured on the image; x of these stars; color of stars between two bands of
  seeing 1 and 1.43, matched. After ± stands by how much a width or median of so many deviates is
  uncertain.
  Where stars are so dense that a circle of 2 FWHM holds two, the light of neighbours that were
  found is in most circles, which no error of noise can tell.
- **bad**: detections per 2048 x 2048 pixels with no true source, or more than 3 times its flux.
- **{EQUAL}**: the same at the highest threshold that finds as large a share as
  {PEER}.
- **complete**: share of all sources brighter than the limit.
- **mag**: scatter of stars in a circle of 0.7 FWHM; the wanted figures are for the survey's seeing
  and noise.
- **{DEPTH}**: share of sources within half a magnitude of the limit, at the best threshold with
  at most {FALSE_PER_MPX:g} detections per million pixels on the negative image (the threshold).
"""

if __name__ == "__main__":
    main()
