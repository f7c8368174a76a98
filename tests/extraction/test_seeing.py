"""Colors are those of the sources, not of the seeing."""

import numpy as np
import pytest
from astropy.io import fits

from skyshed import extract_bands

SEEING = {"g": 5.0, "r": 3.5}
OPTIONS = {"box_size": 60, "background": "none", "zero_point": 25.0, "aperture_radii": (3.0,)}


def profile(fwhm, y, x, beta):
    """Return a Moffat profile, or with an infinite exponent a Gaussian, of flux 1."""
    squared = y**2 + x**2
    if np.isinf(beta):
        variance = (fwhm / 2.3548) ** 2
        return np.exp(-squared / 2 / variance) / (2 * np.pi * variance)
    core = fwhm / 2 / np.sqrt(2 ** (1 / beta) - 1)
    return (1 + squared / core**2) ** -beta * (beta - 1) / (np.pi * core**2)


def stars_of_no_color(seeing, beta=np.inf):
    """Return an image of each band of 49 stars of one flux."""
    rng = np.random.default_rng(4)
    down, right = np.mgrid[:240, :240]
    y, x = (each.ravel() + rng.uniform(-0.5, 0.5, 49) for each in np.mgrid[30:240:30, 30:240:30])
    return {
        name: rng.normal(0, 1, down.shape)
        + 2000 * sum(profile(fwhm, down - j, right - i, beta) for j, i in zip(y, x, strict=True))
        for name, fwhm in seeing.items()
    }


def color(table, kind):
    return float(np.median(-2.5 * np.log10(table[f"{kind}_g"] / table[f"{kind}_r"])))


def test_colors_of_stars_are_right_where_the_seeing_is_matched():
    bands = stars_of_no_color(SEEING)
    found = extract_bands(bands, psf_fwhm=SEEING, psf_beta=np.inf, **OPTIONS)
    assert len(found.table) == 49
    for kind in ("kron", "aperture_3", "segment"):
        as_it_is, matched = (color(found.table, f"{kind}_flux{way}") for way in ("", "_matched"))
        assert as_it_is > {"kron": 0.002, "segment": 0.01, "aperture_3": 0.1}[kind]
        assert abs(matched) < min(0.01, as_it_is / 2)
    # The worst band is as it is; the others keep their flux.
    np.testing.assert_array_equal(found.table["kron_flux_matched_g"], found.table["kron_flux_g"])
    np.testing.assert_array_equal(found["g"].matched_data, found["g"].data)
    assert np.sum(found["r"].matched_data) == pytest.approx(np.sum(found["r"].data), rel=1e-3)
    assert "flags_matched_g" not in found.table.colnames
    assert extract_bands(bands, **OPTIONS)["r"].matched_data is None


@pytest.mark.parametrize(
    ("beta", "given", "within"),
    [(3.5, None, 0.01), (2.5, None, 0.05), (4.8, None, 0.03), (2.5, 2.5, 0.02)],
)
def test_widths_are_those_of_stars_in_the_atmosphere(beta, given, within):
    """What is not known of their wings makes the colors wrong by less than Gaussians would."""
    bands = stars_of_no_color(SEEING, beta)
    found = extract_bands(bands, psf_fwhm=SEEING, psf_beta=given, **OPTIONS)
    gaussian = extract_bands(bands, psf_fwhm=SEEING, psf_beta=np.inf, **OPTIONS)
    wrong, before = (
        abs(color(each.table, "aperture_3_flux_matched")) for each in (found, gaussian)
    )
    assert wrong < within
    assert wrong < 0.5 * before


def test_colors_are_right_where_images_of_the_psfs_are_given(tmp_path):
    seeing = {"g": 4.6, "r": 3.0}
    y, x = np.indices((61, 61)) - 30
    psf = {band: profile(fwhm, y, x, 2.8) for band, fwhm in seeing.items()}
    fits.writeto(tmp_path / "g.fits", psf["g"])
    psf["g"] = str(tmp_path / "g.fits")
    table = extract_bands(stars_of_no_color(seeing, 2.8), psf=psf, **OPTIONS).table
    assert len(table) == 49
    assert abs(color(table, "aperture_3_flux_matched")) < 0.01
    assert color(table, "aperture_3_flux") > 0.2


IMAGE = np.zeros((40, 40))
PSF = np.ones((3, 3))
REFUSED = {
    "both": (
        {"psf": {"g": PSF, "r": PSF}, "psf_fwhm": SEEING}, "both say what the seeing is: give one",
    ),
    "a band without": (
        {"psf_fwhm": {"g": 3}}, r"psf_fwhm must have the seeing of each band, g, r, .*\['g'\]",
    ),
    "no width": ({"psf_fwhm": {"g": 0, "r": 1}}, "psf_fwhm of g must be positive, got 0"),
    "no end": ({"psf_fwhm": {"g": 1, "r": np.inf}}, "psf_fwhm of r must be positive, got inf"),
    "other units": (
        {"psf_fwhm": {"g": 3, "r": 200_000}},
        "psf_fwhm of r is 200000 pixels, and the image has 40 x 40",
    ),
    "no finite flux": ({"psf_fwhm": SEEING, "psf_beta": 1}, "psf_beta must be above 1.*got 1"),
    "no number": ({"psf_fwhm": SEEING, "psf_beta": np.nan}, "psf_beta must be"),
    "no widths": ({"psf_beta": 3}, "psf_beta is 3, .* not given: give psf_fwhm, too"),
    "no image": ({"psf": {"g": PSF}}, "psf must have an image for each band"),
    "even sizes": (
        {"psf": {"g": PSF, "r": np.ones((4, 4))}}, "psf of r must be an image with odd sizes",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_seeing_is_refused(kind):
    options, message = REFUSED[kind]
    with pytest.raises(ValueError, match=message):
        extract_bands({"g": IMAGE, "r": IMAGE}, **options)
