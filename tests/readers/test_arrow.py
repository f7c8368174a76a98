"""pyarrow reads Parquet with what fields are; SQL engines and data frames read it and CSV.

Those that are not installed are skipped; `ci/readers` installs all.
"""

import io
import warnings

import numpy as np
import pytest
from astropy.io import votable
from pyarrow import parquet

FORMATS = ["parquet", "csv"]


def same(column, values):
    """Compare a column as a list."""
    if values.dtype.kind == "U":
        assert list(column) == values.tolist()
    else:
        np.testing.assert_array_equal(np.asarray(column, values.dtype), values)


def test_fields_say_what_they_are(catalogs, expected):
    table = parquet.read_table(catalogs["parquet"])
    assert not [name for name in table.column_names if "." in name]
    for name, (values, unit, description, ucd) in expected.items():
        said = {"unit": unit, "description": description, "ucd": ucd}
        said = {key.encode(): text.encode() for key, text in said.items() if text}
        assert table.schema.field(name).metadata == said
        same(table[name].to_pylist(), values)


def test_the_votable_of_parquet_has_its_fields(catalogs, expected):
    schema = parquet.read_schema(catalogs["parquet"])
    assert schema.metadata[b"IVOA.VOTable-Parquet.version"] == b"1.0"
    content = schema.metadata[b"IVOA.VOTable-Parquet.content"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = votable.parse(io.BytesIO(content), verify="exception").get_first_table()
    assert [field.name for field in table.fields] == schema.names
    fields = {field.name: field for field in table.fields}
    for name, (_, unit, description, ucd) in expected.items():
        assert (str(fields[name].unit or ""), fields[name].ucd) == (unit, ucd)
        assert " ".join(fields[name].description.split()) == description


@pytest.mark.parametrize("format", FORMATS)
def test_pandas(catalogs, expected, format):
    pandas = pytest.importorskip("pandas")
    frame = getattr(pandas, f"read_{format}")(catalogs[format])
    for name, (values, *_) in expected.items():
        same(frame[name], values)


@pytest.mark.parametrize("format", FORMATS)
def test_polars(catalogs, expected, format):
    polars = pytest.importorskip("polars")
    frame = getattr(polars, f"read_{format}")(catalogs[format])
    for name, (values, *_) in expected.items():
        same(frame[name].to_list(), values)


@pytest.mark.parametrize("format", FORMATS)
def test_duckdb(catalogs, expected, format):
    duckdb = pytest.importorskip("duckdb")
    names = ", ".join(expected)
    rows = duckdb.sql(f"select {names}, sky_centroid_ra from '{catalogs[format]}'").fetchall()
    columns = dict(zip([*expected, "sky_centroid_ra"], zip(*rows, strict=True), strict=True))
    for name, (values, *_) in expected.items():
        same(columns[name], values)
    assert columns["sky_centroid_ra"] == columns["ra"]


def test_lsdb(catalogs, found):
    lsdb, pandas = pytest.importorskip("lsdb"), pytest.importorskip("pandas")
    catalog = lsdb.from_dataframe(pandas.read_parquet(catalogs["parquet"]))  # told no names
    sky = found.table["sky_centroid"][0]
    near = catalog.cone_search(sky.ra.deg, sky.dec.deg, 1).compute()
    separations = found.table["sky_centroid"].separation(sky).arcsec
    assert sorted(near["label"]) == found.table["label"][separations < 1].tolist()
    pair = catalog.crossmatch(catalog, radius_arcsec=0.1, suffixes=("_1", "_2")).compute()
    assert (pair["label_1"] == pair["label_2"]).all()
    assert len(pair) == len(found.table)
