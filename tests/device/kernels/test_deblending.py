"""Deblending on the GPU: the CPU twin's labels, ties included, in any order of threads."""

import numpy as np
import pytest
from scipy import ndimage

from skyshed.deblending import thresholds
from skyshed.kernels import deblending, twin
from skyshed.sources import Sources
from tests.device import standin
from tests.device.kernels.twins import both, identical, to_device, to_host

#: Smooth; with plateaus, few and many; saturated; negative; with NaN; with a source in two pieces.
KINDS = ["smooth", "integer", "coarse", "saturated", "negative", "nan", "torn"]


def sky(seed, kind="smooth", dtype=np.float32, shape=(60, 64), covered=0.4, scale=1.2):
    """Return an image and its sources: the brighter ones of a noise field."""
    rng = np.random.default_rng(seed)
    image = ndimage.gaussian_filter(rng.normal(size=shape), scale)
    image = (image - image.min()) / np.ptp(image) * 100 + 1
    if kind in ("integer", "coarse"):
        image = np.round(image / (4 if kind == "integer" else 12))
    if kind == "saturated":
        image = np.minimum(image, np.percentile(image, 80))
    if kind == "negative":
        image -= 60
    labels = ndimage.label(image > np.percentile(image, 100 - 100 * covered))[0]
    if kind == "nan":
        image[rng.random(shape) < 0.03] = np.nan
    if kind == "torn":
        labels[labels == 2] = 1
    return image.astype(dtype), Sources.from_labels(labels.astype(np.int32))


def task(image, sources, nlevels=16, mode="linear"):
    """Return values and sources, which of these are not constant, and their thresholds."""
    values, low, high, _ = twin(deblending.survey.__wrapped__, "cpu")(image, sources, 8, None)
    kept = low < high
    return values, sources, np.flatnonzero(kept), thresholds(low[kept], high[kept], nlevels, mode)


def compare(cupy, made, npixels=1, contrast=0.01, connectivity=8, saddle=False, limit=-1):
    """Check both twins of deblending; return the numbers of children and the flags."""
    result, expected = both(
        cupy, deblending.deblend, *made, npixels, contrast, connectivity, saddle, limit, None
    )
    identical(result, expected)
    return expected[1:]


@pytest.fixture
def alone(cupy, monkeypatch):
    """Forbid the GPU's twin to leave sources to the CPU's."""
    from skyshed.kernels.deblending import cuda

    def refuse(index, *_):
        raise AssertionError(f"{index.shape[0]} sources were left to the host")

    monkeypatch.setattr(cuda, "_split_on_the_host", refuse)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("connectivity", [4, 8])
def test_labels_are_those_of_the_cpu(cupy, schedule, alone, kind, dtype, connectivity):
    children = 0
    for seed, contrast in ((1, 0.0), (2, 0.01), (3, 0.2)):
        made = task(*sky(seed, kind, dtype, covered=0.3))
        children += compare(cupy, made, contrast=contrast, connectivity=connectivity)[0].sum()
    assert children > 20


@pytest.mark.parametrize("kind", ["smooth", "negative", "nan"])
def test_large_sources_take_global_memory(cupy, schedule, alone, kind):
    image, sources = sky(5, kind, shape=(64, 64), covered=0.97)
    assert sources.area.max() > 2000
    children, _ = compare(cupy, task(image, sources), npixels=2, contrast=0.005)
    assert children.max() > 10


def test_room_is_worked_in_where_it_suffices(cupy):
    """Values lie in it, too; the room that is too small is left alone."""
    image, sources = sky(5, shape=(64, 64), covered=0.97)
    _, _, index, levels = task(image, sources)
    there = to_device(cupy, (image, sources, levels))
    values_room = cupy.zeros(sources.pixel.size * image.itemsize, np.uint8)
    deblend = twin(deblending.deblend.__wrapped__, "cuda")
    values, *_ = twin(deblending.survey.__wrapped__, "cuda")(*there[:2], 8, None, values_room)
    np.testing.assert_array_equal(
        cupy.asnumpy(values_room.view(image.dtype)), image.ravel()[sources.pixel]
    )
    for nbytes, used in ((100 * image.size, True), (image.size, False)):
        room = cupy.zeros(nbytes, np.uint8)
        rules = 2, 0.005, 8, False, -1, None
        found = deblend(values, there[1], index, there[2], *rules, room)
        expected = deblend(values, there[1], index, there[2], *rules)
        identical(to_host(cupy, found), to_host(cupy, expected))
        assert found[1].max() > 10
        assert bool(cupy.asnumpy(room).any()) == used


