"""SEP's arithmetic on the CPU; see the .cpp files."""

import numpy as np

from skyshed.kernels.native import Kernels
from skyshed.kernels.sep import COLUMNS
from skyshed.kernels.threads import flag_for, rows_per_range, run_ranges

KERNELS = Kernels(__package__)
#: Objects per range of work.
OBJECTS = 64
#: A branch of a blend may be as small as this, whatever the least area (SourceExtractor's limit).
BRANCH = 3
#: What the kernel returns where a limit is reached; extract.cpp has the same.
FULL = -3


def background_mesh(data, mask, box, window, least, n_threads):
    """Estimate and filter boxes; see the contract in `skyshed.kernels.sep`."""
    (ny, nx), (height, width) = data.shape, box
    down, across = (ny - 1) // height + 1, (nx - 1) // width + 1
    level, noise = np.empty((2, down, across), np.float32)
    work = KERNELS.bind("boxes", data, mask, ny, nx, height, width, level, noise)
    run_ranges(work, down, n_threads, max(rows_per_range(nx) // height, 1))
    medians = np.empty(2, np.float32)
    KERNELS.call("filtered", level, noise, down, across, *window, float(least), medians)
    return level, noise, float(medians[0]), float(medians[1])


def background_map(mesh, box, shape, n_threads):
    """Interpolate a mesh; see the contract in `skyshed.kernels.sep`."""
    curve, out = np.empty_like(mesh), np.empty(shape, np.float32)
    KERNELS.call("curved", mesh, curve, *mesh.shape)
    work = KERNELS.bind("interpolated", mesh, curve, *mesh.shape, *box, shape[1], out)
    run_ranges(work, shape[0], n_threads, rows_per_range(shape[1]))
    return out


def smoothed(data, kernel, n_threads):
    """Correlate rows; see the contract in `skyshed.kernels.sep`."""
    out = np.empty_like(data)
    work = KERNELS.bind("smoothed", data, *data.shape, kernel, *kernel.shape, out)
    run_ranges(work, data.shape[0], n_threads, max(rows_per_range(data.size // len(data)) // 8, 1))
    return out


def matched(data, noise, is_variance, kernel, n_threads):
    """Filter rows; see the contract in `skyshed.kernels.sep`."""
    out = np.empty_like(data)
    work = KERNELS.bind(
        "matched", data, noise, is_variance, *data.shape, kernel, *kernel.shape, out
    )
    run_ranges(work, data.shape[0], n_threads, max(rows_per_range(data.size // len(data)) // 8, 1))
    return out


def detect(
    data, smooth, snr, noise, is_variance, sigma, threshold, limit, least, levels, contrast,
    cleaned, beta, gain,
):  # fmt: skip
    """Find objects one after the other; see the contract in `skyshed.kernels.sep`."""
    with_noise = noise is not None or sigma is not None
    rule = with_noise, is_variance, float(threshold), float(sigma or 0.0)
    n_above = KERNELS.call("count_above", smooth, snr, noise, data.size, *rule)
    most = n_above // max(min(least, BRANCH), 1)
    table, labels = np.empty((most, len(COLUMNS))), np.zeros(data.shape, np.int32)
    stop, found = flag_for(data.size), []
    work = KERNELS.bind(
        "detect", data, smooth, snr, noise, *data.shape, *rule, n_above,
        data.size if limit is None else limit, least, levels, float(contrast), cleaned,
        float(beta), float(gain), table, labels, stop,
    )  # fmt: skip
    # One range: a signal is heard by the flag.
    run_ranges(lambda *_: found.append(work()), 1, 1, 1, stop)
    return (None, None) if found[0] == FULL else (table[: found[0]].copy(), labels)


def measure(data, smooth, noise, is_variance, sigma, threshold, pixels, start, gain, n_threads):
    """Measure per object; see the contract in `skyshed.kernels.sep`."""
    n = len(start) - 1
    table = np.empty((n, len(COLUMNS)))
    with_noise = noise is not None or sigma is not None
    rule = with_noise, is_variance, float(threshold), float(sigma or 0.0)
    work = KERNELS.bind(
        "measure_given",
        data,
        smooth,
        noise,
        data.shape[1],
        *rule,
        pixels,
        start,
        float(gain),
        table,
    )
    run_ranges(work, n, n_threads, OBJECTS)
    return table


def kron_radii(data, mask, labels, rows, ids, n_threads):
    """Measure per ellipse; see the contract in `skyshed.kernels.sep`."""
    radii, flags = np.empty(len(rows)), np.empty(len(rows), np.int32)
    stop = flag_for(data.size)  # as large as any object may be
    work = KERNELS.bind("kron", data, mask, labels, *data.shape, rows, ids, radii, flags, stop)
    run_ranges(work, len(rows), n_threads, OBJECTS, stop)
    return radii, flags


def flux_radii(data, mask, labels, rows, ids, totals, fractions, samples, n_threads):
    """Measure per circle; see the contract in `skyshed.kernels.sep`."""
    radii, flags = np.empty((len(rows), len(fractions))), np.empty(len(rows), np.int32)
    stop = flag_for(data.size)  # as large as any object may be
    work = KERNELS.bind(
        "flux_radii", data, mask, labels, *data.shape, rows, ids, totals, fractions,
        len(fractions), samples, radii, flags, stop,
    )  # fmt: skip
    run_ranges(work, len(rows), n_threads, OBJECTS, stop)
    return radii, flags


def windowed(data, mask, rows, samples, n_threads):
    """Iterate per position; see the contract in `skyshed.kernels.sep`."""
    positions, flags = np.empty((len(rows), 2)), np.empty(len(rows), np.int32)
    stop = flag_for(data.size)  # as large as any object may be
    work = KERNELS.bind("windowed", data, mask, *data.shape, rows, samples, positions, flags, stop)
    run_ranges(work, len(rows), n_threads, OBJECTS, stop)
    return positions, flags


def set_ellipses(mask, rows):
    """Set pixels; see the contract in `skyshed.kernels.sep`."""
    KERNELS.call("set_ellipses", mask, *mask.shape, rows, len(rows))
