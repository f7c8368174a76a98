"""Positions on the sky are those that a header gives; none are made up from a broken one."""

import pickle
import warnings
from threading import Thread

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS

from skyshed import extract
from skyshed.exceptions import ImageWarning, NoDetectionsWarning
from skyshed.images import open_image
from skyshed.images.astropy_says import heard, pass_on
from skyshed.images.headers import read_celestial
from tests.images.files import stars, tan

MATRIX = {"CDELT1": None, "CDELT2": None}
ECLIPTIC = {"CTYPE1": "ELON-TAN", "CTYPE2": "ELAT-TAN"}
GALACTIC = {"CTYPE1": "GLON-TAN", "CTYPE2": "GLAT-TAN"}
SIP = {"A_ORDER": 2, "A_2_0": 1e-3, "B_ORDER": 2, "B_0_2": 1e-3}
TAN_SIP = {"CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP", **SIP}

#: Cards in an old form, or void beside others, with which the positions are what they are without.
OLD_FORMS = {
    "RADECSYS": {"RADECSYS": "FK5", "EQUINOX": 2000.0},
    "a scale as text beside CD": {"CD1_1": -1e-4, "CD2_2": 1e-4, "CDELT1": "0.0"},
    "an epoch as text beside the equinox": {
        "EPOCH": "2000.0", "EQUINOX": 2000.0, "RADESYS": "FK5",
    },
    "PC in the old form": {
        "PC001001": 0.0, "PC001002": -1.0, "PC002001": 1.0, "PC002002": 0.0,
    },
    "CD in the old form": {
        **MATRIX, "CD001001": -1e-4, "CD001002": 0.0, "CD002001": 0.0, "CD002002": 1e-4,
    },
}  # fmt: skip

#: Cards as they were written -> what the warning names.
BROKEN = {
    "numbers as text": ({"CRVAL1": "150.0", "CRVAL2": "2.0"}, "CRVAL1 = '150.0' is rejected"),
    "sexagesimal": ({"CRVAL1": "10:00:00"}, "CRVAL1 = '10:00:00' is rejected"),
    "rotation as text (caracal#1273)": ({"CROTA2": "30.0"}, "CROTA2 = '30.0' is rejected"),
    "decimal commas (python-casacore#82)": (
        {"CRPIX1": "60,5", "CDELT1": "-0,0002"}, "CRPIX1 = '60,5' is rejected",
    ),
    "NaN": ({"CRVAL1": "NaN"}, "CRVAL1 = 'NaN' is rejected"),
    "NaN in the matrix": ({**MATRIX, "CD1_1": "NaN", "CD2_2": 1e-4}, "CD1_1 = 'NaN' is rejected"),
    "no scale (SGP, before it is solved)": (MATRIX, "there is no CDELT1 and no CD or PC matrix"),
    "no scale of one axis": ({"CDELT2": None}, "there is no CDELT2 and no CD or PC"),
    "no reference value": ({"CRVAL2": None}, "there is no CRVAL2"),
    "no reference pixel": ({"CRPIX1": None}, "there is no CRPIX1"),
    "matrix of zeros": ({**MATRIX, "CD1_1": 0.0, "CD2_2": 0.0}, "CD1_1 is 0"),
    "row of zeros": (
        {**MATRIX, "CD1_1": 1e-4, "CD1_2": 1e-4, "CD2_1": 0.0, "CD2_2": 0.0},
        "CD2_1 and CD2_2 are 0",
    ),
    "parallel axes": (
        {**MATRIX, "CD1_1": 1e-4, "CD1_2": 1e-4, "CD2_1": 1e-4, "CD2_2": 1e-4}, "singular",
    ),
    "scale of zero": ({"CDELT2": 0.0}, "CDELT2 is 0"),
    "equinox of zero": ({"EQUINOX": 0.0}, "EQUINOX = 0 is no year from 1800 to 2100"),
    "equinox of zero in FK5": ({"EQUINOX": 0.0, "RADESYS": "FK5"}, "EQUINOX = 0 is no year"),
    "equinox as text": ({"EQUINOX": "1950.0"}, "EQUINOX = '1950.0' is rejected"),
    "epoch of zero": ({"EPOCH": 0.0}, "EPOCH = 0 is no year"),
    "latitude of the pole as text": ({"LONPOLE": "abc"}, "LONPOLE = 'abc' is rejected"),
    "ecliptic of B1950": ({**ECLIPTIC, "EQUINOX": 1950.0}, "the ecliptic of FK4 (EQUINOX = 1950)"),
    "ecliptic of FK4": ({**ECLIPTIC, "RADESYS": "FK4"}, "the ecliptic of FK4"),
    "ecliptic of the year 0": ({**ECLIPTIC, "EQUINOX": 0.0}, "EQUINOX = 0 is no year"),
    "ecliptic, equinox as text": (
        {**ECLIPTIC, "EQUINOX": "2015.5", "RADESYS": "ICRS"}, "EQUINOX = '2015.5' is rejected",
    ),
    "ecliptic, another pole": ({**ECLIPTIC, "PV1_3": 10.0}, "PV1_3 moves the reference point"),
    "ZPX": ({"CTYPE1": "RA---ZPX", "CTYPE2": "DEC--ZPX"}, "CTYPE1 = 'RA---ZPX'"),
    "TNX of galactic coordinates": (
        {"CTYPE1": "GLON-TNX", "CTYPE2": "GLAT-TNX"}, "are not RA and DEC of IRAF's projection TNX",
    ),
    "helioecliptic": ({"CTYPE1": "HLON-TAN", "CTYPE2": "HLAT-TAN"}, "'HLON-TAN'"),
    "terrestrial": ({"CTYPE1": "TLON-TAN", "CTYPE2": "TLAT-TAN"}, "'TLON-TAN'"),
    "one axis only (astropy#6499)": ({"CTYPE2": "LINEAR"}, "Unmatched celestial axes"),
}  # fmt: skip


