"""A band on another grid: its sums, errors and masks on the pixels of the first."""

import sys

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from scipy.ndimage import binary_dilation

from skyshed import extract_bands
from skyshed.extraction.bands import open_bands
from skyshed.extraction.saved import saved_contents
from tests.extraction.test_bands import by_tiles
from tests.pipeline_field import same_tables

SHAPE = (150, 160)
#: Of the first band, in arcseconds, and of the other.
SCALE, OTHER, ANGLE = 1.0, 0.6, 30.0
OPTIONS = {
    "box_size": 32, "n_threads": 1, "background": "none", "aperture_radii": (9.0,), "nsigma": 5.0,
}  # fmt: skip


def make_wcs(scale=SCALE, angle=0.0, center=(80.0, 75.0)):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval = ["RA---TAN", "DEC--TAN"], [150.0, 2.0]
    wcs.wcs.crpix, wcs.wcs.cdelt = center, [-scale / 3600, scale / 3600]
    cos, sin = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    wcs.wcs.pc = [[cos, -sin], [sin, cos]]
    return wcs


def make_image(wcs, shape, scale, noise, seed):
    """Return stars of 500 to 5000 and a sigma of 2.2 arcseconds, whatever the pixels are."""
    rng = np.random.default_rng(1)
    x, y = np.meshgrid(np.arange(20, 150, 26.0), np.arange(20, 140, 26.0))
    places = make_wcs().pixel_to_world(
        *(each.ravel() + rng.uniform(-1, 1, x.size) for each in (x, y))
    )
    flux = rng.uniform(500, 5000, x.size)
    yy, xx = np.indices(shape)
    image = np.random.default_rng(seed).normal(0, noise, shape)
    sigma = 2.2 / scale
    for px, py, each in zip(*wcs.world_to_pixel(places), flux, strict=True):
        profile = np.exp(-((xx - px) ** 2 + (yy - py) ** 2) / (2 * sigma**2))
        image += each * profile / (2 * np.pi * sigma**2)
    return image.astype(np.float32)


@pytest.fixture(scope="module")
def field():
    pytest.importorskip("reproject")
    other = make_wcs(OTHER, ANGLE, (210.0, 205.0))
    g = make_image(make_wcs(), SHAPE, SCALE, 0.2, 2)
    r = make_image(other, (410, 420), OTHER, 0.12, 3)
    return {"g": g, "r": r}, {"g": make_wcs(), "r": other}


def test_sums_over_apertures_are_those_of_the_band(field):
    bands, wcs = field
    table = extract_bands(bands, wcs=wcs, detect="g", reproject=True, **OPTIONS).table
    assert len(table) == 25
    ratio = table["aperture_9_flux_r"] / table["aperture_9_flux_g"]
    np.testing.assert_allclose(ratio, 1, atol=0.03)
    assert abs(np.mean(ratio) - 1) < 0.005
    assert (table["coverage_r"] == 1).all()


def test_errors_of_sums_are_those_of_the_band(field):
    bands, wcs = field
    rms = {"g": np.full_like(bands["g"], 0.2), "r": np.full_like(bands["r"], 0.12)}
    found = extract_bands(bands, wcs=wcs, rms=rms, reproject=True, **OPTIONS)
    # So many pixels of the band lie in one of the first.
    expected = 0.12 * SCALE / OTHER
    inner = np.asarray(found["r"].error)[20:-20, 20:-20]
    np.testing.assert_allclose(inner, expected, rtol=1e-4)
    area = np.pi * 9**2
    np.testing.assert_allclose(found.table["aperture_9_fluxerr_r"], expected * area**0.5, rtol=0.02)
    noise = np.asarray(found["r"].data)[found.segmentation.data == 0].std()
    assert noise < expected  # neighbouring pixels have pixels of the band in common


def test_pixels_moved_by_whole_ones_keep_their_values_and_masks(field):
    bands, wcs = field
    moved = make_wcs(center=(87.0, 70.0))
    big = make_image(moved, (165, 175), SCALE, 0.2, 4)
    mask = np.zeros(big.shape, bool)
    mask[60, 70:75] = True
    request = open_bands(
        {"g": bands["g"], "r": big}, wcs={"g": wcs["g"], "r": moved}, mask={"r": mask},
        reproject=True, **OPTIONS,
    )  # fmt: skip
    planes = request.exposures["r"].read()
    expected = np.full(SHAPE, np.nan, np.float32)
    expected[5:, :] = big[: SHAPE[0] - 5, 7 : 7 + SHAPE[1]]
    lost = np.isnan(expected)
    lost[5:, :] |= mask[: SHAPE[0] - 5, 7 : 7 + SHAPE[1]]
    near = binary_dilation(lost)
    assert planes.mask[lost].all()
    assert not planes.mask[~near].any()
    np.testing.assert_allclose(planes.data[~near], expected[~near], atol=2e-3)
    assert request.noted["r_reprojected"].startswith("to the pixels of g, by reproject_exact")


def test_tiles_have_the_same_bits(field):
    bands, wcs = field
    options = {**OPTIONS, "wcs": wcs, "reproject": True}
    assert same_tables(extract_bands(bands, **options).table, by_tiles(bands, **options).table)


