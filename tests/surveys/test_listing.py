"""What a list names is what is extracted, with what goes with it; all else is refused."""

import os
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from skyshed.surveys.listing import read_listing


def test_names_of_a_file_are_relative_to_where_the_call_is_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.txt").write_text("# one\n a.fits[SCI]\n\n/b/c.fits.fz\n")
    listing = read_listing("list.txt", {"weight": "{folder}/{stem}.w.fits", "mask": "bad.fits"})
    monkeypatch.chdir("/")
    assert listing[0] == (
        f"{tmp_path}/a.fits[SCI]",
        {"weight": f"{tmp_path}/./a.w.fits", "mask": f"{tmp_path}/bad.fits"},
    )
    assert listing[1] == (
        "/b/c.fits.fz", {"weight": "/b/c.w.fits", "mask": f"{tmp_path}/bad.fits"},
    )  # fmt: skip


@pytest.mark.parametrize("ending", ["csv", "ecsv", "parquet"])
def test_a_table_has_what_goes_with_each(tmp_path, ending):
    pytest.importorskip("pyarrow")
    table = Table({"image": ["/a.fits", "/b.fits"], "rms": ["/a.rms", ""], "night": [3, 4]})
    path = tmp_path / f"list.{ending}"
    if ending == "parquet":
        from pyarrow import parquet
        from pyarrow import table as arrow

        parquet.write_table(arrow({name: table[name].tolist() for name in table.colnames}), path)
    else:
        table.write(path, format=f"ascii.{ending}")
    nothing = {"background": "none", "detection_background": "0"}
    listing = read_listing(path, nothing, keep=("night",))
    assert listing[0] == ("/a.fits", {**nothing, "rms": "/a.rms"})
    assert listing[1] == ("/b.fits", nothing)
    assert list(listing.kept["night"]) == [3, 4]


def test_lists_are_told_apart():
    one = read_listing(["/a.fits", "/b.fits"], {})
    assert one.digest() == read_listing(("/a.fits", "/b.fits"), {}).digest()
    for other in (
        read_listing(["/b.fits", "/a.fits"], {}),
        read_listing(["/a.fits", "/b.fits"], {"mask": "/m.fits"}),
        read_listing({"image": ["/a.fits", "/b.fits"], "hdu": [None, 1]}, {}),
    ):
        assert other.digest() != one.digest()


@pytest.mark.parametrize(
    ("images", "for_all", "keep", "error", "text"),
    [
        ([], {}, (), ValueError, "images is empty"),
        (["a.fits", "a.fits"], {}, (), ValueError, r"'a.fits' twice \(rows 0 and 1\)"),
        ([np.zeros((9, 9))], {}, (), TypeError, "images must be paths"),
        (np.zeros((2, 9, 9)), {}, (), TypeError, "a list of paths, got a ndarray"),
        ({"file": ["a"]}, {}, (), ValueError, "must have a column 'image'"),
        ({"image": ["a"], "wieght": ["b"]}, {}, (), ValueError, "'wieght', which is none of"),
        ({"image": ["a"]}, {}, ("night",), ValueError, "keep names the column 'night'"),
        ({"image": ["a"], "mask": ["m"]}, {"mask": "m"}, (), ValueError, "leave one out"),
        ({"image": ["a"], "mask": []}, {}, (), ValueError, "differ in length"),
        (["a.fits"], {"mask": np.zeros(3)}, (), TypeError, "workers read files"),
        (["a.fits"], {"mask": "{night}.fits"}, (), ValueError, "stands for nothing of a.fits"),
    ],
)
def test_what_is_no_list_is_refused(images, for_all, keep, error, text):
    with pytest.raises(error, match=text):
        read_listing(images, for_all, keep)


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "image.fits").write_bytes(b"\xff\xfe\x00\x80")
    image = tmp_path / "im0.fits"
    fits.PrimaryHDU(np.zeros((4, 4))).writeto(image)
    with pytest.raises(ValueError, match=r"im0\.fits is a FITS file: give a file of names"):
        read_listing(image, {})
    with pytest.raises(ValueError, match="is no text"):
        read_listing(tmp_path / "image.fits", {})


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="pipes have no names here")
def test_a_list_may_come_through_a_pipe():
    """As the shell's <(ls *.fits) does: what was read of it cannot be read again."""
    theirs, ours = os.pipe()
    with os.fdopen(ours, "w") as file:
        file.write("one.fits\ntwo.fits\n")
    try:
        found = read_listing(f"/dev/fd/{theirs}", {})
    finally:
        os.close(theirs)
    assert list(found.images) == ["one.fits", "two.fits"]
