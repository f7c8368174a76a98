"""The contrast rule: basins with too small a share of the flux are flooded by their neighbours.

The faintest basin goes first; then everything is judged anew. No pixel outside the removed basin
can change, so only that basin is flooded again, from the pixels around it. Fluxes are sums in
raster order, which fixes their last bit. They are carried along instead of summed again while they
are so far from the contrast that rounding can't decide. Faint basins are therefore always exact,
and a removal costs no more than the basin and its faint neighbours.
"""

import numpy as np

from skyshed.kernels.deblending.cpu_sorting import sort_descending
from skyshed.kernels.deblending.cpu_watershed import flood, flood_by_heap
from skyshed.kernels.threads import jit

#: Bound of the relative error of adding one term.
ROUNDING = 2.0**-52


@jit
def _sum_basins(value, n, label, flux):
    """Sum the flux of each basin in raster order; return the sum of absolute values."""
    flux[:] = 0.0
    scale = 0.0
    for k in range(n):
        if value[k] > -np.inf and label[k] > 0:
            flux[label[k]] += value[k]
            scale += abs(value[k])
    return scale


@jit
def _sum_one_basin(value, first, link, scratch):
    """Sum the flux of a basin, given as a list, in raster order."""
    key, spare_key, member, spare_member, _ = scratch
    m = 0
    p = first
    while p >= 0:
        member[m] = p
        key[m] = -p
        m += 1
        p = link[p]
    sort_descending(key, member, 0, m, spare_key, spare_member)
    total = 0.0
    for i in range(m):
        v = value[member[i]]
        if v > -np.inf:
            total += v
    return total


@jit
def _count_removable(share, rank, front, n_basins, contrast, nonnegative):
    """Return how many of the faintest basins may go at once, 0 if all meet the contrast.

    One, or the largest group whose share, all together, is below both the contrast and the next
    basin's: none of its members could be saved by the flux of the others.
    """
    lowest = front
    while lowest < n_basins and np.isnan(share[rank[lowest]]):
        lowest += 1
    if lowest == n_basins or not share[rank[lowest]] < contrast:
        return 0
    together = 1
    if nonnegative and n_basins - front > 2:
        total = share[rank[front]]
        for i in range(front + 1, n_basins - 1):
            total += share[rank[i]]
            if not total < contrast:
                break
            if total < share[rank[i + 1]]:
                together = i + 1 - front
    return together


@jit
def _precedes(share, a, b):
    """Whether basin a goes before b: NaN, then the smaller share, then the smaller number."""
    x, y = share[a], share[b]
    if np.isnan(x) or np.isnan(y):
        return np.isnan(x) and (not np.isnan(y) or a < b)
    return x < y or (x == y and a < b)


@jit
def _put_in_place(share, rank, place, front, n_basins, basin):
    """Move a basin whose share has changed to its place in the order."""
    at = place[basin]
    while at + 1 < n_basins and _precedes(share, rank[at + 1], basin):
        rank[at] = rank[at + 1]
        place[rank[at]] = at
        at += 1
    while at > front and _precedes(share, basin, rank[at - 1]):
        rank[at] = rank[at - 1]
        place[rank[at]] = at
        at -= 1
    rank[at] = basin
    place[basin] = at


@jit
def _flood_again(near, n_near, value, n, label, cleared, n_cleared, scratch):
    """Flood the pixels ``cleared[:n_cleared]``, which have no label, from those around them."""
    key, spare_key, member, spare_member, work = scratch
    slot = work[0]
    m = n_cleared
    for i in range(n_cleared):
        member[i] = cleared[i]
    for i in range(n_cleared):
        p = cleared[i]
        for direction in range(n_near):
            q = near[p, direction]
            if label[q] > 0 and slot[q] >= 0:
                slot[q] = -1
                member[m] = q
                m += 1
    for i in range(m):
        slot[member[i]] = 0
        key[i] = value[member[i]]
    sort_descending(key, member, 0, m, spare_key, spare_member)
    if not flood(near, n_near, label, member, key, m, work):
        flood_by_heap(near, n_near, label, value, n, key, spare_member, slot)
        slot[:n] = 0


