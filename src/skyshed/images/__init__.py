"""Images that are read window by window, whatever holds them.

Windows objects are small and can be sent to other processes. They have ``shape``, ``dtype`` (of
what ``read`` returns), ``unit``, ``wcs`` and ``read(y0, y1, x0, x1)``.
"""

from skyshed.images.arrays import ArrayWindows
from skyshed.images.fingerprint import fingerprint
from skyshed.images.fits import FitsWindows
from skyshed.images.joined import JoinedWindows
from skyshed.images.open import Windows, open_windows
from skyshed.images.region import CutWindows, cut
from skyshed.images.zarr import ZarrWindows

__all__ = [
    "ArrayWindows",
    "CutWindows",
    "FitsWindows",
    "JoinedWindows",
    "Windows",
    "ZarrWindows",
    "cut",
    "fingerprint",
    "open_windows",
]