def written(tmp_path, header, shape=(120, 120), dtype=np.float32):
    """Write an image with cards that may break a rule."""
    path = tmp_path / "image.fits"
    hdu = fits.PrimaryHDU(stars().reshape(shape).astype(dtype))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for card in header.cards:
            hdu.header[card.keyword] = card.value
        hdu.writeto(path, output_verify="ignore")
    return path


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_header_gives_no_positions_and_a_warning_that_names_the_card(tmp_path, kind):
    cards, named = BROKEN[kind]
    path = written(tmp_path, tan(**cards))
    with pytest.warns(ImageWarning, match="the WCS cannot be used") as said:
        source = open_image(path).image
    assert len(said) == 1
    assert named in str(said[0].message)
    assert str(path) in str(said[0].message)
    with warnings.catch_warnings():  # it has been said
        warnings.simplefilter("error")
        assert source.wcs is None
        assert pickle.loads(pickle.dumps(source)).wcs is None
    with fits.open(path) as hdus, pytest.warns(ImageWarning, match="image .* cannot be used"):
        assert open_image(hdus).image.wcs is None


def test_a_number_that_breaks_the_form_of_a_card_is_not_taken_for_another(tmp_path):
    path = written(tmp_path, tan())
    content = path.read_bytes()
    for old, new in ((b"                60.5", b"                60,5"), (b"150.0", b"  NaN")):
        path.write_bytes(content.replace(old, new))
        with pytest.warns(ImageWarning, match=r"CR(PIX|VAL)1 = '(60,5|NaN)' is rejected"):
            assert open_image(path).image.wcs is None


def test_sources_of_a_broken_header_have_neither_positions_nor_names(tmp_path):
    path = written(tmp_path, tan(CRVAL1="150.0"))
    with pytest.warns(ImageWarning, match="CRVAL1"):
        found = extract(path, n_threads=1)
    assert len(found.table) == 9
    assert found.wcs is None
    assert not {"name", "sky_centroid"} & set(found.table.colnames)
    with pytest.raises(ValueError, match="'sky_centroid' needs a WCS, and the image has none"):  # noqa: SIM117
        with pytest.warns(ImageWarning, match="CRVAL1"):
            extract(path, columns=("sky_centroid",))


#: Cards that look odd and say where the image is -> the ICRS position of CRPIX.
SOUND = {
    "plain": ({}, (150, 2)),
    "PC without CDELT": ({**MATRIX, "PC1_1": -2e-4, "PC2_2": 2e-4}, (150, 2)),
    "equinox of zero in ICRS": ({"EQUINOX": 0.0, "RADESYS": "ICRS"}, (150, 2)),
    "equinox as text in ICRS": ({"EQUINOX": "2000.0", "RADESYS": "ICRS"}, (150, 2)),
    "small letters": ({"RADESYS": "icrs"}, (150, 2)),
    "B1950": ({"RADESYS": "FK4", "EQUINOX": 1950.0}, SkyCoord(150, 2, unit="deg", frame="fk4")),
    "B1950 by EPOCH": ({"EPOCH": 1950.0}, SkyCoord(150, 2, unit="deg", frame="fk4")),
    "Galactic": (GALACTIC, SkyCoord(150, 2, unit="deg", frame="galactic")),
    "Galactic with a system": (
        {**GALACTIC, "RADESYS": "ICRS"}, SkyCoord(150, 2, unit="deg", frame="galactic"),
    ),
    "Galactic with an equinox": (
        {**GALACTIC, "EQUINOX": 2000.0}, SkyCoord(150, 2, unit="deg", frame="galactic"),
    ),
    "unit spelled out": ({"CUNIT1": "degrees", "CUNIT2": "degrees"}, (150, 2)),
    "old date": ({"DATE-OBS": "12/11/99"}, (150, 2)),
    "another WCS is broken": ({"CRVAL1A": "abc"}, (150, 2)),
}  # fmt: skip


