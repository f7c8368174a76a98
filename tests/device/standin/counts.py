"""What a program asked of the device: launches, bytes, transfers, synchronisations, memory.

One ledger is open at a time; without one, nothing is recorded and only memory is followed.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.device.standin.pool import Block, Pool, rounded


class Event(NamedTuple):
    """One thing that happened: what, in which function, how many bytes, in which stage."""

    kind: str
    name: str
    nbytes: int
    stage: str


@dataclass(frozen=True)
class Launch:
    """One launch of one of the project's kernels.

    Attributes
    ----------
    kernel, stage : str
    blocks, threads : int
        Blocks, and threads of each.
    shared : int
        Bytes of shared memory of a block, static and dynamic.
    registers : dict
        Registers of a thread, by architecture.
    nbytes : int
        Bytes loaded and stored, where they are counted.
    work : dict of numpy.ndarray, or None
        What its warps execute, where it is counted (`tests.device.emulator.build.Work`).
    """

    kernel: str
    stage: str
    blocks: int
    threads: int
    shared: int
    registers: dict[str, int]
    nbytes: int
    work: dict[str, Any] | None


@dataclass
class Section:
    """The counts of one stage, or of the whole."""

    own_launches: int = 0
    library_launches: int = 0
    synchronisations: int = 0
    uploads: int = 0
    uploaded: int = 0
    downloads: int = 0
    downloaded: int = 0
    largest_transfer: int = 0
    own_loaded: int = 0
    own_stored: int = 0
    library_read: int = 0
    library_written: int = 0
    peak: int = 0
    pool_peak: int = 0  # what the pool of the device in use had of the driver

    @property
    def launches(self) -> int:
        return self.own_launches + self.library_launches


@dataclass
class Ledger:
    """The record of what ran while it was open.

    Parameters
    ----------
    count_bytes : bool
        Whether own kernels run in the build that counts their loads and stores, and what their
        warps execute; it is slower.
    """

    count_bytes: bool = False
    total: Section = field(default_factory=Section)
    stages: dict[str, Section] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    launches: list[Launch] = field(default_factory=list)
    _open: list[str] = field(default_factory=list)

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[Section]:
        """Count what follows under ``name`` too; of nested stages the innermost counts."""
        section = self.stages.setdefault(name, Section())
        section.peak = max(section.peak, memory.current)
        self._open.append(name)
        try:
            yield section
        finally:
            self._open.pop()

    @property
    def stage_now(self) -> str:
        """The innermost open stage; none is the empty text."""
        return self._open[-1] if self._open else ""

    def sections(self) -> list[Section]:
        return [self.total, self.stages[self._open[-1]]] if self._open else [self.total]

    def add(self, kind: str, name: str, nbytes: int = 0, **counts: int) -> None:
        """Record an event, and add to the counts of the open stage and of the whole."""
        self.events.append(Event(kind, name, nbytes, self.stage_now))
        for section in self.sections():
            for count, more in counts.items():
                setattr(section, count, getattr(section, count) + more)
            if kind in ("upload", "download"):
                section.largest_transfer = max(section.largest_transfer, nbytes)

    def bytes_moved(self, section: Section | None = None) -> int:
        """Return the bytes that kernels read and wrote; own kernels' are known if counted."""
        section = section or self.total
        if section.own_launches and not self.count_bytes:
            raise ValueError("own kernels ran uncounted: open the ledger with count_bytes=True")
        return (
            section.own_loaded + section.own_stored + section.library_read + section.library_written
        )

    def no_transfer_larger_than(self, nbytes: int, stage: str | None = None) -> None:
        """Fail if more than ``nbytes`` crossed between host and device at once."""
        large = [
            e
            for e in self.events
            if e.kind in ("upload", "download") and e.nbytes > nbytes and stage in (None, e.stage)
        ]
        if large:
            listed = ", ".join(
                f"{e.kind} of {e.nbytes} bytes by {e.name}" + (f" in {e.stage}" if e.stage else "")
                for e in large[:5]
            )
            raise AssertionError(f"{len(large)} transfers exceed {nbytes} bytes: {listed}")

    def at_most(self, stage: str | None = None, **limits: int) -> None:
        """Fail if a count exceeds its limit: ``at_most("detection", synchronisations=1)``."""
        section = self.total if stage is None else self.stages[stage]
        for count, limit in limits.items():
            if (got := getattr(section, count)) > limit:
                last = [e.name for e in self.events if stage in (None, e.stage)][-5:]
                raise AssertionError(
                    f"{stage or 'total'}: {count} is {got}, allowed {limit}; last: {last}"
                )


