"""Pixels that BLANK names have no value, of whatever integers; bits and labels stay integers."""

import bz2
import gzip

import numpy as np
import pytest
from astropy.io import fits

from skyshed import extract
from skyshed.exceptions import ImageWarning
from skyshed.images import Window, open_exposure, open_image
from skyshed.images.blanks import blanks_of
from tests.images.random_files.raw import plain_hdu
from tests.mosaic.fields import by_tiles

SHAPE = (96, 112)
HOLE = Window(40, 55, 30, 60)
#: Integers -> BITPIX, BZERO, and the value that stands for none.
STORED = {
    "u1": (8, 0, 255), "i1": (8, -(2**7), 127), "i2": (16, 0, -32768), "u2": (16, 2**15, 65535),
    "i4": (32, 0, -(2**31)), "u4": (32, 2**31, 2**32 - 1), "i8": (64, 0, -1),
}  # fmt: skip
EVERY = pytest.mark.parametrize("dtype", STORED)
WAYS = pytest.mark.parametrize("way", ["plain", "tiles", "bz2"])


def counts(dtype):
    """Return an image of integers, with a value for none in a hole."""
    rng = np.random.default_rng(3)
    image = rng.normal(60, 5, SHAPE).round().astype(dtype)
    image[HOLE.slices] = STORED[dtype][2]
    return image


def written(folder, image, way="plain", name="image.fits"):
    """Write integers with BLANK as other programs than astropy do."""
    dtype = f"{image.dtype.kind}{image.dtype.itemsize}"
    bits, offset, blank = STORED[dtype]
    path = folder / name
    if way == "tiles":
        hdu = fits.CompImageHDU(image, compression_type="GZIP_1")
        hdu.header["BLANK"] = blank - offset
        fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path, output_verify="ignore")
        return path
    stored = (image.astype(object) - offset).astype(f">{'u' if bits == 8 else 'i'}{bits // 8}")
    header = fits.Header(
        [("SIMPLE", True), ("BITPIX", bits), ("NAXIS", 2), ("NAXIS1", SHAPE[1]),
         ("NAXIS2", SHAPE[0]), ("BSCALE", 1), ("BZERO", offset), ("BLANK", blank - offset)]
    )  # fmt: skip
    content = header.tostring().encode() + stored.tobytes()
    content += bytes(-len(content) % 2880)
    path.write_bytes(bz2.compress(content) if way == "bz2" else content)
    return path


def in_way(dtype, way):
    if way == "tiles" and dtype in ("i1", "i8"):
        pytest.skip("the convention of tiles has no such integers")


@EVERY
@WAYS
def test_blank_pixels_are_nan_whole_and_by_windows(tmp_path, dtype, way):
    in_way(dtype, way)
    expected = counts(dtype).astype(np.float64)
    expected[HOLE.slices] = np.nan
    source = open_image(written(tmp_path, counts(dtype), way)).image
    assert source.dtype == np.dtype("f4" if int(dtype[1]) <= 2 else "f8")
    for window in (source.everything, Window(38, 60, 25, 33), Window(0, 1, 0, 1)):
        found = source.read(window)
        assert found.dtype == source.dtype
        assert np.array_equal(found, expected[window.slices], equal_nan=True)


@EVERY
@WAYS
def test_bits_and_labels_are_read_as_they_are_stored(tmp_path, dtype, way):
    in_way(dtype, way)
    source = open_image(written(tmp_path, counts(dtype), way)).image.as_integers()
    assert (source.dtype, source.blank) == (np.dtype(dtype), STORED[dtype][2])
    for window in (source.everything, Window(38, 60, 25, 33)):
        assert np.array_equal(source.read(window), counts(dtype)[window.slices])
        assert source.read(window).dtype == np.dtype(dtype)


def test_blank_pixels_of_unsigned_integers_are_no_source(tmp_path):
    image = np.random.default_rng(3).normal(1000, 10, SHAPE).round().astype("u2")
    image[HOLE.slices] = 65535
    path = written(tmp_path, image)
    options = {"nsigma": 5, "n_threads": 1, "box_size": 16}
    for found in (extract(path, **options), by_tiles(path, (48, 64), **options)):
        assert len(found.table) == 0
        assert np.asarray(found.mask).sum() == 15 * 30


