"""Centroids on the GPU, against the CPU twin, in any order of threads."""

import numpy as np
import pytest

from skyshed.kernels import apertures, centroids, moments, twin
from skyshed.sources import Sources
from tests.device import standin
from tests.device.kernels.conftest import SCHEDULES
from tests.device.kernels.fields import drawn
from tests.device.kernels.twins import both, identical, to_device, to_host

METHODS = [apertures.NONE, apertures.MASK, apertures.CORRECT]


def field(seed, dtype=np.float64, shape=(70, 80), n=30, widest=4.0, masked=True):
    """Blobs with neighbours, bad pixels, and windows in, at and outside of the image."""
    rng = np.random.default_rng(seed)
    ny, nx = shape
    y, x = np.mgrid[:ny, :nx]
    at = rng.uniform(-3, (nx + 3, ny + 3), (n, 2))
    data = rng.normal(0, 1, shape)
    for xcen, ycen in at:
        data += 60 * np.exp(-((x - xcen) ** 2 + (y - ycen) ** 2) / 8)
    labels = np.kron(rng.integers(0, 9, (-(-ny // 5), -(-nx // 5))), np.ones((5, 5)))[:ny, :nx]
    labels[labels > 6] = 0
    mask = rng.random(shape) < 0.05 if masked else None
    error = rng.uniform(0.5, 2, shape)
    if masked:
        data[mask] = np.nan
        error[3::17, 5::13] = np.nan
    windows = np.column_stack((at + rng.normal(0, 0.7, (n, 2)), rng.uniform(0.4, widest, n)))
    a = rng.uniform(0.2, 1, n)
    return {
        "data": data.astype(dtype), "error": error.astype(dtype),
        "labels": labels.astype(np.int32), "mask": mask, "place": (0, 0, ny, nx),
        "label": rng.integers(1, 7, n).astype(np.int32), "windows": windows,
        "ellipses": np.column_stack((a, 0.1 * a, a)), "covariance": rng.uniform(0, 1, (n, 3)),
    }  # fmt: skip


def search(cupy, f, method):
    return both(cupy, centroids.windowed, *f.values(), method, None)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_windowed_centroids_have_the_bits_of_the_cpu(cupy, schedule, dtype, method):
    f = field(schedule[0] + 3, dtype)
    f["windows"][4, 2] = np.nan
    f["windows"][5, 0] = np.nan
    f["windows"][6, 0] = -200.0
    f["windows"][7, 2] = 1e9
    actual, expected = search(cupy, f, method)
    identical(actual, expected)
    assert 4 <= expected[3].sum() < 20
    assert expected[3][[4, 5, 6, 7]].all()
    assert np.isnan(expected[0][4]).all()
    assert np.isnan(expected[1][~expected[3]]).any()  # an error that is NaN is in the window
    assert np.isfinite(expected[1][~expected[3]]).any()


@pytest.mark.parametrize("method", METHODS)
def test_windows_of_many_tiles(cupy, method):
    """Squares of more than 64 pixels are done by eight warps, those of more than 32 in tiles."""
    f = field(11, shape=(120, 140), n=6, widest=6.0, masked=method != apertures.NONE)
    f["windows"][:, 2] = [3.5, 5, 6.5, 9, 13, 40]
    f["ellipses"] *= 1e-3
    actual, expected = search(cupy, f, method)
    identical(actual, expected)
    assert not expected[3][-3:].all()


def test_without_errors_or_a_mask(cupy):
    f = field(5, masked=False)
    f["error"] = None
    actual, expected = search(cupy, f, apertures.CORRECT)
    identical(actual, expected)
    assert np.isnan(expected[1][~expected[3]]).all()


def test_a_tile_gives_the_bits_of_the_whole_image(cupy):
    """Windows that a tile holds are measured as in the whole image, on both devices."""
    f = field(8, shape=(90, 100))
    f["windows"][:, :2] = np.random.default_rng(1).uniform((40, 38), (60, 52), (30, 2))
    f["windows"][:, 2] = np.linspace(0.5, 2.5, 30)
    rows, columns = slice(20, 75), slice(22, 85)
    tile = {**f, "place": (20, 22, 90, 100)}
    for name in ("data", "error", "labels", "mask"):
        tile[name] = np.ascontiguousarray(f[name][rows, columns])
    whole, part = search(cupy, f, apertures.CORRECT), search(cupy, tile, apertures.CORRECT)
    for one, other in zip(part, whole, strict=True):
        sure = ~one[4]  # those that did not come to the end of the tile
        assert 20 < sure.sum() < 30
        identical(tuple(each[sure] for each in one[:4]), tuple(each[sure] for each in other[:4]))
        assert not other[4].any()
    assert (~whole[1][3]).sum() > 10


def test_images_of_two_dtypes(cupy):
    f = field(9)
    f["data"] = f["data"].astype(np.float32)
    identical(*search(cupy, f, apertures.MASK))


@pytest.mark.parametrize(("dtype", "masked"), [("f4", False), ("f4", True), ("f8", True)])
def test_covariances_are_those_of_the_cpu(cupy, schedule, dtype, masked):
    sources, image, mask = drawn(schedule[0], dtype=dtype, masked=masked)
    assert sources.area.max() > 2000
    rng = np.random.default_rng(3)
    error = rng.uniform(0.1, 2, image.shape).astype(dtype)
    # Errors in a single pixel or on a line: the least variance replaces one axis, or both.
    for i in range(3, 9):
        error.reshape(-1)[sources.pixel[sources.start[i] + i : sources.start[i + 1]]] = 0
    error.reshape(-1)[sources.pixel[sources.start[10]]] = np.inf
    raw, _ = moments.moments(sources, image, mask, 1)
    actual, expected = both(cupy, centroids.covariance, sources, error, image, mask, raw, None)
    assert actual.dtype == expected.dtype == np.float64
    np.testing.assert_array_equal(np.isnan(actual), np.isnan(expected))
    assert np.isfinite(expected).all(axis=1).sum() > 5
    exact = ~np.isfinite(expected)
    np.testing.assert_array_equal(actual[exact], expected[exact])
    # No term is larger than the variances.
    scale = np.where(exact, 0, expected)[:, :2].max(axis=1, keepdims=True)
    off = np.abs(np.where(exact, 0, actual) - np.where(exact, 0, expected))
    assert (off <= 1e-12 * scale).all()


def dark(sources, image, chosen):
    """Make the values of some sources negative, so that what is empty in their boxes is higher."""
    for i in chosen:
        at = sources.pixel[sources.start[i] : sources.start[i + 1]]
        image.reshape(-1)[at] = -1 - np.abs(image.reshape(-1)[at])


def boxed(seed, dtype, masked):
    """Sources in boxes of 3 to 8 pixels a side, some rectangular, some with holes."""
    rng = np.random.default_rng(seed)
    labels, k = np.zeros((72, 80), np.int32), 0
    for y in range(0, 72, 8):
        for x in range(0, 80, 8):
            k += 1
            height, width = rng.integers(1, 9, 2) if k % 5 == 0 else (7, 7)
            block = labels[y : y + height, x : x + width]
            block[:] = k if k % 3 else np.where(rng.random(block.shape) < 0.8, k, 0)
    sources = Sources.from_labels(labels)
    y, x = np.mgrid[:72, :80]
    image = 9 * np.cos((x - 3.3) * np.pi / 4) + 8 * np.cos((y - 2.8) * np.pi / 4)
    image = (image + 20 + rng.normal(0, 2, image.shape)).astype(dtype)
    dark(sources, image, range(0, len(sources), 4))
    mask = rng.random(image.shape) < 0.12 if masked else None
    if masked:
        mask[8:16, 8:16] = True
        image[mask] = np.nan
    return sources, image, mask, rng.uniform(0.5, 2, image.shape).astype(dtype)


@pytest.mark.parametrize(("dtype", "masked"), [("f4", True), ("f8", True), ("f8", False)])
@pytest.mark.parametrize("with_error", [True, False])
def test_quadratic_centroids_are_those_of_the_cpu(cupy, dtype, masked, with_error):
    sources, image, mask, error = boxed(4, dtype, masked)
    n, flat = len(sources), np.where(np.isfinite(image), image, -np.inf).reshape(-1)
    peak = np.empty(n, np.int64)
    for i in range(n):
        at = sources.pixel[sources.start[i] : sources.start[i + 1]]
        peak[i] = at[flat[at].argmax()] if np.isfinite(flat[at]).any() else -1
    assert (peak < 0).any() == masked
    rng = np.random.default_rng(0)
    plain = rng.uniform(0, 3, (n, 2)), rng.uniform(0, 1, (n, 3))
    actual, expected = both(
        cupy, centroids.quadratic, sources, image, error if with_error else None, mask, peak,
        *plain, None,
    )  # fmt: skip
    identical(actual[2], expected[2])
    for one, other in zip(actual[:2], expected[:2], strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-13, equal_nan=True)
    centre, covariance, fallback = expected
    assert 10 < fallback.sum() < n - 10
    assert (centre == plain[0]).all(axis=1).sum() > 3  # fits that failed
    at_edge = fallback & (centre % 1 == 0).all(axis=1)
    assert at_edge.sum() > 3
    assert np.isnan(covariance[at_edge]).all()
    assert np.isfinite(covariance[~fallback]).all() == with_error


def test_nothing_to_measure(cupy):
    f = field(1, n=1)
    for name in ("label", "windows", "ellipses", "covariance"):
        f[name] = f[name][:0]
    actual, expected = search(cupy, f, apertures.CORRECT)
    identical(actual, expected)
    sources = Sources.from_labels(np.zeros((4, 5), np.int32))
    image, none = np.ones((4, 5)), np.empty(0, np.int64)
    rows = np.empty((0, 2)), np.empty((0, 3))
    identical(*both(cupy, centroids.quadratic, sources, image, image, None, none, *rows, None))
    raw = np.empty((0, 4, 4))
    identical(*both(cupy, centroids.covariance, sources, image, image, None, raw, None))


def test_the_bits_do_not_depend_on_the_schedule(cupy):
    f = field(6, np.float32)
    f["windows"][:3, 2] = 11
    sources, image, mask = drawn(6, dtype="f4", masked=True)
    raw, _ = moments.moments(sources, image, mask, 1)
    error = np.abs(image) + 1
    calls = (
        (centroids.windowed, (*f.values(), apertures.CORRECT)),
        (centroids.covariance, (sources, error, image, mask, raw)),
    )
    for contract, args in calls:
        args = [to_device(cupy, value) for value in args]
        results = []
        for schedule in SCHEDULES:
            with standin.schedule(*schedule):
                results.append(to_host(cupy, twin(contract.__wrapped__, "cuda")(*args, None)))
        for result in results[1:]:
            identical(result, results[0])


@pytest.mark.costs
def test_the_host_waits_for_nothing():
    f = field(7, np.float32)
    sources, image, mask = drawn(7, dtype="f4", masked=True)
    n = len(sources)
    rows = np.zeros((n, 2)), np.zeros((n, 3))
    calls = (
        (centroids.windowed, (*f.values(), apertures.CORRECT), 2),
        (centroids.covariance, (sources, image, image, mask, np.zeros((n, 4, 4))), 8),
        (centroids.quadratic, (sources, image, image, mask, sources.pixel[:n], *rows), 1),
    )
    for contract, args, launches in calls:
        with standin.in_place() as counted:
            args = [to_device(counted, value) for value in args]
            with standin.ledger() as ledger:
                twin(contract.__wrapped__, "cuda")(*args, None)
        assert ledger.total.synchronisations == 0, contract
        assert ledger.total.launches <= launches, contract
