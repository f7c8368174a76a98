"""Fixtures that several test modules share."""

import signal
from importlib.util import find_spec

import pytest

if find_spec("hypothesis") is not None:  # not where other programs read our files
    from hypothesis import settings

    # How long an example takes depends on what else the machine does.
    settings.register_profile("unhurried", settings(), deadline=None)
    settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def scene():
    """A crowded survey field of 384 x 448 pixels with defects: `data`, `mask`, `truth` and more.

    Simulated by `skyshed.datasets.make_survey_image`, whose own tests say what it holds. The shape
    is no multiple of a usual box; the arrays are read-only, so that a stage that writes to its
    input fails.
    """
    from skyshed.datasets import make_survey_image

    field = make_survey_image((384, 448), density=5000, seed=20261122)
    for array in (field.data, field.mask):
        array.setflags(write=False)
    return field


@pytest.fixture
def heard():
    """Let SIGINT interrupt, also where the tests run in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
