"""What is given as an image is read, or refused in one sentence that says what is accepted."""

import io

import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import CCDData, NDData, StdDevUncertainty
from astropy.wcs import WCS

from skyshed import extract
from skyshed.images import open_exposure, open_image
from tests.images.files import stars, tan


def test_open_files_and_bytes_are_refused_with_what_to_give(tmp_path):
    fits.writeto(tmp_path / "image.fits", stars())
    content = (tmp_path / "image.fits").read_bytes()
    with open(tmp_path / "image.fits", "rb") as file:
        for given, kind in (
            (io.BytesIO(content), "BytesIO"), (content, "bytes"), (file, "BufferedReader"),
        ):  # fmt: skip
            with pytest.raises(TypeError, match=f"image must be a path or an array, got {kind}: g"):
                extract(given)


def test_a_name_and_a_version_may_be_a_tuple(tmp_path):
    hdus = [fits.ImageHDU(k * np.ones((3, 4)), name="SCI", ver=k) for k in (1, 2)]
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(tmp_path / "image.fits")
    for given in (tmp_path / "image.fits", fits.HDUList([fits.PrimaryHDU(), *hdus])):
        source = open_image(given, hdu=("SCI", 2)).image
        assert (source.read(source.everything) == 2).all()
    with pytest.raises(ValueError, match="has no HDU SCI,3"):
        open_image(tmp_path / "image.fits", hdu=("SCI", 3))


def test_nddata_of_one_plane_is_an_image():
    mask = stars() > 60
    cube = NDData(stars()[None], mask=mask[None], uncertainty=StdDevUncertainty(stars()[None]))
    planes = open_exposure(cube).read()
    assert np.array_equal(planes.data, stars())
    assert np.array_equal(planes.mask, mask)
    assert np.array_equal(planes.error, stars())
    image = CCDData(stars()[None], unit="adu", wcs=WCS(tan()))
    assert open_exposure(image).wcs.wcs.crval.tolist() == [150, 2]
    with pytest.raises(ValueError, match="image must be a 2-D array, got 3-D"):
        open_exposure(NDData(np.ones((2, 3, 4))))
    with pytest.raises(ValueError, match="image must be a 2-D array, got 1-D"):
        open_exposure(NDData(np.ones(4)))


@pytest.mark.parametrize("name", ["BSCALE", "BZERO"])
def test_scalings_that_are_text_are_refused_by_name(tmp_path, name):
    path = tmp_path / "image.fits"
    hdu = fits.PrimaryHDU(np.ones((3, 4), np.int16))
    hdu.header["PLACE"] = "2.0"  # astropy would leave out a card of a scaling
    hdu.writeto(path)
    path.write_bytes(path.read_bytes().replace(b"PLACE   =", f"{name:8}=".encode()))
    with pytest.raises(ValueError, match=rf"image\.fits\[0\]: {name} = '2.0' is text, not a num"):
        open_image(path)
