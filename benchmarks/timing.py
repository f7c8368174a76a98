"""Least times and ratios of interleaved runs.

Libraries take turns within a round, so that a slow minute of the machine hits all of them. The
least time of a stage is the best estimate of its cost; the spread of the per-round ratios says how
far a single ratio can be trusted.
"""

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Clock", "NoClock", "interleave", "ratio"]


class Clock:
    """Seconds that each named stage of one run took, by the clock and of CPU (of all threads)."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.cpu: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the body of a ``with`` statement, with the garbage collector out of the way."""
        gc.collect()
        gc.disable()
        used, start = time.process_time(), time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = time.perf_counter() - start
            self.cpu[name] = time.process_time() - used
            gc.enable()


class NoClock(Clock):
    """Times nothing, and leaves the garbage to Python, as in any program.

    Collecting it five times a chain takes 0.3 s of one core, more than a chain of 2048^2 pixels.
    """

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Run the body of a ``with`` statement."""
        yield


def interleave(
    runs: dict[str, Callable[[Clock], object]], rounds: int
) -> tuple[dict[str, list[dict[str, float]]], dict[str, object]]:
    """Run every library once to warm up, then ``rounds`` times in turn.

    Returns
    -------
    seconds : dict
        Per library, one ``{stage: seconds}`` per round.
    results : dict
        Per library, what its warm-up run returned.
    """
    results = {name: run(Clock()) for name, run in runs.items()}
    seconds: dict[str, list[dict[str, float]]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            clock = Clock()
            run(clock)
            seconds[name].append(clock.seconds)
    return seconds, results


def ratio(peer: list[float], own: list[float]) -> tuple[float, float, float]:
    """Return the ratio of the least times, and the least and the greatest ratio within a round."""
    within = [theirs / ours for theirs, ours in zip(peer, own, strict=True)]
    return min(peer) / min(own), min(within), max(within)
