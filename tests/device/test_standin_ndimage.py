"""Filters and labels of the stand-in have SciPy's values."""

import numpy as np
import pytest
from scipy import ndimage

from tests.device import standin
from tests.device.standin import ndimage as standin_ndimage


@pytest.fixture(scope="module")
def cp():
    with standin.in_place() as cupy:
        yield cupy


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture
def x(cp):
    return cp.asarray(np.arange(12.0).reshape(3, 4))


def to_device(cp, value):
    return cp.asarray(value) if isinstance(value, np.ndarray) else value


def assert_same(result, expected):
    assert result.dtype == expected.dtype
    np.testing.assert_array_equal(result.get(), expected)


IMAGES = {
    "convolve": ("weights",), "correlate": ("weights",), "convolve1d": ("line",),
    "correlate1d": ("line",), "median_filter": (3,), "percentile_filter": (30, 3),
    "rank_filter": (2, 3), "maximum_filter": (3,), "minimum_filter": (3,), "uniform_filter": (3,),
    "gaussian_filter": (1.5,), "gaussian_filter1d": (1.5,), "uniform_filter1d": (3,),
    "maximum_filter1d": (3,), "minimum_filter1d": (3,), "grey_dilation": (3,), "grey_erosion": (3,),
    "zoom": (2.0,), "map_coordinates": ("places",), "shift": (1.5,), "spline_filter": (3,),
    "spline_filter1d": (3,), "binary_dilation": (), "binary_erosion": (), "binary_opening": (),
    "binary_closing": (),
}  # fmt: skip


@pytest.mark.parametrize("name", standin_ndimage.COSTS)
def test_filters_have_scipys_values(cp, rng, name):
    from cupyx.scipy import ndimage as on_gpu

    image = rng.normal(size=(9, 8))
    arrays = {
        "weights": rng.normal(size=(3, 3)), "line": rng.normal(size=3),
        "places": rng.uniform(0, 7, (2, 5)),
    }  # fmt: skip
    if name.startswith("binary"):
        image = image > 0
    rest = [arrays.get(a, a) if isinstance(a, str) else a for a in IMAGES[name]]
    expected = getattr(ndimage, name)(image, *rest)
    x, on_gpu_rest = cp.asarray(image), [to_device(cp, item) for item in rest]
    result = getattr(on_gpu, name)(x, *on_gpu_rest)
    assert_same(result, expected)
    assert cp.array_equal(x, cp.asarray(image))
    out = cp.empty(expected.shape, expected.dtype)
    getattr(on_gpu, name)(x, *on_gpu_rest, output=out)
    assert_same(out, expected)
    with pytest.raises(TypeError, match="wants arrays of the device"):
        getattr(on_gpu, name)(image, *rest)


def test_filters_take_no_weights_from_the_host_and_no_foreign_keywords(cp, x):
    from cupyx.scipy import ndimage as on_gpu

    with pytest.raises(TypeError, match="wants arrays"):
        on_gpu.convolve(x, np.ones((3, 3)))
    with pytest.raises(TypeError, match="unexpected keyword"):
        on_gpu.zoom(x, 2.0, axes=(0,))
    with pytest.raises(NotImplementedError, match=r"costs\.py"):
        on_gpu.sobel(x)
    with pytest.raises(AttributeError, match="no attribute"):
        on_gpu.vectorized_filter(x)


def test_labels_are_scipys_and_cost_a_wait(cp, rng):
    from cupyx.scipy import ndimage as on_gpu

    image = rng.random((20, 30)) > 0.6
    expected, count = ndimage.label(image, np.ones((3, 3)))
    with standin.ledger() as ledger:
        labels, found = on_gpu.label(cp.asarray(image), np.ones((3, 3)))
    assert found == count
    assert labels.dtype == np.int32
    np.testing.assert_array_equal(labels.get(), expected)
    assert ledger.total.synchronisations == 1
    out = cp.zeros(image.shape, np.int64)
    assert on_gpu.label(cp.asarray(image), output=out) == ndimage.label(image)[1]
    assert_same(out, ndimage.label(image)[0].astype(np.int64))
    with pytest.raises(TypeError, match=r"must be cupy\.ndarray"):
        on_gpu.label(image)


def test_scattering_combines_duplicates(cp):
    import cupyx

    places = cp.asarray([0, 2, 2, 2])
    x = cp.zeros(3)
    cupyx.scatter_add(x, places, cp.asarray([1.0, 2.0, 3.0, 4.0]))
    assert x.get().tolist() == [1, 0, 9]
    x.scatter_max(places, 5.0)
    cupyx.scatter_min(x, places, cp.asarray([7.0, 6.0, 8.0, 9.0]))
    assert x.get().tolist() == [5, 0, 6]


def test_distances_are_scipys(cp, rng):
    from cupyx.scipy import ndimage as on_gpu

    image = rng.random((20, 30)) > 0.1
    assert_same(
        on_gpu.distance_transform_edt(cp.asarray(image)), ndimage.distance_transform_edt(image)
    )
    with pytest.raises(TypeError, match=r"must be cupy\.ndarray"):
        on_gpu.distance_transform_edt(image)
    with pytest.raises(NotImplementedError, match="an image alone"):
        on_gpu.distance_transform_edt(cp.asarray(image), return_indices=True)
