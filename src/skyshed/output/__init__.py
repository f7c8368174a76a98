"""Everything that is written: catalogs, segmentation images, regions and pictures.

Names are loaded when they are first used: a run that streams its catalog needs neither.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skyshed.output.catalogs import read_catalog, write_catalog
else:

    def __getattr__(name: str) -> Any:
        """Load a name from the module that it lives in."""
        if name in __all__:
            from skyshed.output import catalogs

            return getattr(catalogs, name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = ["read_catalog", "write_catalog"]
