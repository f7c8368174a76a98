"""Pixels of annuli on the GPU: those of the CPU twin, bit for bit."""

import numpy as np
import pytest

from skyshed.kernels import annuli, twin
from tests.device import standin
from tests.device.kernels.twins import both, identical, to_device, to_host
from tests.kernels.test_annuli import scene


@pytest.mark.parametrize("radii", [(5.0, 10.0), (0.1, 0.6), (3.0, 40.0)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("masked", [False, True])
def test_pixels_are_those_of_the_cpu(cupy, radii, dtype, masked):
    data, mask, centers = scene(dtype, 40)
    width = annuli.most_pixels(*radii, data.size)
    args = data, mask if masked else None, centers, radii, width, None
    result, expected = both(cupy, annuli.gather, *args)
    identical(result, expected)
    assert np.isfinite(expected).any(axis=1).sum() > 2


def test_no_annuli_give_no_rows(cupy):
    data, _, centers = scene(np.float32)
    result, expected = both(cupy, annuli.gather, data, None, centers[:0], (2.0, 3.0), 30, None)
    identical(result, expected)


def test_in_any_order_of_threads_with_the_same_bits(cupy):
    data, mask, centers = scene(np.float32, 35)
    args = [to_device(cupy, arg) for arg in (data, mask, centers)]
    gather = twin(annuli.gather.__wrapped__, "cuda")
    found = []
    for seed, preempt in ((0, 0.0), (1, 0.0), (2, 0.3)):
        with standin.schedule(seed, preempt):
            found.append(to_host(cupy, gather(*args, (4.0, 9.0), 300, None)))
    np.testing.assert_array_equal(found[1], found[0])
    np.testing.assert_array_equal(found[2], found[0])
