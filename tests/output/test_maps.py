"""The images of a run are written as FITS where they are asked for, at once and by tiles alike."""

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from skyshed import detect_sources, extract
from skyshed.output.results import MAPS, check_maps
from tests.pipeline_field import SHAPE, make_field, make_wcs
from tests.tiled import by_tiles

RMS = np.random.default_rng(4).uniform(0.8, 1.2, SHAPE)


@pytest.mark.parametrize("options", [{}, {"rms": RMS}, {"detection_image": make_field() * 2}])
def test_maps_are_the_images_of_the_run(tmp_path, options):
    image = make_field() << u.nJy
    companions = {name: each << u.nJy if name == "rms" else each for name, each in options.items()}
    found = extract(image, wcs=make_wcs(), **companions)
    if "detection_image" in companions:
        companions["band"] = companions.pop("detection_image")
    tiled = by_tiles(image, (64, 64), wcs=make_wcs(), **companions)
    names = ["background", "noise", "subtracted", "filtered", "threshold", "error"]
    for run, folder in ((found, "at once"), (tiled, "by tiles")):
        paths = run.write(tmp_path / folder, preview=False, maps=names)
        assert {f"map_{name}.fits" for name in MAPS} <= {path.name for path in paths}
    for name, own in MAPS.items():
        pair = [tmp_path / folder / f"map_{name}.fits" for folder in ("at once", "by tiles")]
        data, theirs = map(fits.getdata, pair)
        np.testing.assert_array_equal(data, theirs)
        header = fits.getheader(pair[0])
        assert header["BUNIT"] == "nJy"
        assert WCS(header).pixel_to_world(5, 9).separation(
            make_wcs().pixel_to_world(5, 9)
        ).arcsec < 1e-6  # fmt: skip
        if name != "threshold":
            expected = np.asarray(getattr(found, own))
            np.testing.assert_array_equal(data, getattr(expected, "value", expected))


def test_the_threshold_is_what_sources_were_detected_with(tmp_path):
    found = extract(make_field(), deblend=False, kernel_fwhm=None)
    found.write(tmp_path, preview=False, maps="threshold,convolved")
    threshold = fits.getdata(tmp_path / "map_threshold.fits")
    convolved = fits.getdata(tmp_path / "map_convolved.fits")
    again = detect_sources(convolved.astype(float), threshold.astype(float), 5)
    assert np.array_equal(again.data, found.segmentation.data)


@pytest.mark.parametrize(
    "options",
    [
        {"threshold": 4.0}, {"threshold_type": "global"}, {"significance": 6.0},
        {"significance": 6.0, "threshold_type": "global"},
    ],
)  # fmt: skip
def test_thresholds_of_every_kind_are_those_of_the_run(tmp_path, options):
    options = {**options, "deblend": False, "box_size": 32, "rms": RMS}
    columns = ("label", "detection_threshold", "isocor_flux", "maxval_xindex", "maxval_yindex")
    found = extract(make_field(), columns=columns, **options)
    rms = options.pop("rms")
    tiled = by_tiles(make_field(), (64, 64), companions={"rms": rms}, columns=columns, **options)
    images = []
    for run, name in ((found, "at once"), (tiled, "by tiles")):
        run.write(tmp_path / name, preview=False, maps="threshold,convolved")
        images.append(fits.getdata(tmp_path / name / "map_threshold.fits"))
    threshold = images[0]
    assert threshold.shape == SHAPE
    np.testing.assert_array_equal(*images)
    convolved = fits.getdata(tmp_path / "at once" / "map_convolved.fits")
    again = detect_sources(convolved.astype(float), threshold.astype(float), 5)
    assert np.array_equal(again.data, found.segmentation.data)
    for run in (found, tiled):
        x, y = (run.table[f"maxval_{axis}index"].astype(int) for axis in "xy")
        np.testing.assert_array_equal(run.table["detection_threshold"], threshold[y, x])
        assert np.isfinite(run.table["isocor_flux"]).any()
        # Five pixels at the threshold; the noise, and what convolution leaves of it, differ.
        np.testing.assert_allclose(run.tiles["depth"] / 5, np.median(threshold), rtol=0.3)


def test_of_a_matched_filter_the_threshold_is_a_flat_light_as_significant(tmp_path):
    columns = ("detection_threshold", "maxval_xindex", "maxval_yindex")
    found = extract(make_field(), filter="matched", columns=columns)
    found.write(tmp_path, maps="threshold", preview=False)
    threshold = fits.getdata(tmp_path / "map_threshold.fits")
    x, y = (found.table[f"maxval_{axis}index"].astype(int) for axis in "xy")
    np.testing.assert_array_equal(found.table["detection_threshold"], threshold[y, x])
    ratio = threshold / found.background_rms[:, :]
    assert ratio.min() > 0
    np.testing.assert_allclose(ratio, np.median(ratio), rtol=1e-5)


def test_others_are_refused_and_those_of_earlier_runs_go(tmp_path):
    found = extract(make_field())
    with pytest.raises(ValueError, match=r"maps must be of background, .*, got 'sky'"):
        found.write(tmp_path, maps=["sky"])
    found.write(tmp_path, preview=False, maps=["error"])
    found.write(tmp_path, preview=False)
    assert not (tmp_path / "map_error.fits").exists()
    assert check_maps(None) == ()
