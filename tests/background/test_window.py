"""Maps of windows and of meshes have the bits of the whole image's."""

import itertools
from dataclasses import fields, replace

import astropy.units as u
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyshed import Background2D, BkgIDWInterpolator, BkgZoomInterpolator, MedianBackground
from skyshed.background import places
from skyshed.background import window as windows
from skyshed.background.mesh import Mesh
from skyshed.background.window import BackgroundWindow

SHAPE = (103, 131)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(11)
    image = rng.normal(10, 2, SHAPE) + np.linspace(0, 30, SHAPE[1])
    image[:40, :30] = np.nan
    return image


INTERPOLATORS = {
    "splines": BkgZoomInterpolator(),
    "lines, mirrored": BkgZoomInterpolator(order=1, mode="mirror", clip=False),
    "scipy's": BkgZoomInterpolator(mode="nearest"),
    "distances": BkgIDWInterpolator(),
    "one's own": lambda mesh, shape, box_size, **_: np.kron(mesh, np.ones(box_size))[
        : shape[0], : shape[1]
    ],
}


@pytest.mark.parametrize("name", INTERPOLATORS)
@pytest.mark.filterwarnings("ignore:Input data contains nonfinite")
def test_a_window_has_the_bits_of_the_whole(data, name):
    covered = np.zeros(SHAPE, bool)
    covered[50:70, 20:90] = True
    bkg = Background2D(
        data << u.Jy, (20, 30), coverage_mask=covered, fill_value=-1.0,
        interpolator=INTERPOLATORS[name],
    )  # fmt: skip
    level, noise = bkg.background, bkg.background_rms
    for window in ((0, 103, 0, 131), (0, 1, 0, 1), (33, 90, 7, 131), (102, 103, 50, 51)):
        part, cut = bkg.window(*window), np.s_[window[0] : window[1], window[2] : window[3]]
        for found, whole in ((part.background, level), (part.background_rms, noise)):
            assert found.unit == u.Jy
            assert found.dtype == whole.dtype
            np.testing.assert_array_equal(found, whole[cut])


