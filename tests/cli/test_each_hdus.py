"""``extract --each --hdu``: all CCDs of a file, in one table or a folder for each."""

import os

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import QTable

from skyshed.cli import main
from skyshed.output.catalogs import read_catalog
from tests.images.files import stars, tan

QUICK = ["--no-preview", "--n-threads", "1"]


@pytest.fixture
def folder(tmp_path):
    """Two exposures of three CCDs, one of which is broken, with masks for each CCD."""
    for file in ("a", "b"):
        images, masks = [fits.PrimaryHDU()], [fits.PrimaryHDU()]
        for k, ccd in enumerate(("S29", "S30", "S31")):
            image = stars(seed=k, level=10.0 + 100 * k)
            if (file, ccd) == ("b", "S30"):
                image[:] = np.nan
            header = tan(CRVAL1=150.0 + k, EXTNAME=ccd)
            images.append(
                fits.CompImageHDU(image, header, compression_type="GZIP_2", quantize_level=0)
            )
            mask = np.zeros((120, 120), np.int16)
            mask[: 40 * k] = 1
            masks.insert(1, fits.ImageHDU(mask, header))
            fits.writeto(tmp_path / f"{file}.{ccd}.mask.fits", mask, header)
        fits.HDUList(images).writeto(tmp_path / f"{file}.fits.fz")
        fits.HDUList(masks).writeto(tmp_path / f"{file}.mask.fits")
    return tmp_path


def run(folder, *arguments):
    given = [argument.replace("{f}", str(folder)) for argument in arguments]
    return main(["extract", *given, "--out", str(folder / "out"), *QUICK])


@pytest.mark.parametrize("mask", ["{folder}/{stem}.mask.fits", "{folder}/{stem}.{hdu}.mask.fits"])
def test_all_ccds_of_several_files_are_one_table(folder, mask):
    files = ["{f}/a.fits.fz", "{f}/b.fits.fz"]
    assert run(folder, "--each", *files, "--hdu", "all", "--one-table", "--mask", mask) == 3
    table = read_catalog(folder / "out" / "catalog.fits")
    for file, ccd, number, n in (
        ("a", "S29", 1, 9), ("a", "S30", 2, 6), ("a", "S31", 3, 3),
        ("b", "S29", 1, 9), ("b", "S30", 2, 0), ("b", "S31", 3, 3),
    ):  # fmt: skip
        rows = table[(table["image"] == f"{folder}/{file}.fits.fz[{ccd}]")]
        assert len(rows) == n
        assert (rows["hdu"] == number).all()
        assert (rows["hdu_name"] == ccd).all()
        assert (rows["ycentroid"] > 40 * (number - 1)).all()
    report = QTable.read(folder / "out" / "report.ecsv")
    assert report["hdu_name"].tolist()[:4] == ["S29", "S30", "S31", "S29"]
    assert report["status"].tolist() == [*["done"] * 4, "failed", "done"]


def test_a_folder_for_each_is_named_after_the_ccd(folder):
    assert run(folder, "--each", "{f}/a.fits.fz", "--hdu", "1,S31") == 0
    assert sorted(os.listdir(folder / "out")) == ["a-S29", "a-S31", "report.ecsv"]
    assert run(folder, "--each", "{f}/a.fits.fz[S3*]", "--plan") == 0


def test_lists_of_names_have_one_for_each_file(folder):
    (folder / "masks.txt").write_text(f"{folder}/a.mask.fits\n{folder}/b.mask.fits\n")
    files = ["{f}/a.fits.fz", "{f}/b.fits.fz"]
    options = ["--hdu", "S29,S31", "--mask", "@{f}/masks.txt", "--one-table"]
    assert run(folder, "--each", *files, *options) == 0
    assert len(read_catalog(folder / "out" / "catalog.fits")) == 2 * (9 + 3)


def test_several_hdus_are_never_taken_for_one(folder, capsys):
    for hdu in ("1,2,3", "S29,S30", "S*", "all"):
        assert run(folder, "{f}/a.fits.fz", "--hdu", hdu) == 2
        said = capsys.readouterr().err
        assert f"hdu = '{hdu}' names" in said
        assert "--each" in said
    for hdu in ("1,,2", "S29,1,2"):
        assert run(folder, "--each", "{f}/a.fits.fz", "--hdu", hdu) == 2
        assert "S29,S30, S*, SCI,* (every version) and all name several" in capsys.readouterr().err
    assert run(folder, "--each", "{f}/a.fits.fz", "--hdu", "1", "--mask", "{hdu}.fits") == 2
    assert "{hdu} in '{hdu}.fits' stands for nothing" in capsys.readouterr().err
    assert run(folder, "{f}/a.fits.fz") == 0
    assert "--each --hdu all" in capsys.readouterr().err
    assert not (folder / "out" / "S29").exists()
