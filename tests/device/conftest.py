"""What tests of stages on the device share: a CuPy."""

import gc
import importlib
import os

import pytest

from tests.device import standin
from tests.device.emulator.build import PLAIN_VARIANT
from tests.device.standin import counts


@pytest.fixture(scope="session", autouse=True)
def real_cupy():
    """CuPy where a GPU is, otherwise None; a run for the emulator's sake needs none.

    It is imported before the stand-in first takes its place.
    """
    assert not standin.installed(), "a module of tests puts it in place when it is imported"
    if PLAIN_VARIANT in os.environ:
        return None
    try:
        module = importlib.import_module("cupy")
    except ImportError:
        return None
    return module if module.is_available() else None


@pytest.fixture(scope="module")
def cupy(real_cupy):
    """CuPy itself where there is a GPU, its strict stand-in elsewhere."""
    if real_cupy is not None:
        yield real_cupy
    else:
        with standin.in_place() as module:
            yield module


@pytest.fixture(scope="module")
def counted():
    """The stand-in, for what only it can count."""
    with standin.in_place() as module:
        yield module


@pytest.fixture
def new_pool(monkeypatch):
    """A pool of the stand-in that no other test has had memory of.

    A small array that some module keeps may lie in a large block that another test took: that is
    not given back, as by CuPy.
    """
    gc.collect()  # what is given back goes to the pool that it came from
    monkeypatch.setattr(counts.memory, "pools", {})
    yield
    gc.collect()


@pytest.fixture(autouse=True)
def _one_cupy(request, real_cupy):
    """Let each test import the CuPy it takes, whatever others of its module took before.

    The fixtures above last as long as a module of tests.
    """
    takes = set(request.fixturenames)
    if real_cupy is not None and "cupy" in takes and "counted" not in takes and standin.installed():
        with standin.out_of_place():
            yield
    else:
        yield