@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "i4", "u4"])
def test_blank_pixels_of_a_mask_are_masked_and_its_bits_count(tmp_path, dtype):
    bits = np.zeros(SHAPE, dtype)
    bits[5, 6], bits[7, 8] = 4, 2
    bits[HOLE.slices] = STORED[dtype][2]
    path = written(tmp_path, bits)
    image = np.zeros(SHAPE, np.float32)
    for chosen, others in (((2,), 1), ((1, 2), 2), (None, 2)):
        mask = open_exposure(image, mask=path, mask_bits=chosen).read().mask
        assert mask[HOLE.slices].all()
        assert mask.sum() == 15 * 30 + others
        assert mask[5, 6]


@pytest.mark.parametrize("dtype", ["i2", "u2", "i4"])
def test_blank_pixels_of_a_map_of_labels_are_of_no_source(tmp_path, dtype):
    labels = np.zeros(SHAPE, dtype)
    labels[10:20, 10:20], labels[70:80, 60:70] = 1, 2
    labels[HOLE.slices] = STORED[dtype][2]
    path = written(tmp_path, labels)
    image = np.random.default_rng(1).normal(0, 1, SHAPE)
    options = {"segmentation": path, "n_threads": 1, "box_size": 16}
    for found in (extract(image, **options), by_tiles(image, (48, 64), **options)):
        assert found.table["label"].tolist() == [1, 2]
        assert found.table["area"].value.tolist() == [100, 100]
        assert not np.asarray(found.segmentation.data)[HOLE.slices].any()


def test_blank_pixels_of_an_hdu_in_memory_are_nan(tmp_path):
    for dtype in ("i2", "u2", "u4"):
        path = written(tmp_path, counts(dtype), name=f"{dtype}.fits")
        with fits.open(path) as hdus:
            for given in (hdus, hdus[0], hdus):  # also once astropy has read the pixels
                pixels = open_image(given).image.read(Window(0, 96, 0, 112))
                assert np.isnan(pixels[HOLE.slices]).all()
                assert np.isfinite(pixels).sum() == 96 * 112 - 15 * 30


@EVERY
@pytest.mark.parametrize("way", ["plain", "tiles"])
def test_bits_and_labels_of_an_hdu_are_those_of_its_file(tmp_path, dtype, way):
    in_way(dtype, way)
    if dtype == "i1":
        pytest.skip("astropy does not read these")
    path = written(tmp_path, counts(dtype), way)
    right = open_image(path).image.as_integers()
    with fits.open(path) as hdus:
        for given in (hdus, hdus[-1], hdus):  # also once astropy has read the pixels
            source = open_image(given).image.as_integers()
            assert (source.dtype, source.blank) == (right.dtype, right.blank)
            for window in (source.everything, Window(38, 60, 25, 33)):
                assert np.array_equal(source.read(window), right.read(window))
                assert source.read(window).dtype == right.dtype
        image = np.zeros(SHAPE, np.float32)
        found, expected = (
            open_exposure(image, mask=each, quality=each, mask_bits=(2,)) for each in (hdus, path)
        )
        assert np.array_equal(found.read().mask, expected.read().mask)


def test_integers_that_floats_do_not_hold_are_refused_not_rounded(tmp_path):
    """Of 64-bit integers with BLANK astropy makes float64."""
    labels = np.zeros(SHAPE, np.int64)
    labels[10:20, 10:20], labels[70:80, 60:70], labels[HOLE.slices] = 2**53 + 1, 2**53, -1
    path = written(tmp_path, labels)
    image = np.random.default_rng(1).normal(0, 1, SHAPE)
    options = {"renumber": True, "n_threads": 1, "box_size": 16}
    assert len(extract(image, segmentation=path, **options).table) == 2
    with fits.open(path) as hdus:
        with pytest.raises(ValueError, match=r"segmentation \(an HDUList\)\[0\].*give the path"):
            extract(image, segmentation=hdus, **options)
        hdus[0].data[hdus[0].data > 0] -= 2**52
        found = extract(image, segmentation=hdus[0], **options)
        assert found.table["area"].value.tolist() == [200]


