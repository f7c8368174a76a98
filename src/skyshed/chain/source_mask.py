"""Where the sources are that the background must not be measured on: segments, grown."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from skyshed.filtering import gaussian_template
from skyshed.images.window import Window
from skyshed.kernels import labelling
from skyshed.namespace import array_namespace, is_device_array
from skyshed.parameters import Parameters

if TYPE_CHECKING:
    from skyshed.chain.prepared import Prepared
    from skyshed.segmentation import SegmentationImage

__all__ = [
    "LeftOut",
    "first_parameters",
    "grown",
    "grown_in",
    "left_out_by",
    "left_out_of_noise",
    "reach_of",
]

#: Pixels that are grown at a time, few enough for the caches of a processor.
IN_CACHE = 1 << 19


@dataclass(frozen=True, eq=False)
class LeftOut:
    """The pixels that a second pass over the background leaves out.

    The level must be free of all light that is seen. Of faint sources, though, some lie unseen
    beneath others, where nothing parts them: where they count as noise, errors know of it.

    Attributes
    ----------
    level, noise : array of bool, shape (ny, nx)
        True for pixels left out of the level, and out of the noise; the same array where there is
        no difference.
    """

    level: Any
    noise: Any

    def each(self, change: Callable[[Any], Any]) -> "LeftOut":
        """Return what ``change`` makes of both."""
        level = change(self.level)
        return LeftOut(level, level if self.noise is self.level else change(self.noise))


def first_parameters(parameters: Parameters) -> Parameters:
    """Return those by which the sources are found that the second pass leaves out.

    With ``background_nsigma`` and ``background_fwhm`` they are looked for through that Gaussian.

    Examples
    --------
    >>> from skyshed import Parameters
    >>> from skyshed.chain.source_mask import first_parameters
    >>> given = Parameters(background_passes=2, background_nsigma=1, background_fwhm=4)
    >>> first = first_parameters(given)
    >>> first.nsigma, first.kernel_fwhm, first.kernel_size
    (1.0, 4.0, 13)
    """
    fwhm = parameters.background_fwhm
    if parameters.background_nsigma is None:
        return parameters
    parameters = _above(parameters, parameters.background_nsigma)
    if fwhm is None:
        return parameters
    size = len(gaussian_template(fwhm))
    return replace(parameters, kernel=None, kernel_fwhm=fwhm, kernel_size=size)


def _above(parameters: Parameters, nsigma: float) -> Parameters:
    return replace(parameters, nsigma=nsigma, significance=None, threshold=None)


def left_out_by(image: "Prepared", segmentation: "SegmentationImage | None") -> LeftOut:
    """Return where the sources are, which are known or found without being split, grown."""
    parameters = image.parameters
    if segmentation is not None:
        sources = segmentation.data != 0
        left_out = LeftOut(sources, sources)
    else:
        first = replace(image, parameters=first_parameters(parameters))
        first.convolve(detect=True)
        labels, _ = labelling.label_above(
            first.detected_on, first.threshold(), first.planes.mask, parameters.npixels,
            parameters.connectivity, parameters.n_threads,
        )  # fmt: skip
        left_out = left_out_of_noise(first, labels != 0)
        del first, labels
    return left_out.each(lambda mask: grown(mask, parameters.background_growth))


def left_out_of_noise(first: "Prepared", sources: Any) -> LeftOut:
    """Return the sources of a first detection, and those of their pixels that are bright enough.

    ``first`` is what they were found on, before anything of it is let go.
    """
    nsigma = first.parameters.noise_nsigma
    if nsigma is None:
        return LeftOut(sources, sources)
    limit = replace(first, parameters=_above(first.parameters, nsigma), limit=None).threshold()
    return LeftOut(sources, sources & (first.detected_on > limit))


def reach_of(distance: float) -> int:
    """Return how many pixels beyond a window its grown mask depends on."""
    return int(distance)


def grown(mask: Any, distance: float) -> Any:
    """Return a mask with all pixels that lie within a distance of one that is masked.

    Parameters
    ----------
    mask : array of bool, shape (ny, nx)
        What is grown.
    distance : float
        Euclidean, between the centers of pixels, in pixels.

    Returns
    -------
    grown : array of bool, shape (ny, nx)
        Exact: pixels at the distance itself are masked. Beyond ``distance`` pixels it does not
        depend on where the image ends.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed.chain.source_mask import grown
    >>> one = np.zeros((5, 5), dtype=bool)
    >>> one[2, 2] = True
    >>> print(grown(one, 2).astype(int))
    [[0 0 1 0 0]
     [0 1 1 1 0]
     [1 1 1 1 1]
     [0 1 1 1 0]
     [0 0 1 0 0]]
    """
    ny, nx = mask.shape
    reach = reach_of(distance)
    step = ny if is_device_array(mask) else max(IN_CACHE // max(nx, 1), reach, 1)
    if step >= ny:
        return _grown(mask, distance)
    result = np.empty_like(mask)
    for y in range(0, ny, step):
        top = max(y - reach, 0)
        strip = _grown(mask[top : y + step + reach], distance)
        result[y : y + step] = strip[y - top : y - top + step]
    return result


def _grown(mask: Any, distance: float) -> Any:
    """Return a mask grown, by the rows of the disk from the narrowest to the widest."""
    ny = mask.shape[0]
    wide, half = mask.copy(), 0
    result = mask.copy()
    for down in range(reach_of(distance), -1, -1):
        while half < _half_width(distance, down):
            half += 1
            wide[:, half:] |= mask[:, :-half]
            wide[:, :-half] |= mask[:, half:]
        if down < ny:
            result[down:] |= wide[: ny - down]
            result[: ny - down] |= wide[down:]
    return result


def _half_width(distance: float, down: int) -> int:
    """Return how far a disk reaches to either side in a row that lies ``down`` from its center."""
    half = int(math.sqrt(distance * distance - down * down)) + 1
    while math.sqrt(half * half + down * down) > distance:
        half -= 1
    return half


def grown_in(mask: Any, distance: float, around: Window, window: Window) -> Any:
    """Return the part in a ``window`` of a mask that is known ``around`` it, grown."""
    xp = array_namespace(mask=mask)
    return xp.ascontiguousarray(grown(mask, distance)[window.within(around)])
