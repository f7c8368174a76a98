"""Writing simulated fields to FITS."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from skyshed.output.atomic import whole_file

__all__ = ["write_survey"]


def write_survey(field: Any, path: str | os.PathLike[str]) -> None:
    """Write a simulated field: the image, its mask (MASK, 1 is bad) and its sources (TRUTH).

    The same field always makes the same file.

    Parameters
    ----------
    field : `~skyshed.datasets.SurveyImage`
        The field.
    path : path
        The FITS file; an existing one is replaced.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from skyshed.datasets import make_survey_image
    >>> from skyshed.images import open_image
    >>> from skyshed.datasets.write import write_survey
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "field.fits"
    >>> write_survey(make_survey_image((100, 120), seed=3), path)
    >>> open_image(path, hdu="MASK").image.shape
    (100, 120)
    """
    truth = fits.table_to_hdu(field.truth)
    truth.name = "TRUTH"
    hdus = [
        fits.PrimaryHDU(field.data, field.header),
        fits.ImageHDU(field.mask.astype(np.uint8), field.wcs.to_header(), name="MASK"),
        truth,
    ]
    with whole_file(Path(path)) as part:
        fits.HDUList(hdus).writeto(part, overwrite=True)
