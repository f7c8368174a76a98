"""Compile the CPU kernels ahead of time, by running the whole chain on a small field."""

import warnings
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

__all__ = ["Warmup", "warmup"]

#: Rows and columns of the field: enough for blends, masked pixels and a few boxes of background.
SHAPE = (192, 192)


@dataclass(frozen=True)
class Warmup:
    """What was done.

    Attributes
    ----------
    compiled, loaded : int
        Kernels that were compiled now, and that were found compiled.
    seconds : float
        How long it took.
    """

    compiled: int
    loaded: int
    seconds: float


def warmup(dtypes: Any = (np.float32, np.float64)) -> Warmup:
    """Compile the CPU kernels for images of some dtypes, and keep them on disk.

    Run it when an image of a container or a virtual machine is built, so that no process compiles
    later. Integer images are measured as float64.

    Parameters
    ----------
    dtypes : sequence of dtype, optional
        float32, float64 or both.

    Returns
    -------
    done : `Warmup`

    Raises
    ------
    ValueError
        If a dtype is another one.

    Examples
    --------
    >>> from skyshed.warmup import warmup
    >>> warmup([]).compiled
    0
    """
    from skyshed.kernels.compiled import counts

    wanted = [np.dtype(dtype) for dtype in dtypes]
    for dtype in wanted:
        if dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
            raise ValueError(f"dtypes may hold float32 and float64, got {dtype.name}")
    before, start = dict(counts), perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for dtype in wanted:
            _run_all(dtype)
    return Warmup(
        counts["compiled"] - before["compiled"],
        counts["loaded"] - before["loaded"],
        perf_counter() - start,
    )


def _run_all(dtype: Any) -> None:
    """Run every stage and every measurement, with and without what is optional."""
    from skyshed.datasets import make_survey_image
    from skyshed.extraction import extract

    field = make_survey_image(SHAPE, seed=1)
    data = np.nan_to_num(field.data).astype(dtype)
    every = ("all",)
    found = extract(
        data, columns=every, effective_gain=2.0, localbkg_width=8, aperture_radii=(3.0,)
    )
    _measure_again(found)
    _measure_again(extract(data, columns=every, mask=field.mask, deblend=False, kernel_fwhm=None))


def _measure_again(found: Any) -> None:
    """Measure with the errors and without, and edit labels."""
    from skyshed.catalog import SourceCatalog

    for error in (None, found.error):
        catalog = SourceCatalog(
            found.data, found.segmentation, convolved_data=found.convolved_data, error=error,
            mask=found.mask,
        )  # fmt: skip
        catalog.to_table()
        catalog.fluxfrac_radius(0.5)
        catalog.circular_photometry(3.0)
    found.segmentation.make_source_mask(size=5)
    found.segmentation.remove_border_labels(1)
