"""Windowed and quadratic centroids of images on the device, against photutils 3.1.1."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import skyshed
from tests.device.scenes import close, on_device

PATH = Path(__file__).parents[1] / "oracle" / "make_centroids.py"
SPEC = importlib.util.spec_from_file_location("make_centroids", PATH)
SCRIPT = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(SCRIPT)
SCENES, ANSWERS = SCRIPT.load()


def catalog_of(cupy, case):
    """Return the catalog of a case, of images on the device."""
    data, labels, given = SCRIPT.arguments(case, SCENES)
    images = {name: each for name, each in given.items() if isinstance(each, np.ndarray)}
    given |= on_device(cupy, data=data, **images)
    if "detection" in (how := SCRIPT.CASES[case]):
        given["detection_cat"] = catalog_of(cupy, how["detection"])
    return skyshed.SourceCatalog(
        segment_img=skyshed.SegmentationImage(cupy.asarray(labels)), **given
    )


@pytest.mark.parametrize("case", ["mask", "float32", "detection", "odd", "odd_plain"])
def test_columns_are_those_of_photutils_3_1_1(cupy, case):
    catalog = catalog_of(cupy, case)
    for name, expected in ANSWERS[case].items():
        values = getattr(catalog, name)
        if hasattr(values, "ra"):
            values = np.transpose([values.ra.deg, values.dec.deg])
        close(values, expected, 1e-8 * (1 + np.abs(np.nan_to_num(expected))), name)


def test_arrays_stay_on_the_device(cupy):
    catalog = catalog_of(cupy, "odd")
    names = [name for name in ANSWERS["odd"] if not name.startswith("sky")]
    for name, array in catalog.to_arrays(names).items():
        assert isinstance(array, cupy.ndarray), name
        assert array.shape == ANSWERS["odd"][name].shape
