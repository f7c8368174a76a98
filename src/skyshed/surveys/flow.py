"""Tasks on the workers of Dask, of which only so many are under way at a time."""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from time import monotonic
from typing import Any, TypeVar

from skyshed.images.pixels import RefusedError
from skyshed.mosaic.engine import Cluster, client_of, connect
from skyshed.mosaic.memory import available
from skyshed.mosaic.under_way import PATIENCE, UnderWay

__all__ = ["Flow", "flow_on"]

T = TypeVar("T")

#: Tasks under way for each thread of the workers: one that runs, and the next.
AHEAD = 2
#: Seconds for which the number of the workers' threads is taken to stay.
STEADY = 5.0
#: Seconds to wait for processes of one's own, the scheduler among them: where the machine is busy,
#: they start late and answer late, and nobody else would start them again.
OWN = 600.0
#: Dask keeps what its workers did, sampled each 10 ms, for an hour: 100 MB of a survey's.
WITHOUT_PROFILES = {"distributed.worker.profile.enabled": False}
#: Of processes that a survey starts by itself, only what ends them is heard.
QUIET = logging.CRITICAL
#: What is left to do after an error.
GO_ON = "What is finished is kept: the same call goes on from there"


class Flow:
    """Runs a task for each of any number of items, in the memory of a few.

    Parameters
    ----------
    client : `distributed.Client`
        Connected to the scheduler.
    answer : float, optional
        Seconds in which the scheduler must answer; by default those of one that others run.
    """

    def __init__(self, client: Any, answer: float | None = None) -> None:
        self.client, self._answer = client, answer
        self._room, self._asked = 1, 0.0

    def each(
        self, task: Callable[..., Any], take: Callable[[], T | None], *common: Any
    ) -> Iterator[tuple[T, Any, Exception | None]]:
        """Yield each item with what ``task(*common, item)`` returned, or raised, as they end.

        Parameters
        ----------
        task : callable
            The work, a function of a module.
        take : callable
            Returns the next item, `None` if there is none for now: it is asked again after each
            that was yielded.
        *common
            The first arguments, the same for all.

        Raises
        ------
        RefusedError
            If a worker cannot do the work at all.
        OSError
            If there is no scheduler any more, or there are no workers and none come.
        """
        from distributed.protocol.pickle import dumps

        sent = dumps((task, common))
        under_way: UnderWay[T] = UnderWay(self.client, GO_ON, self._answer)
        try:
            while True:
                while len(under_way) < self._window():
                    item = take()
                    if item is None:
                        break
                    under_way.add(self.client.submit(_carry_out, sent, item, pure=False), item)
                if not under_way:
                    return
                future, item = under_way.next()
                if future.status == "cancelled":
                    raise OSError(f"the Dask scheduler went away: start it again. {GO_ON}")
                error = future.exception()
                if isinstance(error, RefusedError):
                    raise error
                result = None if error is not None else future.result()
                future.release()
                yield item, result, error
        finally:
            under_way.cancel()

    def _window(self) -> int:
        """How many tasks may be under way."""
        now = monotonic()
        if now - self._asked > STEADY:
            self._room = max(AHEAD * sum(self.client.nthreads().values()), 1)
            self._asked = now
        return self._room


def _carry_out(sent: bytes, item: Any) -> Any:
    """Do the work for an item."""
    from distributed.protocol.pickle import loads

    task, common = loads(sent)
    return task(*common, item)


@contextmanager
def flow_on(scheduler: Any, n_workers: int = 1, gpus: tuple[int, ...] = ()) -> Iterator[Flow]:
    """Give a flow on a cluster, or on processes of this machine, which end with it.

    Parameters
    ----------
    scheduler : str, `distributed.Client` or None
        See `skyshed.mosaic.engine.connect`; `None` for processes of this machine.
    n_workers : int, optional
        How many processes.
    gpus : tuple of int, optional
        The GPUs that they share: each has one.

    Raises
    ------
    OSError
        If there is no scheduler at the address, or no worker comes.
    """
    if scheduler is not None:
        engine = connect(scheduler, 1)
        assert isinstance(engine, Cluster)
        with closing(engine):
            yield Flow(_with_workers(engine.client))
        return
    with _processes(n_workers, gpus) as address:
        client = client_of(address, OWN)
        lacks = f"no process of the survey has begun within {OWN:g} s: the machine is too busy"
        try:
            yield Flow(_with_workers(client, OWN, lacks), OWN)
        finally:
            client.close()


def _with_workers(
    client: Any,
    patience: float = PATIENCE,
    lacks: str = "the Dask cluster has no workers: start some",
) -> Any:
    """Return a client whose cluster has a worker.

    Raises
    ------
    OSError
        ``lacks``, if none comes within so many seconds.
    """
    try:
        client.wait_for_workers(1, timeout=patience)
    except TimeoutError:
        raise OSError(lacks) from None
    return client


@contextmanager
def _processes(n_workers: int, gpus: tuple[int, ...]) -> Iterator[str]:
    """Start a scheduler in this process and workers of a thread each in others; give its address.

    The workers are programs of their own, not copies of this one: a script that calls `survey` need
    not guard its main part. They end when the scheduler is gone, however it goes.
    """
    import dask.config
    import distributed  # noqa: F401  # first: it takes back what is set of its own before it is there

    with dask.config.set(WITHOUT_PROFILES):
        cluster = _cluster(n_workers, gpus)
    with cluster:
        yield cluster.scheduler_address


def _cluster(n_workers: int, gpus: tuple[int, ...]) -> Any:
    """Start a scheduler and workers."""
    from distributed import LocalCluster, Scheduler
    from distributed.compatibility import WINDOWS

    host, memory = "127.0.0.1", available() // n_workers
    if WINDOWS:  # where Dask starts no programs of their own
        return LocalCluster(
            n_workers=n_workers, threads_per_worker=1, memory_limit=memory, host=host,
            dashboard_address=None, silence_logs=QUIET,
        )  # fmt: skip
    from distributed.deploy.spec import SpecCluster
    from distributed.deploy.subprocess import SubprocessWorker

    scheduler = {
        "cls": Scheduler,
        "options": {"host": host, "port": 0, "dashboard": False, "dashboard_address": ":0"},
    }  # fmt: skip
    workers = {}
    for number in range(n_workers):
        options: dict[str, Any] = {
            "host": host, "nthreads": 1, "memory_limit": memory, "dashboard": False,
            "silence_logs": QUIET, "config": WITHOUT_PROFILES,
        }  # fmt: skip
        if gpus:
            options["env"] = {"CUDA_VISIBLE_DEVICES": _visible(gpus[number % len(gpus)])}
        kind = {"worker_class": "distributed.Nanny", "worker_kwargs": options}
        workers[number] = {"cls": SubprocessWorker, "options": kind}
    return SpecCluster(workers=workers, scheduler=scheduler, silence_logs=QUIET)


def _visible(gpu: int) -> str:
    """Return what names a GPU of this process to another, which is to see no other.

    Where this process sees some of the machine's only, its numbers count those.
    """
    seen = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    return seen.split(",")[gpu] if seen else str(gpu)
