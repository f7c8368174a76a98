"""The report of a run: one HTML page that needs no network and holds all that it shows."""

from skyshed.output.page.contents import Contents, MapLayer, PixelLayer
from skyshed.output.page.document import write_page

__all__ = ["Contents", "MapLayer", "PixelLayer", "write_page"]