def test_scaled_integers_are_no_bits(tmp_path):
    header = {"BITPIX": 16, "BSCALE": 0.5, "BZERO": 3, "BLANK": 1}
    assert blanks_of(header).scaled
    assert blanks_of({**header, "BSCALE": 1}).scaled
    assert not blanks_of({**header, "BSCALE": 1, "BZERO": 32768}).scaled
    path = tmp_path / "image.fits"
    cards = [(name, header[name]) for name in ("BSCALE", "BZERO", "BLANK")]
    path.write_bytes(plain_hdu(np.ones((60, 60), np.int16), cards, True))
    source = open_image(path).image
    assert source.as_integers() is source
    assert blanks_of({"BITPIX": -32, "BLANK": 1}) is None
    assert blanks_of({"BITPIX": 16, "BLANK": "x"}) is None


@pytest.mark.parametrize(
    "scaling", [{}, {"BSCALE": 0.5, "BZERO": 3.0}, {"BZERO": 32768}, {"BZERO": 7.0}]
)
@pytest.mark.parametrize("way", ["path", "HDUList"])
def test_a_blank_of_zero_names_pixels_too(tmp_path, scaling, way):
    """astropy passes over it, as if there were none."""
    stored = np.arange(100, 100 + 60 * 60, dtype=np.int16).reshape(60, 60)
    stored[10:13, 20:24] = 0
    hdu = plain_hdu(stored, [*scaling.items(), ("BLANK", 0)], True)
    (tmp_path / "image.fits").write_bytes(hdu)
    with fits.open(tmp_path / "image.fits") as hdus:
        for _ in range(2):  # astropy takes the card out as it reads
            source = open_image(tmp_path / "image.fits" if way == "path" else hdus).image
            pixels = source.read(source.everything)
        hdus[0].data = np.zeros((60, 60), np.float32)  # which has no blank pixels
        assert np.isfinite(open_image(hdus).image.array).all()
    right = stored * scaling.get("BSCALE", 1) + float(scaling.get("BZERO", 0))
    right[10:13, 20:24] = np.nan
    assert np.array_equal(pixels, right, equal_nan=True)


def test_signed_bytes_with_blank_are_read_from_their_file(tmp_path):
    """astropy ends with an error about NaN, which is passed on with what to do."""
    path = written(tmp_path, counts("i1"))
    with fits.open(path) as hdus, pytest.raises(ValueError, match="give the path of the file"):
        open_image(hdus)
    assert np.isnan(open_image(path).image.read(HOLE)).all()


@pytest.mark.parametrize(("bits", "card"), [(8, -32768), (16, -(2**31)), (16, 70000)])
def test_a_blank_that_the_integers_cannot_hold_names_no_pixel(tmp_path, bits, card):
    assert blanks_of({"BITPIX": bits, "BLANK": card}) is None
    mask = np.zeros((60, 60), f"i{bits // 8}" if bits > 8 else "u1")
    path = tmp_path / "mask.fits"
    fits.writeto(path, mask, fits.Header({"BLANK": card}))
    with pytest.warns(ImageWarning, match=f"BLANK = {card} is no integer of BITPIX = {bits}"):
        assert not open_exposure(np.ones((60, 60)), mask=path).read().mask


@pytest.mark.parametrize("way", ["plain", "RICE_1", "GZIP_1", "gz"])
@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "u2", "i4"])
@pytest.mark.parametrize("card", [-1, -99999, 2**40])
def test_integers_whose_blank_none_can_be_are_read_as_they_are(tmp_path, way, dtype, card):
    tiles = way in ("RICE_1", "GZIP_1")
    stored = "u1" if dtype[1] == "1" else f"i{dtype[1]}"
    if (tiles and dtype == "i1") or np.iinfo(stored).min <= card <= np.iinfo(stored).max:
        pytest.skip("there are no such tiles, or the integers can be that")
    pixels = counts(dtype)
    hdu = fits.CompImageHDU(pixels, compression_type=way) if tiles else fits.ImageHDU(pixels)
    path = tmp_path / "a.fits"
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path)
    as_stored = {"disable_image_compression": True, "do_not_scale_image_data": True}
    with fits.open(path, mode="update", output_verify="ignore", **as_stored) as hdus:
        hdus[1].header["BLANK"] = card
    if way == "gz":
        path = tmp_path / "a.fits.gz"
        path.write_bytes(gzip.compress((tmp_path / "a.fits").read_bytes()))
    with pytest.warns(ImageWarning, match=f"BLANK = {card} is no integer"):
        image = open_image(path, hdu=1).image
    assert image.dtype == pixels.dtype
    assert np.array_equal(image.as_integers().read(HOLE), pixels[HOLE.slices])
    assert np.array_equal(image.read(image.everything), pixels)
