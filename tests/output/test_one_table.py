"""One catalog of several images: the rows of all, and where each is from."""

import astropy.units as u
import numpy as np
import pytest
from astropy.table import QTable

from skyshed import Parameters
from skyshed.output.catalogs import read_catalog
from skyshed.output.one_table import OneTable


def rows(n, unit=u.nJy):
    labels = np.arange(1, n + 1)
    names = np.array([f"J{k}" for k in labels], "U2")
    return QTable({"label": labels, "flux": labels * 1.5 * unit, "name": names})


@pytest.mark.parametrize("format", ["fits", "ecsv", "parquet"])
def test_rows_are_those_of_all_images_in_their_order(tmp_path, format):
    names = ["a.fits", "empty.fits", "long-b.fits[SCI]"]
    together = OneTable(tmp_path, names, format)
    for name, n, hdu, of_hdu in zip(names, (2, 0, 3), (0, None, 1), ("0", "", "SCI"), strict=True):
        together.add(rows(n), name, hdu, of_hdu)
    paths = together.finish(Parameters(nsigma=4), {"input": "3 images"})
    assert [path.name for path in paths] == [f"catalog.{format}", "parameters.toml"]
    table = read_catalog(paths[0])
    assert table.colnames == ["image", "hdu", "hdu_name", "label", "flux", "name"]
    assert table["image"].tolist() == [names[0]] * 2 + [names[2]] * 3
    assert table["hdu"].tolist() == [0, 0, 1, 1, 1]
    assert table["hdu_name"].tolist() == ["0", "0", "SCI", "SCI", "SCI"]
    assert table["label"].tolist() == [1, 2, 1, 2, 3]
    assert table["flux"].unit == u.nJy
    assert table.meta["parameters"]["nsigma"] == 4
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(p.name for p in paths)


def test_images_without_sources_give_a_table_without_rows(tmp_path):
    together = OneTable(tmp_path, ["a.fits", "b.fits"])
    together.add(rows(0), "a.fits", 0)
    together.add(rows(0), "b.fits", 0)
    table = read_catalog(together.finish(Parameters(), {})[0])
    assert len(table) == 0
    assert table.colnames[:4] == ["image", "hdu", "hdu_name", "label"]


def test_an_image_with_other_columns_is_refused_and_the_others_stay(tmp_path):
    together = OneTable(tmp_path, ["a.fits", "b.fits", "c.fits"])
    together.add(rows(2), "a.fits", 0)
    with pytest.raises(ValueError, match=r"not those of the first image.*units"):
        together.add(rows(1, u.mJy), "b.fits", 0)
    together.add(rows(1), "c.fits", None)
    table = read_catalog(together.finish(Parameters(), {})[0])
    assert table["image"].tolist() == ["a.fits", "a.fits", "c.fits"]
    assert table["hdu"].tolist() == [0, 0, -1]


def test_nothing_is_written_without_an_image_and_nothing_is_left(tmp_path):
    assert OneTable(tmp_path, ["a.fits"]).finish(Parameters(), {}) == []
    assert list(tmp_path.iterdir()) == []


def test_catalogs_in_other_formats_are_removed(tmp_path):
    (tmp_path / "catalog.ecsv").touch()
    together = OneTable(tmp_path, ["a.fits"])
    together.add(rows(1), "a.fits", 0)
    together.finish(Parameters(), {})
    assert not (tmp_path / "catalog.ecsv").exists()


def test_names_that_fits_cannot_hold_are_spelled_in_ascii(tmp_path):
    together = OneTable(tmp_path, ["é.fits"])
    together.add(rows(1), "é.fits", 0)
    assert read_catalog(together.finish(Parameters(), {})[0])["image"].tolist() == ["\\xe9.fits"]
