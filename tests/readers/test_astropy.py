"""astropy reads every format by its own readers, with units and what columns are."""

import warnings

import numpy as np
import pytest
import yaml
from astropy.io import fits, votable
from astropy.table import QTable, Table
from astropy.wcs import WCS

from skyshed import extract
from skyshed.flags import SEGMENTATION_FLAGS
from skyshed.output.catalogs import read_catalog
from tests.pipeline_field import make_field, make_wcs


def same(table, expected, described=True):
    """Compare the columns that every reader is asked for."""
    for name, (values, unit, description, _) in expected.items():
        found = table[name]
        assert str(getattr(found, "unit", None) or "") == unit
        if described:
            assert " ".join(found.info.description.split()) == description  # XML breaks lines
        theirs = np.asarray(getattr(found, "value", found))
        if values.dtype.kind == "U":
            assert theirs.astype(str).tolist() == values.tolist()
        else:
            np.testing.assert_array_equal(theirs, values)


def test_fits_has_everything(catalogs, expected):
    same(QTable.read(catalogs["fits"], hdu="CATALOG"), expected)
    header = fits.getheader(catalogs["fits"], "CATALOG")
    names = {header[f"TTYPE{n}"]: n for n in range(1, header["TFIELDS"] + 1)}
    for name, (_, _, description, ucd) in expected.items():
        assert header[f"TCOMM{names[name]}"] == description
        assert header[f"TUCD{names[name]}"] == ucd
    # Every column that the file has, those of coordinates too.
    assert all(f"TUCD{n}" in header and f"TCOMM{n}" in header for n in names.values())


def test_ecsv_is_a_plain_table_with_units(catalogs, expected):
    table = QTable.read(catalogs["ecsv"], format="ascii.ecsv")
    same(table, expected)
    assert table["ra"].info.meta["ucd"] == "pos.eq.ra;meta.main"
    head = [line[2:] for line in catalogs["ecsv"].read_text().splitlines() if line[:2] == "# "]
    yaml.safe_load("\n".join(head[1:]))  # which refuses tags of Python's objects


def test_votable_is_valid_and_has_everything(catalogs, expected):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        content = votable.parse(catalogs["votable"], verify="exception").get_first_table()
    same(content.to_table(use_names_over_ids=True), expected)
    fields = {field.name: field for field in content.fields}
    for name, (_, _, _, ucd) in expected.items():
        assert fields[name].ucd == ucd
    assert fields["ra"].ref == "icrs"


def test_csv_has_the_numbers(catalogs, expected):
    table = Table.read(catalogs["csv"], format="ascii.csv")
    for name, (values, *_) in expected.items():
        np.testing.assert_array_equal(np.asarray(table[name], values.dtype), values)


def test_ldac_has_the_header_of_the_image_and_the_names_of_sourceextractor(catalogs, found):
    with fits.open(catalogs["ldac"]) as hdus:
        assert [hdu.name for hdu in hdus][:3] == ["PRIMARY", "LDAC_IMHEAD", "LDAC_OBJECTS"]
        hdus.verify("exception")
        text = "".join(np.ravel(hdus["LDAC_IMHEAD"].data[0][0]).tolist())
        objects = Table(hdus["LDAC_OBJECTS"].data)
    # FITS takes blanks at the ends of texts away.
    cards = [card.ljust(80) for card in np.ravel(fits.getdata(catalogs["ldac"], 1)[0][0])]
    header = fits.Header.fromstring("".join(cards))
    assert text.startswith("SIMPLE")
    assert (header["NAXIS2"], header["NAXIS1"]) == found.shape
    sky, expected = WCS(header).pixel_to_world(5, 9), make_wcs().pixel_to_world(5, 9)
    assert sky.separation(expected).arcsec < 1e-6
    table = found.table
    np.testing.assert_array_equal(objects["X_IMAGE"], table["xcentroid"] + 1)
    np.testing.assert_array_equal(objects["ALPHA_J2000"], table["ra"].value)
    np.testing.assert_array_equal(objects["FLUXERR_AUTO"], table["kron_fluxerr"].value)
    np.testing.assert_array_equal(objects["MAG_AUTO"], table["kron_abmag"].value)
    deblended = (table["flags"] & SEGMENTATION_FLAGS.DEBLENDED) != 0
    assert deblended.any()
    assert np.array_equal((objects["FLAGS"] & 2) != 0, deblended)
    assert objects["FLAGS"].max() < 128  # what SCAMP takes for good or bad
    same = extract(make_field(), columns=("FLAGS",)).table["FLAGS"]
    np.testing.assert_array_equal(objects["FLAGS"], same)


def test_ldac_keeps_what_was_asked_for_under_names_of_sourceextractor(tmp_path):
    columns = ("NUMBER", "X_IMAGE", "label", "xcentroid", "FLAGS")
    found = extract(make_field(), columns=columns, zero_point=25.0)
    found.write(tmp_path, "ldac", preview=False)
    table = read_catalog(tmp_path / "catalog.ldac")
    assert set(table.colnames) == set(columns)
    for name in columns:
        np.testing.assert_array_equal(np.asarray(table[name]), np.asarray(found.table[name]))


def test_parquet_has_its_votable(catalogs, expected):
    pytest.importorskip("pandas", reason="astropy reads Parquet by pandas")
    same(Table.read(catalogs["parquet"], format="parquet.votable"), expected)
