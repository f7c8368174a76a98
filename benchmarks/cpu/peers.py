"""Speed beside photutils and SEP, end to end and by stage."""

import warnings
from functools import partial

import numpy as np

from benchmarks.array_chain import photutils_chain, skyshed_chain
from benchmarks.cpu.rows import Part, Row, at_least
from benchmarks.report import by_stage
from benchmarks.scene import survey_scene
from benchmarks.timing import interleave, ratio

__all__ = ["measure"]

#: Least ratios of the least times, at each size and, by stage, at the larger one.
END_TO_END = {"sep": 7.0, "photutils": 11.0}
BY_STAGE = {
    "background": 3.0, "convolution + detection": 3.0, "deblending": 2.0, "catalog": 3.0,
}  # fmt: skip


def measure(quick: bool) -> Part:
    """Run the libraries in turn on survey fields."""
    from benchmarks.sep_chain import SepChain

    part = Part("Beside the peers: background to catalog with Kron and half-light radius")
    for size, rounds in ((1024, 3),) if quick else ((2048, 9), (4096, 7)):
        scene = survey_scene(size, 1, None)
        chains = {"skyshed": skyshed_chain(2), "photutils": photutils_chain(2), "sep": SepChain()}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            runs = {name: partial(chain.run, scene) for name, chain in chains.items()}
            seconds, labels = interleave(runs, rounds)
        stages = {name: by_stage(each) for name, each in seconds.items()}
        own = stages["skyshed"]
        for peer, limit in END_TO_END.items():
            least, low, high = ratio(stages[peer]["end to end"], own["end to end"])
            part.rows.append(
                at_least(f"{size}^2, end to end: {peer} / skyshed", least, limit,
                         note=f" ({low:.2f}-{high:.2f})")
            )  # fmt: skip
        if size == 4096 or quick:
            part.rows += _rows_by_stage(size, stages)
        differing = int(np.count_nonzero(labels["photutils"] != labels["skyshed"]))
        part.rows.append(
            Row(f"{size}^2: pixels labelled otherwise than by photutils", str(differing), "0",
                differing == 0)
        )  # fmt: skip
        part.figures[str(size)] = {
            name: {stage: min(times) for stage, times in each.items()}
            for name, each in stages.items()
        }
    return part


def _rows_by_stage(size: int, stages: dict[str, dict[str, list[float]]]) -> list[Row]:
    """Return the lines of the stages, beside photutils."""
    both = {}
    for name in ("skyshed", "photutils"):
        both[name] = dict(stages[name])
        pair = zip(stages[name]["convolution"], stages[name]["detection"], strict=True)
        both[name]["convolution + detection"] = [sum(each) for each in pair]
    rows = []
    for stage, limit in BY_STAGE.items():
        least, low, high = ratio(both["photutils"][stage], both["skyshed"][stage])
        item = f"{size}^2, {stage}: photutils / skyshed"
        rows.append(at_least(item, least, limit, note=f" ({low:.2f}-{high:.2f})"))
    return rows
