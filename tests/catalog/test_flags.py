"""Each flag by itself; test_reference compares their values with photutils 3.1.1's."""

import numpy as np
import pytest

from skyshed import (
    SEGMENTATION_FLAGS,
    SegmentationImage,
    SourceCatalog,
    deblend_sources,
    decode_segmentation_flags,
    detect_sources,
)


def light(x, y, sigma=3.0, flux=100.0, shape=(51, 61)):
    yy, xx = np.mgrid[: shape[0], : shape[1]]
    return flux * np.exp(-((xx - x) ** 2 + (yy - y) ** 2) / (2 * sigma**2))


@pytest.fixture
def data():
    """A clean source, and one at the left edge."""
    return light(28, 25) + light(2, 40)


@pytest.fixture
def segments(data):
    found = detect_sources(data, 10, npixels=5)
    assert found.nlabels == 2
    return found


def names(data, segments, label, **keywords):
    return set(SourceCatalog(data, segments, **keywords).decode_flags()[label])


def labels_of(segments):
    """The labels of the clean source and of that at the edge."""
    return segments.data[25, 28], segments.data[40, 2]


def test_a_clean_source_has_none(data, segments):
    clean, edge = labels_of(segments)
    error, background = np.ones(data.shape), np.zeros(data.shape)
    keywords = {"error": error, "background": background, "localbkg_width": 5}
    assert names(data, segments, clean, **keywords) == set()
    assert names(data, segments, edge, **keywords) == {"edge_touch", "kron_partial_overlap"}


def test_bad_pixels_of_the_segment_are_told_apart(data, segments):
    """One that is masked and not finite is both, in the segment; in the aperture it is masked."""
    clean, _ = labels_of(segments)
    error, mask = np.ones(data.shape), np.zeros(data.shape, bool)
    mask[25, 28] = True
    both = {"masked_pixels", "kron_masked_pixels"}
    assert names(data, segments, clean, mask=mask) == both
    data[25, 28] = np.nan
    assert names(data, segments, clean, mask=mask) == both | {"non_finite_data"}
    found = names(data, segments, clean)
    assert found == {"non_finite_data", "kron_non_finite_data"}
    data[25, 28], error[25, 28] = 100, np.inf
    found = names(data, segments, clean, error=error)
    assert found == {"non_finite_error", "kron_non_finite_error"}
    # A pixel that is left out has no error either.
    assert names(data, segments, clean, error=error, mask=mask) == both | {"non_finite_error"}


def test_a_source_without_a_pixel_is_undefined(data, segments):
    clean, _ = labels_of(segments)
    found = names(data, segments, clean, mask=segments.data == clean)
    assert found == {"masked_pixels", "all_masked", "undefined_shape", "kron_undefined"}


def test_negative_light_and_lines_have_doubtful_shapes():
    labels, data = np.zeros((21, 21), int), np.zeros((21, 21))
    labels[3:8, 3:8], data[3:8, 3:8] = 1, -1.0
    labels[15, 4:16], data[15, 4:16] = 2, 10.0
    decoded = SourceCatalog(data, SegmentationImage(labels)).decode_flags()
    assert "undefined_shape" in decoded[1]
    assert "singular_covariance" not in decoded[1]
    assert "singular_covariance" in decoded[2]
    assert "undefined_shape" not in decoded[2]


@pytest.mark.parametrize("method", ["none", "mask", "correct"])
def test_neighbours_in_the_aperture_count_where_they_are_treated(method):
    data = light(20, 25) + light(33, 25)
    segments = deblend_sources(data, detect_sources(data, 5, npixels=5), 5)
    assert segments.nlabels == 2
    decoded = SourceCatalog(data, segments, apermask_method=method).decode_flags()
    for found in decoded.values():
        assert "deblended" in found
        assert ("kron_neighbor_pixels" in found) == (method != "none")
        assert method == "correct" or "kron_uncorrected_pixels" not in found
    data[20:31, 8:14] = np.nan  # what would stand in for the right one's pixels in the left's
    decoded = SourceCatalog(data, segments, apermask_method=method).decode_flags()
    assert ("kron_uncorrected_pixels" in decoded[segments.data[25, 20]]) == (method == "correct")


def test_minima_of_the_kron_aperture_follow_the_detection_catalog(data, segments):
    minimum = SEGMENTATION_FLAGS.KRON_MINIMUM_RADIUS
    free = SourceCatalog(data, segments)
    for parameters in ((2.5, 5.9), (2.5, 1.4, 50.0)):
        bound = SourceCatalog(data, segments, kron_params=parameters)
        assert np.all(bound.flags & minimum)
        assert np.all(SourceCatalog(data, segments, detection_cat=bound).flags & minimum)
        other = SourceCatalog(data, segments, kron_params=parameters, detection_cat=free)
        assert not np.any(other.flags & minimum)


def test_too_few_pixels_around(data, segments):
    clean, _ = labels_of(segments)
    mask = segments.data == 0
    mask[0, :9] = False
    bit = "local_bkg_too_few_pixels"
    assert bit in names(data, segments, clean, mask=mask, localbkg_width=60)
    assert bit not in names(data, segments, clean, mask=mask)
    mask[0, 9] = False
    assert bit not in names(data, segments, clean, mask=mask, localbkg_width=60)


def test_what_deblending_noted_is_kept_in_any_selection():
    data = light(20, 25) + light(33, 25) + light(50, 8)
    segments = deblend_sources(data, detect_sources(data, 5, npixels=5), 5)
    catalog = SourceCatalog(data, segments)
    expected = segments.flags & SEGMENTATION_FLAGS.DEBLENDED
    assert np.array_equal(catalog.flags & SEGMENTATION_FLAGS.DEBLENDED, expected)
    assert 0 < np.count_nonzero(expected) < 3
    picked = [2, 0, 2]
    assert np.array_equal(SourceCatalog(data, segments)[picked].flags, catalog.flags[picked])
    assert [catalog[i].flags for i in range(3)] == catalog.flags.tolist()
    # The catalog was made before the edit.
    segments.remove_label(segments.labels[0])
    assert np.array_equal(SourceCatalog.flags.fget(catalog[:]), catalog.flags)


def test_flags_are_integers_in_tables_with_their_names_in_the_help(data, segments):
    catalog = SourceCatalog(data, segments)
    table = catalog.to_table()
    assert "flags" in table.colnames
    assert table["flags"].dtype == np.int64
    for name in SEGMENTATION_FLAGS.names:
        assert name in SourceCatalog.flags.__doc__
    assert catalog[1].flags == catalog.flags[1]
    bits = catalog.decode_flags(return_bit_values=True)
    assert [sum(each) for each in bits.values()] == catalog.flags.tolist()
    assert list(catalog.decode_flags().values()) == decode_segmentation_flags(catalog.flags)
    with pytest.raises(TypeError, match="positional"):
        catalog.decode_flags(True)


def test_flags_measure_no_other_centroids(data, segments):
    catalog = SourceCatalog(data, segments)
    _ = catalog.flags
    assert "_kron_seen" in catalog.results.kept
    assert not any("win" in name or "quad" in name for name in catalog.results.kept)
