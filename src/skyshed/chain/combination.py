"""One image to detect on, made of several bands: their significances, or their mean."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from skyshed.background.mesh import Mesh
from skyshed.images.exposure import Planes
from skyshed.namespace import array_namespace

__all__ = ["METHODS", "Combination", "combined", "combined_mesh"]

#: How bands may be combined.
METHODS = ("snr", "chi2", "mean")


@dataclass(frozen=True)
class Combination:
    """What the image that sources are detected on is made of.

    Attributes
    ----------
    bands : tuple of str
        The bands.
    method : {"snr", "chi2", "mean"}
        ``"snr"`` is the sum of data / noise over the square root of the number of bands;
        ``"chi2"`` the root of the sum of (data / noise)**2 (Szalay, Connolly & Szokoly 1999,
        AJ 117, 68), less its mean and in units of the standard deviation that noise alone gives
        it; ``"mean"`` the mean of the data, weighted by 1 / noise**2. In each pixel the bands that
        have it count. The noise of the first two is 1.
    scales : tuple of float
        For ``"mean"``: what brings each band to the scale of the first.

    Examples
    --------
    >>> from skyshed.chain.combination import Combination
    >>> Combination(("r", "i"), "snr").scales
    (1.0, 1.0)
    """

    bands: tuple[str, ...]
    method: str
    scales: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not self.scales:
            object.__setattr__(self, "scales", (1.0,) * len(self.bands))


def combined(combination: Combination, images: Iterable[Any], name: str) -> Planes:
    """Combine a window of several bands.

    Parameters
    ----------
    combination : Combination
        How.
    images : iterable of `skyshed.chain.steps.Prepared`
        The window of each band, in their order; one after the other is asked for.
    name : str
        What the planes are called.

    Returns
    -------
    planes : Planes
        The combination, whose background is 0, and its noise. Pixels that no band has are masked.
    """
    total: Any = None
    for image, scale in zip(images, combination.scales, strict=True):
        data, _ = image.without_background()
        noise = image.noise()
        xp = array_namespace(data=data)
        good = noise > 0
        if image.planes.mask is not None:
            good &= ~image.planes.mask
        if total is None:
            total, weight = (xp.zeros(data.shape, dtype=data.dtype) for _ in range(2))
            number = xp.zeros(data.shape, dtype=np.int16)
        noise = xp.where(good, noise, noise.dtype.type(1))
        term, share = _term(combination.method, data, noise, scale)
        total = total + xp.where(good, term, term.dtype.type(0))
        weight = weight + xp.where(good, share, share.dtype.type(0))
        number += good
        del data, noise, good, term, share, image
    data, rms = _of_sums(combination.method, total, weight, number, len(combination.bands))
    missing = number == 0
    return Planes(
        data, missing if xp.any(missing) else None, rms, name=name,
        level=xp.broadcast_to(xp.zeros((), dtype=data.dtype), data.shape),
    )  # fmt: skip


def _term(method: str, data: Any, noise: Any, scale: float) -> tuple[Any, Any]:
    """Return what a band adds to the sum, and to that of the weights."""
    if method == "mean":
        of_type = data.dtype.type(scale)
        weight = 1 / (noise * of_type) ** 2
        return data * of_type * weight, weight
    significance = data / noise
    return (significance if method == "snr" else significance**2), np.ones_like(significance)


def _of_sums(method: str, total: Any, weight: Any, number: Any, most: int) -> tuple[Any, Any]:
    """Return the combination and its noise; 0 and 1 where no band has the pixel."""
    xp = array_namespace(total=total)
    there = number > 0
    one = total.dtype.type(1)
    weight = xp.where(there, weight, one)
    if method == "mean":
        return total / weight, xp.sqrt(1 / weight)
    if method == "snr":
        return total / xp.sqrt(weight), xp.ones_like(total)
    mean, deviation = (xp.asarray(each, dtype=total.dtype) for each in _chi(most))
    data = (xp.sqrt(total) - mean[number]) / deviation[number]
    return xp.where(there, data, total.dtype.type(0)), xp.ones_like(total)


def _chi(most: int) -> tuple[list[float], list[float]]:
    """Return mean and standard deviation of chi for 0 to ``most`` degrees of freedom.

    The mean of n is ``sqrt(2) Gamma((n + 1) / 2) / Gamma(n / 2)``, the variance n - mean**2.
    """
    mean = [0.0]
    for n in range(1, most + 1):
        mean.append(math.sqrt(2) * math.exp(math.lgamma((n + 1) / 2) - math.lgamma(n / 2)))
    return mean, [1.0, *(math.sqrt(n - mean[n] ** 2) for n in range(1, most + 1))]


def combined_mesh(combination: Combination, meshes: Sequence[Mesh]) -> Mesh:
    """Return the mesh of a combination: level 0, and the noise in each box.

    ``meshes`` are those of its bands, in their order.
    """
    first = meshes[0]
    noise = np.ones_like(first.noise)
    if combination.method == "mean":
        scaled = [
            scale * mesh.noise for scale, mesh in zip(combination.scales, meshes, strict=True)
        ]
        noise = 1 / np.sqrt(sum(1 / np.where(each > 0, each, np.inf) ** 2 for each in scaled))
    return Mesh(np.zeros_like(first.level), noise, first.gaps, first.n_good)
