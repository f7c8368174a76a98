"""SEP's names: SourceExtractor's library, with its results, on several threads.

Change ``import sep`` to ``import skyshed.sep as sep``. `Background` and `extract` give SEP 1.4.1's
numbers; sums in apertures are exact where SEP rounds pixels to float32. Apertures (`sum_circle`,
`sum_circann`, `sum_ellipse`, `sum_ellipann`) also take CuPy images; the rest is for the CPU.
"""

from skyshed.sep.apertures import sum_circann, sum_circle, sum_ellipann, sum_ellipse
from skyshed.sep.background import Background
from skyshed.sep.ellipses import ellipse_axes, ellipse_coeffs, mask_ellipse
from skyshed.sep.extraction import extract
from skyshed.sep.flags import (
    APER_ALLMASKED,
    APER_HASMASKED,
    APER_NONPOSITIVE,
    APER_TRUNC,
    OBJ_DOVERFLOW,
    OBJ_MERGED,
    OBJ_SINGU,
    OBJ_TRUNC,
)
from skyshed.sep.limits import (
    get_extract_pixstack,
    get_sub_object_limit,
    set_extract_pixstack,
    set_sub_object_limit,
)
from skyshed.sep.radii import flux_radius, kron_radius, winpos

__all__ = [
    "APER_ALLMASKED",
    "APER_HASMASKED",
    "APER_NONPOSITIVE",
    "APER_TRUNC",
    "OBJ_DOVERFLOW",
    "OBJ_MERGED",
    "OBJ_SINGU",
    "OBJ_TRUNC",
    "Background",
    "ellipse_axes",
    "ellipse_coeffs",
    "extract",
    "flux_radius",
    "get_extract_pixstack",
    "get_sub_object_limit",
    "kron_radius",
    "mask_ellipse",
    "set_extract_pixstack",
    "set_sub_object_limit",
    "sum_circann",
    "sum_circle",
    "sum_ellipann",
    "sum_ellipse",
    "winpos",
]
