"""Defects in the text of real kernels, one of a kind each, and what must notice them.

A defect is noticed if the launch is refused with the message, or, where there is none, if the CUDA
twin's answer is another than the CPU twin's on one of some schedules.
"""

from dataclasses import dataclass

import numpy as np

from skyshed.kernels import annuli, isophotal, labelling, masks, segments, zoom
from skyshed.kernels import moments as moments_of
from tests.device.kernels import fields
from tests.device.kernels.twins import both


@dataclass(frozen=True)
class Defect:
    """A change of a kernel's text.

    Attributes
    ----------
    kind : str
    file, sound, defect : str
        In which file what becomes what.
    run : callable
        From CuPy to the answers of both twins.
    message : str, optional
        What the refusal says; without it the answer is wrong.
    max_blocks : int, optional
        The largest grid, for defects of loops over what exceeds it.
    """

    kind: str
    file: str
    sound: str
    defect: str
    run: object
    message: str | None = None
    max_blocks: int | None = None


def _sources():
    return fields.drawn(3, dtype=np.float32, masked=True)


def moments(cupy):
    return both(cupy, moments_of.moments, *_sources(), None)


def summary(cupy):
    return both(cupy, isophotal.summarize, *_sources(), None)


def totals(cupy):
    sources, image, mask = _sources()
    return both(cupy, isophotal.total, sources, image, mask, True, None)


def gini(cupy):
    return both(cupy, isophotal.gini, *_sources(), None)


def outline(cupy):
    sources, _, mask = _sources()
    return both(cupy, isophotal.perimeter, sources, mask, None)


def labels(cupy):
    """Near the density where components percolate, so that many join."""
    data = (np.random.default_rng(3).random((70, 131)) < 0.42).astype(np.float32)
    limit = np.array(0.5, np.float32)
    return both(cupy, labelling.label_above, data, limit, None, 30, 8, None)


def collected(cupy):
    return both(cupy, segments.collect, fields.label_image(3), None)


def mesh(cupy):
    return both(cupy, zoom.expand, *fields.spline(3), (-np.inf, np.inf), np.dtype("f4"), None)


def grown(cupy):
    mask = np.random.default_rng(1).random((60, 101)) < 0.004
    disc = np.hypot(*np.mgrid[-5:6, -5:6]) <= 5
    return both(cupy, masks.dilate, mask, disc, (5, 5), None)


def rings(cupy):
    rng = np.random.default_rng(2)
    data, centers = fields.sky(4, (60, 70), np.float32), rng.uniform(0, 60, (20, 2))
    data[rng.random(data.shape) < 0.1] = np.nan
    return both(cupy, annuli.gather, data, None, centers, (5.0, 10.0), 400, None)


def weighed(cupy):
    from tests.device.kernels.test_weighting import on_both, points

    return on_both(cupy, *points(1, 90, (31, 37)), (31, 37), 35, 2.0, 0.3, 10, None)


MOMENTS, RUNS, ZOOM = "moments/moments.cu", "labelling/labelling.cu", "zoom/zoom.cu"
SEGMENTS, SUMS, GINI = "segments/segments.cu", "isophotal/isophotal.cu", "isophotal/gini.cu"
LANE = "j = chunk.begin + lane_of_thread()"

