"""What a call through photutils' names does: skyshed's answer, photutils' answer, or its error."""

import threading
import warnings

import astropy.convolution
import numpy as np
import photutils.background
import photutils.segmentation
import pytest
from astropy.convolution import Gaussian2DKernel
from astropy.nddata import NDData

import skyshed
from skyshed import accel
from skyshed.accel import calls as the_calls
from skyshed.accel.receipts import Receipt

#: In a dictionary, since names of this module are replaced as those of any other.
THEIRS = {
    name: getattr(photutils.segmentation, name)
    for name in ("SourceCatalog", "SegmentationImage", "SourceFinder", "detect_sources")
}
THEIRS["convolve"] = astropy.convolution.convolve


def test_skyshed_answers_and_is_counted(installed, field):
    segments = photutils.segmentation.detect_sources(field, 5.0, n_pixels=5)
    assert type(segments) is skyshed.SegmentationImage
    np.testing.assert_array_equal(segments.data, THEIRS["detect_sources"](field, 5.0, 5).data)
    calls = installed.calls["detect_sources"]
    assert (calls.skyshed, calls.photutils, calls.errors) == (1, 0, 0)
    assert calls.devices == {"cpu": 1}
    assert calls.seconds > 0
    assert calls.fallback_seconds == 0


@pytest.mark.usefixtures("installed")
def test_an_error_of_the_callers_is_photutils_own_and_no_fallback(field):
    def message(function, *args, **kwargs):
        with pytest.raises((TypeError, ValueError)) as info:
            function(*args, **kwargs)
        return type(info.value), str(info.value)

    stands_there = photutils.segmentation.detect_sources
    for wrong in ({"threshold": np.ones((2, 2))}, {"connectivity": 6}, {"mask": np.ones((2, 2))}):
        given = {"data": field, "threshold": 5.0, "n_pixels": 5, **wrong}
        assert message(stands_there, **given) == message(THEIRS["detect_sources"], **given)
    assert message(stands_there, field, nothing=1) == message(
        THEIRS["detect_sources"], field, nothing=1
    )
    calls = accel.receipt().calls["detect_sources"]
    assert (calls.skyshed, calls.photutils, calls.errors, calls.reasons) == (0, 0, 4, {})


def test_what_skyshed_refuses_photutils_does_and_the_receipt_says_why(
    installed, field, monkeypatch
):
    def refuse(*args, **kwargs):
        raise ValueError("mode must be\n'exponential', got 'other'")

    finder = photutils.segmentation.SourceFinder(n_pixels=5, progress_bar=False)
    segments = photutils.segmentation.detect_sources(field, 5.0, 5)
    monkeypatch.setattr("skyshed.finder.detect_sources", refuse)
    again = finder(field, 5.0)
    assert type(again) is THEIRS["SegmentationImage"]
    expected = THEIRS["SourceFinder"](n_pixels=5, progress_bar=False)(field, 5.0)
    np.testing.assert_array_equal(again.data, expected.data)
    reason = "ValueError: mode must be 'exponential', got 'other'"
    calls = installed.calls["SourceFinder()"]
    assert (calls.skyshed, calls.photutils, calls.reasons) == (0, 1, {reason: 1})
    assert calls.fallback_seconds > 0
    assert reason in str(installed)
    # Objects of skyshed are photutils' for photutils, and results of photutils go on in skyshed.
    monkeypatch.setattr(skyshed.SourceCatalog, "__init__", refuse)
    theirs = photutils.segmentation.SourceCatalog(field, segments)
    assert type(theirs) is THEIRS["SourceCatalog"]
    assert type(theirs._segmentation_image) is THEIRS["SegmentationImage"]
    monkeypatch.undo()
    ours = photutils.segmentation.SourceCatalog(field, expected)
    assert isinstance(ours, skyshed.SourceCatalog)


