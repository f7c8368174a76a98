"""skyshed installed in photutils' place for a test, and gone after it."""

import numpy as np
import pytest

from skyshed import accel
from skyshed.accel import receipts

#: A program that tests run, and no module of tests.
collect_ignore = ["script.py"]


@pytest.fixture
def receipt(monkeypatch):
    """An empty receipt."""
    for name in ("calls", "derived"):
        monkeypatch.setattr(receipts.RECEIPT, name, {})
    return accel.receipt()


@pytest.fixture
def installed(receipt):
    """The receipt of what the test calls, while skyshed stands in photutils' place."""
    accel.install()
    yield receipt
    accel.uninstall()


@pytest.fixture(scope="session")
def field():
    """An image of noise and stars."""
    rng = np.random.default_rng(17)
    y, x = np.mgrid[:150, :160]
    data = rng.normal(0, 1, y.shape)
    for _ in range(18):
        x0, y0, flux = *rng.uniform(12, 138, 2), rng.uniform(20, 90)
        data += flux * np.exp(-((x - x0) ** 2 + (y - y0) ** 2) / 9)
    return data
