"""A pytest plugin that puts skyshed's apertures in the place of photutils'.

As `plugin` does for segmentation and background: public names of `photutils.aperture` and its
modules are replaced before test modules are imported, one that skyshed lacks by one that fails.
"""

import importlib
import pkgutil

import pytest

import skyshed.aperture
from tests.drop_in import plugin
from tests.drop_in.waiver import WARNING, expects, waive

PACKAGE = "photutils.aperture"


def pytest_configure(config: pytest.Config) -> None:
    """Replace the names before any test module is imported."""
    top = importlib.import_module(PACKAGE)
    for module in pkgutil.iter_modules(top.__path__):
        if not module.name.startswith("_") and module.name != "tests":
            replace(importlib.import_module(f"{PACKAGE}.{module.name}"), top)
    exceptions = importlib.import_module("photutils.utils.exceptions")
    pytest.warns = waive(pytest.warns, getattr(exceptions, WARNING))


def replace(module: object, top: object) -> None:
    """Replace the public names of ``module``, there and in the package ``top``."""
    for name in module.__all__:  # type: ignore[attr-defined]
        new = getattr(skyshed.aperture, name, None) or plugin.missing(name)
        setattr(module, name, new)
        setattr(top, name, new)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Note the kind of each test; those that a class inherits from another module are public."""
    for item in items:
        text, name = plugin.source(item.path), plugin.name_of(item)
        known = name in text.functions
        kind = "private" if known and text.reaches_for(name) else "public"
        waived = "yes" if known and expects(text.functions[name]) else "no"
        item.user_properties += [("kind", kind), ("waived", waived)]
