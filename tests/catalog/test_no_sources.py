"""A segmentation image without labels gives a catalog, and tables, of no sources."""

import pickle

import numpy as np
import pytest
from astropy import units as u
from astropy.wcs import WCS

from skyshed import NoDetectionsWarning, SegmentationImage, SourceCatalog, extract

SHAPE = (20, 22)
DATA = np.random.default_rng(8).normal(3, 1, SHAPE)
ONE, NONE = (SegmentationImage(np.zeros(SHAPE, int)) for _ in range(2))
ONE.data = np.pad(np.ones((3, 4), int), ((5, 12), (6, 12)))


def sky():
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.crpix = ("RA---TAN", "DEC--TAN"), (10, 20), (5, 5)
    wcs.wcs.cdelt = -1e-4, 1e-4
    return wcs


@pytest.fixture(params=["plain", "full", "units"])
def make(request):
    """Make a catalog of one source and of none, from the same images."""
    unit = u.Jy if request.param == "units" else 1
    extra = {"error": np.ones(SHAPE) * unit, "background": DATA * unit, "wcs": sky()}
    extra |= {"mask": DATA > 4.5, "localbkg_width": 4, "convolved_data": DATA * unit}
    given = {} if request.param == "plain" else extra
    return lambda segments, **more: SourceCatalog(DATA * unit, segments, **given, **more)


def described(values):
    """What is known of a column but for its rows."""
    kind = getattr(values, "dtype", type(values).__name__)
    return kind, np.shape(values)[1:] if hasattr(values, "dtype") else (), str(
        getattr(values, "unit", "")
    )  # fmt: skip


def test_every_property_has_no_element_and_is_otherwise_as_with_sources(make):
    one, none = make(ONE), make(NONE)
    assert (len(none), none.nlabels, list(none)) == (0, 0, [])
    for name in one.properties:
        values = getattr(none, name)
        assert len(values) == 0, name
        assert described(values) == described(getattr(one, name)), name


def test_the_table_has_the_columns_units_and_dtypes_and_no_row(make):
    one, none = make(ONE).to_table(), make(NONE).to_table()
    assert (len(none), none.colnames) == (0, one.colnames)
    for name in none.colnames:
        assert type(none[name]) is type(one[name]), name
        assert described(none[name]) == described(one[name]), name
    assert {name: len(a) for name, a in make(NONE).to_arrays().items()} == dict.fromkeys(
        make(ONE).to_arrays(), 0
    )


def test_whatever_is_measured_on_request_has_no_element(make):
    none = make(NONE)
    for values in (*none.circular_photometry(3.0, name="three"), *none.kron_photometry((2, 1))):
        assert len(values) == 0
    assert len(none.fluxfrac_radius(0.5, name="half")) == 0
    assert none.make_kron_apertures() == none.make_circular_apertures(2.0) == []
    assert none.make_cutouts((3, 3)) == []
    assert none.decode_flags() == {}
    assert none.to_table(columns=["three_flux", "three_fluxerr", "half"]).colnames[2] == "half"
    none.add_extra_property("mine", np.zeros(0))
    assert len(none[np.zeros(0, bool)]) == len(none[:0]) == len(none.get_labels([])) == 0
    assert len(pickle.loads(pickle.dumps(none)).to_table()) == 0
    with pytest.raises(ValueError, match="label \\[1\\] is invalid"):
        none.get_label(1)


def test_forced_photometry_of_no_sources_is_a_table_of_no_rows(make):
    table = make(NONE, detection_cat=make(NONE)).to_table(columns=["label", "kron_flux"])
    assert (len(table), table.colnames) == (0, ["label", "kron_flux"])
    assert described(table["kron_flux"]) == described(make(ONE).to_table()["kron_flux"])
    with pytest.raises(ValueError, match="must have same segmentation_image"):
        make(NONE, detection_cat=make(ONE))


def test_extract_measures_a_map_of_no_sources():
    with pytest.warns(NoDetectionsWarning, match="segmentation has no labels"):
        found = extract(DATA - 3, segmentation=np.zeros(SHAPE, int), background="none")
    assert len(found.table) == 0
    assert "kron_flux" in found.table.colnames
