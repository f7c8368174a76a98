"""Ellipses on the GPU, against the CPU twin."""

import numpy as np
import pytest

from skyshed.kernels import ellipses as module
from skyshed.kernels import twin
from skyshed.kernels.moments import moments
from tests.device import standin
from tests.device.kernels.conftest import SCHEDULES
from tests.device.kernels.fields import drawn
from tests.device.kernels.twins import both, identical, to_device, to_host

ellipses = module.ellipses
NAMES = ("covariance", "covariance_eigvals", *module.COLUMNS)


def central(seed):
    """Return the central moments of a drawn field, masked sources among them."""
    sources, image, mask = drawn(seed, masked=True)
    return moments(sources, image, mask, None)[1]


def of_covariances(xx, xy, yy):
    """Return moments whose covariance matrices are these."""
    out = np.zeros((np.size(xx), 4, 4))
    out[:, 0, 0], out[:, 0, 2], out[:, 1, 1], out[:, 2, 0] = 1, xx, xy, yy
    return out


def same(actual, expected):
    """Check to the rounding errors of a few operations, and NaN in the same places."""
    assert len(actual) == len(expected) == len(NAMES)
    for name, one, other in zip(NAMES, actual, expected, strict=True):
        if name == "eccentricity":  # of its square
            one, other = one**2, other**2
        scale = np.abs(other)
        if name in ("eccentricity", "ellipticity"):
            scale = 1.0
        elif name == "orientation":
            scale = 90.0
        elif name in ("cxx", "cxy", "cyy"):
            scale = np.abs(expected[-1]) + np.abs(expected[-3])
        assert one.dtype == other.dtype == np.float64, name
        assert one.shape == other.shape, name
        np.testing.assert_array_equal(np.isnan(one), np.isnan(other), err_msg=name)
        known = np.isfinite(other)
        np.testing.assert_array_equal(one[~known], other[~known], err_msg=name)
        off = np.abs(one - other)[known]
        assert (off <= 1e-13 * np.broadcast_to(scale, other.shape)[known]).all(), name


@pytest.mark.parametrize("seed", range(3))
def test_ellipses_are_those_of_the_cpu(cupy, schedule, seed):
    given = central(seed)
    actual, expected = both(cupy, ellipses, given, None)
    same(actual, expected)
    assert np.isnan(expected[2]).any()
    assert np.isfinite(expected[2]).sum() >= 5


def test_any_matrix_gives_what_the_cpu_gives(cupy):
    """Long and round ones, thinner than a pixel, smaller than a pixel, and no covariances."""
    rng = np.random.default_rng(1)
    n = 600
    angle, major = rng.uniform(0, np.pi, n), 10 ** rng.uniform(-3, 3, n)
    minor = major * 10 ** rng.uniform(-6, 0, n)
    minor[::9] *= -1
    c, s = np.cos(angle), np.sin(angle)
    xx, xy, yy = (
        c * c * major + s * s * minor, c * s * (major - minor), s * s * major + c * c * minor,
    )  # fmt: skip
    actual, expected = both(cupy, ellipses, of_covariances(xx, xy, yy), None)
    same(actual, expected)
    impossible = np.isnan(expected[2])
    assert 40 < impossible.sum() < 100
    point, thin = major < 1 / 12, (minor < 1 / 12) & (major >= 1 / 12)
    assert min((point & ~impossible).sum(), (thin & ~impossible).sum()) > 50
    np.testing.assert_allclose(actual[1][~impossible].min(), 1 / 12, rtol=1e-12)


def test_directions_of_exact_matrices(cupy):
    """Along x, along y, both diagonals, round, and upright with a covariance of -0.0."""
    given = of_covariances([4, 1, 2, 2, 3, 1], [0, 0, 1, -1, 0, -0.0], [1, 4, 2, 2, 3, 4])
    actual, expected = both(cupy, ellipses, given, None)
    same(actual, expected)
    found = dict(zip(NAMES, actual, strict=True))
    np.testing.assert_allclose(found["orientation"], [0, 90, 45, -45, 0, 90], rtol=1e-15)
    np.testing.assert_array_equal(found["semimajor_sigma"][:2], [2, 2])


def test_sources_without_light_and_no_sources(cupy):
    dark = np.full((3, 4, 4), np.nan)
    dark[:, 0, 0] = 0
    actual, expected = both(cupy, ellipses, dark, None)
    identical(actual, expected)
    assert np.isnan(actual[3]).all()
    identical(*both(cupy, ellipses, np.empty((0, 4, 4)), None))


def kron_sums(n=400):
    """Return radii, sums and axes of every kind: negative, zero, NaN, beyond each limit."""
    rng = np.random.default_rng(2)
    moment, total = rng.normal(3, 4, n), rng.normal(2, 1, n)
    moment[::17], total[::19] = 0, 0
    moment[5::31] = total[7::29] = np.nan
    positive = (moment > 0) & (total > 0)
    measured = np.where(positive, moment / np.where(positive, total, 1), np.nan)
    semimajor = rng.uniform(0.3, 4, n)
    semiminor = semimajor * rng.uniform(0.2, 1, n)
    semimajor[3::37] = semiminor[3::37] = np.nan
    return measured, moment, total, semimajor, semiminor


@pytest.mark.parametrize("limits", [(2.5, 1.4, 0.0), (2.5, 1.4, None), (1.0, 0.0, 3.5)])
def test_sizes_of_kron_apertures_are_those_of_the_cpu(cupy, schedule, limits):
    actual, expected = both(cupy, module.kron_sizes, *kron_sums(), *limits, 6.0, None)
    identical(actual, expected)
    radius, at_least, major, _ = actual
    assert 10 < np.isnan(radius).sum() < 200
    assert 50 < at_least.sum() < 390
    if limits[2]:
        assert (radius == 0).sum() > 50
        np.testing.assert_array_equal(major[(radius == 0) & ~np.isnan(major)], limits[2])
    else:
        assert not (radius == 0).any()


def test_no_kron_apertures(cupy):
    empty = np.empty(0)
    identical(*both(cupy, module.kron_sizes, *[empty] * 5, 2.5, 1.4, 0.0, 6.0, None))


def test_the_bits_do_not_depend_on_the_schedule(cupy):
    given = to_device(cupy, central(4))
    results = []
    for schedule in SCHEDULES:
        with standin.schedule(*schedule):
            results.append(to_host(cupy, twin(ellipses.__wrapped__, "cuda")(given, None)))
    for other in results[1:]:
        identical(other, results[0])


def test_each_is_one_launch(counted):
    given = counted.asarray(central(5))
    with standin.ledger() as ledger:
        twin(ellipses.__wrapped__, "cuda")(given, None)
        given = (counted.asarray(each) for each in kron_sums())
        twin(module.kron_sizes.__wrapped__, "cuda")(*given, 2.5, 1.4, None, 6.0, None)
    assert ledger.total.synchronisations == 0
    assert ledger.total.launches == 2
