"""Estimators and clippings of the user's own work as they do in photutils."""

import numpy as np
import photutils.background as photutils_background
import pytest
from astropy.stats import SigmaClip

from skyshed import Background2D, MeanBackground, MedianBackground


@pytest.mark.parametrize(
    "clip",
    [
        SigmaClip(2.5, cenfunc=np.nanmedian, stdfunc=np.nanstd, maxiters=4),
        SigmaClip(2.5, maxiters=3, grow=1.5),
    ],
)
def test_clipping_by_callables_gives_astropys_result(clip, field):
    # Growing goes along the order of the pixels, which photutils changes in boxes that are cut off.
    data = field[:100, :120] if clip.grow else field
    keywords = {"mask": data > 150, "sigma_clip": clip, "exclude_percentile": 70}
    ours = Background2D(data, (20, 30), **keywords)
    theirs = photutils_background.Background2D(data, (20, 30), **keywords)
    np.testing.assert_allclose(ours.background_mesh, theirs.background_mesh, rtol=1e-13)
    np.testing.assert_allclose(ours.background_rms_mesh, theirs.background_rms_mesh, rtol=1e-13)
    np.testing.assert_array_equal(ours.npixels_mesh, theirs.n_pixels_mesh)


@pytest.mark.parametrize(
    "clip", [SigmaClip(3.0, maxiters=10), SigmaClip(2, stdfunc="mad_std"), None]
)
def test_callables_see_the_pixels_that_photutils_shows_them(clip, field, monkeypatch):
    def level(pixels, axis):
        return np.nanpercentile(pixels, 40, axis=axis)

    def noise(pixels, axis=None):
        return np.ma.masked_invalid(np.nanmax(pixels, axis=axis) - np.nanmin(pixels, axis=axis))

    keywords = {"sigma_clip": clip, "mask": field < 12, "exclude_percentile": 80}
    theirs = photutils_background.Background2D(
        field, (20, 30), bkg_estimator=level, bkg_rms_estimator=noise, **keywords
    )
    for chunk in (1 << 26, 1):  # all boxes at once, a row of them at a time
        monkeypatch.setattr("skyshed.background.box_values.CHUNK_BYTES", chunk)
        ours = Background2D(
            field, (20, 30), bkg_estimator=level, bkgrms_estimator=noise, **keywords
        )
        np.testing.assert_array_equal(ours.background_mesh, theirs.background_mesh)
        np.testing.assert_array_equal(ours.background_rms_mesh, theirs.background_rms_mesh)


def test_a_callable_goes_with_a_compiled_estimator(field):
    plain = Background2D(field, 20, bkg_estimator=MedianBackground())
    mixed = Background2D(field, 20, bkg_estimator=lambda pixels, axis: np.nanmedian(pixels, axis))
    np.testing.assert_allclose(mixed.background_mesh, plain.background_mesh, rtol=1e-15)
    np.testing.assert_array_equal(mixed.background_rms_mesh, plain.background_rms_mesh)


def test_a_callable_need_not_know_nan_where_nothing_is_left_out(field):
    bkg = Background2D(field, (30, 40), sigma_clip=None, bkg_estimator=np.mean,
                       exclude_percentile=100)  # fmt: skip
    want = Background2D(field, (30, 40), sigma_clip=None, bkg_estimator=MeanBackground(),
                        exclude_percentile=100)  # fmt: skip
    np.testing.assert_allclose(bkg.background_mesh, want.background_mesh, rtol=1e-14)


def test_a_subclass_of_an_estimator_is_called():
    class Offset(MedianBackground):
        def calc_background(self, data, axis=None, masked=False):
            return super().calc_background(data, axis=axis, masked=masked) + 100

    data = np.random.default_rng(1).normal(0, 1, (40, 40))
    offset = Background2D(data, 10, bkg_estimator=Offset()).background_mesh
    plain = Background2D(data, 10, bkg_estimator=MedianBackground()).background_mesh
    np.testing.assert_allclose(offset, plain + 100, rtol=1e-13)


def test_estimators_do_not_clip_again_and_are_not_modified(field):
    estimator = MedianBackground(SigmaClip(0.5))
    first = Background2D(field, 20, bkg_estimator=estimator)
    second = Background2D(field, 20, bkg_estimator=MedianBackground(None))
    np.testing.assert_array_equal(first.background_mesh, second.background_mesh)
    assert estimator.sigma_clip.sigma == 0.5
    assert first.bkg_estimator.sigma_clip is None
