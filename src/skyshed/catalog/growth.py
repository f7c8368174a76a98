"""How light grows in circles around sources: that of stars is the same for all of them."""

from typing import Any

import numpy as np

from skyshed.catalog.apertures import as_ellipses, ellipse_sums
from skyshed.catalog.reach import circle_boxes
from skyshed.catalog.registry import Column, measurement

__all__ = ["GROWTH_RADII"]

#: Radii of the circles, in pixels.
GROWTH_RADII = (
    1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 12.0, 14.0, 17.0, 20.0, 25.0,
)  # fmt: skip


def _widest(xcentroid_win: Any, ycentroid_win: Any) -> Any:
    return circle_boxes(xcentroid_win, ycentroid_win, GROWTH_RADII[-1])


@measurement(
    Column("_circular_growth", "data", "Flux in circles of GROWTH_RADII around centroid_win."),
    reach=_widest,
    on_host=("xcentroid_win", "ycentroid_win", "local_background"),
)
def _circular_growth(
    frame: Any,
    sources: Any,
    xcentroid_win: Any,
    ycentroid_win: Any,
    local_background: Any,
    apermask_method: str,
    n_threads: int | None,
) -> Any:
    zero = np.zeros_like(xcentroid_win)
    fluxes = []
    for radius in GROWTH_RADII:
        circles = as_ellipses(xcentroid_win, ycentroid_win, zero + radius, zero + radius, zero)
        fluxes.append(
            ellipse_sums(frame, sources, circles, local_background, apermask_method, n_threads)[0]
        )
    return frame.xp.stack(fluxes, axis=-1)


@measurement(
    Column(
        "kron_aperture_radius",
        "pix",
        "Radius of the circle that has the area of the Kron aperture, the root of the product of "
        "its semi-axes.",
        ucd="phys.size.radius;instr.pixel",
    ),
    geometry=True,
)
def kron_aperture_radius(_kron_major: Any, _kron_minor: Any) -> Any:
    """Take the geometric mean."""
    return np.sqrt(_kron_major * _kron_minor)
