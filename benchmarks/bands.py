"""What nine bands take in one call: ``python -m benchmarks.bands [SIZE [REPEATS]]``.

The measure is the time of nine backgrounds and one detection (convolution, threshold, deblending)
on their combination, made of the same functions; all by one thread, in CPU seconds of runs in
turns. Positions, shapes and nine sets of fluxes come besides.
"""

import sys
from statistics import median
from time import process_time

import numpy as np

from skyshed import Background2D, Parameters, extract_bands
from skyshed.convolution import convolve, oversampled_gaussian
from skyshed.datasets import make_survey_image
from skyshed.deblending import deblend_sources
from skyshed.detection import detect_sources

BANDS = "ugrizYJHK"
#: Sources per million pixels that are simulated.
DENSITY = 1700.0


def make_bands(size: int) -> dict[str, np.ndarray]:
    """Return one field in nine bands, with 4,000 sources that are found in 2600 x 2600."""
    field = make_survey_image((size, size), density=DENSITY, seed=3).data
    noise = np.nanstd(field[:64, :64])
    rng = np.random.default_rng(4)
    return {
        band: (field * (0.4 + 0.1 * k) + rng.normal(0, noise, field.shape)).astype(np.float32)
        for k, band in enumerate(BANDS)
    }


def reference(bands: dict[str, np.ndarray]) -> int:
    """Measure nine backgrounds, and detect once; return the number of sources."""
    total = np.zeros_like(next(iter(bands.values())))
    for image in bands.values():
        mask = ~np.isfinite(image)
        bkg = Background2D(image, 64, mask=mask, n_threads=1)
        total += (image - bkg.background) / bkg.background_rms
    total /= np.float32(len(bands) ** 0.5)
    kernel = oversampled_gaussian(3.0, (5, 5))
    mask = ~np.isfinite(total)
    smooth = convolve(total, kernel, mask=mask, preserve_nan=True, n_threads=1)
    found = detect_sources(smooth, 1.5, 5, mask=mask, n_threads=1)
    return deblend_sources(smooth, found, 5, n_threads=1).nlabels


def everything(bands: dict[str, np.ndarray]) -> int:
    """Do all of it in one call; return the number of sources."""
    parameters = Parameters(n_threads=1, box_size=64)
    return len(extract_bands(bands, parameters=parameters).table)


def main() -> None:
    """Measure in turns, and say the ratio."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 2600
    repeats = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    bands = make_bands(size)
    seconds: dict[str, list[float]] = {"reference": [], "everything": []}
    for _ in range(repeats):
        for name, work in (("reference", reference), ("everything", everything)):
            start = process_time()
            n = work(bands)
            seconds[name].append(process_time() - start)
    least = {name: min(each) for name, each in seconds.items()}
    pairs = [b / a for a, b in zip(seconds["reference"], seconds["everything"], strict=True)]
    print(
        f"{len(bands)} bands of {size} x {size}, {n} sources: "
        f"nine backgrounds and one detection {least['reference']:.2f} s, "
        f"everything {least['everything']:.2f} s, ratio of the least "
        f"{least['everything'] / least['reference']:.2f}, middle ratio of {repeats} pairs "
        f"{median(pairs):.2f} ({min(pairs):.2f} to {max(pairs):.2f})"
    )


if __name__ == "__main__":
    main()
