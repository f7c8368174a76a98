"""A plane of a cube is read by its number, the same in every way; without one it is refused."""

import bz2

import numpy as np
import pytest
from astropy.io import fits

from skyshed import extract, extract_each
from skyshed.cli import main
from skyshed.images import Window, open_image
from skyshed.output.catalogs import read_catalog
from tests.images.files import stars, tan
from tests.mosaic.fields import by_tiles, same_tables

WINDOW = Window(30, 90, 10, 70)
#: How cubes are stored -> what makes an HDU of one.
STORED = {
    "floats": lambda cube, header: fits.ImageHDU(cube, header),
    "integers": lambda cube, header: fits.ImageHDU(cube.round().astype("i4"), header),
    "unsigned": lambda cube, header: fits.ImageHDU(cube.round().astype("u2"), header),
    "compressed": lambda cube, header: fits.CompImageHDU(
        cube.round().astype("i4"), header, compression_type="RICE_1"
    ),
}


def cube():
    return np.stack([stars(level=level, seed=seed) for seed, level in enumerate((10, 30, 50))])


def celestial():
    header = tan()
    header.update({"CTYPE3": "WAVE", "CRVAL3": 5e-7, "CDELT3": 1e-10, "CRPIX3": 1.0})
    return header


def written(folder, kind="floats", planes=None):
    hdu = STORED[kind](cube() if planes is None else planes, celestial())
    hdu.name = "DATA"
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(folder / "cube.fits")
    return str(folder / "cube.fits")


@pytest.mark.parametrize("kind", STORED)
def test_a_plane_has_its_pixels(tmp_path, kind):
    path = written(tmp_path, kind)
    expected = fits.getdata(path, "DATA")
    for number in range(3):
        for given, hdu in (
            (f"{path}[DATA][{number}]", None), (path, f"DATA[{number}]"),
            (f"{path}[1][{number}]", None), (fits.open(path), f"DATA[{number}]"),
        ):  # fmt: skip
            source = open_image(given, hdu=hdu).image
            assert source.shape == (120, 120)
            assert np.array_equal(source.read(WINDOW), expected[number][WINDOW.slices])
            assert source.wcs.pixel_to_world(59.5, 59.5).ra.deg == pytest.approx(150, abs=1e-9)
    (tmp_path / "cube.bz2").write_bytes(bz2.compress((tmp_path / "cube.fits").read_bytes()))
    packed = open_image(f"{tmp_path}/cube.bz2[DATA][2]").image
    assert np.array_equal(packed.read(WINDOW), expected[2][WINDOW.slices])


def test_a_plane_of_more_axes_has_a_number_for_each(tmp_path):
    planes = np.arange(4 * 1 * 3 * 20 * 30, dtype="f4").reshape(4, 1, 3, 20, 30)
    fits.writeto(tmp_path / "a.fits", planes)
    path = f"{tmp_path}/a.fits"
    source = open_image(f"{path}[0][2,1]").image
    assert np.array_equal(source.read(source.everything), planes[2, 0, 1])
    assert source.label == f"{path}[0][2,1]"
    for wrong in ("[0][2]", "[0][2,1,0]"):
        with pytest.raises(ValueError, match="2 numbers name a plane"):
            open_image(path + wrong)
    with pytest.raises(ValueError, match=r"counted from 0, and the last is \[3,2\]"):
        open_image(path + "[0][4,0]")


def test_a_cube_without_a_plane_is_refused_with_those_it_has(tmp_path):
    path = written(tmp_path)
    message = r"holds 3 planes of 120 x 120 pixels: name one .* \[0\] to \[2\]"
    for given in (path, path + "[DATA]", fits.open(path)):
        with pytest.raises(ValueError, match=message):
            open_image(given)
    with pytest.raises(ValueError, match=message):
        extract(stars(), rms=path + "[DATA]")


def test_an_image_has_no_planes(tmp_path):
    fits.writeto(tmp_path / "a.fits", stars()[np.newaxis])
    with pytest.raises(ValueError, match="it is a single plane"):
        open_image(f"{tmp_path}/a.fits[0][1]")


def test_a_plane_is_extracted_at_once_by_tiles_and_recorded(tmp_path):
    path = written(tmp_path) + "[DATA][1]"
    expected = extract(stars(level=30, seed=1), wcs=tan())
    whole, tiles = extract(path), by_tiles(path, (64, 64))
    assert same_tables(whole.table, expected.table)
    assert same_tables(tiles.table, expected.table)
    assert (whole.record["input_hdu"], whole.record["input_plane"]) == ("1", "[1]")
    planes = [path.replace("[1]", f"[{number}]") for number in range(3)]
    outcomes = list(extract_each(planes))
    assert [each.error for each in outcomes] == [None] * 3
    assert same_tables(outcomes[1].extraction.table, expected.table)


def test_the_command_takes_a_plane_and_one_of_its_companion(tmp_path):
    noise = np.stack([np.full((120, 120), level, "f4") for level in (1, 4, 9)])
    stat = fits.ImageHDU(noise, celestial(), name="STAT")
    path = written(tmp_path)
    with fits.open(path, mode="append") as hdus:
        hdus.append(stat)
    out = tmp_path / "out"
    assert main(
        ["extract", path, "--hdu", "DATA[1]", "--variance", f"{path}[STAT][0]", "-q",
         "--no-preview", "--out", str(out)]
    ) == 0  # fmt: skip
    expected = extract(stars(level=30, seed=1), variance=noise[0], wcs=tan())
    assert same_tables(read_catalog(out / "catalog.fits"), expected.table)


@pytest.mark.parametrize("plane", ["-1", "", "first", "1:2"])
def test_what_names_no_plane_is_said_to(tmp_path, plane):
    fits.writeto(tmp_path / "cube.fits", np.zeros((3, 40, 50), "f4"))
    with pytest.raises(ValueError, match=rf"\[{plane}\] names no plane .* counted from 0"):
        open_image(f"{tmp_path}/cube.fits[0][{plane}]")
    with pytest.raises(FileNotFoundError, match="no such file"):
        open_image(f"{tmp_path}/other.fits[0][{plane}]")
