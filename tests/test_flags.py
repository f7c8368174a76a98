"""The flags have photutils' names and bits, and are decoded as it does."""

import pickle

import numpy as np
import pytest

from skyshed import SEGMENTATION_FLAGS, decode_segmentation_flags
from skyshed.flags import Flag, with_flag_list

#: Those of photutils 3.1.1; people's tables hold these numbers.
BITS = {
    "masked_pixels": 1,
    "non_finite_data": 2,
    "non_finite_error": 4,
    "all_masked": 8,
    "edge_touch": 16,
    "deblended": 32,
    "deblend_non_positive_min": 64,
    "deblend_too_many_markers": 128,
    "undefined_shape": 256,
    "singular_covariance": 512,
    "kron_undefined": 1024,
    "kron_minimum_radius": 2048,
    "kron_no_overlap": 4096,
    "kron_partial_overlap": 8192,
    "kron_masked_pixels": 16384,
    "kron_non_finite_data": 32768,
    "kron_non_finite_error": 65536,
    "kron_neighbor_pixels": 131072,
    "kron_uncorrected_pixels": 262144,
    "local_bkg_too_few_pixels": 524288,
}
#: Those that photutils does not have; they are in people's tables, too.
OWN = {"saturated": 2**30}


def test_names_and_bits_are_those_of_photutils():
    both = BITS | OWN
    assert SEGMENTATION_FLAGS.flag_dict == {bit: name for name, bit in both.items()}
    assert SEGMENTATION_FLAGS.names == list(both)
    assert SEGMENTATION_FLAGS.bit_values == list(both.values())
    assert SEGMENTATION_FLAGS.all_flags == SEGMENTATION_FLAGS.FLAG_DEFINITIONS
    assert SEGMENTATION_FLAGS.domain == "segmentation"


def test_a_flag_is_found_by_name_bit_and_constant():
    for flag in SEGMENTATION_FLAGS.all_flags:
        assert isinstance(flag, Flag)
        assert SEGMENTATION_FLAGS.get_definition(flag.name) is flag
        assert SEGMENTATION_FLAGS.get_definition(np.int32(flag.bit_value)) is flag
        assert SEGMENTATION_FLAGS.get_bit_value(flag.name) == flag.bit_value
        assert SEGMENTATION_FLAGS.get_name(flag.bit_value) == flag.name
        assert SEGMENTATION_FLAGS.get_description(flag.bit_value) == flag.description
        assert SEGMENTATION_FLAGS.get_detailed_description(flag.name) == flag.detailed_description
        assert getattr(SEGMENTATION_FLAGS, flag.name.upper()) == (BITS | OWN)[flag.name]


def test_the_lists_of_flags_are_the_callers_own():
    SEGMENTATION_FLAGS.all_flags.clear()
    SEGMENTATION_FLAGS.names.clear()
    assert len(SEGMENTATION_FLAGS.all_flags) == len(SEGMENTATION_FLAGS.names) == 21


@pytest.mark.parametrize(
    ("identifier", "error", "message"),
    [
        ("fuzzy", KeyError, "No flag with name 'fuzzy'"),
        (3, KeyError, "No flag with bit value 3"),
        (True, TypeError, r"identifier must be int \(bit value\) or str \(name\).*True"),
        (1.0, TypeError, r"identifier must be int \(bit value\) or str \(name\).*1.0"),
    ],
)
def test_an_unknown_flag_is_refused(identifier, error, message):
    with pytest.raises(error, match=message):
        SEGMENTATION_FLAGS.get_definition(identifier)


def test_an_unknown_constant_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'FUZZY'"):
        _ = SEGMENTATION_FLAGS.FUZZY
    assert not hasattr(SEGMENTATION_FLAGS, "__wrapped__")


def test_the_flags_survive_pickling():
    copied = pickle.loads(pickle.dumps(SEGMENTATION_FLAGS))
    assert copied.all_flags == SEGMENTATION_FLAGS.all_flags
    assert copied.DEBLENDED == 32


def test_one_integer_gives_a_list():
    value = BITS["deblended"] | BITS["edge_touch"] | BITS["local_bkg_too_few_pixels"]
    expected = ["edge_touch", "deblended", "local_bkg_too_few_pixels"]
    for one in (value, np.int64(value), np.array(value), np.uint32(value)):
        assert decode_segmentation_flags(one) == expected
        assert decode_segmentation_flags(one, return_bit_values=True) == [16, 32, 524288]
    assert decode_segmentation_flags(0) == []


def test_bits_without_a_meaning_are_passed_over():
    assert decode_segmentation_flags(2**70 + 2**20 + 1) == ["masked_pixels"]


def test_an_array_gives_lists_nested_as_its_axes():
    assert decode_segmentation_flags([0, 1, 33]) == [
        [],
        ["masked_pixels"],
        ["masked_pixels", "deblended"],
    ]
    cube = np.arange(24).reshape(2, 3, 4).astype(np.uint8)
    decoded = decode_segmentation_flags(cube)
    for place, value in np.ndenumerate(cube):
        assert decoded[place[0]][place[1]][place[2]] == decode_segmentation_flags(int(value))
    assert decode_segmentation_flags(np.zeros(0, int)) == []
    assert decode_segmentation_flags([]) == []
    assert decode_segmentation_flags(np.zeros((2, 0), int)) == [[], []]
    assert decode_segmentation_flags(np.zeros((0, 2), int)) == []
    assert decode_segmentation_flags(np.array([1, 2**70 + 2], object)) == [
        ["masked_pixels"],
        ["non_finite_data"],
    ]


def test_every_element_has_a_list_of_its_own():
    first, second = decode_segmentation_flags([48, 48])
    first.append("mine")
    assert second == ["edge_touch", "deblended"]


@pytest.mark.parametrize("wrong", [1.5, True, np.True_, "48", None, [1.0], [True], ["a"]])
def test_what_is_no_integer_is_refused(wrong):
    with pytest.raises(TypeError, match="flag value must be an integer"):
        decode_segmentation_flags(wrong)


@pytest.mark.parametrize("wrong", [-1, np.int16(-1), [1, -1], np.array(-1)])
def test_a_negative_value_is_refused(wrong):
    with pytest.raises(ValueError, match="must be a nonnegative integer, got -1"):
        decode_segmentation_flags(wrong)


def test_the_options_go_by_keyword():
    with pytest.raises(TypeError, match="positional"):
        decode_segmentation_flags(1, True)


def test_the_docstring_lists_every_flag():
    for name, bit in BITS.items():
        assert f"        * **{bit}** (``{name!r}``): " in decode_segmentation_flags.__doc__

    def silent():
        pass

    assert with_flag_list(silent).__doc__ is None
