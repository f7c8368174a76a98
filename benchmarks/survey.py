"""A survey of many tiny images, in parts that are killed and go on: time, memory, the same rows.

    python -m benchmarks.survey --images 2000 --kills 2
    python -m benchmarks.survey --images 100000 --kills 5 --workers 16 --out   # the whole

Images are 64 x 64 pixels in files of their own, on a grid of the sky, with eight stars each; one in
a hundred is damaged. A run is a process (``skyshed survey``), which is killed as no process can
prevent after its share of the images, and begun again. Memory is that of the process with the
scheduler, and of the largest worker, at a tenth and at the end of the work; time is a rate, of a
machine that may be busy.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.report import machine

RESULTS = Path(__file__).parent / "results" / "survey.md"
SIDE, STARS, WIDTH = 64, 8, 1.5
#: One image in so many is no FITS file.
DAMAGED = 100
#: Images of a folder, and of a row of the grid on the sky, 0.01 degrees apart.
PER_FOLDER, PER_ROW, APART = 1000, 400, 0.01
#: Seconds between two looks at a run.
BEAT = 0.2


def make_images(folder: Path, n: int) -> Path:
    """Make the images that are not there; return the list of all."""
    from astropy.io import fits
    from astropy.wcs import WCS

    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.cdelt = ["RA---TAN", "DEC--TAN"], [-1e-4, 1e-4]
    wcs.wcs.crpix = [SIDE / 2, SIDE / 2]
    header, names = wcs.to_header(), []
    y, x = np.mgrid[:SIDE, :SIDE]
    for k in range(n):
        path = folder / f"{k // PER_FOLDER:03d}" / f"{k:06d}.fits"
        names.append(str(path))
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if k % DAMAGED == DAMAGED - 1:
            path.write_bytes(b"no image")
            continue
        rng = np.random.default_rng(k)
        image = rng.normal(100, 3, (SIDE, SIDE))
        for cy, cx, peak in zip(
            *rng.uniform([[6], [6], [60]], [[58], [58], [600]], (3, STARS)), strict=True
        ):
            image += peak * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * WIDTH**2))
        header["CRVAL1"] = 150 + APART * (k % PER_ROW)
        header["CRVAL2"] = APART * (k // PER_ROW)
        fits.writeto(path, np.round(image).astype(np.int16), header)
    listing = folder / f"list-{n}.txt"
    listing.write_text("\n".join(names) + "\n")
    return listing


def run(listing: Path, catalog: Path, workers: int, stop: int | None, total: int) -> dict[str, Any]:
    """Run until so many entries are in the ledger, or the end; return what it took."""
    command = [
        sys.executable, "-m", "skyshed", "survey", str(listing), "--out", str(catalog), "--quiet",
        "--workers", str(workers), "--retries", "0", "--n-threads", "1",
        "--partition-rows", "50000",
    ]  # fmt: skip
    ledger = Entries(catalog / ".survey" / "ledger")
    first, children = ledger.count(), []
    begun, process = time.perf_counter(), subprocess.Popen(command)
    watched = psutil.Process(process.pid)
    peaks: list[tuple[int, int, int]] = []
    n = first
    while process.poll() is None:
        time.sleep(BEAT)
        try:
            children = watched.children(recursive=True)
            sizes = [each.memory_info().rss for each in children]
            n = ledger.count()
            peaks.append((n, watched.memory_info().rss, max(sizes, default=0)))
        except psutil.NoSuchProcess:
            continue
        if stop is not None and n >= stop:
            process.kill()
            process.wait()
    _, alive = psutil.wait_procs(children, timeout=60)
    # A process that is new to its work takes more from image to image until it has met all of it.
    early = [each for each in peaks if each[0] <= first + max(total // 10, 1)] or peaks[:1]
    return {
        "status": process.returncode, "seconds": time.perf_counter() - begun,
        "entries": n - first, "left": len(alive),
        "early": [max(each[k] for each in early) / 1e6 for k in (1, 2)],
        "late": [max(each[k] for each in peaks) / 1e6 for k in (1, 2)],
    }  # fmt: skip


class Entries:
    """Counts the lines of a ledger, and reads only what is new."""

    def __init__(self, path: Path) -> None:
        self._path, self._n, self._at = path, 0, 0

    def count(self) -> int:
        """Return how many there are by now."""
        try:
            with open(self._path, "rb") as file:
                file.seek(self._at)
                for block in iter(lambda: file.read(1 << 20), b""):
                    self._n += block.count(b"\n")
                    self._at += len(block)
        except OSError:
            pass
        return self._n


def rows_of(catalog: Path) -> Any:
    """Return the rows of a catalog, by exposure and label, as bytes."""
    import pyarrow.dataset

    dataset = pyarrow.dataset.dataset(
        catalog / "dataset", format="parquet", exclude_invalid_files=False, ignore_prefixes=["_"]
    )
    return dataset.to_table().sort_by([("image_id", "ascending"), ("label", "ascending")])


def main() -> None:
    """Make the images, run, and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--compare", action="store_true", help="with a run that is not killed")
    parser.add_argument(
        "--folder", type=Path, default=Path(tempfile.gettempdir()) / "skyshed-survey"
    )
    parser.add_argument("--out", action="store_true", help=f"write {RESULTS.name}")
    options = parser.parse_args()
    n = options.images
    start = time.perf_counter()
    listing = make_images(options.folder / "images", n)
    print(f"images: {time.perf_counter() - start:.0f} s", flush=True)
    catalog = options.folder / "catalog"
    shutil.rmtree(catalog, ignore_errors=True)
    lines = [
        "| part | entries | seconds | images/s | ended by | client, MB | worker, MB | left alive |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for part in range(options.kills + 1):
        stop = n * (part + 1) // (options.kills + 1) if part < options.kills else None
        took = run(listing, catalog, options.workers, stop, n)
        ended = "kill -9" if took["status"] == -9 else f"exit {took['status']}"
        memory = [f"{a:.0f} -> {b:.0f}" for a, b in zip(took["early"], took["late"], strict=True)]
        lines.append(
            f"| {part + 1} | {took['entries']} | {took['seconds']:.0f} | "
            f"{took['entries'] / took['seconds']:.1f} | {ended} | {memory[0]} | {memory[1]} | "
            f"{took['left']} |"
        )
        print(lines[-1], flush=True)
    from skyshed.surveys import Survey

    found = Survey(catalog)
    size = sum(each.stat().st_size for each in (catalog / ".survey").rglob("*") if each.is_file())
    facts = [
        f"{n} images of {SIDE} x {SIDE} pixels, {options.workers} workers; {found!r}.",
        f"The ledger and the records take {size / n:.0f} bytes for each image.",
    ]
    if options.compare:
        shutil.rmtree(options.folder / "once", ignore_errors=True)
        run(listing, options.folder / "once", options.workers, None, n)
        same = rows_of(catalog).equals(rows_of(options.folder / "once"))
        facts.append(f"The rows are those of a run that was not killed: {'yes' if same else 'NO'}.")
    command = f"    python -m benchmarks.survey --images {n} --kills {options.kills}"
    text = "\n".join(
        [
            "# A survey in parts that are killed",
            "",
            command,
            "",
            *machine(options.workers, None)[:2],
            "",
            *facts,
            "",
            *lines,
            "",
        ]
    )
    print(text)
    if options.out:
        RESULTS.write_text(text)


if __name__ == "__main__":
    main()
