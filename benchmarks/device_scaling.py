"""From files to tables on one GPU, eight, and sixteen nodes of eight: PREDICTIONS, by a simulation.

    python -m benchmarks.device_scaling
    python -m benchmarks.device_scaling --out      # and write benchmarks/results/device-scaling.md

The costs of the chain are those of the ledger (`benchmarks/results/device-ledger.json`), the rates
those of `device_rates`. What is simulated is who waits for whom: tiles, or detectors, are read
(all nodes share a file system, the GPUs of a node its network), copied to pinned memory and sent
over the bus of their GPU, computed there, and their table and labels are written. Reading, sending,
computing and writing of neighbouring tiles overlap; each resource does one thing at a time, in the
order of asking. Threads of one process run Python one at a time (the GIL); processes do not. Tiles
of a mosaic are joined when all are done.
"""

import argparse
import heapq
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import device_rates as rates
from benchmarks.device_rates import GPU, GPUS, Range

LEDGER = Path(__file__).parent / "results" / "device-ledger.json"
RESULTS = Path(__file__).parent / "results" / "device-scaling.md"
BEST, WORST = 0, 1
ENDS = ("best", "worst")
#: Sources per pixel of the ledger's field, and bytes of a row of the table.
SOURCES, ROW = 13_569 / 4096**2, 220
#: Seconds of the host's Python for a tile or detector, of the ledger's largest field ("of it host
#: alone", without the copies, which are counted here by themselves).
HOST = (6.6e-3, 14.5e-3)
#: Seconds for a tile of a mosaic between the others, of this machine's Python (`benchmarks.seams`):
#: splitting the sources at its seams, by the tile's own process; and joining the components of all
#: tiles, by one process when all have detected.
SPLITTING, JOINING = 1.5e-3, 1.6e-3
#: The last stage of a tile, after reading, sending, the host's part and the device's.
WRITING = 4
#: Tiles of a GPU that are under way: one is read and sent while one is computed.
AHEAD = 2
#: A detector of Rubin's camera, how many an exposure has, and how many exposures a night.
DETECTOR, DETECTORS, NIGHT = 4072 * 4000, 189, 1000
#: Pixels of the largest source of the ledger's fields and of larger ones, as the CPU finds it
#: (`benchmarks.largest_source`): of 16 times the pixels it has 1.14 times as many.
LARGEST = {512: 2047, 1024: 4771, 2048: 6859, 4096: 31_811, 8192: 34_559, 16384: 36_234}
#: Exposures that are simulated: after some, the others take as long each.
SIMULATED = 20


