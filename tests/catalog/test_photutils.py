"""Many sources against photutils 3.0.0, in the columns that 3.1 did not change."""

import warnings

import numpy as np
import pytest
from photutils.segmentation import SegmentationImage as TheirImage
from photutils.segmentation import SourceCatalog as Theirs
from scipy.ndimage import gaussian_filter

from skyshed import SourceCatalog, detect_sources
from skyshed.catalog.registry import COLUMNS

#: 3.1 changed these: the range of angles, annuli that leave the image, the weights of Kron errors,
#: windowed and quadratic centroids.
CHANGED = {"orientation", "kron_flux", "kron_fluxerr", "kron_radius"}
CHANGED |= {name for name in COLUMNS if name.endswith(("_win", "_quad"))}
SKY = {name for name, (column, _) in COLUMNS.items() if column.unit == "sky"}
COMPARED = sorted(
    name
    for name, (column, _) in COLUMNS.items()
    if column.public and name not in CHANGED | SKY and hasattr(Theirs, column.alias or name)
)


@pytest.fixture(scope="module", params=["f8", "f4", ">f4", "i2"])
def both(request):
    rng = np.random.default_rng(31)
    convolved = 400 * gaussian_filter(rng.normal(size=(210, 260)), 2.5)
    data = convolved + rng.normal(0, 4, convolved.shape)
    error = np.sqrt(16 + np.clip(data, 0, None))
    background = 50 + 0.1 * np.indices(data.shape)[1]
    mask = rng.random(data.shape) < 0.02
    images = [image.astype(request.param) for image in (data, convolved, error)]
    images.append(background)  # photutils 3.0 interpolates integers to integers
    segment_img = detect_sources(convolved, 30.0, npixels=12, mask=None)
    keywords = dict(zip(("convolved_data", "error", "background"), images[1:], strict=True))
    ours = SourceCatalog(images[0], segment_img, mask=mask, **keywords)
    assert len(ours) > 80
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = Theirs(images[0], TheirImage(segment_img.data.copy()), mask=mask, **keywords)
        yield ours, theirs


@pytest.mark.parametrize("name", COMPARED)
def test_columns_are_those_of_photutils(both, name):
    ours, theirs = (getattr(c, n) for c, n in zip(both, (name, alias_of(name)), strict=True))
    assert getattr(ours, "unit", None) == getattr(theirs, "unit", None)
    ours, theirs = (np.asarray(getattr(v, "value", v)) for v in (ours, theirs))
    # float32 images: photutils 3.0 adds up in float32, skyshed in float64
    rtol = 1e-9 if both[0].data[0].dtype == both[1]._data.dtype else 3e-5
    atol = rtol * np.nanmax(np.abs(theirs)) if theirs.ndim == 3 else rtol
    np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=atol)


def alias_of(name):
    return COLUMNS[name][0].alias or name
