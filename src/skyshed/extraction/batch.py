"""The only loop over images there is: which come next, together or beside each other.

`extract_each`, ``--each``, the images of a file and surveys take their turns here.
"""

import threading
import traceback
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from time import perf_counter
from types import MappingProxyType
from typing import Any, TypeVar

from skyshed.chain.request import Request
from skyshed.extraction.ahead import Ahead, bytes_to_read
from skyshed.extraction.device import on_first
from skyshed.extraction.entry import run_request, run_together
from skyshed.extraction.outcome import Outcome, with_name
from skyshed.extraction.plan import Plan, make_plan
from skyshed.extraction.result import Extraction
from skyshed.extraction.stacks import MORE, go_together, most_together
from skyshed.extraction.turns import Turn
from skyshed.messages import find_stack_level
from skyshed.mosaic.memory import SHARE, available

__all__ = ["FINISHING", "finish_turns", "take_turns"]

T = TypeVar("T")
#: A warning, and its category.
Heard = tuple[Any, type[Warning]]

#: What the name of the thread begins with that finishes an image beside the next.
FINISHING = "skyshed-finish"


def take_turns(turns: Sequence[Turn], progress: bool | None = False) -> Iterator[Outcome]:
    """Yield what becomes of each image, in their order; see `extract_each`."""
    batch = _Batch(turns, progress)
    while batch.left:
        # No name is bound to the outcome here: it goes when the caller lets it go.
        yield batch.take()


def finish_turns(
    turns: Sequence[Turn], finish: Callable[[Outcome], T], progress: bool | None = False
) -> Iterator[T]:
    """Yield what ``finish`` makes of each outcome, in their order.

    It is called in a thread, while the next image is worked on and the one after that is read; if
    two images do not fit into the memory, before the next is begun.

    Parameters
    ----------
    turns : sequence of Turn
        The images.
    finish : callable
        Writes what was found, say; it should raise nothing, which would end the others.
    progress
        See `extract_each`.
    """
    batch = _Batch(turns, progress)
    with ThreadPoolExecutor(1, FINISHING) as pool:
        while batch.left:
            outcome = batch.take()
            if batch.finishing is not None:
                yield batch.finishing.result()
            batch.finish_later(partial(pool.submit, _finished, finish, outcome, batch.gpus))
            del outcome  # the thread lets it go
        batch.finish()
        if batch.finishing is not None:
            yield batch.finishing.result()


def _finished(finish: Callable[[Outcome], T], outcome: Outcome, gpus: tuple[int, ...]) -> T:
    with on_first(gpus):
        return finish(outcome)


