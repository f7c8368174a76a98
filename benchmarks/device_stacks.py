"""What equal images ask of a GPU together, counted on the stand-in for CuPy."""

import gc
import warnings
from typing import Any

import numpy as np

import skyshed
from benchmarks.scene import survey_scene
from benchmarks.settings import BOX, FILTER, FWHM, KERNEL, NPIXELS, NSIGMA

__all__ = ["counts_of"]

#: Images of a stack, and their side: what is counted does not depend on it.
NUMBERS, SIDE = (1, 2, 4, 8), 128


def counts_of(numbers: tuple[int, ...] = NUMBERS, side: int = SIDE) -> list[tuple[Any, ...]]:
    """Return, for each number of images, launches, waits and copies until all have their tables.

    It is the same field each time, so that none has a kind of source that others lack.

    Returns
    -------
    rows : list of tuple
        The number; own and library launches, waits, uploads, downloads; launches and waits for
        each image.
    """
    from tests.device import standin

    scene = survey_scene(side, 1, None)
    rows = []
    with standin.in_place() as cupy, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for n in numbers:
            gc.collect()
            images = cupy.asarray(np.repeat(scene.data[None], n, axis=0))
            masks = cupy.asarray(np.repeat(scene.mask[None], n, axis=0))
            with standin.ledger() as ledger:
                outcomes = skyshed.extract_each(
                    images, mask=masks, box_size=BOX, filter_size=FILTER, npixels=NPIXELS,
                    nsigma=NSIGMA, kernel_fwhm=FWHM, kernel_size=KERNEL, fluxfrac_radii=(0.5,),
                )  # fmt: skip
                for outcome in outcomes:
                    if outcome.error is not None:
                        raise outcome.error
                    outcome.extraction.table  # noqa: B018 - measured by asking
            total = ledger.total
            rows.append((
                n, total.own_launches, total.library_launches, total.synchronisations,
                total.uploads, total.downloads, f"{total.launches / n:.1f}",
                f"{total.synchronisations / n:.1f}",
            ))  # fmt: skip
    return rows
