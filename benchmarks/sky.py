"""How near the background comes to the true sky, for one pass and two, by how far segments grow.

    python -m benchmarks.sky                 # print a table
    python -m benchmarks.sky --seeds 4 --out # and write it to results/sky-bias.md

What is told is the median over the pixels of (background - true sky) / true noise, for fields of
the simulator of `skyshed.datasets`; their seeds are drawn at run time, and printed.
"""

import argparse
import secrets
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from skyshed import extract
from skyshed.datasets import make_survey_image
from skyshed.parameters import PRESETS

#: The fields.
FIELDS: dict[str, dict[str, Any]] = {
    "survey, seeing 3.5 px": {},
    "survey, seeing 2 px": {"psf_fwhm": 2.0},
    "survey, seeing 6 px": {"psf_fwhm": 6.0},
    "survey 1.5 times as dense, wide wings": {
        "density": 5400.0, "psf_beta": 2.5, "star_fraction": 0.3, "galaxy_slope": 0.33,
    },
    "a third as dense": {"density": 1200.0, "star_fraction": 0.5, "clustered_fraction": 0.0},
    "12,000 stars per Mpx": {
        "density": 12000.0, "star_fraction": 1.0, "star_slope": 0.2, "clustered_fraction": 0.0,
    },
}  # fmt: skip
#: Presets that measure it twice, by its mode and with a lower threshold.
OURS = ("recommended", "crowded")
#: How far segments are grown, in pixels.
GROWTHS = (0.0, 4.0, 6.0, 8.0, 10.0, 12.0, 16.0)


def background_of(preset: str) -> dict[str, Any]:
    """Return the parameters of a preset that the background depends on."""
    later = ("aperture_center", "aperture_correction", "deblend_npixels")
    return {name: value for name, value in PRESETS[preset].items() if name not in later}


def biases(field: Any) -> list[float]:
    """Return the bias of one pass, of two for each of `GROWTHS`, and of `OURS`."""
    grown = [{"background_passes": 2, "background_growth": each} for each in GROWTHS]
    found = []
    for options in ({}, *grown, *(background_of(name) for name in OURS)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            extraction = extract(field.data, mask=field.mask, columns=("label",), **options)
        off = (np.asarray(extraction.background) - field.sky) / field.rms
        found.append(float(np.median(off[~field.mask])))
    return found


def report(side: int, seeds: list[int]) -> str:
    """Return the table: the mean over the seeds, and the largest magnitude of any."""
    head = ["field", "one pass", *(f"grown {each:g}" for each in GROWTHS), *OURS]
    lines = [" | ".join(["", *head, ""]).strip(), "|".join(["", *["---"] * len(head), ""])]
    for name, options in FIELDS.items():
        values = np.array(
            [biases(make_survey_image((side, side), seed=seed, **options)) for seed in seeds]
        )
        cells = [
            f"{mean:+.3f} ({worst:.3f})"
            for mean, worst in zip(values.mean(0), np.abs(values).max(0), strict=True)
        ]
        lines.append(" | ".join(["", name, *cells, ""]).strip())
    return "\n".join(lines)


def main() -> None:
    """Print the table, and write it where asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=1536, help="of the fields, in pixels")
    parser.add_argument("--seeds", type=int, default=4, help="fields of each kind")
    parser.add_argument("--out", action="store_true", help="write results/sky-bias.md")
    arguments = parser.parse_args()
    seeds = [secrets.randbelow(2**31) for _ in range(arguments.seeds)]
    text = (
        "# Bias of the background, in sigma\n\n"
        f"`python -m benchmarks.sky --side {arguments.side} --seeds {arguments.seeds}`, seeds "
        f"{', '.join(map(str, seeds))}: the mean over the fields of the median of (background - "
        "true sky) / noise; in parentheses the worst field.\n\n"
        f"{report(arguments.side, seeds)}\n"
    )
    print(text)
    if arguments.out:
        (Path(__file__).parent / "results" / "sky-bias.md").write_text(text)


if __name__ == "__main__":
    main()
