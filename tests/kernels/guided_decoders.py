"""Fuzzing of the decoders of compressed tiles, guided by their own coverage (libFuzzer of clang).

    apt-get install clang
    python -m tests.kernels.guided_decoders FOLDER -max_total_time=3600

Streams are changed and tried as `guided_decoders.cpp` says, under the address and the
undefined-behaviour sanitizers. What was found to lead somewhere new is kept in the folder;
`tests/kernels/test_guided_decoders.py` tries a part of it, which ``--keep FOLDER`` chooses.
"""

import io
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from astropy.io import fits

from tests.corpus import keep
from tests.kernels.steps import KERNELS

__all__ = ["KEPT", "SOURCE", "seeds"]

SOURCE = Path(__file__).with_suffix(".cpp")
#: The part of the corpus that the tests try, and its largest input.
KEPT, LARGEST = Path(__file__).with_name("guided_decoders.zip"), 300
FLAGS = ["-std=c++17", "-O1", "-g", "-fno-exceptions", "-fsanitize=fuzzer,address,undefined"]
FLAGS += ["-fno-sanitize-recover=undefined"]
#: The first byte of an input, by compression and bytes of a number.
KINDS = {("RICE_1", 1): 0, ("RICE_1", 2): 1, ("RICE_1", 4): 2, ("HCOMPRESS_1", 2): 3}
KINDS |= {("HCOMPRESS_1", 4): 4}
#: Of the tiles to begin with, in pixels: more than a block of numbers.
SIDE = 12


def seeds(seed: int = 1) -> list[bytes]:
    """Return streams that astropy has made, as inputs."""
    rng = np.random.default_rng(seed)
    found = []
    for (compression, size), kind in KINDS.items():
        dtype = {1: "u1", 2: ">i2", 4: ">i4"}[size]
        for width in (0, 1, 30, 3000 if size > 1 else 60):
            image = (100 + rng.normal(0, width, (SIDE, SIDE))).astype(dtype)
            hdu = fits.CompImageHDU(image, compression_type=compression, tile_shape=(SIDE, SIDE))
            for stream in _streams(hdu):
                n = image.size if compression == "RICE_1" else SIDE - 1 + 256 * (SIDE - 1)
                found.append(bytes([kind, n % 256, n // 256, 31]) + stream)
    return found


def _streams(hdu: fits.CompImageHDU) -> list[bytes]:
    """Return the compressed tiles of an HDU, which astropy makes when it writes it."""
    file = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(file)
    file.seek(0)
    with fits.open(file, disable_image_compression=True) as hdus:
        return [bytes(stream) for stream in hdus[1].data["COMPRESSED_DATA"]]


def main() -> int:
    """Let libFuzzer change streams; see its options."""
    if sys.argv[1:2] == ["--keep"]:
        keep(Path(sys.argv[2]), KEPT, LARGEST)
        return 0
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for k, content in enumerate(seeds()):
        (folder / f"seed-{k}").write_bytes(content)
    with tempfile.TemporaryDirectory() as scratch:
        program = Path(scratch) / "fuzzed"
        files = [SOURCE, KERNELS / "native.cpp"]
        subprocess.run(
            ["clang++", *FLAGS, "-I", KERNELS.parents[1], *files, "-o", program], check=True
        )
        return subprocess.run([program, folder, *sys.argv[2:]]).returncode


if __name__ == "__main__":
    sys.exit(main())
