"""One image to detect on, made of several bands: their significances, or their mean."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from skyshed.background.mesh import Mesh
from skyshed.images.exposure import Planes
from skyshed.namespace import array_namespace

__all__ = [
    "METHODS",
    "Combination",
    "combined",
    "combined_correlation",
    "combined_mesh",
    "combined_noise",
]

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
    images : iterable of `skyshed.chain.prepared.Prepared`
        The window of each band, in their order; one after the other is asked for.
    name : str
        What the planes are called.

    Returns
    -------
    planes : Planes
        The combination, whose background is 0, and its noise. Pixels that no band has are masked.
    """
    if combination.method != "mean":
        return _combined_sums(combination, images, name)
    total: Any = None
    spread: Any = None
    number: Any = None
    for image, scale in zip(images, combination.scales, strict=True):
        image.mark()
        term, _ = image.without_background()  # an array of its own
        noise = image.noise()
        xp = array_namespace(data=term)
        good = noise > 0
        if image.planes.mask is not None:
            good &= ~image.planes.mask
        noise = xp.where(good, noise, noise.dtype.type(1))
        term *= term.dtype.type(scale)
        noise *= noise.dtype.type(scale)
        term[~good] = 0
        if total is None:
            total, spread, number = term, noise, good.astype(np.int16)
        else:
            total, spread = _averaged((total, spread), (term, noise), good, number == 0)
            number = _plus(number, good)
        del term, noise, good, image
    return _as_planes(total, number == 0, spread, name)


def _combined_sums(combination: Combination, images: Iterable[Any], name: str) -> Planes:
    """Combine a window of several bands by sums of significances, or of their squares.

    Nearly all pixels are there in all bands: only those that are not are looked at one by one.
    """
    total: Any = None
    lost: Any = None
    n = len(combination.bands)
    squared = combination.method == "chi2"
    for image in images:
        # A byte counts so many.
        added = image.add_significance(total, squared, lost) if n < 256 else None
        if added is not None:
            total, lost = added
            continue
        image.mark()
        term, bad = _significance(image)
        if squared:
            np.square(term, out=term)
        total = term if total is None else _plus(total, term)
        if bad is not None:
            if lost is None:
                xp = array_namespace(data=total)
                lost = xp.zeros(total.shape, dtype=np.uint8 if n < 256 else np.int32)
            lost += bad.view(np.uint8)
        del term, bad, image
    xp = array_namespace(data=total)
    mean, deviation = ([0.0] * (n + 1), [1.0, *(k**0.5 for k in range(1, n + 1))])
    if squared:
        mean, deviation = _chi(n)
        np.sqrt(total, out=total)
    factors = [1 / each for each in deviation]
    offsets = [a * b for a, b in zip(mean, factors, strict=True)]
    missing = None
    if lost is not None:
        index = xp.flatnonzero(lost != 0)  # of booleans NumPy finds them in a fifth of the time
        number = n - lost.reshape(-1)[index]
        some = total.reshape(-1)[index] * xp.asarray(factors, dtype=total.dtype)[number]
        some -= xp.asarray(offsets, dtype=total.dtype)[number]
        missing = lost == n
    total *= total.dtype.type(factors[n])
    if offsets[n]:
        total -= total.dtype.type(offsets[n])
    if lost is not None:
        total.reshape(-1)[index] = some
    one = xp.broadcast_to(xp.ones((), dtype=total.dtype), total.shape)
    return _as_planes(total, missing, one, name)


def _significance(image: Any) -> tuple[Any, Any]:
    """Return a band over its noise, and where it has none, where that is 0; `None` for nowhere."""
    term, _ = image.without_background()  # an array of its own
    noise, mask = image.noise(), image.planes.mask
    xp = array_namespace(data=term)
    bad = None if xp.min(noise) > 0 else ~(noise > 0)
    if mask is not None:
        bad = mask if bad is None else bad | mask
    if bad is None:
        term /= noise
        return term, None
    with np.errstate(divide="ignore", invalid="ignore"):
        term /= noise
    term.reshape(-1)[xp.flatnonzero(bad)] = 0
    return term, bad


