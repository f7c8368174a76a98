"""A file to its catalog and map, as a command: an older version beside this one."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.cpu.rows import Part, Row
from benchmarks.cpu.shell import cpu_seconds, seconds_of
from benchmarks.cpu.versions import OLD
from benchmarks.mosaic import make_mosaic

__all__ = ["measure"]

#: How many rounds, by the side of the image.
ROUNDS = {4096: 5, 20_000: 1}


def measure(quick: bool) -> Part:
    """Run both versions in turn on the same files."""
    part = Part("From a file to the catalog and map, beside an older version")
    old = os.environ.get(OLD)
    if not old:
        part.rows.append(Row("an older version", f"not measured: ${OLD} is not set"))
        return part
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size, rounds in {512: 1}.items() if quick else ROUNDS.items():
            plain = folder / f"mosaic-{size}.fits"
            make_mosaic(size, plain)
            for kind, path in (("plain", plain), ("Rice", _packed(plain))):
                row, figures = _beside(folder, f"{size}^2, {kind}", path, old, rounds)
                # The last takes long: what is known is told at once.
                print(f"{row.item}: {row.reached}", file=sys.stderr, flush=True)
                part.rows.append(row)
                part.figures[row.item] = figures
                path.unlink()
    part.remarks.append("Commands, bytecode and compiled kernels kept; files in the page cache.")
    return part


def _packed(plain: Path) -> Path:
    """Write the image once more, its floats quantised and dithered, in tiles of RICE_1."""
    from astropy.io import fits

    path = plain.with_suffix(".fits.fz")
    with fits.open(plain, memmap=True) as hdus:
        image = np.asarray(hdus[0].data, np.float32)
    hdu = fits.CompImageHDU(image, compression_type="RICE_1", quantize_method=2, dither_seed=1)
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)
    return path


def _beside(
    folder: Path, kind: str, path: Path, old: str, rounds: int
) -> tuple[Row, dict[str, Any]]:
    """Return the line of a file, and its times: the ratio is the median of pairs."""
    commands = {
        name: [python, "-m", "skyshed", "extract", f"{path}[1]" if path.suffix == ".fz" else
               str(path), "--out", str(folder / name), "--no-preview", "--quiet"]
        for name, python in (("old", old), ("new", sys.executable))
    }  # fmt: skip
    environments = {"new": dict(os.environ), "old": {**os.environ, "PYTHONPATH": ""}}
    wall: dict[str, list[float]] = {name: [] for name in commands}
    used: dict[str, list[float]] = {name: [] for name in commands}
    if rounds > 1:  # a first run compiles, and reads the file from the disk
        for name, words in commands.items():
            subprocess.run(words, check=True, env=environments[name], capture_output=True)
    for _ in range(rounds):
        for name, words in commands.items():
            before = cpu_seconds()
            wall[name].append(seconds_of(words, environments[name]))
            used[name].append(cpu_seconds() - before)
    ratios = sorted(old / new for old, new in zip(wall["old"], wall["new"], strict=True))
    times = ", ".join(
        f"{name} {median(wall[name]):.2f} s, {median(used[name]):.2f} s of CPU" for name in commands
    )
    spread = f"{ratios[0]:.2f}-{ratios[-1]:.2f}; " if rounds > 1 else ""
    row = Row(f"{kind}: old / new", f"{median(ratios):.2f} x ({spread}{times})")
    return row, {"wall": wall, "cpu": used}
