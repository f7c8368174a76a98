"""Columns under SExtractor's names, in its conventions; and what it prints itself."""

import shutil

import numpy as np
import pytest
from astropy.wcs import WCS
from scipy.spatial import cKDTree

from benchmarks.sextractor_agreement import NO_DEFECTS, compare, run_both
from skyshed import extract, extract_bands
from skyshed.chain.sextractor_columns import MADE, SEXTRACTOR
from skyshed.datasets import make_survey_image
from tests.mosaic.fields import assert_same, at_once, by_tiles
from tests.pipeline_field import make_field, make_wcs

BOX = {"box_size": 16}
EVERY = tuple(name for name in (*SEXTRACTOR, *MADE) if name != "IMAFLAGS_ISO")


@pytest.fixture(scope="module")
def field():
    return make_field().astype(float)


def test_the_table_has_the_columns_that_are_named_and_no_others(field):
    found = extract(field, columns=("Y_IMAGE", "NUMBER", "gini"), zero_point=25.0, **BOX)
    assert found.table.colnames == ["Y_IMAGE", "NUMBER", "gini"]


def test_conventions_are_those_of_sextractor(field):
    options = {**BOX, "aperture_radii": (2.5, 4.0), "fluxfrac_radii": (0.2, 0.5), "wcs": make_wcs()}
    ours = extract(field, columns=("all",), zero_point=25.0, **options).table
    theirs = extract(field, columns=EVERY, zero_point=25.0, **options).table
    same = {
        "X_IMAGE": ours["xcentroid"] + 1, "YMIN_IMAGE": ours["bbox_ymin"] + 1,
        "XWIN_IMAGE": ours["centroid_win"][:, 0] + 1, "THETA_IMAGE": ours["orientation"].value,
        "FLUX_ISOCOR": ours["isocor_flux"], "FLUXERR_BEST": ours["best_fluxerr"],
        "FLUX_PETRO": ours["petrosian_flux"], "THRESHOLD": ours["detection_threshold"],
        "ERRA_IMAGE": ours["centroid_err_semimajor"].value,
        "ERRTHETAWIN_IMAGE": ours["centroid_win_err_orientation"].value,
        "ERRX2_IMAGE": ours["xcentroid_err"] ** 2, "KRON_RADIUS": 2.5 * ours["kron_radius"].value,
        "FLUX_AUTO": ours["kron_flux"], "ALPHA_J2000": ours["sky_centroid_icrs"].ra.deg,
    }  # fmt: skip
    for name, values in same.items():
        np.testing.assert_array_equal(np.asarray(theirs[name]), np.asarray(values), err_msg=name)
    assert theirs["FLUX_APER"].shape == theirs["FLUX_RADIUS"].shape == (len(ours), 2)
    np.testing.assert_array_equal(theirs["FLUX_APER"][:, 1], ours["aperture_4_flux"])
    np.testing.assert_array_equal(
        theirs["FLUX_RADIUS"][:, 0].value, ours["fluxfrac_radius_20"].value
    )
    flux = np.asarray(ours["segment_flux"])
    expected = np.where(flux > 0, 25 - 2.5 * np.log10(np.abs(flux)), 99.0)
    np.testing.assert_allclose(theirs["MAG_ISO"].value, expected, rtol=1e-12)


def test_a_flux_that_is_not_positive_has_magnitude_99(field):
    segments = np.zeros(field.shape, int)
    segments[40:44, 60:64] = 1
    dark = field.copy()
    dark[40:44, 60:64] -= 500
    table = extract(dark, segmentation=segments, columns=("MAG_ISO", "MAGERR_ISO"), **BOX).table
    assert table["MAG_ISO"].value.tolist() == table["MAGERR_ISO"].value.tolist() == [99.0]


def test_flags_are_bits_of_sextractor(field):
    found = extract(field, nsigma=1, columns=("FLAGS", "NUMBER"), saturation=60, **BOX)
    names = extract(field, nsigma=1, saturation=60, **BOX).catalog.decode_flags()
    for row in found.table:
        noted = names[row["NUMBER"]]
        for bit, name in ((2, "deblended"), (4, "saturated"), (8, "edge_touch")):
            assert bool(row["FLAGS"] & bit) == (name in noted)


