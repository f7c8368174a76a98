"""Lets the stand-in for CuPy pose as CuPy itself, for a rehearsal on a machine without a GPU.

A plugin of pytest, and imported by steps. Tests put another copy of the stand-in in its place where
they count, and take it away again, as they would with CuPy.
"""

import importlib
import sys
from typing import Any


def pose() -> None:
    """Install a copy of the stand-in that nothing else knows of."""
    standin = importlib.import_module("tests.device.standin")
    standin.install()
    for name in [name for name in sys.modules if name.startswith("tests.device.standin")]:
        del sys.modules[name]
    vars(importlib.import_module("tests.device")).pop("standin", None)


def pytest_collection_modifyitems(config: Any, items: list[Any]) -> None:
    """Run each test function once: the emulator takes minutes for all their parameters."""
    kept, dropped, seen = [], [], set()
    for item in items:
        function = item.path, getattr(item, "originalname", item.name)
        (dropped if function in seen else kept).append(item)
        seen.add(function)
    config.hook.pytest_deselected(items=dropped)
    items[:] = kept


pose()