class _Batch:
    """The images that wait, and the next of them as far as it has been opened and read.

    Nothing runs between two calls of `take`: the caller's code never meets a thread of ours.

    Attributes
    ----------
    gpus : tuple of int
        Those that the image was worked on that was taken last.
    finishing : Future or None
        What is made of the image before it, since that was begun; see `finish_later`.
    """

    def __init__(self, turns: Sequence[Turn], progress: bool | None) -> None:
        self.gpus: tuple[int, ...] = ()
        self._waiting = deque(turns)
        self._taken: deque[_Taken] = deque()  # by several GPUs at a time
        self._progress = progress
        self._ahead: Ahead | None = None
        self._waited = 0.0
        self._one_by_one = 0  # of the images that wait: together they failed
        self._heard_now: list[Heard] | None = None  # of another image of a stack
        self._planned = self._held = 0  # bytes of the last image, and of one that is being finished
        self._finish: Callable[[], Future[Any]] | None = None
        self.finishing: Future[Any] | None = None

    @property
    def left(self) -> bool:
        """Whether there is an image that was not taken."""
        return bool(self._waiting or self._taken)

    def finish_later(self, finish: Callable[[], Future[Any]]) -> None:
        """Take what begins to finish the image that was taken last; count its memory until then.

        That begins and ends while warnings of the next image are listened to. Their filters belong
        to the process: a thread that changes them must put them back before we do.
        """
        self._finish, self._held = finish, self._planned

    def finish(self) -> None:
        """Finish the image that was taken last, while nothing else is done."""
        self._begin_to_finish()
        if self.finishing is not None:
            wait([self.finishing])

    def _begin_to_finish(self) -> None:
        if self._finish is not None:
            finish, self._finish = self._finish, None
            self.finishing = finish()

    def take(self) -> Outcome:
        """Work on the next image; where there are several GPUs, on one for each of them."""
        if self._taken:
            self.finish()
        else:
            gpus = self._waiting[0].resources.gpus
            if len(gpus) > 1:
                self._work_on_each(gpus)
            else:
                first = self._work_on_next()
                self._taken.appendleft(first)  # before those that were worked on with it
        taken = self._taken.popleft()
        if taken.extraction is None and taken.failure is None:  # all GPUs share it
            self._waiting.appendleft(taken.turn)
            taken = self._work_on_next()
        self.gpus = taken.gpus
        for message, category in taken.heard:
            text = with_name(taken.turn.name, str(message))
            warnings.warn(text, category, stacklevel=find_stack_level())
        return taken.outcome()

    def _work_on_next(self) -> "_Taken":
        """Work on the next image, and read the one after it."""
        turn = self._waiting.popleft()
        opened, self._ahead = self._ahead, None
        taken = _Taken(turn, turn.resources.gpus[:1], [] if opened is None else opened.heard)
        begun = perf_counter() - self._waited
        with self._listening(taken.heard), on_first(turn.resources.gpus):
            self._begin_to_finish()
            try:
                taken.request = turn.open() if opened is None else opened.request()
                plan = make_plan(taken.request, turn.resources)
                if self._work_on_stack(taken, plan):
                    return taken
                self._make_room(plan)
                self._open_next(taken.request, plan)
                if opened is not None and plan.tiling is None:
                    taken.request = opened.request(read=True)
                opened = None
                taken.extraction = run_request(taken.request, plan, turn.resources, self._progress)
            except Exception as error:
                taken.failure = error
                _let_go(error)
            finally:
                ended = perf_counter()
                taken.seconds = taken.seconds or ended - begun
                if self._ahead is not None:
                    self._ahead.thread.join()
                self._waited = perf_counter() - ended
                if self.finishing is not None:
                    wait([self.finishing])
        return taken

    def _work_on_stack(self, taken: "_Taken", plan: Plan) -> bool:
        """Work on an image together with those that come next and are like it, if any is.

        An image that fails has an error; where all fail, they are worked on one by one.
        """
        if self._one_by_one:
            self._one_by_one -= 1
            return False
        assert taken.request is not None
        begun, group = perf_counter(), [taken]
        most = most_together(taken.request, plan)
        for place, turn in enumerate(islice(list(self._waiting), most - 1)):
            other = _Taken(turn, taken.gpus, [])
            try:
                with self._about(other):
                    other.request = turn.open()
                if not go_together(taken.request, other.request, turn):
                    self._waiting[place] = turn.opened(other.request, other.heard)
                    break
            except Exception:  # it is opened again when it has its turn, and says what is wrong
                break
            group.append(other)
        if len(group) == 1:
            return False
        self._make_room(replace(plan, memory=int(MORE * len(group) * plan.memory)))
        n_heard = len(taken.heard)
        requests = [each.request for each in group if each.request is not None]
        try:
            results = run_together(
                requests,
                self._progress,
                lambda k: self._about(None if k is None else group[k]),
            )
        except Exception as error:
            _let_go(error)
            del taken.heard[n_heard:]
            self._one_by_one = len(group) - 1
            return False
        for each, result in zip(group, results, strict=True):
            if isinstance(result, Extraction):
                each.extraction = result
            else:
                each.failure = result
                _let_go(result)
            each.seconds = (perf_counter() - begun) / len(group)
        for each in group[1:]:
            self._waiting.popleft()
            self._taken.append(each)
        return True

    @contextmanager
    def _about(self, taken: "_Taken | None") -> Iterator[None]:
        """Take what this thread is warned of for warnings about an image of a stack, or of none."""
        self._heard_now = [] if taken is None else taken.heard
        try:
            yield
        finally:
            self._heard_now = None

    def _work_on_each(self, gpus: tuple[int, ...]) -> None:
        """Work on as many images as there are GPUs, each on one of its own, at the same time.

        Images that all GPUs are to share tile by tile have no result then.
        """
        numbers = range(min(len(gpus), len(self._waiting)))
        group = [_Taken(self._waiting.popleft(), (gpus[k],), []) for k in numbers]
        self.finish()  # on one of these GPUs
        hearing: dict[int, list[Heard]] = {}
        with self._listening(None, hearing), ThreadPoolExecutor(len(group)) as pool:
            for each in [pool.submit(_work_alone, taken, hearing) for taken in group]:
                each.result()
        self._taken.extend(group)

    def _make_room(self, plan: Plan) -> None:
        """Wait until the image before this one is finished, if both do not fit into memory."""
        self._planned = plan.memory
        if self.finishing is None:
            return
        if not self.finishing.done() and plan.memory + self._held > plan.budget:
            wait([self.finishing])
        if self.finishing.done():
            self._held = 0

    def _open_next(self, request: Request, plan: Plan) -> None:
        """Begin to open and read the next image, if it fits into memory beside this one.

        Until it is open, the next is taken to be as large as this one: some files can only be
        opened by reading them.
        """
        if not self._waiting or plan.tiling is not None:
            return
        if len(self._waiting[0].resources.gpus) > 1:  # it is opened by the thread of its GPU
            return
        if request.exposure.device == "cuda":  # the plan is about the memory of the GPU
            room = int(SHARE * available())
        else:
            room = plan.budget - plan.memory - self._held
        if room < bytes_to_read(request):
            return
        self._ahead = Ahead(self._waiting[0].open, room)
        self._ahead.thread.start()

    @contextmanager
    def _listening(
        self, heard: list[Heard] | None, hearing: Mapping[int, list[Heard]] = MappingProxyType({})
    ) -> Iterator[None]:
        """Keep warnings that are let through: those of the thread for the next image's turn.

        Threads in ``hearing`` have lists of their own. Without a list for all others, what these
        say is shown at once: of which image it is, is not known.
        """
        shown = warnings.showwarning

        def keep(message: Any, category: type[Warning], *where: Any, **more: Any) -> None:
            thread, ahead = threading.current_thread(), self._ahead
            mine = hearing.get(threading.get_ident(), heard)
            if mine is heard and self._heard_now is not None:
                mine = self._heard_now
            if ahead is not None and thread is ahead.thread:
                mine = ahead.heard
            elif thread.name.startswith(FINISHING):  # of an image that had its turn before
                mine = None
            if mine is None:
                shown(message, category, *where, **more)
            else:
                mine.append((message, category))
                # What was said once Python keeps to itself, though it is of another image then,
                # until its filters change. This one comes last: it does what is done without it.
                warnings.simplefilter("default", append=True)

        with warnings.catch_warnings():
            warnings.showwarning = keep
            yield


