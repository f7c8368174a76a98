"""How far columns under SExtractor's names agree with SExtractor's: ``python -m`` this module.

The configuration below is read by the program and by ``skyshed.sextractor``. Sources of both are
matched by the positions of their peaks' pixels, one to one; what is compared is every column that
both have, of the matched sources. CLEAN is off: it has no counterpart.
"""

import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import QTable, Table
from scipy.spatial import KDTree

from benchmarks.source_extractor import PROGRAM, installed
from skyshed import extract
from skyshed.datasets import make_survey_image
from skyshed.sextractor import read_config

__all__ = ["COLUMNS", "compare", "run_both"]

RESULT = Path(__file__).parent / "results/sextractor-agreement.md"
SHAPE, SEED = (1024, 1024), 5
#: Pixels that are not finite mean different things to both.
NO_DEFECTS = {"bad_fraction": 0.0, "bad_columns": 0, "cosmic_rays": 0, "chip_gap": 0}
COLUMNS = (
    "NUMBER", "ID_PARENT", "X_IMAGE", "Y_IMAGE", "XWIN_IMAGE", "YWIN_IMAGE", "XMIN_IMAGE",
    "XMAX_IMAGE", "YMIN_IMAGE", "YMAX_IMAGE", "XPEAK_IMAGE", "YPEAK_IMAGE", "X2_IMAGE", "Y2_IMAGE",
    "XY_IMAGE", "CXX_IMAGE", "CYY_IMAGE", "CXY_IMAGE", "A_IMAGE", "B_IMAGE", "THETA_IMAGE",
    "ELLIPTICITY", "ELONGATION", "ERRX2_IMAGE", "ERRY2_IMAGE", "ISOAREAF_IMAGE", "FLUX_MAX",
    "FLUX_ISO", "FLUXERR_ISO", "MAG_ISO", "MAGERR_ISO", "FLUX_AUTO", "FLUXERR_AUTO", "MAG_AUTO",
    "MAGERR_AUTO", "FLUX_APER(2)", "FLUXERR_APER(2)", "MAG_APER(2)", "KRON_RADIUS", "FLUX_RADIUS",
    "BACKGROUND", "FLAGS",
)  # fmt: skip
SETTINGS = {
    "DETECT_THRESH": "1.5", "ANALYSIS_THRESH": "1.5", "DETECT_MINAREA": "5", "CLEAN": "N",
    "DEBLEND_MINCONT": "0.005", "PHOT_APERTURES": "5,10", "PHOT_AUTOPARAMS": "2.5,3.5",
    "MAG_ZEROPOINT": "25.0", "GAIN": "0.0", "BACK_SIZE": "64", "SATUR_LEVEL": "1e9",
}  # fmt: skip
#: Differences are absolute where they are of positions, angles, magnitudes and sums of bits.
ABSOLUTE = (
    "X_",
    "Y_",
    "XWIN",
    "YWIN",
    "XM",
    "YM",
    "XP",
    "YP",
    "THETA",
    "MAG",
    "FLAGS",
    "XY_",
    "CXY",
)


def run_both(
    image: np.ndarray,
    folder: Path,
    columns: tuple[str, ...] = (),
    header: Any = None,
    **settings: str,
) -> tuple[Table, QTable]:
    """Return the catalogs of the program and of skyshed, by one configuration.

    ``columns`` are asked for besides `COLUMNS`, ``settings`` go before `SETTINGS`; ``header`` is
    that of the image.
    """
    from astropy.io import fits

    fits.writeto(folder / "image.fits", image, header)
    (folder / "default.conv").write_text("CONV NORM\n1 2 1\n2 4 2\n1 2 1\n")
    (folder / "asked.param").write_text("\n".join((*COLUMNS, *columns)) + "\n")
    config = {
        **SETTINGS, **settings, "CATALOG_TYPE": "FITS_1.0", "CATALOG_NAME": folder / "cat.fits",
        "PARAMETERS_NAME": folder / "asked.param", "FILTER_NAME": folder / "default.conv",
    }  # fmt: skip
    path = folder / "default.sex"
    path.write_text("".join(f"{key} {value}\n" for key, value in config.items()))
    subprocess.run(
        [PROGRAM, str(folder / "image.fits"), "-c", str(path), "-VERBOSE_TYPE", "QUIET"], check=True
    )
    asked = read_config(path)
    found = extract(str(folder / "image.fits"), parameters=asked.parameters, **asked.inputs)
    return Table.read(folder / "cat.fits"), found.table


def compare(theirs: Table, ours: QTable) -> tuple[int, dict[str, tuple[float, float, float]]]:
    """Return how many sources are matched, and of each column three differences.

    They are the median, the 90th percentile of the absolute values, and the share of sources within
    1e-3 of the value (of 1 for columns whose differences are absolute).
    """
    places = [
        np.stack([np.asarray(each[f"{axis}_IMAGE"], float) for axis in "XY"], axis=1)
        for each in (theirs, ours)
    ]
    distance, index = KDTree(places[1]).query(places[0], distance_upper_bound=1.0)
    back = KDTree(places[0]).query(places[1])[1]
    near = np.flatnonzero(np.isfinite(distance))
    near = near[back[index[near]] == near]
    rows = {}
    for name in (each.partition("(")[0] for each in COLUMNS):
        if name in ("NUMBER", "ID_PARENT"):
            continue
        one = np.asarray(theirs[name][near], float)
        other = np.asarray(ours[name][index[near]], float)
        difference = other - one
        if not name.startswith(ABSOLUTE):
            with np.errstate(divide="ignore", invalid="ignore"):
                difference = difference / np.abs(one)
        difference = difference[np.isfinite(difference)]
        rows[name] = (
            float(np.median(difference)),
            float(np.percentile(np.abs(difference), 90)),
            float(np.mean(np.abs(difference) <= 1e-3)),
        )
    return near.size, rows


def main() -> None:
    """Measure, and write the table."""
    if not installed():
        raise SystemExit("source-extractor is not installed (Debian: source-extractor)")
    image = make_survey_image(SHAPE, seed=SEED, **NO_DEFECTS).data
    with tempfile.TemporaryDirectory() as folder:
        theirs, ours = run_both(image, Path(folder))
    n, rows = compare(theirs, ours)
    lines = [
        "# Columns under SExtractor's names beside its own",
        "",
        f"`python -m benchmarks.sextractor_agreement`: simulated field of {SHAPE[0]} x {SHAPE[1]}",
        f"pixels (seed {SEED}). SExtractor found {len(theirs)} sources, skyshed {len(ours)}, "
        f"{n} are the same within a pixel.",
        "Differences are skyshed less SExtractor, of the value, or of 1 where that is said.",
        "",
        "| column | difference of | median | 90 % within | share within 0.001 |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, (median, most, share) in rows.items():
        of = "1" if name.startswith(ABSOLUTE) else "the value"
        lines.append(f"| {name} | {of} | {median:+.1e} | {most:.1e} | {share:.1%} |")
    text = "\n".join(lines) + "\n"
    RESULT.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
