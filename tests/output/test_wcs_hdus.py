"""The WCS of a map that is written is that of the image, with all its distortions."""

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from skyshed import extract
from skyshed.exceptions import ImageWarning
from skyshed.images import open_image
from tests.images.files import stars, tan

SIP = {
    "CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP", "A_ORDER": 2, "A_2_0": 1e-5, "B_ORDER": 2,
    "B_1_1": -2e-5,
}  # fmt: skip
PV = {
    "CTYPE1": "RA---TPV", "CTYPE2": "DEC--TPV", "PV1_1": 1.0, "PV1_5": 0.3, "PV2_1": 1.0,
    "PV2_4": -0.3,
}  # fmt: skip


def with_tables(**cards):
    """Return HDUs of an image as ACS writes them: NPOL and D2IM tables beside SIP."""
    image = fits.ImageHDU(stars(), tan(**SIP, **cards), name="SCI")
    y, x = np.mgrid[:13, :13]
    hdus = [fits.PrimaryHDU(), image]
    for axis in (1, 2):
        image.header[f"CPDIS{axis}"] = "LOOKUP"
        for record in (f"EXTVER: {axis}", "NAXES: 2", "AXIS.1: 1", "AXIS.2: 2"):
            image.header.append(fits.Card(f"DP{axis}", record), end=True)
        values = (2 + np.sin(x / 5 + axis) + y / 9).astype(np.float32)
        table = fits.ImageHDU(values, name="WCSDVARR", ver=axis)
        table.header.update({"CRPIX1": 1.0, "CRPIX2": 1.0, "CRVAL1": 1.0, "CRVAL2": 1.0,
                             "CDELT1": 10.0, "CDELT2": 10.0})  # fmt: skip
        hdus.append(table)
    image.header["D2IMDIS1"] = "LOOKUP"
    for record in ("EXTVER: 1", "NAXES: 2", "AXIS.1: 1", "AXIS.2: 2"):
        image.header.append(fits.Card("D2IM1", record), end=True)
    steps = fits.ImageHDU(np.sin(np.arange(120) / 9)[None].astype(np.float32), name="D2IMARR")
    steps.header.update({"CRPIX1": 1.0, "CRPIX2": 1.0, "CRVAL1": 1.0, "CRVAL2": 1.0,
                         "CDELT1": 1.0, "CDELT2": 1.0})  # fmt: skip
    return fits.HDUList([*hdus, steps])


IMAGES = {
    "SIP": lambda: fits.HDUList([fits.PrimaryHDU(stars(), tan(**SIP))]),
    "TPV": lambda: fits.HDUList([fits.PrimaryHDU(stars(), tan(**PV))]),
    "tables": with_tables,
}


@pytest.mark.parametrize("region", [None, "5:115,10:120"])
@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("kind", IMAGES)
def test_a_map_is_where_the_image_is_and_is_taken_for_it(tmp_path, kind, compress, region):
    path = tmp_path / "image.fits"
    IMAGES[kind]().writeto(path)
    found = extract(path, region=region, n_threads=1)
    written = found.write(tmp_path / "out", preview=False, compress=compress)[1]
    x, y = np.random.default_rng(0).uniform(0, 100, (2, 40))
    truth = found.wcs.pixel_to_world(x, y)
    with fits.open(written) as hdus:  # as anyone reads it
        number = 1 if compress else 0
        own = WCS(hdus[number].header, hdus)
        assert hdus[number].header["NLABELS"] == 9
        assert own.pixel_to_world(x, y).separation(truth).max() < 1 * u.uas
        without = WCS(tan()).pixel_to_world(x, y)
        assert region is not None or without.separation(truth).max() > 0.01 * u.arcsec
        assert {"PARAMETERS", "RECORD"} <= {each.name for each in hdus}
    assert open_image(written).image.wcs.pixel_to_world(x, y).separation(truth).max() < 1 * u.uas
    if region is None:
        again = extract(path, segmentation=written, n_threads=1)
        np.testing.assert_array_equal(again.table["kron_flux"], found.table["kron_flux"])


def test_zarr_has_no_place_for_tables_and_says_so(tmp_path):
    with_tables().writeto(tmp_path / "image.fits")
    found = extract(tmp_path / "image.fits", n_threads=1)
    with pytest.warns(ImageWarning, match="without a WCS, because its tables of distortions"):
        paths = found.write(tmp_path / "out", preview=False, map_format="zarr")
    assert open_image(paths[1]).image.wcs is None


def test_tables_of_distortions_are_no_images_to_choose_from(tmp_path, recwarn):
    with_tables().writeto(tmp_path / "image.fits")
    assert open_image(tmp_path / "image.fits").image.number == 1
    assert not recwarn.list
