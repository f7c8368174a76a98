"""Edits give photutils' images, and leave every derived fact right."""

from pathlib import Path

import numpy as np
import pytest
from astropy.utils.exceptions import AstropyUserWarning
from hypothesis import given, settings
from hypothesis import strategies as st
from photutils.segmentation import SegmentationImage as Peer

from skyshed import SegmentationImage
from skyshed.sources import Sources

ORACLE = Path(__file__).parents[1] / "oracle" / "segmentation_edits.npz"


def assert_same(segm, peer):
    """Compare with photutils, and the sources that followed the edits with a new collection."""
    np.testing.assert_array_equal(segm.data, peer.data, strict=True)
    np.testing.assert_array_equal(segm.labels, peer.labels)
    np.testing.assert_array_equal(segm.areas, peer.areas)
    assert segm.slices == peer.slices
    assert segm.background_area == peer.background_area
    assert_consistent(segm)


def assert_consistent(segm):
    fresh = Sources.from_labels(segm.data.astype(np.int32))
    for name in ("labels", "start", "pixel", "bbox"):
        actual, expected = getattr(segm.sources, name), getattr(fresh, name)
        np.testing.assert_array_equal(actual, expected, err_msg=name, strict=True)
    assert segm.sources.shape == fresh.shape


def edits(labels):
    """Every editing method with every combination of its keywords, as (name, args, kwargs)."""
    mask = np.zeros(labels.shape, bool)
    mask[3:11, 5:20] = True
    present = np.unique(labels)[1:].tolist()
    a, b, c = present[1], present[4], present[6]
    unused = max(present) + 5
    for relabel in (False, True):
        for new in (b, unused, 0):
            yield "reassign_label", (a, new), {"relabel": relabel}
            yield "reassign_labels", ([c, a], new), {"relabel": relabel}
        yield "keep_label", (b,), {"relabel": relabel}
        yield "keep_labels", ([b, a],), {"relabel": relabel}
        yield "remove_label", (b,), {"relabel": relabel}
        yield "remove_labels", ([b, c, b],), {"relabel": relabel}
        yield "remove_labels", (present,), {"relabel": relabel}
        for partial in (False, True):
            both = {"partial_overlap": partial, "relabel": relabel}
            yield "remove_masked_labels", (mask,), both
            yield "remove_masked_labels", (np.ones_like(mask),), both
            for width in (1, 4, 11):
                yield "remove_border_labels", (width,), both
    for start in (1, 100):
        yield "relabel_consecutive", (), {"start_label": start}


def test_every_edit_gives_photutils_image(labels):
    count = 0
    for name, args, kwargs in edits(labels):
        segm, peer = SegmentationImage(labels), Peer(labels.copy())
        getattr(segm, name)(*args, **kwargs)
        getattr(peer, name)(*args, **kwargs)
        if kwargs.get("relabel") and peer.n_labels:
            peer.relabel_consecutive()  # photutils 3.0 forgets it where nothing is removed
        assert_same(segm, peer)
        count += 1
    assert count == 2 * (6 + 5 + 2 * 5) + 2


@settings(max_examples=200)
@given(st.data())
def test_sequences_of_edits_give_photutils_image(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 10_000)))
    image = rng.integers(0, 12, (7, 9)) * rng.integers(0, 2, (7, 9)) * rng.integers(1, 4)
    segm, peer = SegmentationImage(image), Peer(image.copy())
    for _ in range(data.draw(st.integers(1, 6))):
        present = peer.labels.tolist()
        if not present:
            break
        some = data.draw(st.lists(st.sampled_from(present), min_size=1, max_size=4))
        new = data.draw(st.sampled_from([*present, 0, 50]))
        mask = rng.random(image.shape) < 0.1
        partial = data.draw(st.booleans())
        name, args, kwargs = data.draw(
            st.sampled_from(
                [
                    ("reassign_labels", (some, new), {}),
                    ("remove_labels", (some,), {}),
                    ("keep_labels", (some,), {}),
                    ("remove_masked_labels", (mask,), {"partial_overlap": partial}),
                    ("remove_border_labels", (1,), {"partial_overlap": partial}),
                    ("relabel_consecutive", (), {"start_label": 3}),
                ]
            )
        )
        if data.draw(st.booleans()):
            segm.data  # noqa: B018 - reading it must not matter, nor not reading it
        getattr(segm, name)(*args, **kwargs)
        getattr(peer, name)(*args, **kwargs)
    assert_same(segm, peer)


def stored_cases():
    """The cases of the oracle, each a dictionary of arrays."""
    with np.load(ORACLE) as oracle:
        names = [name for name in oracle.files if not name.endswith("_size")]
        columns = [np.split(oracle[name], np.cumsum(oracle[f"{name}_size"])[:-1]) for name in names]
    return [dict(zip(names, case, strict=True)) for case in zip(*columns, strict=True)]


def test_stored_sequences_of_edits_give_photutils_311_maps():
    """Parents, children and flags follow the edits as in photutils 3.1.1."""
    merged = 0
    for case in stored_cases():
        segm = SegmentationImage.from_labels(
            case["data"].reshape(9, 11),
            deblended_labels_map=(case["child"], case["parent"]),
            flags_map=(case["flagged"], case["flags"]),
            info={"kept": 1},
        )
        replay(segm, case["edits"].reshape(-1, 4))
        children = segm.deblended_labels_inverse_map
        pairs = [(label, parent) for parent, some in children.items() for label in some]
        np.testing.assert_array_equal(segm.data.ravel(), case["data_after"])
        np.testing.assert_array_equal(segm.flags, case["flags_after"])
        np.testing.assert_array_equal(segm.deblended_labels, np.unique(case["child_after"]))
        np.testing.assert_array_equal([label for label, _ in pairs], case["child_after"])
        np.testing.assert_array_equal([parent for _, parent in pairs], case["parent_after"])
        np.testing.assert_array_equal(
            np.ravel(list(segm.deblended_labels_map.items())), case["map_after"]
        )
        assert segm.info == {"kept": 1}
        assert_consistent(segm)
        merged += len(pairs) > len(segm.deblended_labels_map)
    assert merged >= 3  # some labels were merged from two parents