@pytest.mark.parametrize("kind", ["coarse", "integer", "saturated"])
def test_plateaus_of_large_sources_are_left_to_the_host(cupy, kind):
    image, sources = sky(6, kind, shape=(64, 64), covered=0.97)
    children, _ = compare(cupy, task(image, sources), contrast=0.0)
    assert children.max() > 10


@pytest.mark.parametrize("mode", ["exponential", "sinh"])
@pytest.mark.parametrize("nlevels", [1, 2, 200])
def test_thresholds_may_be_few_and_many(cupy, mode, nlevels):
    compare(cupy, task(*sky(7), nlevels, mode), npixels=3)


@pytest.mark.parametrize("kind", ["smooth", "negative", "coarse", "nan"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(48, 50), (64, 64)])
def test_peaks_above_their_saddles(cupy, kind, dtype, shape):
    image, sources = sky(8, kind, dtype, shape, covered=0.3 if shape[0] < 60 else 0.97)
    split = [
        compare(cupy, task(image, sources), contrast=contrast, saddle=True)[0].sum()
        for contrast in (0.0, 0.002, 0.02)
    ]
    assert split[0] > split[2] or image.min() < 0  # no limit for a negative flux


def test_peaks_as_strong_as_the_contrast_are_decided_exactly(cupy):
    """Two peaks of 4 above the saddle, of 40 in all: a tenth, to the last bit or not."""
    image = np.array([[2, 6, 2, 6, 2, 2, 2, 2, 2, 2, 2, 2, 8]], np.float64)
    sources = Sources.from_labels(np.ones(image.shape, np.int32))
    made = image[0], sources, np.arange(1), np.array([[2.0, 3.0]])
    total = image.sum()
    found = [
        compare(cupy, made, contrast=contrast, saddle=True)[0][0]
        for limit in (3.0, 4.0)
        for contrast in (limit / total, np.nextafter(limit / total, 0))
    ]
    assert len(set(found)) > 1


def test_basins_as_faint_as_the_contrast_are_decided_exactly(cupy, alone):
    image = np.array([[0.1, 0.3, 0.1, 0.7, 0.2, 0.9, 0.1]])
    sources = Sources.from_labels(np.ones(image.shape, np.int32))
    flux, total = 0.0, 0.0
    for value in image[0]:
        total += value
    for value in (0.1, 0.3):
        flux += value
    share = flux / total
    made = image[0], sources, np.arange(1), np.array([[0.25]])
    counts = [
        compare(cupy, made, contrast=contrast)[0][0]
        for contrast in (np.nextafter(share, 0), share, np.nextafter(share, 1))
    ]
    assert counts[0] >= counts[1] >= counts[2]
    assert counts[0] > counts[2]


@pytest.mark.parametrize("saddle", [False, True])
def test_too_many_markers_leave_a_source_whole(cupy, saddle):
    made = task(*sky(9))
    _, flags = compare(cupy, made, contrast=0.0, saddle=saddle, limit=3)
    assert set(flags) == {0, deblending.TOO_MANY}


def test_pieces_that_no_peak_reaches_are_flagged(cupy):
    """At once, or when the contrast has taken the only peak of a piece."""
    image = np.array([[9.0, 1.0, 8.0, 0.0, 2.0, 1.5]])
    sources = Sources.from_labels((image > 0).astype(np.int32))
    made = image[image > 0], sources, np.arange(1), np.array([[1.2, 5.0]])
    for npixels, contrast in ((1, 0.0), (1, 0.2)):
        _, flags = compare(cupy, made, npixels=npixels, contrast=contrast)
        assert flags[0] == (deblending.NOT_COVERED if contrast else 0)
    made = made[0], sources, np.arange(1), np.array([[3.0, 5.0]])
    assert compare(cupy, made, contrast=0.0)[1][0] == deblending.NOT_COVERED


def test_awkward_values(cupy, schedule):
    """Infinities, zeros of both signs, huge and tiny numbers, nothing but NaN."""
    rng = np.random.default_rng(11)
    image = rng.normal(size=(40, 12))
    image[0, :4], image[5, 3:5], image[10, ::2], image[10, 1::2] = np.inf, -np.inf, 0.0, -0.0
    image[15:18] *= 1e300
    image[20:23] *= 1e-320
    image[30] = np.nan
    labels = np.repeat(np.arange(1, 9), 5)[:, None] * np.ones(12, int)
    made = task(image, Sources.from_labels(labels.astype(np.int32)))
    for contrast in (0.0, 0.05):
        for saddle in (False, True):
            compare(cupy, made, contrast=contrast, saddle=saddle)