def test_a_detection_catalog_that_fell_back_takes_the_next_with_it(installed, field, monkeypatch):
    segments = photutils.segmentation.detect_sources(field, 5.0, 5)
    theirs = THEIRS["SourceCatalog"](field, segments.to_photutils())
    ours = photutils.segmentation.SourceCatalog(field, segments)
    forced = photutils.segmentation.SourceCatalog(2 * field, segments, detection_catalog=ours)
    assert isinstance(forced, skyshed.SourceCatalog)
    fell_back = photutils.segmentation.SourceCatalog(
        2 * field, segments, detection_catalog=theirs
    )  # fmt: skip
    assert type(fell_back) is THEIRS["SourceCatalog"]
    np.testing.assert_allclose(fell_back.kron_flux, forced.kron_flux, rtol=1e-9)
    (reason,) = installed.calls["SourceCatalog"].reasons
    assert "detection_catalog must be a skyshed.SourceCatalog" in reason
    # and a catalog of skyshed is photutils' where photutils is asked
    monkeypatch.setattr("skyshed.catalog.catalog.make_frame", lambda *args: 1 / 0)
    again = photutils.segmentation.SourceCatalog(2 * field, segments, detection_catalog=ours)
    np.testing.assert_allclose(again.kron_flux, forced.kron_flux, rtol=1e-9)


def test_whether_no_sources_are_an_error_is_photutils_to_say(installed, field):
    none = photutils.segmentation.SegmentationImage(np.zeros(field.shape, int))
    with pytest.raises(ValueError, match="at least one") as ours:
        photutils.segmentation.SourceCatalog(field, none)
    with pytest.raises(ValueError, match="at least one") as theirs:
        THEIRS["SourceCatalog"](field, none.to_photutils())
    assert str(ours.value) == str(theirs.value)
    assert installed.calls["SourceCatalog"].errors == 1


KERNEL = Gaussian2DKernel(1.5, x_size=7, y_size=9)
HOLES = np.where(np.random.default_rng(3).random((60, 50)) < 0.1, np.nan, 1.0)
IMAGES = {
    "floats": (np.random.default_rng(4).normal(size=(60, 50)), {}),
    "holes": (HOLES, {}),
    "kept": (HOLES, {"preserve_nan": True, "boundary": "extend"}),
    "masked": (np.ones((60, 50)), {"mask": np.isnan(HOLES)}),
    "nddata": (NDData(np.ones((60, 50)), mask=np.isnan(HOLES)), {}),
    "wrap": (np.arange(3000, dtype="f4").reshape(60, 50), {"boundary": "wrap"}),
    "list": ([[1, 2, 3], [4, 5, 6]], {}),
}


@pytest.mark.parametrize("name", IMAGES)
def test_images_are_convolved_by_skyshed_to_astropys_result(installed, name):
    image, options = IMAGES[name]
    result = astropy.convolution.convolve(image, KERNEL, **options)
    expected = THEIRS["convolve"](image, KERNEL, **options)
    assert result.dtype == expected.dtype
    np.testing.assert_allclose(result, expected, rtol=1e-12, atol=1e-13)
    assert (installed.calls["convolve"].skyshed, installed.calls["convolve"].photutils) == (1, 0)


@pytest.mark.parametrize(
    ("array", "kernel", "why"),
    [
        (np.arange(9.0), np.ones(3), "1 dimension"),
        (np.ones((5, 5, 5)), np.ones((3, 3, 3)), "3 dimension"),
        (Gaussian2DKernel(1), Gaussian2DKernel(2), "kernel"),
    ],
)
@pytest.mark.filterwarnings("ignore:Both array and kernel are Kernel instances")
def test_all_else_is_convolved_by_astropy(installed, array, kernel, why):
    result = astropy.convolution.convolve(array, kernel)
    expected = THEIRS["convolve"](array, kernel)
    np.testing.assert_array_equal(plain(result), plain(expected))
    ((reason, count),) = installed.calls["convolve"].reasons.items()
    assert why in reason
    assert (count, installed.calls["convolve"].skyshed) == (1, 0)
    # skyshed's own leaves these to astropy, which must not come back to it
    np.testing.assert_array_equal(plain(skyshed.convolve(array, kernel)), plain(expected))