@dataclass(eq=False)
class _Taken:
    """An image that was worked on, and what became of it.

    Attributes
    ----------
    turn : Turn
        The image.
    gpus : tuple of int
        That which it was worked on, if it has a number.
    heard : list
        Warnings about it.
    request, extraction, failure
        As far as it came; neither result nor error if it is to be worked on otherwise.
    seconds : float
        How long it took.
    """

    turn: Turn
    gpus: tuple[int, ...]
    heard: list[Heard]
    request: Request | None = None
    extraction: Extraction | None = None
    failure: Exception | None = None
    seconds: float = 0.0

    def outcome(self) -> Outcome:
        """Return it as the caller sees it."""
        return Outcome(
            self.turn.image, self.turn.name, _hdu(self.request), self.seconds, self.extraction,
            self.failure, self.turn.hdu_name or _hdu_name(self.request),
        )  # fmt: skip


def _work_alone(taken: _Taken, hearing: dict[int, list[Heard]]) -> None:
    """Work on an image on its GPU, unless all are to share it."""
    hearing[threading.get_ident()] = taken.heard
    begun, turn = perf_counter(), taken.turn
    with on_first(taken.gpus):
        try:
            taken.request = turn.open()
            plan = make_plan(taken.request, turn.resources)
            if plan.tiling is None:
                alone = replace(turn.resources, gpus=taken.gpus)
                taken.extraction = run_request(taken.request, plan, alone, False)
        except Exception as error:
            taken.failure = error
            _let_go(error)
    taken.seconds = perf_counter() - begun


def _hdu(request: Request | None) -> int | None:
    """Return the number of the HDU that an image was read from."""
    number = None if request is None else request.exposure.image.origin().get("input_hdu")
    return None if number is None else int(number)


def _hdu_name(request: Request | None) -> str:
    """Return what names the HDU that an image was read from in brackets."""
    hdu = None if request is None else request.exposure.image.hdu
    return "" if hdu is None else hdu.key


def _let_go(error: BaseException | None) -> None:
    """Forget what the functions that an error passed through held: whole images."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__
