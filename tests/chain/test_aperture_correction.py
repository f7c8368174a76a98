"""Fluxes of all light by the growth of stars: right, the same by tiles, told, or refused."""

import numpy as np
import pytest

from skyshed import extract, extract_bands
from skyshed.catalog.growth import GROWTH_RADII
from skyshed.chain.aperture_correction import growth_of
from skyshed.datasets import make_survey_image
from skyshed.datasets.profiles import moffat_scale
from skyshed.exceptions import ImageWarning
from skyshed.quality.matching import isolated, match
from tests.mosaic.fields import by_tiles
from tests.pipeline_field import same_tables

OPTIONS = {
    "background_passes": 2, "effective_gain": 4.0, "aperture_radii": (2.5, 6.0),
    "aperture_center": "centroid_win", "aperture_correction": True, "n_threads": 1,
    "zero_point": 30.0,
}  # fmt: skip
FWHM = 2.8


@pytest.fixture(scope="module")
def field():
    return make_survey_image((500, 600), seed=3, star_fraction=0.4, psf_fwhm=FWHM)


@pytest.fixture(scope="module")
def found(field):
    return extract(field.data, mask=field.mask, **OPTIONS)


def moffat_share(radius):
    """The share of a star's light within a radius (Moffat 1969, exponent 3)."""
    return 1 - (1 + (radius / moffat_scale(FWHM, 3.0)) ** 2) ** -2.0


def test_the_curve_is_that_of_the_stars(found):
    growth = found._run.growth
    radii = growth.radii[1:]
    np.testing.assert_allclose(
        growth.share[1:], moffat_share(radii) / moffat_share(radii[-1]), atol=0.03
    )
    assert growth.half_light_radius == pytest.approx(0.631 * FWHM, rel=0.05)
    assert growth.n_stars >= 10
    assert f"{growth.n_stars} stars" in found.record["aperture_correction"]
    assert growth.within(1e9) == 1
    assert growth.within(0.0) == 0


@pytest.mark.parametrize("name", ["aperture_2p5_total", "aperture_6_total", "total"])
def test_stars_have_all_their_light(field, found, name):
    table, truth = found.table, field.truth
    flux = np.asarray(truth["flux"])
    alone = isolated(truth["x"], truth["y"], flux, 3.5 * FWHM, 0.05)
    star = (np.asarray(truth["type"]) == "star") & alone & ~np.asarray(truth["saturated"])
    star &= (np.asarray(truth["magnitude"]) > 18) & (np.asarray(truth["magnitude"]) < 21.5)
    of = match(table["xcentroid"], table["ycentroid"], truth["x"], truth["y"], flux, 2.0)
    star &= of.detection_of >= 0
    ratio = np.asarray(table[f"{name}_flux"])[of.detection_of[star]] / flux[star]
    assert star.sum() > 8
    assert np.median(ratio) == pytest.approx(1, abs=0.03)


def test_errors_and_magnitudes_are_corrected_as_the_fluxes(found):
    table, growth = found.table, found._run.growth
    share = growth.within(2.5)
    np.testing.assert_allclose(
        table["aperture_2p5_total_fluxerr"], table["aperture_2p5_fluxerr"] / share
    )
    good = table["aperture_2p5_flux"] > 0
    np.testing.assert_allclose(
        (table["aperture_2p5_mag"] - table["aperture_2p5_total_mag"])[good].value,
        -2.5 * np.log10(share),
    )
    isocor = np.asarray(table["best_is_isocor"], bool)
    np.testing.assert_array_equal(table["total_flux"][isocor], table["best_flux"][isocor])
    radius = table["kron_aperture_radius"][~isocor].value
    np.testing.assert_allclose(
        table["total_flux"][~isocor], table["best_flux"][~isocor] / growth.within(radius)
    )


@pytest.mark.parametrize("tile", [(64, 128), (192, 256)])
def test_tiles_have_the_corrections_of_the_image_to_the_bit(field, found, tile):
    tiles = by_tiles(field.data, tile, companions={"mask": field.mask}, **OPTIONS)
    assert same_tables(tiles.table, found.table)
    assert tiles.record["aperture_correction"] == found.record["aperture_correction"]
    assert tiles.record["noise_correlation"] == found.record["noise_correlation"]


def test_without_stars_corrected_fluxes_are_nan_and_that_is_said():
    image = np.random.default_rng(4).normal(0, 1, (128, 160))
    image[30:34, 60:64] += 30
    with pytest.warns(ImageWarning, match="leave aperture_correction .* out"):
        found = extract(image, **OPTIONS)
    table = found.table
    assert np.isnan(table["total_flux"]).all()
    assert np.isfinite(table["best_flux"]).all()
    assert "aperture_correction" not in found.record
    with pytest.warns(ImageWarning, match="leave aperture_correction .* out"):
        tiles = by_tiles(image, (64, 64), **OPTIONS)
    assert same_tables(tiles.table, table)


def test_a_table_of_no_sources_has_the_same_columns(found):
    empty = np.random.default_rng(5).normal(0, 1, (64, 64))
    with pytest.warns(match="No sources"), pytest.warns(ImageWarning):
        table = extract(empty, nsigma=9, **OPTIONS).table
    assert table.colnames == [name for name in found.table.colnames if name != "name"]


def test_galaxies_brighter_than_stars_do_not_change_the_curve():
    rng = np.random.default_rng(6)
    radii = np.array(GROWTH_RADII)
    size = np.append(2.0 + rng.normal(0, 0.02, 30), rng.uniform(2.6, 9, 150))
    growth = 1e4 * (1 - np.exp(-((radii / size[:, None]) ** 2) * np.log(2)))
    n = size.size
    facts = np.column_stack([size, np.full(n, 1e4), np.ones(n), np.zeros(n), np.zeros(n), growth])
    found = growth_of(rng.permutation(facts))
    assert found.half_light_radius == pytest.approx(2.0, rel=0.03)
    assert found.n_stars <= 40
    assert found.within(2.0) == pytest.approx(0.5, abs=0.02)
    disturbed = facts.copy()
    disturbed[:, 3] = 0.2
    assert growth_of(disturbed) is None


def test_bands_refuse_it():
    image = np.random.default_rng(7).normal(0, 1, (64, 64))
    with pytest.raises(ValueError, match="aperture_correction must be False for several bands"):
        extract_bands({"g": image, "r": image}, aperture_correction=True)
