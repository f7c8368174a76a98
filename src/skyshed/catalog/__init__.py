"""The catalog of sources: what is measured, and the class and the table that show it."""

from typing import Any

from skyshed.catalog.aperture_objects import kron_ellipses
from skyshed.catalog.catalog import SourceCatalog
from skyshed.catalog.settings import CatalogSettings
from skyshed.catalog.table import DEFAULT_COLUMNS as _COLUMNS

__all__ = ["CatalogSettings", "SourceCatalog", "kron_ellipses"]


def __getattr__(name: str) -> Any:
    # photutils still has it, as in 3.0: without flags, and a new list each time.
    if name == "DEFAULT_COLUMNS":
        return [column for column in _COLUMNS if column != "flags"]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
