"""SEP's flags: of objects, and of apertures."""

import numpy as np

__all__ = [
    "APER_ALLMASKED",
    "APER_HASMASKED",
    "APER_NONPOSITIVE",
    "APER_TRUNC",
    "OBJ_DOVERFLOW",
    "OBJ_MERGED",
    "OBJ_SINGU",
    "OBJ_TRUNC",
]

#: The object is one of several that a larger one was split into.
OBJ_MERGED = np.short(0x0001)
#: The object reaches an edge of the image.
OBJ_TRUNC = np.short(0x0002)
#: Never set: there is no limit to the parts of a blend.
OBJ_DOVERFLOW = np.short(0x0004)
#: The object is as thin as a pixel.
OBJ_SINGU = np.short(0x0008)
#: The aperture reaches beyond the image.
APER_TRUNC = np.short(0x0010)
#: The aperture has masked pixels.
APER_HASMASKED = np.short(0x0020)
#: The aperture has no other pixels.
APER_ALLMASKED = np.short(0x0040)
#: The light in the aperture, or its moment, is not positive.
APER_NONPOSITIVE = np.short(0x0080)