def replay(segm, edits):
    """Do the edits of the oracle: rows of (kind, first label, second label, relabel)."""
    for kind, first, second, relabel in edits.tolist():
        if kind == 0:
            segm.reassign_label(first, second, relabel=bool(relabel))
        elif kind == 1:
            segm.remove_labels([first, second], relabel=bool(relabel))
        elif kind == 2:
            segm.relabel_consecutive(start_label=first)
        elif kind == 3:
            segm.remove_border_labels(1, partial_overlap=bool(first), relabel=bool(relabel))
        else:
            segm.remove_labels([], relabel=bool(relabel))


def test_the_users_array_is_never_written(labels):
    before = labels.copy()
    writable = labels.copy()
    segm = SegmentationImage(writable)
    segm.remove_labels(segm.labels[:3], relabel=True)
    segm.reassign_label(1, 2)
    np.testing.assert_array_equal(writable, before)


def test_an_array_that_was_handed_out_is_never_written(labels):
    segm = SegmentationImage.from_labels(labels.astype(np.int32))
    for read in (lambda: segm.data, lambda: np.asarray(segm), lambda: segm[1:9, 1:9].data):
        handed_out = read()
        before = handed_out.copy()
        segm.remove_label(segm.labels[0])
        np.testing.assert_array_equal(handed_out, before)
        assert segm.data is not handed_out


def test_edits_in_a_row_write_the_same_array(labels):
    segm = SegmentationImage(labels)
    segm.remove_label(segm.labels[0])
    private = segm.label_table.data
    segm.relabel_consecutive()
    segm.remove_border_labels(2)
    assert segm.label_table.data is private


def test_an_edit_that_changes_nothing_keeps_the_array(labels):
    segm = SegmentationImage(labels)
    segm.remove_labels([])
    segm.keep_labels(segm.labels)
    segm.reassign_label(segm.labels[1], segm.labels[1])
    assert segm.data is labels


@pytest.mark.parametrize(
    ("method", "args", "text"),
    [
        ("reassign_label", (3, 1), r"label \[3\] is invalid"),
        ("reassign_labels", ([1, 7, 8], 2), r"labels \[7, 8\] are invalid"),
        ("reassign_label", (1, -1), "new_label must be a nonnegative integer, got -1"),
        ("reassign_label", (1, 2.5), "new_label must be a nonnegative integer, got 2.5"),
        ("reassign_label", (1, 128), "new_label 128 cannot be represented .* int8, .* is 127"),
        ("reassign_label", (1, [2]), r"new_label .* got \[2\]"),
        ("reassign_label", (1, np.inf), "new_label .* got inf"),
        ("keep_label", (3,), r"label \[3\] is invalid"),
        ("remove_labels", ([0],), r"label \[0\] is invalid"),
        ("relabel_consecutive", (0,), "start_label must be > 0 and an integer, got 0"),
        ("relabel_consecutive", (1.5,), "start_label must be > 0 and an integer, got 1.5"),
        (
            "relabel_consecutive",
            (127,),
            r"start_label \+ nlabels - 1 = 128 cannot be represented .*int8",
        ),
        ("remove_border_labels", (0,), "border_width must be a positive integer, got 0"),
        ("remove_border_labels", (2,), r"smaller than half the array size .* got 2 .*\(4, 5\)"),
        (
            "remove_masked_labels",
            (np.ones((2, 2)),),
            r"mask must have the same shape as the segmentation array: mask has \(2, 2\)",
        ),
        ("remove_masked_labels", (None,), "mask must be a boolean array"),
    ],
)
def test_wrong_arguments_are_named_and_change_nothing(method, args, text):
    data = np.zeros((4, 5), np.int8)
    data[1, :2], data[3, 3] = 1, 2
    segm = SegmentationImage(data)
    with pytest.raises(ValueError, match=text):
        getattr(segm, method)(*args)
    assert segm.data is data
    np.testing.assert_array_equal(segm.labels, [1, 2])


def test_renumbering_nothing_warns():
    segm = SegmentationImage(np.zeros((3, 3), int))
    with pytest.warns(AstropyUserWarning, match="Cannot relabel .* no nonzero labels"):
        segm.relabel_consecutive()
    segm.remove_border_labels(1)
    segm.remove_masked_labels(np.ones((3, 3), bool), partial_overlap=False)
    segm.keep_labels([], relabel=True)
    assert segm.nlabels == 0


@pytest.mark.parametrize("label", [-1, 4, 50_000_000])
def test_an_edit_of_data_that_changed_in_place_reads_nothing_else(label):
    data = np.zeros((50, 50), np.int32)
    data[3:6, 3:6], data[20:25, 20:25], data[40:42, 1:9] = 1, 2, 3
    segm = SegmentationImage(data)
    assert segm.labels.tolist() == [1, 2, 3]
    segm.data[0:2, 0:2] = label
    with pytest.raises(IndexError, match=r"changed in place.*segm\.data = segm\.data"):
        segm.remove_label(1)
