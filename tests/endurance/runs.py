"""What is tried over and over: one function for each long run, called with the number of the try.

It returns what came of the try, in a word, or how often what came; what must not be is an
AssertionError.
"""

import functools
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

__all__ = ["RUNS", "Run"]

#: What the seeds of all tries begin with.
SEED = 20261130
VICTIM = "from tests.endurance.runs import victim; import sys; victim(sys.argv[1])"


class Run(NamedTuple):
    """A long run: how many tries there are, what a try is, and what it shows."""

    tries: int
    attempt: Callable[[int], str | Counter[str]]
    promise: str


@functools.cache
def _scratch() -> Path:
    return Path(tempfile.mkdtemp(prefix="skyshed-endurance-"))


def victim(folder: str) -> None:
    """Extract a field by tiles, and write the results: what is killed."""
    from tests.tiled import survey, tiled

    found = tiled(survey().data, mask=survey().mask, workspace=f"{folder}/run", n_threads=2)
    found.write(f"{folder}/out", preview=False)


def _results(folder: Path) -> dict[str, bytes]:
    """Return what is written, but for the dates and the folders that it tells of."""
    from astropy.io import fits

    with fits.open(folder / "out/segmentation.fits") as hdus:
        labels = np.asarray(hdus[0].data).tobytes()
    with fits.open(folder / "out/catalog.fits") as hdus:
        table = np.asarray(hdus["CATALOG"].data).tobytes()
    return {"labels": labels, "table": table}


@functools.cache
def _undisturbed() -> tuple[dict[str, bytes], float]:
    folder = _scratch() / "undisturbed"
    folder.mkdir()
    start = time.monotonic()
    subprocess.run([sys.executable, "-c", VICTIM, str(folder)], check=True)
    return _results(folder), time.monotonic() - start


def kill(n: int) -> str:
    """Kill a run at a random moment, its outputs included, and let it go on."""
    expected, seconds = _undisturbed()
    folder = _scratch() / "killed"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    process = subprocess.Popen([sys.executable, "-c", VICTIM, str(folder)])
    try:
        process.wait(random.Random(SEED + n).uniform(0.2, 1.05) * seconds)
    except subprocess.TimeoutExpired:
        process.kill()
    came = "killed" if process.wait() else "had ended"
    n_out = len(list((folder / "out").glob("*.fits"))) if (folder / "out").exists() else 0
    assert n_out in (0, 2), "results half written"
    subprocess.run([sys.executable, "-c", VICTIM, str(folder)], check=True)
    assert _results(folder) == expected, "other results"
    left = [path for path in (folder / "out").iterdir() if path.name.startswith(".")]
    assert not left, f"left behind: {left}"
    return came


@functools.cache
def _begun():
    from tests.mosaic.damage import begun_workspaces

    folder = _scratch() / "damage"
    folder.mkdir()
    return begun_workspaces(folder)


def damage(n: int) -> str:
    """Flip a bit anywhere in a workspace, or swap two of its files, and go on."""
    from tests.mosaic.damage import try_damage

    workspaces, undisturbed = _begun()
    rng = np.random.default_rng((SEED, n))
    begun = workspaces[str(rng.choice(list(workspaces)))]
    return try_damage(begun, undisturbed, rng, _scratch() / "scratch")[1]


def repeats(n: int, count: int = 2000) -> str:
    """Extract the same image so many times in one process, at once and by tiles: it must not grow.

    The first fifth is left out, in which caches and the heap settle.
    """
    from tests.endurance.growth import growth

    grown = growth(count)
    assert grown < 20e6, f"the process has grown by {grown / 1e6:.1f} MB"
    return f"grew by {max(grown, 0) / 1e6:.1f} MB"


def three_way(n: int) -> str:
    """Compare 50 small images three ways."""
    from tests.three_way.run import run

    tally = run(50, 1, first=50 * n)
    assert not tally.unknown, str(tally)
    return "known differences" if tally.diverged else "equal"


def random_files(n: int) -> str:
    """Read 100 random structures of files."""
    from tests.images.random_files.run import run

    tally = run(100, SEED + n)
    assert not tally.wrong, str(tally.wrong)
    return "right"


def decoders(n: int) -> Counter[str]:
    """Read 100 files compressed by RICE_1, on the device (emulated), too, and damaged ones."""
    from tests.images.rice_tries import attempts

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return attempts(SEED, range(100 * n, 100 * (n + 1)), _scratch())


def fuzz(n: int) -> str:
    """Open 100 files of which some bytes were changed."""
    from tests.images.fuzz import attempts

    came = attempts(SEED, range(100 * n, 100 * (n + 1)), _scratch())
    assert came.total() == 100
    return "read or refused"


def sparse(n: int, side: int = 46_400) -> str:
    """Find the sources at the corners of an image of more than 2^31 pixels."""
    from skyshed import extract

    path = _scratch() / "sparse.dat"
    image = np.memmap(path, np.uint8, "w+", shape=(side, side))
    corners = [(10, 10), (10, side - 14), (side - 14, 10), (side - 14, side - 14)]
    for y, x in corners:
        image[y : y + 4, x : x + 4] = 200
    image.flush()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mapped = np.memmap(path, np.uint8, "r", shape=(side, side))
        options = {"columns": ("label", "xcentroid", "ycentroid"), "zero_point": None}
        found = extract(
            mapped, weight=_constant(side), nsigma=5, kernel_fwhm=0, memory="2GB", **options
        )
        table = found.table
    places = sorted(zip(table["ycentroid"].tolist(), table["xcentroid"].tolist(), strict=True))
    path.unlink()
    assert np.allclose(places, [(y + 1.5, x + 1.5) for y, x in corners]), places
    return "right"


def _constant(side: int):
    return np.broadcast_to(np.float32(1), (side, side))


RUNS = {
    "kill": Run(100, kill, "`kill -9` at any moment, outputs included: the undisturbed result"),
    "damage": Run(2000, damage, "damage to a workspace: the undisturbed result, or a refusal"),
    "repeats": Run(1, repeats, "2,000 runs in one process do not grow"),
    "three_way": Run(400, three_way, "photutils, CPU and device agree (50 images a try)"),
    "random_files": Run(50, random_files, "files are read as they are (100 structures a try)"),
    "decoders": Run(25, decoders, "RICE_1 as astropy reads it, or refused (100 files a try)"),
    "fuzz": Run(200, fuzz, "changed bytes in a file: read, or refused in one line (100 a try)"),
    "sparse": Run(1, sparse, "more than 2^31 pixels"),
}


def one_line(error: BaseException) -> str:
    """Return an error as a line."""
    return re.sub(r"\s+", " ", f"{type(error).__name__}: {error}")[:300]
