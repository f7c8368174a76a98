"""A mosaic tile by tile and at once: time, peak memory, and whether the answers are the same.

    python -m benchmarks.mosaic                     # 20,000 x 20,000 pixels, 1.6 GB
    python -m benchmarks.mosaic --size 8192 --memory 600MB
    python -m benchmarks.mosaic --out               # and write benchmarks/results/mosaic.md

The mosaic is simulated once, in stripes, and kept in the folder of temporary files. Both ways run
in turns, each in a process of its own that is warm (a small image first); both are timed up to the
table of all sources. Run at once, the mosaic takes some 8 GB.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.cpu.memory import _status
from benchmarks.report import machine

RESULTS = Path(__file__).parent / "results" / "mosaic.md"
#: True sources per megapixel: about 300,000 are detected in the whole mosaic.
DENSITY = 3600.0
#: Rows that are simulated at a time.
STRIPE = 1000
#: A run tile by tile may take so many times as long per pixel as one at once, and so much memory.
WANTED_RATIO, WANTED_BYTES = 1.05, 2**30


def make_mosaic(size: int, path: Path) -> None:
    """Simulate the mosaic into a FITS file, bad pixels as NaN."""
    from astropy.io import fits

    from skyshed.datasets import make_survey_image

    header = fits.Header()
    header["SIMPLE"], header["BITPIX"], header["NAXIS"] = True, -32, 2
    header["NAXIS1"], header["NAXIS2"] = size, size
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    stream = fits.StreamingHDU(str(part), header)
    for y0 in range(0, size, STRIPE):
        window = (y0, min(y0 + STRIPE, size), 0, size)
        field = make_survey_image((size, size), seed=1, density=DENSITY, window=window)
        data = np.where(field.mask, np.float32(np.nan), field.data.astype(np.float32))
        stream.write(data.astype(">f4"))
    stream.close()
    part.rename(path)


def run(path: str, out: str, memory: str) -> None:
    """Extract, and print what it took as JSON; ``memory`` is "" for a run at once."""
    from skyshed import extract
    from skyshed.datasets import make_survey_image

    warnings.simplefilter("ignore")
    small = make_survey_image((700, 700), seed=2).data.astype(np.float32)
    extract(small, **({"workspace": f"{out}-small"} if memory else {}))
    Path("/proc/self/clear_refs").write_text("5")
    start, before = perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    if memory:
        found = extract(path, memory=memory, workspace=f"{out}-workspace")
    else:
        found = extract(path, memory="1TB")
    # At once, what is measured is measured when it is asked for; by tiles all of it has been.
    table = found.table
    seconds = perf_counter() - start
    peak = _status("VmHWM")
    used = resource.getrusage(resource.RUSAGE_SELF)
    said = {
        "seconds": seconds,
        "cpu": _cpu(used) - _cpu(before),
        "user": used.ru_utime - before.ru_utime,
        "peak": peak,
        "n": found.segmentation.nlabels,
        "shown": repr(found),
    }
    if memory:
        tiles = found.tiles
        names = [name for name in tiles.colnames if name.endswith("_time")]
        said["phases"] = {name: float(tiles[name].value.sum()) for name in names}
        first = tiles[0]
        said["side"] = [int(first[f"{axis}max"] - first[f"{axis}min"] + 1) for axis in "yx"]
    np.savez(f"{out}.npz", **{name: np.asarray(table[name]) for name in table.colnames})
    if not memory:
        np.save(f"{out}-labels.npy", found.segmentation.data)
    print(json.dumps(said))


def _cpu(used: Any) -> float:
    """Return the seconds that a process has computed."""
    return float(used.ru_utime + used.ru_stime)


def in_process(path: Path, out: Path, memory: str) -> dict[str, Any]:
    """Run in a new process."""
    command = [sys.executable, "-m", "benchmarks.mosaic", "--run", str(path), str(out), memory]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def compare(one: Path, other: Path, size: int) -> tuple[int, list[str]]:
    """Return how many pixels have other labels, and the columns that have other bits."""
    import zarr

    labels = np.load(f"{one}-labels.npy", mmap_mode="r")
    tiled = zarr.open_array(f"{other}-workspace/segmentation.zarr", mode="r")
    differing = sum(
        int(np.count_nonzero(labels[y : y + STRIPE] != tiled[y : y + STRIPE]))
        for y in range(0, size, STRIPE)
    )
    with np.load(f"{one}.npz") as a, np.load(f"{other}.npz") as b:
        names = [n for n in a.files if n not in b.files or a[n].tobytes() != b[n].tobytes()]
    return differing, names


def ratio_of(pairs: list[tuple[dict[str, Any], dict[str, Any]]], name: str) -> float:
    """Return the median of what tiles take over what it takes at once, in the same turn."""
    return median(tiled[name] / whole[name] for tiled, whole in pairs)


def report(
    size: int, memory: str, pairs: list[tuple[dict[str, Any], dict[str, Any]]], same: Any
) -> str:
    """Return the results in Markdown."""
    pixels = size * size
    tiled, whole = ({**each[0], **_medians(each)} for each in zip(*pairs, strict=True))
    ratios = [pair[0]["seconds"] / pair[1]["seconds"] for pair in pairs]
    differing, names = same
    rows = (
        ("sources", f"{whole['n']}", f"{tiled['n']}", ""),
        ("seconds", f"{whole['seconds']:.1f}", f"{tiled['seconds']:.1f}", ""),
        ("seconds of CPU", f"{whole['cpu']:.1f}", f"{tiled['cpu']:.1f}", ""),
        ("of these not in the system", f"{whole['user']:.1f}", f"{tiled['user']:.1f}", ""),
        ("ns per pixel", *(f"{r['seconds'] / pixels * 1e9:.0f}" for r in (whole, tiled)), ""),
        ("peak memory, MB", *(f"{r['peak'] / 1e6:.0f}" for r in (whole, tiled)), ""),
        (
            "time, tiles over at once",
            "",
            f"{ratio_of(pairs, 'seconds'):.2f} ({min(ratios):.2f}-{max(ratios):.2f})",
            f"<= {WANTED_RATIO}",
        ),
        ("CPU time, tiles over at once", "", f"{ratio_of(pairs, 'cpu'):.2f}", ""),
        ("peak memory of the process", "", f"{tiled['peak'] / 2**30:.2f} GiB", "< 1 GiB"),
        ("pixels with other labels", "", f"{differing}", "0"),
        ("columns with other bits", "", ", ".join(names) or "none", "none"),
    )
    lines = [
        f"# A mosaic of {size} x {size} pixels, float32, {pixels * 4 / 1e9:.2g} GB", "",
        *machine(2, None)[:-1],
        f"- medians of {len(pairs)} turns; in brackets the range of the ratio within a turn",
        f"- tiles of {tiled['side'][0]} x {tiled['side'][1]} pixels, chosen for memory={memory!r}",
        "", "| | at once | tiles | wanted |", "| --- | --- | --- | --- |",
        *(f"| {' | '.join(row)} |" for row in rows), "",
        "Time of tasks, summed over tiles: "
        + ", ".join(f"{n.removesuffix('_time')} {s:.1f} s" for n, s in tiled["phases"].items()),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _turn(tiled: dict[str, Any], whole: dict[str, Any]) -> str:
    """Return what both ways took in a turn, in a line."""
    return "; ".join(
        f"{name} {run['seconds']:.1f} s, CPU {run['cpu']:.1f} s of which {run['user']:.1f} s user"
        for name, run in (("tiles", tiled), ("at once", whole))
    )


def _medians(runs: tuple[dict[str, Any], ...]) -> dict[str, float]:
    """Return the median times of several runs, and their largest peak of memory."""
    times = {name: median(run[name] for run in runs) for name in ("seconds", "cpu", "user")}
    return {**times, "peak": max(run["peak"] for run in runs)}


def main() -> int:
    """Simulate, run both, compare; the status is 1 if something is not as wanted."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mosaic", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--size", type=int, default=20_000, help="side in pixels")
    parser.add_argument("--memory", default="950MB", help="what the run over tiles may take")
    parser.add_argument("--turns", type=int, default=5, help="how often both ways run")
    parser.add_argument("--out", action="store_true", help=f"write {RESULTS.name}")
    parser.add_argument("--run", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        run(*options.run)
        return 0
    path = Path(tempfile.gettempdir()) / f"skyshed-mosaic-{options.size}.fits"
    if not path.exists():
        print(f"simulating {path}", file=sys.stderr, flush=True)
        make_mosaic(options.size, path)
    with tempfile.TemporaryDirectory() as folder:
        outs = Path(folder) / "whole", Path(folder) / "tiles"
        pairs = []
        for _ in range(options.turns):
            shutil.rmtree(f"{outs[1]}-workspace", ignore_errors=True)
            pairs.append((in_process(path, outs[1], options.memory), in_process(path, outs[0], "")))
            print(_turn(*pairs[-1]), file=sys.stderr, flush=True)
        same = compare(*outs, options.size)
    text = report(options.size, options.memory, pairs, same)
    print(text)
    if options.out:
        RESULTS.write_text(text)
    slow = ratio_of(pairs, "seconds") > WANTED_RATIO
    large = max(tiled["peak"] for tiled, _ in pairs) >= WANTED_BYTES
    return int(slow or large or same != (0, []))


if __name__ == "__main__":
    sys.exit(main())
