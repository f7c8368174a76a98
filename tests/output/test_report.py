"""The report of several images is a whole table after every row."""

import numpy as np
import pytest
from astropy.table import QTable

from skyshed.output.report import COLUMNS, Report

ROW = {
    "image": 'odd "name".fits[SCI]', "hdu": 3, "hdu_name": "SCI", "profile": "jwst-cal",
    "status": "failed",
    "n_sources": 0, "seconds": 1.25, "folder": "", "error": "two\nlines # and 'quotes', é",
}  # fmt: skip


def test_it_can_be_read_after_every_row(tmp_path):
    path = tmp_path / "report.ecsv"
    with Report(path) as report:
        empty = QTable.read(path)
        assert (empty.colnames, len(empty)) == ([*COLUMNS], 0)
        for n in (1, 2, 3):
            report.add(**ROW)
            table = QTable.read(path)
            assert len(table) == n
    for name, value in ROW.items():
        read = table[name][0]
        if value == "":
            assert read is np.ma.masked
        else:
            assert read == (value.replace("\n", " ") if isinstance(value, str) else value)
        assert table[name].info.description == COLUMNS[name][1]
    assert table["hdu"].dtype == table["n_sources"].dtype == np.int64


def test_an_earlier_report_is_replaced(tmp_path):
    path = tmp_path / "report.ecsv"
    for _ in range(2):
        with Report(path) as report:
            report.add(**ROW)
    assert len(QTable.read(path)) == 1


def test_a_row_has_all_columns(tmp_path):
    with Report(tmp_path / "report.ecsv") as report, pytest.raises(KeyError, match="error"):
        report.add(**{name: value for name, value in ROW.items() if name != "error"})
