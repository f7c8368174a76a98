"""Bits have the numbers that they are stored with, in integers of any kind."""

import numpy as np
import pytest

from skyshed.images.bit_planes import is_bad, numbered

KINDS = pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8"])


@KINDS
def test_each_bit_is_its_power_of_two(dtype):
    bits = 8 * np.dtype(dtype).itemsize
    stored = (np.uint64(1) << np.arange(bits, dtype=np.uint64)).astype(f"u{bits // 8}").view(dtype)
    found = numbered(stored)
    assert found.dtype == np.int64
    assert [int(each) % 2**64 for each in found] == [1 << bit for bit in range(bits)]


@KINDS
def test_a_bit_is_bad_where_it_is_set_and_asked_for(dtype):
    bits = 8 * np.dtype(dtype).itemsize
    values = np.random.default_rng(1).bytes(50 * bits // 8)
    stored = np.frombuffer(values, dtype)
    for wanted in ((0,), (1, bits - 1), (bits,)):
        mask = sum(1 << bit for bit in wanted)
        expected = [bool(int(each) % 2**bits & mask) for each in stored]
        assert is_bad(stored, wanted, None).tolist() == expected
    assert is_bad(stored, None, None).tolist() == (stored != 0).tolist()


def test_blank_pixels_are_bad_and_have_no_bits():
    stored = np.array([0, -1, 5], np.int16)
    assert is_bad(stored, (1,), -1).tolist() == [False, True, False]
    assert numbered(stored, -1).tolist() == [0, 0, 5]
    assert numbered(np.array([True, False])).tolist() == [1, 0]
