"""The flux of dilated segments: the definition, and light whose sum is known."""

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from skyshed import SegmentationImage, SourceCatalog, detect_sources, extract
from skyshed.background.noise_correlation import LARGEST_LAG
from skyshed.datasets import make_survey_image
from tests.mosaic.fields import by_tiles
from tests.pipeline_field import same_tables

STEP, N_STEPS, STILL_GROWING = 2, 6, 1.05


@pytest.fixture(scope="module")
def field():
    """Return data, labels, errors and mask of a crowded field."""
    image = make_survey_image((230, 260), density=6000, seed=8)
    data = (image.data - image.sky).astype(float)
    labels = detect_sources(np.nan_to_num(data), 12.0, 5)
    mask = image.mask.copy()
    mask[100:120, 40:90] = True
    return data, labels, image.error.astype(float), mask


def by_definition(data, labels, error, mask, k, level):
    """Return flux, error and area of a source: by distances from it and from all others."""
    good = np.isfinite(data) & ~mask
    own = distance_transform_edt(labels != k)
    other = distance_transform_edt((labels == 0) | (labels == k))
    flux, steps = [], range(N_STEPS + 1)
    # Of pixels that are equally near two sources, the one with the lower label has them.
    first = np.abs(own - other) < 1e-9
    lower = np.zeros(labels.shape, bool)
    for y, x in zip(*np.nonzero(first & (own <= STEP * N_STEPS)), strict=True):
        dy, dx = (at - center for at, center in zip(np.nonzero(labels), (y, x), strict=True))
        near = np.abs(np.hypot(dy, dx) - own[y, x]) < 1e-9
        lower[y, x] = labels[labels != 0][near].min() == k
    within = [(own <= STEP * step) & ((own < other - 1e-9) | lower) & good for step in steps]
    flux = [np.sum(data[each] - level) for each in within]
    last = 0
    while last < N_STEPS and flux[last] > 0 and flux[last + 1] > STILL_GROWING * flux[last]:
        last += 1
    if last < N_STEPS and 0 < flux[last] < flux[last + 1]:
        last += 1
    area = np.count_nonzero(within[last])
    if not area:
        return np.nan, np.nan, np.nan
    return flux[last], np.sqrt(np.sum(error[within[last]] ** 2)), area


@pytest.mark.parametrize("width", [0, 16])
def test_dilated_fluxes_are_those_of_the_definition(field, width):
    data, segments, error, mask = field
    catalog = SourceCatalog(data, segments, error=error, mask=mask, localbkg_width=width)
    grown = catalog.dilated_area.value > catalog.area.value
    assert np.count_nonzero(grown) > 50
    assert np.count_nonzero(~grown) > 0
    for row in range(0, len(catalog), 4):
        level = catalog.local_background[row] if width else 0.0
        expected = by_definition(data, segments.data, error, mask, catalog.labels[row], level)
        got = (
            catalog.dilated_flux[row], catalog.dilated_fluxerr[row], catalog.dilated_area[row].value
        )  # fmt: skip
        np.testing.assert_allclose(got, expected, rtol=1e-9)


def test_dilated_fluxes_hold_more_of_the_light_of_a_galaxy():
    y, x = np.mgrid[:161, :161] - 80.3
    data = 300 * np.exp(-np.hypot(x, y) / 4.0)
    catalog = SourceCatalog(data, detect_sources(data, 40.0, 5))
    whole = data.sum()
    assert catalog.segment_flux[0] < 0.7 * whole
    assert 0.9 * whole < catalog.dilated_flux[0] < whole
    assert np.isnan(catalog.dilated_fluxerr[0])


def test_one_source_has_the_numbers_that_it_has_among_all(field):
    data, segments, error, mask = field
    catalog = SourceCatalog(data, segments, error=error, mask=mask)
    some = [3, 40, 41, 70]
    for name in ("dilated_flux", "dilated_fluxerr", "dilated_area"):
        part = getattr(SourceCatalog(data, segments, error=error, mask=mask)[some], name)
        np.testing.assert_array_equal(part, getattr(catalog, name)[some])


def test_a_source_without_light_does_not_grow():
    data = np.full((60, 60), 1.0)
    labels = np.zeros(data.shape, int)
    labels[30:33, 30:33] = 1
    data[30:33, 30:33] = -1
    catalog = SourceCatalog(data, SegmentationImage(labels))
    assert catalog.dilated_flux[0] == -9
    assert catalog.dilated_area[0].value == 9
    masked = SourceCatalog(data, SegmentationImage(labels), mask=labels > 0)
    assert np.isnan(masked.dilated_flux[0])
    assert np.isnan(masked.dilated_area[0])


def test_errors_know_how_the_noise_is_correlated(field):
    data, segments, error, mask = field
    side = 2 * LARGEST_LAG + 1
    near = np.zeros((side, side))
    near[LARGEST_LAG - 1 : LARGEST_LAG + 2, LARGEST_LAG - 1 : LARGEST_LAG + 2] = 0.3
    near[LARGEST_LAG, LARGEST_LAG] = 1
    plain = SourceCatalog(data, segments, error=error, mask=mask)
    known = SourceCatalog(data, segments, error=error, mask=mask, noise_correlation=near)
    ratio = known.dilated_fluxerr / plain.dilated_fluxerr
    usual = np.isfinite(ratio) & (plain.dilated_area.value > 100)
    # Of many pixels nearly all have their 8 neighbours in the sum.
    assert np.sqrt(1 + 0.7 * 8 * 0.3) < np.median(ratio[usual]) < np.sqrt(1 + 8 * 0.3)


@pytest.mark.parametrize("tile", [(64, 128), (128, 192)])
def test_tiles_give_the_bits_of_the_image_at_once(tile):
    image = make_survey_image((300, 400), density=3500, seed=12)
    options = {
        "columns": ("label", "dilated_flux", "dilated_fluxerr", "dilated_area"), "n_threads": 1,
        "localbkg_width": 16, "background_passes": 2,
    }  # fmt: skip
    whole = extract(image.data, mask=image.mask, **options)
    tiles = by_tiles(image.data, tile, companions={"mask": image.mask}, **options)
    assert same_tables(tiles.table, whole.table)
