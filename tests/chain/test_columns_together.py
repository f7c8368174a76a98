"""Columns of every kind in one list: the catalog's own, those of a run, and SExtractor's."""

import numpy as np
import pytest

from skyshed import Parameters, extract
from skyshed.datasets import make_survey_image
from tests.mosaic.fields import by_tiles
from tests.pipeline_field import make_wcs, same_tables

OPTIONS = {
    "wcs": make_wcs(), "box_size": 50, "aperture_radii": (3.0,), "aperture_correction": True,
    "zero_point": 25.0,
}  # fmt: skip
MIXED = (
    "aperture_3_total_flux", "NUMBER", "name", "FLUX_APER", "kron_mag", "total_flux", "MAG_AUTO",
    "gini",
)  # fmt: skip


@pytest.fixture(scope="module")
def field():
    return make_survey_image((300, 400), seed=3, star_fraction=0.5, psf_fwhm=2.8).data


def test_a_list_of_names_is_what_the_table_has_in_that_order(field):
    table = extract(field, columns=MIXED, **OPTIONS).table
    assert tuple(table.colnames) == MIXED
    every = extract(field, columns=("all",), **OPTIONS).table
    same = {"NUMBER": "label", "FLUX_APER": "aperture_3_flux", "MAG_AUTO": "kron_mag"}
    for name in MIXED:
        expected = np.asarray(every[same.get(name, name)])
        if name == "MAG_AUTO":
            expected = np.where(np.isnan(expected), 99, expected)
        np.testing.assert_array_equal(np.asarray(table[name]), expected)
    assert np.isfinite(table["total_flux"]).any()
    assert same_tables(by_tiles(field, (100, 150), columns=MIXED, **OPTIONS).table, table)


def test_columns_under_other_names_say_what_they_are(field):
    options = {**OPTIONS, "columns": ("NUMBER", "X_IMAGE", "ERRX2_IMAGE", "FLUX_AUTO", "MAG_APER")}
    table = extract(field, **options).table
    assert [table[name].info.meta["ucd"] for name in table.colnames] == [
        "meta.id", "pos.cartesian.x;instr.pixel", "stat.variance;pos.cartesian.x", "phot.flux",
        "phot.mag",
    ]  # fmt: skip


def test_apertures_of_sextractor_are_centred_where_the_parameters_say(field):
    options = {"box_size": 50, "aperture_center": "centroid_win"}
    theirs = extract(field, columns=("FLUX_APER",), **options).table["FLUX_APER"]
    ours = extract(field, columns=("aperture_2p5_flux",), aperture_radii=(2.5,), **options).table
    np.testing.assert_array_equal(theirs, ours["aperture_2p5_flux"])
    isophotal = extract(field, columns=("FLUX_APER",), box_size=50).table["FLUX_APER"]
    assert (theirs != isophotal).any()
    assert same_tables(
        by_tiles(field, (100, 150), columns=("FLUX_APER",), **options).table,
        extract(field, columns=("FLUX_APER",), **options).table,
    )


def test_an_empty_list_of_columns_is_refused():
    with pytest.raises(ValueError, match="columns must name at least one column"):
        Parameters(columns=())
