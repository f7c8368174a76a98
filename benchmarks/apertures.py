"""Sums in 100,000 apertures: skyshed beside photutils, SEP and astroapers.

    python -m benchmarks.apertures                # print a table
    python -m benchmarks.apertures --out          # and write it to results/
    python -m benchmarks.apertures --statistics   # ApertureStats as well, of a tenth of them

Libraries take turns; each is asked for the same sums of the same float32 image, by one thread and
by all. What counts is CPU time by one thread (a busy machine does not lengthen it much) and the
wall's time by all threads; the least of the rounds. photutils 3.1 needs Python 3.12; what is not
installed is left out.
"""

import argparse
import importlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

RESULTS = Path(__file__).with_name("results")
#: What is summed, in pixels: a star's aperture, its sky, a galaxy's and a slit.
SHAPES = ("circle r=5", "ring r=8-12", "ellipse 8x4", "rectangle 9x5")


def ours(data: Any, x: Any, y: Any, n_threads: int) -> dict[str, Callable[[], Any]]:
    """Return the calls by photutils' names."""
    import skyshed.aperture as names

    return by_class(names, data, x, y, n_threads)


def by_class(names: Any, data: Any, x: Any, y: Any, n_threads: int) -> dict[str, Callable[[], Any]]:
    """Return the calls of a module with photutils' names."""
    positions = np.column_stack((x, y))
    apertures = (
        names.CircularAperture(positions, 5.0),
        names.CircularAnnulus(positions, 8.0, 12.0),
        names.EllipticalAperture(positions, 8.0, 4.0, theta=0.5),
        names.RectangularAperture(positions, 9.0, 5.0, theta=0.5),
    )

    def call(aperture: Any) -> Callable[[], Any]:
        return lambda: names.AperturePhotometry(data, aperture, n_threads=n_threads).flux

    return {shape: call(each) for shape, each in zip(SHAPES, apertures, strict=True)}


def photutils(data: Any, x: Any, y: Any, n_threads: int) -> dict[str, Callable[[], Any]]:
    """Return photutils' calls; 3.1 or later."""
    names = importlib.import_module("photutils.aperture")
    if not hasattr(names, "AperturePhotometry"):
        raise ImportError("photutils is older than 3.1")
    return by_class(names, data, x, y, n_threads)


def sep(data: Any, x: Any, y: Any, n_threads: int) -> dict[str, Callable[[], Any]]:
    """Return SEP's calls: it has one thread, and no rectangles."""
    names = importlib.import_module("sep")
    if n_threads > 1:
        return {}
    return {
        SHAPES[0]: lambda: names.sum_circle(data, x, y, 5.0, subpix=0)[0],
        SHAPES[1]: lambda: names.sum_circann(data, x, y, 8.0, 12.0, subpix=0)[0],
        SHAPES[2]: lambda: names.sum_ellipse(data, x, y, 8.0, 4.0, 0.5, subpix=0)[0],
    }


def astroapers(data: Any, x: Any, y: Any, n_threads: int) -> dict[str, Callable[[], Any]]:
    """Return astroapers' calls; its threads are by a threshold of the number of apertures."""
    names = importlib.import_module("astroapers")
    # Above so many apertures it takes all cores.
    threshold = 1 if n_threads > 1 else 1 << 60

    def call(function: Any, *sizes: float) -> Callable[[], Any]:
        def run() -> Any:
            names.set_parallel_threshold(threshold)
            return function(data, x, y, *sizes, return_npix=False)

        return run

    return {
        SHAPES[0]: call(names.apsum_circ_exact, 5.0),
        SHAPES[1]: call(names.apsum_circ_ann_exact, 8.0, 12.0),
        SHAPES[2]: call(names.apsum_ellip_exact, 8.0, 4.0, 0.5),
        SHAPES[3]: call(names.apsum_rect_exact, 9.0, 5.0, 0.5),
    }


LIBRARIES = {"skyshed": ours, "photutils": photutils, "SEP": sep, "astroapers": astroapers}


def timed(call: Callable[[], Any]) -> tuple[float, float]:
    """Return seconds of the wall and of the CPU."""
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - cpu


