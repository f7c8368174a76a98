"""Everything that is written: catalogs, segmentation images, regions and pictures."""

from skyshed.output.write import read_catalog, write_catalog

__all__ = ["read_catalog", "write_catalog"]
