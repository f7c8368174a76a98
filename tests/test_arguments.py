"""Checks at the public boundary say which argument is wrong, and why."""

from pathlib import Path

import astropy.units as u
import numpy as np
import pytest
from astropy.nddata import NDData

from skyshed.arguments import (
    as_image,
    as_mask,
    as_pair,
    check_choice,
    check_connectivity,
    check_positive_integer,
    check_range,
    is_nddata,
    is_path,
    split_units,
    union,
)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("f2", "f4"), ("f4", "f4"), ("f8", "f8"), (">f4", "f4"), (">f8", "f8"), ("i2", "f8"),
        ("u1", "f8"), ("i8", "f8"), ("?", "f8"), (np.longdouble, "f8"),
    ],
)  # fmt: skip
def test_an_image_keeps_its_precision(given, kept):
    array = np.arange(6).reshape(2, 3).astype(given)
    image = as_image(array, "data", np)
    assert image.dtype == np.dtype(kept)
    assert image.dtype.isnative
    assert image.flags.c_contiguous
    np.testing.assert_array_equal(image, array.astype(float))


def test_an_image_is_copied_only_where_it_must_be():
    array = np.zeros((4, 5), np.float32)
    assert as_image(array, "data", np) is array
    assert not np.shares_memory(as_image(array[:, ::2], "data", np), array)
    assert as_image([[1, 2]], "data", np).tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize(
    ("array", "error", "text"),
    [
        (np.zeros(3), ValueError, r"error must be a 2-D array, got 1-D with shape \(3,\)"),
        (5.0, ValueError, r"error must be a 2-D array, got 0-D"),
        (np.zeros((3, 2)), ValueError, r"error has \(3, 2\), data has \(2, 3\)"),
        (
            np.zeros((2, 3), complex),
            TypeError,
            "error must hold real numbers, got dtype complex128",
        ),
        (np.full((2, 3), "a"), TypeError, "error must hold real numbers, got dtype <U1"),
    ],
)
def test_what_is_no_image_is_named(array, error, text):
    with pytest.raises(error, match=text):
        as_image(array, "error", np, shape=(2, 3))


def test_a_mask_is_boolean_or_none():
    assert as_mask(None, "mask", np, shape=(2, 2)) is None
    assert as_mask(np.ma.nomask, "mask", np, shape=(2, 2)) is None
    mask = as_mask([[0, 2], [1, 0]], "mask", np, shape=(2, 2))
    assert mask.dtype == bool
    assert mask.tolist() == [[False, True], [True, False]]
    with pytest.raises(
        ValueError, match=r"shape as image: coverage has \(2,\), image has \(2, 2\)"
    ):
        as_mask([0, 1], "coverage", np, shape=(2, 2), like="image")


def test_units_are_taken_off_where_they_agree():
    values, unit = split_units(data=[1, 2] * u.Jy, error=None, threshold=3 * u.Jy)
    assert unit == u.Jy
    assert values[0].__class__ is np.ndarray
    assert values[1] is None
    assert values[2] == 3
    values, unit = split_units(data=[1, 2], error=None)
    assert (values, unit) == ([[1, 2], None], None)
    assert split_units(data=None) == ([None], None)


def test_a_plain_array_with_a_unit_keeps_its_values():
    """A Quantity without a unit is still a Quantity."""
    values, unit = split_units(data=[1.0, 2.0] * u.dimensionless_unscaled)
    assert unit == u.dimensionless_unscaled
    assert values[0].__class__ is np.ndarray


@pytest.mark.parametrize(
    ("arrays", "text"),
    [
        ({"data": [1] * u.Jy, "error": [1]}, "data: Jy, error: no unit"),
        ({"data": [1] * u.Jy, "error": [1] * u.mJy}, "data: Jy, error: mJy"),
        ({"data": [1], "error": 1 * u.m, "background": None}, "data: no unit, error: m"),
    ],
)
def test_units_that_differ_are_listed(arrays, text):
    with pytest.raises(ValueError, match=f"data, error must all have the same units.*{text}"):
        split_units(**arrays)


