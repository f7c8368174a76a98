"""The images of one file as many images: each CCD by itself, with what belongs to it."""

import warnings

import numpy as np
import pytest
from astropy.io import fits

from skyshed import extract, extract_each
from skyshed.arguments import is_path
from skyshed.exceptions import ImageWarning
from tests.images.files import stars, tan
from tests.pipeline_field import same_tables

CCDS = ("S29", "S30", "S31")
SETTINGS = {"n_threads": 1}


def level(k):
    """The background of CCD k, which is its own."""
    return 10.0 + 100 * k


def bad(k):
    """The mask of CCD k: a row of stars of its own."""
    mask = np.zeros((120, 120), np.int16)
    mask[40 * k : 40 * k + 40] = 1
    return mask


@pytest.fixture(scope="module")
def camera(tmp_path_factory):
    """Three CCDs, one of them broken, and their masks and weights in other orders."""
    folder = tmp_path_factory.mktemp("camera")
    images = [stars(level=level(k), seed=k) for k in range(3)]

    def write(name, pixels, order, kind=fits.ImageHDU):
        hdus = [kind(pixels(k), tan(CRVAL1=150.0 + k, EXTNAME=CCDS[k])) for k in order]
        fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(folder / name)

    def packed(image, header):
        return fits.CompImageHDU(image, header, compression_type="GZIP_2", quantize_level=0)

    write("ooi.fits.fz", images.__getitem__, (0, 1, 2), packed)
    write("ood.fits", bad, (2, 0, 1))
    write("oow.fits", lambda k: np.full((120, 120), 1.0 + k, np.float32), (1, 2, 0), packed)
    return folder


def test_each_ccd_has_its_own_background_mask_and_weight(camera):
    given = {"mask": camera / "ood.fits", "weight": camera / "oow.fits"}
    outcomes = list(extract_each(camera / "ooi.fits.fz", hdu="all", **given, **SETTINGS))
    assert [each.hdu_name for each in outcomes] == list(CCDS)
    assert [each.name for each in outcomes] == [f"{camera}/ooi.fits.fz[{ccd}]" for ccd in CCDS]
    assert [each.hdu for each in outcomes] == [1, 2, 3]
    for k, outcome in enumerate(outcomes):
        own = {name: f"{path}[{CCDS[k]}]" for name, path in given.items()}
        alone = extract(f"{camera}/ooi.fits.fz[{CCDS[k]}]", **own, **SETTINGS)
        assert same_tables(outcome.extraction.table, alone.table)
        assert np.median(outcome.extraction.background) == pytest.approx(level(k), abs=0.5)
        assert not (
            bad(k)[
                tuple(outcome.extraction.table[c].astype(int) for c in ("ycentroid", "xcentroid"))
            ]
        ).any()
        assert len(outcome.extraction.table) == 6


SPELLED = {
    "numbers": "1,2,3",
    "a range": "1-3",
    "names": "S29,S30,S31",
    "a pattern": "s*",
    "a list": [1, "S30", ("S31", 1)],
}


@pytest.mark.parametrize("case", SPELLED)
def test_hdus_of_one_file_in_any_spelling(camera, case):
    with fits.open(camera / "ooi.fits.fz") as hdus:
        for given in (camera / "ooi.fits.fz", hdus):
            outcomes = extract_each(given, hdu=SPELLED[case], **SETTINGS)
            assert [(each.hdu_name, each.n_sources) for each in outcomes] == [
                (ccd, 9) for ccd in CCDS
            ]


def test_brackets_and_several_files(camera):
    files = [f"{camera}/ooi.fits.fz[S29,S31]", camera / "ooi.fits.fz"]
    outcomes = extract_each(files, hdu=[None, "S30"], mask=[None, f"{camera}/ood.fits"], **SETTINGS)
    assert [(each.hdu_name, each.n_sources) for each in outcomes] == [
        ("S29", 9), ("S31", 9), ("S30", 6),
    ]  # fmt: skip


def test_name_and_version_is_one_hdu(tmp_path):
    path = tmp_path / "flt.fits"
    hdus = [fits.ImageHDU(stars(level=level(k), seed=k), name="SCI", ver=k) for k in (1, 2)]
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path)
    (outcome,) = extract_each([path], hdu=("SCI", 2), **SETTINGS)
    assert outcome.hdu == 2
    found = extract(path, hdu=("SCI", 2), **SETTINGS)
    assert same_tables(outcome.extraction.table, found.table)
    assert np.median(found.background) == pytest.approx(level(2), abs=0.5)
    with pytest.warns(ImageWarning, match=r"SCI names 2 images, 1 SCI, 2 SCI,2, of which HDU 1"):
        extract(path, hdu="SCI", **SETTINGS)
    assert [each.hdu_name for each in extract_each(path, hdu="SCI,*")] == ["SCI,1", "SCI,2"]


def test_a_plane_of_the_name_that_is_given_is_of_the_version_of_the_image(tmp_path):
    path = tmp_path / "flc.fits"
    hdus = [fits.PrimaryHDU()]
    for k in (1, 2):
        hdus.append(fits.ImageHDU(stars(seed=k), name="SCI", ver=k))
        hdus.append(fits.ImageHDU(bad(k), name="DQ", ver=k))
    fits.HDUList(hdus).writeto(path)
    with pytest.warns(ImageWarning, match=r"all leaves out 2 DQ, 4 DQ,2, which go with images"):
        outcomes = list(extract_each(path, hdu="all", mask=f"{path}[DQ]", **SETTINGS))
    assert [each.hdu for each in outcomes] == [1, 3]
    for k, outcome in zip((1, 2), outcomes, strict=True):
        rows = outcome.extraction.table["ycentroid"]
        assert len(rows) == 6
        assert not ((rows >= 40 * k) & (rows < 40 * k + 40)).any()
        assert outcome.extraction.record["mask_hdu"] == str(2 * k)


