"""The current device is that of the arrays, for as long as they are worked on."""

import sys
from functools import cached_property

import numpy as np
import pytest

import skyshed
from skyshed.devices import current_device, device_of, on_device_of, stays_on_device


class Device:
    """A device that says when it is current."""

    def __init__(self):
        self.depth = 0

    def __enter__(self):
        self.depth += 1
        return self

    def __exit__(self, *_):
        self.depth -= 1


@stays_on_device
class Holder:
    """Says in all ways that a class has whether its device is current."""

    def __init__(self, device):
        self._device = device

    def method(self, more=0):
        """What a method says."""
        return 0 if self._device is None else self._device.depth + more

    @property
    def shown(self):
        """What a property says."""
        return self.method()

    @shown.setter
    def shown(self, value):
        self.told = self._device.depth

    @cached_property
    def kept(self):
        """What is kept."""
        return self.method()

    @classmethod
    def made(cls, device):
        return cls(device)

    def fails(self):
        raise ValueError("on the device")


def test_an_object_works_on_its_device():
    device = Device()
    holder = Holder.made(device)
    assert holder.method(more=10) == 11
    assert holder.shown == 2  # a property that calls a method
    assert holder.kept == holder.kept == 2
    assert vars(holder)["kept"] == 2
    holder.shown = 5
    assert holder.told == 1
    with pytest.raises(ValueError, match="on the device"):
        holder.fails()
    assert device.depth == 0


def test_an_object_of_the_host_works_without_one():
    holder = Holder(None)
    assert (holder.method(), holder.shown, holder.kept) == (0, 0, 0)


def test_what_is_wrapped_looks_as_before():
    assert Holder.method.__doc__ == "What a method says."
    assert Holder.shown.__doc__ == "What a property says."
    assert Holder.method.__name__ == "method"


@pytest.mark.parametrize("array", [np.zeros(3), [1, 2], None, "image.fits", np.float32(1)])
def test_what_is_on_the_host_has_no_device(array):
    assert device_of(array) is None
    with on_device_of(array):
        pass


def test_without_cupy_no_device_is_current(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    assert current_device() is None


def test_properties_stay_of_their_kind():
    # photutils' users, and its tests, read the docstring of a catalog's flags there.
    assert "'saturated'" in skyshed.SourceCatalog.flags.func.__doc__