@pytest.mark.parametrize("value", [1, 5, 5.0, np.int8(5), np.float32(5), np.array(5), 2**40])
def test_whole_numbers_are_integers(value):
    number = check_positive_integer(value, "npixels")
    assert type(number) is int
    assert number == value


@pytest.mark.parametrize(
    "value",
    [0, -1, 2.5, np.nan, np.inf, True, np.True_, "5", None, [5], np.array([5]), 5 + 0j, 1j],
)
def test_anything_else_is_no_positive_integer(value):
    with pytest.raises(ValueError, match="npixels must be a positive integer, got"):
        check_positive_integer(value, "npixels")


def test_a_choice_lists_the_choices():
    assert check_choice(8, "connectivity", (4, 8)) == 8
    with pytest.raises(ValueError, match="mode must be 'linear' or 'sinh', got 'log'"):
        check_choice("log", "mode", ("linear", "sinh"))
    with pytest.raises(ValueError, match="mode must be 'linear', got array"):
        check_choice(np.zeros(2), "mode", ("linear",))
    with pytest.raises(ValueError, match="order must be 1, 2, or None, got 3"):
        check_choice(3, "order", (1, 2, None))


def test_a_connectivity_is_4_or_8():
    assert [check_connectivity(value) for value in (4, 8, 8.0, np.int8(4))] == [4, 8, 8, 4]
    assert type(check_connectivity(8.0)) is int
    for value in (0, 6, "8", None, [4], np.array([8])):
        with pytest.raises(ValueError, match=r"Invalid connectivity=.*: it must be 4"):
            check_connectivity(value)


def test_a_range_includes_its_ends():
    assert check_range(0, "contrast", 0, 1) == 0.0
    assert type(check_range(np.float32(1), "contrast", 0, 1)) is float
    for value in (-0.1, 1.1, np.nan):
        with pytest.raises(ValueError, match="contrast must be between 0 and 1, got"):
            check_range(value, "contrast", 0, 1)
    with pytest.raises(ValueError, match="contrast must be between 0 and 1, got 'high'"):
        check_range("high", "contrast", 0, 1)
    with pytest.raises(ValueError, match="contrast must be between 0 and 1, got None"):
        check_range(None, "contrast", 0, 1)
    with pytest.raises(ValueError, match="contrast must be >= 0 and <= 1, got 2"):
        check_range(2, "contrast", 0, 1, ">= {low:g} and <= {high:g}")


@pytest.mark.parametrize(
    ("value", "pair"), [(3, (3, 3)), ((4, 5), (4, 5)), ([7], (7, 7)), (np.array([2, 9]), (2, 9)),
                        (np.int16(3), (3, 3)), (5.0, (5, 5))],
)  # fmt: skip
def test_a_pair_is_one_integer_twice_or_two(value, pair):
    found = as_pair(value, "size")
    assert found == pair
    assert all(type(each) is int for each in found)


@pytest.mark.parametrize("value", [0, -1, 2.5, np.nan, "3", None, True, (3, 0), [[3]], (1, None)])
def test_a_pair_is_of_positive_integers(value):
    with pytest.raises(ValueError, match=r"size must be a positive integer, or two of them \(y, x"):
        as_pair(value, "size")


def test_a_pair_has_at_most_two_elements_and_may_have_to_be_odd():
    with pytest.raises(ValueError, match=r"size must have 1 or 2 elements: a positive.*\(1, 2, 3"):
        as_pair((1, 2, 3), "size")
    with pytest.raises(ValueError, match=r"size must be an odd .*two of them \(a, b\); got \(3, 4"):
        as_pair((3, 4), "size", odd=True, order="(a, b)")


def test_the_union_of_masks_leaves_them_alone():
    first, second = np.array([True, False, False]), np.array([False, False, True])
    np.testing.assert_array_equal(union(first, None, second), [True, False, True])
    np.testing.assert_array_equal(first, [True, False, False])
    assert union(None, first) is first
    assert union(None, None) is None


def test_paths_and_nddata_are_known():
    assert is_path("a.fits")
    assert is_path(Path("a.fits"))
    assert not is_path(b"a.fits")
    assert is_nddata(NDData(np.ones(3)))
    assert not is_nddata(np.ones(3))
