"""Smoothing before detection: Gaussian kernels, and convolution that ignores missing pixels."""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np
from astropy.utils.exceptions import AstropyUserWarning

from skyshed._typing import Array, ImageOrNDData, Mask, Pair
from skyshed.arguments import (
    as_image,
    as_mask,
    as_pair,
    check_choice,
    check_flag,
    check_number,
    check_positive_integer,
    is_a,
    is_nddata,
    is_number,
    union,
)
from skyshed.kernels import convolution
from skyshed.messages import find_stack_level
from skyshed.names import accept_aliases
from skyshed.namespace import adopt, array_namespace, on_its_device, to_host

__all__ = ["as_kernel", "convolve", "make_2dgaussian_kernel", "oversampled_gaussian"]

#: The standard deviation of a Gaussian over its full width at half maximum.
FWHM_TO_SIGMA = 1.0 / (2.0 * np.sqrt(2.0 * np.log(2.0)))
#: Points of the finer grid along each axis of a pixel of an oversampled kernel.
OVERSAMPLING = 10
#: The least sum of a kernel that can be normalized (astropy's limit).
LEAST_SUM = 0.01


def make_2dgaussian_kernel(
    fwhm: float, size: Pair, mode: str = "oversample", oversampling: int = OVERSAMPLING
) -> Any:
    """Make a circular 2-D Gaussian kernel that sums to one.

    Its standard deviation is ``fwhm / (2 sqrt(2 ln 2))``.

    Parameters
    ----------
    fwhm : float
        Full width at half maximum, in pixels.
    size : int or pair of int
        The shape ``(ny, nx)`` of the kernel, or its size along both axes; odd.
    mode : {'oversample', 'center', 'linear_interp', 'integrate'}, optional
        What the value of a pixel is: the mean of the Gaussian over a finer grid, its value at the
        center, a bilinear interpolation between the corners, or the integral over the pixel.
    oversampling : int, optional
        The number of points of the finer grid along each axis of a pixel.

    Returns
    -------
    kernel : `~astropy.convolution.Kernel2D`
        The kernel, of float64; its array is ``kernel.array``.

    Raises
    ------
    ValueError
        If ``fwhm`` is not positive, ``size`` is not one or two odd positive integers, or ``mode``
        is not one of those listed.

    Examples
    --------
    >>> from skyshed import make_2dgaussian_kernel
    >>> kernel = make_2dgaussian_kernel(3.0, size=5)
    >>> kernel.shape, round(float(kernel.array[2, 2]), 6)
    ((5, 5), 0.103247)
    """
    from astropy.convolution import Gaussian2DKernel

    if not is_number(fwhm) or not 0 < fwhm <= sys.float_info.max:
        raise ValueError(f"fwhm must be a positive number of pixels, got {fwhm!r}")
    modes = ("oversample", "center", "linear_interp", "integrate")
    check_choice(mode, "mode", modes)
    ny, nx = as_pair(size, "size", odd=True)
    kernel = Gaussian2DKernel(
        fwhm * FWHM_TO_SIGMA,
        x_size=nx,
        y_size=ny,
        mode=mode,
        factor=check_positive_integer(oversampling, "oversampling"),
    )
    kernel.normalize(mode="integral")
    return kernel


