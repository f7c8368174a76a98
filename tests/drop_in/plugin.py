"""A pytest plugin that puts skyshed's public names in the place of photutils'.

Only names in the ``__all__`` of `photutils.segmentation`, `photutils.background` and their modules
are replaced, those that a module makes when they are asked for, and the two warnings that skyshed
has under the same names; a public name that skyshed lacks is replaced by one that fails. Every
test's kind ("public" or "private") goes into its report, and whether it expects photutils' own
deprecation warning, which is waived.
"""

import importlib
import pkgutil
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

import skyshed
from tests.drop_in.private import Source
from tests.drop_in.waiver import WARNING, expects, waive

PACKAGES = ("photutils.segmentation", "photutils.background")
WARNINGS = ("DeblendWarning", "NoDetectionsWarning")


def pytest_configure(config: pytest.Config) -> None:
    """Replace the names before any test module is imported."""
    # Those of photutils' modules that use the names themselves keep photutils'.
    for user in ("aperture", "centroids", "datasets", "detection", "morphology", "psf"):
        importlib.import_module(f"photutils.{user}")
    for package in PACKAGES:
        top = importlib.import_module(package)
        for module in pkgutil.iter_modules(top.__path__):
            if not module.name.startswith("_") and module.name != "tests":
                replace(importlib.import_module(f"{package}.{module.name}"), top)
    exceptions = importlib.import_module("photutils.utils.exceptions")
    for name in WARNINGS:
        setattr(exceptions, name, getattr(skyshed, name))
    pytest.warns = waive(pytest.warns, getattr(exceptions, WARNING))


def replace(module: Any, top: Any) -> None:
    """Replace the public names of ``module``, there and in the package ``top``."""
    for name in module.__all__:
        new = getattr(skyshed, name, None) or missing(name)
        setattr(module, name, new)
        setattr(top, name, new)
    if hasattr(module, "__getattr__"):
        mine = importlib.import_module(f"skyshed.{module.__name__.rpartition('.')[2]}")
        module.__getattr__ = mine.__getattr__


def missing(name: str) -> type:
    """Return what stands for a public name that skyshed does not have."""

    def fail(self: Any, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(f"skyshed has no {name}")

    return type(name, (), {"__init__": fail})


@lru_cache
def source(path: Path) -> Source:
    """Return the source of a test module, read once."""
    return Source(path)


def name_of(item: pytest.Item) -> str:
    """Return the name of a test in its module: "name" or "Class.name"."""
    owner = item.cls.__name__ + "." if item.cls else ""  # type: ignore[attr-defined]
    return owner + item.originalname  # type: ignore[attr-defined]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Note the kind of each test, and whether it expects the warning that is waived."""
    for item in items:
        text, name = source(item.path), name_of(item)
        kind = "private" if text.reaches_for(name) else "public"
        waived = "yes" if expects(text.functions[name]) else "no"
        item.user_properties += [("kind", kind), ("waived", waived)]
