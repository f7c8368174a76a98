"""The stages together, on a small survey field: what a user of the whole chain is promised."""

import warnings
from types import SimpleNamespace

import numpy as np
import pytest

import skyshed

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import photutils.background as photutils_background
    import photutils.segmentation as photutils_segmentation
from astropy.convolution import convolve as astropy_convolve


def run(scene, n_threads=None, dtype=np.float32):
    """The chain by hand, with skyshed."""
    image = scene.data.astype(dtype)
    threads = {"n_threads": n_threads}
    bkg = skyshed.Background2D(image, 64, mask=scene.mask, **threads)
    data = image - bkg.background
    convolved = skyshed.convolve(data, skyshed.make_2dgaussian_kernel(3.0, size=5), **threads)
    finder = skyshed.SourceFinder(npixels=5, progress_bar=False, **threads)
    segments = finder(convolved, 1.5 * bkg.background_rms, mask=scene.mask)
    catalog = skyshed.SourceCatalog(
        data,
        segments,
        convolved_data=convolved,
        error=bkg.background_rms,
        mask=scene.mask,
        **threads,
    )
    return SimpleNamespace(**locals())


@pytest.fixture(scope="module")
def chain(scene):
    return run(scene)


def test_the_label_image_is_that_of_photutils(scene, chain):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        convolved = astropy_convolve(
            chain.data, photutils_segmentation.make_2dgaussian_kernel(3.0, size=5)
        ).astype(chain.convolved.dtype)
        finder = photutils_segmentation.SourceFinder(5, progress_bar=False)
        expected = finder(convolved, 1.5 * chain.bkg.background_rms, mask=scene.mask)
    assert expected.n_labels > 100
    np.testing.assert_array_equal(chain.segments.data, expected.data)


def test_the_background_is_that_of_photutils(scene, chain):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = photutils_background.Background2D(chain.image, 64, mask=scene.mask)
    np.testing.assert_allclose(chain.bkg.background, expected.background, rtol=1e-6)
    np.testing.assert_allclose(chain.bkg.background_rms, expected.background_rms, rtol=1e-6)


def test_the_table_has_the_same_bits_for_any_number_of_threads(scene, chain):
    expected = chain.catalog.to_table()
    for n_threads in (1, 3):
        table = run(scene, n_threads).catalog.to_table()
        assert table.colnames == expected.colnames
        for name in table.colnames:
            np.testing.assert_array_equal(np.asarray(table[name]), np.asarray(expected[name]))


def test_no_stage_modifies_its_inputs(scene):
    before = scene.data.copy()
    done = run(scene)
    kept = {name: getattr(done, name).copy() for name in ("data", "convolved")}
    labels = done.segments.data.copy()
    done.catalog.to_table()
    done.catalog.fluxfrac_radius(0.5)
    np.testing.assert_array_equal(scene.data, before)
    np.testing.assert_array_equal(done.segments.data, labels)
    for name, values in kept.items():
        np.testing.assert_array_equal(getattr(done, name), values)


def test_float32_stays_float32_and_agrees_with_float64(scene, chain):
    for image in (chain.bkg.background, chain.bkg.background_rms, chain.convolved):
        assert image.dtype == np.float32
    exact = run(scene, dtype=np.float64)
    assert exact.convolved.dtype == np.float64
    assert abs(exact.segments.nlabels - chain.segments.nlabels) <= 2


def test_most_bright_truths_are_found_where_they_are(scene, chain):
    x, y = scene.truth["x"], scene.truth["y"]
    bright = scene.truth["flux"] > np.percentile(scene.truth["flux"], 90)
    inside = (x > 0) & (y > 0) & (x < scene.data.shape[1] - 1) & (y < scene.data.shape[0] - 1)
    wanted = bright & inside
    distance = np.hypot(
        np.asarray(x[wanted])[:, None] - chain.catalog.xcentroid,
        np.asarray(y[wanted])[:, None] - chain.catalog.ycentroid,
    ).min(axis=1)
    assert np.mean(distance < 2.0) > 0.8
