"""A call goes straight down through the house."""

from tests.walk import walk_of_a_tile, walk_of_extract

#: What a reader can hold in mind, and what callbacks may need.
MOST_PACKAGES, MOST_CLIMBS = 8, 3


def test_extract_reaches_the_first_kernel_by_few_packages_and_climbs():
    trace = walk_of_extract()
    assert {"extraction", "images", "chain"} <= set(trace.packages)
    assert len(trace.packages) <= MOST_PACKAGES, trace.packages
    assert len(trace.climbs) <= MOST_CLIMBS, trace.climbs


def test_a_tile_is_measured_by_few_packages_and_climbs():
    trace = walk_of_a_tile()
    assert {"mosaic", "chain", "catalog"} <= set(trace.packages)
    assert len(trace.packages) <= MOST_PACKAGES, trace.packages
    assert len(trace.climbs) <= MOST_CLIMBS, trace.climbs