@pytest.mark.parametrize("connectivity", [4, 8])
def test_isolated_peaks_of_one_pixel(cupy, connectivity):
    """As many markers as there can be."""
    y, x = np.mgrid[:30, :30]
    image = np.where((y + x) % 2 if connectivity == 4 else (y % 2) * (x % 2), 50.0 + y, 1.0)
    sources = Sources.from_labels(np.ones(image.shape, np.int32))
    children, _ = compare(cupy, task(image, sources), contrast=0.0, connectivity=connectivity)
    assert children[0] >= 220


def test_several_large_sources_at_once(cupy, schedule):
    """Each has its own part of the memory, the largest first."""
    rng = np.random.default_rng(21)
    image = ndimage.gaussian_filter(rng.normal(size=(60, 180)), 3) * 400 + 100
    labels = np.zeros(image.shape, np.int32)
    labels[3:48, 2:50], labels[2:57, 60:110], labels[10:55, 120:170] = 3, 1, 2
    made = task(image.astype(np.float32), Sources.from_labels(labels))
    children, _ = compare(cupy, made, npixels=2, contrast=0.001)
    assert (children > 1).all()
    assert len(children) == 3


def test_no_sources_and_sources_of_one_pixel(cupy):
    image, sources = sky(12)
    nothing = sources.take(np.empty(0, np.int64))
    compare(cupy, (image.ravel()[:0], nothing, np.arange(0), np.empty((0, 4))))
    identical(*both(cupy, deblending.survey, image, nothing, 8, None))
    one = Sources.from_labels(np.diag(np.arange(9)).astype(np.int32))
    made = image[:9, :9].ravel()[one.pixel], one, np.arange(8), np.full((8, 3), 0.5)
    assert not compare(cupy, made)[0].any()
    identical(*both(cupy, deblending.survey, image[:9, :9].copy(), one, 8, None))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("connectivity", [4, 8])
def test_surveys_are_those_of_the_cpu(cupy, schedule, kind, dtype, connectivity):
    image, sources = sky(13, kind, dtype)
    image[0, :20] = np.nan
    result, expected = both(cupy, deblending.survey, image, sources, connectivity, None)
    identical(result, expected)
    assert set(expected[3]) >= {1, 2}


def test_painting(cupy, schedule):
    _, sources = sky(14, shape=(80, 90))
    rng = np.random.default_rng(15)
    split = rng.random(len(sources)) < 0.5
    area = np.where(split, sources.area, 0)
    child_start = np.where(split, np.cumsum(area) - area, -1)
    child = rng.integers(1, 5, area.sum()).astype(np.int32)
    base = rng.integers(1, 99, len(sources)).astype(np.int32)
    given = sources, base, child_start, child, None
    identical(*both(cupy, deblending.paint, *given))
    room = np.full(sources.shape, 7, np.int32)
    identical(*both(cupy, deblending.paint, *given, room))


def test_parts_are_those_of_the_cpu(cupy, schedule):
    values, sources, index, levels = task(*sky(14, shape=(80, 90)))
    child, nchild, _ = twin(deblending.deblend.__wrapped__, "cpu")(
        values, sources, index, levels, 1, 0.01, 8, False, -1, None
    )
    area, count = sources.area[index], np.zeros(len(sources), np.int64)
    count[index] = nchild
    child_start = np.full(len(sources), -1)
    child_start[index] = np.where(nchild, np.cumsum(area) - area, -1)
    each = np.maximum(count, 1)
    base = (np.cumsum(each) - each + (count == 0)).astype(np.int32)
    given = sources, base, child_start, child
    image = twin(deblending.paint.__wrapped__, "cpu")(*given, None)
    identical(*both(cupy, deblending.parts, *given, count, image, None))


@pytest.mark.costs
def test_what_deblending_costs(cupy):
    """The host waits as often for one source as for many, and no image crosses."""
    if not standin.installed():
        pytest.skip("costs are counted by the stand-in")
    for shape in ((40, 40), (130, 130)):
        image, sources = sky(16, shape=shape, covered=0.3)
        values, sources, index, levels = task(image, sources)
        values, sources, levels = (to_device(cupy, part) for part in (values, sources, levels))
        image = to_device(cupy, image)
        with standin.ledger() as ledger:
            with ledger.stage("survey"):
                rows = twin(deblending.survey.__wrapped__, "cuda")(image, sources, 8, None)[1:]
            with ledger.stage("rows"):
                sources.on_host_with(*rows)
            with ledger.stage("deblend"):
                twin(deblending.deblend.__wrapped__, "cuda")(
                    values, sources, index, levels, 5, 0.001, 8, False, 200, None
                )
        ledger.at_most("survey", synchronisations=0, launches=6)
        ledger.at_most("rows", synchronisations=1)
        ledger.at_most("deblend", synchronisations=1, launches=8)
        ledger.no_transfer_larger_than(80 * len(sources))
