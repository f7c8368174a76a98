"""Radii of circles that hold a fraction of the Kron flux."""

from typing import Any

import numpy as np

from skyshed.catalog.apertures import MASKING, place
from skyshed.catalog.kron import kron_boxes
from skyshed.catalog.registry import Column, measurement
from skyshed.kernels import apertures


@measurement(
    Column("_fluxfrac_radius", "pix", "Radius of the circle that holds a fraction of kron_flux."),
    reach=kron_boxes,
)
def _fluxfrac_radius(
    frame: Any,
    sources: Any,
    xcentroid: Any,
    ycentroid: Any,
    _kron_major: Any,
    kron_flux: Any,
    local_background: Any,
    fraction: float,
    apermask_method: str,
    n_threads: int | None,
) -> Any:
    return apertures.radius_of_flux(
        frame.data,
        frame.labels,
        frame.mask,
        place(frame),
        sources.labels,
        np.column_stack((xcentroid, ycentroid, _kron_major)),
        local_background,
        fraction * kron_flux,
        MASKING[apermask_method],
        n_threads,
    )
