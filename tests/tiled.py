"""Runs over tiles for the tests of mosaics: one small field, tiles of any size, the run at once."""

import functools
import warnings

import numpy as np
from astropy.wcs import WCS

from skyshed import Parameters, extract
from skyshed.datasets import make_survey_image
from skyshed.extraction.opening import open_field
from skyshed.mosaic.start import Resources, extract_tiles
from tests.pipeline_field import same_tables

#: Boxes have 64 pixels, so that tiles are 64 x 128: 5 x 4 of them.
SHAPE, TILE, N_TILES = (300, 400), (96, 128), 20


@functools.cache
def survey():
    """Return a crowded field, most of whose tiles have sources at their seams."""
    field = make_survey_image(SHAPE, density=9000, seed=3)
    for array in (field.data, field.mask):
        array.setflags(write=False)
    return field


@functools.cache
def at_once():
    """Return what is found in the field without tiles."""
    return extract(survey().data, mask=survey().mask, n_threads=1)


def a_wcs():
    """Return a WCS whose numbers have no short decimal form."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [450.37 / 3, 20 / 9]
    wcs.wcs.crpix = [401 / 7, 301 / 3]
    wcs.wcs.cd = np.array([[-1 / 18013, 1e-7 / 3], [1e-7 / 7, 1 / 18017]])
    return wcs


def tiled(
    image, *, mask=None, weight=None, n_threads=1, tile=TILE, memory=None, workspace=None,
    scheduler=None, wcs=None, **parameters,
):  # fmt: skip
    """Extract the sources of an image in small tiles."""
    parameters = Parameters(n_threads=n_threads, **parameters)
    field = open_field(
        image, hdu=None, region=None, mask_bits=parameters.mask_bits,
        scale_weight=parameters.scale_weight, device=None, mask=mask, weight=weight,
    )  # fmt: skip
    return extract_tiles(
        {"image": field}, parameters, Resources(memory, workspace, scheduler, tile), wcs
    )


def same(tiles, whole):
    """Whether a run over tiles found what another run did, bit by bit."""
    labels = (found.segmentation.data[:] for found in (tiles, whole))
    return np.array_equal(*labels) and same_tables(tiles.table, whole.table)


def outcome(run):
    """Return what a run gives, or the error that it ends in, and its warnings as texts."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = run()
        except Exception as error:
            found = error
    return found, sorted(f"{each.category.__name__}: {each.message}" for each in caught)
