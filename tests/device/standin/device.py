"""The stand-in for `cupy.cuda`: two devices, streams, events; all runs at once, waits are counted.

What hardware would punish, or would let pass with wrong numbers, is an error: an array used while
another device is current (its memory can't be reached from there), and an array used on two streams
of which neither waits for the other.
"""

import threading
import time
from typing import Any

from tests.device.standin import counts

TOTAL_MEMORY = 80 * 10**9
N_DEVICES = 2
#: An H100's, where a program asks.
PROPERTIES = {
    "name": b"stand-in for a GPU", "totalGlobalMem": TOTAL_MEMORY, "multiProcessorCount": 132,
    "major": 9, "minor": 0, "warpSize": 32, "maxThreadsPerBlock": 1024,
    "sharedMemPerBlock": 48 * 1024, "sharedMemPerBlockOptin": 227 * 1024,
}  # fmt: skip
ATTRIBUTES = {
    "MultiProcessorCount": 132, "WarpSize": 32, "MaxThreadsPerBlock": 1024,
    "MaxSharedMemoryPerBlock": 48 * 1024, "MaxSharedMemoryPerBlockOptin": 227 * 1024,
}  # fmt: skip


#: What each thread has chosen. A new thread is on device 0, wherever the one that starts it is.
_chosen = threading.local()
#: Counts what is done on any stream; what is known to be done is remembered as such a number.
_clock = 0


def current() -> int:
    """Return the number of the current device."""
    return getattr(_chosen, "device", 0)


def choose(number: int) -> None:
    """Make a device the current one of this thread."""
    _chosen.device = Device(number).id


class Device:
    """One of the devices; the current one if no number is given."""

    def __init__(self, device=None) -> None:
        self.id = current() if device is None else int(device)
        if not 0 <= self.id < N_DEVICES:
            raise RuntimeError(f"cudaErrorInvalidDevice: invalid device ordinal {self.id}")

    def use(self) -> None:
        """Make it the current device of this thread."""
        _chosen.device = self.id

    def synchronize(self) -> None:
        """Wait for all work."""
        counts.synchronised("Device.synchronize")
        for stream in _streams:
            stream.done_until = _clock

    @property
    def attributes(self) -> dict[str, int]:
        return dict(ATTRIBUTES)

    @property
    def compute_capability(self) -> str:
        return "90"

    @property
    def mem_info(self) -> tuple[int, int]:
        return memory_info(self.id)

    def __int__(self) -> int:
        return self.id

    def __enter__(self) -> "Device":
        _stack().append(current())
        self.use()
        return self

    def __exit__(self, *_: object) -> None:
        _chosen.device = _stack().pop()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"<CUDA Device {self.id}>"


def _stack() -> list[int]:
    if not hasattr(_chosen, "stack"):
        _chosen.stack = []
    return _chosen.stack


class Stream:
    """A queue of work."""

    null: "Stream"

    def __init__(self, null=False, non_blocking=False, ptds=False, priority=None) -> None:
        self.ptr = 0 if null else id(self)
        self.is_non_blocking = non_blocking
        self.done_until = 0  # the host has waited for it
        self.after: dict[int, int] = {}  # what of other streams it waits for
        _streams.append(self)

    def use(self) -> "Stream":
        """Make it the current stream of this thread."""
        _chosen.stream = self
        return self

    def synchronize(self) -> None:
        """Wait for its work."""
        counts.synchronised("Stream.synchronize")
        self.done_until = _clock

    @property
    def done(self) -> bool:
        return True

    def record(self, event=None) -> "Event":
        """Put an event into the queue."""
        event = event or Event()
        event.record(self)
        return event

    def wait_event(self, event: "Event") -> None:
        """Let later work wait for an event: the device's wait, not the host's."""
        for ptr, until in event.seen.items():
            self.after[ptr] = max(self.after.get(ptr, 0), until)

    def follows(self, other: "Stream", at: int) -> bool:
        """Whether what this stream does now comes after what another did at ``at``."""
        # The null stream waits for all that are not non-blocking, and they for it.
        legacy = 0 in (self.ptr, other.ptr) and not (self.is_non_blocking or other.is_non_blocking)
        return self == other or legacy or at <= max(other.done_until, self.after.get(other.ptr, 0))

    def __enter__(self) -> "Stream":
        self._before = get_current_stream()
        return self.use()

    def __exit__(self, *_: object) -> None:
        self._before.use()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stream) and other.ptr == self.ptr

    def __hash__(self) -> int:
        return hash(self.ptr)

    def __repr__(self) -> str:
        return f"<Stream {self.ptr}>"


_streams: list[Stream] = []
Stream.null = Stream(null=True)


class Event:
    """A mark in a stream."""

    def __init__(self, block=False, disable_timing=False, interprocess=False) -> None:
        self._at = 0.0
        self.stream = Stream.null
        self.seen: dict[int, int] = {}  # what comes before it, of each stream

    def record(self, stream=None) -> None:
        """Put the mark behind the work so far."""
        self._at = time.perf_counter()
        self.stream = stream or get_current_stream()
        self.seen = {**self.stream.after, self.stream.ptr: _clock}

    def synchronize(self) -> None:
        """Wait for the mark."""
        counts.synchronised("Event.synchronize")
        self.stream.done_until = max(self.stream.done_until, self.seen.get(self.stream.ptr, 0))

    @property
    def done(self) -> bool:
        return True


def get_current_stream(device_id=-1) -> Stream:
    return getattr(_chosen, "stream", Stream.null)


def used(buffer: counts.Buffer) -> None:
    """Note that work of the current device and stream reads or writes a buffer.

    Raises
    ------
    ValueError
        If the buffer is another device's.
    RuntimeError
        If another stream used it, and nothing says that this is done.
    """
    global _clock
    if buffer.device != current():
        raise ValueError(
            "Array device must be same as the current device: "
            f"array device = {buffer.device} while current = {current()}"
        )
    stream: Any = get_current_stream()
    if buffer.use is not None and not stream.follows(*buffer.use):
        raise RuntimeError(
            f"memory that {buffer.use[0]!r} uses is used on {stream!r}, which does not wait for it"
        )
    _clock += 1
    buffer.use = stream, _clock


def waited() -> None:
    """Note that the host has waited for the current stream."""
    get_current_stream().done_until = _clock


def get_elapsed_time(start_event: Event, end_event: Event) -> float:
    """Return milliseconds between two events."""
    return (end_event._at - start_event._at) * 1e3


def memory_info(number: int | None = None) -> tuple[int, int]:
    """Return the free and the total bytes: what the pool keeps is not free."""
    return TOTAL_MEMORY - counts.memory.of(
        current() if number is None else number
    ).kept, TOTAL_MEMORY


def alloc_pinned_memory(size: int) -> bytearray:
    """Return memory of the host that copies are made from while it goes on."""
    return bytearray(size)


class MemoryPool:
    """The default pool of the current device.

    It keeps what it once had; see `tests.device.standin.pool`.
    """

    def used_bytes(self) -> int:
        return counts.memory.of(current()).held

    def total_bytes(self) -> int:
        return counts.memory.of(current()).kept

    def free_bytes(self) -> int:
        return self.total_bytes() - self.used_bytes()

    def n_free_blocks(self) -> int:
        return int(self.free_bytes() > 0)

    def free_all_blocks(self, stream=None) -> None:
        """Give back what is unused."""
        counts.memory.of(current()).release()

    def get_limit(self) -> int:
        return 0


POOL = MemoryPool()
