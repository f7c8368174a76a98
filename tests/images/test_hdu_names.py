"""Which HDUs are meant: each spelling names those that a reader of the documentation expects."""

import pytest

from skyshed.images.hdu_facts import HduFacts
from skyshed.images.hdu_names import keys_of, names_several, select, wanted_hdus

#: A chip of HST's: science, error and quality of two detectors.
HST = [
    HduFacts(n, name, version, (), (4, 4))
    for n, (name, version) in enumerate(
        [("SCI", 1), ("ERR", 1), ("DQ", 1), ("SCI", 2), ("ERR", 2), ("DQ", 2)], 1
    )
]
CAMERA = [HduFacts(n, f"S{n + 28}", None, (), (4, 4)) for n in range(1, 13)]

MEANT = {
    "numbers": (CAMERA, "1,2,3", [1, 2, 3]),
    "their order": (CAMERA, "3,1", [3, 1]),
    "blanks": (CAMERA, " 1 , 2 ", [1, 2]),
    "a range": (CAMERA, "2-4,9", [2, 3, 4, 9]),
    "names": (CAMERA, "S29,s31", [1, 3]),
    "a pattern": (CAMERA, "S3?", [2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
    "every one": (CAMERA, "*", list(range(1, 13))),
    "each once": (CAMERA, "2,1-2,S30", [2, 1]),
    "a number, then a version": (HST, "2,SCI,2", [2, 4]),
    "every version": (HST, "SCI,*", [1, 4]),
    "versions": (HST, "SCI,1-2", [1, 4]),
    "two names with versions": (HST, "SCI,1,SCI,2", [1, 4]),
    "a version of a pattern": (HST, "*,2", [4, 5, 6]),
    "all but the planes": (HST, "all", [1, 4]),
    "all and a plane": (HST, "ALL,2", [1, 4, 2]),
    "a list": (HST, ["DQ,2", ("SCI", 2), 1], [6, 4, 1]),
    "a tuple of numbers": (CAMERA, (1, 2), [1, 2]),
    "a tuple of names": (CAMERA, ("S29", "S30"), [1, 2]),
}


@pytest.mark.parametrize("case", MEANT)
def test_several_are_meant(case):
    images, wanted, numbers = MEANT[case]
    assert names_several(wanted)
    assert [each.number for each in select(images, wanted)] == numbers


@pytest.mark.parametrize("wanted", [1, "1", "SCI", "SCI,2", ("SCI", 2), None, "PRIMARY"])
def test_one_is_meant(wanted):
    assert not names_several(wanted)


@pytest.mark.parametrize("wanted", ["", "1,,2", "SCI,", ",1", "SCI,1,2", "3-1", ["1,"]])
def test_what_cannot_be_read_is_refused_with_what_is_allowed(wanted):
    with pytest.raises(ValueError, match=r"hdu = .*S29,S30, S\*, SCI,\* \(every version\) and all"):
        wanted_hdus(wanted)


def test_what_is_not_there_or_not_clear_is_left_to_who_opens_it():
    assert [getattr(each, "text", each) for each in select(CAMERA, "S29,S99,14")] == [
        CAMERA[0], "S99,14",
    ]  # fmt: skip
    assert [each.text for each in select(HST, "14,SCI,DQ,3")] == ["14", "SCI", "DQ,3"]


def test_a_name_may_have_stars_and_commas_of_its_own():
    odd = [HduFacts(1, "A,B", None, (), (4, 4)), HduFacts(2, "A*", None, (), (4, 4))]
    assert select(odd, "a,b") == [odd[0]]
    assert select(odd, "A*") == [odd[1]]


def test_planes_are_all_there_is_where_nothing_else_is():
    planes = [each for each in HST if each.name != "SCI"]
    assert select(planes, "all") == planes


@pytest.mark.parametrize("images", [HST, CAMERA])
def test_the_key_of_each_image_names_it_and_no_other(images):
    odd = [
        HduFacts(n, name, None, (), (4, 4)) for n, name in enumerate(("7", "", "ALL", "A B"), 20)
    ]
    every = [*images, *odd, HduFacts(30, "X", None, (), (1, 1)), HduFacts(31, "X", 1, (), (1, 1))]
    keys = keys_of(every)
    for image, key in keys.items():
        assert not names_several(key)
        (found,) = select(every, key)
        assert found == image
    assert len(set(keys.values())) == len(every)
