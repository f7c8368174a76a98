"""Sums, radii and positions of `skyshed.sep`: SEP's, to rounding."""

import numpy as np
import pytest
import sep as oracle

import skyshed.sep
from tests.sep.field import field, noise

DATA = field(250, (180, 200), np.float32)
OBJECTS, SEGMENTS = oracle.extract(DATA, 1.5, err=2.0, segmentation_map=True)
IDS = np.arange(1, len(OBJECTS) + 1, dtype=np.int32)
X, Y, A, B, THETA = (np.ascontiguousarray(OBJECTS[name]) for name in ("x", "y", "a", "b", "theta"))
MASK = np.random.default_rng(4).random(DATA.shape) < 0.05
IMAGES = {
    "plain": {},
    "number": {"err": 2.0},
    "variances": {"var": noise(DATA.shape) ** 2, "gain": 2.0},
    "masked": {"mask": MASK, "err": noise(DATA.shape)},
    "others": {"segmap": SEGMENTS, "seg_id": IDS},
    "alone": {"segmap": SEGMENTS, "seg_id": -IDS},
}
FUNCTIONS = {
    "sum_circle": (X, Y, 4.2),
    "sum_circann": (X, Y, 3.0, 7.0),
    "sum_ellipse": (X, Y, A, B, THETA, 3.0),
    "sum_ellipann": (X, Y, A, B, THETA, 2.0, 4.0),
}


def close(found, expected, rtol=1e-7):
    *found, flags = found
    *expected, expected_flags = expected
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=rtol, atol=1e-7)
    assert flags.dtype == expected_flags.dtype
    return flags, expected_flags


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("subpix", [0, 1, 5])
@pytest.mark.parametrize("images", IMAGES)
@pytest.mark.parametrize("ring", [None, (6.0, 9.0)])
def test_sums_are_those_of_sep(function, subpix, images, ring):
    given = dict(IMAGES[images], subpix=subpix)
    if ring is not None:
        if "ann" in function or images == "alone":
            pytest.skip("no ring, or one without a pixel")
        given["bkgann"] = ring
    found = getattr(skyshed.sep, function)(DATA, *FUNCTIONS[function], **given)
    expected = getattr(oracle, function)(DATA, *FUNCTIONS[function], **given)
    flags, expected_flags = close(found, expected)
    # SEP also flags masked pixels that touch the aperture's outline, without any weight.
    assert not (flags & ~expected_flags).any()
    edge = int(skyshed.sep.APER_TRUNC)
    np.testing.assert_array_equal(flags & edge, expected_flags & edge)


@pytest.mark.parametrize("images", ["plain", "masked", "others", "alone"])
def test_kron_and_flux_radii_are_those_of_sep(images):
    given = {key: value for key, value in IMAGES[images].items() if key != "err"}
    found = skyshed.sep.kron_radius(DATA, X, Y, A, B, THETA, 6.0, **given)
    expected = oracle.kron_radius(DATA, X, Y, A, B, THETA, 6.0, **given)
    np.testing.assert_array_equal(*close(found, expected))
    fractions = [0.2, 0.5, 0.9]
    for normflux in (None, np.abs(OBJECTS["flux"])):
        more = dict(given, normflux=normflux)
        found = skyshed.sep.flux_radius(DATA, X, Y, 6 * A, fractions, **more)
        expected = oracle.flux_radius(DATA, X, Y, 6 * A, fractions, **more)
        np.testing.assert_array_equal(*close(found, expected))
        assert found[0].shape == (len(X), 3)


@pytest.mark.parametrize("subpix", [0, 11])
@pytest.mark.parametrize("masked", [False, True])
def test_windowed_positions_are_those_of_sep(subpix, masked):
    given = {"subpix": subpix, "mask": MASK if masked else None}
    found = skyshed.sep.winpos(DATA, X, Y, A, **given)
    expected = oracle.winpos(DATA, X, Y, A, **given)
    np.testing.assert_array_equal(*close(found, expected))


