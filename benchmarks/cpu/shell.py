"""`skyshed extract` as a command: beside SourceExtractor, with the preview, and for many images.

On an idle machine with two cores all of it is to take some three minutes: large images, whose turns
scatter least, have few turns, and many small images are copies of some.
"""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.cpu.rows import Part, Row, at_most
from benchmarks.source_extractor import command, installed
from skyshed.datasets import make_survey_image
from skyshed.datasets.write import write_survey

__all__ = ["measure"]

#: The most that a command may take, in units of SourceExtractor's time, by the side of the image.
MOST = {1024: 2.0, 2048: 1.0, 4096: 0.5, 8192: 0.5}
#: How often both are run, by the side.
TURNS = {1024: 7, 2048: 7, 4096: 3, 8192: 1}
#: The most that an image of many may take in one process, in the same units.
MOST_EACH = 1 / 3
#: How many there are, by the side: a process that begins costs as much as several small ones.
EACH = {512: 96, 1024: 24, 2048: 12}
#: How often the loop over them is run, by the side.
TURNS_EACH = {512: 3, 1024: 3, 2048: 2}
#: How many of them differ: the others are copies, as simulating an image takes longer than a turn.
DIFFERENT = 6
#: Seconds that the preview may take.
PREVIEW = 0.4


def seconds_of(words: list[str], environment: dict[str, str] | None = None) -> float:
    """Return how long a command takes as a process."""
    environment = with_bytecode(os.environ if environment is None else environment)
    start = perf_counter()
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, env=environment)
    return perf_counter() - start


def cpu_seconds() -> float:
    """Return the CPU time of all processes that have been run, which other work delays little."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def with_bytecode(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which Python keeps its bytecode, as of a package that pip installed.

    Where a workplace keeps it from writing any, a source tree would be compiled at every start.
    """
    return {key: each for key, each in environment.items() if key != "PYTHONDONTWRITEBYTECODE"}


def skyshed(*words: str) -> list[str]:
    """Return a command line of this environment's skyshed."""
    return [sys.executable, "-m", "skyshed", *words]


def simulated(folder: Path, size: int, seed: int) -> Path:
    """Return the file of a survey field with a WCS."""
    path = folder / f"field-{size}-{seed}.fits"
    if not path.exists():
        write_survey(make_survey_image((size, size), seed=seed), str(path))
    return path


def measure(quick: bool) -> Part:
    """Run the commands in turn; ratios are medians of pairs."""
    part = Part("From the shell: FITS file to catalog and map")
    if not installed():
        part.rows.append(Row("SourceExtractor", "not measured: it is not installed"))
        return part
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size, turns in {512: 3}.items() if quick else TURNS.items():
            part.rows.append(_beside(folder, size, turns))
            if size <= 1024:
                part.rows.append(_floor(folder, size, turns))
        for size, n_images in {512: 8}.items() if quick else EACH.items():
            part.rows.append(_each(folder, size, n_images, 1 if quick else TURNS_EACH[size]))
        part.rows.append(_preview(folder, 512 if quick else 2048, 3 if quick else 7))
    return part


def _beside(folder: Path, size: int, rounds: int) -> Row:
    """Compare one image, a process each."""
    image = simulated(folder, size, 7)
    own = skyshed("extract", str(image), "--out", str(folder / "own"), "--no-preview", "--quiet")
    peer = command(image, folder / "peer")
    seconds_of(own)  # which keeps its bytecode
    pairs, cpu = [], []
    for _ in range(rounds):
        before = cpu_seconds()
        mine, between = seconds_of(own), cpu_seconds()
        pairs.append((mine, seconds_of(peer)))
        cpu.append((between - before, cpu_seconds() - between))
    ratios = sorted(mine / theirs for mine, theirs in pairs)
    wall, used = ([median(column) for column in zip(*each, strict=True)] for each in (pairs, cpu))
    note = (
        f" ({ratios[0]:.2f}-{ratios[-1]:.2f}; {wall[0]:.2f} s and {wall[1]:.2f} s, "
        f"{used[0]:.2f} s and {used[1]:.2f} s of CPU)"
    )
    item = f"{size}^2, without preview: skyshed / SourceExtractor"
    return at_most(item, median(ratios), MOST.get(size, 99.0), "x", note)


def _floor(folder: Path, size: int, rounds: int) -> Row:
    """Compare the CPU time of what no command of ours can do without, at the smallest size."""
    imports = [sys.executable, "-c", "import numpy, astropy.io.fits, astropy.wcs"]
    least = []
    for words in (imports, command(simulated(folder, size, 7), folder / "peer")):
        used = [cpu_seconds()]
        for _ in range(rounds):
            seconds_of(words)
            used.append(cpu_seconds())
        least.append(min(later - before for before, later in pairwise(used)))
    item = f"{size}^2, of it importing NumPy, astropy.io.fits and astropy.wcs / SourceExtractor"
    return Row(item, f"{least[0] / least[1]:.2f} x ({least[0]:.2f} s and {least[1]:.2f} s of CPU)")


def _each(folder: Path, size: int, n_images: int, rounds: int) -> Row:
    """Compare an image of many in one process with an image that has a process of its own."""
    different = [simulated(folder, size, seed) for seed in range(min(n_images, DIFFERENT))]
    images = [*different]
    for i in range(len(different), n_images):
        images.append(folder / f"copy-{size}-{i}.fits")
        shutil.copyfile(different[i % len(different)], images[-1])
    options = ("--out", str(folder / "each"), "--no-preview", "--quiet")
    own = skyshed("extract", "--each", *map(str, images), *options)
    peers = [command(image, folder / f"peer{i}") for i, image in enumerate(different)]
    ratios, times = [], []
    for _ in range(rounds):
        times.append(seconds_of(own) / n_images)
        ratios.append(times[-1] * len(peers) / sum(seconds_of(peer) for peer in peers))
    for image in images[len(different) :]:
        image.unlink()
    item = f"{n_images} images of {size}^2 in one process: skyshed / SourceExtractor"
    note = f" ({min(times):.3f} s an image)"
    return at_most(item, median(ratios), MOST_EACH, "x", note)


def _preview(folder: Path, size: int, rounds: int) -> Row:
    """Measure what the preview adds."""
    image = simulated(folder, size, 7)
    words = skyshed("extract", str(image), "--out", str(folder / "own"), "--quiet")
    more = [seconds_of(words) - seconds_of([*words, "--no-preview"]) for _ in range(rounds)]
    return at_most(f"{size}^2: what the preview adds", median(more), PREVIEW, "s")