def plain(result):
    """The array of a kernel, and any other array as it is."""
    return getattr(result, "array", result)


def test_estimators_of_photutils_run_as_skysheds(installed, field):
    accel.uninstall()
    theirs = photutils.background.MedianBackground(sigma_clip=None)
    mode = photutils.background.ModeEstimatorBackground(median_factor=2.5, mean_factor=1.5)
    accel.install()
    assert not type(theirs).__module__.startswith("skyshed")
    background = photutils.background.Background2D(field, 50, bkg_estimator=theirs)
    assert type(background.bkg_estimator) is skyshed.MedianBackground
    background = photutils.background.Background2D(field, 50, bkg_estimator=mode)
    assert background.bkg_estimator.median_factor == 2.5
    assert type(background.bkg_estimator) is skyshed.ModeEstimatorBackground
    assert "Background2D" in installed.calls


def test_a_call_within_a_call_is_not_replaced(installed, field):
    seen = []

    def level(pixels, axis):
        seen.append(type(photutils.segmentation.SegmentationImage(np.ones((3, 3), int))))
        return np.nanmedian(pixels, axis=axis)

    photutils.background.Background2D(field, 50, bkg_estimator=level)
    assert set(seen) == {THEIRS["SegmentationImage"]}
    assert list(installed.calls) == ["Background2D"]


def test_no_memory_is_no_reason_to_fall_back(installed, monkeypatch):
    def exhausted(*args, **kwargs):
        raise MemoryError

    with pytest.raises(MemoryError):
        the_calls.call(installed, "it", exhausted, lambda: "theirs", (), {})
    assert installed.calls == {}


def test_on_a_device_the_error_is_skysheds(installed, monkeypatch):
    monkeypatch.setattr(the_calls, "_device", lambda args, kwargs: "cuda:1")

    def ours(data):
        if data is None:
            raise TypeError("ours")
        return "ours"

    assert the_calls.call(installed, "it", ours, lambda data: "theirs", (1,), {}) == "ours"
    with pytest.raises(TypeError, match="ours"):
        the_calls.call(installed, "it", ours, lambda data: "theirs", (None,), {})
    assert installed.calls["it"].devices == {"cuda:1": 1}
    assert installed.calls["it"].errors == 1


def test_threads_count_in_one_receipt(installed, field):
    def work():
        for _ in range(20):
            photutils.segmentation.detect_sources(field, 5.0, 5)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert installed.calls["detect_sources"].skyshed == 80


def test_the_time_of_columns_counts_for_the_catalog(installed, field):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        segments = photutils.segmentation.SourceFinder(5, progress_bar=False)(field, 5.0)
    catalog = photutils.segmentation.SourceCatalog(field, segments)
    made = installed.calls["SourceCatalog"].seconds
    catalog.to_table()
    measured = installed.calls["SourceCatalog"].seconds
    catalog[3].gini, catalog.circular_photometry(3.0)
    assert made < measured < installed.calls["SourceCatalog"].seconds
    assert installed.calls["SourceCatalog"].skyshed == 1


def test_an_empty_receipt_says_so_and_a_long_reason_is_cut_in_text_alone():
    receipt = Receipt()
    assert "was called" in str(receipt)
    receipt.fell_back("convolve", "x" * 900, 0.1)
    receipt.was_derived("mine.Finder", "SourceFinder")
    receipt.failed("SourceCatalog")
    assert "x" * 900 in receipt.to_dict()["calls"]["convolve"]["reasons"]
    assert "x" * 201 not in str(receipt)
    assert "mine.Finder from SourceFinder" in str(receipt)
    assert receipt.to_dict()["calls"]["SourceCatalog"]["errors"] == 1
