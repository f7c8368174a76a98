"""What the background of an exposure says that makes its numbers doubtful."""

from collections.abc import Mapping

import numpy as np

from skyshed.chain.background import ExposureMesh
from skyshed.chain.request import DETECTION, IMAGE
from skyshed.images.doubted import warn_of_image
from skyshed.images.exposure import Exposure
from skyshed.images.noise_planes import NOISE_PLANES

__all__ = ["warn_of_doubts"]

#: How much the noise that is given and that measured may differ: noise that resampling has spread
#: over pixels is measured up to three times too low (Fruchter & Hook 2002, PASP 114, 144).
LARGEST_RATIO = 3.0
#: How much the background that is given may leave, in units of the noise.
MOST_LEFT = 1.0
#: What a plane may be in place of what it was given as.
ADVICE = {
    "weight": "if weights are right up to a factor only, set scale_weight (--scale-weight); give a "
    "variance as {variance}, a standard deviation as {rms}",
    "rms": "give a variance as {variance}, an inverse variance as {weight}",
    "variance": "give a standard deviation as {rms}, weights as {weight}",
}


def warn_of_doubts(exposures: Mapping[str, Exposure], meshes: Mapping[str, ExposureMesh]) -> None:
    """Warn of noise or background that was given and disagrees with the image, and of noise of 0.

    Warns
    -----
    ImageWarning
        If there is any; the message says what to give.
    """
    for name, exposure in exposures.items():
        if abs(meshes[name].left) > MOST_LEFT:
            _warn_of_background(name, exposure, meshes[name].left)
        given = next((each for each in NOISE_PLANES if each in exposure.companions), None)
        if given is not None and not exposure.relative:
            _warn_of_ratio(given, name, meshes[name].noise_ratio)
        elif meshes[name].n_noiseless and not meshes[name].lenient:  # few pixels were left, as told
            _warn_of_no_noise(name, meshes[name])


def _warn_of_background(name: str, exposure: Exposure, left: float) -> None:
    given = exposure.companions["background"].origin().get("input")
    what = f"background = {given:g}" if isinstance(given, float) else "the background that is given"
    warn_of_image(
        f"{what} leaves {left:.3g} times the noise in {name} (the median over the boxes), so that "
        "too much or too little is above the threshold: is it that of this image, in its unit? "
        "Without background (--background) it is measured"
    )


def _warn_of_ratio(given: str, name: str, ratio: float) -> None:
    """Warn of a noise that is given for one of the images."""
    if not np.isfinite(ratio) or 1 / LARGEST_RATIO <= ratio <= LARGEST_RATIO:
        return
    own = "detection_" if name == DETECTION else ""
    of = "" if own or name == IMAGE else f" of {name}"
    options = {each: f"{own}{each} (--{own.replace('_', '-')}{each})" for each in NOISE_PLANES}
    warn_of_image(
        f"the noise that {own}{given}{of} gives is {ratio:.3g} times that measured in the "
        "background (the median over the image), and it sets the threshold and the errors: "
        f"{ADVICE[given].format(**options)}"
    )


def _warn_of_no_noise(name: str, mesh: ExposureMesh) -> None:
    n = mesh.n_noiseless
    # Where nothing was clipped, or most of the image has noise, zeros are not what was counted.
    unexposed = 2 * mesh.n_unclipped > n or 2 * n < mesh.n_boxes
    if 2 * mesh.n_zero <= n:
        advice = (
            "after clipping all their pixels are the same, as where the steps of integers are "
            "coarser than the noise: give the noise as rms (--rms); that of rounding is 0.29 of a "
            "step"
        )
    elif unexposed:
        advice = (
            "nearly all their pixels are 0: if these have no exposure, give them as mask (--mask), "
            "as weights of 0 (--weight), or as NaN"
        )
    else:
        advice = (
            "most of their pixels are 0 and the others were clipped, as in an image that counts "
            "photons: give the noise of the background as rms (--rms), and effective_gain "
            "(--effective-gain) for the errors of sources"
        )
    warn_of_image(
        f"the noise measured in {name} is 0 in {n} of {mesh.n_boxes} boxes of the background, so "
        f"that the threshold there and errors are too low, down to 0: {advice}"
    )
