"""Two devices, and streams that do not wait for each other: what mixes them is an error."""

import threading

import numpy as np
import pytest

from skyshed.kernels import cubins
from tests.device import standin
from tests.device.emulator.build import LaunchError


@pytest.fixture(scope="module")
def cp():
    with standin.in_place() as cupy:
        yield cupy


def pack(cp, on):
    """Launch a kernel that is loaded on one device, with the current one's array or another's."""
    module = cp.cuda.Module()
    module.load(cubins.store("sm_90").code(cubins.Program("masks/masks.cu", "float")))
    kernel, n = module.get_function("pack"), np.int64(1)
    with cp.cuda.Device(on):
        mask, bits = cp.zeros((1, 32), bool), cp.zeros(1, np.uint32)
        count = cp.zeros(1, np.int64)
    kernel((1,), (32,), (mask, n, np.int64(32), n, bits, count))


def test_arrays_are_made_on_the_current_device(cp):
    assert cp.zeros(3).device.id == 0
    with cp.cuda.Device(1):
        x = cp.asarray([1.0, 2.0])
        assert (x + 1).device.id == x[1:].device.id == 1
        assert cp.cuda.runtime.getDevice() == 1
    assert cp.cuda.runtime.getDevice() == 0
    assert x.device == cp.cuda.Device(1)
    assert x.get().tolist() == [1, 2]


def test_arrays_of_another_device_are_refused(cp):
    with cp.cuda.Device(1):
        x = cp.zeros(3)
    for use in (lambda: x + 1, lambda: cp.sum(x), lambda: x.fill(0), lambda: x[cp.asarray([0])]):
        with pytest.raises(ValueError, match="array device = 1 while current = 0"):
            use()


def test_kernels_of_another_device_are_refused(cp):
    with pytest.raises(LaunchError, match=r"argument 0 is on device 1.*IllegalAddress"):
        pack(cp, on=1)
    module = cp.cuda.Module()
    module.load(cubins.store("sm_90").code(cubins.Program("masks/masks.cu", "float")))
    kernel = module.get_function("pack")
    with cp.cuda.Device(1), pytest.raises(cp.cuda.driver.CUDADriverError, match="INVALID_HANDLE"):
        kernel((1,), (32,), ())


def test_threads_begin_on_the_first_device(cp):
    seen = []
    with cp.cuda.Device(1):
        thread = threading.Thread(target=lambda: seen.append(cp.cuda.Device().id))
        thread.start()
        thread.join()
    assert seen == [0]


def test_memory_is_counted_for_each_device(cp):
    with cp.cuda.Device(1):
        cp.get_default_memory_pool().free_all_blocks()
    free = [cp.cuda.Device(i).mem_info[0] for i in range(2)]
    with cp.cuda.Device(1):
        kept = cp.zeros(10**6)
    assert cp.cuda.Device(0).mem_info[0] == free[0]
    assert free[1] - cp.cuda.Device(1).mem_info[0] >= kept.nbytes


def streams(cp):
    return cp.cuda.Stream(non_blocking=True), cp.cuda.Stream(non_blocking=True)


def test_an_array_on_two_streams_without_order_is_refused(cp):
    one, other = streams(cp)
    with one:
        x = cp.arange(3.0)
    with other, pytest.raises(RuntimeError, match="which does not wait for it"):
        x + 1
    with pytest.raises(RuntimeError, match="which does not wait for it"):
        x + 1


@pytest.mark.parametrize("how", ["stream", "event", "device", "wait", "download"])
def test_an_array_on_two_streams_in_order_is_taken(cp, how):
    one, other = streams(cp)
    with one:
        x = cp.arange(3.0)
        if how == "download":
            x.get()
    {
        "stream": one.synchronize,
        "event": lambda: one.record().synchronize(),
        "device": lambda: cp.cuda.Device().synchronize(),
        "wait": lambda: other.wait_event(one.record()),
        "download": lambda: None,
    }[how]()
    with other:
        assert (x + 1).get().tolist() == [1, 2, 3]


def test_the_null_stream_waits_for_those_that_block(cp):
    x = cp.arange(3.0)
    with cp.cuda.Stream():
        x += 1
    assert x.get().tolist() == [1, 2, 3]
