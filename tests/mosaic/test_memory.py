"""Sizes are read and written as people do, and it is known how much memory is free."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyshed.mosaic.memory import available, in_bytes, written


@pytest.mark.parametrize(
    ("spelled", "expected"),
    [
        ("600MB", 600e6), ("2GiB", 2 * 1024**3), ("1.5 gb", 1.5e9), ("10k", 1e4), ("7", 7),
        (1e9, 1e9), (123, 123), (" 1TB ", 1e12),
    ],
)  # fmt: skip
def test_sizes_are_read(spelled, expected):
    assert in_bytes(spelled) == expected


@pytest.mark.parametrize("wrong", ["", "much", "1PB", "-1GB", 0, -5, True, float("nan"), None, []])
def test_what_is_no_size_is_refused_by_name(wrong):
    with pytest.raises(ValueError, match="memory must be a number of bytes"):
        in_bytes(wrong)


@given(st.integers(1, 9 * 10**14))
def test_written_sizes_are_right_to_three_digits(size):
    text = written(size).replace("bytes", "").replace(" ", "")
    assert in_bytes(text) == pytest.approx(size, rel=0.006)


def test_what_is_free_is_less_than_there_is():
    assert 10**7 < available() < 10**13
