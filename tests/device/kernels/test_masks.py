"""Growing masks on the GPU: the CPU twin's masks, in any order of threads."""

import numpy as np
import pytest
from scipy import ndimage

from skyshed.kernels import masks, twin
from tests.device import standin
from tests.device.kernels.twins import both, identical, to_device

DISC = np.hypot(*np.mgrid[-5:6, -5:6]) <= 5
RING = DISC & ~np.pad(np.hypot(*np.mgrid[-2:3, -2:3]) <= 2, 3)
ODD = np.random.default_rng(0).random((4, 7)) < 0.5


@pytest.mark.parametrize(
    "footprint", [DISC, RING, ODD, np.ones((2, 70), bool), np.ones((1, 1), bool)]
)
def test_grown_masks_are_those_of_the_cpu(cupy, schedule, footprint):
    mask = np.random.default_rng(1).random((60, 101)) < 0.004
    center = tuple(side // 2 for side in footprint.shape)
    result, expected = both(cupy, masks.dilate, mask, footprint, center, None)
    identical(result, expected)
    assert 0 < result.sum() < result.size


def test_growing_is_scipys_dilation(cupy):
    mask = np.random.default_rng(2).random((40, 75)) < 0.01
    result, _ = both(cupy, masks.dilate, mask, RING, (5, 5), None)
    np.testing.assert_array_equal(result, ndimage.binary_dilation(mask, RING))


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (5, 0), (1, 1), (1, 64), (33, 32), (3, 31)])
@pytest.mark.parametrize("center", [(0, 0), (3, 6), (2, 1)])
def test_any_shape_and_center(cupy, shape, center):
    for density in (0.0, 0.2, 1.0):
        mask = np.random.default_rng(3).random(shape) < density
        identical(*both(cupy, masks.dilate, mask, ODD, center, None))


def test_a_footprint_on_the_device_or_an_empty_one(cupy):
    mask = np.random.default_rng(4).random((30, 40)) < 0.1
    result = twin(masks.dilate.__wrapped__, "cuda")(
        cupy.asarray(mask), cupy.asarray(ODD), (2, 3), None
    )
    identical(cupy.asnumpy(result), twin(masks.dilate.__wrapped__, "cpu")(mask, ODD, (2, 3), None))
    empty = np.zeros((3, 3), bool)
    identical(*both(cupy, masks.dilate, mask, empty, (1, 1), None))


@pytest.mark.costs
def test_a_host_does_not_wait_for_growing():
    mask = np.random.default_rng(5).random((64, 64)) < 0.1
    with standin.in_place() as counted:
        device = to_device(counted, mask)
        with standin.ledger() as ledger:
            twin(masks.dilate.__wrapped__, "cuda")(device, DISC, (5, 5), None)
    assert ledger.total.synchronisations <= 1  # the footprint's runs go up
    assert ledger.total.downloads == 0
    assert ledger.total.launches <= 6
