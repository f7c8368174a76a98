"""Notice when the CPU path has become much slower, or takes much more memory: CI runs this.

    python -m benchmarks.guard

Ratios within one process only, with generous margins: a failure is a mistake, not a noisy machine.
"""

import argparse
import sys
import warnings
from functools import partial

from benchmarks.array_chain import photutils_chain, skyshed_chain
from benchmarks.cpu.giant import giant_blend
from benchmarks.cpu.memory import peak_of
from benchmarks.scene import survey_scene
from benchmarks.timing import Clock, interleave, ratio

SIDE = 1024
#: What is reached there on an idle machine is three times as much (SEP), or more (photutils 3.0).
LEAST_RATIOS = {"sep": 1.2, "photutils": 3.0}
#: A giant blend may cost this much more per pixel than the same peaks in separate sources.
GIANT_OVER_SEPARATE = 12.0
#: Peak memory of `skyshed.extract` above its input, in bytes per pixel; the promise is 16.
MOST_BYTES = 24.0


def main(argv: list[str] | None = None) -> int:
    """Check, print each figure, and return 1 if one is beyond its limit."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.guard", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.parse_args(argv)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        checks = [*_peers(), _memory(), _giant()]
    for name, value, limit, good in checks:
        print(f"guard: {'ok' if good else 'FAILED'}: {name}: {value:.2f} (limit {limit:g})")
    return int(not all(good for *_, good in checks))


def _peers() -> list[tuple[str, float, float, bool]]:
    """Compare end to end."""
    from benchmarks.sep_chain import SepChain

    scene = survey_scene(SIDE, 1, None)
    chains = {"skyshed": skyshed_chain(2), "photutils": photutils_chain(2), "sep": SepChain()}
    runs = {name: partial(chain.run, scene) for name, chain in chains.items()}
    seconds, _ = interleave(runs, 3)
    totals = {name: [sum(each.values()) for each in rounds] for name, rounds in seconds.items()}
    checks = []
    for peer, limit in LEAST_RATIOS.items():
        value = ratio(totals[peer], totals["skyshed"])[0]
        checks.append((f"{peer} / skyshed, end to end", value, limit, value >= limit))
    return checks


def _memory() -> tuple[str, float, float, bool]:
    """Measure the peak of the whole chain."""
    import skyshed

    scene = survey_scene(2 * SIDE, 1, None)
    peak, _, _ = peak_of(lambda: skyshed.extract(scene.data, mask=scene.mask))
    value = peak / scene.data.size
    return "extract, bytes per pixel above its input", value, MOST_BYTES, value <= MOST_BYTES


def _giant() -> tuple[str, float, float, bool]:
    """Compare one large source with the same pixels cut into many."""
    import numpy as np

    import skyshed

    side, cell = 480, 60
    data, labels = giant_blend(side, 900)
    y, x = np.indices(labels.shape) // cell
    cut = (y * (side // cell) + x + 1).astype(np.int32)
    segments = {"whole": skyshed.SegmentationImage(labels), "cut": skyshed.SegmentationImage(cut)}

    def deblend(name: str, clock: Clock) -> None:
        with clock.stage("deblending"):
            skyshed.deblend_sources(data, segments[name], 5, progress_bar=False, n_threads=1)

    seconds, _ = interleave({name: partial(deblend, name) for name in segments}, 3)
    whole, pieces = ([each["deblending"] for each in seconds[name]] for name in ("whole", "cut"))
    value = min(whole) / min(pieces)
    limit = GIANT_OVER_SEPARATE
    return "giant blend over the same pixels in 64 sources", value, limit, value <= limit


if __name__ == "__main__":
    sys.exit(main())