def test_by_tiles_and_in_bands_they_are_the_same(field):
    options = {**BOX, "columns": EVERY, "wcs": make_wcs()}
    whole = at_once(field, **options)
    wcs = options.pop("wcs")
    assert_same(by_tiles(field, (48, 32), wcs=wcs, **options), whole)
    bands = {"g": field, "r": 2 * field}
    table = extract_bands(bands, columns=("NUMBER", "X_IMAGE", "FLUX_AUTO", "FLAGS"), **BOX).table
    assert {"NUMBER", "X_IMAGE", "FLUX_AUTO_g", "FLUX_AUTO_r", "FLAGS_r"} <= set(table.colnames)


def test_beside_others_each_column_is_what_it_is_alone(field):
    options = {**BOX, "zero_point": 25.0, "aperture_correction": True, "aperture_radii": (4.0,)}
    options |= {"wcs": make_wcs(), "aperture_center": "centroid_win"}
    ours = at_once(field, **options)
    names = ("X_IMAGE", "name", "kron_mag", "FLUX_APER", "aperture_4_mag", "total_flux")
    whole = at_once(field, columns=names, **options)
    assert tuple(whole.table.colnames[: len(names) - 1]) == names[:-1]
    assert whole.table["name"].tolist() == ours.table["name"].tolist()
    for name in ("total_flux", "kron_mag", "aperture_4_mag"):
        np.testing.assert_array_equal(whole.table[name], ours.table[name])
    np.testing.assert_array_equal(whole.table["FLUX_APER"], ours.table["aperture_4_flux"])
    options.pop("wcs")
    assert_same(by_tiles(field, (48, 32), wcs=make_wcs(), columns=names, **options), whole)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("CLASS_STAR", "is not measured: fluxfrac_radius"),
        ("ALPHA_J2000", "^columns: 'ALPHA_J2000' is made from others, and '[a-z_]+' needs a WCS"),
        ("IMAFLAGS_ISO", "needs a quality plane"),
        ("FLUX_PETROSS", "is no column"),
    ],
)
def test_what_there_is_not_is_refused(field, name, message):
    with pytest.raises(ValueError, match=message) as caught:
        extract(field, columns=(name,), **BOX)
    assert name in str(caught.value)


#: The same sky and threshold for both, so that they find the same pixels.
SAME = {
    "BACK_TYPE": "MANUAL", "BACK_VALUE": "100.0", "THRESH_TYPE": "ABSOLUTE", "DETECT_THRESH": "9.0",
    "ANALYSIS_THRESH": "9.0", "DEBLEND_MINCONT": "1",
}  # fmt: skip
needs_program = pytest.mark.skipif(
    shutil.which("source-extractor") is None, reason="needs source-extractor"
)


def both(folder, seed, **settings):
    """Return the catalogs of SExtractor and of skyshed of one field, by one configuration."""
    folder.mkdir(exist_ok=True)
    image = make_survey_image((512, 512), seed=seed, **NO_DEFECTS).data
    return run_both(image, folder, **{**SAME, **settings})


@needs_program
def test_one_configuration_gives_what_sextractor_prints(tmp_path):
    theirs, ours = both(tmp_path, 11)
    n, rows = compare(theirs, ours)
    assert n == len(theirs) == len(ours) > 100
    exact = ("XMIN_IMAGE", "XMAX_IMAGE", "YMIN_IMAGE", "YMAX_IMAGE", "ISOAREAF_IMAGE", "FLUX_MAX")
    for name in (
        *exact,
        "X_IMAGE",
        "Y_IMAGE",
        "A_IMAGE",
        "B_IMAGE",
        "CXX_IMAGE",
        "FLUX_ISO",
        "MAG_ISO",
    ):
        assert rows[name][2] == 1, (name, rows[name])
    # Other definitions, of which docs/sextractor.md tells: half of the sources are close.
    for name in ("FLUX_AUTO", "FLUX_APER", "FLUX_RADIUS", "KRON_RADIUS"):
        assert abs(rows[name][0]) < 2e-3, (name, rows[name])
    order = np.argsort(np.asarray(theirs["Y_IMAGE"]))
    assert theirs["FLAGS"][order].dtype.kind == ours["FLAGS"].dtype.kind == "i"


