"""Flux and asymmetry of dilated segments: the definitions, and light that is known."""

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt, map_coordinates

from skyshed import SegmentationImage, SourceCatalog, detect_sources, extract
from skyshed.background.noise_correlation import LARGEST_LAG
from skyshed.datasets import make_survey_image
from tests.mosaic.fields import by_tiles
from tests.pipeline_field import same_tables

STEP, N_STEPS, STILL_GROWING = 2, 6, 1.05


@pytest.fixture(scope="module")
def field():
    """Return data, labels, errors and mask of a crowded field."""
    return make_field(6000)


def make_field(density):
    image = make_survey_image((230, 260), density=density, seed=8)
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
    if last < N_STEPS and 0 < flux[last] * STILL_GROWING**0.2 <= flux[last + 1]:
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
    some = [3, 70, 40, 41, 3]
    for name in ("dilated_flux", "dilated_fluxerr", "dilated_area", "asymmetry"):
        part = getattr(SourceCatalog(data, segments, error=error, mask=mask)[some], name)
        np.testing.assert_array_equal(part, getattr(catalog, name)[some])
        assert len(getattr(catalog[np.zeros(len(catalog), bool)], name)) == 0


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
        "columns": ("label", "dilated_flux", "dilated_fluxerr", "dilated_area", "asymmetry"),
        "n_threads": 1,
        "localbkg_width": 16, "background_passes": 2,
    }  # fmt: skip
    whole = extract(image.data, mask=image.mask, **options)
    tiles = by_tiles(image.data, tile, companions={"mask": image.mask}, **options)
    assert same_tables(tiles.table, whole.table)


def asymmetry_by_definition(data, error, usable, zone, centre):
    """Return the asymmetry, of values between pixels by SciPy, about centres by 1/16 pixel."""
    y, x = np.nonzero(zone)
    outside = np.where(usable, 0.0, 1.0)

    def read(image, y, x, power=1):
        # The weights of a linear interpolation, to some power, of the four pixels around.
        total = np.zeros(len(y))
        for dy in (0, 1):
            for dx in (0, 1):
                row, column = np.floor(y).astype(int) + dy, np.floor(x).astype(int) + dx
                weight = np.abs(1 - dy - (y % 1)) * np.abs(1 - dx - (x % 1))
                inside = (row >= 0) & (row < image.shape[0]) & (column >= 0)
                inside &= column < image.shape[1]
                values = np.full(len(y), 9.0)
                values[inside] = image[row[inside], column[inside]]
                total += np.where(weight > 0, weight**power * values, 0)
        return total

    def sums(centre):
        shift = [((2 * c + 0.5) % 1 - 0.5) / 2 for c in centre]
        one = y + shift[0], x + shift[1]
        other = 2 * centre[0] - one[0], 2 * centre[1] - one[1]
        other = np.round(32 * np.stack(other)) / 32  # as exact as they are
        good = (read(outside, *one) == 0) & (read(outside, *other) == 0)
        a, b = (read(data, *(each[good] for each in place)) for place in (one, other))
        np.testing.assert_allclose(
            a, map_coordinates(data, [each[good] for each in one], order=1), atol=1e-9
        )
        variance = sum(
            read(error**2, *(each[good] for each in place), power=2) for place in (one, other)
        )
        same = np.all([p[good] == q[good] for p, q in zip(one, other, strict=True)], axis=0)
        noise = np.where(same, 0, np.sqrt(2 / np.pi * variance)).sum()
        return np.abs(a - b).sum(), np.abs(a).sum(), noise

    best = sums(centre)
    for move in (8, 4, 2, 1):
        moved = True
        while moved:
            moved, around = False, centre
            for dy in (-1, 0, 1):
                for dx in (-1, 0, 1):
                    at = around[0] + dy * move / 16, around[1] + dx * move / 16
                    found = sums(at)
                    if found[1] > 0 and found[0] / found[1] < best[0] / best[1] - 1e-13:
                        best, centre, moved = found, at, True
    return (best[0] - best[2]) / best[1]


