"""The kernels behind the aperture twins, one by one; and what the twins cost."""

from itertools import pairwise

import numpy as np
import pytest

from skyshed.kernels import apertures, cubins, twin
from tests.device import standin
from tests.device.emulator.build import Module
from tests.device.kernels.test_apertures import field, giants
from tests.device.kernels.test_apertures_background import field as sky
from tests.device.kernels.twins import to_device

CHUNK, STRIDE = 1024, 32


def module(name):
    return Module(cubins.text(f"apertures/{name}"), options=("-DREAL=double",))


def where(f, method):
    place = (*f["data"].shape, *f["place"], apertures.LARGEST_BOX, method, False)
    return np.array(place, np.int64)


def boxes(f, reach):
    """Each aperture's box clipped to the image, from its half width and height."""
    x, y = f["ellipses"][:, 0], f["ellipses"][:, 1]
    (width, height), (ny, nx) = reach, f["data"].shape
    y0, y1 = np.floor(y - height + 0.5).clip(0, ny), np.ceil(y + height + 0.5).clip(0, ny)
    x0, x1 = np.floor(x - width + 0.5).clip(0, nx), np.ceil(x + width + 0.5).clip(0, nx)
    return y0.astype(int), y1.astype(int), x0.astype(int), x1.astype(int)


@pytest.fixture(scope="module")
def sums():
    return module("sums.cu")


@pytest.fixture(scope="module")
def radius():
    return module("radius.cu")


