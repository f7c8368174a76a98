"""Positions as plain numbers in the ICRS, whatever the frame of the image."""

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from skyshed import extract
from skyshed.output.catalogs import read_catalog
from tests.images.files import stars, tan
from tests.mosaic.fields import by_tiles
from tests.pipeline_field import same_tables

FRAMES = {
    "ICRS": {},
    "FK5": {"RADESYS": "FK5", "EQUINOX": 1975.0},
    "FK4": {"RADESYS": "FK4", "EQUINOX": 1950.0},
    "galactic": {"CTYPE1": "GLON-TAN", "CTYPE2": "GLAT-TAN"},
}


@pytest.mark.parametrize("frame", FRAMES)
def test_ra_and_dec_are_those_of_astropy_in_the_icrs(frame):
    header = tan(**FRAMES[frame])
    found = extract(fits.PrimaryHDU(stars(), header), n_threads=1)
    table = found.table
    at = table.colnames.index("sky_centroid")
    assert table.colnames[at + 1 : at + 3] == ["ra", "dec"]
    sky = WCS(header).pixel_to_world(table["xcentroid"], table["ycentroid"]).icrs
    np.testing.assert_allclose(table["ra"].to_value("deg"), sky.ra.deg, rtol=0, atol=1e-11)
    np.testing.assert_allclose(table["dec"].to_value("deg"), sky.dec.deg, rtol=0, atol=1e-11)
    assert found.catalog.ra.unit == "deg"
    tiled = by_tiles(fits.PrimaryHDU(stars(), header), (64, 64), n_threads=1)
    assert same_tables(table, tiled.table)


def test_they_can_be_asked_for_alone_and_survive_files(tmp_path):
    found = extract(fits.PrimaryHDU(stars(), tan()), columns=("dec", "ra"), n_threads=1)
    assert found.table.colnames[:1] == ["dec"]
    assert "sky_centroid" not in found.table.colnames
    for format in ("fits", "ecsv", "parquet"):
        found.write(tmp_path, format=format, preview=False)
        table = read_catalog(tmp_path / f"catalog.{format}")
        np.testing.assert_array_equal(table["ra"], found.table["ra"])


def test_without_a_wcs_there_are_none():
    assert not {"ra", "dec"} & set(extract(stars(), n_threads=1).table.colnames)
    with pytest.raises(ValueError, match="'ra' needs a WCS, and the image has none"):
        extract(stars(), columns=("ra",))


@pytest.mark.parametrize("arcseconds", [0.001, 0.01, 0.03, 0.2, 2.0])
@pytest.mark.parametrize("dec", [2.0, -89.9])
def test_names_of_pairs_differ_at_any_pixel_scale(arcseconds, dec):
    """Pairs 6 pixels apart at 0.01" gave 35 names for 50 sources (pyradiosky#158)."""
    image = np.random.default_rng(0).normal(0, 0.01, (200, 200))
    y, x = np.mgrid[:200, :200]
    for row in range(20, 200, 40):
        for column in range(20, 200, 40):
            for x0 in (column - 3, column + 3):
                image += np.exp(-((x - x0) ** 2 + (y - row) ** 2) / 2)
    scale = arcseconds / 3600
    header = tan(CRVAL2=dec, CDELT1=-scale, CDELT2=scale)
    table = extract(fits.PrimaryHDU(image, header), nsigma=5, kernel_fwhm=0, n_threads=1).table
    assert len(table) == 50
    assert len(set(table["name"])) == 50
