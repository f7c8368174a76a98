"""Colors between matched bands are those of the magnitudes, and their errors are true."""

import warnings

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from skyshed import Parameters, SegmentationImage, extract_bands
from skyshed.catalog import noise_factors
from skyshed.chain import colors
from skyshed.chain.band_columns import check_endings
from skyshed.chain.colors import check_colors
from skyshed.chain.derived import color_columns
from skyshed.extraction.bands import open_bands
from skyshed.extraction.entry import run_request
from skyshed.extraction.plan import Resources, make_plan
from skyshed.output.catalogs import read_catalog
from skyshed.quality.scores import pull_width
from tests.pipeline_field import same_tables

SIDE, STEP, GAIN = 960, 48, 200.0
SEEING = {"g": 4.6, "r": 3.4, "i": 3.4}
FLUXES = ("kron", "aperture_5")
OPTIONS = {
    "psf_fwhm": SEEING, "psf_beta": np.inf, "background_passes": 2, "correlated_noise": True,
    "zero_point": {"g": 25.0, "r": 26.0, "i": 27.0}, "aperture_radii": (5.0,), "nsigma": 3.0,
    "effective_gain": GAIN, "n_threads": 1,
}  # fmt: skip


def in_seeing(light, fwhm):
    return gaussian_filter(light, fwhm / 2.3548, mode="wrap")


