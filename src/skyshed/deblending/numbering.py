"""The labels of a deblended image: those of sources that stay whole, and those of children."""

from typing import Any

import numpy as np

from skyshed.names import both_names

__all__ = ["children_of", "number_labels"]


def number_labels(chosen: Any, labels: Any, n_children: Any, relabel: bool) -> tuple[Any, Any]:
    """Number the sources that stay whole and the children of the others.

    Children follow the largest label, parent by parent in the order of ``chosen``; of an index that
    is listed twice, the last mention counts.

    Parameters
    ----------
    chosen : array of int64
        The indices of the sources that were to be split.
    labels : array of int, shape (n,)
        The labels of all sources, ascending.
    n_children : array of int64, shape (n,)
        How many children each source has; 0 where it stays whole.
    relabel : bool
        Whether the new labels are consecutive, from 1.

    Returns
    -------
    base : array of int64, shape (n,)
        The label of a source that stays whole; of others, what to add to the numbers of their
        children, which begin at 1.
    parents : array of int64
        The indices of the sources that have children, in the order in which ``chosen`` first lists
        them.

    Raises
    ------
    ValueError
        If a new label does not fit the dtype of ``labels``.
    """
    whole = n_children == 0
    base = labels.astype(np.int64)
    count = n_children[chosen]
    base[chosen] = np.where(count, base[-1] + np.cumsum(count) - count, base[chosen])
    parents = chosen[count > 0]
    parents = parents[np.sort(np.unique(parents, return_index=True)[1])]
    if relabel:
        base[whole] = np.arange(1, whole.sum() + 1)
        in_order = parents[np.argsort(base[parents])]
        count = n_children[in_order]
        base[in_order] = whole.sum() + np.cumsum(count) - count
    largest = int((base + n_children).max())
    if largest > np.iinfo(labels.dtype).max:
        raise ValueError(
            f"{both_names('segment_img')} has labels up to {labels[-1]}: those of the children"
            f" would reach {largest}, more than its dtype {labels.dtype} holds; "
            + ("give it a wider dtype" if relabel else "use relabel=True or a wider dtype")
        )
    return base, parents


def children_of(parents: Any, base: Any, n_children: Any) -> Any:
    """Return the labels of all children, parent by parent.

    Parameters
    ----------
    parents : array of int64
        The indices of the parents.
    base, n_children : array of int64, shape (n,)
        Of all sources, as `number_labels` returns and takes them.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.deblending import children_of
    >>> children_of(np.array([2, 0]), np.array([5, 1, 8]), np.array([2, 0, 3]))
    array([ 9, 10, 11,  6,  7])
    """
    count = n_children[parents]
    number = np.arange(1, count.sum() + 1) - np.repeat(np.cumsum(count) - count, count)
    return np.repeat(base[parents], count) + number
