"""Reductions over the pixels of each source, against NumPy and scikit-image."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage.measure import perimeter as skimage_perimeter

from skyshed.kernels import isophotal
from skyshed.sources import Sources

SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9)


@st.composite
def scenes(draw):
    """A label image with at least one label, an image of few values (so ties), and a mask."""
    shape = draw(SHAPES)
    labels = draw(hnp.arrays(np.int32, shape, elements=st.integers(0, 3)))
    labels.flat[draw(st.integers(0, labels.size - 1))] = 2
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    image = draw(hnp.arrays(dtype, shape, elements=st.integers(-4, 4).map(lambda v: v / 4)))
    mask = draw(st.none() | hnp.arrays(bool, shape))
    return labels, image, mask


def pixels_of(labels, image, mask):
    """For each label the unmasked values and their flat indices, in raster order."""
    good = labels > 0 if mask is None else (labels > 0) & ~mask
    for label in np.unique(labels[labels > 0]):
        at = np.flatnonzero(good & (labels == label))
        yield image.ravel()[at].astype(float), at


@settings(max_examples=60)
@given(scenes())
def test_summaries_are_those_of_numpy(scene):
    sources = Sources.from_labels(scene[0])
    got = list(zip(*isophotal.summarize(sources, *scene[1:], 1), strict=True))
    assert len(got) == len(sources)
    for (count, total, low, high, low_at, high_at), (values, at) in zip(
        got, pixels_of(*scene), strict=True
    ):
        assert count == values.size
        if values.size:
            assert total == values.sum()  # quarters add up exactly
            assert (low, high) == (values.min(), values.max())
            assert (low_at, high_at) == (at[values.argmin()], at[values.argmax()])
        else:
            assert np.isnan([total, low, high]).all()
            assert (low_at, high_at) == (-1, -1)


@settings(max_examples=60)
@given(scenes(), st.booleans())
def test_totals_are_those_of_numpy(scene, squared):
    got, _ = isophotal.total(Sources.from_labels(scene[0]), *scene[1:], squared, 1)
    want = [np.sum(v * v if squared else v) if v.size else np.nan for v, _ in pixels_of(*scene)]
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("squared", [True, False])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_totals_say_which_sources_have_values_that_are_not_finite(value, squared):
    """Masked pixels included; that a square overflows does not count."""
    labels = np.kron(np.arange(1, 6, dtype=np.int32), np.ones((3, 4), np.int32))
    image, mask = np.full(labels.shape, 1e200), np.zeros(labels.shape, bool)
    image[1, 5] = image[2, 14] = value
    mask[2, 12:16] = True
    sources = Sources.from_labels(labels)
    _, finite = isophotal.total(sources, image, mask, squared, 1)
    assert finite.tolist() == [True, False, True, False, True]


@settings(max_examples=60)
@given(scenes())
def test_gini_is_the_mean_absolute_difference_over_twice_the_mean(scene):
    """The other definition of Lotz et al. 2004, their equation 5, with the factor n / (n - 1)."""
    got = isophotal.gini(Sources.from_labels(scene[0]), *scene[1:], 1)
    for value, (values, _) in zip(got, pixels_of(*scene), strict=True):
        n, values = values.size, np.abs(values)
        if n == 0:
            assert np.isnan(value)
        elif n == 1 or values.sum() == 0:
            assert value == 0
        else:
            differences = np.abs(np.subtract.outer(values, values)).sum() / (n * (n - 1))
            assert value == pytest.approx(differences / (2 * values.mean()), abs=1e-14)


@settings(max_examples=150)
@given(scenes())
def test_perimeters_are_those_of_scikit_image(scene):
    labels, _, mask = scene
    got = isophotal.perimeter(Sources.from_labels(labels), mask, 1)
    good = np.ones(labels.shape, bool) if mask is None else ~mask
    for value, label in zip(got, np.unique(labels[labels > 0]), strict=True):
        own = (labels == label) & good
        if own.any():
            assert value == pytest.approx(skimage_perimeter(own, neighborhood=4), abs=1e-12)
        else:
            assert np.isnan(value)


def test_a_sum_is_made_row_by_row():
    """Twice 1e16 cancels within the second row; a running sum would lose the first row's 1."""
    image = np.array([[1.0, 0.0, 0.0], [1e16, -1e16, 2.0]])
    sources = Sources.from_labels(np.ones(image.shape, np.int32))
    assert isophotal.summarize(sources, image, None, 1)[1] == [3.0]


def field(n_side=120):
    """Some hundred small sources with shuffled labels: more than one range of work."""
    rng = np.random.default_rng(5)
    tiles = np.arange(n_side * n_side // 16).reshape(n_side // 4, n_side // 4)
    labels = np.kron(rng.permutation(tiles.size).reshape(tiles.shape), np.ones((4, 4), int))
    labels[rng.random(labels.shape) < 0.3] = 0
    return labels.astype(np.int32), rng.normal(size=labels.shape), rng.random(labels.shape) < 0.2


CALLS = {
    "summarize": lambda s, image, mask, n: np.stack(isophotal.summarize(s, image, mask, n)),
    "total": lambda s, image, mask, n: np.stack(isophotal.total(s, image, mask, True, n)),
    "gini": isophotal.gini,
    "perimeter": lambda s, image, mask, n: isophotal.perimeter(s, mask, n),
}


@pytest.mark.parametrize("name", CALLS)
def test_any_number_of_threads_gives_the_same_bits(name):
    labels, image, mask = field()
    sources = Sources.from_labels(labels)
    assert len(sources) > 600
    one = CALLS[name](sources, image, mask, 1)
    for n_threads in (2, 3, None):
        np.testing.assert_array_equal(CALLS[name](sources, image, mask, n_threads), one)


@pytest.mark.parametrize("name", ["total", "gini", "perimeter"])
def test_a_window_of_the_image_gives_the_same_bits(name):
    labels, image, mask = field(40)
    one = CALLS[name](Sources.from_labels(labels), image, mask, 1)
    wide = [np.pad(array, ((3, 0), (5, 2))) for array in (labels, image, mask)]
    np.testing.assert_array_equal(CALLS[name](Sources.from_labels(wide[0]), *wide[1:], 1), one)
