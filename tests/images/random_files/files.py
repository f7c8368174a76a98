"""The HDUs of files: their order, their names, and what stands between them."""

import bz2
import gzip
import io
import lzma

import numpy as np
from astropy.io import fits

from tests.images.random_files.raw import BLOCK, hdu_bytes, plain_hdu

__all__ = ["SCHEMES", "Slot", "compress", "empty_primary", "write"]

CCDS = ("S29", "S30", "N4", "N5")
#: How the images of a camera are told apart -> the cards of the CCD of a number.
SCHEMES = {
    "EXTNAME": lambda k: [("EXTNAME", CCDS[k])],
    "EXTNAME in small letters": lambda k: [("EXTNAME", CCDS[k].lower())],
    "EXTVER": lambda k: [("EXTNAME", "SCI"), ("EXTVER", k + 1)],
    "IMAGEID": lambda k: [("IMAGEID", k + 3)],
    "CCDNUM": lambda k: [("EXTNAME", "im1"), ("CCDNUM", 9 - k)],
    "nothing": lambda k: [],
    "one name": lambda k: [("EXTNAME", "CHIP")],
}
#: How files are compressed as a whole; some cannot be read without other programs.
PACKERS = {
    "gzip": lambda content: gzip.compress(content, mtime=0),
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": lambda content: b"\x28\xb5\x2f\xfd" + content[:5000],
    "lz4": lambda content: b"\x04\x22\x4d\x18" + content[:5000],
}


class Slot:
    """An HDU: ``make(primary)`` returns its bytes; ``about`` is what it is of."""

    def __init__(self, make, about=None):
        self.make, self.about = make, about


def empty_primary(cards=()):
    """Return a primary HDU without data."""
    return Slot(lambda primary: hdu_bytes(
        [("BITPIX", 8), ("NAXIS", 0), ("EXTEND", True), *cards], b"", primary))  # fmt: skip


def odd_slots(rng):
    """Return HDUs that hold no image: tables, spectra, and what has no data."""
    table = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(
        [fits.Column("x", "D", array=np.arange(3.0))])]).writeto(table)  # fmt: skip
    every = [
        Slot(lambda _: table.getvalue()[BLOCK:]),
        Slot(lambda primary: plain_hdu(np.arange(7, dtype="f4"), [], primary)),
        Slot(lambda primary: hdu_bytes(
            [("BITPIX", 8), ("NAXIS", 0), ("PCOUNT", 0), ("GCOUNT", 1)], b"", primary)),
    ]  # fmt: skip
    return [each for each in every if rng.random() < 0.15]


def write(path, slots, packer=None):
    """Write HDUs, the first of which is primary."""
    content = b"".join(slot.make(number == 0) for number, slot in enumerate(slots))
    path.write_bytes(content if packer is None else PACKERS[packer](content))
    return len(content)


def compress(rng):
    """Return how a file is compressed as a whole, or not, and how its name ends."""
    if rng.random() < 0.75:
        return None, str(rng.choice([".fits", ".fit", ".FITS", ".fits.fz", ""]))
    packer = str(rng.choice(list(PACKERS)))
    return packer, str(rng.choice([".fits", ".fits.gz", ".fits.bz2", ".fits.xz", ".dat"]))
