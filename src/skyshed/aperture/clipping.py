"""Sigma clipping of the pixels in apertures."""

import warnings
from copy import copy
from typing import Any

import numpy as np

from skyshed.aperture.pixels import Pixels
from skyshed.namespace import to_host

__all__ = ["check_clip", "kept_by"]


def check_clip(sigma_clip: Any) -> None:
    """Refuse what cannot clip the pixels of apertures.

    Raises
    ------
    TypeError
        If it is no SigmaClip.
    NotImplementedError
        If it grows: that needs the places of pixels.
    """
    if sigma_clip is None:
        return
    from astropy.stats import SigmaClip

    if not isinstance(sigma_clip, SigmaClip):
        raise TypeError(f"sigma_clip must be a SigmaClip instance, got {sigma_clip!r}")
    if sigma_clip.grow:
        raise NotImplementedError(
            f"sigma_clip grows by {sigma_clip.grow} pixels, which ApertureStats does not do: use "
            "SigmaClip(grow=False)"
        )


def kept_by(sigma_clip: Any, block: Pixels) -> Any:
    """Return which pixels of tables are kept; on the host."""
    table = to_host(np.where(block.used, block.values, np.nan))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of rows without values
        kept = copy(sigma_clip)(table, axis=1, masked=False, copy=True)
    return np.isfinite(kept)
