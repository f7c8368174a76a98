"""A WCS from a file: SCAMP's headers as text, those of FITS files, and which of several."""

import astropy.units as u
import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from skyshed import extract, extract_each
from skyshed.cli import main
from skyshed.images import open_image
from skyshed.images.exposure import open_exposure
from skyshed.output.catalogs import read_catalog
from tests.images.files import stars, tan

#: A solution as SCAMP writes it, with a remark that is not ASCII.
HEAD = """\
HISTORY   Astrometric solution by SCAMP version 2.10.0
COMMENT   (c) 2010-2018 Emmanuel BERTIN, Universit\xe9 de Paris: a = b
EQUINOX =        2000.00000000 / Mean equinox
RADESYS = 'ICRS    '           / Astrometric system
CTYPE1  = 'RA---TPV'           / WCS projection type for this axis
CTYPE2  = 'DEC--TPV'           / WCS projection type for this axis
CUNIT1  = 'deg     '           / Axis unit
CUNIT2  = 'deg     '           / Axis unit
CRVAL1  =   {ra:.12E} / World coordinate on this axis
CRVAL2  =   2.000000000000E+00 / World coordinate on this axis
CRPIX1  =   6.050000000000E+01 / Reference pixel on this axis
CRPIX2  =   6.050000000000E+01 / Reference pixel on this axis
CD1_1   =  -2.000000000000E-04 / Linear projection matrix
CD1_2   =   1.000000000000E-06 / Linear projection matrix
CD2_1   =   1.000000000000E-06 / Linear projection matrix
CD2_2   =   2.000000000000E-04 / Linear projection matrix
PV1_0   =   1.000000000000E-05 / Projection distortion parameter
PV1_1   =   1.000000000000E+00 / Projection distortion parameter
PV1_4   =   2.000000000000E-01 / Projection distortion parameter
PV2_0   =  -2.000000000000E-05 / Projection distortion parameter
PV2_1   =   1.000000000000E+00 / Projection distortion parameter
FGROUPNO=                    1 / SCAMP field group label
MAGZEROP=       0.000000000000 / Magnitude zero-point
PHOTLINK=                    F / True if linked to a photometric field
END
"""


def head(*ras):
    return "".join(HEAD.format(ra=ra) for ra in ras).encode("latin-1")


def middle(ra):
    """Where pixel (59.5, 59.5) is by such a header: the constant terms, from the tangent point."""
    plane = WCS(tan(CRVAL1=ra, CRPIX1=1.0, CRPIX2=1.0, CDELT1=1.0, CDELT2=1.0))
    return plane.pixel_to_world(1e-5, -2e-5)


@pytest.fixture
def folder(tmp_path):
    """An image without a WCS, one with two CCDs, and headers for both."""
    fits.writeto(tmp_path / "one.fits", stars())
    ccds = [fits.ImageHDU(stars(seed=k), tan(CRVAL1=20.0), name=f"CCD{k}") for k in (1, 2)]
    fits.HDUList([fits.PrimaryHDU(), *ccds]).writeto(tmp_path / "two.fits")
    (tmp_path / "one.head").write_bytes(head(150.0))
    (tmp_path / "two.head").write_bytes(head(150.0, 151.0))
    return tmp_path


def wcs_of(image, wcs, **options):
    return open_exposure(image, wcs=wcs, **options).wcs


def test_a_header_of_scamp_gives_the_positions(folder):
    for path in (folder / "one.head", str(folder / "one.head")):
        wcs = wcs_of(folder / "one.fits", path)
        assert wcs.pixel_to_world(59.5, 59.5).separation(middle(150.0)) < 1 * u.uas
    found = extract(folder / "one.fits", wcs=folder / "one.head", n_threads=1)
    assert found.record["wcs"] == str(folder / "one.head")
    assert len(found.table) == 9
    assert abs(found.table["ra"].value.mean() - 150) < 0.01
    # Arrays take one, too.
    array = extract(stars(), wcs=folder / "one.head", n_threads=1)
    np.testing.assert_array_equal(array.table["ra"], found.table["ra"])


def test_of_several_headers_that_of_the_images_place_counts(folder):
    for hdu, ra in (("CCD1", 150.0), (2, 151.0)):
        wcs = wcs_of(folder / "two.fits", folder / "two.head", hdu=hdu)
        assert wcs.pixel_to_world(59.5, 59.5).separation(middle(ra)) < 1 * u.uas
    region = wcs_of(folder / "two.fits[CCD2]", folder / "two.head", region="10:60,20:70")
    assert region.pixel_to_world(39.5, 49.5).separation(middle(151.0)) < 1 * u.uas


