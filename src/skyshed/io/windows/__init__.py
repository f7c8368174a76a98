"""Images that are read window by window, whatever holds them.

Windows objects are small and can be sent to other processes. They have ``shape``, ``dtype`` (of
what ``read`` returns), ``unit``, ``wcs`` and ``read(y0, y1, x0, x1)``.
"""

from skyshed.io.windows.arrays import ArrayWindows
from skyshed.io.windows.cutting import CutWindows, cut
from skyshed.io.windows.facts import fingerprint
from skyshed.io.windows.fits import FitsWindows
from skyshed.io.windows.joined import JoinedWindows
from skyshed.io.windows.opening import Windows, open_windows
from skyshed.io.windows.zarr import ZarrWindows

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
