"""A file that is compressed as a whole is told by its content, never taken for its pixels."""

import bz2
import gzip
import io
import lzma
import zipfile

import numpy as np
import pytest
from astropy.io import fits

from skyshed import extract
from skyshed.cli import main
from skyshed.images import Window, open_image
from skyshed.images.packed import compression_of
from tests.images.files import stars

REGION = Window(30, 90, 10, 70)


def zipped(content):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("image.fits", content)
    return file.getvalue()


PACKS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zip": zipped}
#: With the ending that is usual, with that of a plain file, and without any.
NAMES = ("image.fits.{}", "image.fits", "image")
EVERY = pytest.mark.parametrize("name", NAMES)
ANY = pytest.mark.parametrize("kind", PACKS)


@pytest.fixture
def plain(tmp_path):
    """Stars, and a second image whose bytes would be read for those of the first."""
    noise = np.random.default_rng(2).normal(size=(300, 300)).astype("f4")
    path = tmp_path / "plain" / "image.fits"
    path.parent.mkdir()
    fits.HDUList([fits.PrimaryHDU(stars()), fits.ImageHDU(noise)]).writeto(path)
    return path


def packed(plain, kind, name):
    path = plain.parent.parent / name.format(kind)
    path.write_bytes(PACKS[kind](plain.read_bytes()))
    return path


@ANY
@EVERY
def test_a_packed_image_has_the_pixels_of_the_plain_one(plain, kind, name):
    path = packed(plain, kind, name)
    source = open_image(f"{path}[0]").image
    assert np.array_equal(source.read(REGION), stars()[REGION.slices])
    assert (source.windowed, source.label) == (False, f"{path}[0]")
    found = extract(f"{path}[0]", region="0:80,0:110", n_threads=1)
    expected = extract(f"{plain}[0]", region="0:80,0:110", n_threads=1)
    assert len(found.table) == 6
    assert np.array_equal(found.table["kron_flux"], expected.table["kron_flux"])


@ANY
def test_packed_companions_are_those_of_the_plain_ones(tmp_path, plain, kind):
    mask = np.zeros((120, 120), np.uint8)
    mask[:60] = 1
    fits.writeto(tmp_path / "mask.fits", mask)
    rms = np.full((120, 120), 1.5, np.float32)
    fits.writeto(tmp_path / "rms.fits", rms)
    for name in ("mask.fits", "rms.fits"):
        (tmp_path / name).write_bytes(PACKS[kind]((tmp_path / name).read_bytes()))
    files = {"mask": tmp_path / "mask.fits", "rms": tmp_path / "rms.fits"}
    found = extract(f"{plain}[0]", **files, n_threads=1)
    expected = extract(stars(), mask=mask, rms=rms, n_threads=1)
    assert np.array_equal(found.table["kron_fluxerr"], expected.table["kron_fluxerr"])
    assert len(found.table) == len(expected.table) > 0


@ANY
def test_a_packed_file_is_one_of_a_list(tmp_path, kind):
    image = stars()
    for name, part, begin in (("a", image[:70], 1), ("b", image[70:], 71)):
        where = f"[1:120,{begin}:{begin + len(part) - 1}]"
        fits.writeto(tmp_path / f"{name}.fits", part, fits.Header({"DETSEC": where}))
    (tmp_path / "b.fits").write_bytes(PACKS[kind]((tmp_path / "b.fits").read_bytes()))
    joined = open_image([tmp_path / "a.fits", tmp_path / "b.fits"]).image
    assert np.array_equal(joined.read(REGION), image[REGION.slices])


@ANY
def test_tiles_of_a_packed_file_are_refused_whatever_it_is_called(tmp_path, plain, kind):
    path = f"{packed(plain, kind, 'image.fits')}[0]"
    for given in ({"workspace": tmp_path / "work"}, {"memory": "300MB"}):
        with pytest.raises(ValueError, match=r"image \(.*image\.fits\[0\]\) is compressed as a"):
            extract(path, **given)


def test_the_plan_reads_a_packed_file_right(tmp_path, plain, capsys):
    packed(plain, "bz2", "image.fits")
    for path in (plain, tmp_path / "image.fits"):
        assert main(["extract", f"{path}[0]", "--plan"]) == 0
        assert "sources  about 9" in capsys.readouterr().out


def test_what_no_reader_unpacks_is_refused_with_what_does(tmp_path, plain):
    path = tmp_path / "image.fits"
    path.write_bytes(b"\x28\xb5\x2f\xfd" + bytes(3000))
    with pytest.raises(OSError, match=r"cannot be read as FITS .* compressed by zstd: try unzstd"):
        open_image(path)


def test_plain_files_are_not_taken_for_packed_ones(tmp_path, plain):
    assert compression_of(plain) is None
    assert compression_of(tmp_path / "absent.fits") is None
    plain.rename(tmp_path / "image.fits.gz")
    source = open_image(f"{tmp_path}/image.fits.gz[0]").image
    assert source.windowed
    assert np.array_equal(source.read(REGION), stars()[REGION.slices])


@pytest.mark.parametrize("kind", ["gz", "bz2", "xz"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_file_that_is_cut_off_is_said_to_be(tmp_path, kind, share):
    """Also where its first HDU, which holds no image, is there."""
    hdus = [fits.PrimaryHDU(), fits.ImageHDU(stars(), name="SCI")]
    fits.HDUList(hdus).writeto(tmp_path / "image.fits")
    content = PACKS[kind]((tmp_path / "image.fits").read_bytes())
    path = tmp_path / f"half.fits.{kind}"
    path.write_bytes(content[: int(share * len(content))])
    for hdu in (None, "SCI"):
        with pytest.raises(OSError, match="is cut off: its compressed content goes on"):
            open_image(path, hdu=hdu)
    with pytest.raises(OSError, match="is cut off"):
        extract(stars(), mask=path)
    path.write_bytes(content)
    with pytest.raises(ValueError, match="has no HDU DQ"):
        open_image(path, hdu="DQ")
