"""Tasks over tiles, run by Dask: threads of this process, or the workers of a cluster.

A task is a function of the job and of a tile; it reads and writes the workspace, and returns
nothing. So graphs have one node for each tile and no edges, and results take no memory.
"""

import contextlib
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from queue import SimpleQueue
from time import monotonic, sleep
from typing import Any

from astropy.utils.exceptions import AstropyWarning

from skyshed.devices import current_device, on_gpu
from skyshed.exceptions import TileError
from skyshed.images.pixels import RefusedError
from skyshed.messages import one_line
from skyshed.mosaic.job import Job
from skyshed.mosaic.memory import SHARE, available
from skyshed.mosaic.records import SCHEMA
from skyshed.mosaic.under_way import ANSWER, PATIENCE, UnderWay

__all__ = ["Cluster", "Threads", "connect", "explained"]

#: How often Dask tries a task that failed on a cluster: files systems of clusters have bad moments.
RETRIES = 2
#: Seconds within which what others have written appears: file systems of networks look twice in a
#: minute.
LATE = 60

Task = Callable[[Job, tuple[int, int]], None]


def attempt(task: Task, phase: str, job: Job, tile: tuple[int, int]) -> None:
    """Run a task; say where it failed if it did.

    Raises
    ------
    TileError
        With the cause.
    """
    try:
        task(job, tile)
    except RefusedError:  # of what the user gave, whatever the tile
        raise
    except Exception as error:
        raise explained(_named(phase, job, tile), job, error) from error


def explained(where: str, job: Job, error: BaseException) -> TileError:
    """Return the error to raise: where the run failed, why, and what is left to do."""
    return TileError(f"{where}: {type(error).__name__}: {one_line(error)}. {kept_in(job)}")


def kept_in(job: Job) -> str:
    """Say what is left to do after an error."""
    return f"What is finished is kept in {job.workspace.folder}: the same call goes on from there"


def versions() -> str:
    """Return what the processes of a cluster must have in common."""
    from skyshed import __version__

    return f"skyshed {__version__}, files {SCHEMA}"


def packed(job: Job) -> tuple[bytes, str | None]:
    """Return a job to be sent to workers, and what says that a workspace is its own."""
    from distributed.protocol.pickle import dumps

    return dumps(job), job.workspace.sign()


def unpacked(sent: tuple[bytes, str | None], theirs: str) -> Job:
    """Return the job that was sent, if this worker can do it.

    Raises
    ------
    RefusedError
        If it has another version of skyshed, or does not see the workspace.
    """
    from distributed.protocol.pickle import loads

    if versions() != theirs:
        raise RefusedError(
            f"the workers of the cluster have {versions()}, this process has {theirs}: install the "
            "same version on all"
        )
    content, sign = sent
    job: Job = loads(content)
    end = monotonic() + LATE
    while job.workspace.sign() != sign:
        if monotonic() > end:
            raise RefusedError(
                f"the workers of the cluster do not see the workspace {job.workspace.folder}: "
                "it must be on a file system that they share with this process"
            )
        sleep(0.1)
    return job


def _named(phase: str, job: Job, tile: tuple[int, int]) -> str:
    window = job.tiling[tile]
    return (
        f"{phase}, tile {tile[0]},{tile[1]} (rows {window.y0} to {window.y1 - 1}, columns "
        f"{window.x0} to {window.x1 - 1})"
    )


