"""The results of the stages have the same bits in whatever order threads and blocks run."""

import numpy as np
import pytest

import skyshed
from skyshed import background as backgrounds
from skyshed.catalog.registry import COLUMNS
from tests.device import scenes, standin
from tests.device.scenes import close, map_tolerance, on_device, stages
from tests.pipeline_field import make_wcs

#: Seeds, and how likely another thread runs before an access that can race.
SCHEDULES = [(0, 0.0), (1, 0.0), (2, 0.3)]


def everything(cupy, image, mask):
    """Return what each stage makes of an image on the device, by name."""
    data, mask = cupy.asarray(image), cupy.asarray(mask)
    found = {}
    bkg = skyshed.Background2D(data, (25, 20), mask=mask | ~cupy.isfinite(data))
    found["background"], found["background_rms"] = bkg.background, bkg.background_rms
    data = data - bkg.background
    kernel = skyshed.make_2dgaussian_kernel(2.5, 5)
    found["convolved"] = skyshed.convolve(data, kernel, mask=mask, preserve_nan=True)
    threshold = 1.5 * bkg.background_rms
    detected = skyshed.detect_sources(found["convolved"], threshold, 5, mask=mask)
    segm = skyshed.deblend_sources(found["convolved"], detected, 5)
    found["detected"], found["deblended"] = detected.data, segm.data
    found["source_mask"] = segm.make_source_mask(size=(3, 5))
    found["error"] = skyshed.calc_total_error(data, bkg.background_rms, 2.0)
    images = {"data": data, "error": found["error"], "mask": mask, "background": bkg.background}
    options = {"wcs": make_wcs(), "localbkg_width": 10}
    first = skyshed.SourceCatalog(
        segment_img=segm, convolved_data=found["convolved"], **images, **options
    )
    again = skyshed.SourceCatalog(segment_img=segm, detection_cat=first, **images)
    for name, catalog in (("first", first), ("again", again)):
        found |= {f"{name}.{column}": getattr(catalog, column) for column in measured()}
        found[f"{name}.fluxfrac_radius"] = catalog.fluxfrac_radius(0.5)
    found["circular"] = first.circular_photometry(3.0)[0]
    arrays = {name: a.get() if is_on(cupy, a) else scenes.plain(a) for name, a in found.items()}
    return {name: array for name, array in arrays.items() if array.dtype != object}


def measured():
    """Return the names of all public columns."""
    return [name for name, (column, _) in COLUMNS.items() if column.public]


def is_on(cupy, array):
    return isinstance(array, cupy.ndarray)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_schedule_changes_a_bit_of_any_stage(cupy, dtype):
    field = scenes.spoiled(scenes.image(8, (90, 100), 35, dtype))
    results = []
    for schedule in SCHEDULES:
        with standin.schedule(*schedule):
            results.append(everything(cupy, *field))
    assert len(np.unique(results[0]["deblended"])) > 15
    assert results[0]["deblended"].max() > results[0]["detected"].max()
    assert len(results[0]) > 1.5 * len(measured())  # cutouts are none of the arrays
    for other in results[1:]:
        assert other.keys() == results[0].keys()
        for name, expected in results[0].items():
            np.testing.assert_array_equal(other[name], expected, strict=True, err_msg=name)


@pytest.mark.parametrize(
    ("estimator", "rms"),
    [
        (backgrounds.MeanBackground, backgrounds.BiweightScaleBackgroundRMS),
        (backgrounds.MedianBackground, backgrounds.StdBackgroundRMS),
        (backgrounds.ModeEstimatorBackground, backgrounds.MADStdBackgroundRMS),
    ],
)
def test_other_estimators(cupy, estimator, rms):
    scene = stages(2, np.float64, True)
    data = np.nan_to_num(scene.image, nan=20, posinf=20)
    options = {"box_size": (30, 25), "bkg_estimator": estimator(), "bkgrms_estimator": rms()}
    there = skyshed.Background2D(**on_device(cupy, data=data, mask=scene.mask), **options)
    here = skyshed.Background2D(data=data, mask=scene.mask, **options)
    scale = map_tolerance(data.dtype, np.abs(data).max())
    for name in ("background", "background_rms"):
        close(getattr(there, name).get(), getattr(here, name), scale, name)
