"""Parents and flags of deblended labels, and how they follow edits."""

import numpy as np
import pytest

from skyshed import SegmentationImage
from skyshed.segmentation.provenance import Provenance


def test_maps_and_columns_mean_the_same():
    given = {4: 9, 1: 7, 3: 9}, {4: 32, 2: 0}
    columns = ([4, 1, 3], [9, 7, 9]), ([4, 2], [32, 0])
    for parent_of, flags_of in (given, columns):
        provenance = Provenance.from_maps(parent_of, flags_of)
        assert provenance.parent_of() == {4: 9, 3: 9, 1: 7}
        children = provenance.children_of(np.int32)
        assert {parent: some.tolist() for parent, some in children.items()} == {9: [4, 3], 7: [1]}
        assert children[9].dtype == np.int32
        np.testing.assert_array_equal(provenance.flags_of(np.array([1, 2, 4])), [0, 0, 32])


def test_a_label_merged_from_two_parents_is_listed_under_each():
    segm = SegmentationImage.from_labels(
        np.array([[1, 2, 3, 4]], np.int32),
        deblended_labels_map={1: 10, 2: 10, 3: 20, 4: 20},
        flags_map={1: 32, 3: 128, 4: 32},
    )
    segm.reassign_labels([1, 3], 2)
    assert {parent: some.tolist() for parent, some in segm.parent_to_deblended_labels.items()} == {
        10: [2],
        20: [2, 4],
    }
    assert segm.deblended_label_to_parent == {2: 20, 4: 20}
    np.testing.assert_array_equal(segm.flags, [160, 32])
    np.testing.assert_array_equal(segm.deblended_labels, [2, 4])


def test_removed_labels_leave_the_record():
    segm = SegmentationImage.from_labels(
        np.array([[1, 2, 3]], np.int32),
        deblended_labels_map={1: 10, 2: 10, 3: 20},
        flags_map={1: 32, 2: 32, 3: 32},
    )
    segm.remove_labels([1, 3], relabel=True)
    assert segm.deblended_labels_map == {1: 10}
    np.testing.assert_array_equal(segm.flags, [32])
    segm.remove_label(1)
    assert segm.deblended_labels_map == segm.deblended_labels_inverse_map == {}
    assert segm.flags.size == segm.deblended_labels.size == 0


def by_definition(children, flags, names):
    """Rename children and flags label by label; ``names`` is ``{label: new label}``."""
    new_children, new_flags = {}, {}
    for parent, labels in children.items():
        renamed = [names.get(label, 0) for label in labels]
        renamed = [label for label in dict.fromkeys(renamed) if label]
        if renamed:
            new_children[parent] = renamed
    for label, bits in flags.items():
        new = names.get(label, 0)
        if new:
            new_flags[new] = new_flags.get(new, 0) | bits
    return new_children, new_flags


@pytest.mark.parametrize("seed", range(20))
def test_edits_are_followed_label_by_label(seed):
    rng = np.random.default_rng(seed)
    offset = int(rng.choice([0, 2**40]))
    labels = np.sort(rng.choice(60, 40, replace=False)) + 1 + offset
    parent_of = {int(label): int(rng.integers(1, 12)) for label in rng.permutation(labels)[:30]}
    children = {}
    for child, parent in parent_of.items():
        children.setdefault(parent, []).append(child)
    flags = {int(label): int(rng.choice([0, 32, 96, 160])) for label in labels}
    provenance = Provenance.from_maps(parent_of, flags)
    for _ in range(3):
        new = np.where(rng.random(labels.size) < 0.2, 0, rng.choice(labels, labels.size))
        names = dict(zip(labels.tolist(), new.tolist(), strict=True))
        children, flags = by_definition(children, flags, names)
        provenance = provenance.relabelled(labels, new)
        labels = np.unique(new[new > 0])
        found = provenance.children_of(np.int64)
        assert {parent: some.tolist() for parent, some in found.items()} == children
        assert list(found) == list(children)
        expected = [flags.get(label, 0) for label in labels.tolist()]
        np.testing.assert_array_equal(provenance.flags_of(labels), expected)
    assert len(children) > 3


def test_a_flag_is_added_to_those_that_labels_have():
    before = Provenance.from_maps({4: 9}, {4: 32, 2: 64})
    after = before.with_flag(np.array([2, 7]), 1 << 30)
    labels = np.array([2, 4, 7, 8])
    assert after.flags_of(labels).tolist() == [64 | 1 << 30, 32, 1 << 30, 0]
    assert before.flags_of(labels).tolist() == [64, 32, 0, 0]
    assert after.parent_of() == {4: 9}
    assert before.with_flag(np.array([], int), 1).flags_of(labels).tolist() == [64, 32, 0, 0]
