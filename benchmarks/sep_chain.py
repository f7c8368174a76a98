"""The chain in SEP: convolution, detection and deblending are one call."""

from typing import Any

import numpy as np
import sep
from astropy.convolution import Gaussian2DKernel
from astropy.stats import gaussian_fwhm_to_sigma

from benchmarks.settings import (
    BOX,
    CONTRAST,
    FILTER,
    FLUX_FRACTION,
    FWHM,
    KERNEL,
    KRON,
    NLEVELS,
    NPIXELS,
    NSIGMA,
)
from benchmarks.timing import Clock

__all__ = ["SepChain"]

#: SEP's defaults (300,000 pixels, 1,024 objects in a blend) overflow on large and crowded fields.
#: The stack is this share of the image: a larger one costs the libraries after SEP page faults.
STACK_SHARE, SUB_OBJECTS = 1 / 8, 100_000


class SepChain:
    """SEP with one thread: it has no others."""

    def __init__(self) -> None:
        sep.set_sub_object_limit(SUB_OBJECTS)
        self.kernel = Gaussian2DKernel(
            FWHM * gaussian_fwhm_to_sigma, x_size=KERNEL, y_size=KERNEL, mode="oversample"
        ).array

    def run(self, scene: Any, clock: Clock) -> Any:
        """Take the scene from raw image to magnitudes' worth of columns; return the label image."""
        sep.set_extract_pixstack(max(300_000, int(scene.data.size * STACK_SHARE)))
        with clock.stage("background"):
            background = sep.Background(
                scene.data, mask=scene.mask, bw=BOX, bh=BOX, fw=FILTER, fh=FILTER
            )
            level = background.back(dtype=scene.data.dtype)
            rms = background.rms(dtype=scene.data.dtype)
        with clock.stage("subtraction"):
            data = scene.data - level
            del level
        with clock.stage("extraction"):
            objects, labels = sep.extract(
                data,
                NSIGMA,
                err=rms,
                mask=scene.mask,
                minarea=NPIXELS,
                filter_kernel=self.kernel,
                filter_type="conv",  # as the others: the threshold is on the plain convolution
                deblend_nthresh=NLEVELS,
                deblend_cont=CONTRAST,
                segmentation_map=True,
            )
        with clock.stage("catalog"):
            _measure(data, rms, scene.mask, objects, labels)
        return labels


def _measure(data: Any, rms: Any, mask: Any, objects: Any, labels: Any) -> None:
    """Kron fluxes and half-light radii, other objects' pixels masked."""
    scale, least_radius, _ = KRON
    shape = (objects["x"], objects["y"], objects["a"], objects["b"])
    theta = np.clip(objects["theta"], -np.pi / 2, np.pi / 2)  # float32 pi/2 is above pi/2
    others = {"mask": mask, "segmap": labels, "seg_id": np.arange(1, len(objects) + 1)}
    radius, _ = sep.kron_radius(data, *shape, theta, 6.0, **others)
    radius = scale * np.maximum(np.nan_to_num(radius), least_radius)
    flux, _, _ = sep.sum_ellipse(data, *shape, theta, radius, err=rms, **others)
    sep.flux_radius(
        data,
        objects["x"],
        objects["y"],
        6.0 * objects["a"],
        FLUX_FRACTION,
        normflux=flux,
        **others,
    )
