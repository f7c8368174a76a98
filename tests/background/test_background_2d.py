"""Background2D: photutils' values, errors that say what to do, the same bits for any threads."""

import warnings

import astropy.units as u
import numpy as np
import photutils.background as photutils_background
import pytest
import scipy
from astropy.nddata import CCDData
from astropy.stats import SigmaClip
from astropy.utils.exceptions import AstropyUserWarning
from photutils.segmentation import SourceFinder, make_2dgaussian_kernel

import skyshed.background as skyshed_background
from skyshed import Background2D, BkgZoomInterpolator, MedianBackground
from skyshed.datasets import make_100gaussians_image

CASES = [
    "default", "mean", "median", "mode", "mmm", "sextractor", "biweight", "unclipped",
    "unclipped_masked", "lopsided", "robust", "above", "below", "beyond", "filled", "float32",
    "float32_mad", "integer", "exactly",
]  # fmt: skip
LEVELS = [
    "MeanBackground", "MedianBackground", "ModeEstimatorBackground", "MMMBackground",
    "SExtractorBackground", "BiweightLocationBackground",
]  # fmt: skip
NOISES = ["StdBackgroundRMS", "MADStdBackgroundRMS", "BiweightScaleBackgroundRMS"]


def test_all_cases_of_the_reference_are_compared(oracle):
    assert list(oracle.CASES) == CASES


@pytest.mark.parametrize("case", CASES)
def test_values_are_those_of_photutils_3_1(case, oracle, stored, images):
    bkg = oracle.make(skyshed_background, images, oracle.CASES[case], "bkgrms_estimator")
    want = {what: stored[f"{case}/{what}"] for what in
            ("mesh", "rms_mesh", "npixels", "map", "rms_map", "medians")}  # fmt: skip
    found = {
        "mesh": bkg.background_mesh, "rms_mesh": bkg.background_rms_mesh,
        "map": bkg.background[oracle.SPARSE], "rms_map": bkg.background_rms[oracle.SPARSE],
    }  # fmt: skip
    double = found["mesh"].dtype == np.float64
    for what, array in found.items():
        assert array.dtype == want[what].dtype
        # float32: one rounding of the mesh, one of the map.
        tolerance = {True: 1e-13 if "mesh" in what else 1e-10, False: 2.5e-7}[double]
        np.testing.assert_allclose(array, want[what], rtol=tolerance, err_msg=what)
    np.testing.assert_array_equal(bkg.npixels_mesh, want["npixels"])
    medians = [bkg.background_median, bkg.background_rms_median]
    np.testing.assert_allclose(medians, want["medians"], rtol=1e-13 if double else 2.5e-7)


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("level", LEVELS)
def test_float64_values_are_those_of_the_installed_photutils(level, noise, field):
    rng = np.random.default_rng(LEVELS.index(level))
    mask = rng.random(field.shape) < 0.05
    mask[30:60, 40:90] = True
    results = []
    for module, keyword in ((photutils_background, "bkg_rms"), (skyshed_background, "bkgrms")):
        estimators = {
            "bkg_estimator": getattr(module, level)(),
            f"{keyword}_estimator": getattr(module, noise)(),
        }
        bkg = module.Background2D(
            field, (17, 20), mask=mask, exclude_percentile=45.3, filter_threshold=21, **estimators
        )
        results.append(bkg)
    theirs, ours = results
    np.testing.assert_allclose(ours.background_mesh, theirs.background_mesh, rtol=1e-13)
    np.testing.assert_allclose(ours.background_rms_mesh, theirs.background_rms_mesh, rtol=1e-13)
    np.testing.assert_array_equal(ours.n_pixels_mesh, theirs.n_pixels_mesh)
    np.testing.assert_array_equal(ours.n_pixels_map, theirs.n_pixels_map)
    np.testing.assert_allclose(ours.background, theirs.background, rtol=1e-12)
    np.testing.assert_allclose(ours.background_rms, theirs.background_rms, rtol=1e-12)


@pytest.mark.parametrize("box", [1, (1, 131), (103, 1), (200, 300), (50, 64)])
def test_boxes_may_have_any_size(box, field):
    keywords = {"sigma_clip": None, "exclude_percentile": 100, "bkg_estimator": None}
    ours = Background2D(field, box, **keywords)
    theirs = photutils_background.Background2D(field, box, **keywords)
    np.testing.assert_allclose(ours.background_mesh, theirs.background_mesh, rtol=1e-13)
    np.testing.assert_allclose(ours.background, theirs.background, rtol=1e-12)
    np.testing.assert_array_equal(ours.box_size, theirs.box_size)