class Threads:
    """Threads of this process; nothing need be started.

    Parameters
    ----------
    n_workers : int
        How many tiles are worked on at a time.
    gpus : tuple of int, optional
        The numbers of the GPUs that the threads work on, in turn; none for the current device.
    """

    def __init__(self, n_workers: int, gpus: tuple[int, ...] = ()) -> None:
        self.n_workers, self.gpus = n_workers, gpus

    def close(self) -> None:
        """Do nothing: no thread is left of a run."""

    #: Seconds within which what a task has written is seen here.
    late = 0

    def per_process(self) -> int:
        """How many tiles a process works on at a time."""
        return self.n_workers

    def memory(self) -> int:
        """How much memory a process may take where nobody says."""
        return int(SHARE * available())

    def run(
        self, task: Task, phase: str, job: Job, tiles: Iterable[tuple[int, int]],
        finished: Callable[[], None],
    ) -> None:  # fmt: skip
        """Run a task for each tile; call ``finished`` after each.

        Raises
        ------
        TileError
            If one fails; those that run are finished first.
        """
        import dask.threaded

        # A graph by hand: `dask.delayed` takes 0.7 ms for each task, and looks into arguments for
        # arrays of Dask's, of which it would compute all to give them to a tile.
        # It takes the last of equals first: names count down, so that files are read as they lie.
        graph = {
            f"{phase}-{left:09d}": (partial(attempt, task, phase, job, tile),)
            for left, tile in enumerate(reversed(list(tiles)))
        }
        after_each = (None, None, None, lambda *_: finished(), None)
        choose = self._chooser()
        # The pool is the run's own, so that no tile is worked on any more when this returns.
        with (
            warnings.catch_warnings(),
            ThreadPoolExecutor(self.n_workers, initializer=choose) as pool,
        ):
            # What headers say in bad FITS was said when the image was opened.
            warnings.simplefilter("ignore", AstropyWarning)
            dask.threaded.get(graph, list(graph), pool=pool, callbacks=[after_each])

    def _chooser(self) -> Callable[[], None] | None:
        """Return what a new thread begins with: it chooses its device."""
        if not self.gpus:
            device = current_device()
            return None if device is None else device.use
        turns = SimpleQueue[Any]()
        for number in range(self.n_workers):
            turns.put(on_gpu(self.gpus[number % len(self.gpus)]))
        return lambda: turns.get_nowait().use()


class Cluster:
    """The workers of a Dask cluster, which all see the workspace and the image.

    Parameters
    ----------
    client : `distributed.Client`
        Connected to the scheduler.
    owned : bool, optional
        Whether `close` closes the client.
    address : str, optional
        Of the scheduler; a client of the engine's own that has lost it is made anew.
    """

    def __init__(self, client: Any, owned: bool = False, address: str = "") -> None:
        self.client = client
        self.owned = owned
        self.address = address

    #: Seconds within which what a task has written is seen here.
    late = LATE

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
        self, task: Task, phase: str, job: Job, tiles: Iterable[tuple[int, int]],
        finished: Callable[[], None],
    ) -> None:  # fmt: skip
        """Run a task for each tile; call ``finished`` after each.

        Tasks of workers that die are run again by others, also when all of them died and others
        came, and when the scheduler was started again at its address.

        Raises
        ------
        TileError
            If one fails; the others are cancelled.
        OSError
            If there are no workers any more, or no scheduler.
        ValueError
            If workers have another version of skyshed, or don't see the workspace.
        """
        left = list(tiles)
        for _ in range(1 + RETRIES):
            self._wait_for_workers(job)
            left = self._sent(task, phase, job, left, finished)
            if not left:
                return
        died = OSError("all workers died, again and again")
        raise explained(_named(phase, job, left[0]), job, died)

    def _sent(
        self, task: Task, phase: str, job: Job, tiles: list[tuple[int, int]],
        finished: Callable[[], None],
    ) -> list[tuple[int, int]]:  # fmt: skip
        """Run a task for each tile; return those that went down with what knew of them."""
        from distributed import KilledWorker

        submit, lost = self.client.submit, []
        options: Any = {"pure": False, "retries": RETRIES}
        under_way = UnderWay[tuple[int, int]](self.client, kept_in(job))
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Sending large graph")
                # A task makes the job, and not `scatter`: what a task has made is made again when
                # those who hold it die, and nobody waits for a worker that is no more.
                sent = submit(unpacked, packed(job), versions(), **options)
                for tile in tiles:
                    under_way.add(submit(attempt, task, phase, sent, tile, **options), tile)
            while under_way:
                future, tile = under_way.next()
                cancelled = future.status == "cancelled"
                error = None if cancelled else future.exception()
                if cancelled or isinstance(error, KilledWorker):
                    lost.append(tile)
                    continue
                if isinstance(error, (TileError, RefusedError)):
                    raise error
                if error is not None:
                    raise explained(_named(phase, job, tile), job, error) from error
                # Results that are held are made again when their worker dies.
                future.release()
                finished()
        finally:
            under_way.cancel()
        return lost

    def _wait_for_workers(self, job: Job) -> None:
        """Wait until there is a worker.

        Raises
        ------
        OSError
            If none comes; it says what the cluster lacks.
        """
        end = monotonic() + PATIENCE
        while True:
            left = max(end - monotonic(), 0.01)
            try:
                if self.client.status == "running":
                    self.client.wait_for_workers(1, timeout=left)
                    return
                if self.client.status == "closed" and self.owned:
                    self.client = client_of(self.address, left)
                    continue
            except OSError:  # also a time-out
                pass
            if monotonic() >= end:
                break
            sleep(0.05)
        raise self._lacks("workers" if self.client.status == "running" else "scheduler", job)

    def _lacks(self, what: str, job: Job) -> OSError:
        return OSError(f"the Dask cluster has no {what}: start it again. {kept_in(job)}")

    def close(self) -> None:
        """Leave the cluster, if the client is this engine's own.

        Where the scheduler is gone, Dask's client may still be looking for it, and closing it then
        may fail. This is nobody's concern: the run is over, or its own error says what is wrong.
        """
        if self.owned:
            with contextlib.suppress(RuntimeError, OSError):  # also time-outs
                self.client.close()


