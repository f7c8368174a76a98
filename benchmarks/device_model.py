"""What the chain would take on a GPU, of what was counted: ranges, and the floor.

A kernel takes the longest of
- its bytes, by the bandwidth;
- its warp instructions, by the rates of their kinds and of all together;
- its blocks, each as long as the warps that the others wait for, by the blocks that run at once;
and no less than its longest block. The two ends of a range are the best and the worst rates
of `device_rates`; at the worst, the longest block comes last.

A stage takes at best the longer of device and host, at worst one after the other.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks import device_rates as rates
from benchmarks.device_rates import GPU, Range

BEST, WORST = 0, 1
#: Kinds of instructions.
N_KINDS = 5


@dataclass(frozen=True)
class Kernel:
    """All launches of one kernel.

    Attributes
    ----------
    name : str
    launches : int
    nbytes : int
    warps, lanes : numpy.ndarray
        Instructions by kind (``instructions.KINDS``) that warps execute; the same times the lanes
        that take part.
    longest : numpy.ndarray
        What the longest block waits for.
    took : dict
        By the name of a GPU, a range in seconds.
    floor : dict
        By the name of a GPU, seconds.
    bound : dict
        By the name of a GPU, what decides the best time.
    parts : dict
        By the name of a GPU, for the best and the worst rates: the seconds that grow with the
        number of blocks, and those of the longest block.
    """

    name: str
    launches: int
    nbytes: int
    warps: np.ndarray
    lanes: np.ndarray
    longest: np.ndarray
    took: dict[str, Range]
    floor: dict[str, float]
    bound: dict[str, str]
    parts: dict[str, tuple[tuple[float, float], tuple[float, float]]]

    @property
    def lane_use(self) -> float:
        """The part of all lanes that takes part, over instructions of all kinds."""
        return float(self.lanes.sum() / max(self.warps.sum(), 1) / rates.WARP)

    @property
    def fp64_lane_use(self) -> float:
        """The same of float64 instructions; NaN if there are none."""
        return float(self.lanes[0] / self.warps[0] / rates.WARP) if self.warps[0] else float("nan")


def alone(gpu: GPU, end: int) -> np.ndarray:
    """Return the clocks that a warp takes for an instruction of each kind if it is alone."""
    arithmetic = rates.ARITHMETIC[end]
    return np.array(
        [gpu.fp64_alone[end], arithmetic, arithmetic, rates.ACCESS[end], rates.EXCHANGE[end]]
    )


def kernel_seconds(gpu: GPU, launch: Any, end: int) -> tuple[float, str]:
    """Return what a launch takes at best or at worst, and what decides it."""
    bounds, longest = kernel_bounds(gpu, launch, end)
    if end == BEST:
        bounds["longest block"] = longest
    slowest = max(bounds, key=bounds.__getitem__)
    seconds = bounds[slowest]
    if end == WORST:
        fits = launch.blocks <= _at_once(gpu, launch) * gpu.multiprocessors
        seconds = max(seconds, longest) if fits else seconds + longest
    return seconds + rates.EMPTY[end], slowest


def kernel_bounds(gpu: GPU, launch: Any, end: int) -> tuple[dict[str, float], float]:
    """Return the seconds that grow with the blocks of a launch, by what they are needed for, and
    those of its longest block.
    """
    work, clock = launch.work, gpu.clock[end] * gpu.multiprocessors
    fp64, fp32, integer, memory, _ = work["warps"]
    clocks = alone(gpu, end)
    bounds = {
        "bytes": launch.nbytes / gpu.bandwidth[end],
        "fp64": fp64 / gpu.fp64 / clock,
        "fp32": fp32 / gpu.fp32 / clock,
        "integer": integer / gpu.integer / clock,
        "accesses": memory / rates.ACCESSES / clock,
        "issue": work["warps"].sum() / (rates.ISSUED * rates.EFFICIENCY[end]) / clock,
        "latency": float(work["one_by_one"] @ clocks) / (_at_once(gpu, launch) * clock),
    }
    return bounds, float(work["longest"] @ clocks) / gpu.clock[end]


def _at_once(gpu: GPU, launch: Any) -> int:
    """Return how many blocks of a launch a multiprocessor holds."""
    return gpu.blocks_at_once(launch.threads, launch.registers[gpu.architecture], launch.shared)


def floor_seconds(gpu: GPU, nbytes: float, lanes: np.ndarray) -> float:
    """Return the least for bytes and operations: all lanes used, nothing waited for."""
    clock = gpu.clock[BEST] * gpu.multiprocessors
    fp64, fp32 = lanes[0] / rates.WARP, lanes[1] / rates.WARP
    return max(nbytes / gpu.bandwidth[BEST], fp64 / gpu.fp64 / clock, fp32 / gpu.fp32 / clock)


def kernels(launches: Iterable[Any], gpus: Iterable[GPU] = rates.GPUS) -> list[Kernel]:
    """Return what each kernel takes, those with the most instructions first."""
    of: dict[str, list[Any]] = {}
    for launch in launches:
        of.setdefault(launch.kernel, []).append(launch)
    gpus = tuple(gpus)
    found = [_kernel(name, group, gpus) for name, group in of.items()]
    return sorted(found, key=lambda kernel: -kernel.warps.sum())


def _kernel(name: str, group: list[Any], gpus: tuple[GPU, ...]) -> Kernel:
    lanes = sum(launch.work["lanes"] for launch in group)
    nbytes = sum(launch.nbytes for launch in group)
    took, bound, parts = {}, {}, {}
    for gpu in gpus:
        ends = [[kernel_seconds(gpu, launch, end) for launch in group] for end in (BEST, WORST)]
        parts[gpu.name] = tuple(_parts(gpu, group, end) for end in (BEST, WORST))
        took[gpu.name] = tuple(sum(seconds for seconds, _ in end) for end in ends)
        bound[gpu.name] = max(ends[BEST])[1]
    return Kernel(
        name, len(group), nbytes, sum(launch.work["warps"] for launch in group), lanes,
        max((launch.work["longest"] for launch in group), key=np.sum), took,
        {gpu.name: floor_seconds(gpu, nbytes, lanes) for gpu in gpus}, bound, parts,
    )  # fmt: skip


def _parts(gpu: GPU, group: list[Any], end: int) -> tuple[float, float]:
    """Return the seconds of launches that grow with their blocks, and of their longest blocks."""
    found = [kernel_bounds(gpu, launch, end) for launch in group]
    return sum(max(bounds.values()) for bounds, _ in found), sum(longest for _, longest in found)


@dataclass(frozen=True)
class Time:
    """What a stage takes on a GPU, in seconds; ranges from best to worst."""

    own: Range
    library: Range
    host: Range
    wall: Range
    floor: float


def stage_time(gpu: GPU, section: Any, launches: list[Any], python: float) -> Time:
    """Return what a stage takes, its Python's seconds on this machine given."""
    ends = []
    for end in (BEST, WORST):
        own = sum(kernel_seconds(gpu, launch, end)[0] for launch in launches)
        moved = section.library_read + section.library_written
        library = moved / gpu.bandwidth[end] + section.library_launches * rates.EMPTY[end]
        crossed = (section.uploaded + section.downloaded) / gpu.wire[end]
        host = (
            python * rates.PYTHON[end]
            + section.own_launches * rates.OWN_LAUNCH[end]
            + section.library_launches * rates.LIBRARY_LAUNCH[end]
            + section.synchronisations * rates.WAIT[end]
            + section.uploads * rates.UPLOAD[end]
            + crossed
        )
        device = own + library
        wall = max(device, host) if end == BEST else device + host
        ends.append((own, library, host, wall))
    lanes = sum((launch.work["lanes"] for launch in launches), np.zeros(N_KINDS))
    nbytes = section.own_loaded + section.own_stored + section.library_read
    floor = floor_seconds(gpu, nbytes + section.library_written, lanes)
    own, library, host, wall = ((best, worst) for best, worst in zip(*ends, strict=True))
    return Time(own, library, host, wall, floor)


def together(times: Iterable[Time]) -> Time:
    """Return the sum of stages."""
    times = list(times)

    def added(name: str) -> Range:
        return tuple(sum(getattr(time, name)[end] for time in times) for end in (BEST, WORST))

    return Time(
        added("own"), added("library"), added("host"), added("wall"),
        sum(time.floor for time in times),
    )  # fmt: skip