def test_the_guides_background_has_the_guides_digits():
    data = make_100gaussians_image()
    bkg = Background2D(data, (50, 50), filter_size=(3, 3), bkg_estimator=MedianBackground())
    kernel = make_2dgaussian_kernel(3.0, size=5).array
    convolved = scipy.ndimage.convolve(data - bkg.background, kernel, mode="constant")
    finder = SourceFinder(10, progress_bar=False)
    labels = finder(convolved, 1.5 * bkg.background_rms).data
    chosen = [1, 5, 20, 50, 75, 80]
    means = scipy.ndimage.mean(bkg.background, labels, chosen)
    printed = [5.2026137494, 5.2229743435, 5.2702094547, 5.2466148918, 5.2249844756, 5.2642197829]
    # scipy 1.18 corrected its splines at the edges, after the guide was printed.
    exact = tuple(map(int, scipy.__version__.split(".")[:2])) < (1, 18)
    np.testing.assert_allclose(means, printed, rtol=0, atol=5.1e-11 if exact else 3e-7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_threads_do_not_change_a_bit(dtype, field):
    data = field.astype(dtype)
    runs = [Background2D(data, (9, 7), mask=data > 60, n_threads=n) for n in (1, 2, 5, None)]
    for run in runs[1:]:
        np.testing.assert_array_equal(run.background, runs[0].background)
        np.testing.assert_array_equal(run.background_rms, runs[0].background_rms)


def test_inputs_are_not_modified_and_results_are_the_callers_own(field):
    mask, coverage = field > 100, field < 12
    mask.flags.writeable = coverage.flags.writeable = False
    before = field.copy()
    bkg = Background2D(field, 20, mask=mask, coverage_mask=coverage)
    first = bkg.background
    first += 1
    np.testing.assert_allclose(bkg.background, first - 1)
    np.testing.assert_array_equal(field, before)


@pytest.mark.parametrize("dtype", ["i2", "u1", "i8", ">i4", ">f4", ">f8", "f2", bool])
def test_any_real_dtype_is_taken(dtype):
    data = np.random.default_rng(2).integers(0, 100, (60, 60)).astype(dtype)
    bkg = Background2D(data, 20, exclude_percentile=50)
    want = Background2D(data.astype(float), 20, exclude_percentile=50)
    assert bkg.background.dtype == (np.float64 if dtype == ">f8" else np.float32)
    np.testing.assert_allclose(bkg.background, want.background, rtol=1e-6)


def test_units_go_in_and_come_out(field):
    plain = Background2D(field, 20)
    bkg = Background2D(field * u.Jy, 20)
    for name in ("background", "background_rms", "background_mesh", "background_rms_mesh",
                 "background_median", "background_rms_median"):  # fmt: skip
        found = getattr(bkg, name)
        assert found.unit == u.Jy
        np.testing.assert_array_equal(found.value, getattr(plain, name))
    ccd = Background2D(CCDData(field, unit="adu"), 20)
    assert ccd.background.unit == u.adu
    np.testing.assert_array_equal(ccd.background.value, plain.background)


def test_the_mask_of_a_masked_array_counts(field):
    first, second = field > 60, field < 13
    both = Background2D(np.ma.masked_array(field, mask=first), 20, mask=second)
    want = Background2D(field, 20, mask=first | second)
    np.testing.assert_array_equal(both.background, want.background)
    alone = Background2D(np.ma.masked_array(field, mask=first), 20)
    np.testing.assert_array_equal(alone.background, Background2D(field, 20, mask=first).background)
    nomask = Background2D(np.ma.masked_array(field), 20, mask=np.ma.nomask)
    np.testing.assert_array_equal(nomask.background, Background2D(field, 20).background)


def test_pixels_without_coverage_have_the_fill_value(field):
    coverage = np.zeros(field.shape, bool)
    coverage[:, :25] = True
    bkg = Background2D(field, 20, coverage_mask=coverage, fill_value=-9)
    assert (bkg.background[coverage] == -9).all()
    assert (bkg.background_rms[coverage] == -9).all()
    assert (bkg.background[~coverage] > 10).all()


def test_values_that_are_not_finite_warn_where_not_masked(field):
    data = field.copy()
    data[3, 4], data[50, 60], data[51, 60] = np.nan, np.inf, -np.inf
    bad = ~np.isfinite(data)
    with pytest.warns(AstropyUserWarning, match="3 pixels of data were not finite") as caught:
        first = Background2D(data, 20)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        second = Background2D(data, 20, mask=bad)
        third = Background2D(data, 20, coverage_mask=bad, fill_value=np.nan)
    np.testing.assert_array_equal(first.background, second.background)
    np.testing.assert_array_equal(np.isnan(third.background), bad)
    with pytest.warns(AstropyUserWarning, match="3 pixels of data"):
        Background2D(data, 20, sigma_clip=SigmaClip(3, cenfunc=np.nanmedian, stdfunc=np.nanstd))


def test_clipped_pixels_count_against_a_box():
    data = np.random.default_rng(3).normal(0, 1, (40, 40))
    data[:10, :10][np.arange(10), np.arange(10)] = 1e4
    data[0, 1] = -1e4  # 11 of 100
    bkg = Background2D(data, 10, filter_size=1)
    assert bkg.npixels_mesh[0, 0] < 90
    neighbours = np.delete(bkg.background_mesh.ravel(), 0)
    assert neighbours.min() < bkg.background_mesh[0, 0] < neighbours.max()
    kept = Background2D(data, 10, filter_size=1, exclude_percentile=15)
    assert kept.background_mesh[0, 0] != bkg.background_mesh[0, 0]
    np.testing.assert_array_equal(kept.background_mesh[1:], bkg.background_mesh[1:])


def test_both_families_of_names_are_accepted(field):
    noise = skyshed_background.MADStdBackgroundRMS()
    guide = Background2D(field, 20, bkgrms_estimator=noise)
    newer = Background2D(field, 20, bkg_rms_estimator=noise)
    np.testing.assert_array_equal(guide.background_rms, newer.background_rms)
    assert newer.bkg_rms_estimator is newer.bkgrms_estimator
    assert newer.n_pixels_mesh is newer.npixels_mesh
    np.testing.assert_array_equal(newer.n_pixels_map, newer.npixels_map)
    with pytest.raises(TypeError, match="got 'bkgrms_estimator' and its alias"):
        Background2D(field, 20, bkgrms_estimator=noise, bkg_rms_estimator=noise)
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = newer.nonsense


def test_an_interpolator_gets_all_it_may_need(field):
    seen = {}

    def nearest(mesh, **keywords):
        seen.update(keywords)
        return np.kron(mesh, np.ones(keywords["box_size"]))[
            : keywords["shape"][0], : keywords["shape"][1]
        ]

    mask = np.zeros(field.shape, bool)
    mask[:20, :20] = True
    bkg = Background2D(field, 20, mask=mask, interpolator=nearest)
    same = Background2D(field, 20, mask=mask, interpolator=BkgZoomInterpolator(order=0))
    np.testing.assert_array_equal(bkg.background, same.background)
    assert seen["shape"] == field.shape
    assert seen["n_threads"] >= 1
    assert seen["mesh_nan_mask"][0, 0]
    assert seen["mesh_yxcen"].shape == (2, (~seen["mesh_nan_mask"]).sum())


def test_an_order_of_the_spline_is_photutils(field):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = photutils_background.Background2D(
            field, 20, interpolator=photutils_background.BkgZoomInterpolator(order=1, clip=False)
        )
    ours = Background2D(field, 20, interpolator=BkgZoomInterpolator(order=1, clip=False))
    np.testing.assert_allclose(ours.background, theirs.background, rtol=1e-12)


def test_repr_and_str_show_the_arguments(field):
    bkg = Background2D(field, (20, 30), mask=field > 60, filter_threshold=7)
    for text in ("data=<array; shape=(103, 131)>", "box_size=array([20, 30])",
                 "mask=<array; shape=(103, 131)>", "coverage_mask=None", "filter_threshold=7",
                 "bkg_estimator=SExtractorBackground(sigma_clip=None)"):  # fmt: skip
        assert text in repr(bkg)
        assert text.replace("=", ": ", 1) in str(bkg)
    assert repr(bkg).startswith("Background2D(data=")
    assert str(bkg).startswith("<skyshed.background.background_2d.Background2D>\ndata: ")


def test_meshes_are_plotted_where_they_were_measured(field):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    mask = np.zeros(field.shape, bool)
    mask[20:40, 30:60] = True
    bkg = Background2D(field, (20, 30), mask=mask, exclude_percentile=50)
    _, ax = plt.subplots()
    bkg.plot_meshes(outlines=True, color="red", marker="x", lw=3)
    centers, outlines = ax.collections
    measured = np.argwhere(bkg.npixels_mesh >= 300)
    want = np.column_stack([measured[:, 1] * 30 + 14.5, measured[:, 0] * 20 + 9.5])
    np.testing.assert_array_equal(centers.get_offsets(), want)
    assert [1, 1] not in measured.tolist()
    paths = outlines.get_paths()
    assert len(paths) == len(want)
    np.testing.assert_array_equal(paths[0].get_extents().bounds, [-0.5, -0.5, 30, 20])
    np.testing.assert_array_equal(outlines.get_linewidths(), 3)
    _, other = plt.subplots()
    bkg.plot_meshes(ax=ax)
    assert len(ax.collections) == 3
    assert not other.collections
    plt.close("all")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"box_size": 0}, ValueError, r"box_size must be a positive integer.*got 0"),
        ({"box_size": 2.5}, ValueError, r"box_size must be a positive integer.*got 2\.5"),
        (
            {"box_size": (3, 4, 5)},
            ValueError,
            r"box_size must have 1 or 2 elements.*got \(3, 4, 5\)",
        ),
        ({"filter_size": 4}, ValueError, r"filter_size must be an odd positive integer.*got 4"),
        ({"filter_size": (3, -1)}, ValueError, r"filter_size must be an? odd positive.*\(3, -1\)"),
        ({"exclude_percentile": 101}, ValueError, r"exclude_percentile must be between 0 and 100"),
        ({"exclude_percentile": -1}, ValueError, r"exclude_percentile .*got -1"),
        (
            {"mask": np.zeros((3, 3), bool)},
            ValueError,
            r"data and mask must have .*mask has \(3, 3\)",
        ),
        (
            {"mask": np.zeros((40, 40))},
            TypeError,
            r"mask must be a boolean array, got dtype float64",
        ),
        ({"coverage_mask": np.zeros((40, 40), int)}, TypeError, r"coverage_mask must be .*int64"),
        (
            {"coverage_mask": np.zeros(40, bool)},
            ValueError,
            r"coverage_mask must be a 2D .*\(40,\)",
        ),
        ({"n_threads": 0}, ValueError, r"n_threads must be a positive integer, got 0"),
        ({"nproc": 1.5}, ValueError, r"n_threads must be a positive integer, got 1\.5"),
        ({"sigma_clip": 3}, TypeError, r"sigma_clip must be None or callable.*got 3"),
        ({"bkg_estimator": "median"}, TypeError, r"bkg_estimator must be .*got 'median'"),
        ({"bkgrms_estimator": MedianBackground}, TypeError, r"bkgrms_estimator.*an instance"),
        ({"interpolator": 3}, TypeError, r"interpolator must be None or callable"),
        ({"data": np.zeros(40)}, ValueError, r"data must be a 2-D array, got 1-D"),
        ({"data": np.zeros((40, 40), complex)}, TypeError, r"data must hold real.*complex128"),
        ({"data": np.full((40, 40), np.nan)}, ValueError, r"data contains all nonfinite"),
        (
            {"bkg_estimator": skyshed_background.BiweightLocationBackground(M=np.nan)},
            ValueError,
            r"All boxes contain fewer than 90 .* or have no estimate",
        ),
        ({"mask": np.ones((40, 40), bool)}, ValueError, r"All input pixels are masked"),
        (
            {"bkg_estimator": lambda pixels, axis: pixels},
            ValueError,
            r"bkg_estimator must return one value per box.*shape \(4, 4, 100\)",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:Input data contains nonfinite")
def test_errors_name_the_argument_and_the_value(arguments, error, message):
    given = {"data": np.random.default_rng(4).normal(0, 1, (40, 40)), "box_size": 10, **arguments}
    with pytest.raises(error, match=message):
        Background2D(**given)


def test_too_few_good_pixels_everywhere_is_an_error_that_says_what_to_do():
    data = np.random.default_rng(5).normal(0, 1, (40, 40))
    mask = np.indices(data.shape).sum(axis=0) % 2 == 0
    message = r"All boxes contain fewer than 90 .*=\(10, 10\) and exclude_percentile=10.*: raise"
    with pytest.raises(ValueError, match=message):
        Background2D(data, 10, mask=mask)
    assert Background2D(data, 10, mask=mask, exclude_percentile=60).background.shape == data.shape
