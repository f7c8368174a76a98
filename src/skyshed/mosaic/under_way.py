"""The tasks that a Dask cluster has in hand, as they end: nobody waits for one that never will."""

from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, Generic, TypeVar

__all__ = ["ANSWER", "PATIENCE", "UnderWay"]

#: Seconds to wait for workers to start, or to be started again.
PATIENCE = 60
#: Seconds to wait for a scheduler to answer at all.
ANSWER = 30
#: Seconds after which it is seen whether there are workers, if no task ends.
BEAT = 5

T = TypeVar("T")


class UnderWay(Generic[T]):
    """Tasks of a client that have not ended, and what each was submitted for.

    Parameters
    ----------
    client : `distributed.Client`
        Connected to the scheduler.
    advice : str
        What is left to do after an error: a sentence, without its full stop.
    answer : float, optional
        Seconds in which the scheduler must answer; by default those of one that others run.
    """

    def __init__(self, client: Any, advice: str, answer: float | None = None) -> None:
        self._client, self._advice = client, advice
        self._answer = ANSWER if answer is None else answer
        self._ended = SimpleQueue[Any]()
        self._items: dict[Any, T] = {}
        self._silent = False

    def __len__(self) -> int:
        return len(self._items)

    def add(self, future: Any, item: T) -> None:
        """Take a task that was submitted for an item."""
        self._items[future] = item
        future.add_done_callback(self._ended.put)

    def next(self) -> tuple[Any, T]:
        """Wait for the next task that has ended, and return it with its item.

        It may have been cancelled: Dask cancels all where the connection is gone.

        Raises
        ------
        OSError
            If the scheduler does not answer any more, or there are no workers and none come.
        """
        while True:
            future = self._next()
            if future.status not in ("pending", "lost"):
                return future, self._items.pop(future)
            # Its worker died in this moment: it is made again.
            future.add_done_callback(self._ended.put)

    def _next(self) -> Any:
        alone = None
        while True:
            try:
                return self._ended.get(timeout=BEAT)
            except Empty:
                pass
            # Where the connection is gone, Dask cancels all tasks: they come out of the queue.
            if self._client.status != "running":
                continue
            try:
                known = self._client.sync(
                    self._client.scheduler.identity, callback_timeout=self._answer
                )
            except TimeoutError:
                self._silent = True
                raise OSError(
                    f"the Dask scheduler has not answered for {self._answer:g} s: start it again. "
                    f"{self._advice}"
                ) from None
            except OSError:  # it went away in this moment
                continue
            now = monotonic()
            alone = None if known["workers"] else (alone or now)
            if alone is not None and now - alone > PATIENCE:
                raise OSError(f"the Dask cluster has no workers: start it again. {self._advice}")

    def cancel(self) -> None:
        """Cancel the tasks that are left, if somebody is there to hear of it."""
        if self._items and self._client.status == "running" and not self._silent:
            self._client.cancel(list(self._items))
