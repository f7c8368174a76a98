"""Catalogs written part by part are those written at once."""

import subprocess
import sys

import astropy.units as u
import numpy as np
import pytest
from astropy.table import QTable
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from skyshed import Parameters
from skyshed.output.catalog_parts import stream_catalog
from skyshed.output.catalogs import read_catalog, write_catalog
from skyshed.output.results import FORMATS
from skyshed.output.table_parts import concatenated, to_plain
from tests.pipeline_field import dtype_of, same_tables

RECORD = {"date": "2026-11-28T22:00:00+00:00", "skyshed": "1.0", "input": 'd\\é".fits'}
PARAMETERS = Parameters(nsigma=1 / 3, designation="A Jhhmmss+ddmmss")


def in_parts(table, n_parts, seed=0):
    """Return the rows of a table in random parts, of which one has no rows, in random order."""
    rng = np.random.default_rng(seed)
    owner = rng.integers(0, n_parts, len(table))
    owner[owner == 1] = 0
    order = rng.permutation(len(table))
    return [to_plain(table[order[owner[order] == k]]) for k in range(n_parts)]


def both(tmp_path, table, parts, format, empty=None):
    """Return the files written by parts and at once, and what is read from them."""
    paths = [tmp_path / f"{name}.{format}" for name in ("parts", "whole")]
    stream_catalog(iter(parts), len(table), paths[0], PARAMETERS, RECORD, format, empty)
    write_catalog(table, paths[1], PARAMETERS, RECORD, format)
    return paths, [read_catalog(path) for path in paths]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("which", ["rich", "plain", "every"])
def test_a_catalog_by_parts_is_the_catalog(tmp_path, request, which, format):
    table = request.getfixturevalue(which)
    table = getattr(table, "table", table)
    parts = in_parts(table, 5)
    if which == "every":  # whether equal units are one object is seen in astropy's YAML
        table = concatenated(parts)
    paths, (ours, theirs) = both(tmp_path, table, parts, format)
    if format == "parquet":
        assert parquet.ParquetFile(paths[0]).num_row_groups == 4
        assert ours["label"].tolist() == [n for p in parts for n in p.columns["label"].tolist()]
        assert parquet.read_schema(paths[0]).equals(parquet.read_schema(paths[1]), True)
        ours = ours[np.argsort(ours["label"])]
    else:
        assert paths[0].read_bytes() == paths[1].read_bytes()
    assert same_tables(ours, theirs)
    assert ours.meta == theirs.meta
    for name in table.colnames:
        assert ours[name].info.description == theirs[name].info.description
        assert getattr(ours[name], "unit", None) == getattr(theirs[name], "unit", None)
        assert dtype_of(ours[name]) == dtype_of(theirs[name])
    assert same_tables(concatenated(parts), table)


@given(n=st.integers(1, 60), n_parts=st.integers(1, 9), seed=st.integers(0, 99))
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_number_of_rows_and_parts_gives_the_same_file(tmp_path, every, n, n_parts, seed):
    names = ["label", "name", "gini", "centroid", "sky_centroid", "centroid_quad_fallback"]
    table = every[:n][names]
    (ours, theirs), _ = both(tmp_path, table, in_parts(table, n_parts, seed), "fits")
    assert ours.read_bytes() == theirs.read_bytes()


