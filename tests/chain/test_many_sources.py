"""Tables of many sources are measured and written some at a time: the files are the same."""

import numpy as np
import pytest

from skyshed import extract
from skyshed.chain import whole
from tests.pipeline_field import make_wcs

WRITTEN = ("catalog.fits", "kron.reg", "segmentation.fits")


@pytest.mark.parametrize("quality", [False, True])
def test_files_do_not_depend_on_how_many_sources_are_measured_at_a_time(
    tmp_path, monkeypatch, quality
):
    rng = np.random.default_rng(2)
    image = rng.normal(10, 1, (400, 400)).astype(np.float32)
    image[2::9, 2::9] += 60
    image[100:200, 100:200] += rng.uniform(0, 90, (100, 100))
    bits = rng.integers(0, 8, image.shape, dtype=np.int16) if quality else None
    files = []
    for some in (10**6, 37):
        monkeypatch.setattr(whole, "AT_A_TIME", some)
        found = extract(
            image, wcs=make_wcs(), quality=bits, columns=("all", "derived"), n_threads=1
        )
        assert len(found.segmentation.labels) > 1000
        found.record.clear()  # which says when
        folder = tmp_path / str(some)
        found.write(folder, regions=True, preview=False)
        files.append([(folder / name).read_bytes() for name in WRITTEN])
        # All at once, as one asks for them in memory.
        assert len(found.table) == len(found.plain_table)
    assert files[0] == files[1]


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
