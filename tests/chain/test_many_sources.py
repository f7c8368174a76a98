"""Tables of many sources are measured and written some at a time: the files are the same."""

import numpy as np
import pytest

from skyshed import extract
from skyshed.chain import whole
from skyshed.chain.association import Association
from tests.pipeline_field import make_wcs

WRITTEN = ("catalog.fits", "kron.reg", "segmentation.fits")


def options_of(name, image):
    """Return options of `extract` that have columns of their own, or other catalogs."""
    rng = np.random.default_rng(3)
    if name == "a quality plane":
        return {"quality": rng.integers(0, 8, image.shape, dtype=np.int16)}
    if name == "a detection image":
        return {"detection_image": image + rng.normal(0, 1, image.shape).astype(np.float32)}
    if name == "a list":
        x, y = rng.uniform(0, len(image), (2, 3000))
        near = Association(x, y, rng.uniform(1, 9, (3000, 2)), radius=3, kind="mag_mean")
        return {"association": near}
    if name == "fluxes and magnitudes":
        return {"zero_point": 25.0, "zero_point_system": "AB", "effective_gain": 2.0}
    return {}


@pytest.mark.parametrize(
    "name",
    [
        "nothing", "a quality plane", "a detection image", "a list", "fluxes and magnitudes",
    ],
)  # fmt: skip
def test_files_do_not_depend_on_how_many_sources_are_measured_at_a_time(
    tmp_path, monkeypatch, name
):
    rng = np.random.default_rng(2)
    image = rng.normal(10, 1, (400, 400)).astype(np.float32)
    image[2::9, 2::9] += 60
    image[100:200, 100:200] += rng.uniform(0, 90, (100, 100))
    options = {"wcs": make_wcs(), "columns": ("all", "derived"), "n_threads": 1}
    files = []
    for some in (10**6, 237, "all but one"):
        found = extract(image, **options, **options_of(name, image))
        n = len(found.segmentation.labels)
        assert n > 1000
        monkeypatch.setattr(whole, "AT_A_TIME", n - 1 if some == "all but one" else some)
        found.record.clear()  # which says when
        folder = tmp_path / str(some)
        found.write(folder, regions=True, preview=False)
        files.append([(folder / name).read_bytes() for name in WRITTEN])
        # All at once, as one asks for them in memory.
        assert len(found.table) == len(found.plain_table)
    assert files[0] == files[1] == files[2]


def test_no_more_sources_are_measured_at_a_time(monkeypatch, tmp_path):
    image = np.random.default_rng(2).normal(10, 1, (200, 200))
    image[2::9, 2::9] += 60
    found, seen = extract(image, nsigma=20, npixels=1, kernel_fwhm=0, n_threads=1), []
    table = whole.plain_table
    monkeypatch.setattr(whole, "AT_A_TIME", 50)
    monkeypatch.setattr(
        whole, "plain_table", lambda catalog, *a: seen.append(len(catalog)) or table(catalog, *a)
    )
    found.write(tmp_path, preview=False)
    assert sum(seen) == len(found.segmentation.labels) > 400
    assert max(seen) == 50