DEFECTS = (
    Defect(
        "a sum that loses updates of other threads", RUNS,
        "atomicAdd(area + root, (u64)(last[run] - first[run] + 1));",
        "st(area + root, ld(area + root) + (u64)(last[run] - first[run] + 1));", labels,
    ),
    Defect(
        "a plain store where threads compete", RUNS,
        "const i64 seen = (i64)atomicCAS((u64 *)(parent + high), (u64)high, (u64)low);\n"
        "        if (seen == high) return;",
        "i64 seen = ld(parent + high);\n        st(parent + high, low);\n        return;", labels,
    ),
    Defect(
        "roots that depend on who comes first", RUNS,
        "const i64 high = max(a, b), low = min(a, b);", "const i64 high = a, low = b;", labels,
    ),
    Defect(
        "paths that are never walked to their end", RUNS,
        "for (i64 up = ld(parent + root); up != root; up = ld(parent + root)) root = up;",
        "root = ld(parent + root);", labels,
    ),
    Defect(
        "a shuffle that some lanes do not reach", RUNS,
        "if (x < nx) out[p] = inside ? label[run + started] : 0;",
        "if (x < nx) out[p] = __shfl_sync(ALL_LANES, inside ? label[run + started] : 0, lane);",
        labels, "wait for ever|divergent",
    ),
    Defect(
        "a mask that leaves a lane out", RUNS, "__ballot_sync(ALL_LANES, here)",
        "__ballot_sync(0x7fffffffu, here)", labels, "whose mask leaves it out",
    ),
    Defect(
        "a lane that returns before the warp's sum", SUMS,
        "if (mask && mask[p]) continue;\n            mine++;",
        "if (mask && mask[p]) return;\n            mine++;",
        totals, "threads have returned",
    ),
    Defect(
        "a shuffle within a loop that lanes leave apart", GINI, "key[j] = mask &&",
        "__syncwarp(ALL_LANES);\n            key[j] = mask &&", gini, "wait for ever",
    ),
    Defect(
        "a sum over half a warp", MOMENTS, "for (int step = 16; step; step >>= 1) value +=",
        "for (int step = 8; step; step >>= 1) value +=", moments,
    ),
    Defect(
        "a sum that every lane writes", MOMENTS, "if (lane_of_thread() == 0) partial",
        "partial", moments,
    ),
    Defect("a sum in float32", SUMS, "double partial = 0.0;", "float partial = 0.0f;", totals),
    Defect(
        "an atomic sum of float64, in any order", SUMS,
        "count[c] = mine, sum[c] = partial, finite[c] = all;",
        "count[c] = mine, atomicAdd(sum + c, partial), finite[c] = all;", totals,
        "does not compile",
    ),
    Defect(
        "a barrier missing before shared memory is read", ZOOM,
        "share[j] = inside ? weight[y0 * k + j] : 0.0;\n        }\n        __syncthreads();",
        "}\n        __syncthreads();\n"
        "        for (int j = threadIdx.x; j < ROWS * k; j += blockDim.x)\n"
        "            share[j] = y0 * k + j < ny * k ? weight[y0 * k + j] : 0.0;", mesh,
    ),
    Defect(
        "a barrier that a part of the block passes by", ZOOM, "double total[ROWS] = {};",
        "double total[ROWS] = {};\n            __syncthreads();", mesh, "divergent barrier",
    ),
    Defect(
        "shared memory that is taken for zeros", ZOOM,
        "share[j] = inside ? weight[y0 * k + j] : 0.0;",
        "share[j] = inside && share[j] == 0.0 ? weight[y0 * k + j] : 0.0;", mesh,
    ),
    Defect(
        "work beyond the largest grid", ZOOM, "p += global_threads()", "p += my * nx", mesh,
        max_blocks=1,
    ),
    Defect(
        "tiles beyond the largest grid", ZOOM, "tile += gridDim.x", "tile += across * down", mesh,
        max_blocks=1,
    ),
    Defect(
        "a loop without end at a barrier", ZOOM, "tile += gridDim.x", "tile += 0", mesh,
        "no end after 1 s",
    ),
    Defect(
        "the last pixel of a chunk is left out", MOMENTS, "j < chunk.end; j += 32",
        "j < chunk.end - 1; j += 32", moments,
    ),
    Defect(
        "chunks without the last, short one", SEGMENTS, "(found + CHUNK - 1) / CHUNK",
        "found / CHUNK", moments,
    ),
    Defect(
        "a neighbour across the end of the row", SEGMENTS, "label && x > 0 ? image[p - 1] : 0",
        "label && p > 0 ? image[p - 1] : 0", collected,
    ),
    Defect(
        "bits of a word counted one too far", "masks/masks.cu", "((1u << (x % 32)) - 1)",
        "((2u << (x % 32)) - 1)", grown,
    ),
    Defect(
        "a vote of the whole warp that any lane decides", "masks/masks.cu",
        "__all_sync(ALL_LANES, covered)", "__any_sync(ALL_LANES, covered)", grown,
    ),
    Defect(
        "places in the order in which threads come", "annuli/annuli.cu",
        "if (found) row[count + __popc(who & ((1u << lane) - 1))] = value;",
        "if (found) row[count + __popc(who & ~((2u << lane) - 1))] = value;", rings,
    ),
    Defect(
        "no number that is good", "annuli/annuli.cu", "found = annuli::good(value) &&",
        "found = !(value > 1e30) &&", rings,
    ),
    Defect(
        "a maximum that takes no number for the least", MOMENTS,
        "return value > 0 && value < INF_VALUE ? value : 0.0;", "return max(value, -1.0);", moments,
    ),
    Defect(
        "values converted where bits are meant", GINI, "(u64)__double_as_longlong(value)",
        "(u64)value", gini,
    ),
    Defect(
        "neighbours of equal distance by chance", "weighting/weighting.cu",
        "if (distance2 == last && i <= last_at) continue;", "if (distance2 == last) i = i;",
        weighed,
    ),
    Defect(
        "a search that ends one place short", "isophotal/perimeter.cu",
        "low = middle + 1; else high = middle;", "low = middle + 1; else high = middle - 1;",
        outline,
    ),
    Defect(
        "an extremum whose place is another's", SUMS,
        "const i64 other_low_at = __shfl_down_sync(ALL_LANES, mine.low_at, step);",
        "const i64 other_low_at = __shfl_down_sync(ALL_LANES, mine.high_at, step);", summary,
    ),
)  # fmt: skip
