"""Reading FITS files, from the page cache to pixels in memory, beside astropy."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
from astropy.io import fits

from benchmarks.cpu.rows import Part, Row, at_least, at_most
from skyshed.images import open_image

__all__ = ["measure"]

#: What is written -> the HDU of an image.
KINDS: dict[str, Callable[[Any], Any]] = {
    "Rice, floats, SUBTRACTIVE_DITHER_2": lambda image: fits.CompImageHDU(
        image, compression_type="RICE_1", quantize_method=2, dither_seed=1
    ),
    "Rice, floats, NO_DITHER": lambda image: fits.CompImageHDU(image, compression_type="RICE_1"),
    "Rice, 16 bits": lambda image: fits.CompImageHDU(
        image.astype("i2"), compression_type="RICE_1"
    ),
    "plain floats": lambda image: fits.ImageHDU(image),
    "plain, unsigned 16 bits": lambda image: fits.ImageHDU(image.astype("u2")),
    "plain, 16 bits with BSCALE": lambda image: _scaled(image),
}  # fmt: skip


def _scaled(image: Any) -> Any:
    """Return an HDU of integers that stand for floats."""
    hdu = fits.ImageHDU(image.astype(np.float64))
    hdu.scale("int16", bscale=0.01, bzero=100.0)
    return hdu


def measure(quick: bool) -> Part:
    """Read each kind of file in turn, and compare pixels."""
    part = Part("Reading FITS files")
    side, rounds = (512, 3) if quick else (4096, 7)
    image = np.random.default_rng(1).normal(100, 10, (side, side)).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        for kind, hdu in KINDS.items():
            path = Path(folder) / "image.fits"
            fits.HDUList([fits.PrimaryHDU(), hdu(image)]).writeto(path, overwrite=True)
            _compare(part, f"{kind}, {side}^2", path, rounds, quick)
    part.remarks.append("CPU time is that of all threads; the files are in the page cache.")
    return part


def _compare(part: Part, kind: str, path: Path, rounds: int, quick: bool) -> None:
    """Add the lines of one file."""
    source = open_image(f"{path}[1]").image
    readers = {"skyshed": lambda: source.read(source.everything), "astropy": lambda: _theirs(path)}
    found = {name: read() for name, read in readers.items()}
    same = found["skyshed"].tobytes() == found["astropy"].tobytes()
    part.rows.append(Row(f"{kind}: bits", "the same" if same else "differ", "the same", same))
    cpu: dict[str, list[float]] = {name: [] for name in readers}
    wall: dict[str, list[float]] = {name: [] for name in readers}
    for _ in range(rounds):
        for name, read in readers.items():
            start = perf_counter(), process_time()
            read()
            wall[name].append(perf_counter() - start[0])
            cpu[name].append(process_time() - start[1])
    seconds = f"{min(cpu['astropy']):.3f} s / {min(cpu['skyshed']):.3f} s"
    ratio = min(cpu["astropy"]) / min(cpu["skyshed"])
    part.rows.append(
        at_least(f"{kind}: CPU time of astropy over ours", ratio, 1.0, "x", f" ({seconds})")
    )
    note = f" (astropy {min(wall['astropy']):.3f} s)"
    item = f"{kind}: time on all cores"
    part.rows.append(
        Row(item, f"{min(wall['skyshed']):.3f} s{note}") if quick
        else at_most(item, min(wall["skyshed"]), 0.1, "s", note)
    )  # fmt: skip
    part.figures[kind] = {"cpu": cpu, "wall": wall}


def _theirs(path: Path) -> Any:
    with fits.open(path, memmap=False) as hdus:
        pixels = np.asarray(hdus[1].data)
        return pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
