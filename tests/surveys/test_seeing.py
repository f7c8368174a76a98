"""The seeing of an image is that of its stars."""

import numpy as np
import pytest

from skyshed import extract
from skyshed.surveys.seeing import half_sample_mode, seeing


def field(fwhm, n_wide=0, seed=1):
    """Stars of a FWHM with noise and, if so many are asked for, wider sources."""
    rng = np.random.default_rng(seed)
    image = rng.normal(0, 1, (300, 300))
    y, x = np.mgrid[:300, :300]
    places = rng.permutation(36)
    for k, place in enumerate(places.tolist()):
        cy, cx = np.array(divmod(place, 6)) * 48 + 28 + rng.uniform(-4, 4, 2)
        sigma = fwhm / 2.3548 * (rng.uniform(1.8, 3.0) if k < n_wide else 1)
        image += rng.uniform(150, 800) * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * sigma**2))
    return image


@pytest.mark.parametrize("fwhm", [2.2, 3.5, 6.0])
@pytest.mark.parametrize("n_wide", [0, 20])
def test_gaussian_stars_have_their_width(fwhm, n_wide):
    found = extract(field(fwhm, n_wide), box_size=50, exclude_percentile=90, n_threads=1)
    assert seeing(found.table, found.data) == pytest.approx(fwhm, rel=0.05)


def test_an_image_with_few_stars_has_no_seeing():
    image = field(3.0)
    image[:, 50:] = np.random.default_rng(2).normal(0, 1, (300, 250))
    image[100:] = np.random.default_rng(3).normal(0, 1, (200, 300))
    found = extract(image, box_size=50, exclude_percentile=90, n_threads=1)
    assert 0 < len(found.table) < 5
    assert np.isnan(seeing(found.table, found.data))


def test_the_mode_is_where_most_are():
    rng = np.random.default_rng(4)
    sample = np.concatenate([rng.normal(2, 0.02, 60), rng.uniform(2, 9, 100)])
    assert half_sample_mode(sample) == pytest.approx(2, abs=0.05)
