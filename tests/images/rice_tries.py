"""Images compressed by RICE_1 as they are read: beside astropy, on the device, and damaged.

python -m tests.images.rice_tries --count 2000 --seed 1
"""

import argparse
import tempfile
import warnings
from collections import Counter
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np

from skyshed.images import Window, open_exposure, open_image
from tests.device import standin
from tests.images.rice_files import METHODS, RiceFile, draw

__all__ = ["attempts", "compare", "options"]

#: Pixels of the largest image that is also decoded on the emulator, which takes some us for each.
EMULATED = 4000
#: What is done to a tile's bytes. All but a changed bit is always seen.
DAMAGES = {
    "cut": lambda rng, content: content[: rng.integers(len(content))],
    "longer": lambda rng, content: content + bytes(8),
    "changed": lambda rng, content: _flipped(rng, content),
}


def _flipped(rng, content):
    """Change a bit."""
    changed = bytearray(content)
    changed[rng.integers(len(changed))] ^= 1 << rng.integers(8)
    return bytes(changed)


def windows(rng, shape):
    """Return the whole image and some windows of it."""
    found = [Window(0, shape[0], 0, shape[1])]
    for _ in range(3):
        y0, x0 = (int(rng.integers(length)) for length in shape)
        y1, x1 = (
            int(rng.integers(at + 1, length + 1))
            for at, length in zip((y0, x0), shape, strict=True)
        )
        found.append(Window(y0, y1, x0, x1))
    return found


def _of_cube(of):
    """Return whether one plane of a file is the image."""
    return len(of.shape) == 3 and min(of.shape) > 1


def opened(path, of, rng):
    """Return the image as it is opened, of a cube one plane."""
    plane = f"[{rng.integers(of.shape[0])}]" if _of_cube(of) else ""
    return open_image(f"{path}[1]{plane}").image


def compare(path, rng, of):
    """Compare windows with those that astropy reads."""
    source = opened(path, of, rng)
    assert source.rice is not None
    theirs = replace(source, rice=None, scaling=None)
    for integers in (False, True):
        for window in windows(rng, source.shape):
            ours, expected = source.read(window), theirs.read(window)
            assert ours.dtype == source.dtype == expected.dtype
            assert ours.tobytes() == expected.tobytes(), (window, of.cards, of.columns)
        if not integers:
            source, theirs = source.as_integers(), theirs.as_integers()


def _emulated(of):
    return not _of_cube(of) and np.prod(of.shape) <= EMULATED


def _on_the_device(path):
    """Return the pixels as the device decodes them, or what it says of them."""
    with standin.in_place() as cupy:
        source = open_exposure(f"{path}[1]").image
        found, _ = source.read_marked(source.everything, "cuda")
        return cupy.asnumpy(found)


def options(of: RiceFile) -> list[str]:
    """Return which options of the convention a file has."""
    cards = dict(of.cards)
    found = [f"{of.bytes} byte{'s' * (of.bytes > 1)} a number", f"BITPIX {of.bits}"]
    if of.bits < 0:
        found.append(cards.get("ZQUANTIZ", "no ZQUANTIZ"))
    if {"BSCALE", "BZERO"} & set(cards):
        found.append("BSCALE or BZERO")
    if {"ZBLANK", "BLANK"} & set(cards) or "ZBLANK" in of.columns:
        found.append("blank numbers")
    if any(each["blank"] for each in of.tiles):
        found.append("tiles of blank numbers alone")
    stored = {each["stored"][0] for each in of.tiles}
    found += [each for each in ("GZIP_COMPRESSED_DATA", "UNCOMPRESSED_DATA") if each in stored]
    if len(of.shape) > 2:
        found.append("three axes")
    return found


def attempts(seed: int, numbers: range, folder: Path) -> Counter:
    """Read files, and each once more with a damaged tile; return how many had and did what.

    Raises
    ------
    AssertionError
        If pixels are not astropy's, or damage is neither harmless nor refused with its tile.
    """
    came, path = Counter(), folder / "image.fits"
    for k in numbers:
        rng = np.random.default_rng((seed, k))
        of = draw(rng)
        of.write(path)
        try:
            compare(path, rng, of)
            came.update(["astropy's pixels", *options(of)])
            if _emulated(of):
                source = open_image(f"{path}[1]").image
                host = source.read(source.everything)
                assert _on_the_device(path).tobytes() == host.tobytes(), "the device's pixels"
                came["on the device, too"] += 1
            if not _of_cube(of):
                came[_damaged(path, rng, of)] += 1
        except Exception as error:
            error.add_note(f"file {k} of seed {seed}: {of.cards}, {of.columns}")
            raise
    return came


def _or_words(read):
    """Return pixels, or the words with which they are refused."""
    try:
        return read()
    except OSError as error:
        return str(error)


def _damaged(path, rng, of):
    """Damage a tile, and return what comes of it."""
    of, kind = deepcopy(of), str(rng.choice(list(DAMAGES)))
    bad = int(rng.integers(len(of.tiles)))
    column, content, size = of.tiles[bad]["stored"]
    changed = DAMAGES[kind](rng, content)
    if column == "UNCOMPRESSED_DATA":  # whole numbers
        changed = changed[: len(changed) // size * size]
    of.tiles[bad]["stored"] = (column, changed, size)
    of.write(path)
    source = open_image(f"{path}[1]").image
    found = _or_words(lambda: source.read(source.everything))
    if isinstance(found, str):
        assert f"tile {bad + 1} " in found, found
        assert "\n" not in found, found
        if _emulated(of):
            assert _or_words(lambda: _on_the_device(path)) == found
        return "damaged: refused with the tile"
    # What a changed bit makes other numbers of is not seen by anybody.
    zeros = column == "GZIP_COMPRESSED_DATA" and kind == "longer"
    assert kind == "changed" or zeros, f"{kind} bytes of {column} were read"
    theirs = replace(source, rice=None, scaling=None)
    assert found.tobytes() == theirs.read(source.everything).tobytes()
    return "damaged: read as astropy does"


def main():
    """Read many files, and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        came = attempts(given.seed, range(given.count), Path(folder))
    missing = {str(each) for each in METHODS if each is not None} - set(came)
    for name, count in sorted(came.items()):
        print(f"{count:6} {name}")
    if missing:
        print(f"never drawn: {', '.join(sorted(missing))}")


if __name__ == "__main__":
    main()
