"""``skyshed bands``: what `extract_bands` gives, in a folder."""

import numpy as np
import pytest
from astropy.io import fits

from skyshed import extract_bands
from skyshed.cli import main
from skyshed.output.catalogs import read_catalog
from tests.pipeline_field import SHAPE, make_field, make_wcs

OPTIONS = ["--box-size", "16", "--no-preview", "-q"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bands")
    for number, name in enumerate("gr"):
        noise = np.random.default_rng(number).normal(0, 1, SHAPE)
        image = ((1 + number) * make_field() + noise).astype(np.float32)
        weight = np.full(SHAPE, 1 / (1 + (1 + number) ** 2), np.float32)
        weight[:, :5] = 0
        hdus = [fits.PrimaryHDU(image, make_wcs().to_header()), fits.ImageHDU(weight, name="WHT")]
        fits.HDUList(hdus).writeto(folder / f"{name}.fits")
    return folder


def bands_of(folder):
    return [f"{name}={folder / name}.fits" for name in "gr"]


def test_the_command_writes_what_the_function_finds(folder, tmp_path, capsys):
    command = ["bands", *bands_of(folder), "--detect", "r", "--combine", "chi2", "--out"]
    more = ["--zero-point", "g=25", "r=26.5", "--hdu", "0", "--weight", "{file}[WHT]"]
    assert main([*command, str(tmp_path / "out"), *OPTIONS, *more]) == 0
    assert capsys.readouterr().out == ""
    paths = {name: folder / f"{name}.fits" for name in "gr"}
    found = extract_bands(
        paths, detect="r", combine="chi2", zero_point={"g": 25, "r": 26.5}, box_size=16, hdu=0,
        weight={name: f"{path}[WHT]" for name, path in paths.items()},
    )  # fmt: skip
    table = read_catalog(tmp_path / "out" / "catalog.fits")
    assert table.colnames == found.table.colnames
    assert len(table) > 20
    for name in ("xcentroid", "kron_flux_g", "kron_mag_r", "coverage_g"):
        np.testing.assert_array_equal(table[name], found.table[name])
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "catalog.fits", "segmentation.fits", "combination.fits", "parameters.toml",
    }  # fmt: skip


def test_numbers_are_for_each_band_or_for_all(folder, tmp_path):
    for number, points in enumerate((["g=25,r=26"], ["g=25", "r=26"])):
        out = tmp_path / f"{number}"
        command = ["bands", *bands_of(folder), "--hdu", "g=0", "r=0", "--out", str(out)]
        assert main([*command, *OPTIONS, "--zero-point", *points]) == 0
        table = read_catalog(out / "catalog.fits")
        difference = table["kron_mag_g"].value + 2.5 * np.log10(table["kron_flux_g"])
        np.testing.assert_allclose(difference, 25)
        difference = table["kron_mag_r"].value + 2.5 * np.log10(table["kron_flux_r"])
        np.testing.assert_allclose(difference, 26)
    out = tmp_path / "all"
    command = ["bands", *bands_of(folder), "--hdu", "0", "--out", str(out), *OPTIONS]
    assert main([*command, "--zero-point", "27", "--background", "g=none", "--rms", "g=1"]) == 2
    assert main([*command, "--zero-point", "27"]) == 0
    table = read_catalog(out / "catalog.fits")
    assert table.meta["record"]["r_zero_point"] == "27.0"
    for seeing in (["g=3.5", "r=4"], ["g=3.5,r=4"]):
        assert main([*command, "--psf-fwhm", *seeing]) == 0
        table = read_catalog(out / "catalog.fits")
        assert table.meta["record"]["g_psf_fwhm"] == "3.5"
        assert table.meta["record"]["psf_beta"] == "3.5"
        assert np.isfinite(table["kron_flux_matched_g"]).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["g.fits"], "'g.fits' must be NAME=IMAGE"),
        (["g=a.fits", "g=b.fits"], "the band 'g' is given twice"),
        (["g=absent.fits"], "absent.fits: there is no such file"),
        (["g=a.fits", "--weight", "r=b", "g=c"], "--weight: 'r=b' must be NAME=VALUE"),
        (["g=a.fits", "--psf-fwhm", "g=wide"], "--psf-fwhm g must be a number, got 'wide'"),
        (["g=a.fits", "--psf-beta", "steep"], "--psf-beta must be a number, got 'steep'"),
        (["g=a.fits", "--zero-point", "r=25"], "zero_point must be"),
    ],
)
def test_what_cannot_be_understood_is_said_in_a_line(arguments, message, tmp_path, capsys):
    assert main(["bands", *arguments, "--out", str(tmp_path / "out")]) == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert shown.count("\n") == 1


def test_out_is_asked_for_and_a_plan_is_told(folder, capsys):
    assert main(["bands", *bands_of(folder)]) == 2
    assert "--out" in capsys.readouterr().err
    assert main(["bands", *bands_of(folder), "--hdu", "0", "--plan", "--box-size", "16"]) == 0
    assert "tiles    none" in capsys.readouterr().out


def test_flags_are_for_all_bands_or_for_those_that_are_named():
    from skyshed.cli import make_parser
    from skyshed.cli.bands import _of_bands

    images = {"g": "g.fits", "r": "r.fits"}
    for words, expected in (
        (["--scale-weight"], True),
        (["--no-scale-weight"], False),
        (["--scale-weight", "g"], {"g": True}),
        (["--scale-weight", "g,r"], {"g": True, "r": True}),
        (["--scale-weight", "g", "--no-scale-weight", "r"], {"g": True, "r": False}),
    ):
        arguments = make_parser().parse_args(["bands", "g=g.fits", "r=r.fits", *words])
        assert _of_bands(arguments, images)["scale_weight"] == expected


def test_wcs_product_and_psf_may_be_given_for_each_band(folder, tmp_path):
    y, x = np.indices((25, 25)) - 12
    for name, width in (("g", 1.5), ("r", 2.0)):
        fits.writeto(tmp_path / f"{name}.psf.fits", np.exp(-(x**2 + y**2) / 2 / width**2))
    more = ["--as", "g=plain", "--wcs", f"r={folder / 'r.fits'}[0]", "--hdu", "0", "--psf"]
    more += [f"{name}={tmp_path / name}.psf.fits" for name in "gr"]
    assert main(["bands", *bands_of(folder), *OPTIONS, *more, "--out", str(tmp_path / "out")]) == 0
    table = read_catalog(tmp_path / "out/catalog.fits")
    assert {"kron_flux_matched_g", "kron_flux_matched_r"} <= set(table.colnames)
    np.testing.assert_array_equal(table["kron_flux_matched_r"], table["kron_flux_r"])
    assert table.meta["record"]["g_psf"] == str(tmp_path / "g.psf.fits")
