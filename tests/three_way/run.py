"""Many cases, one after the other; a run that was stopped goes on."""

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

from tests.three_way.cases import draw
from tests.three_way.compare import compare, together
from tests.three_way.known import reason

__all__ = ["OTHERS", "Tally", "run"]

#: What the CPU's kernels are compared with.
OTHERS = ("photutils", "device")


class Tally:
    """What came of the cases: kept in a file after each hundred, so that a run can go on.

    Attributes
    ----------
    seed, done : int
        The seed, and how many cases of it were compared.
    known : dict of str to int
        Divergences by the reason that is known for them.
    unknown : list
        All others: case, who differs from the CPU's kernels, in what, how.
    """

    def __init__(self, seed: int, path: Path | None = None) -> None:
        self.path = path
        self.seed, self.done, self.diverged = seed, 0, 0
        self.known: Counter[str] = Counter()
        self.unknown: list[Any] = []
        if path is not None and path.exists():
            kept = json.loads(path.read_text())
            if kept["seed"] == seed:
                self.done, self.diverged = kept["done"], kept["diverged"]
                self.known, self.unknown = Counter(kept["known"]), kept["unknown"]

    def save(self) -> None:
        """Keep what there is, if there is a file for it."""
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            part = self.path.with_suffix(".part")
            part.write_text(json.dumps({k: v for k, v in vars(self).items() if k != "path"}))
            os.replace(part, self.path)

    def __str__(self) -> str:
        lines = [f"case {n}: {who}: {what}: {how}" for n, who, what, how in self.unknown]
        lines += [f"{count:6d} values of columns: {name}" for name, count in self.known.items()]
        return "\n".join(
            [
                *lines,
                f"{self.done} cases of seed {self.seed}, {self.diverged} with divergences, "
                f"{len({n for n, *_ in self.unknown})} of them for no known reason",
            ]
        )


def run(
    count: int, seed: int, path: Path | None = None, others: tuple[str, ...] = OTHERS,
    first: int = 0,
) -> Tally:  # fmt: skip
    """Compare ``count`` cases of a seed, from ``first`` on; see `Tally`."""
    tally = Tally(seed, path)
    with together(others):
        for n in range(first + tally.done, first + count):
            case = draw(seed, n)
            found = compare(case, others)
            for each in found:
                why = reason(case, each, found)
                if why is None:
                    tally.unknown.append([n, *each])
                else:
                    tally.known[why] += 1
            tally.done, tally.diverged = tally.done + 1, tally.diverged + bool(found)
            if tally.done % 100 == 0 or found:
                tally.save()
    tally.save()
    return tally
