"""Several bands in one table: one detection, and the numbers of each band by itself."""

import warnings

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits
from scipy.ndimage import gaussian_filter
from scipy.stats import chi

from skyshed import (
    SEGMENTATION_FLAGS,
    Background2D,
    ImageWarning,
    NoDetectionsWarning,
    Parameters,
    SourceCatalog,
    WorkspaceError,
    extract,
    extract_bands,
)
from skyshed.background.window import BackgroundWindow
from skyshed.chain import measured_pixels
from skyshed.chain.combination import Combination, combined, combined_correlation
from skyshed.datasets import make_survey_image
from skyshed.extraction.bands import open_bands
from skyshed.extraction.entry import run_request
from skyshed.extraction.plan import Resources, make_plan
from skyshed.images import Window
from skyshed.output.catalogs import read_catalog
from tests.pipeline_field import SHAPE, make_field, make_wcs, same_tables

OPTIONS = {"box_size": 16, "n_threads": 1}


def make_bands(names="gri", dtypes=(np.float32, np.float32, np.float64)):
    """Return images of the same sources with noise, sky and flux of their own."""
    clean = make_field(dtype=np.float64)
    bands = {}
    for number, (name, dtype) in enumerate(zip(names, dtypes, strict=True)):
        rng = np.random.default_rng(number)
        bands[name] = ((1 + number) * clean + rng.normal(0, 1 + number, SHAPE)).astype(dtype)
    return bands


def by_tiles(bands, tile=(64, 96), workspace=None, **options):
    request = open_bands(bands, **options)
    resources = Resources(workspace=workspace, tile=tile)
    return run_request(request, make_plan(request, resources), resources)


def quietly(function, *args, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*args, **options)


@pytest.fixture(scope="module")
def bands():
    return make_bands()


@pytest.fixture(scope="module")
def found(bands):
    options = {**OPTIONS, "aperture_radii": (3.0,), "zero_point": {"g": 25.0, "i": 27.0}}
    return extract_bands(bands, wcs=make_wcs(), effective_gain={"r": 2.0}, **options)


@pytest.mark.parametrize("band", ["g", "r", "i"])
def test_the_numbers_of_a_band_are_those_of_forced_photometry(bands, found, band):
    alone = extract(
        bands[band], detection_cat=found.catalog, box_size=16, n_threads=1, aperture_radii=(3.0,),
        effective_gain=2.0 if band == "r" else None, zero_point={"g": 25.0, "i": 27.0}.get(band),
    )  # fmt: skip
    assert len(found.table) > 40
    for name in ("kron_flux", "kron_fluxerr", "segment_flux", "segment_fluxerr", "max_value",
                 "aperture_3_flux", "aperture_3_fluxerr"):  # fmt: skip
        np.testing.assert_array_equal(found.table[f"{name}_{band}"], alone.table[name])
    for name in ("xcentroid", "semimajor_sigma", "area", "bbox_xmin"):
        np.testing.assert_array_equal(found.table[name], alone.table[name])
    has_magnitudes = f"kron_mag_{band}" in found.table.colnames
    assert has_magnitudes == (band != "r")
    if has_magnitudes:
        np.testing.assert_array_equal(found.table[f"kron_mag_{band}"], alone.table["kron_mag"])


def test_positions_and_shapes_are_in_the_table_once(found):
    names = found.table.colnames
    assert {"label", "name", "xcentroid", "sky_centroid", "ra", "area", "orientation"} <= set(names)
    assert not {"kron_flux", "flags", "xcentroid_g", "area_r"} & set(names)
    for band in "gri":
        assert {f"{each}_{band}" for each in ("kron_flux", "flags", "coverage")} <= set(names)