def test_tables_of_distortions_do_not_count_as_images_of_the_file(folder):
    with fits.open(folder / "two.fits", mode="append") as hdus:
        hdus.append(fits.ImageHDU(np.zeros((3, 3)), name="WCSDVARR"))
    wcs = wcs_of(folder / "two.fits[CCD2]", folder / "two.head")
    assert wcs.pixel_to_world(59.5, 59.5).separation(middle(151.0)) < 1 * u.uas


@pytest.mark.parametrize("given", ["one.fits", "array", "HDUList"])
def test_headers_that_cannot_be_told_apart_are_refused(folder, given):
    image = {
        "one.fits": folder / "one.fits", "array": stars(),
        "HDUList": fits.HDUList([fits.PrimaryHDU(stars())]),
    }[given]  # fmt: skip
    with pytest.raises(ValueError, match=r"two\.head has 2 headers, and .* not known which"):
        wcs_of(image, folder / "two.head")


@pytest.mark.parametrize("name", ["solved.wcs", "named like text.head"])
def test_the_header_of_a_fits_file_is_taken_whatever_its_name(folder, name):
    """Astrometry.net writes FITS without pixels."""
    fits.PrimaryHDU(header=tan(CRVAL1=33.0)).writeto(folder / name)
    assert wcs_of(folder / "one.fits", folder / name).wcs.crval[0] == 33
    with pytest.raises(ValueError, match=r"has a celestial WCS in several HDUs, 1, 2: name one"):
        wcs_of(folder / "one.fits", folder / "two.fits")
    assert wcs_of(folder / "one.fits", f"{folder}/two.fits[CCD2]").wcs.crval[0] == 20


def test_text_that_begins_like_a_fits_file_is_text(folder):
    cards = "SIMPLE  =                    T\n" + HEAD.format(ra=150.0)
    (folder / "simple.head").write_bytes(cards.encode("latin-1"))
    wcs = wcs_of(folder / "one.fits", folder / "simple.head")
    assert wcs.pixel_to_world(59.5, 59.5).separation(middle(150.0)) < 1 * u.uas


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no header"),
        (b"hello\nworld\n", "holds no header"),
        (head(150.0).replace(b"CRVAL2", b"CRVALX"), "there is no CRVAL2"),
        (b"NAXIS   =                    2\nEND\n", "it has no CTYPE of one"),
        (head(150.0).replace(b"2.000000000000E+00 /", b"'2:00:00' /"), "CRVAL2 = '2:00:00'"),
    ],
)
def test_files_without_a_usable_wcs_are_refused_with_the_card(folder, content, message):
    (folder / "bad.head").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        extract(folder / "one.fits", wcs=folder / "bad.head")


def test_a_file_that_is_not_there_is_named(folder):
    with pytest.raises(FileNotFoundError, match=r"absent\.head"):
        extract(folder / "one.fits", wcs=folder / "absent.head")
    with pytest.raises(ValueError, match="is no FITS file, so that no HDU of it can be named"):
        extract(folder / "one.fits", wcs=f"{folder}/one.head[1]")


def test_the_command_line_takes_it_for_one_image_and_for_each(folder):
    options = ["--no-preview", "--quiet", "--n-threads", "1"]
    image, out = str(folder / "one.fits"), folder / "out"
    assert main(["extract", image, "--wcs", f"{folder}/one.head", "--out", str(out), *options]) == 0
    catalog = read_catalog(out / "catalog.fits")
    assert abs(catalog["ra"].value.mean() - 150) < 0.01
    assert open_image(out / "segmentation.fits").image.wcs is not None
    images = [f"{folder}/two.fits[CCD1]", f"{folder}/two.fits[CCD2]"]
    each = ["--each", "--one-table", "--wcs", "{folder}/{stem}.head"]
    for name in ("CCD1", "CCD2"):  # {stem} of two.fits[CCD1] is "two"
        assert (folder / "two.head").exists(), name
    assert main(["extract", *images, *each, "--out", str(folder / "all"), *options]) == 0
    table = read_catalog(folder / "all" / "catalog.fits")
    for name, ra in zip(images, (150, 151), strict=True):
        assert abs(table["ra"][table["image"] == name].value.mean() - ra) < 0.01


def test_each_image_takes_its_own(folder):
    (folder / "other.head").write_bytes(head(200.0))
    outcomes = extract_each(
        [stars(), stars()], wcs=[folder / "one.head", folder / "other.head"], n_threads=1
    )
    ras = [each.extraction.table["ra"].value.mean() for each in outcomes]
    np.testing.assert_allclose(ras, (150, 200), atol=0.01)
