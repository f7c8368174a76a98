"""Damage is found before it is measured: by sizes, and by the checksums that files have."""

import bz2
import gzip
import io
import lzma
import warnings

import numpy as np
import pytest
from astropy.io import fits

from skyshed import extract
from skyshed.cli import main
from skyshed.exceptions import ImageWarning
from skyshed.images import Window, open_image
from skyshed.images.soundness import _summed, wrong_sums
from tests.images.files import stars, tan
from tests.mosaic.fields import by_tiles

OPTIONS = {"box_size": 30, "nsigma": 5, "n_threads": 1}
ENDLESS = [("NAXIS1", 2**31 - 1), ("NAXIS2", 2**31), ("NAXIS1", 10**12), ("NAXIS", 10**9)]


def with_card(content, name, value):
    """Change a number in the first header of a file that has it."""
    begin = content.index(f"{name:8s}= ".encode())
    card = f"{name:8s}= {value:>20d}".encode()
    return content[:begin] + card + content[begin + len(card) :]


@pytest.mark.parametrize(("name", "value"), ENDLESS)
@pytest.mark.parametrize("way", ["once", "tiles", "plan", "extension", "gzip", "mask"])
def test_a_header_that_claims_what_no_file_holds_is_refused_at_once(tmp_path, name, value, way):
    path = tmp_path / "a.fits"
    if way == "extension":
        fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(stars())]).writeto(path)
        head, rest = path.read_bytes()[:2880], path.read_bytes()[2880:]
        content = head + with_card(rest, name, value)
    else:
        fits.writeto(path, stars())
        content = with_card(path.read_bytes(), name, value)
    path.write_bytes(gzip.compress(content) if way == "gzip" else content)
    words = rf"a\.fits.*{name.rstrip('12')}|a\.fits.*no file of|same shape"
    if way == "plan":
        assert main(["extract", str(path), "--plan"]) == 2
        return
    ways = {
        "tiles": lambda: by_tiles(path, (60, 60), **OPTIONS),
        "mask": lambda: extract(stars(), mask=path, **OPTIONS),
    }
    with pytest.raises((OSError, ValueError), match=words):
        ways.get(way, lambda: extract(path, **OPTIONS))()


def test_sizes_are_told_and_the_sound_part_of_a_file_is_read(tmp_path):
    path = tmp_path / "a.fits"
    fits.writeto(path, stars(), tan())
    whole = path.read_bytes()
    path.write_bytes(whole[: 2880 + 4 * 120 * 70])
    with pytest.raises(
        OSError, match=r"NAXIS1 = 120, NAXIS2 = 120.* the file has 36480: it is cut"
    ):
        extract(path, **OPTIONS)
    part = extract(path, region="0:70,0:120", box_size=30, nsigma=5)
    fits.writeto(path, stars()[:70], overwrite=True)
    np.testing.assert_array_equal(
        part.segmentation.data, extract(path, box_size=30, nsigma=5).segmentation.data
    )


def test_a_table_of_tiles_must_have_those_of_the_image(tmp_path):
    fits.CompImageHDU(stars(), compression_type="RICE_1").writeto(tmp_path / "a.fits")
    content = (tmp_path / "a.fits").read_bytes()
    (tmp_path / "a.fits").write_bytes(with_card(content, "ZNAXIS2", 10**9))
    with pytest.raises(OSError, match=r"120 x 1000000000 pixels in 1000000000 tiles, .* 120 rows"):
        extract(tmp_path / "a.fits", **OPTIONS)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_the_checksum_of_a_stream_is_compared_with_its_content(tmp_path, pack):
    path = tmp_path / "a.fits"
    hdus = [fits.PrimaryHDU(stars()), fits.ImageHDU(stars(seed=3), name="ERR")]
    fits.HDUList(hdus).writeto(path)
    content = bytearray(pack(path.read_bytes()))
    assert open_image(path).image.shape == (120, 120)
    place = {gzip.compress: -8, bz2.compress: -3, lzma.compress: -20}[pack]
    content[place] ^= 0x55
    path.write_bytes(content)
    with pytest.raises(OSError, match=r"a\.fits"):
        extract(path, **OPTIONS)


def summed(path, **cards):
    """Write an image, its error and a mask with checksums, compressed by tiles or not."""
    error = np.full(stars().shape, 2.0, "f4")
    hdus = [
        fits.PrimaryHDU(), fits.ImageHDU(stars(), tan(**cards), name="SCI"),
        fits.ImageHDU(error, name="ERR"), fits.CompImageHDU(np.zeros((120, 120), "i2"), name="DQ"),
    ]  # fmt: skip
    fits.HDUList(hdus).writeto(path, checksum=True)
    return [path, f"{path}[ERR]", f"{path}[DQ]"]


def taken(paths, tile=None):
    image, error, mask = paths
    given = {"error": error, "mask": mask}
    if tile is None:
        return extract(f"{image}[SCI]", **given, **OPTIONS)
    return by_tiles(f"{image}[SCI]", tile, companions=given, **OPTIONS)