@pytest.mark.parametrize("combine", ["snr", "chi2"])
def test_one_pass_over_a_band_has_the_bits_of_its_maps(bands, combine, monkeypatch):
    spoiled = {**bands, "r": bands["r"].copy()}
    spoiled["r"][50:60, 20:30] = np.nan
    calls = []
    add_without = BackgroundWindow.add_without

    def counted(self, *args):
        found = add_without(self, *args)
        calls.append(found is not None)
        return found

    monkeypatch.setattr(BackgroundWindow, "add_without", counted)
    once = extract_bands(spoiled, combine=combine, **OPTIONS)
    data = np.asarray(once.data)
    assert calls.count(True) > 6
    monkeypatch.setattr(BackgroundWindow, "add_without", lambda *args: None)
    steps = extract_bands(spoiled, combine=combine, **OPTIONS)
    assert same_tables(once.table, steps.table)
    np.testing.assert_array_equal(data, np.asarray(steps.data))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"localbkg_width": 8, "aperture_radii": (3, 7), "effective_gain": {"r": 2.0}},
        {"columns": ("default", "gini", "cutout_maxval_index", "fluxfrac_radius_50", "derived")},
    ],
)  # fmt: skip
def test_only_pixels_that_are_measured_are_made_and_no_number_knows(bands, options, monkeypatch):
    spoiled = {**bands, "r": bands["r"].copy()}
    spoiled["r"][50:60, 20:30] = np.nan
    spoiled["r"][::7, ::5] = np.inf
    made, subtract = [], BackgroundWindow.subtract_in_runs

    def counted(self, data, mask, runs, out, marked):
        for each in out:
            each[...] = np.nan  # whoever reads another pixel gets this
        marked[...] = np.random.default_rng(0).random(marked.shape) < 0.5
        made.append(subtract(self, data, mask, runs, out, marked))
        return made[-1]

    monkeypatch.setattr(measured_pixels, "MOST", 1.1)
    monkeypatch.setattr(BackgroundWindow, "subtract_in_runs", counted)
    few = quietly(extract_bands, spoiled, **OPTIONS, **options)
    assert made == [True] * 3
    monkeypatch.setattr(measured_pixels, "MOST", 0)
    every = quietly(extract_bands, spoiled, **OPTIONS, **options)
    assert len(made) == 3
    assert same_tables(few.table, every.table)


@pytest.mark.parametrize(
    "options",
    [{"columns": ("default", "petrosian_flux")}, {"columns": ("default", "background_mean")}],
)
def test_all_pixels_are_made_where_it_is_not_known_which_are_measured(bands, options, monkeypatch):
    def refused(*args):
        raise AssertionError

    monkeypatch.setattr(measured_pixels, "MOST", 1.1)
    monkeypatch.setattr(BackgroundWindow, "subtract_in_runs", refused)
    assert len(extract_bands(bands, **OPTIONS, **options).table)


def test_radii_are_those_of_the_detection_unless_columns_name_them(bands, found):
    radius = found.table["fluxfrac_radius_50"]
    np.testing.assert_array_equal(radius, found.detection_cat.fluxfrac_radius(0.5))
    assert not {"fluxfrac_radius_50_g", "fluxfrac_radius_50_r"} & set(found.table.colnames)
    options = {**OPTIONS, "fluxfrac_radii": (0.5, 0.8), "columns": ("default", "fluxfrac_radius_50",
                                                                    "derived")}  # fmt: skip
    both = extract_bands(bands, **options)
    np.testing.assert_array_equal(
        both.table["fluxfrac_radius_80"], both.detection_cat.fluxfrac_radius(0.8)
    )
    assert "fluxfrac_radius_50" not in both.table.colnames
    for band in bands:
        own = both[band].catalog.fluxfrac_radius(0.5)
        np.testing.assert_array_equal(both.table[f"fluxfrac_radius_50_{band}"], own)
        assert f"fluxfrac_radius_80_{band}" not in both.table.colnames
    assert same_tables(both.table, by_tiles(bands, **options).table)
    nothing = quietly(extract_bands, bands, nsigma=1e9, **options)
    assert nothing.table.colnames == both.table.colnames


def significance(image):
    background = Background2D(image, 16)
    return (image - background.background) / background.background_rms


