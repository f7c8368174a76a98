"""What goes with a detection image decides which sources there are, and nothing else."""

import numpy as np
import pytest
from astropy.io import fits

from skyshed import extract, extract_each
from skyshed.cli import main
from skyshed.exceptions import ImageWarning
from skyshed.output.catalogs import read_catalog
from tests.mosaic.fields import assert_same, by_tiles
from tests.pipeline_field import SHAPE, make_field, same_tables

#: Where pixels of the detection image are bad.
BAD = np.zeros(SHAPE, bool)
BAD[20:50, 30:70] = True
#: Noise by which half of the field is deeper than the other.
RMS = np.where(np.arange(SHAPE[1]) < SHAPE[1] // 2, 0.8, 2.5) * np.ones(SHAPE)
NOISE = {"rms": RMS, "variance": RMS**2, "weight": RMS**-2.0}


@pytest.fixture(scope="module")
def image():
    return make_field()


@pytest.fixture(scope="module")
def band(image):
    noise = np.random.default_rng(5).normal(0, 2, SHAPE)
    return (3 * image - 40 + noise).astype(np.float32)


@pytest.mark.parametrize("name", NOISE)
def test_sources_are_those_of_the_detection_image_with_its_noise_and_mask(image, band, name):
    found = extract(
        band, detection_image=image, detection_mask=BAD, **{f"detection_{name}": NOISE[name]}
    )
    alone = extract(image, mask=BAD, **{name: NOISE[name]})
    assert np.array_equal(found.segmentation.data, alone.segmentation.data)
    assert found.segmentation.nlabels != extract(band, detection_image=image).segmentation.nlabels
    # Of the image itself nothing is masked, and its noise is that which was measured.
    assert found.mask is None
    assert np.array_equal(found.error, extract(band, detection_image=image).error)


def test_tiles_have_the_same_bits(image, band):
    options = {"detection_mask": BAD, "detection_rms": RMS}
    assert_same(
        by_tiles(band, (64, 64), band=image, **options),
        extract(band, detection_image=image, **options),
    )


def test_bits_of_its_mask_and_a_region_are_as_for_the_image(image, band):
    bits = np.where(BAD, 4, 0).astype(np.int16) + 1
    whole = extract(band, detection_image=image, detection_mask=bits, mask_bits=(2,))
    expected = extract(band, detection_image=np.ma.MaskedArray(image, BAD))
    assert np.array_equal(whole.segmentation.data, expected.segmentation.data)
    options = {"region": "10:60,20:90", "box_size": 25}
    part = extract(band, detection_image=image, detection_mask=BAD, **options)
    cut = extract(
        band[10:60, 20:90], box_size=25, detection_image=image[10:60, 20:90],
        detection_mask=BAD[10:60, 20:90],
    )  # fmt: skip
    assert np.array_equal(part.segmentation.data, cut.segmentation.data)


def test_what_is_wrong_with_it_is_said_of_its_own_arguments(image, band, tmp_path):
    for given, message in (
        ({"detection_mask": BAD}, "detection_mask goes with a detection_image, and none is given"),
        ({"detection_rms": RMS, "detection_mask": BAD}, "detection_rms and detection_mask go with"),
    ):
        with pytest.raises(ValueError, match=message):
            extract(band, **given)
    with pytest.raises(ValueError, match="detection_rms and detection_variance both say"):
        extract(band, detection_image=image, detection_rms=RMS, detection_variance=RMS)
    with pytest.raises(ValueError, match="detection_mask must have the same shape"):
        extract(band, detection_image=image, detection_mask=BAD[1:])
    hdus = [fits.PrimaryHDU(), fits.ImageHDU(RMS**2, name="VARIANCE")]
    fits.HDUList(hdus).writeto(tmp_path / "v.fits")
    with pytest.raises(ValueError, match=r"give it as detection_variance$"):
        extract(band, detection_image=image, detection_rms=str(tmp_path / "v.fits[VARIANCE]"))
    with pytest.warns(ImageWarning, match=r"that detection_rms gives .*\(--detection-variance\)"):
        extract(band, detection_image=image, detection_rms=100 * RMS, nsigma=0.05)


def test_the_command_and_lists_of_images_have_them(image, band, tmp_path):
    names = {"image": image, "band": band, "rms": RMS, "bad": BAD.astype(np.uint8)}
    for name, array in names.items():
        fits.writeto(tmp_path / f"{name}.fits", array)
    expected = extract(
        tmp_path / "band.fits", detection_image=tmp_path / "image.fits",
        detection_rms=tmp_path / "rms.fits", detection_mask=tmp_path / "bad.fits",
    )  # fmt: skip
    assert expected.record["detection_rms"] == str(tmp_path / "rms.fits")
    given = ["--detection-image", "image", "--detection-rms", "rms", "--detection-mask", "bad"]
    given = [each if each.startswith("--") else f"{tmp_path}/{each}.fits" for each in given]
    for each in ([], ["--each"]):
        out = tmp_path / f"out{len(each)}"
        command = ["extract", *each, f"{tmp_path}/band.fits", "--out", str(out), *given]
        assert main([*command, "--no-preview", "--quiet"]) == 0
        found = read_catalog(out / "band" / "catalog.fits" if each else out / "catalog.fits")
        assert same_tables(found, expected.table)
    (outcome,) = extract_each(
        [band], detection_image=[image], detection_rms=RMS, detection_mask=BAD
    )
    assert np.array_equal(outcome.extraction.segmentation.data, expected.segmentation.data)


def test_the_background_of_the_detection_image_may_be_given(tmp_path):
    field = make_field().astype(float)
    other = field - 21
    given = extract(field, detection_image=other, detection_background="none", box_size=16)
    np.testing.assert_array_equal(given.detection_cat.frame.data, other)
    measured = extract(field, detection_image=other, box_size=16)
    assert not np.array_equal(measured.detection_cat.frame.data, other)
    tiled = extract(
        field, detection_image=other, detection_background=0.0, box_size=16,
        workspace=tmp_path / "w", memory="2GB",
    )  # fmt: skip
    np.testing.assert_array_equal(tiled.table["kron_flux"], given.table["kron_flux"])
    with pytest.raises(ValueError, match="detection_background"):
        extract(field, detection_background="none", box_size=16)
