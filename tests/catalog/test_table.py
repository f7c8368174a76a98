"""The catalog as a table."""

import pickle
import sys
import warnings
from types import ModuleType

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.table import QTable, Table, vstack

import skyshed.catalog as module
from skyshed import SegmentationImage, SourceCatalog
from skyshed.catalog.registry import COLUMNS

GUIDE = [
    "label", "xcentroid", "ycentroid", "sky_centroid", "bbox_xmin", "bbox_xmax", "bbox_ymin",
    "bbox_ymax", "area", "semimajor_sigma", "semiminor_sigma", "orientation", "eccentricity",
    "flags", "min_value", "max_value", "local_background", "segment_flux", "segment_fluxerr",
    "kron_flux", "kron_fluxerr",
]  # fmt: skip

#: Those of them that photutils 3 calls otherwise.
PAIRS = {"xcentroid": "x_centroid", "ycentroid": "y_centroid", "semimajor_sigma": "semimajor_axis",
         "semiminor_sigma": "semiminor_axis", "segment_fluxerr": "segment_flux_err",
         "kron_fluxerr": "kron_flux_err"}  # fmt: skip


def test_the_default_columns_are_the_guides(catalog_of):
    table = catalog_of("full").to_table()
    assert isinstance(table, QTable)
    assert table.colnames == GUIDE
    assert len(table) == 26
    assert isinstance(table["sky_centroid"], SkyCoord)
    assert table["area"].unit == u.pix**2
    assert table["orientation"].unit == u.deg


def test_columns_have_the_names_asked_for_and_their_values(catalog_of):
    catalog = catalog_of("full")
    table = catalog.to_table(columns=["label", "x_centroid", "xcentroid", "moments", "bbox"])
    assert table.colnames == ["label", "x_centroid", "xcentroid", "moments", "bbox"]
    np.testing.assert_array_equal(table["x_centroid"], catalog.xcentroid)
    np.testing.assert_array_equal(table["moments"], catalog.moments)
    assert list(table["bbox"]) == catalog.bbox
    assert catalog.to_table(columns="area").colnames == ["area"]


@pytest.fixture
def table(catalog_of):
    """A table of the default columns, under the guide's names."""
    return catalog_of("full").to_table()


def test_columns_are_found_under_either_name(table, catalog_of):
    for name, other in PAIRS.items():
        np.testing.assert_array_equal(table[other], table[name])
        assert table[5][other] == table[5][name] or np.isnan(table[5][name])
        assert other in table
    assert "gini" not in table
    assert table["label", "x_centroid"].colnames == ["label", "xcentroid"]
    assert table[3]["label", "x_centroid"]["xcentroid"] == table["xcentroid"][3]
    assert [row["y_centroid"] for row in table[:3]] == table["ycentroid"][:3].tolist()
    for missing in ("gini", "xcentriod", "n_labels"):
        with pytest.raises(KeyError, match=missing):
            table[missing]
        with pytest.raises(KeyError, match=missing):
            table[0][missing]
    new = catalog_of("full").to_table(["label", "x_centroid", "label"])
    assert new.colnames == ["label", "x_centroid"]
    np.testing.assert_array_equal(new["xcentroid"], table["x_centroid"])


def test_columns_are_changed_under_either_name(table):
    n_columns = len(table.columns)
    table["x_centroid"] = np.arange(26)
    np.testing.assert_array_equal(table["xcentroid"], np.arange(26))
    table["x_centroid"] += 1
    table[0]["x_centroid"] = 99
    assert table["xcentroid"][0] == 99
    table["y_centroid"][1] = 7
    assert table["ycentroid"][1] == 7
    table.replace_column("y_centroid", -np.arange(26))
    table.sort(keys="y_centroid")
    np.testing.assert_array_equal(table["ycentroid"], np.arange(-25, 1))
    assert table.argsort(["x_centroid"])[-1] == 25
    assert len(table.columns) == n_columns
    table.rename_column("segment_flux_err", "error")
    table.remove_columns(["kron_flux_err", "kron_flux"])
    table.remove_column(name="semimajor_axis")
    del table["semiminor_axis"]
    assert len(table.columns) == n_columns - 4
    assert "segment_fluxerr" not in table
    assert "semimajor_sigma" not in table
    table.keep_columns(["x_centroid", "error"])
    assert table.colnames == ["xcentroid", "error"]
    table["segment_fluxerr"] = 1.0
    assert table.colnames == ["xcentroid", "error", "segment_fluxerr"]


