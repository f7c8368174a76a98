"""One HDU of many is read alone, and is what it is among all."""

import os

import numpy as np
import pytest
from astropy.io import fits

from skyshed.images import Window, open_image
from skyshed.images.hdu_index import index_of, known_index
from tests.images.files import stars, tan

KINDS = {
    "plain": lambda image, header: fits.ImageHDU(image, header),
    "integers with BLANK": lambda image, header: fits.ImageHDU(
        image.astype(np.int16), fits.Header({**header, "BLANK": 12})
    ),
    "scaled": lambda image, header: fits.ImageHDU(image.astype(np.uint16), header),
    "by tiles": lambda image, header: fits.CompImageHDU(
        image, header, compression_type="GZIP_2", quantize_level=0
    ),
    "quantised": lambda image, header: fits.CompImageHDU(image, header, quantize_level=16),
}


@pytest.fixture(params=KINDS)
def camera(request, tmp_path):
    """Four images whose unit comes from the primary header."""
    path = str(tmp_path / "camera.fits")
    primary = fits.PrimaryHDU(header=fits.Header({"BUNIT": "nJy"}))
    hdus = [primary]
    for k in range(4):
        header = tan(CRVAL1=150.0 + k, EXTNAME=f"S{k}", INHERIT=True)
        hdus.append(KINDS[request.param](stars(seed=k), header))
    fits.HDUList(hdus).writeto(path)
    return path


def facts(path, number):
    source = open_image(path, hdu=number).image
    pixels = source.read(source.everything)
    part = source.read(Window(20, 70, 30, 90))
    assert np.array_equal(part, pixels[20:70, 30:90], equal_nan=True)
    return (
        source.shape, source.dtype, source.unit, source.hdu, source.label, source.origin(),
        source.wcs.wcs.crval.tolist(), pixels.tobytes(),
    )  # fmt: skip


def test_an_image_is_the_same_whether_the_index_of_its_file_is_known(camera):
    unknown = [facts(camera, number) for number in range(1, 5)]
    assert known_index(camera) is None
    index = index_of(camera)
    assert [each.name for each in index.images] == ["S0", "S1", "S2", "S3"]
    assert [facts(camera, number) for number in range(1, 5)] == unknown


def test_headers_of_other_images_are_not_read_anew(tmp_path, monkeypatch):
    path = str(tmp_path / "camera.fits")
    hdus = [fits.ImageHDU(stars(), tan(EXTNAME=f"S{k}")) for k in range(30)]
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path)
    index_of(path)
    read = []
    kind = fits.hdu.base._BaseHDU
    real = kind._readfrom_internal.__func__
    monkeypatch.setattr(
        kind, "_readfrom_internal",
        classmethod(lambda cls, *given, **more: read.append(0) or real(cls, *given, **more)),
    )  # fmt: skip
    source = open_image(path, hdu=30).image
    source.read(source.everything)
    assert len(read) == 2  # its own, and the primary one, which counts for all


def test_tables_of_distortions_are_found_in_their_file(tmp_path):
    path = str(tmp_path / "image.fits")
    table = fits.ImageHDU(np.full((4, 4), 0.75, np.float32), name="D2IMARR")
    table.header.update({"CRPIX1": 1.0, "CRPIX2": 1.0, "CRVAL1": 1.0, "CRVAL2": 1.0})
    table.header.update({"CDELT1": 40.0, "CDELT2": 40.0})
    cards = tan(D2IMDIS1="LOOKUP", D2IMERR1=1.0)
    cards["D2IM1"] = ("EXTVER: 1", "")
    cards["D2IM1.EXTVER"], cards["D2IM1.NAXES"] = 1.0, 2.0
    cards["D2IM1.AXIS.1"], cards["D2IM1.AXIS.2"] = 1.0, 2.0
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(stars(), cards), table]).writeto(path)
    before = open_image(path, hdu=1).image.wcs
    index_of(path)
    after = open_image(path, hdu=1).image.wcs
    for wcs in (before, after):
        assert (wcs.det2im1 is None) == (before.det2im1 is None)
        assert wcs.all_pix2world(30, 40, 0)[0] == before.all_pix2world(30, 40, 0)[0]


def test_a_file_that_has_changed_is_read_anew(tmp_path):
    path = str(tmp_path / "image.fits")
    for k, names in enumerate((["A"], ["B", "C"])):
        hdus = [fits.ImageHDU(stars(seed=k), name=name) for name in names]
        fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path, overwrite=True)
        os.utime(path, ns=(k, k))
        assert [each.name for each in index_of(path).images] == names
    assert open_image(path, hdu=2).image.hdu.name == "C"


def test_a_file_that_is_compressed_as_a_whole_has_no_place_to_begin_at(tmp_path):
    path = str(tmp_path / "camera.fits.gz")
    hdus = [fits.ImageHDU(stars(seed=k), name=f"S{k}") for k in range(2)]
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path)
    assert index_of(path).begins == ()
    source = open_image(path, hdu=2).image
    assert np.array_equal(source.read(source.everything), stars(seed=1))