@jit
def _rank_basins(share, n_basins, scratch):
    """Return the basins in the order in which they would go, and the place of each in it."""
    key, spare_key, member, spare_member, _ = scratch
    for i in range(n_basins):
        member[i] = i + 1
        key[i] = np.inf if np.isnan(share[i + 1]) else -share[i + 1]
    sort_descending(key, member, 0, n_basins, spare_key, spare_member)
    rank = member[:n_basins].copy()
    place = np.empty(n_basins + 1, np.int32)
    for i in range(n_basins):
        place[rank[i]] = i
        # The keys tell NaN and -inf apart no more.
        _put_in_place(share, rank, place, 0, i + 1, rank[i])
    return rank, place


@jit
def _hand_over(value, label, cleared, n_cleared, flux, first, link, is_changed, changed):
    """Add flooded pixels to the lists and the fluxes of their basins; return how many changed."""
    n_changed = 0
    for i in range(n_cleared):
        p = cleared[i]
        basin = label[p]
        if basin == 0:
            continue
        link[p] = first[basin]
        first[basin] = p
        if value[p] > -np.inf:
            flux[basin] += value[p]
        if not is_changed[basin]:
            is_changed[basin] = True
            changed[n_changed] = basin
            n_changed += 1
    return n_changed


@jit
def _clear(label, rank, start, stop, first, link, cleared):
    """Take the labels off the basins ``rank[start:stop]``; return how many pixels they had."""
    n_cleared = 0
    for i in range(start, stop):
        p = first[rank[i]]
        first[rank[i]] = -1
        while p >= 0:
            label[p] = 0
            cleared[n_cleared] = p
            n_cleared += 1
            p = link[p]
    return n_cleared


@jit
def _close_ranks(label, n, rank, front, n_basins):
    """Number the basins that are left from 1, in their old order."""
    number = np.empty(n_basins + 1, np.int32)
    number[:] = 0
    for i in range(front, n_basins):
        number[rank[i]] = 1
    for basin in range(1, n_basins + 1):
        number[basin] = number[basin - 1] + number[basin]
    for k in range(n):
        label[k] = number[label[k]]


@jit
def remove_faint_basins(
    near, n_near, value, n, total, smallest, contrast, n_basins, label, link, cleared, scratch
):
    """Remove basins until all have ``contrast`` of the flux ``total``; return how many are left.

    The numbers of those that are left keep their order, and are consecutive. ``link``, ``cleared``
    and ``scratch`` (key, spare_key, member, spare_member, 5 rows of work) have the size n.
    """
    flux = np.empty(n_basins + 1, np.float64)
    scale = _sum_basins(value, n, label, flux)
    share = np.empty(n_basins + 1, np.float64)
    faint = False
    for basin in range(1, n_basins + 1):
        share[basin] = flux[basin] / total
        faint |= share[basin] < contrast
    if not faint:
        return n_basins
    rank, place = _rank_basins(share, n_basins, scratch)
    first = np.empty(n_basins + 1, np.int32)
    first[:] = -1
    for k in range(n):
        if label[k] > 0:
            link[k] = first[label[k]]
            first[label[k]] = k
    changed = np.empty(n_basins, np.int32)
    is_changed = np.empty(n_basins + 1, np.bool_)
    is_changed[:] = False
    scratch[4][0, :n] = 0
    front, moved = 0, 0
    while n_basins - front > 1:
        together = _count_removable(share, rank, front, n_basins, contrast, smallest >= 0)
        if together == 0:
            break
        n_cleared = _clear(label, rank, front, front + together, first, link, cleared)
        front += together
        _flood_again(near, n_near, value, n, label, cleared, n_cleared, scratch)
        n_changed = _hand_over(
            value, label, cleared, n_cleared, flux, first, link, is_changed, changed
        )
        moved += n_cleared
        doubt = ROUNDING * (n + moved) * scale / abs(total)
        for i in range(n_changed):
            basin = changed[i]
            is_changed[basin] = False
            if not flux[basin] / total - doubt >= contrast:
                flux[basin] = _sum_one_basin(value, first[basin], link, scratch)
            share[basin] = flux[basin] / total
            _put_in_place(share, rank, place, front, n_basins, basin)
    _close_ranks(label, n, rank, front, n_basins)
    return n_basins - front
