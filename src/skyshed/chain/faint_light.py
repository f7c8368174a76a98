"""The image that the level of a second pass is measured on, where it is smoothed before.

Sources too faint to be detected raise the level: in the noise of pixels they are neither clipped
nor seen in the shape of the distribution, from which the mode is told. The noise of an image that
is smoothed by about the seeing is several times smaller, and the light of stars hardly fainter.
"""

from typing import Any

from skyshed.convolution import convolve
from skyshed.filtering import gaussian_template
from skyshed.parameters import Parameters

__all__ = ["level_halo", "smoothed"]


def level_halo(parameters: Parameters) -> int:
    """Return how many pixels beyond a window the level of its boxes depends on."""
    fwhm = parameters.background_fwhm
    return 0 if fwhm is None else len(gaussian_template(fwhm)) // 2


def smoothed(data: Any, mask: Any, fwhm: float, n_threads: int | None) -> Any:
    """Return an image convolved by a Gaussian, NaN where it is masked.

    What is masked, and what lies beyond the edges, is left out of the weighted means.
    """
    return convolve(
        data, gaussian_template(fwhm), fill_value=float("nan"), mask=mask, preserve_nan=True,
        n_threads=n_threads,
    )  # fmt: skip