@pytest.mark.parametrize("shape", [(40, 900), (3000, 3000)])
def test_there_are_chunks_for_all_pixels_of_a_box(cupy, shape):
    """Few more than needed; none for what is not measured."""
    from skyshed.kernels.apertures import cuda

    rng, n = np.random.default_rng(1), 2000
    x, y = rng.uniform(-30, shape[1] + 30, n), rng.uniform(-30, shape[0] + 30, n)
    a, b = 10.0 ** rng.uniform(-1, 2.5, (2, n))
    theta = rng.choice([0, np.pi / 4, np.pi / 2, 0.3, -1.2], n)
    ellipses, scale = np.column_stack((x, y, a, b, theta)), 1.5
    reach = (
        scale * np.hypot(a * np.cos(theta), b * np.sin(theta)),
        scale * np.hypot(a * np.sin(theta), b * np.cos(theta)),
    )
    y0, y1, x0, x1 = boxes({"data": np.empty(shape), "ellipses": ellipses}, reach)
    needed = -(-(y1 - y0) * (x1 - x0) // CHUNK)
    most = cuda.most_chunks(shape, (0, 0, *shape), ellipses, scale)
    assert (most >= needed).all()
    round_, inside = np.maximum(a, b) < 1.5 * np.minimum(a, b), needed > 1
    assert shape[0] < 100 or most[round_ & inside].sum() < 1.6 * needed[round_ & inside].sum()
    assert (most[scale * np.maximum(a, b) < 9] == 1).all()
    for k, value in ((0, np.nan), (1, np.inf), (2, 0.0), (3, -1.0), (2, 1e9), (3, 1e200)):
        other = ellipses.copy()
        other[:, k] = value
        assert (cuda.most_chunks(shape, (0, 0, *shape), other, scale) == 0).all()


def test_chunks_are_added_in_their_order(sums):
    """A source without chunks is not measured; one whose chunks saw no pixel is NaN."""
    rng = np.random.default_rng(2)
    first = np.array([0, 3, 3, 5, 6])
    one, other = rng.normal(size=(2, 6)) * 10.0 ** rng.integers(-9, 9, 6)
    usable, masked = 1 << 8 | 1 << 9, 1 << 9 | int(apertures.Seen.MASKED)
    seen = np.array([masked, usable, 0, usable, usable, 0], np.int32)

    def in_order(values):
        return [sum(values[a:b].tolist()) for a, b in pairwise(first)]

    out = np.zeros((2, 4))
    # Within an image of 30 x 30, over its edge, not finite, and of no extent in it.
    ellipses = np.array(
        [[9.0, 9, 3, 2, 0], [29, 9, 3, 2, 0], [9, 9, np.nan, 2, 0], [9, 9, 1, 1, 0]]
    )
    where = np.array([30, 30, 0, 0, 30, 30, apertures.LARGEST_BOX, 0, False])
    sums.launch(
        "kron_sources", (1,), (32,),
        (where, ellipses, np.float64(1), first, np.int64(4), one, other, out), seed=3,
    )  # fmt: skip
    expected = np.array([in_order(one), in_order(other)])
    expected[:, 2] = np.nan
    np.testing.assert_array_equal(out, expected)
    expected[:, 1] = np.nan
    by_source = np.zeros(4, np.int32)
    for with_error in (True, False):
        sums.launch(
            "aperture_sources", (1,), (32,),
            (where, ellipses, np.zeros(4), first, np.int64(4), one, other, seen,
             np.bool_(with_error), out, by_source), seed=4,
        )  # fmt: skip
        assert by_source.tolist() == [
            apertures.Seen.MASKED, apertures.Seen.NO_PIXEL, apertures.Seen.UNMEASURED,
            apertures.Seen.NO_PIXEL,
        ]  # fmt: skip
        expected[:, 2:] = np.nan
        if not with_error:
            expected[1] = np.nan
        np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize(("seed", "preempt"), [(0, 0.0), (1, 0.3)])
def test_sums_before_marks_are_those_of_the_rows(cupy, radius, seed, preempt):
    from skyshed.kernels.apertures import cuda

    f = giants(3)
    f["labels"][:] = 0
    n, circles = 8, np.ascontiguousarray(f["ellipses"][:, :3])
    circles[0, 2] = 0.05
    flux = np.ones(n)
    flux[4] = 0.0
    sources = circles, f["background"], flux
    y0, y1, x0, x1 = boxes(f, (circles[:, 2], circles[:, 2]))
    which, starts = cuda._large_circles(f["data"].shape, f["place"], circles)
    assert set(which) >= {1, 6}
    marks = (y1 - y0) * ((x1 - x0) // STRIDE + 1)
    assert (np.diff(starts) >= marks[which]).all()
    before = np.full(starts[-1], np.nan)
    radius.launch(
        "add_before", (5,), (64,),
        (f["data"], f["labels"], f["mask"], where(f, 0), f["label"], *sources, which, starts,
         np.int64(which.size), before),
        seed=seed, preempt=preempt,
    )  # fmt: skip
    for i in (1, 6):
        pixels = (f["data"] - f["background"][i])[y0[i] : y1[i], x0[i] : x1[i]]
        sums = np.pad(np.cumsum(np.nan_to_num(pixels), axis=1), ((0, 0), (1, 0)))[:, ::STRIDE]
        first = starts[np.flatnonzero(which == i)[0]]
        found = before[first : first + sums.size].reshape(sums.shape)
        np.testing.assert_allclose(found, sums, rtol=0, atol=1e-11)


def test_large_circles_with_and_without_their_sums_have_the_same_flux(cupy, radius):
    """A circle on either side of the limit: the known sums change nothing but rounding."""
    from skyshed.kernels.apertures import cuda

    rng = np.random.default_rng(4)
    data, n = rng.normal(3, 1, (90, 90)), 40
    circles = np.column_stack((rng.uniform(44, 46, (n, 2)), np.linspace(30.4, 33.2, n)))
    labels, label = np.zeros((90, 90), np.int32), np.ones(n, np.int32)
    flux, background = np.full(n, 5000.0), np.zeros(n)
    f = {"data": data, "place": (0, 0, 90, 90), "ellipses": circles}
    y0, y1, x0, x1 = boxes(f, (circles[:, 2], circles[:, 2]))
    large = (y1 - y0) * ((x1 - x0) // cuda.COARSE + 1) > cuda.ROOM
    assert 5 < large.sum() < 35
    which, _ = cuda._large_circles(data.shape, f["place"], circles)
    assert set(which) > set(np.flatnonzero(large))
    small = np.full(n, -1.0)
    radius.launch(
        "search_small", (3,), (64,),
        (data, labels, None, where(f, 0), label, circles, background, flux, np.int64(n), small),
    )  # fmt: skip
    np.testing.assert_array_equal(small == -1, large == 1)
    expected = apertures.radius_of_flux(
        data, labels, None, f["place"], label, circles, background, flux, 0, 1
    )
    np.testing.assert_allclose(small[large == 0], expected[large == 0], rtol=1e-10)


COSTS = {  # launches of own kernels, of the library, waits for the device
    "local_background": (1, 0, 0), "kron_sums": (2, 0, 0), "aperture_sums": (2, 0, 0),
    "radius_of_flux": (3, 0, 0),
}  # fmt: skip


@pytest.mark.costs
@pytest.mark.parametrize("name", COSTS)
def test_what_apertures_cost(cupy, name):
    """Few launches, no wait, however many sources; nothing of an image's size moves."""
    if not standin.installed():
        pytest.skip("costs are counted by the stand-in")
    f = giants(5)
    data, error, labels, mask, label, background = (
        to_device(cupy, f[k]) for k in ("data", "error", "labels", "mask", "label", "background")
    )
    ellipses = f["ellipses"]
    rest = labels, mask, f["place"], label
    args = {
        "local_background": lambda: (data, labels, mask, to_device(cupy, sky(1, float)[3]), 9.0),
        "kron_sums": lambda: (data, *rest, ellipses, 1.0, 2),
        "aperture_sums": lambda: (data, error, None, *rest, ellipses, background, 2),
        "radius_of_flux": lambda: (
            data,
            *rest,
            ellipses[:, :3],
            background,
            fifty,
            2,
        ),
    }
    fifty = background + 50
    args = args[name]()
    with standin.ledger() as ledger:
        twin(getattr(apertures, name).__wrapped__, "cuda")(*args, None)
    total = ledger.total
    own, library, waits = COSTS[name]
    assert total.own_launches == own
    assert total.library_launches <= library
    assert total.synchronisations <= waits
    ledger.no_transfer_larger_than(f["ellipses"].nbytes)


@pytest.mark.costs
def test_pixels_are_read_once_by_sums(cupy):
    """Bytes loaded grow with the pixels of the apertures, not with the image."""
    if not standin.installed():
        pytest.skip("costs are counted by the stand-in")
    f = field(6, n=1, masked=False)
    f["ellipses"][0] = 30.0, 30.0, 25.0, 25.0, 0.0
    data, labels, label, ellipses, background = (
        to_device(cupy, f[k]) for k in ("data", "labels", "label", "ellipses", "background")
    )
    aperture_sums = twin(apertures.aperture_sums.__wrapped__, "cuda")
    with standin.ledger(count_bytes=True) as ledger:
        aperture_sums(
            data, None, None, labels, None, f["place"], label, ellipses, background, 0, None
        )
    pixels = np.pi * 25**2
    per_pixel = data.itemsize + labels.itemsize
    assert 0.9 * pixels * per_pixel < ledger.total.own_loaded < 1.5 * pixels * per_pixel