class Memory:
    """The device memory that arrays hold, in the pool's units, and the pools that hand it out."""

    def __init__(self) -> None:
        self.current = 0
        self.pools: dict[int, Pool] = {}

    def of(self, device: int) -> Pool:
        """Return the pool of a device."""
        return self.pools.setdefault(device, Pool())

    def take(self, nbytes: int, device: int = 0) -> Block | None:
        self.current += nbytes
        pool = self.of(device)
        block = pool.take(nbytes)
        if opened is not None:
            for section in opened.sections():
                section.peak = max(section.peak, self.current)
                section.pool_peak = max(section.pool_peak, pool.kept)
        return block

    def give(self, block: Block | None, device: int = 0) -> None:
        self.current -= block.size if block else 0
        self.of(device).give(block)

    def pulse(self, nbytes: int) -> None:
        """Hold ``nbytes`` for a moment: a library call's scratch space."""
        self.give(self.take(nbytes))


memory = Memory()
opened: Ledger | None = None


class Buffer:
    """One allocation on the device; arrays and their views share it, and it goes with the last."""

    __slots__ = ("__weakref__", "_block", "device", "nbytes", "use")

    def __init__(self, nbytes: int, device: int) -> None:
        self.nbytes, self.device = rounded(nbytes), device
        #: The stream that used it last, and when.
        self.use: tuple[Any, int] | None = None
        self._block = memory.take(self.nbytes, device)

    def __del__(self) -> None:
        memory.give(self._block, self.device)


def synchronised(name: str) -> None:
    """Record that the host waits for the device."""
    if opened is not None:
        opened.add("synchronise", name, synchronisations=1)


def downloaded(name: str, nbytes: int) -> None:
    """Record a copy to the host, which waits for the device."""
    if opened is not None:
        opened.add("synchronise", name, synchronisations=1)
        opened.add("download", name, nbytes, downloads=1, downloaded=nbytes)


def uploaded(name: str, nbytes: int) -> None:
    """Record a copy from the host."""
    if opened is not None:
        opened.add("upload", name, nbytes, uploads=1, uploaded=nbytes)


def ran_library(name: str, launches: int, read: float, written: float) -> None:
    """Record a call of CuPy's own kernels."""
    if opened is not None:
        opened.add(
            "library", name, int(read + written), library_launches=launches,
            library_read=int(read), library_written=int(written),
        )  # fmt: skip


def ran_kernel(name: str, loaded: int, stored: int, **known: Any) -> None:
    """Record a launch of one of the project's kernels; ``known`` is what `Launch` holds of it."""
    if opened is not None:
        opened.launches.append(Launch(name, opened.stage_now, nbytes=loaded + stored, **known))
        opened.add(
            "kernel", name, loaded + stored, own_launches=1, own_loaded=loaded, own_stored=stored
        )


@contextlib.contextmanager
def ledger(*, count_bytes: bool = False) -> Iterator[Ledger]:
    """Open a ledger for the time of a ``with`` block.

    Parameters
    ----------
    count_bytes : bool
        Whether to count the loads and stores of own kernels, and what their warps execute.
    """
    global opened
    before, opened = opened, Ledger(count_bytes)
    opened.total.peak = memory.current
    try:
        yield opened
    finally:
        opened = before