def measure(size: int, n: int, rounds: int, n_threads: int) -> tuple[dict[Any, Any], float]:
    """Return ``{(shape, library): (wall, CPU)}``, the least of the rounds, and how sums differ."""
    rng = np.random.default_rng(1)
    data = rng.normal(10, 2, (size, size)).astype(np.float32)
    x, y = rng.uniform(0, size, (2, n))
    calls: dict[tuple[str, str], Callable[[], Any]] = {}
    for library, make in LIBRARIES.items():
        try:
            made = make(data, x, y, n_threads)
        except ImportError as error:
            print(f"{library} is left out: {error}")
            continue
        calls.update({(shape, library): call for shape, call in made.items()})
    worst = 0.0
    for shape in SHAPES:
        expected = calls[shape, "skyshed"]()
        for (of, library), call in calls.items():
            if of == shape and library != "skyshed":
                other = np.asarray(call())
                known = np.isfinite(expected) & np.isfinite(other)
                worst = max(worst, float(np.abs(other / expected - 1)[known].max()))
    least: dict[tuple[str, str], tuple[float, float]] = {}
    for _ in range(rounds):
        for key, call in calls.items():
            wall, cpu = timed(call)
            before = least.get(key, (np.inf, np.inf))
            least[key] = min(before[0], wall), min(before[1], cpu)
    return least, worst


def statistics(size: int, n: int, rounds: int) -> str:
    """Return a line about all columns of `ApertureStats`, by one thread."""
    rng = np.random.default_rng(1)
    data, positions = rng.normal(10, 2, (size, size)), rng.uniform(0, size, (n, 2))
    times = {}
    for name in ("skyshed.aperture", "photutils.aperture"):
        module = importlib.import_module(name)
        circles = module.CircularAperture(positions, 5.0)
        runs = [
            timed(lambda m=module, c=circles: m.ApertureStats(data, c, n_threads=1).to_table())[1]
            for _ in range(rounds)
        ]
        times[name] = min(runs)
    mine, other = times.values()
    return (
        f"ApertureStats, all default columns of {n:,} circles, CPU: skyshed {mine:.3f} s, "
        f"photutils {other:.3f} s ({other / mine:.1f}x)"
    )


def table(least: dict[Any, Any], which: int, n: int) -> list[str]:
    """Return the rows of a Markdown table: microseconds per aperture, and the ratio."""
    names = [name for name in LIBRARIES if any(library == name for _, library in least)]
    lines = [
        f"| shape | {' | '.join(names)} | fastest peer / skyshed |",
        "| --- " * (len(names) + 2) + "|",
    ]
    for shape in SHAPES:
        per = {
            name: least[shape, name][which] / n * 1e6 for name in names if (shape, name) in least
        }
        cells = [f"{per[name]:.2f}" if name in per else "" for name in names]
        peers = [value for name, value in per.items() if name != "skyshed"]
        ratio = f"{min(peers) / per['skyshed']:.1f}" if peers else ""
        lines.append(f"| {shape} | {' | '.join(cells)} | {ratio} |")
    return lines


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=4096, help="side of the image in pixels")
    parser.add_argument("--n", type=int, default=100_000, help="apertures")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--statistics", action="store_true")
    parser.add_argument("--out", action="store_true", help="write results/apertures.md")
    arguments = parser.parse_args()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    lines = [
        f"Exact sums in {arguments.n:,} apertures on {arguments.size} x {arguments.size} float32 "
        "pixels, microseconds per aperture; `python -m benchmarks.apertures`.",
    ]
    for threads, which, title in (
        (1, 1, "One thread, CPU time"),
        (cores or 1, 0, "All threads, wall"),
    ):
        least, worst = measure(arguments.size, arguments.n, arguments.rounds, threads)
        lines += [
            "",
            f"{title} ({threads} of {cores} cores):",
            "",
            *table(least, which, arguments.n),
        ]
        lines += ["", f"Sums differ by at most {worst:.1e} of themselves."]
    if arguments.statistics:
        lines += ["", statistics(arguments.size, arguments.n // 10, arguments.rounds)]
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    lines += ["", f"Load of the machine at the end: {load:.1f}."]
    text = "\n".join(lines)
    print(text)
    if arguments.out:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "apertures.md").write_text("# Apertures\n\n" + text + "\n")


if __name__ == "__main__":
    main()
