"""Apertures on CuPy images: the results of the CPU, on the host."""

import numpy as np
import pytest

from skyshed import SegmentationImage, sep
from skyshed.aperture import (
    AperturePhotometry,
    ApertureStats,
    CircularAnnulus,
    EllipticalAperture,
    RectangularAperture,
    aperture_photometry,
)
from tests.aperture.scene import Scene

SCENE = Scene()
APERTURES = [
    CircularAnnulus(SCENE.positions, 3.0, 6.0),
    EllipticalAperture(SCENE.positions, 6.0, 3.0, theta=0.4),
    RectangularAperture(SCENE.positions, 7.0, 4.0, theta=1.0),
]


def given(cupy=None):
    """Images and what goes with them, on a device or on the host."""
    place = cupy.asarray if cupy else np.asarray
    return place(SCENE.bad), {"error": place(SCENE.error), "mask": place(SCENE.mask)}


@pytest.mark.parametrize("aperture", APERTURES, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("rule", ["none", "source_only", "correct"])
def test_sums_are_those_of_the_cpu(cupy, aperture, rule):
    found = []
    for library in (cupy, None):
        data, images = given(library)
        labels = library.asarray(SCENE.labels) if library else SCENE.labels
        if rule != "none":
            images |= {"segmentation_image": SegmentationImage(labels), "labels": SCENE.own}
        found.append(AperturePhotometry(data, aperture, mask_method=rule, **images))
    device, host = found
    for name in ("flux", "flux_err"):
        assert isinstance(getattr(device, name), np.ndarray)
        np.testing.assert_allclose(getattr(device, name), getattr(host, name), rtol=1e-12)
    np.testing.assert_array_equal(device.flags, host.flags)


@pytest.mark.parametrize("aperture", APERTURES, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("rule", ["none", "correct"])
def test_statistics_are_those_of_the_cpu(cupy, aperture, rule):
    columns = ("sum", "min", "mean", "median", "mad_std", "biweight_location", "gini", "fwhm")
    columns += ("x_centroid", "flags", "std")
    found = []
    for library in (cupy, None):
        data, images = given(library)
        labels = library.asarray(SCENE.labels) if library else SCENE.labels
        if rule != "none":
            images |= {"segmentation_image": SegmentationImage(labels), "labels": SCENE.own}
        stats = ApertureStats(
            data, aperture, mask_method=rule, local_bkg=SCENE.background, **images
        )
        found.append(stats.to_table(columns=columns))
    for name in columns:
        one, other = (np.asarray(table[name], float) for table in found)
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12, err_msg=name)


def test_the_old_function_and_seps_take_device_images(cupy):
    data, error = SCENE.data, np.ones(SCENE.data.shape)
    ours = aperture_photometry(cupy.asarray(data), APERTURES[0], error=cupy.asarray(error))
    host = aperture_photometry(data, APERTURES[0], error=error)
    for name in ("aperture_sum", "aperture_sum_err"):
        np.testing.assert_allclose(ours[name], host[name], rtol=1e-12)
    x, y = np.ascontiguousarray(SCENE.positions.T)
    found = sep.sum_circle(cupy.asarray(data), x, y, 4.0, mask=cupy.asarray(SCENE.mask))
    expected = sep.sum_circle(data, x, y, 4.0, mask=SCENE.mask)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


@pytest.mark.parametrize("call", [sep.Background, lambda data: sep.extract(data, 1.0)])
def test_what_is_for_the_cpu_says_so(cupy, call):
    with pytest.raises(TypeError, match="asnumpy"):
        call(cupy.zeros((20, 20)))
