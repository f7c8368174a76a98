"""One extraction of each sort, for the tests of what is written."""

import astropy.units as u
import pytest

from skyshed import extract
from skyshed.exceptions import NoDetectionsWarning
from tests.pipeline_field import make_field, make_wcs

OPTIONS = {"zero_point": 31.4, "aperture_radii": (3, 5.5), "effective_gain": 3.0}


@pytest.fixture(scope="session")
def rich():
    """An extraction with units, WCS, magnitudes and apertures."""
    return extract(make_field() << u.nJy, wcs=make_wcs(), **OPTIONS)


@pytest.fixture(scope="session")
def plain():
    """An extraction of an array, without anything."""
    return extract(make_field())


@pytest.fixture(scope="session")
def empty():
    """An extraction without sources."""
    with pytest.warns(NoDetectionsWarning):
        return extract(make_field() << u.nJy, wcs=make_wcs(), nsigma=1e6, **OPTIONS)


@pytest.fixture(scope="session")
def every():
    """A table of all columns: arrays, coordinates, texts, booleans."""
    return extract(make_field() << u.nJy, wcs=make_wcs(), columns=("all",), zero_point=31).table