def test_tables_made_of_a_table_find_both_names_too(table):
    for other in (
        table.copy(),
        table[:4],
        pickle.loads(pickle.dumps(table)),
        vstack([table, table]),
    ):
        np.testing.assert_array_equal(other["x_centroid"][:4], table["xcentroid"][:4])
    grouped = table["label", "xcentroid", "flags"].group_by("flags")
    np.testing.assert_array_equal(grouped["x_centroid"], grouped["xcentroid"])


def test_every_property_but_the_cutouts_fits_a_table(catalog_of):
    catalog = catalog_of("full")
    images = {f"{n}{m}" for n in ("data", "error", "background", "convdata", "segment")
              for m in ("", "_ma")}  # fmt: skip
    images |= {f"{n}_cutout{m}" for n in ("data", "error", "background", "conv_data", "segment")
               for m in ("", "_masked")}  # fmt: skip
    names = [name for name in catalog.properties if name not in images]
    assert len(names) == len(catalog.properties) - 20
    assert len(catalog.to_table(columns=names)) == 26
    with pytest.raises(
        ValueError, match=r"Invalid column name in columns: \['data_ma'\]. No table"
    ):
        catalog.to_table(columns=["label", "data_ma"])


def test_unknown_columns_are_named_with_what_was_meant(catalog_of):
    with pytest.raises(ValueError, match=r"\['xcentriod'\].*did you mean xcentroid"):
        catalog_of("full").to_table(columns=["label", "xcentriod"])
    with pytest.raises(ValueError, match=r"Invalid column name in columns: \['_count'\]"):
        catalog_of("full").to_table(columns=["_count"])


def test_the_meta_say_the_parameters_versions_and_date(catalog_of):
    import skyshed

    meta = catalog_of("local").to_table(columns="label").meta
    assert meta["localbkg_width"] == 24
    assert meta["apermask_method"] == meta["aperture_mask_method"] == "correct"
    assert meta["local_bkg_width"] == 24
    assert meta["kron_params"] == (2.5, 1.4, 0.0)
    assert meta["version"]["skyshed"] == skyshed.__version__
    assert meta["version"]["numpy"] == np.__version__
    assert set(meta["version"]) == {"Python", "skyshed", "astropy", "numpy", "scipy"}
    assert meta["date"][:2] == "20"


@pytest.fixture(params=["3.0", "3.1"])
def new_names_alone(request, monkeypatch):
    """Ask photutils for its new names alone, as either release is asked."""
    photutils = ModuleType("photutils")
    photutils.future_column_names = request.param == "3.0"
    monkeypatch.setitem(sys.modules, "photutils", photutils)
    if request.param == "3.1":
        switch = ModuleType("photutils._future_column_names")
        switch.get_future_column_names = lambda: True
        monkeypatch.setitem(sys.modules, switch.__name__, switch)


@pytest.mark.usefixtures("new_names_alone")
def test_tables_have_new_names_alone_where_a_program_asked_photutils_for_them(make_case):
    table = make_case("local").to_table()
    assert table.colnames == [PAIRS.get(name, name) for name in GUIDE]
    assert set(table.meta) == {
        "date", "version", "local_bkg_width", "aperture_mask_method", "kron_params",
    }  # fmt: skip
    assert table.meta["local_bkg_width"] == 24


