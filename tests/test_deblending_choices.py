"""What may be chosen of deblending: the image, size and number of peaks, the contrast's flux."""

import warnings

import numpy as np
import pytest

from skyshed import (
    DeblendWarning,
    SourceCatalog,
    SourceFinder,
    deblend_sources,
    detect_sources,
    extract,
)
from tests.mosaic.fields import assert_same, at_once, by_tiles
from tests.pipeline_field import make_field

BOX = {"box_size": 16}


@pytest.fixture(scope="module")
def field():
    return make_field().astype(float)


def by_hand(found, image, npixels, **options):
    """Deblend the sources of an extraction that did not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeblendWarning)
        return deblend_sources(image, found.segmentation, npixels, **options).data


CHOICES = [
    {"deblend_npixels": 2},
    {"deblend_on": "data"},
    {"contrast_method": "saddle", "contrast": 0.005},
    {"max_markers": 1},
    {"deblend_on": "data", "deblend_npixels": 1, "contrast": 0.0, "max_markers": None},
]


@pytest.mark.filterwarnings("ignore::skyshed.DeblendWarning")
@pytest.mark.parametrize("choice", CHOICES)
def test_extract_deblends_as_it_is_told_also_by_tiles(field, choice):
    options = {**BOX, "nsigma": 1.0, **choice}
    found = at_once(field, columns=("default", "parent"), **options)
    whole = extract(field, deblend=False, **options)
    names = {"contrast_method", "contrast", "max_markers"}
    image = whole.data if choice.get("deblend_on") == "data" else whole.convolved_data
    own = {name: value for name, value in choice.items() if name in names}
    expected = by_hand(whole, image, choice.get("deblend_npixels", 5), **own)
    np.testing.assert_array_equal(found.segmentation.data, expected)
    assert_same(by_tiles(field, (48, 32), columns=("default", "parent"), **options), found)


def test_each_choice_makes_a_difference(field):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        usual = extract(field, nsigma=1.0, **BOX).segmentation.nlabels
        counts = [
            extract(field, nsigma=1.0, **BOX, **choice).segmentation.nlabels for choice in CHOICES
        ]
    assert counts[0] >= usual
    assert counts[1] > usual  # noise has peaks
    assert counts[-1] > counts[1]


def test_more_markers_than_allowed_change_the_mode_and_the_warning_says_so(field):
    whole = extract(field, nsigma=1.0, deblend=False, **BOX)
    with pytest.warns(DeblendWarning, match="more than 1 markers"):
        few = deblend_sources(whole.convolved_data, whole.segmentation, 2, max_markers=1)
    crowded = few.info["too_many_markers_labels"]
    linear = deblend_sources(whole.convolved_data, whole.segmentation, 2, mode="linear")
    for label in crowded[:5]:
        there = whole.segmentation.data == label
        assert len(np.unique(few.data[there])) == len(np.unique(linear.data[there]))


def test_more_than_200_peaks_need_no_other_mode():
    y, x = np.mgrid[:64, :64]
    peaks = np.where((x % 4 == 1) & (y % 4 == 1), 9.0, 1.0) + x / 100
    segments = detect_sources(peaks, 0.5, 1)
    with pytest.warns(DeblendWarning, match="more than 200"):
        deblend_sources(peaks, segments, 1, contrast=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        every = deblend_sources(peaks, segments, 1, contrast=0, max_markers=None)
    assert every.nlabels == 256


def test_the_finder_takes_another_image_to_deblend(field):
    image = extract(field, deblend=False, **BOX)
    threshold = 1.5 * image.background_rms
    finder = SourceFinder((5, 2), max_markers=None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeblendWarning)
        found = finder(image.convolved_data, threshold, deblend_data=image.data)
    np.testing.assert_array_equal(found.data, by_hand(image, image.data, 2, max_markers=None))


def test_the_parent_is_the_label_before_deblending(field):
    whole = extract(field, deblend=False, nsigma=1.0, **BOX).segmentation
    found = extract(field, nsigma=1.0, columns=("label", "parent"), **BOX)
    parents = found.table["parent"]
    assert len(set(parents)) == whole.nlabels < len(parents)
    for label, parent in zip(found.table["label"], parents, strict=True):
        assert (whole.data[found.segmentation.data == label] == parent).all()


def test_the_parent_follows_edits_and_is_the_label_where_nothing_was_deblended(field):
    image = extract(field, nsigma=1.0, **BOX)
    segments = image.segmentation.copy()
    before = dict(zip(segments.labels, SourceCatalog(image.data, segments).parent, strict=True))
    kept = segments.labels[3:]
    segments.keep_labels(kept, relabel=True)
    after = SourceCatalog(image.data, segments).parent
    assert after.tolist() == [before[label] for label in kept]
    plain = detect_sources(image.convolved_data, 8.0, 5)
    assert SourceCatalog(image.data, plain).parent.tolist() == plain.labels.tolist()


def test_the_parent_is_known_where_the_map_is_given(field):
    found = extract(field, nsigma=1.0, columns=("label", "parent"), **BOX)
    options = {**BOX, "columns": ("label", "parent")}
    again = at_once(field, segmentation=found.segmentation, **options)
    assert again.table["parent"].tolist() == found.table["parent"].tolist()
    given = {"segmentation": found.segmentation}
    assert_same(by_tiles(field, (48, 32), companions=given, **options), again)


@pytest.mark.parametrize("value", [0, -3, 1.5, "many"])
def test_a_bad_number_of_markers_is_refused(value):
    with pytest.raises(ValueError, match="max_markers must be"):
        deblend_sources(
            np.ones((3, 3)), detect_sources(np.ones((3, 3)), 0.5, 1), 1, max_markers=value
        )
    with pytest.raises(ValueError, match="max_npixels must be"):
        SourceFinder(5, max_npixels=value)