def _as_planes(data: Any, missing: Any, rms: Any, name: str) -> Planes:
    """Return a combination, whose background is 0."""
    xp = array_namespace(data=data)
    return Planes(
        data, missing if missing is not None and xp.any(missing) else None, rms, name=name,
        level=xp.broadcast_to(xp.zeros((), dtype=data.dtype), data.shape), subtracted=True,
    )  # fmt: skip


def _plus(total: Any, term: Any) -> Any:
    """Add to a sum, in its place if its dtype holds the result."""
    if np.result_type(total.dtype, term.dtype) != total.dtype:
        return total + term
    total += term
    return total


def _averaged(
    whole: tuple[Any, Any], band: tuple[Any, Any], good: Any, first: Any
) -> tuple[Any, Any]:
    """Return the mean, weighted by 1 / noise**2, of what was averaged so far and of a band.

    Only ratios of noises are squared, so that no unit is too small or too large for float32.

    Parameters
    ----------
    whole, band : pair of arrays
        Values and their noise.
    good, first : arrays of bool
        Where the band has pixels, and where no band before it has.
    """
    (mean, spread), (term, noise) = whole, band
    xp = array_namespace(mean=mean)
    with np.errstate(over="ignore"):
        share = 1 / (1 + (noise / spread) ** 2)
    share = xp.where(good, xp.where(first, share.dtype.type(1), share), share.dtype.type(0))
    mean = _plus(mean, share * (term - mean))
    # Both are the noise of the mean; the one whose rounding is less.
    own = xp.where(share < 0.5, spread * xp.sqrt(1 - share), noise * xp.sqrt(share))
    return mean, xp.where(first & good, noise, own)


def _chi(most: int) -> tuple[list[float], list[float]]:
    """Return mean and standard deviation of chi for 0 to ``most`` degrees of freedom.

    The mean of n is ``sqrt(2) Gamma((n + 1) / 2) / Gamma(n / 2)``, the variance n - mean**2.
    """
    mean = [0.0]
    for n in range(1, most + 1):
        mean.append(math.sqrt(2) * math.exp(math.lgamma((n + 1) / 2) - math.lgamma(n / 2)))
    return mean, [1.0, *(math.sqrt(n - mean[n] ** 2) for n in range(1, most + 1))]


def combined_noise(combination: Combination, noises: Sequence[float]) -> float:
    """Return one noise for a combination, from those of its bands."""
    if combination.method != "mean":
        return 1.0
    scaled = (scale * noise for scale, noise in zip(combination.scales, noises, strict=True))
    weight = sum(noise**-2 for noise in scaled if noise > 0)
    return weight**-0.5 if weight else 0.0


def combined_correlation(
    combination: Combination, noises: Sequence[float], correlations: Sequence[Any]
) -> Any:
    """Return the correlation of the noise of a combination, as if bands had no noise in common.

    Parameters
    ----------
    combination : Combination
        What is combined.
    noises : sequence of float
        The noise of each of its bands.
    correlations : sequence of (tuple of tuple of float) or None
        That of each.

    Returns
    -------
    correlation : tuple of tuple of float, or None
        The mean of those of the bands, by what each adds to the variance; `None` where that of a
        band is not known.
    """
    if any(each is None for each in correlations):
        return None
    shares = np.ones(len(noises))
    if combination.method == "mean":
        scaled = np.array(combination.scales) * np.array(noises)
        shares = np.divide(1.0, scaled**2, out=np.zeros_like(scaled), where=scaled > 0)
    if not shares.any():
        return None
    mean = sum(s * np.array(each) for s, each in zip(shares, correlations, strict=True))
    mean = mean / shares.sum()
    half = len(mean) // 2
    mean[half, half] = 1.0  # which rounding may miss
    return tuple(map(tuple, mean.tolist()))


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
