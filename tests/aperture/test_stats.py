"""Statistics and shapes of the pixels in apertures: those of photutils 3.1.1."""

from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.stats import SigmaClip

import skyshed.aperture
from skyshed import SegmentationImage
from skyshed.aperture import ApertureStats, CircularAperture, EllipticalAperture
from tests.aperture.scene import CASES, CLIPS, STATISTICS, Scene, aperture_of, case_name
from tests.aperture.test_photometry import NOISE_IN_HOLES

ANSWERS = np.load(Path(__file__).parents[1] / "oracle" / "aperture_photometry.npz")
SCENE = Scene()
SEGMENTS = SegmentationImage(SCENE.labels)
#: What depends on the pixels that sums take, or on differences of large numbers.
OF_SUMS = ("sum", "sum_err", "sum_aper_area", "flags")


@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize("case", [c for c in CASES if c.statistics], ids=case_name)
def test_statistics_are_those_of_photutils(case, clip):
    aperture = aperture_of(skyshed.aperture, case.shape, SCENE.positions)
    arguments = CLIPS[clip]
    stats = ApertureStats(
        SCENE.image(case), aperture, sum_method=case.method, subpixels=case.subpixels,
        sigma_clip=None if arguments is None else SigmaClip(**arguments), ddof=case.ddof,
        local_bkg=SCENE.background, **SCENE.keywords(case, SEGMENTS),
    )  # fmt: skip
    for name, expected in zip(STATISTICS, ANSWERS[f"{case_name(case)} {clip}"], strict=True):
        if name in OF_SUMS and case_name(case).startswith(NOISE_IN_HOLES):
            continue
        found = np.asarray(getattr(stats, name), float)
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10, err_msg=name)


@pytest.mark.parametrize("radius", [4.0, 7.0, 14.0])
def test_blocks_have_the_bits_of_the_whole(monkeypatch, radius):
    circles = CircularAperture(SCENE.positions, radius)
    columns = ("sum", "median", "x_centroid", "gini", "fwhm", "flags")
    whole = ApertureStats(SCENE.bad, circles).to_table(columns=columns)
    monkeypatch.setattr("skyshed.aperture.pixels.BLOCK", 150)
    parts = ApertureStats(SCENE.bad, circles, n_threads=2).to_table(columns=columns)
    for name in columns:
        np.testing.assert_array_equal(parts[name], whole[name])


def test_slices_have_the_values_of_the_whole():
    stats = ApertureStats(SCENE.data, CircularAperture(SCENE.positions, 4.0), error=SCENE.error)
    part = stats[3:9]
    assert len(part) == 6
    np.testing.assert_array_equal(part.id, np.arange(4, 10))
    np.testing.assert_array_equal(part.mean, stats.mean[3:9])
    one = stats.select_id(5)
    assert one.isscalar
    assert one.sum == stats.sum[4]
    np.testing.assert_array_equal(stats.select_ids([7, 2]).sum, stats.sum[[6, 1]])
    np.testing.assert_array_equal([each.max for each in part], part.max)
    with pytest.raises(ValueError, match="99 is not a valid source ID"):
        stats.select_id(99)


def test_a_scalar_position_has_scalars_and_cutouts():
    stats = ApertureStats(SCENE.data, EllipticalAperture((30.2, 40.1), 5.0, 3.0, theta=0.3))
    assert np.isscalar(stats.mean)
    assert stats.centroid.shape == (2,)
    assert stats.moments.shape == (4, 4)
    cutout = stats.data_cutout
    assert cutout.shape == stats.bbox.shape
    assert cutout.mean() == pytest.approx(stats.mean)
    assert stats.data_sum_cutout.sum() == pytest.approx(stats.sum)
    assert stats.error_sum_cutout is None
    assert stats.sky_centroid is None


def test_units_go_with_statistics():
    circles = CircularAperture(SCENE.positions, 4.0)
    plain = ApertureStats(SCENE.data, circles, local_bkg=0.5)
    stats = ApertureStats(SCENE.data * u.Jy, circles, local_bkg=0.5 * u.Jy)
    assert stats.median.unit == u.Jy
    assert stats.var.unit == u.Jy**2
    assert stats.semimajor_axis.unit == u.pix
    np.testing.assert_array_equal(stats.sum.value, plain.sum)
    with pytest.raises(ValueError, match="same units"):
        ApertureStats(SCENE.data * u.Jy, circles, local_bkg=0.5)


def test_tables_have_the_columns_asked_for():
    stats = ApertureStats(SCENE.data, CircularAperture(SCENE.positions, 4.0))
    assert stats.to_table().colnames == stats.default_columns
    assert stats.to_table(columns="xcentroid").colnames == ["x_centroid"]
    assert "data_cutout" in stats.properties
    with pytest.raises(ValueError, match="Invalid column name"):
        stats.to_table(columns=["data_cutout"])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"aperture": 3}, TypeError, "Aperture"),
        ({"ddof": -1}, ValueError, "nonnegative integer"),
        ({"sigma_clip": 3}, TypeError, "SigmaClip instance"),
        ({"sigma_clip": SigmaClip(grow=2)}, NotImplementedError, "grow"),
        ({"local_bkg": [1, 2]}, ValueError, "same length"),
        ({"local_bkg": np.nan}, ValueError, "nonfinite"),
        ({"sum_method": "all"}, ValueError, "sum_method"),
    ],
)
def test_what_does_not_fit_is_refused(change, error, message):
    given = {"aperture": CircularAperture((10, 10), 3)} | change
    with pytest.raises(error, match=message):
        ApertureStats(np.ones((20, 20)), given.pop("aperture"), **given)
