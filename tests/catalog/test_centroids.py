"""Windowed and quadratic centroids and the errors of all centroids, against photutils 3.1.1."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from skyshed import SegmentationImage, SourceCatalog
from skyshed.catalog.registry import COLUMNS

PATH = Path(__file__).parents[1] / "oracle" / "make_centroids.py"
SPEC = importlib.util.spec_from_file_location("make_centroids", PATH)
SCRIPT = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(SCRIPT)
SCENES, ANSWERS = SCRIPT.load()


def catalog_of(case, **keywords):
    """Return the catalog of a case."""
    data, labels, given = SCRIPT.arguments(case, SCENES)
    if "detection" in (how := SCRIPT.CASES[case]):
        given["detection_cat"] = catalog_of(how["detection"])
    return SourceCatalog(data, SegmentationImage(labels), **{**given, **keywords})


def numbers(values):
    """Return a column as plain numbers."""
    if hasattr(values, "ra"):
        return np.transpose([values.ra.deg, values.dec.deg])
    return np.asarray(getattr(values, "value", values))


@pytest.mark.parametrize("case", SCRIPT.CASES)
def test_columns_are_those_of_photutils_3_1_1(case):
    catalog, answers = catalog_of(case), ANSWERS[case]
    assert len(answers) >= 23
    for name, expected in answers.items():
        got = numbers(getattr(catalog, name))
        assert got.shape == expected.shape, name
        assert got.dtype == expected.dtype, name
        if expected.dtype == bool:
            np.testing.assert_array_equal(got, expected, err_msg=name)
            continue
        np.testing.assert_allclose(
            got, expected, rtol=1e-9, atol=1e-11, equal_nan=True, err_msg=name
        )


def test_the_scenes_have_what_they_claim():
    odd, crowd = ANSWERS["odd"], ANSWERS["correct"]
    for name in ("centroid_win_fallback", "centroid_quad_fallback"):
        assert 5 <= odd[name].sum() <= odd[name].size - 5, name
    assert 0 < crowd["centroid_quad_fallback"].sum() < len(crowd["centroid"]) / 2
    lost = np.isnan(odd["xcentroid_win"])
    assert lost.any()
    assert odd["centroid_win_fallback"][lost].all()
    fell_back = odd["centroid_win_fallback"] & ~lost
    assert fell_back.any()
    np.testing.assert_array_equal(odd["centroid_win"][fell_back], odd["centroid"][fell_back])
    peak = odd["centroid_quad_fallback"] & np.isnan(odd["xcentroid_quad_err"])
    assert (odd["cutout_centroid_quad"][peak] % 1 == 0).all(axis=1).sum() >= 2
    for name in ("xcentroid_err", "xcentroid_win_err", "xcentroid_quad_err"):
        assert np.isfinite(odd[name]).sum() >= 10, name
        assert np.isnan(ANSWERS["odd_plain"][name]).all(), name
    # Bad pixels tell the methods apart.
    wins = [ANSWERS[case]["xcentroid_win"] for case in ("correct", "mask", "none")]
    for i, j in ((0, 1), (0, 2), (1, 2)):
        assert np.nanmax(np.abs(wins[i] - wins[j])) > 0.01


def test_the_bits_do_not_depend_on_threads_nor_on_what_else_is_measured():
    names = [name for name in ANSWERS["correct"] if not name.startswith("sky")]
    whole = catalog_of("correct", n_threads=1)
    others = catalog_of("correct", n_threads=3), whole[5:11], catalog_of("correct")[5:11]
    for name in names:
        np.testing.assert_array_equal(getattr(others[0], name), getattr(whole, name), err_msg=name)
        for some in others[1:]:
            part = getattr(whole, name)[5:11]
            np.testing.assert_array_equal(getattr(some, name), part, err_msg=name)


def test_units_are_those_of_photutils_3_1_1():
    catalog = catalog_of("odd")
    for name in ANSWERS["odd"]:
        unit = getattr(getattr(catalog, name), "unit", None)
        if not hasattr(getattr(catalog, name), "ra"):
            assert str(unit) == ("arcsec" if name.startswith("sky") else "None"), name


def test_a_single_source_has_scalars():
    single = catalog_of("odd")[0]
    assert single.centroid_win.shape == single.centroid_quad_err.shape == (2,)
    assert np.ndim(single.xcentroid_win) == np.ndim(single.sky_centroid_dec_err) == 0
    assert single.x_centroid_win_err == single.centroid_win_err[0]


def test_without_a_wcs_columns_on_the_sky_hold_none():
    catalog = catalog_of("odd_plain")
    for name in (*SCRIPT.POSITIONS, *SCRIPT.SKY):
        assert getattr(catalog, name).tolist() == [None] * len(catalog), name


def test_aliases_are_photutils_names():
    for guide, alias in SCRIPT.COLUMNS.items():
        assert COLUMNS[guide][0].alias == (alias if alias != guide else "")


def test_a_window_that_is_too_large_for_an_aperture_falls_back():
    """On a bright sky half of the light is within 300 pixels; the window has four million."""
    data = np.ones((1000, 1000))
    data[500, 520] += 1000
    labels = np.zeros(data.shape, np.int32)
    labels[400:600, 400:600] = 1
    catalog = SourceCatalog(data, SegmentationImage(labels), kron_params=(1.9, 1.0))
    assert catalog.fluxfrac_radius(0.5).value[0] > 200
    assert catalog.centroid_win_fallback.all()
    np.testing.assert_array_equal(catalog.centroid_win, catalog.centroid)


def test_windowed_centroids_find_gaussians():
    y, x = np.mgrid[:41, :45]
    data = 100 * np.exp(-((x - 20.37) ** 2 + (y - 19.64) ** 2) / (2 * 2.0**2))
    catalog = SourceCatalog(data, SegmentationImage((data > 20).astype(np.int32)))
    np.testing.assert_allclose(catalog.centroid_win, [[20.37, 19.64]], atol=1e-4)
    np.testing.assert_allclose(catalog.centroid_quad, [[20.37, 19.64]], atol=0.02)
    assert not catalog.centroid_win_fallback[0]
    assert not catalog.centroid_quad_fallback[0]


def test_errors_are_the_scatter_of_noisy_images():
    """The standard deviation over 400 draws, itself uncertain by 4 percent."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:21, :21]
    clean = 200 * np.exp(-((x - 10.2) ** 2 + (y - 9.7) ** 2) / (2 * 2.0**2))
    tile = np.where(clean > 20, 1, 0)
    n = 400
    data = np.tile(clean, (1, n)) + rng.normal(0, 1, (21, 21 * n))
    labels = np.concatenate([tile * (k + 1) for k in range(n)], axis=1).astype(np.int32)
    catalog = SourceCatalog(data, SegmentationImage(labels), error=np.ones(data.shape))
    offset = 21 * np.arange(n)
    for kind in ("", "_quad"):
        scatter = np.std(getattr(catalog, f"xcentroid{kind}") - offset)
        error = np.median(getattr(catalog, f"xcentroid{kind}_err"))
        assert 0.8 < scatter / error < 1.2, kind
    # A windowed centroid's error has a pixel's own variance added: it is an upper bound.
    scatter = np.std(catalog.xcentroid_win - offset)
    assert 0.6 < scatter / np.median(catalog.xcentroid_win_err) < 1.1