def test_asymmetries_are_those_of_the_definition():
    data, segments, error, mask = make_field(2500)
    catalog = SourceCatalog(data, segments, error=error, mask=mask, localbkg_width=16)
    labels = segments.data
    good = np.isfinite(data) & ~mask
    steps = catalog.results["_dilated_steps"]
    judged = 0
    for row in range(len(catalog)):
        label = catalog.labels[row]
        own = distance_transform_edt(labels != label)
        other = distance_transform_edt((labels == 0) | (labels == label))
        if (np.abs(own - other)[own <= STEP * N_STEPS] < 1e-9).any():
            continue  # of pixels that are as near to another the fluxes above tell
        zone = (own <= STEP * steps[row]) & (own < other)
        usable = good & ((own < other) | (other > STEP * N_STEPS))
        y, x = (
            np.round(16 * float(each[row])) / 16 for each in (catalog.ycentroid, catalog.xcentroid)
        )
        level = catalog.local_background[row]
        image = np.where(good, data - level, 0)
        expected = asymmetry_by_definition(image, np.where(good, error, 0), usable, zone, (y, x))
        assert catalog.asymmetry[row] == pytest.approx(expected, rel=1e-9, abs=1e-12)
        judged += 1
    assert judged >= 8


@pytest.mark.parametrize("at", [(80, 80), (80.5, 80), (80.25, 80.3), (79.9, 80.45)])
def test_what_looks_the_same_when_turned_is_symmetric(at):
    y, x = np.mgrid[:161, :161]
    data = 500 * np.exp(-((y - at[0]) ** 2 + 2 * (x - at[1]) ** 2) / 2 / 3.0**2)
    catalog = SourceCatalog(data, detect_sources(data, 5.0, 5))
    assert 0 <= catalog.asymmetry[0] < 0.02
    assert (2 * at[0]) % 1 or (2 * at[1]) % 1 or catalog.asymmetry[0] == 0


def test_errors_may_be_of_another_dtype(field):
    data, segments, error, mask = field
    given = {"segment_img": segments, "mask": mask}
    double = SourceCatalog(data, error=error, **given).asymmetry
    for data_type, error_type in (("f4", "f8"), ("f8", "f4")):
        other = SourceCatalog(data.astype(data_type), error=error.astype(error_type), **given)
        np.testing.assert_allclose(other.asymmetry, double, atol=2e-4)


def test_what_does_not_is_not():
    y, x = np.mgrid[:161, :161] - 80.0
    data = 500 * np.exp(-(x**2 + y**2) / 2 / 9) + 200 * np.exp(-((x - 10) ** 2 + y**2) / 2 / 9)
    catalog = SourceCatalog(data, detect_sources(data, 5.0, 5))
    # Light of the fainter one, over its own and that of the brighter one, twice.
    assert catalog.asymmetry[0] == pytest.approx(0.66, abs=0.02)


def test_noise_makes_nothing_asymmetric():
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:61, :61]
    known, unknown = [], []
    for _ in range(40):
        at = 30 + rng.uniform(-0.5, 0.5, 2)
        data = 500 * np.exp(-((y - at[0]) ** 2 + (x - at[1]) ** 2) / 2 / 3.0**2)
        data += rng.normal(0, 20, data.shape)
        labels = SegmentationImage((np.hypot(y - at[0], x - at[1]) < 7).astype(int))
        error = np.full(data.shape, 20.0)
        known.append(SourceCatalog(data, labels, error=error).asymmetry[0])
        unknown.append(SourceCatalog(data, labels).asymmetry[0])
    assert np.mean(unknown) > 0.15
    assert abs(np.mean(known)) < 0.02


def test_without_light_or_a_centre_there_is_no_asymmetry():
    labels = np.zeros((30, 30), int)
    labels[10:14, 10:14] = 1
    zero = SourceCatalog(np.zeros(labels.shape), SegmentationImage(labels))
    assert np.isnan(zero.asymmetry[0])
