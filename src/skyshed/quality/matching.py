"""Detections and the true sources that they are of."""

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Matches", "isolated", "match"]


@dataclass(frozen=True, eq=False)
class Matches:
    """Which true source each detection is of, and which detection each true source has.

    Attributes
    ----------
    source_of : array of int64, shape (n_detections,)
        The true source; -1 for none.
    detection_of : array of int64, shape (n_true,)
        The detection; -1 for none.
    """

    source_of: Any
    detection_of: Any


def match(x: Any, y: Any, true_x: Any, true_y: Any, true_flux: Any, radius: float) -> Matches:
    """Match detections with true sources.

    A detection is of the brightest of the true sources within ``radius`` of it. Where several
    detections are of one source, the nearest is the source's own.

    Parameters
    ----------
    x, y : array of float, shape (n_detections,)
        The detections; those at NaN are of nothing.
    true_x, true_y, true_flux : array of float, shape (n_true,)
        The true sources.
    radius : float
        How far they may be apart, in pixels.

    Examples
    --------
    >>> from skyshed.quality.matching import match
    >>> found = match([10.2, 50.0], [10.0, 50.0], [10.0, 11.0], [10.0, 10.0], [5.0, 9.0], 3.0)
    >>> found.source_of, found.detection_of
    (array([ 1, -1]), array([-1,  0]))
    """
    from scipy.spatial import cKDTree

    x, y, true_x, true_y, true_flux = (
        np.asarray(each, float) for each in (x, y, true_x, true_y, true_flux)
    )
    source_of, detection_of = np.full(x.size, -1), np.full(true_x.size, -1)
    (good,) = np.nonzero(np.isfinite(x) & np.isfinite(y))
    if good.size == 0 or true_x.size == 0:
        return Matches(source_of, detection_of)
    near = cKDTree(np.column_stack([true_x, true_y])).query_ball_point(
        np.column_stack([x[good], y[good]]), radius
    )
    count = np.array([len(each) for each in near])
    detection = np.repeat(good, count)
    source = np.concatenate([np.asarray(each, np.int64) for each in near])
    # The last entry of a detection is its brightest source: later assignments go over earlier ones.
    order = np.argsort(true_flux[source], kind="stable")
    source_of[detection[order]] = source[order]
    (matched,) = np.nonzero(source_of >= 0)
    own = source_of[matched]
    distance = np.hypot(x[matched] - true_x[own], y[matched] - true_y[own])
    order = np.argsort(-distance, kind="stable")
    detection_of[own[order]] = matched[order]
    return Matches(source_of, detection_of)


def isolated(true_x: Any, true_y: Any, true_flux: Any, radius: float, share: float) -> Any:
    """Return which true sources have no neighbour that could disturb their measurement.

    Parameters
    ----------
    true_x, true_y, true_flux : array of float, shape (n,)
        The true sources.
    radius : float
        How far around them neighbours count, in pixels.
    share : float
        The flux of all neighbours there, over the source's own, that is no disturbance yet.

    Examples
    --------
    >>> from skyshed.quality.matching import isolated
    >>> isolated([0, 5, 50], [0, 0, 0], [100, 1, 100], radius=10, share=0.05)
    array([ True, False,  True])
    """
    from scipy.spatial import cKDTree

    flux = np.asarray(true_flux, float)
    if flux.size == 0:
        return np.zeros(0, bool)
    pairs = cKDTree(np.column_stack([true_x, true_y])).query_pairs(radius, output_type="ndarray")
    around = np.bincount(pairs[:, 0], flux[pairs[:, 1]], flux.size)
    around += np.bincount(pairs[:, 1], flux[pairs[:, 0]], flux.size)
    return around <= share * flux
