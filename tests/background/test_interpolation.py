"""From the mesh to the map: SciPy's zoom to rounding, photutils' filling of gaps to the bit."""

import numpy as np
import pytest
from photutils.utils import ShepardIDWInterpolator
from scipy import ndimage

from skyshed import BkgZoomInterpolator
from skyshed.background.interpolation import fill_gaps, median_filter


def zoomed(mesh, box, shape, clip, **keywords):
    """What photutils does with SciPy's zoom."""
    image = ndimage.zoom(mesh, box, grid_mode=True, **keywords)[: shape[0], : shape[1]]
    return np.clip(image, mesh.min(), mesh.max()) if clip else image


@pytest.mark.parametrize("clip", [True, False])
@pytest.mark.parametrize("mode", ["reflect", "mirror"])
@pytest.mark.parametrize("order", range(6))
def test_maps_are_those_of_scipys_zoom(order, mode, clip):
    rng = np.random.default_rng(order)
    for mesh_shape, box in [
        ((7, 5), (6, 11)), ((2, 9), (25, 4)), ((1, 6), (10, 3)), ((3, 2), (8, 1)), ((4, 4), (1, 1)),
        ((20, 31), (5, 3)),
    ]:  # fmt: skip
        mesh = rng.normal(10, 1, mesh_shape)
        cut = [rng.integers(0, size) for size in box]
        shape = tuple(n * size - c for n, size, c in zip(mesh_shape, box, cut, strict=True))
        interpolator = BkgZoomInterpolator(order=order, mode=mode, clip=clip)
        image = interpolator(mesh, shape=shape, box_size=box, dtype=float)
        want = zoomed(mesh, box, shape, clip, order=order, mode=mode)
        np.testing.assert_allclose(image, want, rtol=1e-13)


@pytest.mark.parametrize("mode", ["nearest", "grid-constant", "grid-wrap"])
def test_other_boundaries_are_scipys(mode):
    mesh = np.random.default_rng(1).normal(10, 1, (4, 5))
    image = BkgZoomInterpolator(mode=mode, cval=3.0)(
        mesh, shape=(30, 33), box_size=(8, 7), dtype=float
    )
    want = zoomed(mesh, (8, 7), (30, 33), True, order=3, mode=mode, cval=3.0)
    np.testing.assert_allclose(image, want, rtol=1e-13)


def test_float32_meshes_make_float32_maps_rounded_once():
    mesh = np.random.default_rng(2).normal(10, 1, (6, 8)).astype(np.float32)
    image = BkgZoomInterpolator()(mesh, shape=(60, 80), box_size=(10, 10), dtype=np.float32)
    assert image.dtype == np.float32
    exact = zoomed(mesh.astype(float), (10, 10), (60, 80), True, order=3, mode="reflect")
    np.testing.assert_allclose(image, exact, rtol=6.1e-8)


def test_a_constant_mesh_makes_a_constant_map_of_the_dtype_asked_for():
    image = BkgZoomInterpolator()(
        np.full((3, 3), 0.1), shape=(9, 8), box_size=(3, 3), dtype=np.float32
    )
    assert image.dtype == np.float32
    np.testing.assert_array_equal(image, np.full((9, 8), np.float32(0.1)))


def test_clipping_keeps_the_map_within_the_mesh():
    mesh = np.zeros((8, 8))
    mesh[4, 4] = 1.0
    call = {"shape": (64, 64), "box_size": (8, 8), "dtype": float}
    free, clipped = (BkgZoomInterpolator(clip=clip)(mesh, **call) for clip in (False, True))
    assert free.min() < -0.05
    assert clipped.min() == 0
    assert clipped.max() <= 1


def test_threads_do_not_change_a_bit_of_the_map():
    mesh = np.random.default_rng(3).normal(10, 1, (30, 11))
    call = {"shape": (293, 601), "box_size": (10, 60), "dtype": float}
    first, *others = (BkgZoomInterpolator()(mesh, n_threads=n, **call) for n in (1, 2, 7))
    for other in others:
        np.testing.assert_array_equal(first, other)


@pytest.mark.parametrize("order", [-1, 6, 2.5, "cubic"])
def test_an_impossible_order_is_named(order):
    with pytest.raises(ValueError, match=r"order must be 0, 1, 2, 3, 4, or 5, got"):
        BkgZoomInterpolator(order=order)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("fraction", [0.1, 0.7, 0.99])
def test_gaps_are_filled_as_photutils_fills_them(fraction, dtype):
    rng = np.random.default_rng(int(100 * fraction))
    mesh = rng.normal(5, 1, (19, 23)).astype(dtype)
    mesh[rng.random(mesh.shape) < fraction] = np.nan
    gaps = np.isnan(mesh)
    want = mesh.copy()
    interpolate = ShepardIDWInterpolator(np.argwhere(~gaps), mesh[~gaps])
    want[gaps] = interpolate(np.argwhere(gaps), n_neighbors=10)
    filled = fill_gaps(mesh)
    np.testing.assert_array_equal(filled, want)
    assert filled.dtype == dtype
    np.testing.assert_array_equal(np.isnan(mesh), gaps)


def test_one_value_fills_a_whole_mesh():
    mesh = np.full((4, 5), np.nan)
    mesh[1, 3] = 7.0
    np.testing.assert_allclose(fill_gaps(mesh), np.full((4, 5), 7.0), rtol=1e-15)


@pytest.mark.parametrize("size", [(3, 3), (1, 3), (5, 1), (7, 5), (9, 31)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_median_filter_leaves_out_what_lies_beyond_the_edge(size, dtype, monkeypatch):
    mesh = np.random.default_rng(4).normal(5, 1, (12, 17)).astype(dtype)
    want = ndimage.generic_filter(mesh, np.nanmedian, size=size, mode="constant", cval=np.nan)
    np.testing.assert_array_equal(median_filter(mesh, size), want)
    monkeypatch.setattr("skyshed.background.interpolation.WINDOW_BYTES", 1)  # a row at a time
    np.testing.assert_array_equal(median_filter(mesh, size), want)


def test_the_repr_shows_the_arguments():
    text = "BkgZoomInterpolator(order=2, mode='reflect', cval=0.0, clip=False)"
    assert repr(BkgZoomInterpolator(order=2, clip=False)) == text