@dataclass(frozen=True)
class Chain:
    """What the chain takes on a GPU, from the image in its memory to the table.

    Of the ledger's largest field it is the ledger's time. From there on it grows by what its
    kernels do for all blocks, with the pixels, and by the longest blocks, with the pixels of the
    largest source: those of one launch run at the same time, so that more of them take no longer.
    At worst the longest block comes last, after all others. The host's launches and waits do not
    depend on the size; its work for each source is counted by itself.

    Attributes
    ----------
    pixels : int
        Of the ledger's field.
    known : pair of float
        Its seconds.
    largest : int
        Pixels of its largest source.
    host, library : pair of float
        Of these seconds those of the host, and of the library's kernels.
    kernels : dict of str to pair of (float, float)
        At best and at worst, the seconds of all blocks and those of the longest.
    took : dict of str to float
        What the kernels take of the field at worst.
    """

    pixels: int
    known: Range
    largest: int = 1
    host: Range = (0.0, 0.0)
    library: Range = (0.0, 0.0)
    kernels: dict[str, tuple[Range, Range]] = field(default_factory=dict)
    took: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, gpu: GPU, ledger: dict[str, Any]) -> "Chain":
        """Return it for a GPU."""
        side = max(ledger["fields"], key=int)
        known = ledger["fields"][side]
        if "parts" not in known:
            raise ValueError(
                f"{LEDGER.name} has no 'parts', what its kernels grow by: make it anew, "
                "python -m benchmarks.device --size 512 1024 2048 4096 --save "
                "benchmarks/results/device-ledger.md"
            )

        def ends(which: Any) -> Range:
            return which[gpu.name]["best"], which[gpu.name]["worst"]

        return cls(
            int(side) ** 2, ends(known["stages"]["whole chain"]), known["largest"],
            ends(known["host"]), ends(known["library"]),
            {
                name: tuple(map(tuple, parts[gpu.name]))
                for name, parts in known["parts"].items()
            },
            {name: ends(took)[WORST] for name, took in known["kernels"].items()},
        )  # fmt: skip

    def seconds(self, pixels: float, end: int) -> float:
        """Return what an image takes."""
        more = pixels / self.pixels
        larger = self._larger(pixels)
        if end == BEST:
            now, then = (
                max(self.host[BEST], self._device(each)) for each in (more, 1.0)
            )  # as the ledger: the longer of device and host
            return self.known[BEST] + now - then
        added = (more - 1) * self.library[WORST]
        for name, (_, (blocks, longest)) in self.kernels.items():
            added += (more - 1) * blocks + (larger - 1) * longest
            # Figures of the ledger have four digits.
            if more > 1 and self.took[name] < 0.999 * (blocks + longest):
                # All blocks ran at once in the ledger's field; here the longest may come last.
                added += min(blocks, longest)
        return self.known[WORST] + added

    def _device(self, more: float) -> float:
        """Return what the device takes at best of so many times the pixels."""
        own = sum(max(more * blocks, longest) for (blocks, longest), _ in self.kernels.values())
        return own + more * self.library[BEST]

    def longest(self, pixels: float) -> float:
        """Return what the longest blocks take at worst, in seconds."""
        longest = sum(longest for _, (_, longest) in self.kernels.values())
        return self._larger(pixels) * longest

    def _larger(self, pixels: float) -> float:
        """Return how many times the pixels of the ledger's largest source that of an image has."""
        return max(largest_source(pixels) / self.largest, 1.0)


def largest_source(pixels: float) -> float:
    """Return the pixels of the largest source of the simulated field, before any is split."""
    sides = sorted(LARGEST)
    return float(np.interp(pixels, [side**2 for side in sides], [LARGEST[side] for side in sides]))


def file_to_table(gpu: GPU, chain: Chain, side: int, end: int) -> dict[str, float]:
    """Return the parts of the time from a float32 file in the page cache to the table, in seconds.

    Copies to pinned memory, by several threads, and over the bus overlap: the slower one counts.
    The background is measured when all has come.
    """
    pixels, nbytes = side**2, 4 * side**2
    copying = nbytes / (rates.PAGE_CACHE[end] * rates.READERS[end])
    # Pinned memory: pageable is the worst of the ledger's range, which does not apply here.
    sending = nbytes / (gpu.wire[BEST] if end == BEST else 0.6 * gpu.wire[BEST])
    sources = SOURCES * pixels
    parts = {
        "read and upload": max(copying, sending),
        "chain": chain.seconds(pixels, end),
        "rows": sources * rates.PER_SOURCE[end] + ROW * sources / (0.6 * gpu.wire[BEST]),
    }
    return {**parts, "table": sum(parts.values()), "map": nbytes / (0.6 * gpu.wire[BEST])}


class Server:
    """Does one thing at a time, in the order of asking."""

    def __init__(self, rate: float = 1.0) -> None:
        self._rate, self._free = rate, 0.0

    def done(self, now: float, amount: float) -> float:
        """Return when something that is asked for now is done."""
        self._free = max(self._free, now) + amount / self._rate
        return self._free


