"""Detection on several scales at once: the most significant of several templates counts."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from astropy.stats import SigmaClip
from astropy.utils.exceptions import AstropyUserWarning

from skyshed._typing import Image, Mask
from skyshed.arguments import (
    as_image,
    as_mask,
    check_flag,
    check_number,
    check_pixels,
    is_number,
    split_units,
)
from skyshed.background import Background2D, MedianBackground, StdBackgroundRMS
from skyshed.background.box_values import measure_boxes
from skyshed.catalog import SourceCatalog
from skyshed.deblending import MAX_MARKERS, deblend_sources
from skyshed.detection import detect_sources
from skyshed.filtering import (
    gaussian_template,
    kernel_of_template,
    noise_image,
    significance_of,
)
from skyshed.kernels import labelling
from skyshed.namespace import array_namespace, like, on_its_device, to_host
from skyshed.segmentation import SegmentationImage

__all__ = ["detect_multiscale"]

#: Limit of clipping, in standard deviations, where the noise of an image is measured.
CLIP = 3.0


@on_its_device
def detect_multiscale(
    data: Image,
    templates: Sequence[Any],
    significance: float,
    npixels: int,
    *,
    error: Image | None = None,
    mask: Mask = None,
    connectivity: int = 8,
    normalize: bool = True,
    background_scale: float | None = None,
    deblend: bool = True,
    nlevels: int = 32,
    contrast: float = 0.001,
    mode: str = "exponential",
    contrast_method: str | None = None,
    max_markers: int | None = MAX_MARKERS,
    n_threads: int | None = None,
) -> SegmentationImage | None:
    """Detect sources of several sizes, ordered by their significance.

    For each template there is an image of the significance of a source of that shape at each pixel
    (`matched_filter`), brought to mean 0 and standard deviation 1 by what is measured in it, so
    that noise that neighbouring pixels share counts on every scale as what it is. In the image of
    the largest of these in each pixel sources are detected and deblended: compact ones within an
    extended one become sources of their own.

    Parameters
    ----------
    data : array_like or Quantity, shape (ny, nx)
        The background-subtracted image.
    templates : sequence of float or array_like
        Sizes of sources: the FWHM of a Gaussian in pixels, or an image of a source, both sizes odd.
    significance : float
        The threshold, in units of the standard deviation of each image of significance.
    npixels : int
        The least number of connected pixels of a source, and of a peak when sources are split.
    error : float or array_like, optional
        The standard deviation of the background of each pixel, in the unit of ``data``; if `None`
        it is taken to be the same everywhere.
    mask : array_like of bool, shape (ny, nx), optional
        True for pixels to leave out.
    connectivity : {8, 4}, optional
        Whether pixels that touch at corners are connected (8) or only at edges (4).
    normalize : bool, optional
        Whether mean and standard deviation are measured, without what is beyond 3 of the latter. If
        not, the significances are those that ``error`` says, for noise that pixels do not share.
    background_scale : float, optional
        Mean and standard deviation are measured in boxes of so many times the size of the template,
        its FWHM or the larger side of its image: a template then sees little of what is much larger
        than it. `None` measures one of each in the whole image.
    deblend : bool, optional
        Whether to split sources that overlap.
    nlevels, contrast, mode, contrast_method, max_markers : optional
        See `deblend_sources`; fluxes are sums of significances there.
    n_threads : int, optional
        Threads to use; `None` for all available cores. The result is the same for any number.

    Returns
    -------
    segment_img : `SegmentationImage` or None
        The sources, label 1 the most significant; `None` if there are none. Its ``info`` has, by
        label, the ``"significance"`` of the peak and the index of its ``"template"``.

    Raises
    ------
    ValueError
        If an argument is out of range, there is no template, or shapes or units differ.

    Warns
    -----
    NoDetectionsWarning
        If no source was found.
    DeblendWarning
        As `deblend_sources`.

    Examples
    --------
    A star on the wing of a galaxy, in noise:

    >>> import numpy as np
    >>> from skyshed import detect_multiscale
    >>> y, x = np.mgrid[:128, :128]
    >>> galaxy = 3 * np.exp(-((x - 60) ** 2 + (y - 60) ** 2) / 2 / 8**2)
    >>> star = 9 * np.exp(-((x - 84) ** 2 + (y - 60) ** 2) / 2 / 1.3**2)
    >>> data = galaxy + star + np.random.default_rng(1).normal(0, 1, (128, 128))
    >>> found = detect_multiscale(data, (3.0, 18.0), significance=6, npixels=5)
    >>> found.nlabels, found.info["template"]
    (2, array([1, 0]))
    """
    (image, noise), _ = split_units(data=data, error=error)
    xp = array_namespace(data=image, error=noise, mask=mask)
    image = as_image(image, "data", xp)
    check_pixels(image, "data")
    hidden = as_mask(mask, "mask", xp, shape=image.shape)
    noise = noise_image(1.0 if noise is None else noise, image, xp)
    significance = check_number(significance, "significance", "a finite number")
    if not math.isfinite(significance):
        raise ValueError(f"significance must be a finite number, got {significance!r}")
    normalize = check_flag(normalize, "normalize")
    deblend = check_flag(deblend, "deblend")
    if background_scale is not None and not (
        0 < check_number(background_scale, "background_scale") < math.inf
    ):
        raise ValueError(
            f"background_scale must be a positive number or None, got {background_scale!r}"
        )
    if background_scale is not None and not normalize:
        raise ValueError("background_scale has no effect with normalize=False: leave one of them")
    best: Any = None
    which: Any = None
    for number, (kernel, size) in enumerate(_kernels(templates, image.shape)):
        each = significance_of(image, noise, hidden, [kernel], n_threads)
        if normalize:
            scale = None if background_scale is None else math.ceil(background_scale * size)
            each = _normalized(each, scale, n_threads)
        if best is None:
            best, which = each, xp.zeros(image.shape, dtype=np.int16)
            continue
        larger = each > best
        which[larger] = number
        best[larger] = each[larger]
    segments = detect_sources(best, significance, npixels, connectivity, n_threads=n_threads)
    if segments is None:
        return None
    if deblend:
        segments = deblend_sources(
            best, segments, npixels, nlevels=nlevels, contrast=contrast, mode=mode,
            connectivity=connectivity, n_threads=n_threads, contrast_method=contrast_method,
            max_markers=max_markers,
        )  # fmt: skip
    return _ordered(segments, best, which, n_threads)


def _kernels(templates: Any, shape: tuple[int, int]) -> list[tuple[Any, float]]:
    """Return the kernels of templates, turned round as for a convolution, and their sizes."""
    listed = isinstance(templates, (list, tuple)) or np.ndim(templates) > 0
    if not listed or isinstance(templates, (set, dict)) or len(templates) == 0:
        raise ValueError(
            f"templates must be a list of one or more sizes or images, got {templates!r}"
        )
    kernels = []
    for number, each in enumerate(templates):
        if is_number(each):
            if not 0 < each < math.inf:
                raise ValueError(f"templates[{number}] must be a positive FWHM, got {each!r}")
            kernels.append((gaussian_template(float(each)), float(each)))
            continue
        kernel = kernel_of_template(each, f"templates[{number}]", shape)
        kernels.append((kernel, float(max(kernel.shape))))
    return kernels


def _normalized(image: Any, box: int | None, n_threads: int | None) -> Any:
    """Return an image less its mean and over its standard deviation, both of clipped pixels."""
    bad = ~np.isfinite(image)
    clip = SigmaClip(sigma=CLIP, maxiters=10)
    estimators: dict[str, Any] = {
        "bkg_estimator": MedianBackground(None),
        "bkgrms_estimator": StdBackgroundRMS(None),
    }
    level: Any
    if box is None or box >= max(image.shape):
        values = measure_boxes(image, bad, image.shape, clip, estimators, n_threads)
        level, spread = values.level[0, 0], values.noise[0, 0]
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AstropyUserWarning)  # of pixels that are left out
            bkg = Background2D(
                image, box, mask=bad, sigma_clip=clip, exclude_percentile=90, **estimators,
                n_threads=n_threads,
            )  # fmt: skip
        level, spread = bkg.background, bkg.background_rms
    with np.errstate(divide="ignore", invalid="ignore"):
        return (image - level) / spread


def _ordered(
    segments: SegmentationImage, image: Any, which: Any, n_threads: int | None
) -> SegmentationImage:
    """Number sources by their peaks in an image, the highest first, and note these."""
    catalog = SourceCatalog(image, segments, n_threads=n_threads)
    peak = catalog.max_value
    order = np.argsort(-peak, kind="stable")
    number = np.zeros(int(segments.max_label) + 1, np.int32)
    number[segments.labels[order]] = np.arange(1, order.size + 1)
    labels = labelling.relabel(segments.data, like(number, segments.data), n_threads)
    at = tuple(
        like(np.asarray(each, np.int64)[order], which)
        for each in (catalog.maxval_yindex, catalog.maxval_xindex)
    )
    known = segments.provenance.relabelled(segments.labels, number[segments.labels])
    return SegmentationImage.from_labels(
        labels,
        deblended_labels_map=(known.child, known.parent),
        flags_map=(known.flagged, known.flags),
        before_map=(known.whole, known.before),
        info={
            **segments.info,
            "significance": peak[order],
            "template": to_host(which[at]).astype(np.int64),
        },
    )
