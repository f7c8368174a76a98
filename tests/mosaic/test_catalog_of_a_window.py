"""Sources measured in windows that hold their apertures have the bits of the whole image's."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

from skyshed import SourceCatalog, extract
from skyshed.catalog.registry import COLUMNS, Results
from skyshed.datasets import make_survey_image
from skyshed.images.window import Window
from skyshed.sources import Sources

#: Positions on the sky are computed from positions in the image; stamps are no arrays.
LEFT_OUT = ("sky_", "cutout_")
IMAGES = ("data", "labels", "convolved_data", "error", "background", "mask", "input_mask")


@pytest.fixture(scope="module")
def catalog():
    """A catalog of a field with neighbours, masked pixels and NaN."""
    survey = make_survey_image((420, 440), seed=11, density=9000)
    data = survey.data.astype(np.float32)
    data[::37, ::41] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = extract(data, mask=survey.mask, nsigma=1.5)
        return SourceCatalog(
            found.data, found.segmentation, convolved_data=found.convolved_data,
            error=found.error, mask=found.mask, background=np.abs(found.data), localbkg_width=12,
        )  # fmt: skip


def of_window(catalog, window, chosen):
    """Return the results for some sources, from the images of a window only."""
    inputs = dict(catalog._results.inputs)
    frame = inputs["frame"]
    images = {
        name: np.ascontiguousarray(getattr(frame, name)[window.slices])
        for name in IMAGES
        if getattr(frame, name) is not None
    }  # fmt: skip
    inputs["frame"] = replace(frame, **images, origin=window.origin, full_shape=frame.shape)
    sources = Sources.from_labels(images["labels"])
    inputs["sources"] = sources.take(np.searchsorted(sources.labels, chosen))
    for name in inputs:
        if name not in ("frame", "sources") and np.shape(inputs[name])[:1] == (catalog.nlabels,):
            inputs[name] = inputs[name][np.searchsorted(catalog.labels, chosen)]
    return Results(inputs)


def reach(catalog):
    """Return the windows that hold everything that sources' measurements read."""
    boxes = catalog._results["sources"].host.bbox
    major = np.nan_to_num(catalog.semimajor_sigma.value, nan=1.0)
    kron = np.nan_to_num(catalog._results["_kron_major"], nan=0.0)
    margin = np.ceil(np.maximum(6 * major, kron)).astype(int) + 2
    # The annulus of the local background is around the box, enlarged by half.
    margin += np.ceil(0.5 * np.max(boxes[:, 1::2] - boxes[:, ::2], axis=1)).astype(int) + 14
    shape = catalog._results["frame"].shape
    return [
        Window(y0, y1, x0, x1).grown(int(m), shape)
        for (y0, y1, x0, x1), m in zip(boxes.tolist(), margin, strict=True)
    ]


def test_every_column_has_the_bits_of_the_whole_images(catalog):
    names = [
        name for name, (column, _) in COLUMNS.items()
        if column.public and not name.startswith(LEFT_OUT) and column.unit != "sky"
    ]  # fmt: skip
    whole = {name: catalog._results[name] for name in names}
    windows = reach(catalog)
    order = np.random.default_rng(1).permutation(catalog.nlabels)[:60]
    assert sum(w.shape != catalog._results["frame"].shape for w in windows) > 100
    for i in order:
        found = of_window(catalog, windows[i], catalog.labels[i : i + 1])
        for name in names:
            a, b = np.asarray(found[name][0]), np.asarray(whole[name][i])
            assert a.tobytes() == b.tobytes(), (name, int(catalog.labels[i]), a, b)
