"""Deblending's kernels: each step against its definition, the floods against scikit-image."""

import os
import signal
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter, generate_binary_structure, label
from skimage.segmentation import watershed

from skyshed.kernels import deblending, segments
from skyshed.kernels.deblending import cpu
from skyshed.sources import Sources
from tests.kernels import steps

SHIFTS = [(-1, 0), (0, -1), (0, 1), (1, 0), (-1, -1), (-1, 1), (1, -1), (1, 1)]
#: Up to so many thresholds are all compared with; tree.h.
MANY_LEVELS = 128


@pytest.fixture(scope="session")
def step(tmp_path_factory):
    """Calls a step of deblending; see deblending_steps.cpp."""
    return steps.build("deblending_steps.cpp", tmp_path_factory.mktemp("steps"))


@pytest.fixture(params=["box", "table"])
def boxed(request):
    """Whether the pixels lie in their box: mostly, but where there are too few for it."""
    return request.param == "box"


def rows_of(mask):
    """The pixels of a mask, how many, the width of the image, their box."""
    pixel = np.flatnonzero(mask)
    y, x = np.divmod(pixel, mask.shape[1])
    return pixel, pixel.size, mask.shape[1], np.array([y.min(), y.max() + 1, x.min(), x.max() + 1])


def structure(connectivity):
    return generate_binary_structure(2, 1 if connectivity == 4 else 2)


