"""Partitions of the sky hold every source once, and no more than they may."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyshed.surveys.sky import FINEST, ORDER, count, index_of, partitions

#: Pixels of the smallest order on all of the sky.
LAST = 12 * 4**FINEST - 1


@given(
    st.dictionaries(st.integers(0, LAST), st.integers(1, 50), min_size=1, max_size=60),
    st.integers(1, 200),
)
def test_partitions_hold_all_once_and_are_as_large_as_may_be(found, most):
    pixels = np.array(sorted(found))
    counts = np.array([found[pixel] for pixel in pixels.tolist()])
    parts = partitions(pixels, counts, most)
    bounds = np.array([part.bounds for part in parts])
    assert (bounds[1:, 0] >= bounds[:-1, 1]).all()  # apart, in order
    first = pixels << (2 * (ORDER - FINEST))
    held = np.searchsorted(bounds[:, 0], first, side="right") - 1
    assert ((first >= bounds[held, 0]) & (first < bounds[held, 1])).all()
    sums = np.bincount(held, counts, len(parts))
    assert (sums > 0).all()
    for part, n in zip(parts, sums, strict=True):
        assert n <= most or part.order == FINEST
        if part.order > 0:  # the pixel around it would hold too many
            around = pixels >> (2 * (FINEST - part.order + 1)) == part.number >> 2
            assert counts[around].sum() > most


def test_positions_have_the_pixels_of_another_library():
    pytest.importorskip("cdshealpix")
    healpix = pytest.importorskip("astropy_healpix")
    rng = np.random.default_rng(1)
    ra = np.append(rng.uniform(0, 360, 5000), [0, 0, 0, 90, 360 - 1e-9])
    dec = np.append(np.degrees(np.arcsin(rng.uniform(-1, 1, 5000))), [90, -90, 0, 41.8, 0])
    theirs = healpix.HEALPix(2**ORDER, order="nested").lonlat_to_healpix(
        ra * healpix.core.u.deg, dec * healpix.core.u.deg
    )
    assert (index_of(ra, dec) == theirs).all()


def test_pixels_of_positions_are_those_of_the_definition():
    """Of order 0: the polar caps have four each, from right ascension 0 on."""
    pytest.importorskip("cdshealpix")
    index = index_of([45.0, 135.0, 225.0, 315.0, 45.0, 0.0], [80.0, 80, 80, 80, -80, 0])
    assert (index >> (2 * ORDER)).tolist() == [0, 1, 2, 3, 8, 4]
    pixels, counts = count(index_of([45.0, 45.0], [80.0, 80.0]))
    assert counts.tolist() == [2]
    assert (pixels >> (2 * FINEST)).tolist() == [0]
