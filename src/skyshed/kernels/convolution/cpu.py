"""Convolution on the CPU: one read and one write of the image, in bands of rows.

A band is done in blocks of columns. It keeps the last ``ky`` rows in a ring of float64 lines that
stays in the cache: rows already convolved with the kernel's row where the kernel is separable, the
padded rows themselves where not. Weights are formed only for the
rows of a block under which a pixel is missing.
"""

import numpy as np

from skyshed.kernels.threads import jit, run_ranges

#: Rows per range of work, at least; a band reads ky - 1 rows more than it writes.
ROWS = 64
#: Columns per block: the ring of a 5 x 5 kernel takes 40 KB.
COLUMNS = 1024
#: How far the elements of a kernel may be from the products of a row and a column.
RANK_ONE_RTOL = 1e-13
#: Elements this far below the largest are not compared: they are rounding, or underflow.
RANK_ONE_FLOOR = 1e-30

BOUNDARIES = {None: 0, "fill": 1, "wrap": 2, "extend": 3}

#: What a line of weights holds: nothing yet, the weights of a whole line, or its own.
UNSET, WHOLE, OWN = 0, 1, 2


def factors(kernel):
    """Return the column and the row whose products are the kernel, or None if there are none.

    The cross through the largest element keeps zeros exactly zero, which singular vectors do not:
    0 * inf must be NaN where it is in the direct sum. A kernel with negative elements is not
    factored: whether its weights cancel must not depend on the order of the sum.
    """
    if not np.all(np.isfinite(kernel)) or kernel.min() < 0 or kernel.max() <= 0:
        return None
    y, x = np.unravel_index(np.argmax(kernel), kernel.shape)
    column, row = kernel[:, x].copy(), kernel[y] / kernel[y, x]
    distance = np.abs(np.outer(column, row) - kernel)
    if np.any(distance > RANK_ONE_RTOL * kernel + RANK_ONE_FLOOR * kernel[y, x]):
        return None
    return column, row


@jit
def _outside(i, n, boundary):
    """Return the index whose value stands at ``i``, or -1 for the fill value."""
    if 0 <= i < n:
        return i
    if boundary == 2:
        return i % n
    if boundary == 3:
        return 0 if i < 0 else n - 1
    return -1


@jit
def _read_line(data, mask, masked, y, x0, boundary, fill_value, interpolate, line):
    """Read row ``y`` from column ``x0`` on into ``line``; return whether it has NaN to omit."""
    ny, nx = data.shape
    n = line.shape[0]
    y = _outside(y, ny, boundary)
    if y < 0:
        line[:] = fill_value
        return interpolate and np.isnan(fill_value)
    start, stop = max(0, -x0), min(n, nx - x0)
    row = data[y, x0 + start : x0 + stop]
    inner = line[start:stop]
    n_bad = 0
    for i in range(row.shape[0]):
        value = np.float64(row[i])
        n_bad += value != value
        inner[i] = value
    if masked:
        hidden = mask[y, x0 + start : x0 + stop]
        for i in range(hidden.shape[0]):
            if hidden[i]:
                inner[i] = np.nan
                n_bad += 1
    for i in range(start):
        x = _outside(x0 + i, nx, boundary)
        line[i] = fill_value if x < 0 else np.float64(data[y, x])
        if x >= 0 and masked and mask[y, x]:
            line[i] = np.nan
        n_bad += np.isnan(line[i])
    for i in range(stop, n):
        x = _outside(x0 + i, nx, boundary)
        line[i] = fill_value if x < 0 else np.float64(data[y, x])
        if x >= 0 and masked and mask[y, x]:
            line[i] = np.nan
        n_bad += np.isnan(line[i])
    if n_bad and not interpolate:
        for i in range(n):
            if np.isnan(line[i]):
                line[i] = fill_value
    return interpolate and n_bad > 0


@jit
def _split_missing(line, weight):
    """Set NaN in ``line`` to 0, and ``weight`` to 0 there and 1 elsewhere."""
    for i in range(line.shape[0]):
        missing = np.isnan(line[i])
        weight[i] = 0.0 if missing else 1.0
        if missing:
            line[i] = 0.0