@pytest.mark.parametrize("kind", SOUND)
def test_what_says_where_the_image_is_gives_positions_without_a_word(tmp_path, kind):
    cards, expected = SOUND[kind]
    path = written(tmp_path, tan(**cards))
    if isinstance(expected, tuple):
        expected = SkyCoord(*expected, unit="deg")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        source = open_image(path).image
    for wcs in (source.wcs, pickle.loads(pickle.dumps(source)).wcs):
        assert wcs.pixel_to_world(59.5, 59.5).icrs.separation(expected.icrs).arcsec < 1e-3


def test_a_distortion_counts_where_ctype_says_so(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        distorted = open_image(written(tmp_path, tan(**TAN_SIP))).image.wcs
    (tmp_path / "image.fits").unlink()
    with pytest.warns(ImageWarning, match=r"A_ORDER .* SIP are not applied.*'RA---TAN' .* -SIP"):
        left_over = open_image(written(tmp_path, tan(**SIP))).image.wcs
    (tmp_path / "image.fits").unlink()
    plain = open_image(written(tmp_path, tan())).image.wcs
    places = [each.pixel_to_world(119, 100) for each in (plain, left_over, distorted)]
    assert places[0].separation(places[1]).arcsec < 1e-9
    assert places[0].separation(places[2]).arcsec > 2


def test_left_over_distortions_are_said_by_skyshed_alone(tmp_path, caplog):
    with pytest.warns(ImageWarning, match="SIP"):
        open_image(written(tmp_path, tan(**SIP)))
    assert not caplog.records


def test_a_plane_of_one_has_the_distortion_of_its_two_axes(tmp_path):
    path = written(tmp_path, tan(**TAN_SIP), (1, 120, 120))
    cube = open_image(path).image.wcs
    path.unlink()
    flat = open_image(written(tmp_path, tan(**TAN_SIP))).image.wcs
    assert cube.pixel_to_world(119, 100).separation(flat.pixel_to_world(119, 100)).arcsec < 1e-9


@pytest.mark.parametrize("shape", [(120, 120, 1), (120, 1, 120)])
def test_the_celestial_axes_are_those_of_the_image(tmp_path, shape):
    spectral = {"CTYPE3": "FREQ", "CRVAL3": 1.4e9, "CRPIX3": 60.0, "CDELT3": 1e5, "CUNIT3": "Hz"}
    path = written(tmp_path, tan(**spectral), shape)
    with pytest.warns(ImageWarning, match="CTYPE1 = 'RA---TAN' .* are not the axes of the image"):
        assert open_image(path).image.wcs is None


def test_a_card_of_an_axis_that_is_not_on_the_sky_does_not_matter(tmp_path):
    path = written(tmp_path, tan(CTYPE3="FREQ", CRVAL3="abc", CUNIT3="Hz"), (1, 120, 120))
    assert open_image(path).image.wcs is not None


def test_what_astropy_says_of_pixels_is_not_silenced(tmp_path):
    path = written(tmp_path, fits.Header({"BLANK": 5}))
    with pytest.warns(ImageWarning, match=r"image\.fits\[0\]: Invalid 'BLANK' keyword"):
        open_image(path)


def test_a_file_that_is_cut_off_behind_the_image_is_said_to_be(tmp_path):
    path = tmp_path / "image.fits"
    hdus = [fits.PrimaryHDU(stars()), fits.ImageHDU(stars(), name="LAST")]
    fits.HDUList(hdus).writeto(path)
    path.write_bytes(path.read_bytes()[:100000])
    with pytest.warns(ImageWarning, match=r"image\.fits\[0\]: File may have been truncated"):
        source = open_image(path).image
    assert np.array_equal(source.read(source.everything), stars())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        source = open_image(f"{path}[LAST]").image
        with pytest.raises(OSError, match="cut off"):  # said where the pixels are wanted
            source.read(source.everything)


def test_what_other_threads_warn_of_meanwhile_is_theirs():
    """Several images may be opened and worked on in threads of one process."""

    def elsewhere():
        warnings.warn("of another image", NoDetectionsWarning, stacklevel=1)

    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        with heard() as said:
            thread = Thread(target=elsewhere)
            thread.start()
            thread.join()
        pass_on(said, "mine.fits")
    assert said == []
    assert [(each.category, str(each.message)) for each in shown] == [
        (NoDetectionsWarning, "of another image")
    ]


@pytest.mark.parametrize("cards", OLD_FORMS.values(), ids=list(OLD_FORMS))
def test_cards_in_an_old_form_and_void_ones_cost_no_positions(cards):
    wcs, reason, _ = read_celestial(tan(**cards))
    assert reason is None
    astropy = WCS(tan(**{name: each for name, each in cards.items() if type(each) is not str}))
    there, here = (each.wcs_pix2world([[3.0, 70.0]], 0) for each in (astropy, wcs))
    np.testing.assert_array_equal(here, there)


def test_a_broken_header_gives_no_positions_while_others_change_filters_of_warnings():
    header = tan(CRVAL1="150.0")
    stop = []

    def change():
        while not stop:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")

    thread = Thread(target=change)
    thread.start()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = {read_celestial(header)[0] for _ in range(300)}
    finally:
        stop.append(True)
        thread.join()
    assert found == {None}