def test_sound_checksums_are_those_of_astropy_and_say_nothing(tmp_path):
    paths = summed(tmp_path / "a.fits")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        taken(paths)
        fits.open(paths[0], checksum=True).close()
    for number in (1, 2, 3):
        assert open_image(f"{paths[0]}[{number}]").image.doubts() == []


@pytest.mark.parametrize(("number", "name"), [(1, "SCI"), (2, "ERR"), (3, "DQ")])
@pytest.mark.parametrize("tiles", [False, True])
def test_data_that_changed_are_named_once_whatever_they_are_for(tmp_path, number, name, tiles):
    paths = summed(tmp_path / "a.fits")
    with fits.open(paths[0], disable_image_compression=True) as hdus:
        where = hdus[number].fileinfo()
    content = bytearray(paths[0].read_bytes())
    # Of tiles, in what fills the last block: others would not unpack.
    content[where["datLoc"] + (where["datSpan"] - 1 if name == "DQ" else 2)] ^= 1
    paths[0].write_bytes(content)
    with pytest.warns(ImageWarning, match=rf"a.fits\[{number}\]: its data are not") as heard:
        taken(paths, (60, 60) if tiles else None)
    assert sum("DATASUM" in str(each.message) for each in heard) == 1
    with pytest.warns(Warning, match=r"[Dd]atasum verification failed"):
        fits.open(paths[0], checksum=True, disable_image_compression=True)[number].data  # noqa: B018


def test_a_header_that_changed_is_said_to_have(tmp_path):
    paths = summed(tmp_path / "a.fits", CRVAL1=150.0)
    content = paths[0].read_bytes()
    paths[0].write_bytes(content.replace(b"150.0", b"151.0", 1))
    with pytest.warns(ImageWarning, match=r"a.fits\[1\]: its header is not that which its CHECK"):
        taken(paths)


@pytest.mark.parametrize("cards", [{"DATASUM": "n/a"}, {"CHECKSUM": "0" * 16}, {"DATASUM": ""}])
def test_cards_that_are_no_checksums_say_nothing(tmp_path, cards):
    fits.writeto(tmp_path / "a.fits", stars(), fits.Header(cards))
    assert wrong_sums(str(tmp_path / "a.fits"), 0) == []


def test_long_data_are_summed_as_short_ones(tmp_path, monkeypatch):
    paths = summed(tmp_path / "a.fits")
    monkeypatch.setattr("skyshed.images.soundness.STEP", 1000)
    assert open_image(f"{paths[0]}[SCI]").image.doubts() == []


def test_a_plane_of_zeros_may_be_packed_as_small_as_it_is(tmp_path):
    path = tmp_path / "a.fits"
    fits.writeto(path, np.zeros((4096, 4096), "i4"))
    path.write_bytes(bz2.compress(path.read_bytes()))
    assert not open_image(path).image.read(Window(4000, 4096, 0, 4096)).any()


class Short(io.BytesIO):
    """A file whose reads return less than was asked for, as those of networks may."""

    def read(self, size=-1):
        return super().read(min(size, 1001))


@pytest.mark.parametrize("length", [5760, 5758, 3])
def test_a_sum_does_not_depend_on_how_much_a_read_returns(length):
    content = np.random.default_rng(1).bytes(9000)
    words = np.frombuffer(content[2880 : 2880 + length].ljust(5760, b"\0"), ">u4")
    expected = sum(map(int, words))
    expected = (expected & 0xFFFFFFFF) + (expected >> 32)
    assert _summed(Short(content), 2880, length) == expected
    assert _summed(io.BytesIO(content), 2880, length) == expected


def test_planes_of_one_hdu_are_summed_and_warned_of_once(tmp_path):
    path = tmp_path / "a.fits"
    fits.writeto(path, np.stack([stars(), np.full(stars().shape, 2.0, "f4")]), checksum=True)
    content = bytearray(path.read_bytes())
    content[-4000] ^= 1
    path.write_bytes(content)
    with pytest.warns(ImageWarning, match=r"a.fits\[0\]: its data are not") as heard:
        extract(f"{path}[0][0]", error=f"{path}[0][1]", **OPTIONS)
    assert sum("DATASUM" in str(each.message) for each in heard) == 1


@pytest.mark.parametrize("damaged", [False, True])
def test_data_whose_filling_zeros_are_lost_are_summed_nevertheless(tmp_path, damaged):
    path = tmp_path / "a.fits"
    fits.writeto(path, stars(), checksum=True)
    begin = path.read_bytes().index(b"END" + b" " * 77) // 2880 * 2880 + 2880
    content = bytearray(path.read_bytes()[: begin + 4 * 120 * 120])
    content[begin + 5] ^= damaged
    path.write_bytes(content)
    doubts = open_image(path).image.doubts()
    assert ["DATASUM" in each for each in doubts] == [True] * damaged
