"""Apertures on the GPU: the CPU twin's sums, radii and backgrounds, in any order of threads."""

import math

import numpy as np
import pytest

from skyshed.kernels import apertures, twin
from tests.device import standin
from tests.device.kernels.twins import both, close_sums, identical, to_device, to_host

METHODS = [apertures.NONE, apertures.MASK, apertures.CORRECT]


def field(seed, dtype=np.float64, shape=(60, 70), n=40, largest=9.0, masked=True):
    """Noise, labels that overlap apertures, a mask over NaN, ellipses in and around the image."""
    rng = np.random.default_rng(seed)
    ny, nx = shape
    data = rng.normal(0.3, 4, shape).astype(dtype)
    cells = rng.integers(0, 9, (-(-ny // 5), -(-nx // 5)))
    labels = np.kron(cells, np.ones((5, 5)))[:ny, :nx].astype(np.int32)
    labels[labels > 6] = 0
    mask = rng.random(shape) < 0.05 if masked else None
    if masked:
        data[mask] = np.nan
    input_mask = mask & (rng.random(shape) < 0.5) if masked else None
    ellipses = np.column_stack(
        (rng.uniform(-6, nx + 6, n), rng.uniform(-6, ny + 6, n), rng.uniform(0.3, largest, n),
         rng.uniform(0.3, largest, n), rng.uniform(-3, 3, n))
    )  # fmt: skip
    return {
        "data": data, "error": rng.uniform(0.5, 2, shape).astype(dtype), "labels": labels,
        "mask": mask, "input_mask": input_mask, "place": (0, 0, ny, nx),
        "label": rng.integers(1, 7, n).astype(np.int32),
        "ellipses": ellipses, "background": rng.normal(0, 1, n),
    }  # fmt: skip


def images(f):
    return f["data"], f["labels"], f["mask"], f["place"], f["label"]


def all_weight(f):
    """What bounds the terms of any sum over the field."""
    return np.nansum(np.abs(f["data"])) + 10 * f["data"].size


def magnitudes(f, method):
    """The sums of the absolute terms, which the CPU twin gives from absolute data."""
    return apertures.aperture_sums(
        np.abs(f["data"]) + np.abs(f["background"]).max().astype(f["data"].dtype), None, None,
        *images(f)[1:], f["ellipses"], np.zeros(len(f["label"])), method, 1,
    )[0]  # fmt: skip


def test_a_gpu_keeps_no_weights(cupy):
    labels = to_device(cupy, np.ones((9, 9), np.int32))
    ellipses = np.array([[4.0, 4.0, 2.0, 1.0, 0.5]])
    args = (0, 0, 9, 9), np.ones(1, np.int32), ellipses, 10**6, None
    assert twin(apertures.keep_weights.__wrapped__, "cuda")(labels, *args) is None


def check_sums(cupy, f, method):
    error, (data, *others) = f["error"], images(f)
    result, expected = both(
        cupy, apertures.aperture_sums, data, error, f["input_mask"], *others, f["ellipses"],
        f["background"], method, None,
    )  # fmt: skip
    close_sums(result[0], expected[0], np.nan_to_num(magnitudes(f, method)))
    close_sums(result[1], expected[1], expected[1])
    identical(result[2], expected[2])
    return expected


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_aperture_sums_are_those_of_the_cpu(cupy, dtype, method):
    for seed, masked in ((1, True), (2, False)):
        total, _, _ = check_sums(cupy, field(seed, dtype, masked=masked), method)
        assert np.isfinite(total).sum() > 25


def test_aperture_sums_in_any_order_of_threads(cupy, schedule):
    check_sums(cupy, field(3), apertures.CORRECT)


def test_sums_without_errors_have_no_variance(cupy):
    f = field(4)
    data, *others = images(f)
    result, expected = both(
        cupy, apertures.aperture_sums, data, None, None, *others, f["ellipses"],
        f["background"], apertures.MASK, None,
    )  # fmt: skip
    assert np.isnan(result[1]).all()
    close_sums(result[0], expected[0], np.nan_to_num(magnitudes(f, apertures.MASK)))


def test_pixels_that_are_just_touched_count_as_on_the_cpu(cupy):
    """Centres on corners and edges, needles, specks, ellipses larger than the image."""
    rng = np.random.default_rng(5)
    f = field(5, n=120, masked=False)
    e = f["ellipses"]
    e[:, :2] = np.round(rng.uniform(20, 40, (120, 2)) * 2) / 2
    e[:, 2:4] = rng.choice([0.5, 1.0, 1.5, 4.0, 1e-3, 200.0], (120, 2))
    e[:, 4] = rng.choice([0.0, math.pi / 4, math.pi / 2, 0.3], 120)
    total, _, _ = check_sums(cupy, f, apertures.NONE)
    assert np.isfinite(total).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_kron_sums_are_those_of_the_cpu(cupy, dtype, method):
    f = field(6, dtype)
    f["ellipses"][:, 2:4] /= 6
    f["ellipses"][0, 2:4] = 2.0, 1e-6  # a needle
    result, expected = both(
        cupy, apertures.kron_sums, *images(f), f["ellipses"], 6.0, method, None
    )  # fmt: skip
    for one, other in zip(result, expected, strict=True):
        close_sums(one, other, np.full(other.shape, 6 * all_weight(f) / 100))


def test_kron_sums_in_any_order_of_threads(cupy, schedule):
    f = field(7)
    result, expected = both(
        cupy, apertures.kron_sums, *images(f), f["ellipses"], 1.0, apertures.CORRECT, None
    )
    for one, other in zip(result, expected, strict=True):
        close_sums(one, other, np.full(other.shape, all_weight(f) / 100))


def radii(cupy, f, method, flux):
    return both(
        cupy, apertures.radius_of_flux, *images(f),
        np.ascontiguousarray(f["ellipses"][:, :3]), f["background"], flux, method, None,
    )  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_radii_are_those_of_the_cpu(cupy, dtype, method):
    """Noise makes growth curves with several roots, or none: the same one must be found."""
    f = field(8, dtype)
    flux = np.random.default_rng(9).uniform(-8, 12, len(f["label"]))
    result, expected = radii(cupy, f, method, flux)
    np.testing.assert_allclose(result, expected, rtol=1e-8)
    assert 3 < np.isnan(expected).sum() < 35


def test_radii_in_any_order_of_threads(cupy, schedule):
    f = field(10, n=12)
    result, expected = radii(cupy, f, apertures.CORRECT, np.linspace(-8, 12, 12))
    np.testing.assert_allclose(result, expected, rtol=1e-8)


def giants(seed, dtype=np.float64):
    """Apertures of thousands of pixels among small ones, on a sloping, positive image."""
    f = field(seed, dtype, (150, 180), n=8, largest=6.0)
    f["data"] += np.linspace(3, 9, 180).astype(dtype)
    f["ellipses"][[1, 4, 6]] = [[80.3, 70.1, 60, 50, 0.4], [5, 140, 90, 35, 1], [90, 75, 70, 70, 0]]
    return f


@pytest.mark.parametrize("method", METHODS)
def test_giants_are_cut_into_chunks(cupy, schedule, method):
    f = giants(11, np.float32)
    check_sums(cupy, f, method)
    f["background"][:] = 0.5
    flux = np.full(8, 40.0)
    flux[[1, 4, 6]] = 20_000.0, 5_000.0, 3_000.0
    result, expected = radii(cupy, f, method, flux)
    np.testing.assert_allclose(result, expected, rtol=1e-8)
    assert np.isfinite(expected[[1, 4, 6]]).all()
    result, expected = both(cupy, apertures.kron_sums, *images(f), f["ellipses"], 1.0, method, None)
    for one, other in zip(result, expected, strict=True):
        close_sums(one, other, np.abs(np.nan_to_num(other)))


def test_a_circle_that_holds_the_flux_is_the_answer_whatever_the_rounding(cupy):
    rng = np.random.default_rng(2)
    data, labels = rng.normal(3, 1, (60, 90)), np.zeros((60, 90), np.int32)
    circles = np.column_stack((rng.uniform(15, 25, (20, 2)), rng.uniform(3, 9, 20)))
    circles[3] = 44.2, 29.7, 40.0
    shapes = np.column_stack((circles, circles[:, 2], np.zeros(20)))
    rest = labels, None, (0, 0, 60, 90), np.ones(20, np.int32)
    zero = np.zeros(20)
    sums, _ = both(cupy, apertures.aperture_sums, data, None, None, *rest, shapes, zero, 0, None)
    flux = sums[0]
    found, _ = both(cupy, apertures.radius_of_flux, data, *rest, circles, zero, flux, 0, None)
    np.testing.assert_array_equal(found, circles[:, 2])


def test_a_flux_that_is_only_rounding_is_none(cupy):
    """Small circles and large ones: as the CPU's twin has it."""
    data, labels = np.zeros((161, 161)), np.zeros((161, 161), np.int32)
    data[40, 40], data[40, 41] = data[100, 100], data[100, 110] = 1.0, -1.0
    rest = labels, None, (0, 0, 161, 161), np.ones(8, np.int32)
    circles = np.repeat([[40.0, 40.0, 2.0], [100.0, 100.0, 50.0]], 4, axis=0)
    flux = np.tile([1e-16, -1e-16, 1e-11, 0.5], 2)
    found, expected = both(
        cupy, apertures.radius_of_flux, data, *rest, circles, np.zeros(8), flux, 0, None
    )
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert np.array_equal(np.isnan(found), [True, True, False, False] * 2)


def results(cupy, f, select=slice(None), place=None):
    """Every operation's result on the device, in one array."""
    method = apertures.CORRECT
    label = to_device(cupy, f["label"][select])
    data, error, labels, mask = (to_device(cupy, f[k]) for k in ("data", "error", "labels", "mask"))
    rest = labels, mask, place or f["place"], label
    ellipses, background = (to_device(cupy, f[k][select]) for k in ("ellipses", "background"))
    on_device = (
        twin(getattr(apertures, name).__wrapped__, "cuda")
        for name in ("aperture_sums", "kron_sums", "radius_of_flux")
    )
    sums, kron, radius = on_device
    return np.array(
        to_host(cupy, (
            *sums(data, error, None, *rest, ellipses, background, method, None),
            *kron(data, *rest, ellipses, 1.0, method, None),
            radius(data, *rest, ellipses[:, :3], background, 20 + background, method, None),
        ))
    )  # fmt: skip


def test_a_source_has_the_same_bits_in_any_company_and_order(cupy):
    f = giants(12)
    found = []
    for seed, preempt in ((0, 0.0), (5, 0.0), (6, 0.3)):
        with standin.schedule(seed, preempt):
            found.append(results(cupy, f))
    assert np.isfinite(found[0]).sum() > 20
    np.testing.assert_array_equal(found[1], found[0])
    np.testing.assert_array_equal(found[2], found[0])
    some = np.array([6, 0, 4, 3])
    np.testing.assert_array_equal(results(cupy, f, some), found[0][:, some])


def test_a_tile_gives_the_bits_of_the_whole_image(cupy):
    f = field(13, n=80)
    expected = results(cupy, f)
    y0, y1, x0, x1 = 0, 45, 20, 70
    names = ("data", "error", "labels", "mask")
    tile = {**f, **{n: np.ascontiguousarray(f[n][y0:y1, x0:x1]) for n in names}}
    x, y, a, b, _ = f["ellipses"].T
    reach = np.maximum(a, b) + 1
    held = np.flatnonzero((x - reach > x0) & (y + reach < y1))
    assert len(held) > 15
    found = results(cupy, tile, held, (y0, x0, *f["data"].shape))
    np.testing.assert_array_equal(found, expected[:, held])


def test_what_cannot_be_measured_is_nan(cupy):
    """Not finite, without extent, off the image, or too large to be meant."""
    data, labels = np.ones((30, 30)), np.zeros((30, 30), np.int32)
    shapes = np.array([[10.0, 12.0, 3.0, 2.0, 0.5]] * 9)
    shapes[1, 0] = shapes[2, 3] = np.nan
    shapes[3, 1] = np.inf
    shapes[4, 3] = 0.0
    shapes[5, 0] = 1e9
    shapes[6, 2:4] = 1e6
    shapes[7, 2:4] = 1e200
    background, flux = np.zeros(9), np.full(9, 5.0)
    background[8], flux[4] = np.nan, 0.0
    rest = labels, None, (0, 0, 30, 30), np.ones(9, np.int32)
    (total, _, seen), expected = both(
        cupy, apertures.aperture_sums, data, None, None, *rest, shapes, background, 2, None
    )
    close_sums(total, expected[0], np.full(9, 30.0))
    identical(seen, expected[2])
    assert np.isfinite(total[0])
    assert np.isnan(total[1:]).all()
    result, expected = both(cupy, apertures.kron_sums, data, *rest, shapes, 1.0, 2, None)
    for one, other in zip(result, expected, strict=True):
        close_sums(one, other, np.full(9, 30.0))
    circles = shapes[:, :3].copy()
    circles[2, 2] = np.nan
    radius, expected = both(
        cupy, apertures.radius_of_flux, data, *rest, circles, background, flux, 2, None
    )
    np.testing.assert_allclose(radius, expected, rtol=1e-8)


def test_no_sources(cupy):
    f = field(14, n=0)
    data, *others = images(f)
    no, empty = f["ellipses"], np.empty(0)
    for contract, args in (
        (apertures.aperture_sums, (data, None, None, *others, no, empty, 2, None)),
        (apertures.kron_sums, (data, *others, no, 6.0, 2, None)),
        (apertures.radius_of_flux, (data, *others, no[:, :3].copy(), empty, empty, 2, None)),
        (apertures.local_background, (data, *others[:2], np.empty((0, 4), np.int64), 5.0, None)),
    ):
        identical(*both(cupy, contract, *args))
