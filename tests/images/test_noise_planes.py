"""Planes of noise mean what they say: pixels without weight are bad, squares are no noise."""

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits

from skyshed import extract
from skyshed.exceptions import ImageWarning
from skyshed.images import open_exposure
from tests.images.files import FLUX, stars
from tests.mosaic.fields import by_tiles, same_tables

#: How maps write that a pixel has no weight.
BAD = {
    "rms": (1e30, 1e15, 1e20, np.inf, np.nan, 0, -1),
    "variance": (1e30, 3e34, np.inf, np.nan, 0, -1),
    "weight": (0, -1, np.nan, 1e-30, 1e-34),
}
EVERY = pytest.mark.parametrize(("name", "value"), [(n, v) for n in BAD for v in BAD[n]])
SQUARES = {"rms": 1, "variance": 2, "weight": -2}


def plane(name, noise, dtype=np.float32):
    """Return the plane of a noise."""
    return np.full((120, 120), noise ** SQUARES[name], dtype)


def near(found, x=20, y=20):
    table = found.table
    k = np.argmin(np.hypot(table["xcentroid"].value - x, table["ycentroid"].value - y))
    return float(table["kron_flux"][k])


@EVERY
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_pixel_without_weight_is_masked_however_that_is_written(name, value, dtype):
    values = plane(name, 2.0, dtype)
    values[20, 23] = value
    planes = open_exposure(stars(), **{name: values}).read()
    assert np.argwhere(planes.mask).tolist() == [[20, 23]]
    assert planes.rms[20, 23] == 0
    assert np.allclose(np.delete(planes.rms.ravel(), 20 * 120 + 23), 2, rtol=1e-6)


@pytest.mark.parametrize("value", [1e14, 0.99e15])
def test_a_large_noise_is_a_noise(value):
    assert open_exposure(stars(), rms=np.full((120, 120), value)).read().mask is None
    assert open_exposure(stars(), variance=np.full((120, 120), value**2)).read().mask is None


@pytest.mark.parametrize("name", SQUARES)
def test_a_hot_pixel_beside_a_star_is_not_measured(name):
    image, values = stars(), plane(name, 1.0)
    image[20, 23] = 50000
    values[20, 23] = BAD[name][0]
    bad = np.zeros((120, 120), bool)
    bad[20, 23] = True
    expected = extract(image, rms=np.ones((120, 120), "f4"), mask=bad, n_threads=1)
    for found in (
        extract(image, **{name: values}, n_threads=1),
        by_tiles(image, (64, 64), companions={name: values}, n_threads=1),
    ):
        assert abs(near(found) / FLUX - 1) < 0.05
        assert same_tables(found.table, expected.table)


def test_variances_are_squares_of_noise(tmp_path):
    noise = np.random.default_rng(1).uniform(0.8, 1.2, (120, 120)).astype("f4")
    expected = open_exposure(stars(), rms=noise).read().rms
    variance = (noise.astype("f8") ** 2).astype("f4")
    assert np.allclose(open_exposure(stars(), variance=variance).read().rms, expected, rtol=1e-6)
    image = stars() << u.nJy
    for unit, factor in (("nJy2", 1), ("uJy2", 1e6)):
        found = open_exposure(image, variance=(variance / factor) << u.Unit(unit)).read().rms
        assert np.allclose(found, expected, rtol=1e-5)
    fits.writeto(tmp_path / "v.fits", variance, fits.Header({"BUNIT": "nJy"}))  # copied
    assert np.allclose(
        open_exposure(image, variance=tmp_path / "v.fits").read().rms, expected, rtol=1e-6
    )


def test_the_noise_is_given_once():
    for first, second in (("weight", "rms"), ("weight", "variance"), ("rms", "variance")):
        with pytest.raises(ValueError, match=f"{first} and {second} both say the noise of the"):
            open_exposure(stars(), **{first: plane(first, 1), second: plane(second, 1)})


@pytest.fixture
def product(tmp_path):
    """Planes as Rubin's, HST's and others' files have them."""
    hdus = [fits.PrimaryHDU(), fits.ImageHDU(stars(), name="IMAGE")]
    for name, value in (
        ("VARIANCE", 4), ("VAR_RNOISE", 4), ("WHT", 0.25), ("IVAR", 0.25), ("ERR", 2), ("RMS", 2),
        ("NOISY", 2),
    ):  # fmt: skip
        hdus.append(fits.ImageHDU(np.full((120, 120), value, "f4"), name=name))
    fits.HDUList(hdus).writeto(tmp_path / "calexp.fits")
    return tmp_path / "calexp.fits"


@pytest.mark.parametrize(
    ("name", "hdu", "advice"),
    [
        (
            "rms",
            "VARIANCE",
            "must be a standard deviation.* is a variance by its name, VARIANCE",
        ),
        ("error", "VARIANCE", "give it as variance"),
        ("weight", "VAR_RNOISE", "must be an inverse variance, .* give it as variance"),
        ("rms", "WHT", "is an inverse variance by its name, WHT: give it as weight"),
        ("variance", "IVAR", "give it as weight"),
        ("weight", "ERR", "is a standard deviation by its name, ERR: give it as rms, or as error"),
        ("variance", "RMS", "give it as rms"),
    ],
)
def test_a_plane_that_its_name_says_is_another_is_refused(product, name, hdu, advice):
    with pytest.raises(ValueError, match=advice):
        open_exposure(f"{product}[IMAGE]", **{name: f"{product}[{hdu}]"})


