"""Every stage gives on the device what it gives on the host, and leaves images there."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest
from astropy.stats import SigmaClip
from astropy.utils.exceptions import AstropyUserWarning
from scipy import ndimage

import skyshed
from skyshed import background as backgrounds
from skyshed.namespace import array_namespace
from tests.device.scenes import FIELDS, close, is_image, map_tolerance, on_device, stages


def test_fields_hold_enough_sources():
    assert sum(stages(*field).segm.nlabels for field in FIELDS) >= 500


# Background


@pytest.mark.parametrize("field", FIELDS[:3])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"bkg_estimator": backgrounds.MMMBackground(), "filter_size": 1},
        {
            "bkg_estimator": backgrounds.BiweightLocationBackground(),
            "bkgrms_estimator": backgrounds.MADStdBackgroundRMS(),
            "interpolator": backgrounds.BkgZoomInterpolator(order=1, mode="mirror"),
        },
    ],
)
def test_backgrounds(cupy, field, options):
    scene = stages(*field)
    data = np.nan_to_num(scene.image, nan=20, posinf=20)
    coverage = np.zeros(data.shape, bool)
    coverage[:35, :60] = True
    masks = {"mask": scene.mask, "coverage_mask": coverage}
    device = {"data": data, **masks}
    before = on_device(cupy, **device)
    there = skyshed.Background2D(**before, box_size=(30, 25), fill_value=-1, **options)
    here = skyshed.Background2D(data, (30, 25), fill_value=-1, **masks, **options)
    scale = map_tolerance(data.dtype, np.abs(data).max())
    for name in ("background", "background_rms"):
        image = getattr(there, name)
        assert isinstance(image, cupy.ndarray)
        close(image.get(), getattr(here, name), scale, name)
        close(getattr(there, f"{name}_mesh"), getattr(here, f"{name}_mesh"), scale, name)
    is_image(cupy, there.npixels_map, here.npixels_map)
    assert float(there.background_median) == pytest.approx(float(here.background_median), rel=1e-6)
    is_image(cupy, before["data"], data)


@pytest.mark.filterwarnings("ignore:.* not finite")
def test_a_function_estimates_backgrounds_from_arrays_of_the_device(cupy):
    data = stages().image
    here = skyshed.Background2D(
        data, 40, bkg_estimator=lambda pixels, axis: np.nanmax(pixels, axis)
    )
    there = skyshed.Background2D(
        cupy.asarray(data), 40, bkg_estimator=lambda pixels, axis: cupy.nanmax(pixels, axis)
    )
    np.testing.assert_array_equal(there.background_mesh, here.background_mesh)


def test_other_boundaries_of_the_mesh_are_scipys(cupy):
    data = stages(1, np.float32, False).image.astype(float)
    way = backgrounds.BkgZoomInterpolator(mode="nearest")
    there = skyshed.Background2D(cupy.asarray(data), 30, interpolator=way).background
    close(there.get(), skyshed.Background2D(data, 30, interpolator=way).background, 1e-10)


def test_a_flat_background_is_the_devices(cupy):
    there = skyshed.Background2D(cupy.full((40, 40), 3, dtype=np.float32), 10)
    is_image(cupy, there.background, np.full((40, 40), 3, np.float32))


def test_thresholds_clipped_with_neighbours_are_refused(cupy):
    data = cupy.asarray(stages().image)
    with pytest.raises(TypeError, match="SigmaClip without grow"):
        skyshed.detect_threshold(data, 3, sigma_clip=SigmaClip(3, grow=1))


# Convolution, thresholds, detection


@pytest.mark.filterwarnings("ignore:.*result are NaN")
@pytest.mark.parametrize("field", FIELDS[:4])
@pytest.mark.parametrize("boundary", ["fill", "extend"])
def test_convolutions(cupy, field, boundary):
    scene = stages(*field)
    kernel = skyshed.make_2dgaussian_kernel(3, 5)
    given = on_device(cupy, array=scene.image, mask=scene.mask)
    with np.errstate(invalid="ignore"):
        there = skyshed.convolve(**given, kernel=kernel, boundary=boundary)
        here = skyshed.convolve(scene.image, kernel, mask=scene.mask, boundary=boundary)
    assert isinstance(there, cupy.ndarray)
    scale = map_tolerance(here.dtype, np.nanmax(np.where(np.isfinite(here), np.abs(here), 0)))
    close(there.get(), here, scale)
    is_image(cupy, given["array"], scene.image)


def test_a_kernel_of_the_device_convolves(cupy):
    data, kernel = stages(1, np.float32, False).image, np.arange(9.0).reshape(3, 3)
    there = skyshed.convolve(cupy.asarray(data), cupy.asarray(kernel))
    close(there.get(), skyshed.convolve(data, kernel), map_tolerance(data.dtype, data.max()))


@pytest.mark.parametrize("options", [{}, {"background": 20.0}, {"error": 2.0}])
def test_thresholds(cupy, options):
    scene = stages(2, np.float64, True)
    given = on_device(cupy, data=scene.image, mask=scene.mask)
    with pytest.warns(AstropyUserWarning, match="nonfinite values"):
        here = skyshed.detect_threshold(scene.image, 2.5, mask=scene.mask, **options)
    with pytest.warns(AstropyUserWarning, match="nonfinite values"):
        there = skyshed.detect_threshold(nsigma=2.5, **given, **options)
    assert isinstance(there, cupy.ndarray)
    close(there.get(), here, 1e-11)


def test_thresholds_of_images(cupy):
    scene = stages(1, np.float32, False)
    names = {"data": scene.image, "background": scene.background, "error": scene.rms}
    there = skyshed.detect_threshold(nsigma=2, **on_device(cupy, **names))
    is_image(cupy, there, skyshed.detect_threshold(nsigma=2, **names))


@pytest.mark.parametrize("field", FIELDS)
def test_detections(cupy, field):
    scene = stages(*field)
    given = on_device(cupy, data=scene.convolved, threshold=scene.threshold, mask=scene.mask)
    there = skyshed.detect_sources(**given, npixels=5)
    is_image(cupy, there.data, scene.detected.data)
    is_image(cupy, given["data"], scene.convolved)


def test_detections_above_a_number(cupy):
    scene = stages()
    for threshold in (3.0, np.float32(2.5), cupy.asarray(2.0)):
        there = skyshed.detect_sources(cupy.asarray(scene.convolved), threshold, 5, 4)
        here = skyshed.detect_sources(scene.convolved, float(threshold), 5, 4)
        is_image(cupy, there.data, here.data)


def test_nothing_detected(cupy):
    with pytest.warns(skyshed.NoDetectionsWarning):
        assert skyshed.detect_sources(cupy.zeros((20, 20)), 1, 5) is None
    with pytest.raises(ValueError, match="every pixel"):
        skyshed.detect_sources(cupy.zeros((4, 4)), 1, 5, mask=cupy.ones((4, 4), dtype=bool))
    with pytest.warns(AstropyUserWarning, match=r"negative \(-1\.0\)"):
        skyshed.detect_sources(cupy.zeros((4, 4)), -1.0, 5)


# Deblending


@pytest.mark.parametrize("field", FIELDS)
def test_deblendings(cupy, field):
    scene = stages(*field)
    data = cupy.asarray(scene.convolved)
    segm = skyshed.SegmentationImage(cupy.asarray(scene.detected.data))
    there = skyshed.deblend_sources(data, segm, 5)
    assert there.nlabels > segm.nlabels
    is_image(cupy, there.data, scene.segm.data)
    assert there.deblended_labels_map == scene.segm.deblended_labels_map
    np.testing.assert_array_equal(there.flags, scene.segm.flags)
    is_image(cupy, data, scene.convolved)
    is_image(cupy, segm.data, scene.detected.data)


@pytest.mark.parametrize(
    "options",
    [
        {"mode": "linear"},
        {"mode": "sinh", "relabel": False, "connectivity": 4},
        {"contrast_method": "saddle", "nlevels": 8},
        {"labels": [5, 2, 11], "relabel": False},
        {"contrast": 1.0},
    ],
)
def test_deblendings_of_other_kinds(cupy, options):
    scene = stages()
    connectivity = options.get("connectivity", 8)
    here = skyshed.detect_sources(scene.convolved, 2.0, 5, connectivity)
    there = skyshed.SegmentationImage(cupy.asarray(here.data))
    deblended = skyshed.deblend_sources(cupy.asarray(scene.convolved), there, 3, **options)
    expected = skyshed.deblend_sources(scene.convolved, here, 3, **options)
    is_image(cupy, deblended.data, expected.data)


def test_the_finder(cupy):
    scene = stages(1, np.float32, False)
    finder = skyshed.SourceFinder(5, progress_bar=False)
    there = finder(**on_device(cupy, data=scene.convolved, threshold=scene.threshold))
    is_image(cupy, there.data, scene.segm.data)


# Errors


def test_total_errors(cupy):
    scene = stages(1, np.float32, False)
    for gain in (2.0, np.float32(0), scene.background):
        given = on_device(cupy, data=scene.data, bkg_error=scene.rms)
        there = skyshed.calc_total_error(
            **given, effective_gain=cupy.asarray(gain) if np.ndim(gain) else gain
        )
        here = skyshed.calc_total_error(scene.data, scene.rms, gain)
        assert isinstance(there, cupy.ndarray)
        close(there.get(), here, map_tolerance(here.dtype, here.max()))


# Whose arrays


def test_mixed_images_are_named(cupy):
    host, device = np.ones((5, 5)), cupy.ones((5, 5))
    segm = skyshed.SegmentationImage(np.ones((5, 5), int))
    for call in (
        lambda: skyshed.Background2D(device, 2, mask=host > 2),
        lambda: skyshed.convolve(device, np.ones((3, 3)), mask=host > 2),
        lambda: skyshed.detect_sources(device, host, 1),
        lambda: skyshed.detect_threshold(host, 1, error=device),
        lambda: skyshed.deblend_sources(device, segm, 1),
        lambda: skyshed.SourceCatalog(device, segm),
        lambda: skyshed.SourceCatalog(host, segm, error=device),
        lambda: skyshed.calc_total_error(device, host, 1),
        lambda: skyshed.extract(device, mask=host > 2),
    ):
        with pytest.raises(TypeError, match=r"is a (cupy|numpy)\.ndarray and \w+ a (cupy|numpy)\."):
            call()
    with pytest.raises(
        TypeError,
        match=r"data is a cupy\.ndarray and error a numpy\.ndarray: .*cupy\.asarray\(error\)"
        r", or cupy\.asnumpy\(data\)",
    ):
        array_namespace(data=device, error=host)
    with pytest.raises(TypeError, match="mask a list"):
        array_namespace(data=device, mask=[True])
    for scalar in (1, 2.5, np.float32(3), np.asarray(4.0), None):
        assert array_namespace(data=device, gain=scalar).asarray(1.0).__class__ is cupy.ndarray


def test_an_operation_without_a_twin_says_so():
    from skyshed.kernels import twin

    def unheard_of(image):
        """Do what no twin does."""

    unheard_of.__module__ = "skyshed.kernels.labelling"
    with pytest.raises(
        NotImplementedError,
        match=r"labelling\.unheard_of has no CPU twin in this version .* cupy\.asnumpy",
    ):
        twin(unheard_of, "cpu")
    unheard_of.__module__ = "skyshed.kernels.threads"
    with pytest.raises(NotImplementedError, match=r"threads\.unheard_of has no CUDA twin"):
        twin(unheard_of, "cuda")


def test_the_current_stream_and_device_stay(cupy):
    stream = cupy.cuda.Stream()
    with stream:
        skyshed.detect_sources(cupy.asarray(stages().convolved), 2.0, 5)
        assert cupy.cuda.get_current_stream() == stream


def test_numpy_users_never_import_cupy(tmp_path):
    (tmp_path / "cupy.py").write_text("raise SystemExit('cupy was imported')")
    program = """
        import sys
        import numpy as np
        import skyshed
        image = np.random.default_rng(1).normal(10, 1, (64, 64))
        image[30:34, 20:24] += 50
        found = skyshed.extract(image, nsigma=5, box_size=32)
        found.segmentation.relabel_consecutive(3)
        assert len(found.table) == 1 and "cupy" not in sys.modules
    """
    paths = [str(tmp_path), *sys.path]
    run = f"import sys; sys.path[:] = {paths!r}\n{textwrap.dedent(program)}"
    done = subprocess.run([sys.executable, "-c", run], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_fields_hold_sources_that_touch():
    scene = stages()
    alone = ndimage.label(scene.segm.data > 0, np.ones((3, 3)))[1]
    assert scene.segm.nlabels > alone + 5
