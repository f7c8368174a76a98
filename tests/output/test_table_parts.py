"""Tables taken apart and put together are the same to the last bit."""

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import FK5, SkyCoord
from astropy.table import Column, MaskedColumn, QTable
from astropy.time import Time
from hypothesis import given, settings
from hypothesis import strategies as st

from skyshed.output.table_parts import PlainTable, concatenated, from_plain, to_plain
from tests.pipeline_field import same_tables


def same_in_all(one, other):
    """Whether two tables have the same bits, dtypes, units and descriptions."""
    about = ("unit", "dtype", "description", "format", "meta", "shape")
    return same_tables(one, other) and all(
        type(one[name]) is type(other[name])
        and [getattr(one[name].info, a, None) for a in about]
        == [getattr(other[name].info, a, None) for a in about]
        for name in one.colnames
    )


@pytest.mark.parametrize("which", ["rich", "plain", "empty"])
def test_a_catalog_comes_back_with_everything(tmp_path, request, which):
    table = request.getfixturevalue(which).table
    plain = to_plain(table)
    assert len(plain) == len(table)
    plain.save(tmp_path / "part.npz")
    for each in (plain, PlainTable.load(tmp_path / "part.npz")):
        assert same_in_all(from_plain(each), table)
        assert all(type(values) is np.ndarray for values in each.columns.values())
    assert [path.name for path in tmp_path.iterdir()] == ["part.npz"]


def test_every_column_comes_back(tmp_path, every):
    assert same_in_all(from_plain(to_plain(every)), every)
    to_plain(every).save(tmp_path / "part.npz")
    assert same_in_all(from_plain(PlainTable.load(tmp_path / "part.npz")), every)


def test_other_columns_of_astropy_come_back():
    sky = SkyCoord([1, 2] * u.deg, [3, 4] * u.deg, frame=FK5(equinox="J1975"))
    time = Time([51544.5, 60000.25], format="mjd", scale="tai")
    count = Column([1, 2], format="03d", description="how many", meta={"a": 1})
    big = u.Quantity([1, 2], 1e-9 * u.Jy, dtype=np.float32)
    table = QTable([sky, time, count, big, ["a", "bcd"]], names=("sky", "time", "n", "f", "file"))
    back = from_plain(to_plain(table))
    assert back["sky"].frame.equinox == sky.equinox
    assert np.array_equal(back["sky"].ra.deg, sky.ra.deg)
    assert np.all(back["time"] == time)
    assert back["time"].scale == "tai"
    assert back["file"].dtype == "U3"
    assert same_in_all(back["n", "f", "file"], table["n", "f", "file"])


def test_the_header_does_not_depend_on_rows(every):
    header = to_plain(every).header
    for rows in (slice(0, 0), slice(0, 1), slice(3, 9)):
        assert to_plain(every[rows]).header == header
        assert same_in_all(from_plain(to_plain(every)[rows]), every[rows])


def test_the_table_given_is_not_changed(every):
    before = every.copy()
    back = from_plain(to_plain(every))
    back["label"] += 1
    back["segment_flux"] *= 2
    assert same_in_all(every, before)


@given(data=st.data())
@settings(max_examples=20)
def test_parts_together_are_the_whole(every, data):
    n, n_parts = len(every), data.draw(st.integers(1, 6))
    owner = np.array(data.draw(st.lists(st.integers(0, n_parts - 1), min_size=n, max_size=n)))
    order = np.array(data.draw(st.permutations(range(n))))
    parts = [to_plain(every[order[owner == k]]) for k in range(n_parts)]
    assert same_in_all(concatenated(parts), every)


def test_texts_of_parts_may_differ_in_width():
    tables = [QTable({"label": [k], "name": [text]}) for k, text in ((2, "abc"), (1, "é"))]
    tables.append(QTable({"label": np.empty(0, int), "name": np.empty(0, "U30")}))
    whole = concatenated([to_plain(table) for table in tables])
    assert whole["name"].dtype == "U3"
    assert whole["name"].tolist() == ["é", "abc"]


def test_parts_without_rows_make_a_table_without_rows(empty):
    assert same_in_all(concatenated([to_plain(empty.table)] * 2), empty.table)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"label": [1]}, "these differ: flux"),
        ({"label": [1], "flux": [1.0]}, "these differ: in units or descriptions"),
        ({"label": [1], "flux": [1.0] * u.Jy, "a": [1]}, "these differ: a"),
        ({"label": [1.0], "flux": [1.0] * u.Jy}, "these differ: label"),
        ({"label": [1], "flux": [[1.0]] * u.Jy}, "these differ: flux"),
    ],
)
def test_parts_of_other_columns_are_refused(other, message):
    parts = [QTable({"label": [2], "flux": [1.0] * u.Jy}), QTable(other)]
    with pytest.raises(ValueError, match=message):
        concatenated([to_plain(part) for part in parts])
    with pytest.raises(ValueError, match="parts is empty"):
        concatenated([])


def test_columns_that_have_no_plain_values_are_refused():
    with pytest.raises(ValueError, match="column 'a' holds Python objects"):
        to_plain(QTable({"a": np.array([{}, {}], object)}))
    with pytest.raises(ValueError, match="column 'a' is masked"):
        to_plain(QTable([MaskedColumn([1, 2], mask=[True, False])], names=["a"]))


@pytest.mark.parametrize("kept", [0, 100, 5000])
def test_a_damaged_file_is_an_oserror(tmp_path, rich, kept):
    path = tmp_path / "part.npz"
    to_plain(rich.table).save(path)
    content = path.read_bytes()
    path.write_bytes(content[:kept])
    with pytest.raises(OSError, match=r"part\.npz is damaged"):
        PlainTable.load(path)
    path.write_bytes(content[:3000] + bytes([content[3000] ^ 1]) + content[3001:])
    with pytest.raises(OSError, match=r"part\.npz is damaged"):
        PlainTable.load(path)
    with pytest.raises(FileNotFoundError):
        PlainTable.load(tmp_path / "absent.npz")