def connect(scheduler: Any, n_workers: int, gpus: tuple[int, ...] = ()) -> Threads | Cluster:
    """Return what runs the tasks; `close` it afterwards.

    Parameters
    ----------
    scheduler : str, `distributed.Client` or None
        The address of a scheduler, ``tcp://host:port``; a client; or `None` for threads.
    n_workers : int
        The number of threads.
    gpus : tuple of int, optional
        The GPUs that they work on.

    Raises
    ------
    OSError
        If there is no scheduler at that address.
    TypeError
        If it is none of these.
    """
    if scheduler is None:
        return Threads(n_workers, gpus)
    from distributed import Client

    if isinstance(scheduler, Client):
        return Cluster(scheduler)
    if not isinstance(scheduler, str):
        raise TypeError(
            "scheduler must be the address of a Dask scheduler, a distributed.Client or None, got "
            f"{type(scheduler).__name__}"
        )
    _check_scheduler(scheduler)
    return Cluster(client_of(scheduler), owned=True, address=scheduler)


def client_of(address: str, timeout: float | None = None) -> Any:
    """Return a client of Dask's for the scheduler at an address."""
    from distributed import Client

    return Client(address, set_as_default=False, timeout=timeout or ANSWER)


def _check_scheduler(address: str) -> None:
    """See that a scheduler answers, which clients of Dask's would wait for without an end.

    Raises
    ------
    OSError
        If nothing answers in time.
    ValueError
        If this is no address.
    """
    from distributed.comm.addressing import get_address_host_port, parse_address

    try:
        scheme, rest = parse_address(address)
        host = rest if scheme == "inproc" else get_address_host_port(address)[0]
    except (ValueError, AssertionError, NotImplementedError) as error:
        host, reason = "", one_line(error)
    else:
        reason = "it names no host"
    if not host:
        raise ValueError(
            "scheduler must be the address of a Dask scheduler, such as 'tcp://host:8786', got "
            f"{address!r} ({reason})"
        )
    if scheme != "inproc":
        import asyncio  # here: it takes as long to import as half of this package

        # In a thread: notebooks have a loop of their own in this one.
        with ThreadPoolExecutor(1) as pool:
            pool.submit(asyncio.run, _ask(address)).result()


async def _ask(address: str) -> None:
    """Connect to a scheduler, as Dask's clients do, and leave."""
    import asyncio

    from distributed.comm.core import connect as connect_to
    from distributed.security import Security

    settings = Security().get_connection_args("client")
    try:
        comm = await asyncio.wait_for(connect_to(address, timeout=ANSWER, **settings), ANSWER)
    except TimeoutError as error:
        raise OSError(
            f"no Dask scheduler answers at {address!r} within {ANSWER} s: start it, or correct "
            "the address"
        ) from error
    comm.abort()
