"""The columns that a run adds to those of its catalog can be chosen, one by one, as any other."""

import astropy.units as u
import numpy as np
import pytest
from astropy.io.votable.ucd import parse_ucd

from skyshed import Parameters, extract, extract_bands
from skyshed.catalog.registry import LABEL, Column, public_columns
from skyshed.chain.columns import spelled_out
from skyshed.chain.derived import derived_columns, is_derived, listed_columns
from skyshed.chain.exposure_columns import QUALITY
from tests.pipeline_field import make_field, make_wcs, same_tables
from tests.tiled import by_tiles

OPTIONS = {"aperture_radii": (3, 5.5), "fluxfrac_radii": (0.2, 0.5)}
#: Pixel coordinates, codes and statistics are plain numbers, as in photutils and its guide.
PLAIN = ("pos.cartesian", "pos;", "stat.error;pos", "meta.", "src.morph.param", "stat.value")


@pytest.fixture(scope="module")
def whole():
    return extract(make_field() << u.nJy, wcs=make_wcs(), **OPTIONS).table


def all_declared():
    """Return every column that a table can have, besides those of users."""
    parameters = Parameters(zero_point=25, zero_point_system="Vega", **OPTIONS)
    derived = {
        **derived_columns(parameters, True, True),
        **derived_columns(parameters, True, False),
    }
    return [LABEL, *public_columns(), *derived.values(), *QUALITY.values()]


@pytest.mark.parametrize("column", all_declared(), ids=lambda column: column.name)
def test_every_column_says_what_it_is_to_people_and_to_programs(column: Column):
    assert len(column.description) > 10
    assert column.description.endswith(".")
    column.description.encode("ascii")
    parse_ucd(column.ucd, check_controlled_vocabulary=True)
    if column.unit in ("data", "sky"):
        return
    assert u.Unit(column.unit).to_string("fits") or column.unit in ("", "1")
    if column.unit == "":
        assert column.ucd.startswith(PLAIN), "numbers without a unit are positions, codes or shapes"


def test_one_position_and_one_name_are_the_main_ones():
    main = [each.name for each in all_declared() if each.ucd.endswith("meta.main")]
    assert sorted(set(main)) == ["dec", "name", "ra"]


def test_columns_of_a_table_say_so_too(whole):
    declared = {each.name: each for each in all_declared()}
    for name in whole.colnames:
        assert whole[name].info.description == declared[name].description
        assert whole[name].info.meta["ucd"] == declared[name].ucd


def test_a_table_has_the_columns_that_are_named_in_their_order(whole):
    names = [
        "name", "ra", "dec", "kron_abmag", "label", "aperture_5p5_fluxerr", "aperture_3_flux_ujy",
        "fluxfrac_radius_20", "segment_abmagerr",
    ]  # fmt: skip
    options = {"wcs": make_wcs(), "columns": names, **OPTIONS}
    table = extract(make_field() << u.nJy, **options).table
    assert table.colnames == names
    assert same_tables(table, whole[names])
    tiled = by_tiles(make_field() << u.nJy, (64, 64), **options)
    assert same_tables(tiled.table, table)
    with pytest.warns(Warning, match="No sources"):
        none = extract(make_field() << u.nJy, nsigma=1e6, **options).table
    assert none.colnames == names


def test_groups_stand_for_what_they_always_did(whole):
    table = extract(make_field() << u.nJy, wcs=make_wcs(), columns=("default",), **OPTIONS).table
    assert table.colnames == whole.colnames
    some = extract(
        make_field() << u.nJy, wcs=make_wcs(), columns=("label", "derived"), **OPTIONS
    ).table
    added = [name for name in whole.colnames if is_derived(name)]
    assert [name for name in some.colnames if name != "label"] == [
        name for name in added if not name.startswith(("kron_", "segment_"))
    ]
    assert spelled_out(("derived", "label"), True) == ["label"]


def test_a_zero_point_of_no_system_gives_columns_that_can_be_chosen():
    table = extract(make_field(), zero_point=25, columns=("kron_mag",)).table
    assert table.colnames == ["kron_mag"]
    assert np.isfinite(table["kron_mag"]).any()


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("name", "'name' needs a WCS and a designation"),
        ("kron_mag", "'kron_mag' needs a zero_point .--zero-point. that is not of the AB system"),
        ("kron_abmag", "give zero_point .--zero-point. with zero_point_system='AB'"),
        ("aperture_4_flux", "its radius among aperture_radii"),
        ("aperture_4_abmag", "its radius among aperture_radii"),
        ("fluxfrac_radius_90", "its fraction among fluxfrac_radii"),
        ("kron_abmagg", "did you mean 'kron_abmag"),
    ],
)
def test_what_a_run_cannot_add_is_refused_with_what_it_needs(column, message):
    with pytest.raises(ValueError, match=f"columns: .*{message}"):
        extract(make_field(), columns=(column,))


def test_bands_have_those_that_are_chosen():
    bands = {"g": make_field(), "r": 2 * make_field()}
    found = extract_bands(
        bands, zero_point=25.0, zero_point_system="AB", columns=("label", "kron_abmag")
    )
    # The share of a segment that a band has, is beside whatever is measured in it.
    names = [name for name in found.table.colnames if not name.startswith("coverage")]
    assert names == ["label", "kron_abmag_g", "kron_abmag_r"]


def test_what_is_listed_can_be_chosen():
    assert all(is_derived(column.name) for column, _ in listed_columns())
