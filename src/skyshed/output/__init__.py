"""Images in; catalogs, maps, regions and pictures out."""

from skyshed.images.read import read_image
from skyshed.output.write import read_catalog, write_catalog

__all__ = ["read_catalog", "read_image", "write_catalog"]
