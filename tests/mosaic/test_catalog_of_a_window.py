"""Sources measured in windows that hold what they need have the bits of the whole image's."""

import warnings

import numpy as np
import pytest

from skyshed import SegmentationImage, SourceCatalog, extract
from skyshed.catalog.reach import boxes_needed, reach_steps
from skyshed.catalog.registry import COLUMNS
from skyshed.datasets import make_survey_image
from skyshed.images.window import Window
from skyshed.mosaic.reach import fits
from skyshed.sources import Sources

#: Positions on the sky are computed from positions in the image; stamps are no arrays.
LEFT_OUT = ("sky_", "cutout_")
IMAGES = ("data", "labels", "convolved_data", "error", "background", "mask", "input_mask")
NAMES = [
    name for name, (column, _) in COLUMNS.items()
    if column.public and not name.startswith(LEFT_OUT) and column.unit != "sky"
]  # fmt: skip
RADII, FRACTION = (2.5, 6.0), 0.3


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


@pytest.fixture(scope="module")
def on_another_band(catalog):
    """The same sources, with positions and shapes from the first catalog."""
    whole = catalog.frame.replace(data=0.5 * catalog.frame.data + 1, convolved_data=None)
    return SourceCatalog.from_frame(
        whole, catalog.sources, catalog.settings, provenance=catalog._results["provenance"],
        detection_cat=catalog,
    )  # fmt: skip


def of_window(catalog, window, label, detection_cat=None):
    """Return the catalog of one source, from the images of a window only."""
    frame = catalog.frame
    images = {
        name: np.ascontiguousarray(getattr(frame, name)[window.slices])
        for name in IMAGES
        if getattr(frame, name) is not None
    }
    part = frame.replace(**images, origin=window.origin, full_shape=frame.shape)
    sources = Sources.from_labels(part.labels)
    return SourceCatalog.from_frame(
        part, sources.take(np.flatnonzero(sources.labels == label)), catalog.settings,
        provenance=catalog._results["provenance"], detection_cat=detection_cat,
    )  # fmt: skip


def window_of(boxes, i):
    return Window(*boxes[i].tolist())


def in_least_window(catalog, i, detection=None):
    """Return the catalog of one source in the least window that is said to hold all it needs.

    With ``detection``, positions and shapes are measured on that one's images of the window.
    """
    label = catalog.labels[i]
    window = window_of(np.stack([catalog.bbox_ymin, catalog.bbox_ymax + 1,
                                 catalog.bbox_xmin, catalog.bbox_xmax + 1], axis=1), i)  # fmt: skip
    for _ in range(20):
        band = None if detection is None else of_window(detection, window, label)
        found = of_window(catalog, window, label, band)
        for boxes in boxes_needed(found, NAMES, RADII, fluxfrac_radii=True):
            if not fits(boxes, window)[0]:
                window = window.around(window_of(boxes, 0))
                break
        else:
            return found
    raise AssertionError(f"no window is large enough for label {label}: {window}")


def columns_of(catalog):
    """Return every column, and those with parameters."""
    columns = {name: getattr(catalog, name) for name in NAMES}
    for radius in RADII:
        flux, error = catalog.circular_photometry(radius)
        columns[f"flux_{radius}"], columns[f"fluxerr_{radius}"] = flux, error
    columns["fluxfrac"] = catalog.fluxfrac_radius(FRACTION)
    return columns


def assert_same_bits(found, whole, i):
    for name, values in columns_of(found).items():
        one, other = np.asarray(values[0]), np.asarray(whole[name][i])
        assert one.tobytes() == other.tobytes(), (name, found.labels[0], one, other)


def test_every_column_has_the_bits_of_the_whole_images(catalog):
    """In windows as small as measurements say they may be: one that reads farther is found out."""
    whole, small = columns_of(catalog), 0
    for i in np.random.default_rng(1).permutation(catalog.nlabels)[:80].tolist():
        found = in_least_window(catalog, i)
        small += np.prod(found.frame.shape) < 0.1 * np.prod(catalog.frame.shape)
        assert_same_bits(found, whole, i)
    assert small > 40


def test_so_has_every_column_with_a_detection_in_the_same_window(catalog, on_another_band):
    whole = columns_of(on_another_band)
    for i in np.random.default_rng(2).permutation(catalog.nlabels)[:25].tolist():
        assert_same_bits(in_least_window(on_another_band, i, catalog), whole, i)


def test_so_has_every_column_with_a_part_of_a_catalog_of_the_whole_as_detection(
    catalog, on_another_band
):
    """Only fluxes are measured in the window then: it need not hold what shapes are measured on."""
    whole = columns_of(on_another_band)
    for i in np.random.default_rng(3).permutation(catalog.nlabels)[:25].tolist():
        detection = catalog[i : i + 1]
        window = window_of(next(boxes_needed(catalog, ["kron_flux"])), i)
        while True:
            found = of_window(on_another_band, window, catalog.labels[i], detection)
            wanted = list(boxes_needed(found, NAMES, RADII, fluxfrac_radii=True))
            if all(fits(boxes, window)[0] for boxes in wanted):
                break
            for boxes in wanted:
                window = window.around(window_of(boxes, 0))
        assert_same_bits(found, whole, i)
        # A selection of both is a selection of each.
        np.testing.assert_array_equal(found[[0]].kron_flux, found.kron_flux)
        np.testing.assert_array_equal(found[[0]].perimeter, found.perimeter)


def test_a_detection_of_other_sources_is_refused(catalog):
    window = Window(0, 200, 0, 200)
    inside = np.flatnonzero((catalog.bbox_xmax < 199) & (catalog.bbox_ymax < 199))
    with pytest.raises(ValueError, match="detection_cat/detection_catalog must have same segm"):
        of_window(catalog, window, catalog.labels[inside[0]], catalog[inside[1:2]])


def test_boxes_of_sources_without_a_shape_are_those_of_their_segments():
    labels = np.zeros((30, 40), np.int32)
    labels[10:13, 20:24] = 1
    catalog = SourceCatalog(-np.ones((30, 40)), SegmentationImage(labels))
    for boxes in boxes_needed(catalog, ["kron_flux", "centroid_win"]):
        assert boxes.dtype == np.int64
        np.testing.assert_array_equal(boxes, [[10, 13, 20, 24]])


def test_steps_say_what_is_measured_and_no_more():
    assert reach_steps(["label", "segment_area", "xcentroid", "no_such_column"]) == ()
    steps = reach_steps(["x_centroid_win"])
    assert len(steps) == 3
    assert [entry.name for entry in steps[-1].measurements] == ["windowed_centroid"]
