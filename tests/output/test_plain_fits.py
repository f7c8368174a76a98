"""Tables that are written without astropy's writer are, byte for byte, those that it writes."""

import io

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Column, QTable, Table
from hypothesis import given, settings
from hypothesis import strategies as st

from skyshed.catalog.registry import public_columns
from skyshed.chain.columns import make_table, plain_table
from skyshed.images.photometry import Calibration
from skyshed.output.fits_cards import rows_of_texts, table_bytes
from skyshed.output.fits_tables import extension_bytes, with_units
from skyshed.output.plain_fits import stored_as
from skyshed.output.table_parts import from_plain, to_plain

TEXTS = st.text(st.characters(codec="ascii", exclude_categories=("Cc",)), max_size=400)


def astropys(plain):
    """Return what astropy makes of a table: dtype of a row, names, header."""
    table = with_units(from_plain(plain[:1]), "CATALOG")
    content = io.BytesIO()
    table.write(content, format="fits")
    with fits.open(io.BytesIO(content.getvalue())) as hdus:
        hdu = hdus["CATALOG"]
        where, columns = hdu.fileinfo(), hdu.columns
        header = content.getvalue()[where["hdrLoc"] : where["datLoc"]]
        return columns.dtype.newbyteorder(">"), tuple(columns.names), header


@pytest.mark.parametrize("which", ["rich", "plain"])
def test_the_usual_catalog_is_known(request, which):
    plain = to_plain(request.getfixturevalue(which).table)
    assert stored_as(plain[:1], "CATALOG") == astropys(plain)


def test_the_columns_that_are_known_are_those_of_astropy(every):
    known = [name for name in every.colnames if stored_as(to_plain(every[[name]])[:1], "CATALOG")]
    assert len(known) > 60
    for name in known:
        plain = to_plain(every[[name]])
        assert stored_as(plain[:1], "CATALOG") == astropys(plain)
    one_sky = [name for name in known if not isinstance(every[name], SkyCoord)] + ["sky_centroid"]
    plain = to_plain(every[one_sky])
    assert stored_as(plain[:1], "CATALOG") == astropys(plain)


@pytest.mark.parametrize("column", public_columns(), ids=lambda column: column.name)
def test_every_description_is_known(column):
    table = QTable({column.name: Column([1.0], description=column.description)})
    plain = to_plain(table)
    assert stored_as(plain, "CATALOG") == astropys(plain)


@given(texts=st.lists(TEXTS.filter(bool), min_size=1, max_size=4), is_unit=st.booleans())
@settings(max_examples=300)
def test_any_description_is_that_of_astropy_or_left_to_it(texts, is_unit):
    columns = {f"c{n}": Column([n], description=text) for n, text in enumerate(texts)}
    if is_unit:
        columns["flux"] = u.Quantity([1.0], "Jy")
        columns["flux"].info.description = texts[0]
    plain = to_plain(QTable(columns))
    assert stored_as(plain, "CATALOG") in (None, astropys(plain))


@given(
    kinds=st.lists(st.sampled_from(["i2", "i4", "i8", "f4", "f8", "?", "u1", "U1", "U7"])),
    units=st.lists(
        st.sampled_from(["", "pix", "pix2", "Jy / beam", "uJy", "1e-9 Jy", "mag", "1 / pix2"]),
        min_size=1,
    ),
)
@settings(max_examples=100)
def test_any_columns_are_those_of_astropy(kinds, units):
    columns = {f"plain{n}": np.ones(2, kind) for n, kind in enumerate(kinds)}
    for number, unit in enumerate(units):
        columns[f"flux{number}"] = np.ones(2) << u.Unit(unit)
    columns["sky"] = SkyCoord([1, 2], [3, 4], unit="deg")
    plain = to_plain(QTable(columns))
    assert stored_as(plain, "CATALOG") == astropys(plain)


@pytest.mark.parametrize(
    "values",
    [
        np.ones(1, "u2"), np.ones(1, "i1"), np.ones((1, 2)), np.ones(1) << u.Unit("DN"),
        SkyCoord([1], [2], unit="deg", frame="fk5"), SkyCoord([1], [2], [3], unit="deg,deg,pc"),
        SkyCoord([1], [2], unit="deg", obstime="J2015"), Column([1.0], format=".3f"),
        Column([1.0], meta={"note": "odd"}), np.ones(1, "c8"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_left_to_astropy(values):
    table = QTable({"label": [1]})
    table["odd"] = values
    assert stored_as(to_plain(table), "CATALOG") is None


@pytest.mark.parametrize("which", ["rich", "plain"])
def test_columns_that_never_were_a_table_are_those_of_the_table(request, which):
    found = request.getfixturevalue(which)
    parameters = found.parameters.replace(
        fluxfrac_radii=(0.5, 0.9), aperture_radii=(3.0, 2.5), designation="A Jhhmmss+ddmmss"
    )
    calibration = Calibration(2.0, "a test")
    for each in (None, calibration):
        plain = plain_table(found.catalog, parameters, each)
        table = to_plain(make_table(found.catalog, parameters, each))
        assert plain.header == table.header
        assert list(plain.columns) == list(table.columns)
        for name, values in table.columns.items():
            assert plain.columns[name].dtype == values.dtype
            assert plain.columns[name].tobytes() == values.tobytes()


def test_a_table_of_texts_is_that_of_astropy():
    texts = {"name": ["a", "longer"], "value": ["", "it's"]}
    hdu = fits.table_to_hdu(Table(texts))
    hdu.name = "RECORD"
    rows = rows_of_texts(texts)
    assert table_bytes(rows, "RECORD") == extension_bytes(hdu)
    assert extension_bytes(fits.BinTableHDU(rows, name="RECORD")) == extension_bytes(hdu)


def test_a_name_that_takes_more_than_a_card_is_left_to_astropy():
    assert stored_as(to_plain(QTable({"x" * 68: [1]})), "CATALOG") is not None
    assert stored_as(to_plain(QTable({"x" * 69: [1]})), "CATALOG") is None
