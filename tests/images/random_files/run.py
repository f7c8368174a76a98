"""Many random structures, one after the other, and the table of what came of them."""

import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

from tests.images.random_files.asked_for import SCENES as ASKED_FOR
from tests.images.random_files.cases import draw_case
from tests.images.random_files.check import check_case, check_extraction
from tests.images.random_files.scenes import SCENES

__all__ = ["KINDS", "Tally", "run"]

#: The kinds of the findings.
KINDS = "ABCDEFGHIJKLM"
#: One structure of so many goes through the whole chain.
EXTRACTED = 10
#: One of so many is a request that is not about the structure of a file, and one about what was
#: missing and asked for.
SCENES_AMONG = 12


class Tally:
    """What came of each kind, and what went wrong."""

    def __init__(self):
        self.counts = {kind: Counter() for kind in (*KINDS, "plain")}
        self.wrong = []
        self.n = self.n_extracted = 0

    def add(self, seed, kinds, verdict):
        """Count a structure."""
        self.n += 1
        for kind in kinds or {"plain"}:
            self.counts[kind][verdict.name] += 1
        self.wrong += [(seed, "".join(sorted(kinds)), each) for each in verdict.wrong]

    def __str__(self):
        names = ("refused", "warned", "right", "wrong")
        lines = [f"{'kind':>6s} {'structures':>10s} " + " ".join(f"{n:>8s}" for n in names)]
        for kind, counts in self.counts.items():
            values = " ".join(f"{counts[name]:8d}" for name in names)
            lines.append(f"{kind:>6s} {counts.total():10d} {values}")
        lines.append(
            f"{self.n} structures, {self.n_extracted} through the chain, "
            f"{len({seed for seed, *_ in self.wrong})} with differences without a word"
        )
        return "\n".join(lines)


def run(count, seed, say=None):
    """Draw structures and compare what skyshed makes of each.

    Parameters
    ----------
    count, seed : int
        How many, and the first of their seeds: structure ``n`` is that of ``(seed, n)``.
    say : callable, optional
        Called with each difference.

    Returns
    -------
    tally : Tally
        What came of them.
    """
    tally = Tally()
    for n in range(count):
        rng = np.random.default_rng((seed, n, 1))
        with tempfile.TemporaryDirectory() as folder:
            if n % SCENES_AMONG == SCENES_AMONG - 1:
                kinds, verdict = rng.choice(SCENES)(rng, Path(folder))
            elif n % SCENES_AMONG == SCENES_AMONG // 2:
                kinds, verdict = rng.choice(ASKED_FOR)(rng, Path(folder))
            else:
                kinds, verdict = _of_a_file(tally, (seed, n), Path(folder), rng)
        before = len(tally.wrong)
        tally.add(n, kinds, verdict)
        for each in tally.wrong[before:]:
            if say is not None:
                say(each)
    return tally


def _of_a_file(tally, seed, folder, rng):
    """Draw the structure of a file; return its kinds and what came of it."""
    case = draw_case(seed, folder)
    try:
        verdict = check_case(case, rng)
        if seed[1] % EXTRACTED == 0 and not (verdict.refused or verdict.wrong):
            verdict.wrong += check_extraction(case, rng)
            tally.n_extracted += 1
    finally:
        case.close()
    return case.kinds, verdict