def test_one_bad_ccd_does_not_end_the_others(tmp_path):
    path = str(tmp_path / "camera.fits")
    hdus = [fits.ImageHDU(stars(seed=k), name=ccd) for k, ccd in enumerate(CCDS)]
    hdus[1].data[:] = np.nan
    hdus.append(fits.ImageHDU(np.zeros((3, 120, 120), np.float32), name="CUBE"))
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path)
    outcomes = list(extract_each(path, hdu="all,99", **SETTINGS))
    assert [each.n_sources for each in outcomes] == [9, 0, 9, 0, 0]
    names = [f"{path}[{name}]" for name in (*CCDS, "CUBE", "99")]
    assert [each.name for each in outcomes] == names
    for outcome, said in zip(
        outcomes,
        (None, "no pixel of the image is good", None, "holds 3 planes of 120", "has no HDU 99"),
        strict=True,
    ):  # fmt: skip
        assert (outcome.error is None) if said is None else (said in str(outcome.error))


@pytest.mark.parametrize("hdu", ["1,,2", "S29,1,2", "3-1"])
def test_what_cannot_be_read_is_refused_by_the_call(camera, hdu):
    with pytest.raises(ValueError, match=r"every version. and all"):
        extract_each(camera / "ooi.fits.fz", hdu=hdu)


def test_a_file_that_cannot_be_read_is_one_failed_image(camera, tmp_path):
    absent = str(tmp_path / "absent.fits")
    outcomes = list(extract_each([absent, camera / "ooi.fits.fz"], hdu="S29,S30", **SETTINGS))
    assert [each.n_sources for each in outcomes] == [0, 9, 9]
    assert isinstance(outcomes[0].error, FileNotFoundError)
    (none,) = extract_each(camera / "ooi.fits.fz", hdu="T*")
    assert "has no HDU T*: it has 0 PRIMARY (no image), 1 S29" in str(none.error)


def test_a_ccd_that_is_named_twice_is_a_slip(camera):
    files = [f"{camera}/ooi.fits.fz[S*]", f"{camera}/ooi.fits.fz[S30]"]
    with pytest.raises(ValueError, match=r"ooi.fits.fz\[S30\]' twice"):
        extract_each(files)


@pytest.mark.parametrize("hdu", ["1,2,3", "S29,S30", "all", "S*"])
def test_one_image_is_not_several(camera, hdu):
    with pytest.raises(ValueError, match=r"names [23] images of .*skyshed\.extract_each\("):
        extract(camera / "ooi.fits.fz", hdu=hdu)
    with pytest.warns(ImageWarning, match=r"holds 3 images.*extract_each\(\.\.\., hdu='all'\)"):
        extract(camera / "ooi.fits.fz", **SETTINGS)


@pytest.mark.parametrize(
    ("cards", "image", "planes"),
    [
        ({"TELESCOP": "Euclid", "INSTRUME": "VIS"}, "1-{}.E.SCI", ("1-{}.E.RMS", "1-{}.E.FLG")),
        ({"DES_EXT": "IMAGE", "CCDNUM": 3}, "SCI", ("WGT", "MSK")),
    ],
)
def test_all_are_the_images_of_a_product_not_its_planes(cards, image, planes, tmp_path):
    pixels = stars()
    hdus = [fits.PrimaryHDU()]
    for k in (1, 2):
        hdus.append(fits.ImageHDU(pixels, tan(**cards, EXTVER=k), image.format(k)))
        for name, plane in zip(planes, (np.ones_like(pixels), pixels > 1e9), strict=True):
            plane = plane.astype(np.int16) if plane.dtype == bool else plane
            hdus.append(fits.ImageHDU(plane, fits.Header({"EXTVER": k}), name.format(k)))
    fits.HDUList(hdus).writeto(tmp_path / "a.fits")
    with warnings.catch_warnings():
        warnings.simplefilter("error", ImageWarning)
        for given in (tmp_path / "a.fits", fits.HDUList(hdus)):
            found = list(extract_each(given, hdu="all", box_size=30, nsigma=5, **SETTINGS))
            assert [each.extraction.record["profile_image"][:5] for each in found] == [
                "HDU 1", "HDU 4",
            ]  # fmt: skip


def test_headers_of_a_file_of_a_product_are_read_once(tmp_path, monkeypatch):
    signs = {"INSTRUME": "DECam", "PROCTYPE": "InstCal", "PRODTYPE": "image"}
    hdus = [fits.ImageHDU(stars(), tan(EXTNAME=f"S{k}")) for k in range(4)]
    path = tmp_path / "ooi.fits"
    fits.HDUList([fits.PrimaryHDU(header=fits.Header(signs)), *hdus]).writeto(path)
    whole, opened = [], fits.open

    def counted(file, *args, **options):
        whole.extend([file] if is_path(file) else [])
        return opened(file, *args, **options)

    monkeypatch.setattr(fits, "open", counted)
    found = list(extract_each(path, hdu="all", box_size=30, nsigma=5, **SETTINGS))
    assert all("decam-cp" in each.extraction.record["profile"] for each in found)
    assert len(whole) == 1
