"""A stable merge sort of (key, item) pairs: no worst case, scratch from the caller."""

from skyshed.kernels.threads import jit

#: Runs up to this length are sorted by insertion.
RUN = 16


@jit
def _insert(key, item, lo, hi):
    for i in range(lo + 1, hi):
        k, it = key[i], item[i]
        j = i - 1
        while j >= lo and key[j] < k:
            key[j + 1] = key[j]
            item[j + 1] = item[j]
            j -= 1
        key[j + 1] = k
        item[j + 1] = it


@jit
def _merge(key, item, lo, mid, hi, key_out, item_out):
    i, j = lo, mid
    for out in range(lo, hi):
        if i < mid and (j >= hi or key[i] >= key[j]):
            key_out[out] = key[i]
            item_out[out] = item[i]
            i += 1
        else:
            key_out[out] = key[j]
            item_out[out] = item[j]
            j += 1


@jit
def sort_descending(key, item, lo, hi, spare_key, spare_item):
    """Sort ``key[lo:hi]`` from large to small in place, stably, and ``item`` with it.

    The spare arrays are at least as long as ``key``. There must be no NaN.
    """
    if hi - lo <= RUN:
        _insert(key, item, lo, hi)
        return
    for begin in range(lo, hi, RUN):
        _insert(key, item, begin, min(begin + RUN, hi))
    width = RUN
    swapped = False
    while width < hi - lo:
        for begin in range(lo, hi, 2 * width):
            mid = min(begin + width, hi)
            stop = min(begin + 2 * width, hi)
            if swapped:
                _merge(spare_key, spare_item, begin, mid, stop, key, item)
            else:
                _merge(key, item, begin, mid, stop, spare_key, spare_item)
        swapped = not swapped
        width *= 2
    if swapped:
        for i in range(lo, hi):
            key[i] = spare_key[i]
            item[i] = spare_item[i]
