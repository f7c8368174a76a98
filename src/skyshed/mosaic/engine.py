"""Tasks over tiles, run by Dask: threads of this process, or the workers of a cluster.

A task is a function of the job and of a tile; it reads and writes the workspace, and returns
nothing. So graphs have one node for each tile and no edges, and results take no memory.
"""

import warnings
from collections.abc import Callable, Iterable
from typing import Any

from astropy.utils.exceptions import AstropyWarning

from skyshed.mosaic.job import Job
from skyshed.mosaic.memory import SHARE, available

__all__ = ["Cluster", "Threads", "TileError", "connect"]

#: How often Dask tries a task that failed on a cluster: files systems of clusters have bad moments.
RETRIES = 2

Task = Callable[[Job, tuple[int, int]], None]


class TileError(RuntimeError):
    """A tile could not be finished; the message says which, in what phase, and why."""


def attempt(task: Task, phase: str, job: Job, place: tuple[int, int]) -> None:
    """Run a task; say where it failed if it did.

    Raises
    ------
    TileError
        With the cause.
    """
    try:
        task(job, place)
    except Exception as error:
        raise TileError(_said(phase, job, place, error)) from error


def _said(phase: str, job: Job, place: tuple[int, int], error: BaseException) -> str:
    window = job.tiling[place]
    reason = " ".join(str(error).split()) or type(error).__name__
    return (
        f"{phase}, tile {place[0]},{place[1]} (rows {window.y0} to {window.y1 - 1}, columns "
        f"{window.x0} to {window.x1 - 1}): {type(error).__name__}: {reason}. What is finished is "
        f"kept in {job.workspace.folder}: the same call goes on from there"
    )


class Threads:
    """Threads of this process; nothing need be started.

    Parameters
    ----------
    n_workers : int
        How many tiles are worked on at a time.
    """

    def __init__(self, n_workers: int) -> None:
        self.n_workers = n_workers

    def per_process(self) -> int:
        """How many tiles a process works on at a time."""
        return self.n_workers

    def memory(self) -> int:
        """How much memory a process may take where nobody says."""
        return int(SHARE * available())

    def run(
        self, task: Task, phase: str, job: Job, places: Iterable[tuple[int, int]],
        finished: Callable[[], None],
    ) -> None:  # fmt: skip
        """Run a task for each place; call ``finished`` after each.

        Raises
        ------
        TileError
            If one fails; those that run are finished first.
        """
        import dask
        from dask.callbacks import Callback

        run = dask.delayed(attempt, pure=False, traverse=False)
        tasks = [run(task, phase, job, place) for place in places]
        done = Callback(posttask=lambda *_: finished())
        with warnings.catch_warnings(), done:
            # What headers say in bad FITS was said when the image was opened.
            warnings.simplefilter("ignore", AstropyWarning)
            dask.compute(*tasks, scheduler="threads", num_workers=self.n_workers)


class Cluster:
    """The workers of a Dask cluster, which all see the workspace and the image.

    Parameters
    ----------
    client : `distributed.Client`
        Connected to the scheduler.
    """

    def __init__(self, client: Any) -> None:
        self.client = client

    def per_process(self) -> int:
        """How many tiles a process works on at a time."""
        return max(self.client.nthreads().values(), default=1)

    def memory(self) -> int:
        """How much memory a process may take where nobody says: Dask's limit, or what is free."""
        workers = self.client.scheduler_info(n_workers=-1)["workers"].values()
        return int(
            SHARE
            * min((each["memory_limit"] or available() for each in workers), default=available())
        )

    def run(
        self, task: Task, phase: str, job: Job, places: Iterable[tuple[int, int]],
        finished: Callable[[], None],
    ) -> None:  # fmt: skip
        """Run a task for each place; call ``finished`` after each.

        Tasks of workers that die are run again by others.

        Raises
        ------
        TileError
            If one fails; the others are cancelled.
        """
        from distributed import as_completed

        sent = self.client.scatter(job, broadcast=True, hash=False)
        futures = {
            self.client.submit(
                attempt, task, phase, sent, place, pure=False, retries=RETRIES
            ): place
            for place in places
        }
        try:
            for future in as_completed(futures):
                error = future.exception()
                if isinstance(error, TileError):
                    raise error
                if error is not None:
                    raise TileError(_said(phase, job, futures[future], error)) from error
                finished()
        finally:
            self.client.cancel(list(futures))


def connect(scheduler: Any, n_workers: int) -> Threads | Cluster:
    """Return what runs the tasks.

    Parameters
    ----------
    scheduler : str, `distributed.Client` or None
        The address of a scheduler, ``tcp://host:port``; a client; or `None` for threads.
    n_workers : int
        The number of threads.

    Raises
    ------
    OSError
        If there is no scheduler at that address.
    TypeError
        If it is none of these.
    """
    if scheduler is None:
        return Threads(n_workers)
    from distributed import Client

    if isinstance(scheduler, Client):
        return Cluster(scheduler)
    if not isinstance(scheduler, str):
        raise TypeError(
            "scheduler must be the address of a Dask scheduler, a distributed.Client or None, got "
            f"{type(scheduler).__name__}"
        )
    return Cluster(Client(scheduler, set_as_default=False))