@settings(max_examples=50)
@given(
    seed=st.integers(0, 2**32 - 1),
    box=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    corners=st.tuples(*[st.integers(0, 39)] * 2, *[st.integers(1, 40)] * 2),
    order=st.integers(0, 5),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_any_window_has_the_bits_of_the_whole(seed, box, corners, order, dtype):
    image = np.random.default_rng(seed).normal(0, 1, (40, 40)).astype(dtype)
    y0, x0 = corners[:2]
    y1, x1 = min(y0 + corners[2], 40), min(x0 + corners[3], 40)
    interpolator = BkgZoomInterpolator(order=order)
    bkg = Background2D(image, box, interpolator=interpolator)
    found = bkg.window(y0, y1, x0, x1).background
    np.testing.assert_array_equal(found, bkg.background[y0:y1, x0:x1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", range(6))
@pytest.mark.parametrize("size", [(7, 11), (1, 9), (1, 1)])
def test_some_pixels_have_the_bits_of_the_map(monkeypatch, dtype, order, size):
    rng = np.random.default_rng(order)
    image = rng.normal(100, 3, (90, 130)).astype(dtype)
    image[:30] *= 5
    mode = "mirror" if order == 2 else "reflect"
    interpolator = BkgZoomInterpolator(order=order, mode=mode, clip=order != 4)
    mesh = Background2D(image, size, filter_size=1).mesh
    background = BackgroundWindow(
        mesh, image.shape, size, image.dtype, (10, 85, 20, 130), interpolator=interpolator
    )
    y, x = rng.integers(10, 85, 400), rng.integers(20, 130, 400)
    expected = background.background_rms[y - 10, x - 20]
    for cost in (0, 1e9):  # by themselves, and from the map
        monkeypatch.setattr(windows, "COST_OF_A_PLACE", cost)
        monkeypatch.setattr(places, "BLOCK", 97)
        found = background.noise_at(y, x)
        assert found.dtype == expected.dtype
        assert found.tobytes() == expected.tobytes()
    assert background.noise_at(y[:0], x[:0]).size == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", range(6))
def test_what_is_added_in_one_pass_has_the_bits_of_the_maps(dtype, order):
    rng = np.random.default_rng(order)
    image = rng.normal(100, 3, (90, 130)).astype(dtype)
    image[:30] *= 5
    mesh = Background2D(image, (7, 11), filter_size=1).mesh
    background = BackgroundWindow(
        mesh, image.shape, (7, 11), image.dtype, (10, 85, 20, 130),
        interpolator=BkgZoomInterpolator(order=order),
    )  # fmt: skip
    data = image[10:85, 20:130].copy()
    mask = rng.random(data.shape) < 0.1
    data[mask & (rng.random(data.shape) < 0.5)] = np.nan
    data[40, 50] = np.inf
    for first, masked, over_noise, squared in itertools.product((False, True), repeat=4):
        term = data - background.background
        if over_noise:
            term /= background.background_rms
        if masked:
            term[mask] = 0
        if squared:
            term *= term
        total = rng.normal(0, 1, data.shape).astype(dtype)
        expected = term if first else total + term
        bad = mask if masked else None
        found = background.add_without(None if first else total, data, bad, over_noise, squared)
        assert first or found is total
        np.testing.assert_array_equal(found, expected, strict=True)


@pytest.mark.parametrize(
    "change",
    [
        {"mask": np.zeros(SHAPE, bool, order="F")},
        {"data": np.zeros(SHAPE, order="F")},
        {"data": np.zeros(SHAPE, np.float32)},
        {"interpolator": BkgZoomInterpolator(clip=False)},
        {"interpolator": BkgZoomInterpolator(mode="nearest")},
        {"coverage_mask": np.zeros(SHAPE, bool)},
        {"unit": u.ct},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_cannot_be_added_in_one_pass_is_left(data, change):
    image = np.nan_to_num(data)
    background = Background2D(image, 20).window(0, SHAPE[0], 0, SHAPE[1])
    total, arrays = np.ones(image.shape), {"data": image}
    assert background.add_without(total.copy(), **arrays) is not None
    arrays |= {name: change[name] for name in ("data", "mask") if name in change}
    own = {name: value for name, value in change.items() if name not in arrays}
    assert replace(background, **own).add_without(total, **arrays) is None
    assert (total == 1).all()


@pytest.mark.parametrize("window", [(0, 104, 0, 5), (-1, 5, 0, 5), (5, 5, 0, 5), (0, 5, 9, 8)])
def test_a_window_that_is_not_in_the_image_is_refused(data, window):
    bkg = Background2D(np.nan_to_num(data), 20)
    with pytest.raises(ValueError, match=r"y1 <= 103 and 0 <= x0 < x1 <= 131, got y0="):
        bkg.window(*window)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_background_made_from_its_mesh_is_the_one_that_was_measured(data, dtype):
    options = {
        "filter_size": 5, "filter_threshold": 20.0, "exclude_percentile": 30.0,
        "bkg_estimator": MedianBackground(), "interpolator": BkgZoomInterpolator(order=1),
        "sigma_clip": None,
    }  # fmt: skip
    image = np.nan_to_num(data).astype(dtype)
    measured = Background2D(image << u.ct, 20, **options)
    kept = Mesh(**{each.name: getattr(measured.mesh, each.name) for each in fields(Mesh)})
    made = Background2D.from_mesh(kept, SHAPE, 20, dtype, unit=u.ct, **options)
    assert repr(made) == repr(measured)
    for name in (
        "background", "background_rms", "background_mesh", "background_rms_mesh", "npixels_mesh",
        "npixels_map", "background_median", "background_rms_median",
    ):  # fmt: skip
        ours, theirs = getattr(made, name), getattr(measured, name)
        assert getattr(ours, "unit", None) == getattr(theirs, "unit", None)
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(
        made.window(3, 9, 2, 50).background, measured.background[3:9, 2:50]
    )


def test_from_mesh_takes_the_newer_names_and_defaults():
    image = np.random.default_rng(3).normal(0, 1, (40, 50))
    measured = Background2D(image, 10)
    noise = measured.bkgrms_estimator
    made = Background2D.from_mesh(measured.mesh, (40, 50), 10, "f8", bkg_rms_estimator=noise)
    np.testing.assert_array_equal(made.background, measured.background)


def test_a_mesh_that_does_not_fit_is_refused():
    mesh = Background2D(np.random.default_rng(3).normal(0, 1, (40, 50)), 10).mesh
    with pytest.raises(ValueError, match=r"must have \(4, 6\) boxes.*\(40, 51\).*it has \(4, 5\)"):
        Background2D.from_mesh(mesh, (40, 51), 10, np.float64)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_parts_of_a_window_have_the_bits_of_the_maps(dtype):
    image = np.random.default_rng(3).normal(100, 3, (90, 130)).astype(dtype)
    mesh = Background2D(image, (7, 11), filter_size=1).mesh
    background = BackgroundWindow(mesh, image.shape, (7, 11), image.dtype, (10, 85, 20, 130))
    data = image[10:85, 20:130].copy()
    runs = np.array([[0, 8], [110, 220], [5000, 5003]])
    needed = np.concatenate([np.arange(*each) for each in runs])
    out = np.zeros_like(data), np.zeros_like(data)
    assert background.subtract_in_runs(data, None, runs, out) is True
    np.testing.assert_array_equal(out[0].flat[needed], (data - background.background).flat[needed])
    np.testing.assert_array_equal(out[1].flat[needed], background.background_rms.flat[needed])
    data.flat[5001] = np.nan
    assert background.subtract_in_runs(data, None, runs, out) is False
    # Where maps are made otherwise nothing is done.
    for other in (
        replace(background, interpolator=BkgIDWInterpolator()),
        replace(background, interpolator=BkgZoomInterpolator(clip=False)),
        replace(background, unit=u.Jy),
        replace(background, mesh=replace(mesh, noise=np.ones_like(mesh.noise))),
    ):
        before = [each.copy() for each in out]
        assert other.subtract_in_runs(data, None, runs, out) is None
        for result, known in zip(out, before, strict=True):
            np.testing.assert_array_equal(result, known)
    assert background.subtract_in_runs(data[:, ::-1], None, runs, out) is None
