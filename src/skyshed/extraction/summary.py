"""What a run has found, in four lines; of several bands in one more for each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from skyshed.chain.designation import pixel_scale
from skyshed.chain.tiles_table import TIME
from skyshed.flags import SEGMENTATION_FLAGS, USUAL

__all__ = ["FlagCounts", "ImageNoise", "summary"]

#: What a record has where the noise of the sources themselves is known.
OF_SOURCES = ("error", "effective_gain")
#: Standard deviations of what is called the depth.
SIGMAS = 5
#: FWHMs of the detection kernel across the circle of the depth: it holds most of a point source.
ACROSS = 2
#: The same in pixels, if nothing is convolved.
WITHOUT_KERNEL = 6.0


@dataclass
class FlagCounts:
    """How many sources have a flag that makes them doubtful, counted as their tables pass by.

    What only tells how a source was measured (`skyshed.flags.USUAL`) is not counted.

    Examples
    --------
    >>> from skyshed.extraction.summary import FlagCounts
    >>> counts = FlagCounts()
    >>> counts.add([0, 3, 2, 32])
    >>> counts.n_doubtful, counts.most_frequent()
    (2, ('non_finite_data', 2))
    """

    n_doubtful: int | None = None
    _by_bit: dict[int, int] = field(default_factory=dict)

    def add(self, flags: Any) -> None:
        """Count those of some sources."""
        flags = np.asarray(flags).astype(np.int64) & ~USUAL
        self.n_doubtful = (self.n_doubtful or 0) + int(np.count_nonzero(flags))
        for bit in SEGMENTATION_FLAGS.bit_values:
            n = int(np.count_nonzero(flags & bit))
            self._by_bit[bit] = self._by_bit.get(bit, 0) + n

    def most_frequent(self) -> tuple[str, int]:
        """Return the name of the flag that most doubtful sources have, and how many these are."""
        bit = max(self._by_bit, key=lambda each: self._by_bit[each])
        return SEGMENTATION_FLAGS.get_name(bit), self._by_bit[bit]


@dataclass(frozen=True)
class ImageNoise:
    """What a summary says of an image.

    Attributes
    ----------
    level, noise : float
        Medians of the background and of the noise of a pixel.
    unit : str
        That of the image; empty for none.
    noise_factor : callable
        ``noise_factor(radius)`` is how many times the correlation of the noise makes the variance
        of the sum over a circle.
    zero_point : float or None
        The AB magnitude of a flux of 1, where it is known.
    band : str
        The band; empty for the only image.
    """

    level: float
    noise: float
    unit: str
    noise_factor: Callable[[float], float]
    zero_point: float | None
    band: str = ""

    def __str__(self) -> str:
        return f"background {self._in_unit(self.level)}, noise {self._in_unit(self.noise)} a pixel"

    def _in_unit(self, value: float) -> str:
        return f"{value:.4g} {self.unit}".rstrip()

    def depth(self, radius: float) -> str:
        """Return the flux in a circle that is `SIGMAS` times its error, in words."""
        variance = np.pi * radius**2 * self.noise_factor(radius)
        depth = SIGMAS * self.noise * np.sqrt(variance)
        magnitude = ""
        if self.zero_point is not None and depth > 0:
            magnitude = f", {self.zero_point - 2.5 * np.log10(depth):.2f} AB mag"
        return f"depth {self._in_unit(depth)}{magnitude}"


def summary(found: Any, seconds: float, flags: FlagCounts | None = None) -> list[str]:
    """Return the lines: background and noise, depth, sources, time; of bands the first of each.

    The depth is 5 times the error of the sum over a circle of twice the FWHM of the detection
    kernel across, by the noise of its pixels, and its correlation where a second pass over the
    background measured it. Without that pixels are taken for independent: of images that were
    resampled it is too deep then.

    Parameters
    ----------
    found : Extraction
        What was found.
    seconds : float
        How long it took.
    flags : FlagCounts, optional
        Flags of the sources.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed import extract
    >>> from skyshed.extraction.summary import summary
    >>> image = np.random.default_rng(1).normal(10, 1, (128, 128))
    >>> image[30:34, 60:64] += 50
    >>> for line in summary(extract(image, nsigma=5), 1.25)[:3]:
    ...     print(line)
    background 9.99, noise 0.9795 a pixel; errors without the sources' own (no effective_gain)
    depth 26.04: 5 sigma in a circle of 6 pixels across
    1 source (1 detected, 0 of them split)
    """
    tiles = found.tile_rows()
    across = ACROSS * (found.parameters.kernel_fwhm or 0.0) or WITHOUT_KERNEL
    scale = None if found.wcs is None else pixel_scale(found.wcs)
    sky = "" if scale is None else f" ({3600 * across * scale:.3g} arcsec)"
    what = f"{SIGMAS} sigma in a circle of {across:.3g} pixels across{sky}"
    images = found.noises()
    if images[0].band:
        lines = [f"band {each.band}: {each}, {each.depth(across / 2)}" for each in images]
        lines.append(f"depth is {what}{_own_noise(found)}")
    else:
        lines = [f"{images[0]}{_own_noise(found)}", f"{images[0].depth(across / 2)}: {what}"]
    return [*lines, _sources(found, flags), _times(tiles, seconds)]


def _own_noise(found: Any) -> str:
    """Return what is missing of the errors, if the photons of the sources are."""
    known = found.parameters.effective_gain is not None
    if known or any(key.endswith(OF_SOURCES) for key in found.record):  # of a band: g_error
        return ""
    return "; errors without the sources' own (no effective_gain)"


def _sources(found: Any, flags: FlagCounts | None) -> str:
    provenance = found.segmentation.provenance
    n = found.segmentation.nlabels
    n_split = np.unique(provenance.parent).size
    n_detected = n - np.unique(provenance.child).size + n_split
    text = f"{n} source{'' if n == 1 else 's'} ({n_detected} detected, {n_split} of them split)"
    if flags is None or flags.n_doubtful is None:
        return text
    if not flags.n_doubtful:
        return f"{text}, none of them doubtful"
    name, most = flags.most_frequent()
    are = "is" if flags.n_doubtful == 1 else "are"
    return f"{text}; {flags.n_doubtful} {are} doubtful by their flags, mostly {name} ({most})"


def _times(tiles: Sequence[Mapping[str, float]], seconds: float) -> str:
    phases = {
        name.removesuffix(TIME): sum(tile[name] for tile in tiles)
        for name in tiles[0]
        if name.endswith(TIME)
    }
    # Tiles are worked on several at a time.
    of = "" if len(tiles) == 1 else f" of {len(tiles)} tiles together"
    return f"{seconds:.1f} s ({', '.join(f'{k} {v:.1f}' for k, v in phases.items())}{of})"