@pytest.mark.parametrize("n_threads", [1, 3])
def test_the_bits_are_those_of_any_number_of_threads(n_threads):
    many = np.tile(X, 20), np.tile(Y, 20)
    for call, arguments in (
        (skyshed.sep.sum_circle, (*many, 4.0)),
        (skyshed.sep.winpos, (*many, 1.5)),
        (skyshed.sep.kron_radius, (*many, 2.0, 1.0, 0.1, 6.0)),
        (skyshed.sep.flux_radius, (*many, np.full(len(many[0]), 9.0), 0.5)),
    ):
        expected = call(DATA, *arguments)
        for one, other in zip(call(DATA, *arguments, n_threads=n_threads), expected, strict=True):
            np.testing.assert_array_equal(one, other)


def test_float64_images_keep_their_digits():
    data = 1e9 + DATA.astype(float)
    found, *_ = skyshed.sep.sum_circle(data, X, Y, 4.0, subpix=0)
    less, *_ = skyshed.sep.sum_circle(DATA, X, Y, 4.0, subpix=0)
    area, *_ = skyshed.sep.sum_circle(np.ones(DATA.shape), X, Y, 4.0, subpix=0)
    np.testing.assert_allclose(found - 1e9 * area, less, atol=1e-3)


def test_ellipses_are_described_as_sep_does():
    a, b, theta = np.meshgrid([1.0, 2.0, 5.0], [0.3, 1.0], np.linspace(-1.5, 1.5, 7))
    a = np.maximum(a, b)
    found = skyshed.sep.ellipse_coeffs(a, b, theta)
    for one, other in zip(found, oracle.ellipse_coeffs(a, b, theta), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-14, atol=1e-15)
    for one, other in zip(
        skyshed.sep.ellipse_axes(*found), oracle.ellipse_axes(*found), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-7)
    with pytest.raises(ValueError, match="do not describe ellipse"):
        skyshed.sep.ellipse_axes(1.0, 1.0, 3.0)


@pytest.mark.parametrize("dtype", [bool, np.uint8])
def test_ellipses_are_masked_as_sep_does(dtype):
    found, expected = (np.zeros(DATA.shape, dtype) for _ in range(2))
    skyshed.sep.mask_ellipse(found, X, Y, A, B, THETA, r=3.0)
    oracle.mask_ellipse(expected, X, Y, A, B, THETA, r=3.0)
    np.testing.assert_array_equal(found, expected)
    coefficients = dict(zip(("cxx", "cyy", "cxy"), oracle.ellipse_coeffs(A, B, THETA), strict=True))
    again = np.zeros(DATA.shape, dtype)
    skyshed.sep.mask_ellipse(again, X, Y, r=3.0, **coefficients)
    np.testing.assert_array_equal(again, expected)


@pytest.mark.parametrize(
    ("function", "arguments", "given", "message"),
    [
        ("sum_circle", ([5], [5], -1.0), {}, "radii must not be negative"),
        ("sum_circann", ([5], [5], 3.0, 2.0), {}, "an outer one not less than its inner one"),
        ("sum_ellipse", ([5], [5], 1.0, 2.0, 0.0), {}, "a >= b"),
        ("sum_ellipse", ([5], [5], 2.0, 1.0, 3.0), {}, "theta"),
        ("sum_circle", ([5], [5], 1.0), {"subpix": -1}, "subpix"),
        ("sum_circle", ([5], [5], 1.0), {"segmap": np.ones((9, 9), int)}, "`seg_id`"),
        ("sum_circle", ([5], [5], 1.0), {"bkgann": (90.0, 91.0)}, "does not contain any valid"),
        ("kron_radius", ([5], [5], 1, 1, 0, 6), {"mask": np.ones((3, 3), bool)}, "must match data"),
        ("flux_radius", ([5], [5], [5, 6], 0.5), {}, "must match"),
    ],
)
def test_what_does_not_fit_is_refused(function, arguments, given, message):
    with pytest.raises(ValueError, match=message):
        getattr(skyshed.sep, function)(np.ones((9, 9)), *arguments, **given)