def simulate(
    gpu: GPU, chain: Chain, end: int, *, nodes: int, gpus: int, tiles: int, pixels: int,
    bytes_read: float, bytes_written: float, processes: bool, more_host: float = 0.0,
) -> float:  # fmt: skip
    """Return the seconds until all tiles are done.

    Parameters
    ----------
    gpu, chain, end
        The GPU, its costs, best or worst.
    nodes, gpus : int
        Nodes, and GPUs of each.
    tiles, pixels : int
        Tiles of all nodes, and pixels of one.
    bytes_read, bytes_written : float
        Of a tile, from and to files.
    processes : bool
        Whether each GPU has a process of its own.
    more_host : float, optional
        Seconds of the host's Python for a tile beyond the chain's.
    """
    n = nodes * gpus
    system = Server(rates.FILE_SYSTEM[end])
    network = [Server(rates.NODE_NETWORK[end]) for _ in range(nodes)]
    python = [Server() for _ in range(n if processes else nodes)]
    pinned = [Server(rates.PAGE_CACHE[end]) for _ in range(n)]
    bus = [Server(gpu.wire[BEST] * (1 if end == BEST else 0.6)) for _ in range(n)]
    device = [Server() for _ in range(n)]
    # The ledger's best is the longer of device and host, so that the device takes no more; its
    # worst is their sum.
    own = chain.seconds(pixels, end) - (0.0 if end == BEST else HOST[end])
    host = HOST[end] + SOURCES * pixels * rates.PER_SOURCE[end] + more_host

    def stage(number: int, now: float, k: int) -> float:
        """Return when a stage of a tile of a GPU is done, that is asked for now."""
        node = k // gpus
        if number == 0:  # reading; pieces go on as they come
            return max(system.done(now, bytes_read), network[node].done(now, bytes_read))
        if number == 1:
            return max(pinned[k].done(now, bytes_read), bus[k].done(now, bytes_read))
        if number == 2:
            return python[k if processes else node].done(now, host)
        if number == 3:
            return device[k].done(now, own)
        return max(system.done(now, bytes_written), network[node].done(now, bytes_written))

    left, ended, asked = tiles, 0.0, 0
    # What is asked for, by time: each server answers in the order of asking.
    events: list[tuple[float, int, int, int]] = []
    for k in [k for _ in range(AHEAD) for k in range(n)]:
        if left:
            heapq.heappush(events, (0.0, asked, 0, k))
            left, asked = left - 1, asked + 1
    while events:
        now, _, number, k = heapq.heappop(events)
        done = stage(number, now, k)
        asked += 1
        if number < WRITING:
            heapq.heappush(events, (done, asked, number + 1, k))
        else:
            ended = max(ended, done)
        if number == WRITING - 1 and left:  # its memory is free for the next
            asked += 1
            heapq.heappush(events, (done, asked, 0, k))
            left -= 1
    return ended


def _span(values: Sequence[float], form: str) -> str:
    return " - ".join(format(value, form) for value in values)


def _python(seconds: float) -> Range:
    """Return what this machine's Python takes elsewhere."""
    return rates.PYTHON[BEST] * seconds, rates.PYTHON[WORST] * seconds