def test_a_plane_is_taken_as_its_name_says(product):
    for name, hdus in (
        ("variance", ("VARIANCE", "VAR_RNOISE")), ("weight", ("WHT", "IVAR")),
        ("rms", ("RMS", "ERR", "NOISY")),
    ):  # fmt: skip
        for hdu in hdus:
            planes = open_exposure(f"{product}[IMAGE]", **{name: f"{product}[{hdu}]"}).read()
            assert np.allclose(planes.rms, 2)
    found = extract(f"{product}[IMAGE]", variance=f"{product}[VARIANCE]", n_threads=1)
    assert np.allclose(found.error, 2)


def test_a_square_of_the_unit_of_the_image_is_no_weight_and_no_noise(tmp_path):
    fits.writeto(tmp_path / "i.fits", stars(), fits.Header({"BUNIT": "MJy/sr"}))
    for unit, names in (("MJy2/sr2", ("weight", "rms", "error")), ("sr2/MJy2", ("variance",))):
        path = tmp_path / f"{names[0]}.fits"
        fits.writeto(path, np.ones((120, 120), "f4"), fits.Header({"BUNIT": unit}))
        for name in names:
            with pytest.raises(ValueError, match=rf"{name} must be .* by its unit, .*: give it as"):
                open_exposure(tmp_path / "i.fits", **{name: path})
    variance = open_exposure(tmp_path / "i.fits", variance=tmp_path / "weight.fits")
    assert np.allclose(variance.read().rms, 1)


OFF = {
    "weights that are exposure times": ("weight", 1e-4, "98.3 times .*--scale-weight.*--variance"),
    "weights of 0 to 1": ("weight", 100, r"0\.0983 times that measured.* set scale_weight"),
    "a variance as noise": ("rms", 16, "15.7 times .* give a variance as variance"),
    "a noise as variance": ("variance", 0.01, r"0\.0983 times .* give a standard deviation as rms"),
}


@pytest.mark.filterwarnings("ignore:No sources were found")
@pytest.mark.parametrize("kind", OFF)
def test_noise_that_disagrees_with_that_measured_is_said_both_ways(kind):
    name, value, message = OFF[kind]
    given = {name: np.full((120, 120), value, "f4")}
    with pytest.warns(ImageWarning, match=message) as once:
        extract(stars(), **given, n_threads=1)
    with pytest.warns(ImageWarning, match=message) as tiles:
        by_tiles(stars(), (64, 64), companions=given, n_threads=1)
    first, second = (
        [str(each.message) for each in said if each.category is ImageWarning]
        for said in (once, tiles)
    )
    assert len(first) == 1
    assert first == second


@pytest.mark.filterwarnings("error::skyshed.exceptions.ImageWarning")
def test_noise_that_agrees_is_used_without_a_word():
    for name, noise in (("rms", 1.0), ("rms", 2.5), ("weight", 0.4), ("variance", 1.2)):
        extract(stars(), **{name: plane(name, noise)}, n_threads=1)
    extract(stars(), weight=np.full((120, 120), 1e-4, "f4"), scale_weight=True, n_threads=1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_lower_weights_than_the_threshold_are_none(dtype):
    values = np.full((120, 120), 0.5, dtype)
    values[20, 23], values[60, 60], values[4, 5] = 0.1, 0.0999, 0
    planes = open_exposure(stars(), weight=values, weight_threshold=0.1).read()
    assert np.argwhere(planes.mask).tolist() == [[4, 5], [60, 60]]
    assert open_exposure(stars(), weight=values).read().mask.sum() == 1
    # It is in the unit that weights are given in, whatever that of the image is.
    unit = open_exposure(stars() << u.nJy, weight=values << u.uJy**-2, weight_threshold=0.1).read()
    assert np.array_equal(unit.mask, planes.mask)


def test_a_threshold_without_weights_is_refused():
    with pytest.raises(ValueError, match=r"weight_threshold is given as 0.1, and no weight is"):
        open_exposure(stars(), rms=plane("rms", 1.0), weight_threshold=0.1)


def test_a_threshold_counts_by_tiles_and_with_relative_weights():
    values = np.random.default_rng(2).uniform(1, 2, (120, 120)).astype("f4")
    values[:20] = 0.25
    given = {"scale_weight": True, "weight_threshold": 0.5}
    whole = extract(stars(), weight=values, **given)
    assert np.sum(whole.mask) == 20 * 120
    tiles = by_tiles(stars(), (64, 64), companions={"weight": values}, **given)
    assert same_tables(whole.table, tiles.table)


def test_a_name_does_not_hide_what_the_unit_says(tmp_path):
    path = tmp_path / "planes.fits"
    cards = fits.Header({"BUNIT": "(MJy/sr)**2"})
    plane = fits.ImageHDU(np.ones((120, 120), np.float32), cards, name="WHT")
    image = fits.ImageHDU(stars(), fits.Header({"BUNIT": "MJy/sr"}), name="SCI")
    fits.HDUList([fits.PrimaryHDU(), image, plane]).writeto(path)
    with pytest.raises(ValueError, match=r"weight must be an inverse variance.*by its unit"):
        open_exposure(f"{path}[SCI]", weight=f"{path}[WHT]")
