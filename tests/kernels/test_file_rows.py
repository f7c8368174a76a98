"""Rows of a file are read from any byte on, and as far as the file goes."""

import numpy as np
import pytest

from skyshed.images import Window, stored_rows
from skyshed.images.stored_rows import StoredRows
from skyshed.kernels.file_rows import read_rows

WIDTH, HEIGHT, BEGINS = 23, 17, 11
CONTENT = np.random.default_rng(1).integers(0, 256, BEGINS + 2 * WIDTH * HEIGHT, np.uint8)
PIXELS = CONTENT[BEGINS:].reshape(HEIGHT, 2 * WIDTH)


@pytest.fixture
def path(tmp_path):
    CONTENT.tofile(tmp_path / "rows")
    return tmp_path / "rows"


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("window", [(0, 17, 0, 23), (3, 9, 0, 23), (2, 17, 5, 8), (4, 5, 22, 23)])
def test_the_bytes_of_a_window_are_read_from_any_one_on(path, monkeypatch, window, compiled):
    if not compiled:  # as on systems without pread
        monkeypatch.setattr(stored_rows, "rows_of_file", lambda *args: 0)
    y0, y1, x0, x1 = window
    expected = PIXELS[y0:y1, 2 * x0 : 2 * x1].ravel()
    rows = StoredRows(str(path), BEGINS, WIDTH, 2, Window(*window))
    for at in (0, 1, expected.size // 2, expected.size):
        for n in {0, 1, (expected.size - at) // 2, expected.size - at}:
            buffer = np.zeros(min(n, expected.size - at), np.uint8)
            rows.fill(buffer, at)
            np.testing.assert_array_equal(buffer, expected[at : at + len(buffer)])


def test_it_is_said_how_much_of_a_file_there_is(path):
    buffer = np.zeros(2 * 40, np.uint8)
    with open(path, "rb") as file:
        got = read_rows(buffer, file.fileno(), BEGINS + 2 * WIDTH * (HEIGHT - 1), 2 * WIDTH, 40, 0)
        assert file.tell() == 0
    assert got == 40
    np.testing.assert_array_equal(buffer[:40], PIXELS[-1, :40])
    assert not buffer[40:].any()
    assert read_rows(buffer, 1 << 20, 0, 8, 8, 0) == 0  # no such file is open
