"""Sources of several sizes are found at once, the most significant first."""

import numpy as np
import pytest

from skyshed import NoDetectionsWarning, detect_multiscale, matched_filter
from skyshed.filtering import gaussian_template


def scene(seed, sizes=(1.3, 9.0), amplitudes=(9.0, 2.0)):
    """Return noise with a compact source and an extended one, apart from each other."""
    y, x = np.mgrid[:160, :200]
    data = np.random.default_rng(seed).normal(0, 1, y.shape)
    for size, amplitude, at in zip(sizes, amplitudes, (50, 140), strict=True):
        data += amplitude * np.exp(-((x - at) ** 2 + (y - 80) ** 2) / 2 / size**2)
    return data


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_each_source_is_found_by_the_template_of_its_size(seed):
    found = detect_multiscale(scene(seed), (3.0, 21.0), 6, 5)
    assert found.nlabels == 2
    assert found.info["significance"][0] > found.info["significance"][1] > 6
    by_place = dict(zip(found.data[80, [50, 140]], (0, 1), strict=True))
    assert [by_place[label] for label in (1, 2)] == found.info["template"].tolist()


def test_without_normalisation_it_is_the_largest_significance():
    data = scene(4)
    kernels = [gaussian_template(fwhm) for fwhm in (3.0, 21.0)]
    largest = np.maximum(*(matched_filter(data, kernel, 1.0) for kernel in kernels))
    found = detect_multiscale(data, kernels, 6, 5, normalize=False, deblend=False)
    np.testing.assert_array_equal(found.data > 0, _large_enough(largest > 6))
    assert found.info["significance"].max() == largest.max()


def _large_enough(above):
    from scipy.ndimage import label

    groups, n = label(above, np.ones((3, 3)))
    sizes = np.bincount(groups.ravel(), minlength=n + 1)
    return above & (sizes[groups] >= 5)


def test_noise_that_pixels_share_is_measured_and_not_believed():
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(np.random.default_rng(5).normal(0, 1, (256, 256)), 1.0)
    noise /= noise.std()
    with pytest.warns(NoDetectionsWarning):
        assert detect_multiscale(noise, (4.0, 8.0), 5.5, 3, error=1.0) is None
    believed = detect_multiscale(noise, (4.0, 8.0), 5.5, 3, error=1.0, normalize=False)
    assert believed.nlabels > 20


def test_a_local_background_uncovers_what_lies_on_an_extended_source():
    y, x = np.mgrid[:256, :256]
    data = np.random.default_rng(6).normal(0, 1, y.shape)
    data += 5 * np.exp(-((x - 128) ** 2 + (y - 128) ** 2) / 2 / 45**2)
    data += 7 * np.exp(-((x - 175) ** 2 + (y - 128) ** 2) / 2 / 1.3**2)
    local = detect_multiscale(data, (3.0,), 6, 5, background_scale=8)
    assert local.nlabels == 1
    assert local.data[128, 175] == 1
    whole = detect_multiscale(data, (3.0,), 6, 5, normalize=False, deblend=False)
    assert whole.areas.max() > 1000


def test_parents_and_flags_follow_the_new_order():
    data = scene(7) + np.roll(scene(7), 9, axis=1)
    found = detect_multiscale(data, (3.0,), 5, 5)
    together = detect_multiscale(data, (3.0,), 5, 5, deblend=False)
    assert found.nlabels > together.nlabels
    for child, parent in found.deblended_labels_map.items():
        others = [each for each, of in found.deblended_labels_map.items() if of == parent]
        assert np.unique(together.data[np.isin(found.data, [child, *others])]).size == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((), 5, 5), "templates must be a list"),
        ((3.0, 5, 5), "templates must be a list"),
        (((0.0,), 5, 5), r"templates\[0\] must be a positive FWHM"),
        (((np.zeros((3, 3)),), 5, 5), "nothing but zeros"),
    ],
)
def test_what_is_no_list_of_templates_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        detect_multiscale(np.ones((32, 32)), *arguments)
