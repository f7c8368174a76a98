"""The images that sources are detected on: convolved, or the significance of templates."""

from functools import lru_cache
from typing import Any

import numpy as np

from skyshed.convolution import convolve, convolve_stack, oversampled_gaussian
from skyshed.filtering import gaussian_template, significance_of, smoothed_noise
from skyshed.parameters import Parameters

__all__ = [
    "convolved",
    "detection_limit",
    "detection_significance",
    "halo_of",
    "kernel_of",
    "limit_of_each_pixel",
    "noise_left",
    "sigmas_of_flat_light",
]


@lru_cache(maxsize=8)  # several steps of each image ask for it
def kernel_of(parameters: Parameters) -> Any:
    """Return the kernel that the image is convolved with, its sum 1; `None` if it is not."""
    if parameters.kernel is not None:
        # It says how sources look in the image; a convolution turns its kernel round.
        kernel = np.array(parameters.kernel)[::-1, ::-1]
        kernel = kernel / kernel.sum()
    elif parameters.kernel_fwhm and parameters.kernel_size:
        kernel = oversampled_gaussian(parameters.kernel_fwhm, (parameters.kernel_size,) * 2)
    else:
        return None
    kernel.flags.writeable = False
    return kernel


def _templates(parameters: Parameters) -> list[Any]:
    """Return the kernels of the matched filter."""
    if parameters.template_fwhm:
        return [gaussian_template(fwhm) for fwhm in parameters.template_fwhm]
    kernel = kernel_of(parameters)
    return [np.ones((1, 1)) if kernel is None else kernel]


def halo_of(parameters: Parameters) -> int:
    """Return how many pixels beyond its edge a filtered window depends on."""
    kernels = [kernel_of(parameters)]
    if parameters.filter == "matched":
        kernels += _templates(parameters)
    return max((max(each.shape) // 2 for each in kernels if each is not None), default=0)


def convolved(data: Any, mask: Any, parameters: Parameters, n_images: int = 1) -> Any:
    """Return the image that sources are deblended and shaped on, NaN where it is masked.

    Of ``n_images`` equal ones, one below the other, each is convolved by itself.
    """
    kernel = kernel_of(parameters)
    if kernel is None:
        return data
    if n_images > 1:
        images, masks = (
            None if each is None else each.reshape(n_images, -1, each.shape[1])
            for each in (data, mask)
        )
        return convolve_stack(images, kernel, masks, parameters.n_threads).reshape(data.shape)
    return convolve(data, kernel, mask=mask, preserve_nan=True, n_threads=parameters.n_threads)


def detection_significance(data: Any, noise: Any, mask: Any, parameters: Parameters) -> Any:
    """Return the significance that a matched filter detects on."""
    return significance_of(data, noise, mask, _templates(parameters), parameters.n_threads)


def detection_limit(parameters: Parameters) -> float:
    """Return what the significance of a matched filter must exceed.

    ``nsigma`` is in units of the noise before convolution: where the noise is the same everywhere,
    it finds the same sources with either filter.
    """
    if parameters.significance is not None:
        return parameters.significance
    (kernel,) = _templates(parameters)
    return float(parameters.nsigma * kernel.sum() / np.sqrt(np.sum(kernel * kernel)))


def noise_left(parameters: Parameters) -> float:
    """Return the noise of the convolved image, over that of pixels that all have the same."""
    kernel = kernel_of(parameters)
    return 1.0 if kernel is None else float(np.sqrt(np.sum(kernel * kernel)))


def sigmas_of_flat_light(parameters: Parameters) -> float:
    """Return the threshold in units of the noise of a pixel, in flat light and even noise.

    That is what the threshold on any image of significance is as a surface brightness. Of several
    templates it is that of the one which lets the faintest light be detected.
    """
    if parameters.significance is None:
        return parameters.nsigma
    if parameters.filter == "matched":
        left = min(np.sqrt(np.sum(t * t)) / abs(t.sum()) for t in _templates(parameters))
    else:
        left = noise_left(parameters)
    return float(parameters.significance * left)


def limit_of_each_pixel(noise: Any, mask: Any, parameters: Parameters) -> Any:
    """Return ``significance`` times the noise that each pixel of the convolved image has."""
    kernel = kernel_of(parameters)
    if kernel is not None:
        noise = smoothed_noise(noise, mask, kernel, parameters.n_threads)
    return noise * noise.dtype.type(parameters.significance)
