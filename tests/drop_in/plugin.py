"""A pytest plugin that puts skyshed's public names in the place of photutils'.

Only names in the ``__all__`` of `photutils.segmentation`, `photutils.background` and their modules
are replaced, and the two warnings that skyshed has under the same names; a public name that skyshed
lacks is replaced by one that fails. Every test's kind ("public", "private", "deprecation") goes
into its report.
"""

import importlib
import pkgutil
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

import skyshed
from tests.drop_in.private import Source

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


def replace(module: Any, top: Any) -> None:
    """Replace the public names of ``module``, there and in the package ``top``."""
    for name in module.__all__:
        new = getattr(skyshed, name, None) or missing(name)
        setattr(module, name, new)
        setattr(top, name, new)


def missing(name: str) -> type:
    """Return what stands for a public name that skyshed does not have."""

    def fail(self: Any, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError(f"skyshed has no {name}")

    return type(name, (), {"__init__": fail})


@lru_cache
def source(path: Path) -> Source:
    """Return the source of a test module, read once."""
    return Source(path)


def kind_of(item: pytest.Item) -> str:
    """Return the kind of a test: "private", "deprecation" or "public"."""
    name = item.originalname  # type: ignore[attr-defined]
    owner = item.cls.__name__ + "." if item.cls else ""  # type: ignore[attr-defined]
    text = source(item.path)
    if text.reaches_for(owner + name):
        return "private"
    body = text.body(owner + name)
    if re.search(r"PhotutilsDeprecationWarning|future_column_names", body):
        return "deprecation"
    return "public"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Write the test's kind into its report."""
    outcome = yield
    outcome.get_result().user_properties.append(("kind", kind_of(item)))