@pytest.mark.parametrize("density", [0.1, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("shape", [(1, 9), (9, 1), (2, 2), (17, 13)])
def test_neighbours_are_those_in_the_image(step, boxed, shape, density):
    rng = np.random.default_rng(3)
    mask = rng.random(shape) < density
    if not mask.any():
        return
    rows = rows_of(mask)
    pixel, n = rows[:2]
    near = np.full((n, 8), -1, np.int32)
    assert step("neighbours", np.ones(n), *rows, boxed, near) == boxed
    place = np.full((shape[0] + 2, shape[1] + 2), n)
    place[1:-1, 1:-1][mask] = np.arange(n)
    y, x = np.divmod(pixel, shape[1])
    expected = [place[y + 1 + dy, x + 1 + dx] for dy, dx in SHIFTS]
    np.testing.assert_array_equal(near, np.stack(expected, axis=1))


def test_thin_sources_have_a_table(step):
    mask = np.eye(300, dtype=bool)
    near = np.full((300, 8), -1, np.int32)
    assert step("neighbours", np.ones(300), *rows_of(mask), True, near) == 0
    assert (np.sort(near)[1:-1, :2] == np.arange(299)[1:, None] + [-1, 1]).all()


@pytest.mark.parametrize("n", [0, 1, 2, 15, 16, 17, 40, 1000, 30_000])
@pytest.mark.parametrize("kind", ["few", "many", "wide"])
def test_sorting_is_stable_and_stays_within_its_range(step, n, kind):
    rng = np.random.default_rng(n)
    key, item = rng.integers(0, 20, n + 5).astype(float), np.arange(n + 5, dtype=np.int32)
    if kind == "many":
        key += rng.integers(0, 3, n + 5) / 7
    if kind == "wide":
        key = rng.choice([-1.0, 1.0], n + 5) * 10 ** rng.uniform(-300, 300, n + 5)
    key[: n // 10] = -np.inf
    expected = np.concatenate([[0, 1], 2 + np.argsort(-key[2:-3], kind="stable"), item[-3:]])
    step("sort", key, item, 2, n + 2)
    np.testing.assert_array_equal(item[: n + 2], expected[: n + 2])


@pytest.mark.parametrize("n_levels", [1, 32, MANY_LEVELS, MANY_LEVELS + 1, 500])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_level_is_the_number_of_thresholds_exceeded(step, n_levels, dtype):
    rng = np.random.default_rng(n_levels)
    levels = np.sort(rng.normal(size=n_levels))
    levels[:: n_levels // 7 + 1] = levels[:: n_levels // 7 + 1].astype(np.float32)
    near = [levels, np.nextafter(levels.astype(dtype), dtype(-9)), np.nextafter(levels, 9), [0.0]]
    value = np.concatenate([rng.normal(size=99), *near, [-np.inf, np.inf]]).astype(dtype)
    level = np.empty(value.size, np.int32)
    step("levels", value, value.size, levels, n_levels, level)
    np.testing.assert_array_equal(level, (levels < value[:, None].astype(float)).sum(axis=1))


def test_levels_about_zero_and_beyond_floats(step):
    """Thresholds that no float32 equals: the largest float32 below decides the same."""
    levels = np.sort([-1e300, -1e39, -1e-46, -0.0, 1e-46, 1e-45, 1e39])
    tiny = np.float32(1e-45)
    value = np.array([-np.inf, -3e38, -1, -tiny, -0.0, 0.0, tiny, 1, 3e38, np.inf], np.float32)
    level = np.empty(value.size, np.int32)
    step("levels", value, value.size, levels, levels.size, level)
    np.testing.assert_array_equal(level, (levels < value[:, None].astype(float)).sum(axis=1))


def markers_by_definition(level, npixels, connectivity):
    """Replace a marker by its large enough parts at the next level that has at least two in it."""
    markers = np.zeros(level.shape, int)
    for lowest in range(level.max()):
        parts, n_parts = label(level > lowest, structure(connectivity))
        large = np.flatnonzero(np.bincount(parts.ravel(), minlength=n_parts + 1) >= npixels)
        large = large[large > 0]
        if large.size < 2:
            continue
        parts[~np.isin(parts, large)] = 0
        if markers.max() == 0:
            markers = parts
            continue
        kept = np.zeros(level.shape, bool)
        for marker in range(1, markers.max() + 1):
            here = markers == marker
            inside = np.unique(parts[here & (parts > 0)])
            kept |= np.isin(parts, inside) if inside.size >= 2 else here
        markers = label(kept, structure(connectivity))[0]
    used, first = np.unique(markers[markers > 0], return_index=True)
    number = np.zeros(markers.max() + 1, int)
    number[used[np.argsort(first)]] = np.arange(1, used.size + 1)
    return number[markers]


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("npixels", [1, 2, 4])
def test_markers_are_those_of_the_definition(step, boxed, npixels, connectivity):
    rng = np.random.default_rng(10 * npixels + connectivity)
    several = 0
    for _ in range(60):
        shape = rng.integers(1, 14, 2)
        top = rng.integers(1, 9)
        mask = rng.random(shape) < 0.9
        level_image = rng.integers(0, top + 1, shape) * mask
        expected = markers_by_definition(level_image, npixels, connectivity)
        if not mask.any():
            continue
        drawn = np.full(mask.sum(), -7, np.int32)
        n_markers = step(
            "markers", level_image[mask].astype(float), *rows_of(mask), connectivity == 8, boxed,
            np.arange(top, dtype=float), top, npixels, drawn,
        )  # fmt: skip
        # Fewer than two are not drawn: the source stays whole.
        assert n_markers == expected.max() or max(n_markers, expected.max()) < 2
        if n_markers > 1:
            np.testing.assert_array_equal(drawn, expected[mask])
        several += n_markers > 1
    assert several > 15


@pytest.mark.parametrize("n_levels", [40, 300])
@pytest.mark.parametrize("npixels", [1, 3])
def test_markers_of_many_peaks_and_levels(step, n_levels, npixels):
    """More than one table of areas holds."""
    rng = np.random.default_rng(n_levels)
    level_image = rng.integers(0, n_levels + 1, (30, 31))
    level_image[::2, ::2] //= 3
    mask = np.ones(level_image.shape, bool)
    drawn = np.empty(mask.sum(), np.int32)
    n_markers = step(
        "markers", level_image[mask].astype(float), *rows_of(mask), True, True,
        np.arange(n_levels, dtype=float), n_levels, npixels, drawn,
    )  # fmt: skip
    expected = markers_by_definition(level_image, npixels, 8)
    assert n_markers == expected.max() > 30
    np.testing.assert_array_equal(drawn, expected[mask])


def flooded(step, image, markers, mask, connectivity, boxed):
    """The labels by lists (None where these are not exact), and by the heap."""
    rows, value = rows_of(mask), -image[mask].astype(float)
    start = markers[mask].astype(np.int32)
    lists, heap = start.copy(), start.copy()
    clear = step("flood", value, *rows, connectivity == 8, boxed, False, lists)
    assert step("flood", value, *rows, connectivity == 8, boxed, True, heap)
    if not clear:
        np.testing.assert_array_equal(lists, start)
    out = np.zeros((2, *image.shape), int)
    out[:, mask] = lists, heap
    return (out[0] if clear else None), out[1]


def check_floods(step, image, markers, mask, connectivity, boxed=True):
    markers = markers * mask
    if not mask.any():
        return True
    expected = watershed(image, markers, mask=mask, connectivity=structure(connectivity))
    lists, heap = flooded(step, image, markers, mask, connectivity, boxed)
    np.testing.assert_array_equal(heap, expected)
    if lists is not None:
        np.testing.assert_array_equal(lists, expected)
    return lists is not None


@settings(max_examples=200)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(1, 16), st.integers(1, 16)),
    connectivity=st.sampled_from([4, 8]),
    n_values=st.sampled_from([1, 2, 5, 30, 10**9]),
    density=st.floats(0.3, 1.0),
    n_markers=st.integers(1, 12),
    boxed=st.booleans(),
)
def test_floods_are_those_of_scikit_image(
    step, seed, shape, connectivity, n_values, density, n_markers, boxed
):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, n_values, shape).astype(float)
    mask = rng.random(shape) < density
    markers = np.zeros(shape, np.int32)
    place = rng.integers(0, image.size, n_markers)
    markers.flat[place] = rng.integers(1, n_markers + 1, n_markers)
    check_floods(step, image, markers, mask, connectivity, boxed)


def test_both_floods_are_needed_and_used(step):
    """Lists settle distinct values always, ties often; the heap settles what is left."""
    rng = np.random.default_rng(8)
    by_lists = {"distinct": 0, "tied": 0}
    for i in range(200):
        shape = rng.integers(5, 24, 2)
        kind = "distinct" if i % 2 else "tied"
        image = rng.random(shape) if i % 2 else rng.integers(0, 40, shape) / 4
        blobs = label(rng.random(shape) < 0.2)[0].astype(np.int32)
        mask = rng.random(shape) < 0.9
        by_lists[kind] += check_floods(step, image, blobs, mask, 8 if i % 4 < 2 else 4)
    assert by_lists["distinct"] == 100
    assert 0 < by_lists["tied"] < 100


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("kind", ["distinct", "many", "few", "nan"])
def test_slopes_are_flooded_as_by_the_heap(step, boxed, kind, connectivity):
    """Down from the markers first, then what is left: the labels of the serial flood, or none."""
    rng = np.random.default_rng(connectivity)
    exact = 0
    for _ in range(150):
        shape = rng.integers(4, 30, 2)
        image = gaussian_filter(rng.normal(size=shape), 1.0) * 20
        mask = rng.random(shape) < 0.95
        if kind in ("many", "few"):
            image = np.round(image * (50 if kind == "many" else 2))
        value = image[mask]
        if kind == "nan":
            value[rng.random(value.size) < 0.05] = np.nan
        levels = np.linspace(np.nanmin(value), np.nanmax(value), 12)[1:-1]
        slopes, heap = np.zeros((2, value.size), np.int32)
        given = value, *rows_of(mask), connectivity == 8, boxed, levels, levels.size
        if step("flood_from", *given, True, heap) < 0:
            continue
        if step("flood_from", *given, False, slopes):
            np.testing.assert_array_equal(slopes, heap)
            exact += 1
    if kind in ("distinct", "many"):
        assert exact > (120 if kind == "distinct" else 30)


def random_sources(seed=1, n=90):
    rng = np.random.default_rng(seed)
    data = rng.random((n, n)).astype(np.float32) + 1
    labels = label(rng.random((n, n)) < 0.45)[0].astype(np.int32)
    return data, Sources.from_labels(labels), labels


def test_the_survey_gathers_values_extremes_and_peaks():
    data, sources, labels = random_sources()
    data[::7, ::5] = np.nan
    data[labels == labels.max()] = 2
    for connectivity in (4, 8):
        values, smallest, largest, peaks = deblending.survey(data, sources, connectivity, 1)
        np.testing.assert_array_equal(values, data.ravel()[sources.pixel])
        assert values.dtype == smallest.dtype == largest.dtype == np.float32
        for i, source in enumerate(sources.labels):
            inside = np.pad(np.where(labels == source, data, np.nan), 1, constant_values=np.nan)
            good = inside[~np.isnan(inside)]
            if good.size == 0:
                assert (smallest[i], largest[i], peaks[i]) == (np.inf, -np.inf, 0)
                continue
            assert smallest[i] == good.min()
            assert largest[i] == good.max()
            around = [np.roll(inside, shift, (0, 1)) for shift in SHIFTS[:connectivity]]
            top = ~np.isnan(inside) & ~np.any([inside < a for a in around], axis=0)
            expected = min(top.sum(), 2) if smallest[i] < largest[i] else 0
            assert peaks[i] == expected


def run(sources, values, n_threads=1, limit=-1):
    levels = np.linspace(1, 2, 18)[1:-1] * np.ones((len(sources), 1))
    every = np.arange(len(sources))
    return deblending.deblend(values, sources, every, levels, 1, 0.02, 8, False, limit, n_threads)


@pytest.mark.parametrize("pixels", [1, 50, 10**6])
def test_the_same_children_for_any_range_of_work_and_threads(monkeypatch, pixels):
    data, sources, _ = random_sources()
    values = data.ravel()[sources.pixel]
    child, nchild, flags = run(sources, values)
    assert (nchild > 1).sum() > 20
    monkeypatch.setattr(cpu, "PIXELS", pixels)
    for n_threads in (1, 3):
        for got, expected in zip(
            run(sources, values, n_threads), (child, nchild, flags), strict=True
        ):
            np.testing.assert_array_equal(got, expected)


def test_some_sources_are_split_as_all_are():
    data, sources, _ = random_sources()
    values = data.ravel()[sources.pixel]
    child, nchild, _ = run(sources, values)
    index = np.random.default_rng(1).permutation(len(sources))[::2]
    levels = np.linspace(1, 2, 18)[1:-1] * np.ones((index.size, 1))
    got = deblending.deblend(values, sources, index, levels, 1, 0.02, 8, False, -1, 2)
    expected = [child[sources.start[i] : sources.start[i + 1]] for i in index]
    np.testing.assert_array_equal(got[0], np.concatenate(expected), strict=True)
    np.testing.assert_array_equal(got[1], nchild[index])


@pytest.mark.parametrize("n_threads", [1, 2])
def test_parts_are_the_sources_of_what_is_painted(monkeypatch, n_threads):
    monkeypatch.setattr(cpu, "SOURCES", 7)
    data, sources, _ = random_sources()
    child, nchild, _ = run(sources, data.ravel()[sources.pixel])
    assert 0 < (nchild == 0).sum() < len(sources)
    count = np.maximum(nchild, 1)
    # Labels in any order, those of a source one after the other.
    mixed = np.random.default_rng(2).permutation(len(sources))
    base = np.empty(len(sources), np.int32)
    base[mixed] = np.cumsum(count[mixed]) - count[mixed] + (nchild[mixed] == 0)
    child_start = np.where(nchild, sources.start[:-1], -1)
    image = deblending.paint(sources, base, child_start, child, n_threads)
    got = deblending.parts(sources, base, child_start, child, nchild, image, n_threads)
    for one, other in zip(got, segments.collect(image, 1), strict=True):
        np.testing.assert_array_equal(one, other, strict=True)


def test_children_are_numbered_and_wholes_are_zero():
    data, sources, _ = random_sources()
    child, nchild, flags = run(sources, data.ravel()[sources.pixel])
    assert not flags.any()
    for i in range(len(sources)):
        numbers = np.unique(child[sources.start[i] : sources.start[i + 1]])
        expected = np.arange(1, nchild[i] + 1) if nchild[i] else [0]
        np.testing.assert_array_equal(numbers, expected)
    assert 1 not in nchild


def test_more_markers_than_allowed_leave_a_source_whole_and_flagged():
    data, sources, _ = random_sources()
    values = data.ravel()[sources.pixel]
    limit = 3
    levels = np.linspace(1, 2, 18)[1:-1] * np.ones((len(sources), 1))
    args = (sources, np.arange(len(sources)), levels, 1, 0.0, 8, False)
    _, free, _ = deblending.deblend(values, *args, -1, 1)
    child, nchild, flags = deblending.deblend(values, *args, limit, 1)
    crowded = free > limit
    assert crowded.any()
    np.testing.assert_array_equal(flags, np.where(crowded, deblending.TOO_MANY, 0))
    np.testing.assert_array_equal(nchild, np.where(crowded, 0, free))
    assert not child[np.repeat(crowded, sources.area)].any()


def test_pixels_out_of_reach_are_flagged():
    labels = np.array([[1, 1, 1, 0, 1]], np.int32)
    sources = Sources.from_labels(labels)
    levels = np.array([[2.0]])
    _, nchild, flags = deblending.deblend(
        np.array([3.0, 1, 3, 1]), sources, np.arange(1), levels, 1, 0.0, 8, False, -1, 1
    )
    assert (nchild[0], flags[0]) == (0, deblending.NOT_COVERED)


def giant(side=1400):
    """A connected source that takes a second, and what to deblend it by."""
    rng = np.random.default_rng(4)
    data = gaussian_filter(rng.normal(size=(side, side)), 2) + 3
    sources = Sources.from_labels(np.ones(data.shape, np.int32))
    levels = np.linspace(data.min(), data.max(), 34)[None, 1:-1].copy()
    return data, (data.ravel(), sources, np.arange(1), levels, 5, 0.001, 8, False, -1)


def test_a_flag_stops_kernels_within_a_source():
    data, (values, sources, index, levels, *_) = giant(300)
    stop = np.ones(1, np.int32)
    found = values.copy(), np.empty(1), np.empty(1), np.zeros(1, np.int64)
    rows = sources.pixel, sources.start, sources.bbox, data.shape[1]
    assert cpu.KERNELS.call("survey", data, *rows, True, stop, *found, 0, 1) == cpu.STOPPED
    results = np.zeros(values.size, np.int32), np.zeros(1, np.int64), np.zeros(1, np.uint8)
    given = (
        index,
        np.zeros(1, np.int64),
        levels,
        levels.shape[1],
        5,
        0.001,
        True,
        False,
        -1,
        np.zeros(1, np.int64),
    )
    assert cpu.KERNELS.call("deblend", values, *rows, *given, stop, *results, 0, 1) == cpu.STOPPED
    assert not results[0].any()
    stop[0] = 0
    assert cpu.KERNELS.call("deblend", values, *rows, *given, stop, *results, 0, 1) == 0
    assert results[1][0] > 1


@pytest.mark.timed
@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("delay", [0.0, 0.1, 0.3])
def test_a_signal_ends_the_kernel_within_half_a_second(delay):
    """Of the process's own time: others may keep it waiting."""
    _, task = giant()
    deblending.deblend(*task, 1)
    assert task[1].area[0] > cpu.LARGE
    spent = []

    def interrupt():
        time.sleep(delay)
        os.kill(os.getpid(), signal.SIGINT)
        spent.append(time.process_time())  # not before: this thread may wait for its turn

    def deblend():
        thread.start()
        for _ in range(100):
            deblending.deblend(*task, 1)

    thread = threading.Thread(target=interrupt)
    with pytest.raises(KeyboardInterrupt):  # whenever the signal comes: it would end all tests
        deblend()
    ended = time.process_time()
    thread.join()
    assert ended - spent[0] < 0.5


@pytest.mark.parametrize("n_threads", [1, 2])
def test_painting_adds_child_numbers_to_the_base(n_threads):
    _, sources, labels = random_sources()
    rng = np.random.default_rng(0)
    base = rng.permutation(len(sources)).astype(np.int32) * 10 + 1
    child = rng.integers(1, 9, sources.pixel.size).astype(np.int32)
    split = rng.random(len(sources)) < 0.5
    start = np.where(split, sources.start[:-1], -1)
    out = deblending.paint(sources, base, start, child, n_threads)
    expected = np.repeat(base, sources.area) + np.where(np.repeat(split, sources.area), child, 0)
    assert out.dtype == np.int32
    np.testing.assert_array_equal(out.ravel()[sources.pixel], expected)
    assert not out[labels == 0].any()
