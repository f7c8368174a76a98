"""Positions on the sky for a page: directions on a lattice, between which it interpolates."""

from typing import Any

import numpy as np

from skyshed.output.page.blocks import Blocks

__all__ = ["sky_lattice"]

#: Cells of the lattice along a side: where an image is a degree wide, what is interpolated is good
#: to 10 mas.
CELLS = 32


def sky_lattice(wcs: Any, shape: tuple[int, int], blocks: Blocks) -> dict[str, Any] | None:
    """Return unit vectors in the ICRS on a lattice over the image; `None` where there are none.

    Vectors, unlike angles, have no seam at 0 h and no pole.
    """
    if wcs is None:
        return None
    x, y = (np.linspace(-0.5, length - 0.5, CELLS + 1) for length in shape[::-1])
    try:
        sky = wcs.pixel_to_world(*np.meshgrid(x, y)).icrs
        vectors = np.stack([np.asarray(each) for each in sky.cartesian.xyz], axis=-1)
    except Exception:  # of any kind of WCS: one that can't is none
        return None
    if not np.isfinite(vectors).all():
        return None
    return {"cells": CELLS, "block": blocks.add(vectors.astype(np.float64))}
