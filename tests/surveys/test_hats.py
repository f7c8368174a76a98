"""The packages that catalogs of HATS are read with read ours, where they are installed."""

import numpy as np
import pytest

from skyshed import survey
from skyshed.surveys.sky import COLUMN
from tests.surveys.fields import a_cluster, make_fields
from tests.surveys.test_survey import rows

pytest.importorskip("cdshealpix")
hats = pytest.importorskip("hats")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hats")
    with a_cluster() as client:
        return survey(
            make_fields(folder, 6), folder / "catalog", scheduler=client, partition_rows=30
        )


def test_hats_finds_nothing_wrong(made):
    from hats.io.validation import is_valid_catalog
    from hats.pixel_math.spatial_index import compute_spatial_index

    assert is_valid_catalog(made.folder, strict=True)
    catalog = hats.read_hats(made.folder)
    assert catalog.catalog_info.total_rows == made.n_sources
    assert len(catalog.get_healpix_pixels()) > 1
    found = rows(made.folder)
    index = compute_spatial_index(found["ra"].to_numpy(), found["dec"].to_numpy())
    assert (index == found[COLUMN].to_numpy()).all()


def test_lsdb_finds_the_sources_around_a_position(made):
    lsdb = pytest.importorskip("lsdb")
    table = rows(made.folder)
    ra, dec = table["ra"].to_numpy(), table["dec"].to_numpy()
    catalog = lsdb.open_catalog(made.folder)
    assert len(catalog.compute()) == made.n_sources
    found = catalog.cone_search(45.004, 0.0, radius_arcsec=20).compute()
    y, x = dec, (ra - 45.004) * np.cos(np.radians(dec))
    assert len(found) == np.count_nonzero(np.hypot(x, y) < 20 / 3600) > 5
