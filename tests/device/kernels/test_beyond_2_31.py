"""Kernels that go along lists of pixels, on an image of more pixels than an int counts.

Hardly any of it exists: images are sparse files of 2.4e9 pixels, with a scene in the far corner.
"""

import numpy as np
import pytest

from skyshed.kernels import annuli, apertures, centroids, deblending, isophotal, segments, twin
from skyshed.kernels import moments as moments_of
from skyshed.sources import Sources
from tests.device.kernels import fields
from tests.device.kernels.test_apertures import field as aperture_field
from tests.device.kernels.test_centroids import field as window_field
from tests.device.kernels.twins import to_host
from tests.device.planting import same
from tests.device.standin import arrays

SHAPE = (40_000, 60_000)
#: Where the scene begins: its first pixel is beyond 2^31.
Y0, X0 = SHAPE[0] - 130, SHAPE[1] - 150
FIRST = Y0 * SHAPE[1] + X0


@pytest.fixture(scope="module")
def far(counted, tmp_path_factory):
    """Return a function that makes the large image of a small one, for the host."""
    assert FIRST > 2**31
    folder, made = tmp_path_factory.mktemp("sparse"), []

    def placed(small):
        path = folder / f"{len(made)}"
        image = np.memmap(path, small.dtype, "w+", shape=SHAPE)
        made.append(path)
        image[Y0 : Y0 + small.shape[0], X0 : X0 + small.shape[1]] = small
        return image.view(np.ndarray)

    yield placed
    for path in made:
        path.unlink()


def moved(sources):
    """Return the sources where the large image has them."""
    y, x = np.divmod(sources.pixel, sources.shape[1])
    bbox = sources.bbox + np.array([Y0, Y0, X0, X0])
    pixel = (y + Y0) * SHAPE[1] + x + X0
    return Sources(sources.labels, sources.start, pixel, bbox, SHAPE)


@pytest.fixture
def both_far(counted):
    """Return the answers of both twins; what is on the host is what the device has, uncopied."""

    def both(contract, *args):
        there = twin(contract.__wrapped__, "cuda")(*(_there(arg) for arg in args))
        return to_host(counted, there), twin(contract.__wrapped__, "cpu")(*args)

    return both


def _there(value):
    if isinstance(value, Sources):
        names = ("labels", "start", "pixel", "bbox")
        return Sources(**{name: _there(getattr(value, name)) for name in names}, shape=value.shape)
    return arrays.new(value) if isinstance(value, np.ndarray) else value


@pytest.fixture(scope="module")
def scene(far):
    sources, image, mask = fields.drawn(3, dtype=np.float32, masked=True)
    error = np.random.default_rng(1).uniform(0.5, 2, image.shape).astype(np.float32)
    return moved(sources), far(image), far(mask), far(error)


@pytest.mark.parametrize("name", ["moments", "summarize", "total", "gini", "perimeter"])
def test_what_is_measured_of_pixels(both_far, scene, name):
    sources, image, mask, _ = scene
    contract = moments_of.moments if name == "moments" else getattr(isophotal, name)
    images = (mask,) if name == "perimeter" else (image, mask)
    more = (True,) if name == "total" else ()
    result, expected = both_far(contract, sources, *images, *more, None)
    assert same(result, expected)
    assert len(sources) > 5


def test_centroids_of_pixels(both_far, scene):
    sources, image, mask, error = scene
    raw, _ = both_far(moments_of.moments, sources, image, mask, None)[1]
    assert same(*both_far(centroids.covariance, sources, error, image, mask, raw, None))
    peak = both_far(isophotal.summarize, sources, image, mask, None)[1][-1]
    assert peak.max() > 2**31
    centre, known = np.full((len(sources), 2), 3.0), np.ones((len(sources), 3))
    args = sources, image, error, mask, peak, centre, known, None
    result, expected = both_far(centroids.quadratic, *args)
    assert same(result, expected)
    assert not np.array_equal(expected[0], centre)


def test_surveys_and_rows(both_far, scene):
    sources, image, _, _ = scene
    result, expected = both_far(deblending.survey, image, sources, 8, None)
    assert same(result, expected)
    index = np.arange(len(sources))[::-2].copy()
    result, expected = both_far(segments.take, sources.pixel, sources.start, index)
    assert same(result, expected)
    assert expected[1].max() > 2**31


def test_apertures_and_windows(both_far, far):
    f = aperture_field(3, np.float32)
    f |= {name: far(f[name]) for name in ("data", "error", "labels", "mask", "input_mask")}
    f["place"] = (0, 0, *SHAPE)
    f["ellipses"][:, :2] += X0, Y0
    images = f["labels"], f["mask"], f["place"], f["label"]
    for method in (apertures.MASK, apertures.CORRECT):
        result, expected = both_far(
            apertures.aperture_sums, f["data"], f["error"], f["input_mask"], *images,
            f["ellipses"], f["background"], method, None,
        )  # fmt: skip
        assert same(result, expected)
        assert np.isfinite(expected[0]).sum() > 25
        scaled = f["ellipses"] / np.array([1, 1, 6, 6, 1])
        result, expected = both_far(
            apertures.kron_sums, f["data"], *images, scaled, 6.0, method, None
        )
        assert same(result, expected)
    circles = np.column_stack((f["ellipses"][:, :2], np.full(len(f["label"]), 40.0)))
    flux = np.full(len(f["label"]), 30.0)
    result, expected = both_far(
        apertures.radius_of_flux, f["data"], *images, circles, f["background"], flux,
        apertures.MASK, None,
    )  # fmt: skip
    np.testing.assert_allclose(result, expected, rtol=1e-9)
    assert np.isfinite(expected).any()
    w = window_field(4, np.float32)
    w |= {name: far(w[name]) for name in ("data", "error", "labels", "mask")}
    w["place"] = (0, 0, *SHAPE)
    w["windows"][:, :2] += X0, Y0
    result, expected = both_far(centroids.windowed, *w.values(), apertures.MASK, None)
    np.testing.assert_array_equal(result[3], expected[3])
    for one, other in zip(result[:3], expected[:3], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)
    assert not expected[3].all()


def test_backgrounds_and_annuli(both_far, far):
    rng = np.random.default_rng(2)
    data = rng.normal(100, 5, (110, 130)).astype(np.float32)
    labels = (rng.random(data.shape) < 0.1).astype(np.int32) * 3
    y, x = rng.integers(30, 60, (2, 9))
    bbox = np.column_stack((y, y + 6, x, x + 5)) + np.array([Y0, Y0, X0, X0])
    image = far(data)
    result, expected = both_far(
        apertures.local_background, image, far(labels), None, bbox, 24.0, None
    )
    assert same(result, expected)
    assert (expected[0] > 50).all()
    centers = np.column_stack((x, y)) + rng.random((9, 2)) + np.array([X0, Y0])
    args = image, None, centers, (5.0, 10.0), 400, None
    result, expected = both_far(annuli.gather, *args)
    assert same(result, expected)
    assert np.isfinite(expected).any()