@needs_program
def test_isophotal_correction_and_error_ellipses_are_those_of_sextractor(tmp_path):
    names = (
        "FLUX_ISOCOR", "FLUXERR_ISOCOR", "THRESHOLD", "ERRA_IMAGE", "ERRB_IMAGE", "ERRAWIN_IMAGE",
        "ERRBWIN_IMAGE", "FLUX_PETRO",
    )  # fmt: skip
    theirs, ours = both(tmp_path, 7, columns=names)
    assert len(theirs) == len(ours) > 100
    places = [
        np.column_stack([np.asarray(each[name], float) for name in ("X_IMAGE", "Y_IMAGE")])
        for each in (theirs, ours)
    ]
    distance, same = cKDTree(places[1]).query(places[0])
    assert distance.max() < 0.05
    ratio = {
        name: np.asarray(ours[name], float)[same] / np.asarray(theirs[name], float)
        for name in names
    }
    np.testing.assert_allclose(ratio.pop("FLUX_ISOCOR"), 1, rtol=1e-3)
    # Sums of errors differ where the noise does.
    of_errors = ratio.pop("FLUXERR_ISOCOR")
    assert abs(np.median(of_errors) - 1) < 5e-3
    assert np.mean(np.abs(of_errors - 1) < 0.02) > 0.8
    np.testing.assert_allclose(ratio.pop("THRESHOLD"), 1, rtol=1e-6)
    assert abs(np.nanmedian(ratio.pop("FLUX_PETRO")) - 1) < 0.02
    for name, values in ratio.items():
        assert abs(np.median(values) - 1) < 0.02, name


@needs_program
def test_surface_brightnesses_are_those_of_sextractor(tmp_path):
    names = ("MU_MAX", "MU_THRESHOLD")
    # Pixels of 0.3" x 0.4", turned by 30 degrees, far from the reference point.
    header = WCS(naxis=2)
    header.wcs.ctype, header.wcs.crval = ("RA---TAN", "DEC--TAN"), (80, 60)
    header.wcs.crpix = (-9000, 1)
    c, s = np.cos(np.pi / 6), np.sin(np.pi / 6)
    header.wcs.cd = np.array([[-c, s], [s, c]]) @ np.diag([0.3, 0.4]) / 3600
    theirs, ours = both(tmp_path, 7, columns=names, header=header.to_header(), PIXEL_SCALE="0")
    order = [np.argsort(np.asarray(each["Y_IMAGE"])) for each in (theirs, ours)]
    assert len(theirs) == len(ours) > 100
    for name in names:
        one, other = (
            np.asarray(each[name], float)[at]
            for each, at in zip((theirs, ours), order, strict=True)
        )
        np.testing.assert_allclose(other, one, rtol=0, atol=1e-3, err_msg=name)
    assert str(ours["MU_MAX"].unit) == "mag / arcsec2"


@needs_program
def test_the_largest_area_is_that_of_sextractor(tmp_path):
    every, _ = both(tmp_path / "every", 12)
    theirs, ours = both(tmp_path / "some", 12, DETECT_MAXAREA="40")
    assert compare(theirs, ours)[0] == len(theirs) == len(ours) < 0.8 * len(every)


@needs_program
def test_a_list_of_positions_selects_what_sextractor_selects(tmp_path):
    every, _ = both(tmp_path / "every", 13)
    rows = np.column_stack([every["NUMBER"], every["X_IMAGE"], every["Y_IMAGE"], every["MAG_ISO"]])
    rows[:, 1:3] += np.random.default_rng(1).normal(0, 1, (len(rows), 2))
    path = tmp_path / "list"
    np.savetxt(path, rows[::3])
    asked = {
        "ASSOC_NAME": path, "ASSOC_PARAMS": "2,3,4", "ASSOC_DATA": "1,4", "ASSOC_RADIUS": "1.5",
        "ASSOC_TYPE": "NEAREST", "ASSOCSELEC_TYPE": "MATCHED",
        "columns": ("VECTOR_ASSOC(2)", "NUMBER_ASSOC"),
    }  # fmt: skip
    theirs, ours = both(tmp_path / "some", 13, **asked)
    assert len(theirs) == len(ours) > 20
    order = [np.argsort(np.asarray(each["Y_IMAGE"])) for each in (theirs, ours)]
    for name in ("NUMBER_ASSOC", "VECTOR_ASSOC"):
        one, other = (
            np.asarray(each[name])[at] for each, at in zip((theirs, ours), order, strict=True)
        )
        np.testing.assert_allclose(one, other, rtol=1e-6, err_msg=name)
