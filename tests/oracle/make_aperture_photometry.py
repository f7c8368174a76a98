"""Write photutils 3.1.1's sums and statistics in apertures; see tests/README.md.

    python3.12 tests/oracle/make_aperture_photometry.py

Images are drawn as `tests.aperture.scene` draws them; only answers are stored.
"""

import sys
from pathlib import Path

import numpy as np
import photutils.aperture
from astropy.stats import SigmaClip
from photutils.segmentation import SegmentationImage

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.aperture.scene import CASES, CLIPS, STATISTICS, Scene, aperture_of, case_name


def main() -> None:
    """Measure each case of the scene."""
    scene = Scene()
    segments = SegmentationImage(scene.labels.astype(np.int32))
    stored = {}
    for case in CASES:
        aperture = aperture_of(photutils.aperture, case.shape, scene.positions)
        keywords = scene.keywords(case, segments)
        found = photutils.aperture.AperturePhotometry(
            scene.image(case), aperture, method=case.method, subpixels=case.subpixels, **keywords
        )
        table = [found.flux, found.flux_err, found.area.value, found.flags]
        stored[case_name(case)] = np.array(table)
        for clip, arguments in CLIPS.items() if case.statistics else ():
            stats = photutils.aperture.ApertureStats(
                scene.image(case), aperture, sum_method=case.method, subpixels=case.subpixels,
                sigma_clip=None if arguments is None else SigmaClip(**arguments),
                local_bkg=scene.background, ddof=case.ddof, **keywords,
            )  # fmt: skip
            columns = [np.asarray(getattr(stats, name), float) for name in STATISTICS]
            stored[f"{case_name(case)} {clip}"] = np.array(columns)
    path = Path(__file__).with_name("aperture_photometry.npz")
    np.savez_compressed(path, version=photutils.__version__, **stored)


if __name__ == "__main__":
    main()