def report(ledger: dict[str, Any]) -> str:
    """Return all tables."""
    lines = [
        "# From files to tables on many GPUs", "",
        "**All times are PREDICTIONS**, from best to worst, by `benchmarks.device_scaling`, whose",
        "text says how; nothing here ran on a GPU.", "",
        "| assumed | best | worst |", "| --- | --- | --- |",
    ]  # fmt: skip
    for about, values, unit, scale in (
        ("page cache to pinned memory, one thread", rates.PAGE_CACHE, "GB/s", 1e-9),
        ("threads that read for a GPU, together", rates.READERS, "times one", 1),
        ("network of a node", rates.NODE_NETWORK, "GB/s", 1e-9),
        ("file system, all nodes", rates.FILE_SYSTEM, "GB/s", 1e-9),
        ("host's Python for a tile or detector", HOST, "ms", 1e3),
        ("host for each source", rates.PER_SOURCE, "us", 1e6),
        ("splitting sources at the seams of a tile", _python(SPLITTING), "ms", 1e3),
        ("joining tiles, for each, by one process", _python(JOINING), "ms", 1e3),
        ("bytes of a compressed pixel", rates.COMPRESSED, "", 1),
    ):
        lines.append(f"| {about} | {values[0] * scale:g} {unit} | {values[1] * scale:g} {unit} |")
    lines += [
        "",
        "The chain's time grows from that of the ledger's largest field with what all blocks take, "
        "by",
        "pixels, and with what the longest block of each launch takes, by the pixels of the "
        "largest",
        "source: of the same simulated field, "
        f"{LARGEST[4096]:,} in 4096 x 4096 and {LARGEST[16384]:,} in 16384 x 16384 pixels",
        "(found on the CPU, `python -m benchmarks.largest_source`). The longest blocks of one "
        "launch run at",
        "the same time; at worst, the longest comes after all others. A field with a larger blend "
        "takes longer.",
        "",
        "| GPU | ledger's field, ms | 16384 x 16384, ms | of it longest blocks, at worst, ms | "
        "bus, GB/s |",
        "| --- | --- | --- | --- | --- |",
    ]
    for gpu in GPUS:
        chain = Chain.of(gpu, ledger)
        known, large = ([1e3 * chain.seconds(n, end) for end in (BEST, WORST)]
                        for n in (chain.pixels, 16384**2))  # fmt: skip
        bus = 1e-9 * gpu.wire[BEST]
        lines.append(
            f"| {gpu.name} | {_span(known, '.1f')} | {_span(large, '.0f')} | "
            f"{1e3 * chain.longest(16384**2):.1f} | {bus:.0f} - {0.6 * bus:.0f} |"
        )
    lines += [
        "", "## One image: a float32 file in the page cache, to the table", "",
        "| GPU | pixels | read, upload, s | chain, s | rows, s | **table, s** | map down, s |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]  # fmt: skip
    for gpu in GPUS:
        for side in (4096, 16384):
            both = [file_to_table(gpu, Chain.of(gpu, ledger), side, end) for end in (BEST, WORST)]
            cells = [_span([each[name] for each in both], ".3f") for name in both[0]]
            cells[3] = f"**{cells[3]}**"
            lines.append(f"| {gpu.name} | {side} x {side} | {' | '.join(cells)} |")
    lines += ["", *_many(ledger)]
    return "\n".join(lines) + "\n"


def _many(ledger: dict[str, Any]) -> list[str]:
    """Return the tables of many GPUs, H200."""
    gpu = GPUS[0]
    chain = Chain.of(gpu, ledger)
    side = 4096
    works = {
        "A mosaic of 100,000 x 100,000 float32 pixels, in tiles of 4096 x 4096": {
            "tiles": (-(-100_000 // side)) ** 2, "pixels": side**2, "times": 1.0,
            # Tiles are read three times (background, detection, measurement), labels written.
            "bytes_read": (12 * side**2,) * 2, "bytes_written": (0.3 * side**2,) * 2,
            "splitting": SPLITTING, "joining": JOINING,
        },
        f"A night of Rubin: {NIGHT} exposures of {DETECTORS} detectors, 3.1 gigapixels each": {
            "tiles": SIMULATED * DETECTORS, "pixels": DETECTOR, "times": NIGHT / SIMULATED,
            "bytes_read": tuple(DETECTOR * each for each in rates.COMPRESSED),
            "bytes_written": (ROW * SOURCES * DETECTOR,) * 2, "splitting": 0.0, "joining": 0.0,
        },
    }  # fmt: skip
    lines = []
    for title, work in works.items():
        lines += [
            f"## {title}", "",
            "| nodes | GPUs of each | one process a node, s | times as fast | a process a GPU, s | "
            "times as fast |",
            "| --- | --- | --- | --- | --- | --- |",
        ]  # fmt: skip
        first: dict[bool, list[float]] = {}
        for nodes, gpus in ((1, 1), (1, 2), (1, 4), (1, 8), (4, 8), (16, 8)):
            cells = [str(nodes), str(gpus)]
            for processes in (False, True):
                took = [
                    work["times"]
                    * simulate(
                        gpu, chain, end, nodes=nodes, gpus=gpus, processes=processes,
                        tiles=work["tiles"], pixels=work["pixels"],
                        bytes_read=work["bytes_read"][end],
                        bytes_written=work["bytes_written"][end],
                        more_host=work["splitting"] * rates.PYTHON[end],
                    )
                    + work["tiles"] * work["joining"] * rates.PYTHON[end]
                    for end in (BEST, WORST)
                ]  # fmt: skip
                one = first.setdefault(processes, took)
                cells += [
                    _span(took, ".4g"),
                    _span([a / b for a, b in zip(one, took, strict=True)], ".3g"),
                ]
            lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    return lines


def main() -> None:
    """Print the tables, or write them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", action="store_true", help=f"write {RESULTS.name}")
    options = parser.parse_args()
    text = report(json.loads(LEDGER.read_text()))
    print(text)
    if options.out:
        RESULTS.write_text(text)


if __name__ == "__main__":
    main()
