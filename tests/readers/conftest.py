"""A catalog in every format, on a field with positions on the sky and flux densities."""

import astropy.units as u
import pytest

from skyshed import extract
from skyshed.output.formats import FORMATS
from tests.pipeline_field import make_field, make_wcs

OPTIONS = {"aperture_radii": (3.0,), "effective_gain": 3.0}


@pytest.fixture(scope="session")
def found():
    """What is written: 67 sources, 40 columns."""
    return extract(make_field() << u.nJy, wcs=make_wcs(), **OPTIONS)


@pytest.fixture(scope="session")
def catalogs(found, tmp_path_factory):
    """The paths of the catalogs, by format."""
    folder = tmp_path_factory.mktemp("catalogs")
    for format in FORMATS:
        found.write(folder / format, format, preview=False)
    return {format: folder / format / f"catalog.{format}" for format in FORMATS}


@pytest.fixture(scope="session")
def expected(found):
    """Values, units, descriptions and UCDs of the columns that every reader is asked for."""
    names = ("label", "name", "ra", "dec", "xcentroid", "flags", "kron_flux", "kron_abmag")
    table = found.table
    return {
        name: (
            getattr(table[name], "value", table[name]),
            str(getattr(table[name], "unit", None) or ""),
            table[name].info.description,
            table[name].info.meta["ucd"],
        )
        for name in names
    }
