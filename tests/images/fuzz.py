"""Files of which some bytes are changed: they are read, or refused in one line, and never hang.

    python -m tests.images.fuzz --seconds 3600

Each is opened in a process of its own, so that what ends the process or takes too long is found.
"""

import argparse
import bz2
import gzip
import os
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
from astropy.io import fits

from skyshed.images import Window, open_image

__all__ = ["CORPUS", "attempt", "attempts"]

#: Seconds that a file may take: of the processor, and on the clock of a machine that is busy.
LIMIT, LATEST = 30, 900
#: How a process ends that has read a file, refused it, or failed in another way.
READ, REFUSED, FAILED = 0, 3, 4


def _pixels(dtype="f4"):
    return np.random.default_rng(1).normal(100, 10, (24, 31)).astype(dtype)


def _content(*hdus, **options) -> bytes:
    with tempfile.TemporaryFile() as file:
        fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(file, **options)
        file.seek(0)
        return file.read()


def _corpus() -> dict[str, bytes]:
    """Return a small file of each kind that is read."""
    plain = _content(fits.ImageHDU(_pixels()))
    files = {
        "plain.fits": plain,
        "sum.fits": _content(fits.ImageHDU(_pixels()), checksum=True),
        "scaled.fits": _content(fits.ImageHDU(_pixels("u2"))),
        "cube.fits": _content(fits.ImageHDU(_pixels()[np.newaxis])),
        "plain.fits.gz": gzip.compress(plain, mtime=0),
        "plain.fits.bz2": bz2.compress(plain),
    }
    for kind in ("GZIP_1", "GZIP_2", "RICE_1", "HCOMPRESS_1", "PLIO_1"):
        files[f"{kind.lower()}.fits"] = _content(
            fits.CompImageHDU(_pixels("i2"), compression_type=kind, tile_shape=(8, 31))
        )
    files["hcompress_1_floats.fits"] = _content(
        fits.CompImageHDU(_pixels(), compression_type="HCOMPRESS_1", tile_shape=(12, 16))
    )
    return files


CORPUS = _corpus()


def changed(seed: int, n: int) -> tuple[str, bytes]:
    """Return a file of the corpus with some of its bytes changed, cut out or put in."""
    rng = np.random.default_rng((seed, n))
    name = str(rng.choice(sorted(CORPUS)))
    content = bytearray(CORPUS[name])
    for _ in range(int(rng.integers(1, 4))):
        at = int(rng.integers(len(content)))
        how = rng.random()
        if how < 0.6:
            content[at] ^= 1 << int(rng.integers(8))
        elif how < 0.75:
            content[at] = int(rng.choice(np.frombuffer(b"0123456789-+E.' T\x00\xff", np.uint8)))
        elif how < 0.85:
            del content[at:]
        elif how < 0.93:
            del content[at : at + int(rng.integers(1, 3000))]
        else:
            content[at:at] = rng.integers(0, 256, int(rng.integers(1, 3000)), np.uint8).tobytes()
        if not content:
            break
    return name, bytes(content)


def attempt(seed: int, n: int, folder: Path) -> str:
    """Open a changed file, and say what came of it.

    Raises
    ------
    AssertionError
        If that is anything but its pixels, or a line with its name.
    """
    name, content = changed(seed, n)
    path = folder / f"fuzz-{name}"
    path.write_bytes(content)
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os._exit(_read(path))
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    late = "takes too long"
    what = {-signal.SIGALRM: late, -signal.SIGPROF: late, FAILED: "fails in another way"}
    assert code in (READ, REFUSED), f"{name} {n} {what.get(code, f'ends with {code}')}"
    return "read" if code == READ else "refused"


def attempts(seed: int, numbers: range, folder: Path) -> Counter[str]:
    """Do the same with many files in one process, and once more with the one that ends it.

    A process for each takes several times as long as the file.
    """
    came: Counter[str] = Counter()
    while numbers:
        told = folder / "fuzz-told"
        told.write_bytes(b"")
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            with told.open("ab", buffering=0) as file:
                for n in numbers:
                    name, content = changed(seed, n)
                    path = folder / f"fuzz-{name}"
                    path.write_bytes(content)
                    file.write(bytes([_read(path)]))
            os._exit(0)
        os.waitpid(child, 0)
        codes = told.read_bytes()
        good = next((k for k, code in enumerate(codes) if code == FAILED), len(codes))
        came.update("read" if code == READ else "refused" for code in codes[:good])
        numbers = numbers[good:]
        if numbers:
            came[attempt(seed, numbers[0], folder)] += 1
            numbers = numbers[1:]
    return came


def _read(path: Path) -> int:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, LIMIT)
    signal.alarm(LATEST)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = open_image(path).image
            ny, nx = image.shape
            if ny * nx > 10**8:  # whoever reads it plans for it
                return READ
            for base in image.bases:
                base.doubts()
            image.read(Window(0, ny, 0, nx))
        return READ
    except (OSError, ValueError, TypeError) as error:
        text = str(error)
        return REFUSED if os.fspath(path) in text and "\n" not in text else _said(path, error)
    except BaseException as error:
        return _said(path, error)


def _said(path: Path, error: BaseException) -> int:
    print(f"{path.name}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
    return FAILED


def main() -> int:
    """Try files for some time; print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    came: Counter[str] = Counter()
    end, n = time.monotonic() + arguments.seconds, 0
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() < end:
            try:
                came[attempt(arguments.seed, n, Path(folder))] += 1
            except AssertionError as error:
                came["wrong"] += 1
                print(error, flush=True)
            n += 1
    print(f"seed {arguments.seed}, {n} files: {dict(came)}")
    return int(came["wrong"] > 0)


if __name__ == "__main__":
    sys.exit(main())