@jit
def _add_taps(total, line, taps):
    """Add ``sum_j taps[j] * line[x + j]`` to ``total[x]``, four taps at a time."""
    n, n_taps = total.shape[0], taps.shape[0]
    j = 0
    while j + 4 <= n_taps:
        t0, t1, t2, t3 = taps[j], taps[j + 1], taps[j + 2], taps[j + 3]
        a, b, c, d = line[j:], line[j + 1 :], line[j + 2 :], line[j + 3 :]
        for x in range(n):
            total[x] += (t0 * a[x] + t1 * b[x]) + (t2 * c[x] + t3 * d[x])
        j += 4
    while j < n_taps:
        t0 = taps[j]
        a = line[j:]
        for x in range(n):
            total[x] += t0 * a[x]
        j += 1


@jit
def _add_rows(total, ring, first, taps):
    """Add ``sum_i taps[i] * ring[first + i]``, a ring, to ``total``, four rows at a time."""
    n, n_taps = total.shape[0], taps.shape[0]
    i = 0
    while i + 4 <= n_taps:
        t0, t1, t2, t3 = taps[i], taps[i + 1], taps[i + 2], taps[i + 3]
        a, b = ring[(first + i) % n_taps], ring[(first + i + 1) % n_taps]
        c, d = ring[(first + i + 2) % n_taps], ring[(first + i + 3) % n_taps]
        for x in range(n):
            total[x] += (t0 * a[x] + t1 * b[x]) + (t2 * c[x] + t3 * d[x])
        i += 4
    while i < n_taps:
        t0 = taps[i]
        a = ring[(first + i) % n_taps]
        for x in range(n):
            total[x] += t0 * a[x]
        i += 1


@jit
def _some_own(state):
    """Return whether a line of the ring has weights of its own."""
    for each in state:
        if each == OWN:
            return True
    return False


@jit
def _copy(line, out):
    """Copy a line; assigning it to a slice would compile for long what says that shapes differ."""
    for x in range(out.shape[0]):
        out[x] = line[x]


@jit
def _write_row(out, total, weight, whole, data, mask, masked, scale):
    """Write a row where pixels are missing; return how many have no weight and are NaN."""
    n_empty = 0
    for x in range(out.shape[0]):
        value = total[x]
        if weight[x] == 0.0:
            value = np.nan if masked and mask[x] else np.float64(data[x]) * scale
            n_empty += np.isnan(value)
        elif weight[x] != whole:
            value = value / weight[x] * scale
        out[x] = value
    return n_empty


@jit
def _separable(
    data, mask, masked, column, row, boundary, fill_value, interpolate, scale, out, y0, y1, x0, x1
):  # fmt: skip
    """Convolve the block of rows y0..y1-1 and columns x0..x1-1 with ``column`` x ``row``."""
    n, ky, kx = x1 - x0, column.shape[0], row.shape[0]
    hy, hx = ky // 2, kx // 2
    line, present = np.empty(n + kx - 1), np.empty(n + kx - 1)
    ring, weights = np.empty((ky, n)), np.empty((ky, n))
    state = np.empty(ky, np.int64)
    total, weight = np.empty(n), np.empty(n)
    # The weight of a kernel that misses nothing, by the same sums as any other.
    one, whole, lines = np.empty(1), np.empty(1), np.empty((ky, 1))
    one[0] = whole[0] = 0.0
    present[:kx] = 1.0
    _add_taps(one, present[:kx], row)
    for i in range(ky):
        lines[i, 0] = one[0]
    _add_rows(whole, lines, 0, column)
    n_empty = 0
    for k in range(y1 - y0 + ky - 1):
        slot = k % ky
        bad = _read_line(
            data, mask, masked, y0 - hy + k, x0 - hx, boundary, fill_value, interpolate, line
        )
        state[slot] = UNSET
        if bad:
            _split_missing(line, present)
            weights[slot] = 0.0
            _add_taps(weights[slot], present, row)
            state[slot] = OWN
        ring[slot] = 0.0
        _add_taps(ring[slot], line, row)
        if k < ky - 1:
            continue
        y = y0 + k - ky + 1
        total[:] = 0.0
        _add_rows(total, ring, k + 1, column)
        if not _some_own(state):
            _copy(total, out[y, x0:x1])
            continue
        for i in range(ky):
            if state[i] == UNSET:
                weights[i] = one[0]
                state[i] = WHOLE
        weight[:] = 0.0
        _add_rows(weight, weights, k + 1, column)
        hidden = mask[y, x0:x1] if masked else mask[0]
        n_empty += _write_row(
            out[y, x0:x1], total, weight, whole[0], data[y, x0:x1], hidden, masked, scale
        )
    return n_empty


