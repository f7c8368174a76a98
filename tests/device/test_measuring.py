"""Existing maps and detection images on the device: the host's answer, and nothing comes back."""

import numpy as np
import pytest
from astropy.io import fits

import skyshed
from skyshed.cli import main
from skyshed.output.catalogs import read_catalog
from tests.device import scenes, standin
from tests.pipeline_field import make_wcs

SETTINGS = {"box_size": 30, "npixels": 5, "nsigma": 1.5, "localbkg_width": 10}


@pytest.fixture(scope="module")
def image():
    return scenes.image(41, shape=(120, 130), n=40)


@pytest.fixture(scope="module")
def band(image):
    noise = np.random.default_rng(5).normal(0, 1, image.shape)
    return (2 * image + 30 + noise).astype(np.float32)


def same(there, here):
    """Check labels to the bit, and numbers to what sums of float32 images allow."""
    np.testing.assert_array_equal(there.segmentation.to_host().data, here.segmentation.data)
    assert there.table.colnames == here.table.colnames
    for name in here.table.colnames:
        expected = scenes.plain(here.table[name])
        if expected.dtype.kind == "f":
            scenes.close(there.table[name], here.table[name], 1e-5 * (1 + np.abs(expected)), name)


def test_a_map_is_measured_where_the_image_is(cupy, image, band):
    found = skyshed.extract(image, **SETTINGS)
    labels = found.segmentation.data
    here = skyshed.extract(band, segmentation=labels, **SETTINGS)
    assert len(here.table) > 20
    array = cupy.asarray(band)
    for given in (cupy.asarray(labels), skyshed.SegmentationImage(cupy.asarray(labels))):
        there = skyshed.extract(array, segmentation=given, **SETTINGS)
        assert isinstance(there.segmentation.data, cupy.ndarray)
        same(there, here)
    same(skyshed.extract(band, segmentation=labels, device="cuda", **SETTINGS), here)
    back = skyshed.extract(array, segmentation=cupy.asarray(labels), device="cpu", **SETTINGS)
    assert isinstance(back.segmentation.data, np.ndarray)
    same(back, here)


def test_forced_photometry_where_the_images_are(cupy, image, band):
    found = skyshed.extract(image, **SETTINGS)
    array, other = cupy.asarray(band), cupy.asarray(image)
    here = skyshed.extract(band, detection_cat=found.catalog, **SETTINGS)
    same(skyshed.extract(array, detection_image=other, **SETTINGS), here)
    same(skyshed.extract(band, detection_image=image, device="cuda", **SETTINGS), here)
    catalog = skyshed.extract(other, **SETTINGS).catalog
    same(skyshed.extract(array, detection_cat=catalog, **SETTINGS), here)


def test_companions_elsewhere_are_named(cupy, image, band):
    array = cupy.asarray(band)
    found = skyshed.extract(image, **SETTINGS)
    for name, given in (
        ("segmentation", found.segmentation),
        ("segmentation", found.segmentation.data),
        ("detection_image", image),
        ("detection_cat", found.catalog),
    ):
        with pytest.raises(TypeError, match=f"image is a .*cupy.* and {name} a numpy"):
            skyshed.extract(array, **{name: given})


def test_nothing_image_sized_comes_back(counted, image, band):
    labels = counted.asarray(skyshed.extract(image, **SETTINGS).segmentation.data)
    array = counted.asarray(band)
    with standin.ledger() as ledger:
        skyshed.extract(array, segmentation=labels, **SETTINGS)
    ledger.no_transfer_larger_than(band.size)


def test_the_command_measures_a_map_on_the_device(counted, image, band, tmp_path, capsys):
    header = make_wcs().to_header()
    fits.writeto(tmp_path / "image.fits", image, header)
    fits.writeto(tmp_path / "band.fits", band, header)
    found = skyshed.extract(image, **SETTINGS)
    fits.writeto(tmp_path / "map.fits", found.segmentation.data, header)
    for option, name in (("--segmentation", "map"), ("--detection-image", "image")):
        tables = []
        for device in ("cuda", "cpu"):
            status = main([
                "extract", str(tmp_path / "band.fits"), "--out", str(tmp_path / device), "--quiet",
                option, str(tmp_path / f"{name}.fits"), "--device", device, "--box-size=30",
                "--no-preview",
            ])  # fmt: skip
            assert status == 0, capsys.readouterr().err
            tables.append(read_catalog(tmp_path / device / "catalog.fits"))
        np.testing.assert_array_equal(tables[0]["label"], tables[1]["label"])
        np.testing.assert_allclose(tables[0]["kron_flux"], tables[1]["kron_flux"], rtol=1e-4)
