"""Image moments against their definition in NumPy."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from skyshed.kernels import moments
from skyshed.sources import Sources

VALUES = st.sampled_from([0.0, 1.0, 0.25, 3.5, -2.0, np.nan, np.inf, -np.inf])


@st.composite
def scenes(draw):
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=8))
    labels = draw(hnp.arrays(np.int32, shape, elements=st.integers(0, 3)))
    labels.flat[draw(st.integers(0, labels.size - 1))] = 2
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    image = draw(hnp.arrays(dtype, shape, elements=VALUES))
    return labels, image, draw(st.none() | hnp.arrays(bool, shape))


def defined(weights, ycen, xcen):
    """Sums of ``(y - ycen)**i (x - xcen)**j weights``, and of their absolute terms."""
    y, x = np.indices(weights.shape, dtype=float)
    terms = np.stack(
        [[(y - ycen) ** i * (x - xcen) ** j * weights for j in range(4)] for i in range(4)]
    )
    return terms.sum(axis=(2, 3)), np.abs(terms).sum(axis=(2, 3))


@settings(max_examples=100)
@given(scenes())
def test_moments_are_those_of_their_definition(scene):
    labels, image, mask = scene
    sources = Sources.from_labels(labels)
    raw, central = moments.moments(sources, image, mask, 1)
    positive = np.where(np.isfinite(image) & (image > 0), image, 0).astype(float)
    if mask is not None:
        positive[mask] = 0
    for i, (label, (y0, y1, x0, x1)) in enumerate(zip(sources.labels, sources.bbox, strict=True)):
        box = slice(y0, y1), slice(x0, x1)
        weights = np.where(labels[box] == label, positive[box], 0)
        want, terms = defined(weights, 0, 0)
        assert np.all(np.abs(raw[i] - want) <= 1e-13 * terms)
        if want[0, 0] == 0:
            assert central[i, 0, 0] == 0
            assert np.isnan(central[i].ravel()[1:]).all()
            continue
        want, terms = defined(weights, want[1, 0] / want[0, 0], want[0, 1] / want[0, 0])
        scale = want[0, 0] * max(weights.shape) ** np.add.outer(np.arange(4), np.arange(4))
        assert np.all(np.abs(central[i] - want) <= 1e-13 * (terms + scale))


def test_any_number_of_threads_any_place_and_any_order_of_labels_gives_the_same_bits():
    rng = np.random.default_rng(8)
    grid = np.arange(1, 901).reshape(30, 30)
    labels = np.kron(grid, np.ones((4, 4), int)).astype(np.int32)
    image, mask = rng.normal(1, 1, labels.shape), rng.random(labels.shape) < 0.2
    expected = moments.moments(Sources.from_labels(labels), image, mask, 1)
    for n_threads in (2, 5, None):
        got = moments.moments(Sources.from_labels(labels), image, mask, n_threads)
        np.testing.assert_array_equal(got, expected)
    wide = [np.pad(array, ((7, 1), (3, 4))) for array in (labels, image, mask)]
    got = moments.moments(Sources.from_labels(wide[0]), *wide[1:], 2)
    np.testing.assert_array_equal(got, expected)
    place = rng.permutation(900)
    got = moments.moments(
        Sources.from_labels((place + 1)[labels - 1].astype(np.int32)), image, mask, 2
    )
    np.testing.assert_array_equal(np.stack(got)[:, place], expected)
