"""The nearest labels on the GPU: the CPU twin's, in any order of threads."""

import pytest

from skyshed.kernels import nearest
from tests.device.kernels.twins import both, identical
from tests.kernels.test_nearest import draw


@pytest.mark.parametrize("reach", [0, 3, 24])
def test_nearest_labels_are_those_of_the_cpu(cupy, schedule, reach):
    labels = draw(1, (60, 101))
    found, expected = both(cupy, nearest.nearest_labels, labels, reach, 60, None)
    for got, wanted in zip(found, expected, strict=True):
        identical(got, wanted)


def test_images_below_one_another_are_nothing_to_each_other(cupy):
    labels = draw(2, (90, 37))
    found, expected = both(cupy, nearest.nearest_labels, labels, 12, 30, None)
    for got, wanted in zip(found, expected, strict=True):
        identical(got, wanted)


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (1, 1), (33, 1)])
def test_any_shape(cupy, shape):
    labels = draw(3, shape)
    found, expected = both(cupy, nearest.nearest_labels, labels, 5, max(shape[0], 1), None)
    for got, wanted in zip(found, expected, strict=True):
        identical(got, wanted)
