"""Images compressed by RICE_1 have astropy's pixels, bit by bit; damaged ones are refused."""

import gzip
import pickle
from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits
from astropy.io.fits.hdu.compressed._codecs import Rice1

from skyshed.images import Window, open_image, tile_table
from tests.images.rice_files import RiceFile, draw
from tests.images.rice_tries import attempts, compare

SEED = 20261130


def compare_many(tmp_path, n, seed):
    for k in range(n):
        rng = np.random.default_rng((seed, k))
        of = draw(rng)
        of.write(tmp_path / "image.fits")
        try:
            compare(tmp_path / "image.fits", rng, of)
        except Exception as error:
            raise AssertionError(f"file {k} of seed {seed}: {of.cards}, {of.columns}") from error


def test_random_files_have_astropys_pixels(tmp_path):
    compare_many(tmp_path, 100, SEED)


def test_random_files_are_the_same_on_the_device_and_damage_is_refused(tmp_path):
    """ci/endurance does so for 2,500."""
    came = attempts(SEED, range(15), tmp_path)
    assert came["astropy's pixels"] == 15
    assert came["on the device, too"] > 5
    assert came["damaged: refused with the tile"] > 5


@pytest.mark.slow
def test_many_random_files_have_astropys_pixels(tmp_path):
    compare_many(tmp_path, 2500, 1)


def small(bits=-32, **changes):
    """Return an image of 4 x 3 tiles of 5 x 7 pixels."""
    of = RiceFile(bits, 4, 32, (20, 21), (5, 7))
    of.columns["COMPRESSED_DATA"] = "PB"
    rng = np.random.default_rng(5)
    for k in range(12):
        numbers = (1000 * k + rng.normal(0, 50, 35)).astype("i4")
        stream = Rice1(blocksize=32, bytepix=4, tilesize=35).encode(numbers)
        of.tiles.append({"stored": ("COMPRESSED_DATA", stream, 1), "ZSCALE": 0.25, "ZZERO": 7.5})
    for name, value in changes.items():
        setattr(of, name, value)
    return of


@pytest.mark.parametrize("method", ["NO_DITHER", "SUBTRACTIVE_DITHER_1"])
def test_scale_and_zero_may_be_cards(tmp_path, method):
    """astropy reads columns alone, and would leave numbers as they are without a word."""
    cards = [("ZQUANTIZ", method), ("ZDITHER0", 17)]
    columns = small(cards=cards)
    columns.columns |= {"ZSCALE": "D", "ZZERO": "D"}
    columns.write(tmp_path / "columns.fits")
    small(cards=[*cards, ("ZSCALE", 0.25), ("ZZERO", 7.5)]).write(tmp_path / "cards.fits")
    images = [open_image(f"{tmp_path}/{name}.fits[1]").image for name in ("columns", "cards")]
    expected, found = (image.read(image.everything) for image in images)
    assert found.tobytes() == expected.tobytes()
    assert abs(found[0, 0] - 7.5) < 50


