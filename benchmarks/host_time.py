"""The CPU time of the chain's own Python, without what the stand-in for CuPy takes."""

import contextlib
import inspect
import time
from collections.abc import Callable, Iterator
from typing import Any


class Watch:
    """Adds up the time of the outermost calls of what it has wrapped.

    Attributes
    ----------
    inside : float
        Seconds in them.
    calls : int
        How many.
    """

    def __init__(self) -> None:
        self.inside, self.calls, self._deep = 0.0, 0, False

    def wrap(self, function: Callable) -> Callable:
        """Return a function that is watched."""

        def watched(*args: Any, **kwargs: Any) -> Any:
            if self._deep:
                return function(*args, **kwargs)
            self._deep = True
            start = time.thread_time()
            try:
                return function(*args, **kwargs)
            finally:
                self.inside += time.thread_time() - start
                self.calls += 1
                self._deep = False

        return watched


@contextlib.contextmanager
def watching(cupy: Any) -> Iterator[Watch]:
    """Watch all that the stand-in offers, for the time of a ``with`` block."""
    from tests.device.standin import calls, device, kernels

    watch = Watch()
    with contextlib.ExitStack() as undone:
        for owner in (
            cupy.ndarray, calls.Function, calls.HostFunction, calls.ufunc, kernels.Function,
            kernels.Module, device.Device, device.Stream, device.Event, device.MemoryPool,
        ):  # fmt: skip
            for name, value in list(vars(owner).items()):
                if inspect.isfunction(value) and name not in ("__init__", "__getattr__"):
                    setattr(owner, name, watch.wrap(value))
                    undone.callback(setattr, owner, name, value)
        for owner in (cupy, cupy.cuda, cupy.cuda.runtime):
            for name, value in list(vars(owner).items()):
                if inspect.isfunction(value) and not name.startswith("__"):
                    setattr(owner, name, watch.wrap(value))
                    undone.callback(setattr, owner, name, value)
        yield watch


def python_seconds(cupy: Any, stage: Callable[[], None], rounds: int = 5) -> float:
    """Return the least CPU time of some runs of a stage outside the stand-in."""
    least = float("inf")
    for _ in range(rounds):
        with watching(cupy) as watch:
            start = time.thread_time()
            stage()
            spent = time.thread_time() - start - watch.inside
        least = min(least, spent - watch.calls * _overhead())
    return max(least, 0.0)


def _overhead() -> float:
    """Return what a watched call takes outside what it adds up."""
    watch, n = Watch(), 2000
    nothing = watch.wrap(lambda: None)
    start = time.thread_time()
    for _ in range(n):
        nothing()
    return (time.thread_time() - start - watch.inside) / n