@pytest.fixture(scope="module")
def bands():
    """Stars of one flux on a grid, over sources that are too faint to be detected."""
    rng = np.random.default_rng(1)
    faint = rng.poisson(0.05, (SIDE, SIDE)) * 9.0
    stars = np.zeros((SIDE, SIDE))
    stars[STEP // 2 :: STEP, STEP // 2 :: STEP] = 600.0
    images = {}
    for name, fwhm in SEEING.items():
        light = in_seeing(faint + stars, fwhm)
        images[name] = light + rng.normal(0, np.sqrt(1 + light / GAIN))
    return images


@pytest.fixture(scope="module")
def found(bands):
    return extract_bands(bands, **OPTIONS)


def numbers(table, name):
    return np.asarray(getattr(table[name], "value", table[name]))


def by_tiles(bands, tile=(128, 256), **options):
    request = open_bands(bands, **options)
    resources = Resources(tile=tile)
    return run_request(request, make_plan(request, resources), resources)


def test_colors_are_the_differences_of_matched_magnitudes(found):
    table = found.table
    assert [each for each in table.colnames if "color" in each] == [
        f"{flux}_{kind}_{pair}" for pair in ("g_r", "r_i") for flux in FLUXES
        for kind in ("color", "colorerr")
    ]  # fmt: skip
    assert not [each for each in table.colnames if ":" in each]
    for flux in FLUXES:
        one, other = (numbers(table, f"{flux}_mag_matched_{band}") for band in "gr")
        np.testing.assert_array_equal(numbers(table, f"{flux}_color_g_r"), one - other)
    assert str(table["kron_color_g_r"].unit) == "mag"
    assert table["kron_color_g_r"].info.meta["ucd"] == "phot.color"
    assert "is subtracted, where it was measured." in table["kron_colorerr_g_r"].info.description


@pytest.mark.parametrize("flux", FLUXES)
@pytest.mark.parametrize(("pair", "true"), [("g_r", -1.0), ("r_i", -1.0)])
def test_the_scatter_of_stars_is_that_of_the_errors(found, flux, pair, true):
    table, edge = found.table, STEP
    x, y = (numbers(table, f"{axis}centroid") for axis in "xy")
    star = (abs((x - STEP / 2 + 8) % STEP - 8) < 2) & (abs((y - STEP / 2 + 8) % STEP - 8) < 2)
    star &= (x > edge) & (y > edge) & (x < SIDE - edge) & (y < SIDE - edge)
    star &= numbers(table, "aperture_5_flux_matched_g") > 300
    color, error = (numbers(table, f"{flux}_{kind}_{pair}")[star] for kind in ("color", "colorerr"))
    assert star.sum() > 250
    assert pull_width(color, np.median(color), error) == pytest.approx(1.0, abs=0.15)
    assert np.median(color) == pytest.approx(true, abs=0.02)
    # The errors of the magnitudes hold noise that is the same in both.
    apart = np.hypot(*(numbers(table, f"{flux}_magerr_matched_{band}")[star] for band in pair[::2]))
    assert np.median(error / apart) < 0.9


def test_tiles_have_the_same_bits(bands, found):
    assert same_tables(by_tiles(bands, **OPTIONS).table, found.table)
    assert same_tables(by_tiles(bands, (256, 128), **OPTIONS).table, found.table)


def test_noise_that_was_not_compared_is_not_left_out(bands):
    table = extract_bands(bands, **{**OPTIONS, "correlated_noise": False}).table
    for flux in FLUXES:
        terms = [numbers(table, f"{flux}_magerr_matched_{band}") for band in "gr"]
        np.testing.assert_allclose(numbers(table, f"{flux}_colorerr_g_r"), np.hypot(*terms))
    said = table["kron_colorerr_g_r"].info.description
    assert said.endswith("have in common is not known, and counts as that of each.")


def test_matched_errors_are_as_before_where_correlation_is_not_measured(bands):
    options = {**OPTIONS, "correlated_noise": False}
    table = extract_bands(bands, **options).table
    np.testing.assert_array_equal(
        table["aperture_5_fluxerr_matched_g"], table["aperture_5_fluxerr_g"]
    )
    ratio = numbers(table, "aperture_5_fluxerr_matched_r") / numbers(table, "aperture_5_fluxerr_r")
    assert np.median(ratio) == pytest.approx(1, abs=0.01)


def test_convolved_noise_is_smaller_and_that_of_the_light_of_sources_is_not(found):
    table = found.table
    ratio = numbers(table, "aperture_5_fluxerr_matched_r") / numbers(table, "aperture_5_fluxerr_r")
    assert 0.85 < np.median(ratio) < 0.98
    bright, faint = np.full(2, 1e8), np.zeros(2)
    noise = noise_factors.SmoothedNoise(((0.5,),), 1 / GAIN)

    def error(flux):
        return noise_factors.errors_of_sums(
            np.full(2, 100.0), flux, None, noise, lambda c: 1.0 if c is None else c[0][0]
        )

    np.testing.assert_allclose(error(faint), np.sqrt(50))
    np.testing.assert_allclose(error(bright), np.sqrt(1e8 / GAIN), rtol=1e-3)


def test_every_error_of_a_bright_source_in_a_matched_band_has_the_noise_of_its_light():
    """Of all columns of fluxes: the errors of pixels are without it there."""
    light = np.zeros((256, 256))
    light[128, 128] = 1e7
    rng = np.random.default_rng(3)
    images = {
        name: in_seeing(light, fwhm) + rng.normal(0, 1, light.shape)
        for name, fwhm in (("g", 4.6), ("r", 3.4))
    }
    options = {**OPTIONS, "psf_fwhm": {"g": 4.6, "r": 3.4}, "zero_point": 25.0}
    found = extract_bands(images, **options)
    (star,) = np.flatnonzero(found.table["kron_flux_matched_r"] > 1e6)
    for name in ("kron", "segment", "aperture_5"):
        flux, error = (
            numbers(found.table, f"{name}_{kind}_matched_r")[star] for kind in ("flux", "fluxerr")
        )
        assert error > 0.95 * np.sqrt(flux / GAIN), name
    catalog = found._run.catalog_of("r:matched")
    assert catalog.petrosian_fluxerr[star] > 0.95 * np.sqrt(catalog.petrosian_flux[star] / GAIN)


def test_the_worst_band_is_as_it_is(found):
    for flux in FLUXES:
        for kind in ("flux", "fluxerr"):
            np.testing.assert_array_equal(
                found.table[f"{flux}_{kind}_matched_g"], found.table[f"{flux}_{kind}_g"]
            )


def test_where_a_flux_is_not_positive_or_a_band_is_missing_there_is_no_color(bands, found):
    spoiled = {**bands, "r": bands["r"].copy(), "i": bands["i"].copy()}
    spoiled["r"][:200, :200] = np.nan
    spoiled["i"][-200:, -200:] -= 50
    table = extract_bands(spoiled, segmentation=found.segmentation, background="none",
                          **OPTIONS).table  # fmt: skip
    x, y = (numbers(table, f"{axis}centroid") for axis in "xy")
    lost, negative = (x < 190) & (y < 190), (x > SIDE - 190) & (y > SIDE - 190)
    assert lost.any()
    assert negative.any()
    for kind in ("color", "colorerr"):
        assert np.isnan(numbers(table, f"kron_{kind}_g_r")[lost]).all()
        assert np.isnan(numbers(table, f"kron_{kind}_r_i")[lost]).all()
        assert np.isfinite(numbers(table, f"kron_{kind}_g_r")[negative]).all()
        assert np.isnan(numbers(table, f"kron_{kind}_r_i")[negative]).all()


def test_colors_need_the_zero_points_of_both_bands(bands):
    request = open_bands(bands, **{**OPTIONS, "zero_point": {"g": 25.0, "r": 25.0}})
    assert colors._pairs(request) == [("g", "r")]
    request = open_bands(bands, **{**OPTIONS, "psf_fwhm": None, "psf_beta": None})
    assert colors._pairs(request) == []
    assert not request.compares_noise


def test_there_is_no_color_between_magnitudes_of_two_systems(bands):
    systems = {"g": "AB", "r": "Vega", "i": "Vega"}
    table = extract_bands(bands, **{**OPTIONS, "zero_point_system": systems}).table
    assert [name for name in table.colnames if name.startswith("kron_color_")] == ["kron_color_r_i"]


def test_an_error_that_is_given_is_taken_as_it_is(bands):
    error = np.full((SIDE, SIDE), 1.0)
    table = extract_bands(bands, error={"r": error}, **OPTIONS).table
    terms = [numbers(table, f"kron_magerr_matched_{band}") for band in "gr"]
    np.testing.assert_allclose(numbers(table, "kron_colorerr_g_r"), np.hypot(*terms))


def test_a_table_of_no_sources_has_the_same_columns(bands, found):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        empty = extract_bands(
            bands, segmentation=SegmentationImage(np.zeros((SIDE, SIDE), np.int32)), **OPTIONS
        ).table
    assert empty.colnames == found.table.colnames
    for name in ("kron_color_g_r", "kron_colorerr_r_i"):
        assert empty[name].unit == found.table[name].unit
        assert empty[name].info.description == found.table[name].info.description


@pytest.mark.parametrize("form", ["fits", "votable", "parquet", "csv"])
def test_files_have_the_colors(found, form, tmp_path):
    if form == "parquet":
        pytest.importorskip("pyarrow")
    found.write(tmp_path, form, preview=False)
    table = read_catalog(next(tmp_path.glob("catalog*")))
    for name in ("kron_color_g_r", "aperture_5_colorerr_r_i"):
        np.testing.assert_array_equal(numbers(table, name), numbers(found.table, name))


def test_names_by_which_two_colors_would_be_one_are_refused():
    with pytest.raises(ValueError, match="the colors g - r_i and g_r - i can't both end in _g_r_i"):
        check_colors(["g", "r_i", "g_r", "i"])
    with pytest.raises(ValueError, match="rename a band"):
        check_endings(
            [f"{band}{way}" for band in ("g", "R_i", "g_r", "I") for way in ("", ":matched")]
        )
    check_endings(["g", "r_i", "g_r", "i"])  # without matched bands there are no colors
    names = [each.name for each in color_columns("aperture_2p5", "g", "r", False)]
    assert names == ["aperture_2p5_color_g_r", "aperture_2p5_colorerr_g_r"]


def test_the_recommended_preset_compares_noise(bands):
    parameters = Parameters.preset("recommended").replace(aperture_correction=False)
    assert open_bands(bands, parameters=parameters, psf_fwhm=SEEING).compares_noise
