"""Properties that the user adds."""

import astropy.units as u
import numpy as np
import pytest


@pytest.fixture
def catalog(make_case):
    return make_case("plain")[:6]


def test_an_added_property_is_an_attribute_and_a_column(catalog):
    catalog.add_extra_property("snr", catalog.segment_flux / 3)
    catalog.add_extra_property("note", list("abcdef"))
    assert catalog.extra_properties == ["snr", "note"]
    assert "snr" in dir(catalog)
    table = catalog.to_table(columns=["label", "snr", "note"])
    np.testing.assert_array_equal(table["snr"], catalog.segment_flux / 3)
    assert list(table["note"]) == list("abcdef")


@pytest.mark.parametrize(
    "value", [np.arange(6), np.arange(6) * u.s, list("abcdef"), np.arange(12).reshape(6, 2)]
)
@pytest.mark.parametrize("index", [slice(1, 4), [3, 0], np.arange(6) > 3])
def test_selections_take_their_part_of_it(catalog, value, index):
    catalog.add_extra_property("mine", value)
    expected = np.asarray(value)[index]
    np.testing.assert_array_equal(np.asarray(catalog[index].mine), expected)
    np.testing.assert_array_equal(np.asarray(catalog[4].mine), np.asarray(value)[4])


def test_a_scalar_catalog_takes_scalars(catalog):
    source = catalog[2]
    source.add_extra_property("a", 5.0)
    source.add_extra_property("b", [7])
    source.add_extra_property("c", 3 * u.s)
    source.add_extra_property("d", "star")
    assert (source.a, source.b, source.c, source.d) == (5.0, 7, 3 * u.s, "star")
    assert source.to_table(columns=["a", "c", "d"])["c"][0] == 3 * u.s
    with pytest.raises(ValueError, match=r"same number of elements as the catalog.*got 2 elements"):
        source.add_extra_property("e", [1, 2])


@pytest.mark.parametrize("value", [3.0, [1, 2], np.ones(7), "abcdef"])
def test_its_length_must_be_that_of_the_catalog(catalog, value):
    with pytest.raises(
        ValueError, match=r"must have the same number of elements.*6 source.*for 'e'"
    ):
        catalog.add_extra_property("e", value)
    assert catalog.extra_properties == []


@pytest.mark.parametrize("name", ["area", "x_centroid", "labels", "to_table", "data", "isscalar",
                                  "select_label", "meta", "_results"])  # fmt: skip
def test_names_of_the_catalog_are_taken(catalog, name):
    with pytest.raises(
        ValueError, match=f"{name!r} cannot be set because it is a built-in attribute"
    ):
        catalog.add_extra_property(name, np.arange(6), overwrite=True)


def test_values_of_sources_that_are_no_properties_are_not_those_of_a_selection(catalog):
    n = catalog.nlabels
    catalog.mine, catalog.of_each, catalog.listed = "field 7", np.arange(n), list(range(n))
    reversed_ = catalog[::-1]
    assert reversed_.mine == "field 7"
    for name in ("of_each", "listed"):
        with pytest.raises(AttributeError, match=name):
            getattr(reversed_, name)
    assert catalog.of_each.tolist() == catalog.listed
    assert reversed_.default_columns == catalog.default_columns


def test_properties_are_replaced_only_on_demand(catalog):
    catalog.add_property("mine", np.zeros(6))
    with pytest.raises(
        ValueError, match="'mine' already exists as an attribute: set overwrite=True"
    ):
        catalog.add_property("mine", np.ones(6))
    assert catalog.mine.sum() == 0
    catalog.add_property("mine", np.ones(6), overwrite=True)
    assert catalog.mine.sum() == 6


def test_properties_are_removed_and_renamed_in_place(catalog):
    for name in "abc":
        catalog.add_extra_property(name, np.full(6, ord(name)))
    catalog.rename_extra_property("b", "beta")
    assert catalog.custom_properties == ["a", "beta", "c"]
    assert catalog.beta[0] == ord("b")
    assert not hasattr(catalog, "b")
    with pytest.raises(ValueError, match="'c' already exists"):
        catalog.rename_property("a", "c")
    with pytest.raises(ValueError, match="b is not a defined property: those"):
        catalog.remove_properties(["a", "b"])
    assert catalog.custom_properties == ["a", "beta", "c"]
    catalog.remove_extra_properties(catalog.extra_properties)
    assert catalog.custom_properties == []
    with pytest.raises(ValueError, match="a is not a defined property"):
        catalog.remove_property("a")


def test_named_photometry_is_added(make_case):
    catalog = make_case("units")
    flux, error = catalog.circular_photometry(4.0, name="circ")
    assert catalog.extra_properties == ["circ_flux", "circ_fluxerr"]
    np.testing.assert_array_equal(catalog.circ_flux, flux)
    np.testing.assert_array_equal(catalog.circ_flux_err, error)
    catalog.kron_photometry((2.0, 1.2), name="kron2")
    radius = catalog.fluxfrac_radius(0.5, name="half")
    assert catalog.half.unit == u.pix
    np.testing.assert_array_equal(catalog.half, radius)
    with pytest.raises(ValueError, match="'half' already exists"):
        catalog.fluxfrac_radius(0.4, name="half")
    catalog.fluxfrac_radius(0.4, name="half", overwrite=True)
    assert np.nansum(catalog.half) < np.nansum(radius)
    names = ["circ_flux", "circ_flux_err", "kron2_flux", "kron2_fluxerr", "half"]
    assert catalog.to_table(columns=names).colnames == names
    assert catalog[3].half == catalog.half[3]