#: What is done to the tile at rows 10 to 14, columns 7 to 13 -> what is said of it.
DAMAGES = {
    "bytes taken from its end": (lambda name, code, size: (name, code[:-1], size), "bytes end"),
    "only its first number": (lambda name, code, size: (name, code[:4], size), "bytes end"),
    "three bytes": (lambda name, code, size: (name, code[:3], size), "bytes end"),
    "bytes added": (lambda name, code, size: (name, code + b"\0", size), "bytes are left over"),
    "a code that there is not": (
        lambda name, code, size: (name, code[:4] + b"\xf0" + code[5:], size), "a code that there",
    ),
    "zeros without end": (
        lambda name, code, size: (name, code[:4] + b"\x08" + bytes(40), size), "bytes end",
    ),
    "nothing": (lambda name, code, size: (name, b"", size), "has no bytes in any column"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_tile_is_refused_by_name(tmp_path, damage):
    change, words = DAMAGES[damage]
    of = small(bits=32)
    of.tiles[7]["stored"] = change(*of.tiles[7]["stored"])
    of.write(tmp_path / "image.fits")
    image = open_image(f"{tmp_path}/image.fits[1]").image
    where = r"image\.fits\[1\]: .*tile 8 \(rows 10 to 14, columns 7 to 13\)"
    with pytest.raises(OSError, match=rf"{where}.*{words}"):
        image.read(image.everything)
    with pytest.raises(OSError, match=where):
        image.read(Window(12, 13, 8, 9))
    image.read(Window(0, 10, 0, 21))  # what is sound can be read


@pytest.mark.parametrize("column", ["GZIP_COMPRESSED_DATA", "UNCOMPRESSED_DATA"])
@pytest.mark.parametrize("damage", ["short", "long", "cut", "changed", "bomb"])
def test_damaged_tiles_that_are_not_coded_are_refused(tmp_path, column, damage):
    of = small(bits=32)
    of.columns[column] = "PB" if column[0] == "G" else "PJ"
    n = {"short": 34, "long": 36, "bomb": 10**6}.get(damage, 35)
    content = np.arange(n, dtype=">i4").tobytes()
    if column[0] == "G":
        content = gzip.compress(content)
        if damage == "cut":
            content = content[:-9]
        if damage == "changed":
            content = content[:20] + bytes([content[20] ^ 255]) + content[21:]
    elif damage in ("cut", "changed"):
        pytest.skip("plain numbers say nothing of damage")
    of.tiles[7]["stored"] = (column, content, 1 if column[0] == "G" else 4)
    of.write(tmp_path / "image.fits")
    image = open_image(f"{tmp_path}/image.fits[1]").image
    with pytest.raises(
        OSError, match=r"image\.fits\[1\].*tile 8 \(rows 10 to 14, columns 7 to 13\)"
    ):
        image.read(image.everything)


@pytest.mark.parametrize(
    ("length", "begin"),
    [(10, 1 << 30), (1 << 30, 0), (10, -1), (-1, 0), ((1 << 63) - 1, 5), (5, (1 << 63) - 1)],
)
def test_rows_that_name_bytes_elsewhere_are_refused(tmp_path, length, begin):
    of = small(bits=32, wide=True)
    of.columns["COMPRESSED_DATA"] = "QB"
    of.write(tmp_path / "image.fits")
    content = bytearray((tmp_path / "image.fits").read_bytes())
    with fits.open(tmp_path / "image.fits", disable_image_compression=True) as hdus:
        at = hdus[1].fileinfo()["datLoc"] + 7 * 16
    content[at : at + 16] = np.array([length, begin], ">i8").tobytes()
    (tmp_path / "image.fits").write_bytes(content)
    image = open_image(f"{tmp_path}/image.fits[1]").image
    with pytest.raises(OSError, match=r"image\.fits\[1\].*tile 8 is damaged: COMPRESSED_DATA says"):
        image.read(image.everything)


def test_a_file_that_is_cut_off_is_refused(tmp_path):
    of = small(bits=32)
    of.write(tmp_path / "image.fits")
    content = (tmp_path / "image.fits").read_bytes()
    header, table = of.table()
    stop = 2880 + len(header.tostring()) + len(table)
    for cut in (stop - 1, stop - len(table) + 3):
        (tmp_path / "image.fits").write_bytes(content[:cut])
        image = open_image(f"{tmp_path}/image.fits[1]").image
        with pytest.raises(OSError, match="cut off"):
            image.read(image.everything)


def test_bytes_that_changed_are_read_as_astropy_does_or_refused(tmp_path):
    """Nothing outside of a tile is read: ci/sanitize runs this, too."""
    refused = 0
    for k in range(150):
        rng = np.random.default_rng((3, k))
        of = small(bits=32)
        name, code, size = of.tiles[7]["stored"]
        code = bytearray(code)
        code[rng.integers(len(code))] ^= 1 << rng.integers(8)
        of.tiles[7]["stored"] = (name, bytes(code), size)
        of.write(tmp_path / "image.fits")
        image = open_image(f"{tmp_path}/image.fits[1]").image
        theirs = replace(image, rice=None, scaling=None)
        try:
            found = image.read(image.everything)
        except OSError:
            refused += 1
            continue
        assert found.tobytes() == theirs.read(image.everything).tobytes()
    assert 10 < refused < 140


@pytest.mark.parametrize(
    ("card", "words"),
    [
        (("ZVAL2", 8), "BYTEPIX of RICE_1 is 8; it must be 1, 2 or 4"),
        (("ZVAL1", 0), "BLOCKSIZE of RICE_1 is 0; it must be positive"),
        (("tile", (5, 0)), r"ZTILE is \(0, 5\); the lengths must be positive"),
        (
            ("ZDITHER0", 0),
            "ZDITHER0 = 0 is no seed: SUBTRACTIVE_DITHER_1 needs one from 1 to 10000",
        ),
        (("ZQUANTIZ", "NONE"), "ZQUANTIZ = 'NONE' does not say how pixels with a ZSCALE were"),
    ],
)
def test_headers_that_contradict_themselves_are_refused(tmp_path, card, words):
    cards = {"ZNAME1": "BLOCKSIZE", "ZVAL1": 32, "ZNAME2": "BYTEPIX", "ZVAL2": 4,
             "ZQUANTIZ": "SUBTRACTIVE_DITHER_1", "ZDITHER0": 5}  # fmt: skip
    changed = dict([card])
    tile = changed.pop("tile", (5, 7))
    of = small(cards=[*{**cards, **changed}.items()], tile=tile)
    of.columns |= {"ZSCALE": "D", "ZZERO": "D"}
    of.write(tmp_path / "image.fits")
    with pytest.raises(ValueError, match=words):
        open_image(f"{tmp_path}/image.fits[1]")


def test_a_mask_of_null_pixels_is_refused(tmp_path):
    of = small(bits=32)
    of.columns["NULL_PIXEL_MASK"] = "PB"
    of.write(tmp_path / "image.fits")
    with pytest.raises(ValueError, match="NULL_PIXEL_MASK which pixels have no value"):
        open_image(f"{tmp_path}/image.fits[1]")


@pytest.mark.parametrize("algorithm", ["GZIP_1", "GZIP_2", "PLIO_1", "HCOMPRESS_1"])
def test_other_algorithms_are_left_to_astropy(tmp_path, algorithm):
    image = np.random.default_rng(0).integers(0, 1000, (40, 50)).astype("i2")
    fits.CompImageHDU(image, compression_type=algorithm).writeto(tmp_path / "image.fits")
    source = open_image(f"{tmp_path}/image.fits[1]").image
    assert source.rice is None
    assert np.array_equal(source.read(source.everything), image)


@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "i4", "u4", "f4", "f8"])
def test_what_astropy_writes_is_read(tmp_path, dtype):
    rng = np.random.default_rng(1)
    image = rng.normal(200, 20, (130, 70)).astype(dtype)
    if dtype[0] == "f":
        image[3:5] = np.nan
        image[7, :40] = np.nan
    hdu = fits.CompImageHDU(image, compression_type="RICE_1", tile_shape=(9, 33), quantize_method=2)
    hdu.writeto(tmp_path / "image.fits")
    source = open_image(f"{tmp_path}/image.fits[1]").image
    assert source.rice is not None
    with fits.open(tmp_path / "image.fits") as hdus:
        expected = np.asarray(hdus[1].data)
    assert source.read(source.everything).tobytes() == expected.tobytes()
    assert np.isnan(expected).sum() == (180 if dtype[0] == "f" else 0)


def test_images_go_to_other_processes(tmp_path):
    small(cards=[("ZSCALE", 0.5), ("ZZERO", 1.0)]).write(tmp_path / "image.fits")
    source = open_image(f"{tmp_path}/image.fits[1]").image
    there = pickle.loads(pickle.dumps(source))
    assert there.rice is not None
    assert there.read(source.everything).tobytes() == source.read(source.everything).tobytes()


def test_a_window_reads_the_bytes_of_its_tiles_alone(tmp_path, monkeypatch):
    rng = np.random.default_rng(2)
    image = rng.integers(-(1 << 31), 1 << 31, (256, 4096)).astype("i4")
    fits.CompImageHDU(image, compression_type="RICE_1").writeto(tmp_path / "image.fits")
    source = open_image(f"{tmp_path}/image.fits[1]").image
    read = []
    plain = tile_table._read
    monkeypatch.setattr(
        tile_table, "_read", lambda file, begin, content: (
            read.append(content.nbytes), plain(file, begin, content))
    )  # fmt: skip
    window = Window(100, 116, 5, 9)
    assert np.array_equal(source.read(window), image[window.slices])
    assert 16 * 4 * 4096 < sum(read) < 16 * 4 * 4096 * 1.1 + 16 * 100
