"""From the mesh to the map: SciPy's zoom to rounding, photutils' filling of gaps to the bit."""

import tracemalloc

import astropy.units as u
import numpy as np
import photutils.background as photutils_background
import pytest
from photutils.utils import ShepardIDWInterpolator
from scipy import ndimage

import skyshed
from skyshed import BkgIDWInterpolator, BkgZoomInterpolator
from skyshed.background import interpolation
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


def test_the_mesh_is_data_and_its_unit_is_left_aside():
    mesh = np.arange(6.0).reshape(2, 3)
    zoom = {"shape": (4, 6), "box_size": (2, 2), "dtype": float}
    expected = BkgZoomInterpolator()(mesh, **zoom)
    for image in (
        BkgZoomInterpolator()(data=mesh, **zoom),
        BkgZoomInterpolator()(mesh << u.nJy, **zoom),
    ):
        assert type(image) is np.ndarray
        np.testing.assert_array_equal(image, expected)
    y, x = np.mgrid[:2, :3].reshape(2, -1)
    weigh = {"shape": (4, 6), "dtype": float, "mesh_yxcen": (2 * y + 0.5, 2 * x + 0.5),
             "mesh_nan_mask": np.zeros((2, 3), bool)}  # fmt: skip
    expected = BkgIDWInterpolator(n_neighbors=3)(mesh, **weigh)
    for image in (
        BkgIDWInterpolator(n_neighbors=3)(data=mesh, **weigh),
        BkgIDWInterpolator(n_neighbors=3)(mesh << u.nJy, **weigh),
    ):
        assert type(image) is np.ndarray
        np.testing.assert_array_equal(image, expected)


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


def test_an_image_that_is_expanded_by_parts_has_the_same_bits(monkeypatch):
    mesh = np.random.default_rng(3).normal(10, 2, (6, 5))
    options = {"shape": (60, 50), "dtype": float, "box_size": (10, 10)}
    window = slice(3, 58), slice(7, 49)
    whole, part = (BkgZoomInterpolator()(mesh, **options, window=w) for w in (None, window))
    monkeypatch.setattr(interpolation, "LONGEST", 13)
    np.testing.assert_array_equal(BkgZoomInterpolator()(mesh, **options), whole)
    np.testing.assert_array_equal(BkgZoomInterpolator()(mesh, **options, window=window), part)


def test_a_map_of_one_row_takes_memory_by_its_pixels():
    """It took some 200 bytes for each."""
    bkg = skyshed.Background2D(np.random.default_rng(1).random((1, 400_000), np.float32), (1, 64))
    tracemalloc.start()
    try:
        assert bkg.background.shape == (1, 400_000)
        assert tracemalloc.get_traced_memory()[1] < 70 * 400_000
    finally:
        tracemalloc.stop()


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
    (filled,) = fill_gaps(mesh)
    np.testing.assert_array_equal(filled, want)
    assert filled.dtype == dtype
    np.testing.assert_array_equal(np.isnan(mesh), gaps)


def test_one_value_fills_a_whole_mesh():
    mesh = np.full((4, 5), np.nan)
    mesh[1, 3] = 7.0
    np.testing.assert_allclose(*fill_gaps(mesh), np.full((4, 5), 7.0), rtol=1e-15)


def test_meshes_with_the_same_or_other_gaps_are_filled_as_each_alone():
    rng = np.random.default_rng(11)
    level, noise = rng.normal(5, 1, (2, 19, 23))
    level[rng.random(level.shape) < 0.3] = np.nan
    noise[np.isnan(level)] = np.nan
    other = noise.copy()
    other[0, ~np.isnan(other[0])] = np.nan
    whole = np.ones_like(level)
    meshes = (level, whole, noise, other)
    for mesh, filled in zip(meshes, fill_gaps(*meshes), strict=True):
        np.testing.assert_array_equal(filled, *fill_gaps(mesh))


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


@pytest.mark.parametrize(
    "keywords",
    [
        {}, {"n_neighbors": 1}, {"n_neighbors": 3, "power": 2.0}, {"leafsize": 3, "power": 0.5},
        {"n_neighbors": 99, "regularization": 0.3},
    ],
)  # fmt: skip
@pytest.mark.parametrize("box", [10, (13, 7)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.filterwarnings("ignore:.*deprecated")
def test_inverse_distances_weigh_as_in_photutils(keywords, box, dtype, field):
    mask = np.zeros(field.shape, bool)
    mask[20:60, 30:90] = True
    images = [
        package.Background2D(
            field.astype(dtype), box, mask=mask, interpolator=package.BkgIDWInterpolator(**keywords)
        )
        for package in (photutils_background, skyshed)
    ]
    for name in ("background", "background_rms"):
        theirs, ours = (getattr(image, name) for image in images)
        np.testing.assert_allclose(ours, theirs, rtol=1e-5 if dtype == np.float32 else 1e-12)
        assert ours.dtype == theirs.dtype


def test_threads_do_not_change_a_bit_of_weighted_maps(field):
    first, *others = (
        skyshed.Background2D(
            field, 9, n_threads=n, interpolator=skyshed.BkgIDWInterpolator()
        ).background
        for n in (1, 3)
    )
    np.testing.assert_array_equal(first, others[0])


def test_a_flat_mesh_is_a_flat_map_in_the_dtype_asked_for():
    image = skyshed.BkgIDWInterpolator()(
        np.full((2, 3), 5.0), shape=(4, 7), dtype=np.float32, mesh_yxcen=None, mesh_nan_mask=None
    )
    np.testing.assert_array_equal(image, np.full((4, 7), 5, np.float32), strict=True)


def test_what_weighting_cannot_do_is_named():
    assert repr(skyshed.BkgIDWInterpolator(power=2)) == (
        "BkgIDWInterpolator(leafsize=10, n_neighbors=10, power=2, regularization=0.0)"
    )
    for name in ("leafsize", "n_neighbors"):
        with pytest.raises(ValueError, match=f"{name} must be a positive integer, got 0"):
            skyshed.BkgIDWInterpolator(**{name: 0})