@pytest.mark.parametrize("format", FORMATS)
def test_without_sources_the_empty_table_is_written(tmp_path, empty, format):
    for parts in ([], [to_plain(empty.table)] * 2):
        paths, tables = both(tmp_path, empty.table, parts, format, empty.table)
        assert same_tables(*tables)
        if format != "parquet":
            assert paths[0].read_bytes() == paths[1].read_bytes()
    stream_catalog([to_plain(empty.table)], 0, paths[0], PARAMETERS, RECORD, format)
    with pytest.raises(ValueError, match="there is no part: give empty"):
        stream_catalog([], 0, paths[0], PARAMETERS, RECORD, format)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([[1, 2], [4]], r"the parts have 3 rows of 4; the first label that is missing is 3"),
        ([[1, 2], [3, 2]], "labels must be in one part, and once: 2 comes again"),
        ([[1, 1], [3, 2]], "once: 1 comes again"),
        ([[1, 2], [3, 5]], "labels must be 1 to n_rows = 4, a part has 5"),
        ([[0, 2], [3, 4]], "a part has 0"),
    ],
)
def test_labels_that_are_not_those_expected_are_refused(tmp_path, labels, message, format):
    path = tmp_path / f"catalog.{format}"
    path.write_text("old")
    parts = [to_plain(QTable({"label": np.array(each, np.int32)})) for each in labels]
    with pytest.raises(ValueError, match=message):
        stream_catalog(iter(parts), 4, path, PARAMETERS, RECORD, format)
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("format", ["fits", "parquet"])
def test_texts_for_which_there_is_no_room_are_refused(tmp_path, format):
    parts = [QTable({"label": [1], "name": ["abc"]}), QTable({"label": [2], "name": ["abcd"]})]
    path = tmp_path / f"catalog.{format}"
    with pytest.raises(ValueError, match="texts of up to 4 characters, and the first part's are 3"):
        stream_catalog(map(to_plain, parts), 2, path, PARAMETERS, RECORD, format)
    parts[0]["name"] = parts[0]["name"].astype("U9")
    stream_catalog(map(to_plain, parts), 2, path, PARAMETERS, RECORD, format)
    assert read_catalog(path)["name"].tolist() == ["abc", "abcd"]


def test_what_cannot_be_written_by_parts_is_said(tmp_path):
    table = QTable({"label": [1], "count": np.array([3], np.uint16)})
    with pytest.raises(ValueError, match=r"'count' is uint16, .* choose format 'parquet'"):
        stream_catalog([to_plain(table)], 1, tmp_path / "c.fits", PARAMETERS, RECORD)
    stream_catalog([to_plain(table)], 1, tmp_path / "c.parquet", PARAMETERS, RECORD, "parquet")
    assert read_catalog(tmp_path / "c.parquet")["count"].dtype == np.uint16
    other = to_plain(QTable({"label": [2], "count": np.array([3.5]) << u.Jy}))
    with pytest.raises(ValueError, match="these differ: count"):
        stream_catalog([to_plain(table), other], 2, tmp_path / "c.ecsv", {}, {}, "ecsv")
    assert [path.name for path in tmp_path.iterdir()] == ["c.parquet"]


MEASURE = """
import sys
from pathlib import Path
import numpy as np
from astropy.table import QTable
from skyshed import Parameters
from skyshed.output.table_parts import to_plain
from skyshed.output.catalog_parts import stream_catalog
def status(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(name + ":")))
N, STEP = 400_000, 2_000
def parts(n):
    for first in range(n // STEP):
        label = np.arange(first, n, n // STEP, dtype=np.int32) + 1
        values = {f"c{k}": label * 1.5 for k in range(24)}
        yield to_plain(QTable({"label": label, **values}))
path = Path(sys.argv[1])
stream_catalog(parts(2 * STEP), 2 * STEP, path, Parameters(), {}, sys.argv[2])
Path("/proc/self/clear_refs").write_text("5")
before = status("VmRSS")
stream_catalog(parts(N), N, path, Parameters(), {}, sys.argv[2])
print(status("VmHWM") - before)
"""


@pytest.mark.parametrize("format", ["fits", "parquet", "votable"])
def test_a_catalog_by_parts_takes_the_memory_of_a_part(tmp_path, format):
    path = tmp_path / f"catalog.{format}"
    command = [sys.executable, "-c", MEASURE, str(path), format]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert path.stat().st_size > 8_000_000
    # The catalog has 78 MB.
    assert int(done.stdout) < 30_000
