"""The parents and flags of deblended labels, which follow edits of the labels."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np

__all__ = ["Provenance"]


def _empty() -> Any:
    return np.empty(0, np.int64)


def _columns(pairs: Any) -> tuple[Any, Any]:
    """Return a mapping, or a pair of arrays, as two int64 arrays."""
    keys, values = (
        (list(pairs.keys()), list(pairs.values())) if isinstance(pairs, Mapping) else pairs
    )
    return np.asarray(keys, np.int64), np.asarray(values, np.int64)


@dataclass(frozen=True, eq=False)
class Provenance:
    """The parent of each deblended label, and the flags of labels.

    Attributes
    ----------
    child, parent : array of int64, shape (k,)
        Deblended labels and the labels they replaced, grouped by parent. A label merged from
        several parents' children is listed under each.
    flagged, flags : array of int64, shape (m,)
        Labels with flags other than zero, each once, and those flags.
    whole, before : array of int64, shape (l,)
        Labels of sources that deblending left whole, and those that they had before it.
    """

    child: Any = field(default_factory=_empty)
    parent: Any = field(default_factory=_empty)
    flagged: Any = field(default_factory=_empty)
    flags: Any = field(default_factory=_empty)
    whole: Any = field(default_factory=_empty)
    before: Any = field(default_factory=_empty)

    @classmethod
    def from_maps(
        cls, parent_of: Any = None, flags_of: Any = None, before_of: Any = None
    ) -> "Provenance":
        """Make one of ``{child: parent}``, ``{label: flags}`` and ``{whole label: label before}``,
        or of pairs of arrays.
        """
        child, parent = _columns(parent_of if parent_of is not None else {})
        flagged, flags = _columns(flags_of if flags_of is not None else {})
        _, first, group = np.unique(parent, return_index=True, return_inverse=True)
        order = np.argsort(first[group], kind="stable")
        set_ = flags != 0
        whole, before = _columns(before_of if before_of is not None else {})
        return cls(child[order], parent[order], flagged[set_], flags[set_], whole, before)

    def relabelled(self, old: Any, new: Any) -> "Provenance":
        """Follow an edit: the labels ``old`` (all, ascending) became ``new``, 0 where removed."""
        if not (self.child.size or self.flagged.size or self.whole.size):
            return self
        child, parent = _renamed(self.child, old, new), self.parent
        kept = np.flatnonzero(child)
        kept = kept[_first_of_each(parent[kept], child[kept])]
        flagged = _renamed(self.flagged, old, new)
        labels, group = np.unique(flagged, return_inverse=True)
        flags = np.zeros(labels.size, np.int64)
        np.bitwise_or.at(flags, group, self.flags)
        alive = labels != 0
        whole, first = np.unique(_renamed(self.whole, old, new), return_index=True)
        before = self.before[first][whole != 0]
        return Provenance(
            child[kept], parent[kept], labels[alive], flags[alive], whole[whole != 0], before
        )

    def with_flag(self, labels: Any, flag: int) -> "Provenance":
        """Return the same with a flag that some labels have besides."""
        both = np.concatenate([self.flagged, np.asarray(labels, np.int64)])
        flagged, group = np.unique(both, return_inverse=True)
        flags = np.zeros(flagged.size, np.int64)
        of_both = np.concatenate([self.flags, np.full(len(labels), flag, np.int64)])
        np.bitwise_or.at(flags, group, of_both)
        return replace(self, flagged=flagged, flags=flags)

    def parent_of(self) -> dict[int, int]:
        """Return ``{child: parent}``; the last one of several parents."""
        return dict(zip(self.child.tolist(), self.parent.tolist(), strict=True))

    def labels_before(self, labels: Any) -> Any:
        """Return the labels that sources had before deblending, int64; others keep their own.

        ``labels`` are ascending.
        """
        result = np.array(labels, np.int64)
        for now, then in ((self.whole, self.before), (self.child, self.parent)):
            there = np.isin(now, labels)
            result[np.searchsorted(labels, now[there])] = then[there]
        return result

    def children_of(self, dtype: Any) -> dict[int, Any]:
        """Return ``{parent: array of its children}``."""
        begin = np.flatnonzero(np.diff(self.parent, prepend=-1))
        edges = [*begin.tolist(), self.child.size]
        child = self.child.astype(dtype)
        # numpy.split does the same, but takes five times as long.
        children = (child[lo:hi] for lo, hi in pairwise(edges))
        return dict(zip(self.parent[begin].tolist(), children, strict=True))

    def flags_of(self, labels: Any) -> Any:
        """Return the flags of each of ``labels`` (ascending), int64."""
        flags = np.zeros(len(labels), np.int64)
        is_present = np.isin(self.flagged, labels)
        flags[np.searchsorted(labels, self.flagged[is_present])] = self.flags[is_present]
        return flags


def _first_of_each(one: Any, other: Any) -> Any:
    """Return the index of the first occurrence of each pair of ``one`` and ``other``, ascending."""
    order = np.lexsort((other, one))
    one, other = one[order], other[order]
    new = np.ones(order.size, bool)
    new[1:] = (one[1:] != one[:-1]) | (other[1:] != other[:-1])
    return np.sort(order[new])


def _renamed(labels: Any, old: Any, new: Any) -> Any:
    """Return the new number of each label, 0 for labels that are not in ``old``."""
    if len(old) == 0:
        return np.zeros_like(labels)
    index = np.minimum(np.searchsorted(old, labels), len(old) - 1)
    return np.where(old[index] == labels, new[index], 0).astype(np.int64)
