"""Aperture kernels: the geometry against exact areas, the sums against what they are defined as."""

import functools
import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from photutils.geometry import circular_overlap_grid, elliptical_overlap_grid
from scipy.integrate import quad
from scipy.optimize import brentq

from skyshed.kernels import apertures
from skyshed.kernels.apertures import cpu
from skyshed.kernels.includes import assembled
from skyshed.kernels.native import available_levels, using_level
from tests.device.emulator.build import Module

SIZE = 23
#: The geometry as the GPU's compiler gets it: it is the CPU's, too.
GEOMETRY = """
using namespace apertures;
extern "C" __global__ void weigh(
    i64 nx, i64 ny, double x, double y, double a, double b, double theta, double *out) {
    const Ellipse e = ellipse_of(a, b, theta);
    for (i64 k = global_thread(); k < ny * nx; k += global_threads()) {
        const double low = k / nx - 0.5 - y, left = k % nx - 0.5 - x;
        const Cell cell = {{left, low}, row_chord(e, low), row_chord(e, low + 1.0),
                           column_chord(e, left), column_chord(e, left + 1.0)};
        out[k] = overlap(e, cell);
    }
}
extern "C" __global__ void caps(const double *squares, i64 n, double *out) {
    for (i64 k = global_thread(); k < n; k += global_threads()) out[k] = cap(squares[k]);
}
"""


@functools.cache
def geometry():
    return Module(assembled("prelude.cu") + assembled("apertures/geometry.h") + GEOMETRY)


def weights(nx, ny, x, y, a, b, theta):
    out, ellipse = np.zeros((ny, nx)), map(np.float64, (x, y, a, b, theta))
    geometry().launch("weigh", (1,), (1,), (np.int64(nx), np.int64(ny), *ellipse, out))
    return out


def caps(squares):
    squares = np.atleast_1d(np.asarray(squares, float))
    out = np.empty(squares.shape)
    geometry().launch("caps", (1,), (1,), (squares, np.int64(squares.size), out))
    return out


def exact_weights(x, y, a, b, theta, n=SIZE):
    edges = -0.5 - x, n - 0.5 - x, -0.5 - y, n - 0.5 - y
    return elliptical_overlap_grid(*edges, n, n, a, b, theta, 1, 1)


def integrated_weight(x, y, a, b, theta, row, column):
    """The overlap by quadrature along y, between all places where the integrand has a kink."""
    c, s = math.cos(theta), math.sin(theta)
    xx, yy = (c / a) ** 2 + (s / b) ** 2, (s / a) ** 2 + (c / b) ** 2
    xy = c * s * (1 / a**2 - 1 / b**2)
    height, width = math.hypot(a * s, b * c), math.hypot(a * c, b * s)
    left, low = column - 0.5 - x, row - 0.5 - y

    def length(v):
        t = max(1 - (v / height) ** 2, 0)
        middle, half = -xy / xx * v, math.sqrt(t / xx)
        return max(min(middle + half, left + 1) - max(middle - half, left), 0)

    start, stop = max(low, -height), min(low + 1, height)
    if start >= stop:
        return 0.0
    kinks = [start, stop]
    for u in (left, left + 1):
        if abs(u) < width:
            half = math.sqrt((1 - (u / width) ** 2) / yy)
            kinks += [v for v in (-xy / yy * u - half, -xy / yy * u + half) if start < v < stop]
    kinks = sorted(kinks)
    # The substitution removes the square roots' infinite slopes at the ends of each piece.
    return sum(
        quad(
            lambda p, lo=lo, hi=hi: length(lo + (hi - lo) * p * p * (3 - 2 * p))
            * (hi - lo) * 6 * p * (1 - p),
            0, 1, epsabs=1e-12, epsrel=1e-12,
        )[0]
        for lo, hi in pairwise(kinks)
    )  # fmt: skip


def test_overlaps_are_those_of_photutils_to_1e_13():
    """Tiny ellipses inside one pixel to huge ones, circles to needles, any angle."""
    rng = np.random.default_rng(20261122)
    worst = 0.0
    for _ in range(1500):
        x, y = rng.uniform(8, 14, 2)
        a = 10 ** rng.uniform(-2, 2)
        b = a * 10 ** rng.uniform(-1.5, 0)
        theta = rng.uniform(-4, 4)
        difference = weights(SIZE, SIZE, x, y, a, b, theta) - exact_weights(x, y, a, b, theta)
        worst = max(worst, np.abs(difference).max())
    assert worst < 1e-13


