"""Many images, one after the other: `extract_each`."""

import os
from collections.abc import Iterator
from typing import Any, Unpack

from skyshed.extraction.batch import take_turns
from skyshed.extraction.device import gpus_of
from skyshed.extraction.folders import folder_names
from skyshed.extraction.hdus import choose_hdus
from skyshed.extraction.outcome import Outcome
from skyshed.extraction.plan import Resources
from skyshed.extraction.turns import (
    as_images,
    check_settings,
    hdus_of_each,
    image_names,
    is_one_file,
    make_turns,
)
from skyshed.parameters import Parameters
from skyshed.parameters.overrides import Overrides

__all__ = ["extract_each"]


def extract_each(
    images: Any,
    *,
    segmentation: Any = None,
    detection_image: Any = None,
    detection_weight: Any = None,
    detection_rms: Any = None,
    detection_variance: Any = None,
    detection_background: Any = None,
    detection_mask: Any = None,
    detection_cat: Any = None,
    hdu: Any = None,
    weight: Any = None,
    rms: Any = None,
    variance: Any = None,
    background: Any = None,
    error: Any = None,
    mask: Any = None,
    quality: Any = None,
    wcs: Any = None,
    region: Any = None,
    profile: Any = None,
    association: Any = None,
    parameters: Parameters | None = None,
    progress: bool | None = False,
    device: str | None = None,
    memory: int | str | None = None,
    workspace: Any = None,
    scheduler: Any = None,
    restart: bool = False,
    **overrides: Unpack[Overrides],
) -> Iterator[Outcome]:
    """Detect, deblend and measure the sources of many images, one image after the other.

    Each has the result that `skyshed.extract` gives it, bit by bit. While one is worked on, the
    next is opened and, if that fits into the memory beside it, read. On a GPU images that follow
    each other and have the same shape, dtype, planes and parameters are worked on together, as many
    as fit and 4096 x 4096 pixels in all. With several GPUs, each works on an image of its own, if
    that needs no tiles. An image that fails does not end the others: its outcome has the error.

    Parameters
    ----------
    images : sequence of image, path or HDUList
        The images, each anything that `skyshed.extract` takes; a 3-D array is one of its planes.
        One file, or HDUList, stands for those of its images that ``hdu`` names.
    segmentation, detection_image, detection_weight, detection_rms, detection_variance
    detection_background, detection_mask, detection_cat, weight, rms, variance, background, error
    mask, quality, wcs, region, profile, association
        As in `skyshed.extract`. A list, tuple or 3-D array has one value for each image, in the
        same order, `None` for none. Anything else is for all images. So what is itself a list, such
        as an image that is several files that abut, must be in a list of one for each image. Of a
        file with several images each is paired with its own HDU.
    hdu : int, str, (str, int), or list of them, optional
        As in `skyshed.extract`, for all images; of a list of images, a list has one value for each.
        It may name several HDUs, each of which is an image: ``"1,2,3"``, ``"1-60"``,
        ``"S29,S30"``, ``"S*"``, ``"SCI,*"`` (every version), ``"all"`` (every image, but for planes
        such as DQ and ERR); of one file also a list: ``[1, ("SCI", 2)]``. Of an image of which
        several are named, what belongs to it is for all of them.
    parameters : `Parameters`, optional
        The parameters of the chain, for all images.
    progress : bool or None, optional
        Whether to show the stages of each image on standard error; `None` does so on a terminal.
    device, scheduler, restart
        As in `skyshed.extract`, for all images.
    memory : int or str, optional
        As in `skyshed.extract`. What is read ahead counts; results that the caller keeps don't.
    workspace : path, optional
        A folder for those that runs over tiles work in: one for each image, named after its file.
    **overrides
        Single parameters, which go before ``parameters``, under either spelling.

    Returns
    -------
    outcomes : iterator of `~skyshed.extraction.Outcome`
        One for each image, in their order; an image is worked on when its outcome is asked for. A
        result holds its images: where memory is tight, let go of one before asking for the next
        (``del outcome`` at the end of a loop), and keep tables rather than outcomes.

    Raises
    ------
    ValueError
        If an argument is not allowed whatever the images are, ``images`` is empty, a file is in it
        twice with the same arguments, or a list has another length.
    TypeError
        If ``images`` is one image, or a parameter does not exist.
    ImportError
        If ``device`` is 'cuda', and CuPy is not installed or sees no GPU.
    OSError
        If there is no scheduler at the address.

    All these are raised by the call, before the first image is opened.

    Warns
    -----
    NoDetectionsWarning, ImageWarning, CrowdedWarning
        As `skyshed.extract` does, with the name of the image before the message.

    Examples
    --------
    >>> import numpy as np
    >>> from skyshed import extract_each
    >>> images = np.random.default_rng(1).normal(10, 1, (2, 128, 128))
    >>> images[0, 30:34, 60:64] += 50
    >>> images[1, 70:74, 20:24] += 50
    >>> for outcome in extract_each([*images, "absent.fits"], nsigma=5):
    ...     if outcome.error is None:
    ...         row, = outcome.extraction.table
    ...         print(f"{outcome.name}: {row['xcentroid']:.1f} {row['ycentroid']:.1f}")
    ...     else:
    ...         print(outcome.error)
    images[0]: 61.5 31.5
    images[1]: 21.5 71.5
    absent.fits: there is no such file
    """
    one_file = hdu is not None and is_one_file(images)
    given = as_images(images, hdu)
    parameters = check_settings(parameters, overrides, device, memory, scheduler)
    hdus = [hdu] if one_file else hdus_of_each(given, hdu)
    chosen = choose_hdus(given, hdus, image_names(given, None if one_file else hdu))
    folders = [
        None if workspace is None else os.path.join(workspace, name)
        for name in folder_names([each.name for each in chosen])
    ]
    turns = make_turns(
        chosen, None if one_file else len(given),
        [
            Resources(memory, folder, scheduler, restart, gpus=gpus_of(device))
            for folder in folders
        ],
        {
            "segmentation": segmentation, "detection_image": detection_image,
            "detection_weight": detection_weight, "detection_rms": detection_rms,
            "detection_variance": detection_variance, "detection_mask": detection_mask,
            "detection_background": detection_background,
            "detection_cat": detection_cat, "weight": weight, "rms": rms, "variance": variance,
            "background": background,
            "error": error, "mask": mask, "quality": quality, "wcs": wcs, "region": region,
            "profile": profile, "association": association,
        },
        parameters=parameters, device=device,
    )  # fmt: skip
    return take_turns(turns, progress)
