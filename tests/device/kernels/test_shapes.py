"""Sums over shapes on the GPU: those of the CPU twin, to 1e-12 of the absolute terms."""

import numpy as np
import pytest

from skyshed.kernels import shapes, twin
from tests.device import standin
from tests.device.kernels.twins import both, close_sums, to_device, to_host
from tests.kernels.test_shapes import FAMILIES, scene, shape_rows


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("samples", [0, 1, 3])
@pytest.mark.parametrize("rule", [shapes.NO_RULE, shapes.OWN, shapes.MIRROR])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sums_are_those_of_the_cpu(cupy, family, samples, rule, dtype):
    data, error, mask, labels, label = scene(dtype, 40)
    rows, boxes = shape_rows(family, 40, data.shape)
    background = np.linspace(-1, 1, 40)
    images = data, error, mask, labels if rule else None
    power = 1 if samples else 2
    found = []
    for place in ("device", "host"):
        sums = twin(shapes.sums.__wrapped__, "cuda" if place == "device" else "cpu")
        at = [to_device(cupy, each) if place == "device" else each for each in images]
        rest = label if rule else None, background, family, samples, rule, power, True, None
        found.append(to_host(cupy, sums(*at, rows, boxes, *rest)))
    (sums, seen), (expected, expected_seen) = found
    np.testing.assert_array_equal(seen, expected_seen)
    magnitude = np.full(40, 500.0)  # of some hundred pixels; what is not finite is flagged
    for k in range(4):
        close_sums(sums[:, k], expected[:, k], magnitude)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("samples", [0, 2])
def test_weights_are_those_of_the_cpu(cupy, family, samples):
    rows, boxes = shape_rows(family, 25, (60, 70))
    width = int(np.maximum(boxes[:, 1::2] - boxes[:, ::2], 0).prod(axis=1).max()) + 3
    found, expected = both(cupy, shapes.weights, rows, boxes, family, samples, width, None)
    np.testing.assert_allclose(found, expected, rtol=0, atol=4e-15)


def test_a_shape_of_many_chunks_in_any_order_of_threads(cupy):
    data, *_ = scene(np.float32, 3)
    data = np.tile(data, (4, 3))
    rows = np.array([[90.0, 100.0, 60.0, 40.0, 0.3, 5.0, 4.0], [3.0, 3.0, 2.0, 1.0, 0.0, 0.0, 0.0]])
    boxes = np.array([[30, 170, 20, 160], [0, 7, 0, 7]])
    sums, data = twin(shapes.sums.__wrapped__, "cuda"), to_device(cupy, data)
    found = []
    for seed, preempt in ((0, 0.0), (1, 0.0), (2, 0.3)):
        with standin.schedule(seed, preempt):
            rest = None, None, shapes.ELLIPSE, 0, shapes.NO_RULE, 2, True, None
            found.append(to_host(cupy, sums(data, None, None, None, rows, boxes, *rest)))
    for other in found[1:]:
        np.testing.assert_array_equal(other[0], found[0][0])
        np.testing.assert_array_equal(other[1], found[0][1])


def test_no_shapes_give_no_sums(cupy):
    data, *_ = scene(np.float64, 1)
    rows, boxes = np.empty((0, 7)), np.empty((0, 4), np.int64)
    sums = twin(shapes.sums.__wrapped__, "cuda")
    rest = None, None, shapes.CIRCLE, 0, shapes.NO_RULE, 2, True, None
    found, seen = sums(to_device(cupy, data), None, None, None, rows, boxes, *rest)
    assert found.shape == (0, 4)
    assert seen.shape == (0,)