@pytest.mark.usefixtures("new_names_alone")
def test_whatever_name_is_asked_for_the_column_has_the_new_one(make_case):
    # jwst asks for photutils 3.0's DEFAULT_COLUMNS and names of its own.
    catalog = make_case("local")
    asked = ["label", "segment_fluxerr", "x_centroid", "xcentroid", "covar_sigx2"]
    table = catalog.to_table(columns=asked)
    assert table.colnames == ["label", "segment_flux_err", "x_centroid", "covariance_xx"]
    assert catalog.to_table(columns="semimajor_sigma").colnames == ["semimajor_axis"]
    np.testing.assert_array_equal(table["x_centroid"], catalog.xcentroid)
    np.testing.assert_array_equal(table["segment_fluxerr"], catalog.segment_fluxerr)
    catalog.circular_photometry(3.0, name="circ")
    assert catalog.to_table(columns="circ_fluxerr").colnames == ["circ_flux_err"]


def test_a_program_that_imports_photutils_has_not_asked_for_new_names(make_case, monkeypatch):
    import photutils

    assert not photutils.future_column_names
    assert make_case("plain").to_table().colnames == GUIDE
    for name in ("photutils", "photutils._future_column_names"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    assert make_case("plain").to_table().colnames == GUIDE


def test_the_default_columns_of_photutils_3_0_are_a_list_of_ones_own(make_case):
    catalog = make_case("plain")
    columns = module.DEFAULT_COLUMNS
    assert columns == [name for name in catalog.default_columns if name != "flags"]
    assert catalog.to_table(columns).colnames == columns
    columns.append("gini")
    assert "gini" not in module.DEFAULT_COLUMNS
    with pytest.raises(AttributeError, match=r"'skyshed.catalog' has no attribute 'OTHER'"):
        module.OTHER  # noqa: B018


def test_inertia_tensors_are_in_tables_though_no_property_is_listed(catalog_of):
    catalog = catalog_of("units")
    table = catalog.to_table(columns="inertia_tensor")
    moments = catalog.moments_central
    assert table["inertia_tensor"].unit == u.pix**2
    np.testing.assert_array_equal(table["inertia_tensor"][:, 0, 0].value, moments[:, 0, 2])
    np.testing.assert_array_equal(table["inertia_tensor"][:, 0, 1].value, -moments[:, 1, 1])


def test_columns_carry_their_descriptions(catalog_of):
    table = catalog_of("full").to_table()
    for name in set(GUIDE) - {"label"}:
        assert table[name].info.description == COLUMNS[name][0].description


def test_changing_a_table_does_not_change_the_catalog(catalog_of):
    catalog = catalog_of("full")
    before = catalog.xcentroid.copy()
    table = catalog.to_table()
    table["xcentroid"] += 1
    table["area"] *= 2
    table.meta["version"] = None
    np.testing.assert_array_equal(catalog.xcentroid, before)
    assert catalog.meta["version"] is not None


def test_default_columns_can_be_chosen(make_case):
    catalog = make_case("plain")
    catalog.default_columns = ["label", "gini"]
    assert catalog.to_table().colnames == ["label", "gini"]
    assert catalog[:4].to_table().colnames == ["label", "gini"]


def test_a_table_survives_a_file(catalog_of, tmp_path):
    catalog = catalog_of("units")
    names = [name for name in GUIDE if name != "sky_centroid"]
    catalog.to_table(columns=names).write(tmp_path / "catalog.ecsv")
    back = QTable.read(tmp_path / "catalog.ecsv")
    np.testing.assert_array_equal(back["segment_flux"], catalog.segment_flux)
    assert back["segment_flux"].unit == u.Jy
    assert back["area"].info.description == COLUMNS["area"][0].description


@pytest.mark.parametrize("format", ["fits", "ascii.ecsv", "votable", "parquet"])
def test_a_table_without_positions_on_the_sky_can_be_written(tmp_path, format):
    data = np.zeros((9, 9))
    data[3:6, 3:6] = 5.0
    table = SourceCatalog(data, SegmentationImage((data > 0).astype(int))).to_table()
    assert table["sky_centroid"][0] is None  # as photutils has it
    path = tmp_path / "cat.file"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what of a table's metadata a format leaves out
        table.write(path, format=format)
    if format != "parquet":  # which astropy reads by pandas
        back = Table.read(path, format=format)
        assert back.colnames == [name for name in table.colnames if name != "sky_centroid"]
        assert back["kron_flux"][0] == table["kron_flux"][0]
    assert "sky_centroid" in table.colnames
    table.write.list_formats()
