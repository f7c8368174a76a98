"""What `skyshed info IMAGE` says, and how."""

import pytest
from astropy.io import fits

from skyshed.cli import main
from tests.images.files import stars, tan
from tests.images.profiles.cases import CASES

JWST = next(case for case in CASES if case.profile == "jwst-i2d")


def test_what_an_image_is_and_what_a_flux_of_1_is(tmp_path, capsys):
    path = str(tmp_path / "a.fits")
    JWST.hdus().writeto(path)
    assert main(["info", path]) == 0
    said = capsys.readouterr().out
    assert "jwst-i2d" in said
    assert "a flux of 1 is" in said
    fits.writeto(path, stars(), tan(BUNIT="nJy"), overwrite=True)
    assert main(["info", path]) == 0
    assert "a flux of 1 is 0.001 uJy, AB magnitude 31.400" in capsys.readouterr().out


def test_cards_that_could_calibrate_a_plain_image_are_named_with_their_options(tmp_path, capsys):
    path = str(tmp_path / "a.fits")
    fits.writeto(path, stars(), tan(MAGZP=27.1, GAIN=1.4))
    assert main(["info", path]) == 0
    said = capsys.readouterr().out
    assert "MAGZP = 27.1, GAIN = 1.4" in said
    options, _, more = said.strip().rpartition(": ")[2].partition(" (")
    assert more == "or Vega)"
    options = options.split()
    assert options[:4] == ["--zero-point", "MAGZP", "--effective-gain", "GAIN"]
    assert options[4:] == ["--zero-point-system", "AB"]
    assert main(["extract", path, *options, "--no-preview", "--out", str(tmp_path / "out")]) == 0
    assert "a flux of 1 is 0.052481 uJy" in "".join(capsys.readouterr())
    fits.writeto(path, stars(), tan(), overwrite=True)
    assert main(["info", path]) == 0
    assert "not used" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("cards", "expected"),
    [
        ({"EXPTIME": 300.0}, "31.193"),
        ({"EXPTIME": 1.0}, None),
        ({"EXPTIME": 0.0}, None),
        ({}, None),
    ],
)
def test_a_zero_point_may_be_that_of_one_second(cards, expected, tmp_path, capsys):
    path, header = str(tmp_path / "a.fits"), tan(MAGZPT=25.0, **cards)
    header.comments["MAGZPT"] = "mag for 1 ADU/s"
    fits.writeto(path, stars(), header)
    extraction = ["extract", path, "--no-preview", "--out", str(tmp_path / "out")]
    for command in (["info", path], extraction):
        assert main(command) == 0
        said = capsys.readouterr().out
        assert "MAGZPT = 25.0 (mag for 1 ADU/s)" in said
        if expected is None:
            assert "of one second" not in said
        else:
            assert f"{expected} if that is of one second, and pixels are counts of EXPTIME" in said


def test_an_extraction_without_magnitudes_says_how_to_have_them(tmp_path, capsys):
    path = str(tmp_path / "a.fits")
    fits.writeto(path, stars(), tan(MAGZP=27.1))
    command = ["extract", path, "--no-preview", "--out", str(tmp_path / "out")]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "no magnitudes, as no zero point is known: --zero-point takes a number, or" in said
    assert "MAGZP = 27.1 may be one" in said
    for options in (("--zero-point", "MAGZP"), ("--no-calibrate",), ("--quiet",)):
        assert main([*command, *options]) == 0
        assert "no magnitudes" not in capsys.readouterr().out
    fits.writeto(path, stars(), tan(BUNIT="nJy", MAGZP=27.1), overwrite=True)
    assert main(command) == 0
    assert "no magnitudes" not in capsys.readouterr().out


def test_bands_without_magnitudes_are_named(tmp_path, capsys):
    paths = {name: str(tmp_path / f"{name}.fits") for name in "gri"}
    for path in paths.values():
        fits.writeto(path, stars(), tan())
    bands = [f"{name}={path}" for name, path in paths.items()]
    out = ["--no-preview", "--out", str(tmp_path / "out")]
    assert main(["bands", *bands, "--zero-point", "r=26", *out]) == 0
    assert "no magnitudes in g, i, as no zero point is known: " in capsys.readouterr().out


@pytest.mark.filterwarnings("default")
def test_warnings_are_lines_of_the_command(tmp_path, capsys):
    path = str(tmp_path / "a.fits")
    hdus = [fits.ImageHDU(stars(), name=name) for name in ("A", "B")]
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path)
    assert main(["info", path]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"skyshed: warning: {path} holds 2 images, and none is named")