def oversampled_gaussian(fwhm: float, shape: tuple[int, int]) -> Any:
    """Return the array of `make_2dgaussian_kernel` in its default mode.

    The bits are the same, and `astropy.convolution`, which imports all models and fitters of
    astropy, is not needed.

    Parameters
    ----------
    fwhm : float
        Full width at half maximum, in pixels.
    shape : tuple of int
        Both sizes odd.

    Returns
    -------
    kernel : array of float64
        Its sum is 1.

    Examples
    --------
    >>> from skyshed.convolution import oversampled_gaussian
    >>> oversampled_gaussian(3.0, (1, 3)).round(4)
    array([[0.2994, 0.4012, 0.2994]])
    """
    sigma = fwhm * FWHM_TO_SIGMA
    first, past = -0.5 * (1 - 1 / OVERSAMPLING), 1 - 0.5 * (1 + 1 / OVERSAMPLING)
    y, x = (np.linspace(first - size // 2, size // 2 + past, size * OVERSAMPLING) for size in shape)
    factor = 0.5 * (1.0 / sigma**2)
    peak = 1.0 / (2 * np.pi * sigma * sigma)
    values = peak * np.exp(-((factor * x**2) + (factor * y[:, None] ** 2)))
    cells = values.reshape(shape[0], OVERSAMPLING, shape[1], OVERSAMPLING)
    kernel = cells.mean(axis=3).mean(axis=1)
    for _ in range(2):  # as astropy's is normalized when it is made, and once more
        kernel /= kernel.sum()
    return kernel


@accept_aliases
@on_its_device
def convolve(
    array: ImageOrNDData,
    kernel: Any,
    boundary: str | None = "fill",
    fill_value: float = 0.0,
    nan_treatment: str = "interpolate",
    normalize_kernel: bool = True,
    mask: Mask = None,
    preserve_nan: bool = False,
    normalization_zero_tol: float = 1e-8,
    *,
    n_threads: int | None = None,
) -> Array:
    """Convolve an image with a kernel, and interpolate pixels that are missing.

    Arguments and results are those of `astropy.convolution.convolve`. That function does the work
    for 1-D and 3-D arrays, and where ``array`` is itself a kernel.

    Parameters
    ----------
    array : array_like, Quantity, masked array or `~astropy.nddata.NDData`, shape (ny, nx)
        The image. Masked pixels count as NaN.
    kernel : array_like or `~astropy.convolution.Kernel2D`, shape (ky, kx)
        The kernel; both sizes odd.
    boundary : {'fill', 'wrap', 'extend', None}, optional
        What lies outside the image: ``fill_value``, the image repeated, or its nearest pixel. With
        `None`, pixels where the kernel reaches outside are 0 in the result.
    fill_value : float, optional
        The value outside the image for ``boundary='fill'``, and the value that replaces NaN for
        ``nan_treatment='fill'``.
    nan_treatment : {'interpolate', 'fill'}, optional
        Whether NaN are left out of the weighted mean, or replaced by ``fill_value`` first.
    normalize_kernel : bool, optional
        Whether the kernel is divided by its sum.
    mask : array_like of bool, shape (ny, nx), optional
        True for pixels that count as NaN.
    preserve_nan : bool, optional
        Whether pixels that are NaN or masked are NaN in the result, too.
    normalization_zero_tol : float, optional
        A kernel whose sum is this close to zero cannot be normalized.
    n_threads : int, optional
        Threads to use; `None` for all available cores. The result is the same for any number.

    Returns
    -------
    result : array or Quantity, shape (ny, nx)
        In the dtype of ``array`` if that is a float, else float64; sums are always in float64.

    Raises
    ------
    ValueError
        If an option is not one of those listed, a shape does not fit, the kernel has an even size
        or masked elements, or it must be normalized and its sum is too close to zero.
    TypeError
        If ``array`` or ``kernel`` does not hold real numbers.

    Warns
    -----
    AstropyUserWarning
        If the result has NaN because no pixel under the kernel has a value.

    Notes
    -----
    A kernel that is the product of a column and a row, such as a Gaussian, and nowhere negative is
    applied as the one, then the other; the product may differ from its elements by 1e-13. Other
    kernels are applied element by element.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed import convolve
    >>> image = np.array([[1.0, 1, 1], [1, np.nan, 1], [1, 1, 10]])
    >>> convolve(image, np.ones((3, 3)), boundary="extend")
    array([[1.   , 1.   , 1.   ],
           [1.   , 2.125, 3.25 ],
           [1.   , 3.25 , 5.5  ]])
    """
    check_choice(boundary, "boundary", ("fill", "wrap", "extend", None))
    check_choice(nan_treatment, "nan_treatment", ("interpolate", "fill"))
    fill_value = check_number(fill_value, "fill_value")
    normalization_zero_tol = check_number(normalization_zero_tol, "normalization_zero_tol")
    normalize_kernel = check_flag(normalize_kernel, "normalize_kernel")
    preserve_nan = check_flag(preserve_nan, "preserve_nan")
    options = {
        "boundary": boundary,
        "fill_value": fill_value,
        "nan_treatment": nan_treatment,
        "normalize_kernel": normalize_kernel,
        "mask": mask,
        "preserve_nan": preserve_nan,
        "normalization_zero_tol": normalization_zero_tol,
    }
    image, hidden = adopt(array, "array"), adopt(mask, "mask")
    if is_nddata(image):
        from astropy.nddata import support_nddata

        return support_nddata(data="array")(convolve)(image, kernel, **options)
    if is_a(image, "astropy.convolution", "Kernel") or np.ndim(image) in (1, 3):
        from astropy.convolution import convolve as any_convolve

        return any_convolve(image, kernel, **options)
    xp = array_namespace(array=image, mask=hidden)
    weights = as_kernel(kernel, boundary, np.shape(image))
    data, missing = _as_pixels(image, hidden, xp)
    interpolate = nan_treatment == "interpolate"
    total = float(weights.sum())
    if normalize_kernel or interpolate:
        _check_normalizable(
            total, data, missing, normalize_kernel, interpolate, normalization_zero_tol,
            nan_outside=boundary == "fill" and np.isnan(fill_value),
        )  # fmt: skip
    if normalize_kernel:
        weights = weights / total
    result, n_empty = convolution.convolve(
        data, missing, weights, boundary, fill_value, interpolate, preserve_nan,
        1.0 if normalize_kernel else total, n_threads,
    )  # fmt: skip
    if n_empty:
        warnings.warn(
            f"{n_empty} pixel(s) of the result are NaN: array has regions of NaN (or masked "
            "pixels) that are larger than the kernel. Use a larger kernel to fill them.",
            AstropyUserWarning,
            stacklevel=find_stack_level(),
        )
    dtype = getattr(image, "dtype", None)
    if dtype is not None and dtype.kind == "f":
        result = result.astype(dtype, copy=False)
    unit = getattr(image, "unit", None)
    return result if unit is None else result << unit


def convolve_stack(images: Any, kernel: Any, mask: Any, n_threads: int | None) -> Any:
    """Convolve equal images, each by itself, as `convolve` does with ``preserve_nan``.

    Parameters
    ----------
    images : array of float32 or float64, shape (n, ny, nx)
        The images.
    kernel : array_like, shape (ky, kx)
        The kernel, of a sum that is not 0.
    mask : array of bool, shape (n, ny, nx), or None
        True for pixels that count as NaN.
    n_threads : int or None
        As for `convolve`.

    Returns
    -------
    result : array, shape (n, ny, nx)
    """
    weights = as_kernel(kernel, "fill", images.shape[1:])
    weights = weights / float(weights.sum())
    return convolution.convolve(images, mask, weights, "fill", 0.0, True, True, 1.0, n_threads)[0]


def as_kernel(kernel: Any, boundary: str | None, shape: tuple[int, ...]) -> Any:
    """Return the kernel as an array of float64, checked against the shape of the image."""
    if np.ma.is_masked(kernel):
        raise ValueError("kernel has masked elements: fill them first, with kernel.filled(value)")
    values = getattr(kernel, "array", kernel)
    values = to_host(getattr(values, "value", values))
    values = as_image(values, "kernel", np).astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError("kernel has values that are not finite: replace them first")
    if any(size % 2 == 0 for size in values.shape):
        from astropy.convolution import KernelSizeError

        raise KernelSizeError(f"kernel must have odd sizes along both axes, got {values.shape}")
    if 0 in shape:
        raise ValueError(f"array must have pixels, got shape {shape}")
    if boundary is None and any(n < k for n, k in zip(shape, values.shape, strict=False)):
        from astropy.convolution import KernelSizeError

        raise KernelSizeError(
            f"with boundary=None the kernel must fit into the array: kernel has {values.shape}, "
            f"array has {shape}; use boundary 'fill', 'extend' or 'wrap'"
        )
    return values


def _as_pixels(array: Any, mask: Any, xp: Any) -> tuple[Any, Any]:
    """Return the image as native float32 or float64, and its masked pixels, `None` without any."""
    values = array.value if hasattr(array, "unit") else array
    hidden = xp.ascontiguousarray(xp.asarray(values.mask)) if np.ma.is_masked(values) else None
    values = xp.asarray(values)
    if values.dtype.kind == "f" and values.dtype.itemsize == 2:
        # So that the result is rounded to float16 once, from float64.
        values = values.astype(xp.float64)
    data = as_image(values, "array", xp)
    mask = as_mask(mask, "mask", xp, shape=data.shape, like="array")
    return data, union(mask, hidden)


def _check_normalizable(
    total: float,
    data: Any,
    mask: Any,
    normalize: bool,
    interpolate: bool,
    tolerance: float,
    nan_outside: bool,
) -> None:
    """Raise a ValueError if the kernel sums to (almost) zero and will be divided by its sum."""
    if not (total < LEAST_SUM or np.isclose(total, 0.0, atol=tolerance)):
        return
    # Kernels that can be normalized, nearly all, are spared this pass over the image.
    missing = interpolate and (
        nan_outside or bool(np.isnan(data).any()) or (mask is not None and bool(mask.any()))
    )
    if missing:
        raise ValueError(
            f"kernel sums to {total:g}, and nan_treatment='interpolate' divides by that sum where "
            "array is NaN or masked: use nan_treatment='fill'"
        )
    if normalize:
        raise ValueError(
            f"kernel sums to {total:g}, which is less than {LEAST_SUM} or too close to zero for it "
            "to be normalized: use normalize_kernel=False"
        )