halves = st.integers(18, 28).map(lambda n: n / 2)
axes = st.one_of(st.integers(1, 14).map(lambda n: n / 2), st.floats(0.02, 8))
angles = st.one_of(st.integers(-4, 4).map(lambda n: n * math.pi / 4), st.floats(-3.2, 3.2))


@settings(max_examples=60)
@given(x=st.one_of(halves, st.floats(9, 14)), y=halves, a=axes, q=st.floats(0.05, 1), theta=angles)
def test_overlaps_hold_where_edges_and_corners_are_touched(x, y, a, q, theta):
    """Centres on corners and edges, axes along the grid or its diagonals, whole and half axes.

    photutils' own overlap is wrong in some of these (half a circle of radius 1/2 counts 0.32,
    not 0.39), so the oracle is quadrature.
    """
    b = max(a * q, 0.02)
    found = weights(SIZE, SIZE, x, y, a, b, theta)
    assert found.min() >= -1e-15
    assert found.max() <= 1 + 1e-15
    assert found.sum() == pytest.approx(math.pi * a * b, rel=1e-12, abs=1e-15)
    rim = np.argwhere((found > 0) & (found < 1))
    for row, column in rim[:: max(len(rim) // 6, 1)]:
        expected = integrated_weight(x, y, a, b, theta, row, column)
        assert found[row, column] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("ellipse_of", "expected"),
    [
        ((10.5, 13.0, 0.5, 0.5, math.pi / 2), {(13, 10): math.pi / 8, (13, 11): math.pi / 8}),
        ((9.0, 14.0, 0.5, 0.5, 3 * math.pi / 4), {(14, 9): math.pi / 4}),
        ((9.5, 13.5, 0.5, 0.5, 0.0), {(13, 9): math.pi / 16, (14, 10): math.pi / 16}),
        ((9.2, 13.1, 1e-3, 1e-5, 0.3), {(13, 9): math.pi * 1e-8}),
        ((9.0, 13.0, 200.0, 150.0, 0.3), {(0, 0): 1.0, (22, 22): 1.0}),
    ],
)
def test_overlaps_at_touching_points(ellipse_of, expected):
    found = weights(SIZE, SIZE, *ellipse_of)
    for pixel, area in expected.items():
        assert found[pixel] == pytest.approx(area, rel=1e-14, abs=1e-16)


def test_caps_are_exact_on_both_sides_of_the_limit():
    half = np.concatenate([np.linspace(1e-3, 0.8, 500), np.sqrt([0.2, 0.2 + 1e-12])])
    for h, found in zip(half, caps(half * half), strict=True):
        direct = math.asin(h) - h * math.sqrt(1 - h * h)
        assert found == pytest.approx(direct, rel=1e-13, abs=1e-16)
    assert caps(1e-12)[0] == pytest.approx(2 / 3 * 1e-18, rel=1e-11)


@pytest.fixture(scope="module", params=[np.float32, np.float64])
def field(request):
    """A noisy field of labelled blobs, masked and overlapping, and apertures all over it."""
    rng = np.random.default_rng(8)
    shape = ny, nx = 60, 70
    data = rng.normal(0.3, 4, shape).astype(request.param)
    labels = np.kron(rng.integers(0, 9, (12, 14)), np.ones((5, 5))).astype(np.int32)
    labels[labels > 6] = 0
    mask = rng.random(shape) < 0.05
    error = rng.uniform(0.5, 2, shape).astype(request.param)
    n = 150
    shapes = np.column_stack(
        (rng.uniform(-6, nx + 6, n), rng.uniform(-6, ny + 6, n), rng.uniform(0.3, 9, n),
         rng.uniform(0.3, 9, n), rng.uniform(-3, 3, n))
    )  # fmt: skip
    return {
        "data": data, "error": error, "labels": labels, "mask": mask, "shapes": shapes,
        "label": rng.integers(1, 7, n).astype(np.int32), "background": rng.normal(0, 1, n),
    }  # fmt: skip


def cutout(field, label, x, y, width, height, method):
    """The pixels of one aperture as defined: values, errors, whether usable, and the box."""
    ny, nx = field["data"].shape
    x0, x1 = max(math.floor(x - width + 0.5), 0), min(math.ceil(x + width + 0.5), nx)
    y0, y1 = max(math.floor(y - height + 0.5), 0), min(math.ceil(y + height + 0.5), ny)
    if x0 >= x1 or y0 >= y1:
        return None
    box = slice(y0, y1), slice(x0, x1)
    data = field["data"][box].astype(float)
    error = field["error"][box].astype(float)
    labels, masked = field["labels"][box], field["mask"][box]
    other = (labels != label) & (labels != 0)
    usable = ~masked
    if method == apertures.MASK:
        usable &= ~other
    zero = np.zeros(data.shape, bool)
    if method == apertures.CORRECT:
        mirror_y = 2 * int(y - y0 + 0.5) - np.arange(y1 - y0)
        mirror_x = 2 * int(x - x0 + 0.5) - np.arange(x1 - x0)
        values, errors = data.copy(), error.copy()
        for row, column in np.argwhere(other):
            my, mx = mirror_y[row], mirror_x[column]
            inside = 0 <= my < y1 - y0 and 0 <= mx < x1 - x0
            if inside and not other[my, mx] and not masked[my, mx]:
                values[row, column], errors[row, column] = data[my, mx], error[my, mx]
            else:
                zero[row, column] = True
        data, error = values, errors
    return data, error, usable, zero, (y0, y1, x0, x1)


METHODS = pytest.mark.parametrize("method", [apertures.NONE, apertures.MASK, apertures.CORRECT])


def place_of(field):
    return (0, 0, *field["data"].shape)


@METHODS
def test_what_an_aperture_saw_is_what_its_pixels_are(field, method):
    ny, nx = field["data"].shape
    labels, mask, error = field["labels"], field["mask"], field["error"].copy()
    rng = np.random.default_rng(4)
    given = mask & (rng.random(mask.shape) < 0.5)
    error[rng.random(error.shape) < 0.01] = np.inf
    _, variance, seen = apertures.aperture_sums(
        field["data"], error, given, labels, mask, place_of(field), field["label"],
        field["shapes"], field["background"], method, 2,
    )  # fmt: skip
    Seen, edge = apertures.Seen, 40
    for i, (x, y, a, b, theta) in enumerate(field["shapes"]):
        around = weights(nx + 2 * edge, ny + 2 * edge, x + edge, y + edge, a, b, theta) > 0
        here = around[edge:-edge, edge:-edge]
        expected = Seen.NO_PIXEL
        if here.any():
            neighbour = here & (labels != 0) & (labels != field["label"][i]) & (method != 0)
            expected = Seen.BEYOND_EDGE if around.sum() > here.sum() else Seen(0)
            for flag, pixels in (
                (Seen.MASKED, given & here), (Seen.NON_FINITE, mask & ~given & here),
                (Seen.NEIGHBOUR, neighbour),
            ):  # fmt: skip
                expected |= flag if pixels.any() else Seen(0)
        assert seen[i] & ~(Seen.NOT_REPLACED | Seen.ERROR_NON_FINITE) == expected
        assert bool(seen[i] & Seen.ERROR_NON_FINITE) == bool(np.isinf(variance[i]))
        replaced = method == apertures.CORRECT and seen[i] & Seen.NEIGHBOUR
        assert replaced or not seen[i] & Seen.NOT_REPLACED
    for flag in Seen:
        possible = flag not in (Seen.UNMEASURED, Seen.NEIGHBOUR, Seen.NOT_REPLACED)
        possible |= flag == Seen.NEIGHBOUR and method != apertures.NONE
        possible |= flag == Seen.NOT_REPLACED and method == apertures.CORRECT
        assert np.any(seen & flag) == possible


@METHODS
def test_aperture_sums_are_weighted_sums_of_the_usable_pixels(field, method):
    ny, nx = field["data"].shape
    total, variance, _ = apertures.aperture_sums(
        field["data"], field["error"], None, field["labels"], field["mask"], place_of(field),
        field["label"], field["shapes"], field["background"], method, 2,
    )  # fmt: skip
    n_nan = 0
    for i, (x, y, a, b, theta) in enumerate(field["shapes"]):
        width = math.hypot(a * math.cos(theta), b * math.sin(theta))
        height = math.hypot(a * math.sin(theta), b * math.cos(theta))
        pixels = cutout(field, field["label"][i], x, y, width, height, method)
        weight = weights(nx, ny, x, y, a, b, theta)
        if pixels is not None:
            data, error, usable, zero, (y0, y1, x0, x1) = pixels
            weight = weight[y0:y1, x0:x1]
            usable = usable & (weight > 0)
        if pixels is None or not usable.any():
            assert np.isnan(total[i])
            assert np.isnan(variance[i])
            n_nan += 1
            continue
        values = np.where(zero, 0, data - field["background"][i])[usable]
        errors = np.where(zero, 0, error)[usable]
        scale = np.abs(weight[usable] * values).sum()
        assert abs(total[i] - (weight[usable] * values).sum()) <= 1e-13 * scale
        assert variance[i] == pytest.approx(((weight[usable] * errors) ** 2).sum(), rel=1e-12)
    assert 0 < n_nan < 30


@METHODS
def test_kron_sums_are_moments_of_the_pixels_whose_centre_is_inside(field, method):
    shapes = field["shapes"] * [1, 1, 1 / 6, 1 / 6, 1]
    moment, total = apertures.kron_sums(
        field["data"], field["labels"], field["mask"], place_of(field), field["label"], shapes, 6.0,
        method, 2,
    )  # fmt: skip
    for i, (x, y, a, b, theta) in enumerate(shapes):
        c, s = math.cos(theta), math.sin(theta)
        width, height = 6 * math.hypot(a * c, b * s), 6 * math.hypot(a * s, b * c)
        pixels = cutout(field, field["label"][i], x, y, width, height, method)
        if pixels is None:
            assert np.isnan(moment[i])
            assert np.isnan(total[i])
            continue
        data, _, usable, zero, (y0, y1, x0, x1) = pixels
        v, u = np.mgrid[y0:y1, x0:x1]
        u, v = u - x, v - y
        radius = np.hypot((u * c + v * s) / a, (v * c - u * s) / b)
        values = np.where(zero, 0, data)
        chosen = usable & (radius <= 6)
        scale = np.abs(values[chosen]).sum()
        assert abs(total[i] - values[chosen].sum()) <= 1e-13 * scale
        assert abs(moment[i] - (values * radius)[chosen].sum()) <= 1e-12 * 6 * scale


@METHODS
def test_radii_are_roots_of_the_growth_curve_as_scipy_finds_them(field, method):
    """Noise makes growth curves with several roots, or none: all must come out alike."""
    rng = np.random.default_rng(3)
    n = len(field["shapes"])
    circles = np.column_stack((field["shapes"][:, :2], rng.uniform(0.05, 9, n)))
    flux = rng.uniform(-8, 12, n)
    found = apertures.radius_of_flux(
        field["data"], field["labels"], field["mask"], place_of(field), field["label"], circles,
        field["background"], flux, method, 2,
    )  # fmt: skip
    n_shrunk = n_none = 0
    for i, (x, y, largest) in enumerate(circles):
        pixels = cutout(field, field["label"][i], x, y, largest, largest, method)
        if pixels is None:
            assert np.isnan(found[i])
            continue
        data, _, usable, zero, (y0, y1, x0, x1) = pixels
        values = np.where(zero | ~usable, 0, data - field["background"][i])
        edges = x0 - 0.5 - x, x1 - 0.5 - x, y0 - 0.5 - y, y1 - 0.5 - y

        def excess(radius, edges=edges, values=values, flux=flux[i]):
            weight = circular_overlap_grid(*edges, *values.shape[::-1], radius, 1, 1)
            return 1 - (weight * values).sum() / flux

        end, expected = largest, np.nan
        while end > 0.1:
            if excess(0.1) * excess(end) < 0:
                expected = brentq(excess, 0.1, end)
                break
            end -= 0.1 * largest
        n_shrunk += end < largest and np.isfinite(expected)
        n_none += np.isnan(expected)
        assert found[i] == pytest.approx(expected, rel=1e-9, nan_ok=True)
    assert n_shrunk > 5
    assert n_none > 5


def all_results(field, n_threads=1, place=None, select=slice(None)):
    """Every operation's result in one array, for comparing bits."""
    place = place or place_of(field)
    images = field["data"], field["labels"], field["mask"], place, field["label"][select]
    shapes, background = field["shapes"][select], field["background"][select]
    method = apertures.CORRECT
    sums = apertures.aperture_sums(
        images[0], field["error"], None, *images[1:], shapes, background, method, n_threads
    )
    kron = apertures.kron_sums(*images, shapes * [1, 1, 1 / 6, 1 / 6, 1], 6.0, method, n_threads)
    radius = apertures.radius_of_flux(
        *images, shapes[:, :3], background, 20 + background, method, n_threads
    )
    return np.array([*sums, *kron, radius])


def test_results_have_the_same_bits_for_any_number_of_threads_and_any_order(field, monkeypatch):
    expected = all_results(field)
    assert np.isfinite(expected).sum() > 400
    some = np.random.default_rng(0).permutation(len(field["label"]))[:77]
    monkeypatch.setattr(cpu, "SOURCES", 7)
    for n_threads in (2, 3, None):
        assert np.array_equal(all_results(field, n_threads), expected, equal_nan=True)
        found = all_results(field, n_threads, select=some)
        assert np.array_equal(found, expected[:, some], equal_nan=True)


def test_a_tile_gives_the_bits_of_the_whole_image(field):
    """Also at its edges: apertures are clipped to the whole image, not to the tile."""
    expected = all_results(field)
    y0, y1, x0, x1 = 0, 45, 20, 70
    names = ("data", "error", "labels", "mask")
    tile = {**field, **{n: np.ascontiguousarray(field[n][y0:y1, x0:x1]) for n in names}}
    x, y = field["shapes"][:, 0], field["shapes"][:, 1]
    reach = field["shapes"][:, 2:4].max(axis=1) + 1
    held = np.flatnonzero((x - reach > x0) & (y + reach < y1))
    assert len(held) > 30
    clipped = (y[held] < reach[held]) | (x[held] > x1 - reach[held])
    assert clipped.sum() > 5
    found = all_results(tile, place=(y0, x0, *field["data"].shape), select=held)
    assert np.array_equal(found, expected[:, held], equal_nan=True)


def test_inputs_are_not_modified(field):
    copies = {name: array.copy() for name, array in field.items()}
    for array in field.values():
        array.setflags(write=False)
    all_results(field, 2)
    for name, array in field.items():
        array.setflags(write=True)
        assert np.array_equal(array, copies[name])


def test_what_cannot_be_measured_is_nan_not_an_abort():
    """Not finite, without extent, off the image, or too large to be meant."""
    data, labels = np.ones((30, 30)), np.zeros((30, 30), np.int32)
    good = [10.0, 12.0, 3.0, 2.0, 0.5]
    shapes = np.array([good] * 9)
    shapes[1, 0] = shapes[2, 3] = np.nan
    shapes[3, 1] = np.inf
    shapes[4, 3] = 0.0
    shapes[5, 0] = 1e9
    shapes[6, 2:4] = 1e6
    shapes[7, 2:4] = 1e200
    background = np.zeros(9)
    background[8] = np.nan
    label, place = np.ones(9, np.int32), (0, 0, 30, 30)
    total, variance, seen = apertures.aperture_sums(
        data, None, None, labels, None, place, label, shapes, background, apertures.CORRECT, 1
    )
    assert total[0] == pytest.approx(math.pi * 6)
    assert np.isnan(total[1:]).all()
    assert np.isnan(variance).all()
    outside, unmeasured = apertures.Seen.NO_PIXEL, apertures.Seen.UNMEASURED
    assert seen.tolist() == [0, *[unmeasured] * 4, outside, *[unmeasured] * 3]
    moment, kron_total = apertures.kron_sums(
        data, labels, None, place, label, shapes, 1.0, apertures.CORRECT, 1
    )
    assert np.isfinite(kron_total[[0, 8]]).all()
    assert np.isnan(kron_total[1:8]).all()
    assert np.isnan(moment[1:8]).all()
    flux = np.full(9, 5.0)
    flux[4] = 0.0
    circles = shapes[:, [0, 1, 2]]
    circles[2, 2] = np.nan
    radius = apertures.radius_of_flux(
        data, labels, None, place, label, circles, background, flux, apertures.CORRECT, 1
    )
    assert radius[0] == pytest.approx(math.sqrt(5 / math.pi), rel=1e-12)
    assert np.isnan(radius[1:]).all()


def test_a_circle_that_holds_the_flux_is_the_answer_whatever_the_rounding():
    rng = np.random.default_rng(2)
    data, labels = rng.normal(3, 1, (40, 40)), np.zeros((40, 40), np.int32)
    circles = np.column_stack((rng.uniform(15, 25, (50, 2)), rng.uniform(3, 9, 50)))
    shapes = np.column_stack((circles, circles[:, 2], np.zeros(50)))
    label, background, place = np.ones(50, np.int32), np.zeros(50), (0, 0, 40, 40)
    flux, _, _ = apertures.aperture_sums(
        data, None, None, labels, None, place, label, shapes, background, apertures.NONE, 1
    )
    radius = apertures.radius_of_flux(
        data, labels, None, place, label, circles, background, flux, apertures.NONE, 1
    )
    assert np.array_equal(radius, circles[:, 2])


@pytest.mark.parametrize(("radius", "apart"), [(2.0, 1), (30.0, 10)])
def test_a_flux_that_is_only_rounding_is_none(radius, apart):
    """Where pixels cancel, the last bits of a sum must not decide whether there is a radius."""
    data, labels = np.zeros((81, 81)), np.zeros((81, 81), np.int32)
    data[40, 40], data[40, 40 + apart] = 1.0, -1.0
    label, circles = np.ones(5, np.int32), np.tile([40.0, 40.0, radius], (5, 1))
    least = 2.0**-52 * (2 * radius + 1) ** 2  # of pixels up to 1, as many as the box has
    flux = np.array([1e-16, -1e-16, 0.9 * least, 1.1 * least, 0.5])
    found = apertures.radius_of_flux(
        data, labels, None, (0, 0, 81, 81), label, circles, np.zeros(5), flux, apertures.NONE, 1
    )
    assert np.isnan(found[:3]).all()
    assert np.isfinite(found[3:]).all()


@pytest.mark.parametrize("centre", [(20.0, 20.0), (20.5, 20.0), (20.0, 19.5), (20.5, 20.5)])
def test_circles_that_meet_corners_of_the_grid_hold_what_their_pixels_share_with_them(centre):
    """Rounding must not lose a cell where a circle passes through a corner, or touches a line."""
    rng = np.random.default_rng(4)
    data, labels = rng.uniform(1, 3, (41, 41)), np.zeros((41, 41), np.int32)
    x, y = centre
    u, v = np.meshgrid(np.arange(41) + 0.5 - x, np.arange(41) + 0.5 - y)
    meeting = np.unique(np.hypot(u, v)[(np.abs(u) < 12) & (np.abs(v) < 12)])
    radii = np.concatenate([meeting, np.nextafter(meeting, 0), np.nextafter(meeting, 99)])
    radii = radii[(radii > 0.2) & (radii < 12)]
    n = len(radii)
    assert n > 140
    edges = -0.5 - x, 40.5 - x, -0.5 - y, 40.5 - y
    flux = np.array([(circular_overlap_grid(*edges, 41, 41, r, 1, 1) * data).sum() for r in radii])
    # The very circle is the first that is computed, and then one among others.
    for larger in (1.0, 1.3):
        circles = np.column_stack((np.full(n, x), np.full(n, y), larger * radii))
        found = apertures.radius_of_flux(
            data, labels, None, (0, 0, 41, 41), np.ones(n, np.int32), circles, np.zeros(n), flux,
            apertures.NONE, 1,
        )  # fmt: skip
        np.testing.assert_allclose(found, radii, rtol=1e-13 if larger > 1 else 0)


@pytest.mark.parametrize("ratio", [1.0, 0.6])
@pytest.mark.parametrize("centre", [(20.0, 20.0), (20.5, 20.0), (20.0, 19.5), (20.5, 20.5)])
def test_apertures_that_meet_corners_of_the_grid_share_what_they_do_with_each_pixel(centre, ratio):
    """Where two edges of a pixel take a corner for different points, no weight is off by half."""
    rng = np.random.default_rng(5)
    data, labels = rng.uniform(1, 3, (41, 41)), np.zeros((41, 41), np.int32)
    x, y = centre
    u, v = np.meshgrid(np.arange(41) + 0.5 - x, np.arange(41) + 0.5 - y)
    meeting = np.unique(np.hypot(u, v / ratio)[(np.abs(u) < 12) & (np.abs(v) < 12)])
    radii = np.concatenate([meeting, np.nextafter(meeting, 0), np.nextafter(meeting, 99)])
    # Of ellipses that lie between few pixels photutils itself loses some of the area.
    radii = radii[(radii > (0.2 if ratio == 1 else 2)) & (radii < 18)]
    n = len(radii)
    edges = -0.5 - x, 40.5 - x, -0.5 - y, 40.5 - y
    expected = [
        np.sum(
            data * circular_overlap_grid(*edges, 41, 41, r, 1, 1) if ratio == 1
            else data * elliptical_overlap_grid(*edges, 41, 41, r, ratio * r, 0, 1, 1)
        )
        for r in radii
    ]  # fmt: skip
    ellipses = np.column_stack([np.tile((x, y), (n, 1)), radii, ratio * radii, np.zeros(n)])
    found, _, _ = apertures.aperture_sums(
        data, None, None, labels, None, (0, 0, 41, 41), np.ones(n, np.int32), ellipses, np.zeros(n),
        apertures.NONE, 1,
    )  # fmt: skip
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@METHODS
@pytest.mark.parametrize("masked", [False, True])
def test_weights_that_are_kept_give_the_bits_of_those_that_are_computed(field, method, masked):
    shapes = field["shapes"].copy()
    shapes[:4, 2] = np.nan, 0, 1e9, 25
    background, mask = field["background"].copy(), field["mask"] if masked else None
    background[9] = np.nan
    place = place_of(field)
    for level in available_levels():
        with using_level(level):
            kept = apertures.keep_weights(field["labels"], place, field["label"], shapes, 10**6, 2)
            for n_threads in (1, 3):
                args = (
                    field["data"], field["error"], None, field["labels"], mask, place,
                    field["label"], shapes, background, method, n_threads,
                )  # fmt: skip
                for found, expected in zip(
                    apertures.aperture_sums(*args, kept), apertures.aperture_sums(*args),
                    strict=True,
                ):  # fmt: skip
                    np.testing.assert_array_equal(found, expected)
    assert kept.rims.size > 1000


def test_no_more_weights_are_kept_than_there_is_room_for(field):
    args = field["labels"], place_of(field), field["label"], field["shapes"]
    kept = apertures.keep_weights(*args, 10**6, 1)
    size = kept.rows.nbytes + kept.rims.nbytes
    assert apertures.keep_weights(*args, size, 1) is not None
    assert apertures.keep_weights(*args, size - 1, 1) is None


def test_kept_rows_are_the_pixels_that_ellipses_touch(field):
    ny, nx = field["data"].shape
    kept = apertures.keep_weights(
        field["labels"], place_of(field), field["label"], field["shapes"], 10**6, 1
    )
    for i, shape in enumerate(field["shapes"]):
        touched = np.zeros((ny, nx), bool)
        y0, y1, x0, _ = kept.boxes[i, :4]
        rows = kept.rows[kept.row_start[i] : kept.row_start[i + 1]]
        assert len(rows) == y1 - y0
        for y, (first, end, inner, inner_end, others) in enumerate(rows.tolist(), y0):
            touched[y, x0 + first : x0 + end] = True
            assert inner >= inner_end or (weights(nx, ny, *shape)[y, x0 + inner] > 0.999999)
            here = field["labels"][y, x0 + first : x0 + end]
            assert others == ((here != 0) & (here != field["label"][i])).any()
        weight = weights(nx, ny, *shape)
        assert touched[weight > 0].all()
        assert weight[touched].min(initial=1) > -1e-12