def test_what_is_detected_on_is_the_sum_of_significances(bands, found):
    expected = sum(significance(bands[name]) for name in "gri") / np.sqrt(3)
    np.testing.assert_allclose(found.data, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(found.error, 1)
    off = np.asarray(found.data)[found.segmentation.data == 0]
    assert abs(np.median(off)) < 0.1


def test_some_of_the_bands_are_detected_on(bands):
    one = extract_bands(bands, detect="r", **OPTIONS)
    np.testing.assert_allclose(one.data, significance(bands["r"]), rtol=1e-5, atol=1e-5)
    two = extract_bands(bands, detect=("r", "i"), **OPTIONS)
    assert len(two.table) > len(one.table)
    assert same_tables(two.table, extract_bands(bands, detect="r, i", **OPTIONS).table)
    # Of one band alone it is what is found in it.
    alone = extract(bands["r"], **OPTIONS)
    assert abs(len(alone.table) - len(one.table)) <= 2


class Plain:
    """A window of a band whose background is known to be 0."""

    def __init__(self, data, noise, mask=None):
        self.data, self._noise = data, noise
        self.planes = type("Planes", (), {"mask": mask})

    def add_significance(self, total, squared, lost):
        return None  # it has no mesh

    def mark(self):
        """Do nothing: the mask is given."""

    def without_background(self):
        return self.data.copy(), None

    def noise(self):
        return self._noise


@pytest.mark.parametrize("n", [1, 2, 3, 6])
@pytest.mark.parametrize("method", ["snr", "chi2"])
def test_noise_combines_to_noise_of_one(method, n):
    rng = np.random.default_rng(n)
    noise = [np.full((400, 500), 10.0**k, np.float32) for k in range(n)]
    images = [Plain(rng.normal(0, 1, each.shape) * each, each) for each in noise]
    planes = combined(Combination(tuple("abcdef"[:n]), method), images, "x")
    assert planes.data.mean() == pytest.approx(0, abs=0.01)
    assert planes.data.std() == pytest.approx(1, abs=0.01)
    assert planes.mask is None
    if method == "chi2":
        expected = np.sqrt(sum((each.data / each.noise()) ** 2 for each in images))
        expected = (expected - chi.mean(n)) / chi.std(n)
        np.testing.assert_allclose(planes.data, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("method", ["snr", "chi2", "mean"])
def test_where_a_band_is_missing_the_others_count(method):
    rng = np.random.default_rng(5)
    masks = rng.random((3, 30, 40)) < 0.5
    data = rng.normal(0, 1, (3, 30, 40)) + 5
    noise = rng.uniform(0.5, 2, (3, 30, 40))
    data[masks] = np.nan
    images = [Plain(*each) for each in zip(data, noise, masks, strict=True)]
    scales = (1.0, 2.0, 0.5)
    planes = combined(
        Combination(("a", "b", "c"), method, scales if method == "mean" else ()), images, "x"
    )
    np.testing.assert_array_equal(planes.mask, masks.all(axis=0))
    for y, x in np.argwhere(~planes.mask)[::17]:
        good = ~masks[:, y, x]
        values, sigmas = data[good, y, x], noise[good, y, x]
        n, s = good.sum(), values / sigmas
        if method == "mean":
            factors = np.array(scales)[good]
            weights = 1 / (sigmas * factors) ** 2
            expected = np.sum(values * factors * weights) / weights.sum()
            assert planes.rms[y, x] == pytest.approx(weights.sum() ** -0.5)
        else:
            by_sum = (np.sqrt(np.sum(s**2)) - chi.mean(n)) / chi.std(n)
            expected = s.sum() / np.sqrt(n) if method == "snr" else by_sum
            assert planes.rms[y, x] == 1
        assert planes.data[y, x] == pytest.approx(expected)


def test_the_mean_is_on_the_scale_of_the_first_band():
    clean = make_field(dtype=np.float64)
    fainter = clean / 100 + np.random.default_rng(1).normal(0, 0.001, SHAPE)
    both = {"a": clean, "b": fainter}
    found = extract_bands(both, combine="mean", zero_point={"a": 25.0, "b": 20.0}, **OPTIONS)
    expected = clean - Background2D(clean, 16).background
    bright = expected > 20
    ratio = np.asarray(found.data)[bright] / expected[bright]
    assert np.median(ratio) == pytest.approx(1, abs=0.02)
    assert np.median(found.error) < 0.1 * np.median(Background2D(clean, 16).background_rms) + 0.99
    same_unit = {"a": clean << u.Jy, "b": 1000 * clean << u.mJy}
    found = extract_bands(same_unit, combine="mean", **OPTIONS)
    np.testing.assert_allclose(found.data, expected, atol=1e-4)


CHAINS = {
    "usual": {},
    "two passes": {"background_passes": 2, "background_growth": 3},
    "chi2 of two": {"combine": "chi2", "detect": "r,i", "columns": ("default", "gini", "fwhm")},
    "mean": {"combine": "mean", "zero_point": 25.0, "zero_point_system": "AB"},
    "as it is": {"kernel_fwhm": 0, "columns": ("default", "background_mean"), "nsigma": 3},
    "matched": {
        "psf_fwhm": {"g": 4.0, "r": 3.2, "i": 5.0},
        "aperture_radii": (3.0,),
        "zero_point": 25.0,
        "effective_gain": {"i": 2.0},
    },
    "all light": {"columns": ("default", "best_flux", "best_fluxerr", "best_is_isocor")},
    "large apertures": {"aperture_radii": (20.0,), "localbkg_width": 20, "kron_params": (4, 3, 0)},
}


@pytest.mark.parametrize("kind", CHAINS)
def test_tiles_have_the_bits_of_the_run_at_once(kind):
    # Small tiles have sources whose apertures reach beyond the margin.
    tile = (32, 48) if kind in ("usual", "large apertures") else (64, 96)
    bands = make_bands()
    bands["g"][30:60, 70:90] = np.nan
    bands["i"][:, 100:103] = np.nan
    mask = np.zeros(SHAPE, bool)
    mask[40:50, :40] = True
    weight = np.full(SHAPE, 0.25, np.float32)
    weight[:, 150:] = 0
    options = {
        **OPTIONS, "wcs": make_wcs(), "mask": {"r": mask}, "weight": {"r": weight},
        "background": {"g": 20.5}, **CHAINS[kind],
    }  # fmt: skip
    whole = quietly(extract_bands, bands, **options)
    tiled = quietly(by_tiles, bands, tile, **options)
    assert len(whole.table) > 20
    assert same_tables(tiled.table, whole.table)
    assert not set(tiled.table.meta) ^ set(whole.table.meta)
    np.testing.assert_array_equal(tiled.segmentation.data[:], whole.segmentation.data)
    for name in ("data", "convolved_data", "error"):
        np.testing.assert_array_equal(getattr(tiled, name)[:], getattr(whole, name)[:])
    for name in ("data", "error", "mask", "background", "background_rms"):
        np.testing.assert_array_equal(getattr(tiled["r"], name)[:], getattr(whole["r"], name)[:])
    assert tiled.tiles.colnames == whole.tiles.colnames


def test_light_of_undetected_sources_is_left_out_in_all_bands_and_by_tiles():
    y, x = np.mgrid[:192, :192]
    stars = np.zeros((192, 192))
    glow = np.zeros((192, 192))
    for x0 in (40, 100, 160):
        for y0 in (40, 100, 160):
            r = (x - x0) ** 2 + (y - y0) ** 2
            stars += 30 * np.exp(-r / 2 / 1.2**2)
            # Beside some of the stars, fainter than any threshold, and not in each band.
            glow += (y0 == 100) * 2.5 * np.exp(-r / 2 / 12**2)
    rng = np.random.default_rng(3)
    bands = {
        name: stars + share * glow + rng.normal(0, 2.5, stars.shape)
        for name, share in (("g", 0.0), ("r", 3.0))
    }
    options = {
        "background": 0.0, "nsigma": 4.0, "n_threads": 1,
        "columns": ("default", "best_flux", "best_is_isocor"),
    }  # fmt: skip
    found = quietly(extract_bands, bands, **options)
    left_out = np.asarray(found.table["best_is_isocor_r"], bool)
    assert 0 < np.count_nonzero(left_out) < len(left_out)
    np.testing.assert_array_equal(found.table["best_is_isocor_g"], left_out)
    assert same_tables(quietly(by_tiles, bands, (64, 64), **options).table, found.table)


def test_known_sources_are_measured_in_all_bands(bands):
    labels = extract(bands["i"], **OPTIONS).segmentation
    whole = extract_bands(bands, segmentation=labels, **OPTIONS)
    assert same_tables(whole.table, by_tiles(bands, segmentation=labels, **OPTIONS).table)
    np.testing.assert_array_equal(whole.table["label"], labels.labels)
    assert np.isfinite(whole.table["kron_flux_g"]).all()


def test_a_band_that_lacks_a_source_says_nothing_of_it(bands, found):
    row = int(np.argmax(found.table["area"].value))
    x, y = (round(float(found.table[name][row])) for name in ("xcentroid", "ycentroid"))
    spoiled = {**bands, "g": bands["g"].copy(), "r": bands["r"].copy()}
    box = [int(found.table[f"bbox_{each}"][row]) for each in ("ymin", "ymax", "xmin", "xmax")]
    spoiled["g"][box[0] - 1 : box[1] + 2, box[2] - 1 : box[3] + 2] = np.nan
    spoiled["r"][y, x] = np.nan
    table = extract_bands(spoiled, **OPTIONS).table
    at = int(np.argmin(np.hypot(table["xcentroid"] - x, table["ycentroid"] - y)))
    flags = SEGMENTATION_FLAGS
    assert table["coverage_g"][at] == 0
    assert table["flags_g"][at] & flags.ALL_MASKED
    for name in ("kron_flux", "kron_fluxerr", "segment_flux", "max_value"):
        assert np.isnan(table[f"{name}_g"][at])
        assert np.isfinite(table[f"{name}_i"][at])
    assert 0.9 < table["coverage_r"][at] < 1
    assert table["flags_r"][at] & flags.MASKED_PIXELS
    assert np.isfinite(table["kron_flux_r"][at])
    assert (table["coverage_i"] == 1).all()


def test_indices_of_pixels_are_nan_where_a_band_lacks_the_source_and_bits_are_kept(bands):
    labels = np.zeros(SHAPE, np.int32)
    labels[40:44, 50:60] = 1
    g = bands["g"].copy()
    g[40:44, 50:56] = np.nan
    g[41, 57] = 1e4
    row = extract_bands(
        {"g": g, "r": bands["r"]}, segmentation=labels, quality=np.full(SHAPE, 4),
        columns=("label", "maxval_index", "quality_or"), **OPTIONS,
    ).table[0]  # fmt: skip
    assert row["coverage_g"] == 0.4
    assert np.isnan(row["maxval_index_g"]).all()
    assert np.isfinite(row["maxval_index_r"]).all()
    assert row["quality_or_g"] == row["quality_or_r"] == 4


def test_bits_of_a_quality_plane_are_in_the_columns_of_the_bands_that_have_one(bands):
    columns = ("label", "quality_or", "kron_flux")
    quality = {"r": np.full(SHAPE, 4)}
    for run in (extract_bands, by_tiles):
        table = run(bands, quality=quality, columns=columns, **OPTIONS).table
        assert (table["quality_or_r"] == 4).all()
        assert not {"quality_or_g", "quality_or_i", "quality_or"} & set(table.colnames)
    none = quietly(extract_bands, bands, quality=quality, columns=columns, nsigma=1e6, **OPTIONS)
    assert none.table.colnames == table.colnames
    with pytest.raises(ValueError, match="'quality_or' needs a quality plane"):
        extract_bands(bands, columns=columns, **OPTIONS)


def test_positions_on_the_sky_need_the_wcs_of_one_band(bands):
    columns = ("label", "sky_centroid")
    every, one = (
        extract_bands(bands, wcs=wcs, columns=columns, **OPTIONS).table["sky_centroid"]
        for wcs in (make_wcs(), {"r": make_wcs()})
    )
    assert (one.ra == every.ra).all()
    assert (one.dec == every.dec).all()
    with pytest.raises(ValueError, match="'sky_centroid' needs a WCS"):
        extract_bands(bands, columns=columns, **OPTIONS)


def test_sources_too_faint_for_any_band_are_found_in_all_of_them():
    rng = np.random.default_rng(8)
    clean = np.zeros((200, 200))
    y, x = (each.ravel() for each in np.mgrid[20:200:20, 20:200:20])
    down, right = np.mgrid[:200, :200]
    for j, i in zip(y, x, strict=True):
        clean += 1.6 * np.exp(-((down - j) ** 2 + (right - i) ** 2) / (2 * 1.5**2))
    bands = {name: clean + rng.normal(0, 1, clean.shape) for name in "abcde"}

    def recovered(table):
        near = np.hypot(table["xcentroid"][:, None] - x, table["ycentroid"][:, None] - y) < 3
        return near.any(axis=0).mean()

    one = recovered(extract(bands["a"], box_size=50).table)
    assert recovered(extract_bands(bands, box_size=50).table) > one + 0.4


def test_no_source_at_all(bands):
    with pytest.warns(NoDetectionsWarning):
        found = extract_bands(bands, nsigma=1e6, zero_point=25.0, wcs=make_wcs(), **OPTIONS)
    with pytest.warns(NoDetectionsWarning):
        tiled = by_tiles(bands, nsigma=1e6, zero_point=25.0, wcs=make_wcs(), **OPTIONS)
    some = extract_bands(bands, zero_point=25.0, wcs=make_wcs(), **OPTIONS)
    assert len(found.table) == len(tiled.table) == 0
    assert found.table.colnames == tiled.table.colnames == some.table.colnames
    assert [found.table[name].dtype for name in found.table.colnames if name != "sky_centroid"] == [
        some.table[name].dtype for name in some.table.colnames if name != "sky_centroid"
    ]
    assert found.catalog is None
    assert found["g"].catalog is None


def test_units_and_magnitudes_are_those_of_each_band(bands):
    units = {"g": bands["g"] << u.mJy, "r": bands["r"], "i": bands["i"] << u.electron / u.s}
    table = extract_bands(units, zero_point={"i": 26.0}, **OPTIONS).table
    assert table["kron_flux_g"].unit == u.mJy
    assert getattr(table["kron_flux_r"], "unit", None) is None
    assert table["kron_flux_i"].unit == u.electron / u.s
    assert table["kron_flux_ujy_g"].unit == u.uJy
    expected = 26 - 2.5 * np.log10(table["kron_flux_i"].value)
    np.testing.assert_allclose(table["kron_mag_i"].value, expected)
    assert float(table.meta["zero_point_ab_g"]) == pytest.approx(16.4)
    assert "zero_point_ab" not in table.meta


def test_results_are_written_and_read(bands, tmp_path):
    paths = {}
    for name, image in bands.items():
        paths[name] = tmp_path / f"{name}.fits"
        fits.writeto(paths[name], image, make_wcs().to_header())
    found = extract_bands(paths, zero_point={"g": 25.0}, **OPTIONS)
    found.write(tmp_path / "out", preview=True)
    table = read_catalog(tmp_path / "out" / "catalog.fits")
    assert table.colnames == found.table.colnames
    np.testing.assert_array_equal(table["kron_flux_r"], found.table["kron_flux_r"])
    record = table.meta["record"]
    assert record["i"] == str(paths["i"])
    assert (record["combine"], record["detect"], record["g_zero_point"]) == ("snr", "g,r,i", "25.0")
    labels = fits.getdata(tmp_path / "out" / "segmentation.fits")
    np.testing.assert_array_equal(labels, found.segmentation.data)
    combination = fits.getdata(tmp_path / "out" / "combination.fits")
    np.testing.assert_array_equal(combination, found.data)
    assert fits.getheader(tmp_path / "out" / "combination.fits")["CTYPE1"] == "RA---TAN"
    (tmp_path / "r").mkdir()
    other = tmp_path / "r" / "segmentation.fits"
    fits.writeto(other, bands["r"])
    alone = extract_bands({"r": other}, **OPTIONS)
    with pytest.raises(
        ValueError, match=r"segmentation.fits is given as bands\['r'\], and a result would"
    ):
        alone.write(tmp_path / "r")


@pytest.mark.parametrize("run", [extract_bands, by_tiles])
def test_parameters_that_are_written_have_the_numbers_that_all_bands_share(bands, run, tmp_path):
    paths = {}
    for point, (name, image) in enumerate(bands.items(), 24):
        paths[name] = tmp_path / f"{name}.fits"
        fits.writeto(paths[name], image, fits.Header({"MAGZERO": point, "SATLEVEL": 300}))
    given = Parameters(
        zero_point="MAGZERO", saturation="SATLEVEL", effective_gain=2.0, mask_bits=(0, 3)
    )
    mask = np.zeros(SHAPE, np.uint8)
    options = {"mask": mask, "weight_threshold": {"g": 0.5, "r": 1, "i": 1}, **OPTIONS}
    found = run(paths, parameters=given, weight=np.ones(SHAPE), **options)
    found.write(tmp_path / "out", preview=False)
    written = Parameters.from_toml(tmp_path / "out" / "parameters.toml")
    assert written == found.parameters == given.replace(**OPTIONS)
    assert (found.record["i_zero_point"], found.record["g_weight_threshold"]) == ("26.0", "0.5")
    assert not {"zero_point", "saturation", "effective_gain", "mask_bits"} & set(found.record)
    again = run(paths, parameters=written, weight=np.ones(SHAPE), mask=mask)
    assert again.parameters == written
    assert "kron_mag_i" in again.table.colnames


def test_a_run_is_gone_on_with_and_another_is_refused(bands, tmp_path):
    first = by_tiles(bands, workspace=tmp_path, **OPTIONS)
    for file in (tmp_path / "measure").iterdir():
        file.unlink()
    again = by_tiles(bands, workspace=tmp_path, **OPTIONS)
    assert same_tables(again.table, first.table)
    for options in ({"combine": "chi2"}, {"detect": "r"}, {"zero_point": {"i": 20.0}}):
        with pytest.raises(WorkspaceError, match="was begun with"):
            by_tiles(bands, workspace=tmp_path, **OPTIONS, **options)


def test_inputs_are_not_modified_and_catalogs_are_there(bands, found):
    before = {name: image.copy() for name, image in bands.items()}
    extract_bands(bands, background_passes=2, kernel_fwhm=0, background={"g": 20}, **OPTIONS)
    for name, image in bands.items():
        np.testing.assert_array_equal(image, before[name])
    assert isinstance(found["r"].catalog, SourceCatalog)
    np.testing.assert_array_equal(found["r"].catalog.kron_flux, found.table["kron_flux_r"])
    np.testing.assert_array_equal(
        found["i"].background2d.background_mesh, Background2D(bands["i"], 16).background_mesh
    )
    with pytest.raises(KeyError, match="'z' is no band: there are g, r, i"):
        found["z"]
    window = Window(3, 40, 5, 70)
    np.testing.assert_array_equal(
        found["g"].data[3:40, 5:70], np.asarray(found["g"].data)[window.slices]
    )


@pytest.mark.parametrize("run", [extract_bands, by_tiles])
def test_bands_without_noise_are_not_detected_on(run):
    flat = np.ones(SHAPE)
    with pytest.raises(ValueError, match="noise measured is 0 everywhere in g, so that nothing"):
        quietly(run, {"g": flat, "r": make_field()}, detect="g", **OPTIONS)
    found = quietly(run, {"g": flat, "r": make_field()}, **OPTIONS)
    assert len(found.table) > 20


def test_doubts_name_the_band(bands):
    with pytest.warns(ImageWarning, match=r"the noise that rms of r gives is 0\.0\d* times"):
        extract_bands(bands, rms={"r": np.full(SHAPE, 0.05)}, nsigma=60, **OPTIONS)
    with pytest.warns(ImageWarning, match=r"background = 0 leaves .* times the noise in i "):
        extract_bands(bands, background={"i": 0}, nsigma=60, **OPTIONS)


@pytest.mark.parametrize(
    ("names", "seeing"),
    [("matched_g g", 3), ("ujy_g g", None), ("R r", None), ("UJY_MATCHED_g G", 3)],
)
def test_names_that_could_give_two_columns_one_name_are_refused(names, seeing):
    one, two = names.split()
    given = dict.fromkeys((one, two), make_field())
    options = {} if seeing is None else {"psf_fwhm": dict.fromkeys(given, seeing)}
    with pytest.raises(ValueError, match=f"'{one}' and '{two}' can't both be names of bands"):
        open_bands(given, **options)


def test_names_that_give_columns_of_their_own_are_taken():
    given = dict.fromkeys(("g", "matched_g", "f606w", "F606", "g_ujy"), make_field())
    assert tuple(open_bands(given).of_band) == tuple(given)


REFUSED = {
    "no mapping": ([make_field()], {}, TypeError, "bands must be a mapping of names to images"),
    "no band": ({}, {}, ValueError, "bands is empty"),
    "a bad name": ({"g-1": make_field()}, {}, ValueError, "'g-1' can't be the name of a band"),
    "a name of ours": ({"image": make_field()}, {}, ValueError, "'image' can't be the name"),
    "another shape": (
        {"g": make_field(), "r": make_field()[1:]}, {}, ValueError,
        "bands must have the same pixels, and r has not those of g.*reproject",
    ),
    "an unknown band": ({"g": make_field()}, {"detect": "r"}, ValueError, "detect must name bands"),
    "no names": ({"g": make_field()}, {"detect": 3}, TypeError, "detect must be a list of names"),
    "a band twice": ({"g": make_field()}, {"detect": "g,g"}, ValueError, "names a band twice"),
    "no detection": ({"g": make_field()}, {"detect": ()}, ValueError, "of g; got none"),
    "a way": ({"g": make_field()}, {"combine": "sum"}, ValueError, "combine must be"),
    "for no band": (
        {"g": make_field()}, {"weight": {"r": 1}}, ValueError,
        "weight is given for 'r', which is no band: there are g",
    ),
    "not by band": (
        {"g": make_field()}, {"nsigma": {"g": 2}}, ValueError, "nsigma is one for all bands",
    ),
    "some zero points": (
        {"g": make_field(), "r": make_field()}, {"combine": "mean", "zero_point": {"g": 25.0}},
        ValueError, "zero points of all bands or of none, and r has none",
    ),
    "units": (
        {"g": make_field() << u.s, "r": make_field() << u.m}, {"combine": "mean"}, ValueError,
        "needs bands in one unit, and they are in s, m",
    ),
    "no parameter": ({"g": make_field()}, {"nsigmas": 3}, TypeError, "'nsigmas' is no parameter"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_done_is_refused(kind):
    given, options, error, message = REFUSED[kind]
    with pytest.raises(error, match=message):
        extract_bands(given, **options)


def test_a_band_elsewhere_on_the_sky_is_refused(bands, tmp_path):
    other = make_wcs()
    other.wcs.crval[0] += 0.01
    fits.writeto(tmp_path / "g.fits", bands["g"], make_wcs().to_header())
    fits.writeto(tmp_path / "r.fits", bands["r"], other.to_header())
    with pytest.raises(ValueError, match=r"bands must have the same pixels.*pixels off"):
        extract_bands({"g": tmp_path / "g.fits", "r": tmp_path / "r.fits"})


def test_what_goes_with_each_band_takes_part_under_a_name_of_its_own(bands, tmp_path):
    """A workspace is another run's where any of it differs, and no result takes its place."""
    weights = {name: np.full(SHAPE, 1.0 + number) for number, name in enumerate("gri")}
    request = open_bands(bands, weight=weights, background={"g": 0.0, "r": 1.0}, **OPTIONS)
    sources = request.sources()
    given = {"bands": "gri", "weight": "gri", "background": "gr"}
    named = {f"{own}[{name!r}]" for own, names in given.items() for name in names}
    assert set(sources) == named
    options = {**OPTIONS, "tile": (64, 96), "workspace": tmp_path / "run"}
    quietly(by_tiles, bands, weight=weights, **options)
    with pytest.raises(WorkspaceError, match=r"weight\['g'\]"):
        quietly(by_tiles, bands, weight={**weights, "g": 4 * weights["g"]}, **options)


def test_a_band_may_have_the_name_of_an_argument(bands):
    mask = np.zeros(SHAPE, bool)
    images = {"mask": bands["g"], "segmentation": bands["r"]}
    request = open_bands(images, mask={"mask": mask}, **OPTIONS)
    assert set(request.sources()) == {"bands['mask']", "bands['segmentation']", "mask['mask']"}


@pytest.mark.parametrize("factor", [1e-25, 1e25])
def test_a_mean_is_the_same_in_any_unit(bands, factor):
    bands = {name: image.astype(np.float32) for name, image in bands.items()}
    scaled = {name: image * np.float32(factor) for name, image in bands.items()}
    one = extract_bands(bands, combine="mean", **OPTIONS)
    other = extract_bands(scaled, combine="mean", **OPTIONS)
    assert len(one.table) == len(other.table) > 40
    np.testing.assert_allclose(np.asarray(other.data) / factor, one.data, rtol=1e-3, atol=1e-3)


def test_a_mean_is_that_of_inverse_variances(bands, found):
    images = [each - Background2D(each, 16).background for each in bands.values()]
    noise = [Background2D(each, 16).background_rms for each in bands.values()]
    weight = [np.asarray(each, float) ** -2 for each in noise]
    expected = sum(w * image for w, image in zip(weight, images, strict=True)) / sum(weight)
    mean = extract_bands(bands, combine="mean", **OPTIONS)
    np.testing.assert_allclose(mean.data, expected, rtol=1e-4, atol=1e-4)


def test_systems_of_magnitudes_are_not_averaged(bands):
    options = {**OPTIONS, "combine": "mean", "zero_point": dict.fromkeys("gri", 25.0)}
    systems = {"g": "Vega", "r": "AB", "i": "AB"}
    with pytest.raises(ValueError, match="in one system, got g in Vega, r in AB"):
        extract_bands(bands, zero_point_system=systems, **options)


def test_labels_of_64_bits_are_numbered_anew(bands, found):
    labels = found.segmentation.data.astype(np.int64)
    labels[labels > 0] += 2**40
    again = extract_bands(bands, segmentation=labels, renumber=True, **OPTIONS)
    assert again.table["label"].tolist() == found.table["label"].tolist()


def test_one_band_has_the_errors_of_positions_and_the_best_fluxes_of_an_image():
    """The combination has the correlation of its bands' noise, where that was measured."""
    rng = np.random.default_rng(12)
    data = make_survey_image((512, 512), seed=4, bad_fraction=0, chip_shape=None).data
    data = data + gaussian_filter(rng.normal(0, 40, data.shape), 1.2)
    options = {"background_passes": 2, "correlated_noise": True}
    columns = ("label", "xcentroid", "xcentroid_win_err", "kron_flux", "kron_fluxerr",
               "isocor_flux", "best_flux", "kron_neighbor_share")  # fmt: skip
    one = extract(data, columns=columns, **options).table
    bands = extract_bands({"a": data}, columns=columns, **options).table
    assert len(one) == pytest.approx(len(bands), abs=3)  # their thresholds differ by rounding
    errors = [np.nanmedian(np.asarray(each["xcentroid_win_err"])) for each in (one, bands)]
    assert errors[0] == pytest.approx(errors[1], rel=0.02)
    excess = bands["kron_flux_a"] - bands["isocor_flux_a"]
    isophotal = bands["best_flux_a"] == bands["isocor_flux_a"]
    (share,) = (bands[name] for name in bands.colnames if name.startswith("kron_neighbor_share"))
    foreign = isophotal & (share <= 0.05)
    assert (excess[foreign] > 2.5 * bands["kron_fluxerr_a"][foreign]).all()


@pytest.mark.parametrize("method", ["mean", "snr"])
def test_the_noise_of_a_combination_is_correlated_as_that_of_its_bands(method):
    known = tuple(map(tuple, np.array([[0, 0.2, 0], [0.4, 1, 0.4], [0, 0.2, 0]]).tolist()))
    white = tuple(map(tuple, np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0.0]]).tolist()))
    both = Combination(("a", "b"), method, (1.0, 2.0))
    found = np.array(combined_correlation(both, (1.0, 1.0), (known, white)))
    # In a mean the band with twice the noise has a fourth of the weight in the variance.
    assert found[1, 0] == pytest.approx(0.4 * (0.8 if method == "mean" else 0.5))
    assert found[1, 1] == 1
    assert combined_correlation(both, (1.0, 1.0), (known, None)) is None
