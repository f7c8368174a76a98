"""The largest source of simulated fields, before any is split: what a GPU's longest block does.

    python -m benchmarks.largest_source           # of 512 x 512 to 16384 x 16384 pixels

The largest field takes 8 GB of memory and a minute of CPU time.
"""

import argparse

import numpy as np

from benchmarks.device_chain import background, convolution, detection
from benchmarks.scene import survey_scene

SIZES = (512, 1024, 2048, 4096, 8192, 16384)
#: How many are printed.
SHOWN = 5


def largest(size: int, seed: int) -> tuple[list[int], int]:
    """Return the pixels of the largest sources of a field, and how many sources there are."""
    scene = survey_scene(size, seed, None)
    results = {"image": scene.data, "mask": scene.mask}
    for stage in (background, convolution, detection):
        stage(results)
    areas = np.bincount(results["detected"].data.ravel())[1:]
    return np.sort(areas)[: -SHOWN - 1 : -1].tolist(), areas.size


def main() -> None:
    """Print a line for each field."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--size", type=int, nargs="+", default=SIZES)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    for size in options.size:
        areas, n = largest(size, options.seed)
        print(f"{size} x {size}: {', '.join(f'{a:,}' for a in areas)} pixels, of {n:,} sources")


if __name__ == "__main__":
    main()