def test_a_region_is_one_of_the_first_band(field):
    bands, wcs = field
    options = {**OPTIONS, "wcs": wcs, "detect": "g", "reproject": True, "exclude_percentile": 100.0}
    # In the pixels of the other band, these are not those of the first, or not even there.
    for y0, x0 in ((0, 0), (50, 60)):
        part = np.s_[y0 : y0 + 100, x0 : x0 + 100]
        found = extract_bands(bands, region=(y0, y0 + 100, x0, x0 + 100), **options)
        assert (found.table["coverage_r"] == 1).all()
        ratio = found.table["aperture_9_flux_r"] / found.table["aperture_9_flux_g"]
        np.testing.assert_allclose(ratio, 1, atol=0.05)
        whole = open_bands(bands, **options).exposures["r"].read().data
        np.testing.assert_allclose(found["r"].data, whole[part], rtol=1e-4, atol=1e-4)
    # That of a band on the grid of the first is cut out.
    pair = {**bands, "i": bands["g"]}
    wcs = {**wcs, "i": wcs["g"]}
    request = open_bands(pair, region="50:150,60:160", **{**options, "wcs": wcs})
    np.testing.assert_array_equal(request.exposures["i"].read().data, bands["g"][part])
    assert "i_reprojected" not in request.noted


def test_areas_of_pixels_go_on_where_a_map_of_the_sky_ends():
    pytest.importorskip("reproject")
    sky = WCS(naxis=2)
    sky.wcs.ctype, sky.wcs.cdelt, sky.wcs.crpix = ["RA---CAR", "DEC--CAR"], [-1, 1], [180.5, 90.5]
    sky.wcs.crval = [310.0, 0.0]  # its right and left ends are at 130 degrees
    first = make_wcs(1800.0, 20.0, (33.0, 33.0))
    first.wcs.crval = [130.0, 0.0]
    bands = {"g": np.zeros((65, 65)), "r": np.ones((180, 360))}
    request = open_bands(bands, wcs={"g": first, "r": sky}, reproject=True, **OPTIONS)
    data = request.exposures["r"].read().data
    assert np.isfinite(data).mean() > 0.9
    # Pixels are smaller off the center of TAN, and those of CAR at higher latitudes.
    np.testing.assert_allclose(data[np.isfinite(data)], 0.25, rtol=0.25)


def test_bands_on_one_grid_are_left_as_they_are(field):
    bands, wcs = field
    pair = {"g": bands["g"], "r": bands["g"]}
    request = open_bands(pair, wcs=wcs["g"], reproject=True, **OPTIONS)
    assert request.exposures["r"].image.array is pair["r"]
    assert "r_reprojected" not in request.noted


def test_results_show_no_band_on_its_own_grid(field, tmp_path):
    bands, _ = field
    turned = make_wcs(angle=10.0)  # as many pixels, which are elsewhere
    r = make_image(turned, SHAPE, SCALE, 0.2, 3)
    paths = {"g": tmp_path / "g.fits", "r": tmp_path / "r.fits"}
    fits.writeto(paths["g"], bands["g"], make_wcs().to_header())
    fits.writeto(paths["r"], r, turned.to_header())
    extract_bands(paths, reproject=True, **OPTIONS).write(tmp_path / "out")
    contents = saved_contents(tmp_path / "out")
    assert [layer.name for layer in contents.images] == ["combination", "band g"]
    (note,) = (each for each in contents.notes if "can't be shown" in each)
    assert "band r can't be shown" in note
    assert "r.fits was brought to the pixels of g, by reproject_exact" in note


def test_what_cannot_be_resampled_is_refused(field):
    bands, wcs = field
    with pytest.raises(ValueError, match="r has none: give wcs="):
        open_bands(bands, wcs={"g": wcs["g"]}, reproject=True, **OPTIONS)
    quality = {"r": np.zeros(bands["r"].shape, np.int32)}
    with pytest.raises(ValueError, match="can't bring quality of r to the pixels of g"):
        open_bands(bands, wcs=wcs, quality=quality, reproject=True, **OPTIONS)
    far = make_wcs()
    far.wcs.crval = [150.0, 3.0]
    with pytest.raises(ValueError, match="r has no pixel where g is: by their WCS"):
        open_bands(bands, wcs={"g": wcs["g"], "r": far}, reproject=True, **OPTIONS)
    empty = {**bands, "r": np.full_like(bands["r"], np.nan)}
    with pytest.raises(ValueError, match="r has no good pixel where g is: all are masked"):
        open_bands(empty, wcs=wcs, reproject=True, **OPTIONS)
    with pytest.raises(ValueError, match=r"reproject=True \(--reproject\) resamples it"):
        open_bands(bands, wcs=wcs, **OPTIONS)


def test_surface_brightness_of_two_kinds_is_not_averaged(field):
    images, wcs = field
    given = {name: each << u.MJy / u.sr for name, each in images.items()}
    options = {**OPTIONS, "reproject": True, "wcs": wcs, "calibrate": False}
    with pytest.raises(ValueError, match=r"combine='mean' with .* r is in MJy / sr: give zero_"):
        extract_bands(given, combine="mean", **options)
    assert len(extract_bands(given, combine="snr", **options).table) > 10
    plain = {name: each << u.nJy for name, each in images.items()}
    assert len(extract_bands(plain, combine="mean", **options).table) > 10


def test_without_the_package_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "reproject", None)
    g, r = np.ones(SHAPE, np.float32), np.ones((90, 90), np.float32)
    with pytest.raises(ImportError, match=r"pip install 'skyshed\[reproject\]'"):
        open_bands(
            {"g": g, "r": r}, wcs={"g": make_wcs(), "r": make_wcs(1.2)}, reproject=True, **OPTIONS
        )


def test_a_place_on_the_sky_is_that_of_the_first_band(field):
    bands, wcs = field
    table = extract_bands(bands, wcs=wcs, detect="r", reproject=True, **OPTIONS).table
    there = SkyCoord(table["sky_centroid"])
    expected = wcs["g"].pixel_to_world(table["xcentroid"], table["ycentroid"])
    assert there.separation(expected).arcsec.max() < 1e-6
