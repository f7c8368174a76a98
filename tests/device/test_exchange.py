"""Arrays of other libraries on the device: taken over where they are, without a copy."""

import numpy as np
import pytest

import skyshed
from tests.device import scenes, standin

SETTINGS = {"box_size": 30, "npixels": 5, "localbkg_width": 10}


class Shown:
    """What Numba's and PyTorch's arrays of a GPU show."""

    def __init__(self, array):
        self.array = array

    @property
    def __cuda_array_interface__(self):
        return self.array.__cuda_array_interface__


class Exported:
    """What exports by DLPack alone."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **kwargs):
        return self.array.__dlpack__(**kwargs)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


@pytest.fixture(scope="module")
def image():
    return scenes.image(31, shape=(120, 130), n=40)


@pytest.mark.parametrize("kind", [Shown, Exported])
def test_memory_of_the_device_is_taken_over(cupy, kind):
    from skyshed.namespace import adopt, array_namespace

    array = cupy.arange(12, dtype=np.float32).reshape(3, 4)
    adopted = adopt(kind(array))
    assert isinstance(adopted, cupy.ndarray)
    assert adopted.data.ptr == array.data.ptr
    assert adopted.shape == (3, 4)
    np.testing.assert_array_equal(adopted.get(), array.get())
    assert array_namespace(data=kind(array), mask=array).__name__.endswith("cupy")
    with pytest.raises(TypeError, match=r"mask a numpy\.ndarray"):
        array_namespace(data=kind(array), mask=np.zeros(3))


@pytest.mark.parametrize("kind", [Shown, Exported])
def test_the_chain_takes_arrays_of_other_libraries(cupy, image, kind):
    array = cupy.asarray(image)
    mask = cupy.asarray(image > np.quantile(image, 0.999))
    expected = skyshed.extract(array, mask=mask, **SETTINGS)
    there = skyshed.extract(kind(array), mask=kind(mask), **SETTINGS)
    labels = expected.segmentation.data
    np.testing.assert_array_equal(there.segmentation.data.get(), labels.get())
    again = skyshed.extract(kind(array), mask=mask, segmentation=kind(labels), **SETTINGS)
    for name in ("segment_flux", "kron_flux", "local_background"):
        for other in (there, again):
            np.testing.assert_array_equal(other.table[name], expected.table[name])
    assert isinstance(there.data[:], cupy.ndarray)


def test_nothing_is_uploaded_for_them(counted, image):
    array = counted.asarray(image)
    with standin.ledger() as ledger:
        skyshed.extract(Shown(array), **SETTINGS)
    ledger.no_transfer_larger_than(image.size)
