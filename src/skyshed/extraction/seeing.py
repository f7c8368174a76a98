"""The seeing of bands, as it is given: widths of PSFs, or images of them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from skyshed.arguments import check_number
from skyshed.chain.matching import extent_of, kernel_between, kernel_of_widths
from skyshed.images import open_image
from skyshed.namespace import to_host

__all__ = ["MOFFAT_BETA", "Seeing", "seeing_of"]

#: The exponent of PSFs of which only the width is given. Stars in the atmosphere have 2.5 to 4.8
#: (Trujillo et al. 2001, MNRAS 328, 977): where seeing of 3.5 and 5 pixels is matched, colors in
#: circles of one FWHM are right to 0.04 mag between them, and wrong by 0.06 to 0.11 by Gaussians.
MOFFAT_BETA = 3.5


@dataclass(frozen=True, eq=False)
class Seeing:
    """What the PSFs of some bands are.

    Attributes
    ----------
    widths : mapping of str to float
        The FWHM of each band in pixels.
    beta : float
        The exponent of the Moffat profiles that have these widths; infinite for Gaussians.
    images : mapping of str to array of float64
        The PSF of each band; empty where widths are given. Without either nothing is matched.
    """

    widths: Mapping[str, float]
    beta: float
    images: Mapping[str, Any]

    def __bool__(self) -> bool:
        return bool(self.widths or self.images)

    def kernels(self, shape: tuple[int, int]) -> dict[str, Any]:
        """Return the kernels that bring each band of an image of this shape to the worst seeing.

        Raises
        ------
        ValueError
            If the seeing is larger than the image, as where it is in other units.
        """
        if self.images:
            worst = max(self.images, key=lambda name: extent_of(self.images[name]))
            return {
                name: np.ones((1, 1))
                if name == worst
                else kernel_between(image, self.images[worst])
                for name, image in self.images.items()
            }
        for name, fwhm in self.widths.items():
            if fwhm > max(shape):
                raise ValueError(
                    f"psf_fwhm of {name} is {fwhm:g} pixels, and the image has {shape[0]} x "
                    f"{shape[1]}: give the seeing of each band in pixels"
                )
        largest = max(self.widths.values(), default=0.0)
        return {
            name: kernel_of_widths(fwhm, largest, self.beta) for name, fwhm in self.widths.items()
        }


def seeing_of(names: Sequence[str], psf_fwhm: Any, psf_beta: Any, psf: Any) -> Seeing:
    """Check what `skyshed.extract_bands` is given of the seeing, and read images of PSFs."""
    if psf is not None and psf_fwhm is not None:
        raise ValueError("psf and psf_fwhm both say what the seeing is: give one of them")
    if psf_beta is None:
        beta = MOFFAT_BETA
    elif psf_fwhm is None:
        raise ValueError(
            f"psf_beta is {psf_beta!r}, the shape of PSFs whose widths are not given: give "
            "psf_fwhm, too, or leave it out"
        )
    else:
        beta = check_number(psf_beta, "psf_beta", "a number above 1")
        if not beta > 1:
            raise ValueError(
                f"psf_beta must be above 1, as a Moffat profile has no finite flux otherwise, or "
                f"infinite for a Gaussian; got {beta:g}"
            )
    return Seeing(_widths(psf_fwhm, names), beta, _images(psf, names))


def _widths(psf_fwhm: Any, names: Sequence[str]) -> dict[str, float]:
    if psf_fwhm is None:
        return {}
    if not isinstance(psf_fwhm, Mapping) or set(psf_fwhm) != set(names):
        shown = sorted(psf_fwhm) if isinstance(psf_fwhm, Mapping) else psf_fwhm
        raise ValueError(
            f"psf_fwhm must have the seeing of each band, {', '.join(names)}, in pixels, as in "
            f"{' '.join(f'{name}=3.5' for name in names)}; got {shown!r}"
        )
    seeing = {}
    for name in names:
        seeing[name] = check_number(psf_fwhm[name], f"psf_fwhm of {name}", "a number of pixels")
        if not 0 < seeing[name] < math.inf:
            raise ValueError(f"psf_fwhm of {name} must be positive, got {seeing[name]:g}")
    return seeing


def _images(psf: Any, names: Sequence[str]) -> dict[str, Any]:
    if psf is None:
        return {}
    if not isinstance(psf, Mapping) or set(psf) != set(names):
        shown = sorted(psf) if isinstance(psf, Mapping) else type(psf).__name__
        raise ValueError(f"psf must have an image for each band, {', '.join(names)}; got {shown!r}")
    images = {}
    for name in names:
        source = open_image(psf[name], f"psf of {name}").image
        image = to_host(source.read(source.everything)).astype(np.float64)
        odd = all(size % 2 for size in image.shape)
        if not odd or not np.isfinite(image).all() or not image.sum() > 0:
            raise ValueError(
                f"psf of {name} must be an image with odd sizes, finite values and a sum above 0; "
                f"got shape {image.shape}, sum {image.sum():g}"
            )
        images[name] = image
    return images