@jit
def _direct(
    data, mask, masked, kernel, boundary, fill_value, interpolate, scale, out, y0, y1, x0, x1
):  # fmt: skip
    """Convolve the block of rows y0..y1-1 and columns x0..x1-1 with ``kernel``."""
    n, ky, kx = x1 - x0, kernel.shape[0], kernel.shape[1]
    hy, hx = ky // 2, kx // 2
    ring, weights = np.empty((ky, n + kx - 1)), np.empty((ky, n + kx - 1))
    state = np.empty(ky, np.int64)
    total, weight, whole, ones = np.empty(n), np.empty(n), np.empty(1), np.empty(kx)
    whole[0], ones[:] = 0.0, 1.0
    for i in range(ky):
        _add_taps(whole, ones, kernel[i])
    n_empty = 0
    for k in range(y1 - y0 + ky - 1):
        slot = k % ky
        bad = _read_line(
            data, mask, masked, y0 - hy + k, x0 - hx, boundary, fill_value, interpolate, ring[slot]
        )
        state[slot] = UNSET
        if bad:
            _split_missing(ring[slot], weights[slot])
            state[slot] = OWN
        if k < ky - 1:
            continue
        y = y0 + k - ky + 1
        total[:] = 0.0
        for i in range(ky):
            _add_taps(total, ring[(k + 1 + i) % ky], kernel[i])
        if not _some_own(state):
            _copy(total, out[y, x0:x1])
            continue
        weight[:] = 0.0
        for i in range(ky):
            slot = (k + 1 + i) % ky
            if state[slot] == UNSET:
                weights[slot] = 1.0
                state[slot] = WHOLE
            _add_taps(weight, weights[slot], kernel[i])
        hidden = mask[y, x0:x1] if masked else mask[0]
        n_empty += _write_row(
            out[y, x0:x1], total, weight, whole[0], data[y, x0:x1], hidden, masked, scale
        )
    return n_empty


@jit
def _restore_nan(data, mask, masked, out, y0, y1):
    for y in range(y0, y1):
        for x in range(data.shape[1]):
            if np.isnan(data[y, x]) or (masked and mask[y, x]):
                out[y, x] = np.nan


def convolve(
    data, mask, kernel, boundary, fill_value, interpolate, preserve_nan, scale, n_threads
):  # fmt: skip
    """Convolve band by band; see the contract in `skyshed.kernels.convolution`."""
    (ny, nx), (ky, kx) = data.shape, kernel.shape
    masked = mask is not None
    hidden = mask if masked else np.zeros((1, 1), bool)
    top, left = (ky // 2, kx // 2) if boundary is None else (0, 0)
    out = np.empty_like(data) if boundary is not None else np.zeros_like(data)
    edge, fill, scale = BOUNDARIES[boundary], float(fill_value), float(scale)
    parts = factors(kernel)
    # A sum runs over the image in its own order, so over the kernel backwards.
    if parts is None:
        flipped = np.ascontiguousarray(kernel[::-1, ::-1])

        def block(y0, y1, x0, x1):
            return _direct(
                data, hidden, masked, flipped, edge, fill, interpolate, scale, out, y0, y1, x0, x1
            )
    else:
        column, row = (np.ascontiguousarray(part[::-1]) for part in parts)

        def block(y0, y1, x0, x1):
            return _separable(
                data, hidden, masked, column, row, edge, fill, interpolate, scale, out,
                y0, y1, x0, x1,
            )  # fmt: skip

    n_empty = []

    def band(start, stop):
        for x0 in range(left, nx - left, COLUMNS):
            x1 = min(x0 + COLUMNS, nx - left)
            n_empty.append(block(top + start, top + stop, x0, x1))

    run_ranges(band, ny - 2 * top, n_threads, max(ROWS, 4 * ky))
    if preserve_nan:
        run_ranges(
            lambda y0, y1: _restore_nan(data, hidden, masked, out, y0, y1), ny, n_threads, ROWS
        )
    return out, sum(n_empty)
