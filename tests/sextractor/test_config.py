"""Configurations of SExtractor mean what they say, and what is lost is told."""

import numpy as np
import pytest

from skyshed import Parameters, extract
from skyshed.cli import main
from skyshed.sextractor import read_config, translate
from tests.pipeline_field import make_field


def parameters(**words):
    return translate({key: str(value).split() for key, value in words.items()}).parameters


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"DETECT_MINAREA": 7}, {"npixels": 7, "deblend_npixels": 3}),
        ({"DETECT_MINAREA": 2}, {"npixels": 2, "deblend_npixels": 2}),
        ({"DETECT_MAXAREA": 0}, {"max_npixels": None}),
        ({"DETECT_MAXAREA": 90}, {"max_npixels": 90}),
        ({"DETECT_THRESH": 2.5}, {"nsigma": 2.5, "threshold_type": "global"}),
        ({"DETECT_THRESH": 20, "THRESH_TYPE": "ABSOLUTE"}, {"threshold": 20.0}),
        ({"FILTER": "N"}, {"kernel": None, "kernel_fwhm": None}),
        ({"DEBLEND_NTHRESH": 16, "DEBLEND_MINCONT": 0.01}, {"nlevels": 16, "contrast": 0.01}),
        ({"PHOT_APERTURES": "5 8"}, {"aperture_radii": (2.5, 4.0)}),
        ({"PHOT_AUTOPARAMS": "2.0 4.0"}, {"kron_params": (2.0, 2.0, 0.0)}),
        (
            {"PHOT_AUTOPARAMS": "2.5 3.5", "PHOT_AUTOAPERS": "0.0 6.0"},
            {"kron_params": (2.5, 1.4, 3.0)},
        ),
        ({"PHOT_FLUXFRAC": "0.2 0.5"}, {"fluxfrac_radii": (0.2, 0.5)}),
        ({"MASK_TYPE": "BLANK"}, {"apermask_method": "mask"}),
        ({"MAG_ZEROPOINT": 25.5, "GAIN": 2}, {"zero_point": 25.5, "effective_gain": 2.0}),
        ({"GAIN": 0}, {"effective_gain": None}),
        ({"BACK_SIZE": "64 32", "BACK_FILTERSIZE": 5}, {"box_size": (32, 64), "filter_size": 5}),
        ({"BACKPHOTO_TYPE": "LOCAL"}, {"localbkg_width": 24}),
        ({"BACKPHOTO_TYPE": "LOCAL", "BACKPHOTO_THICK": 16}, {"localbkg_width": 16}),
        ({"WEIGHT_TYPE": "BACKGROUND"}, {"threshold_type": "map"}),
    ],
)
def test_a_keyword_is_a_parameter(words, expected):
    found = parameters(**words)
    assert {name: getattr(found, name) for name in expected} == expected


def test_what_is_not_said_is_the_preset():
    assert parameters() == Parameters.preset("sextractor")


def test_weights_are_arguments():
    found = translate({"WEIGHT_TYPE": ["MAP_RMS"], "WEIGHT_IMAGE": ["r.fits"]})
    assert found.inputs == {"rms": "r.fits"}
    both = translate({"WEIGHT_TYPE": ["NONE", "MAP_VAR"], "WEIGHT_IMAGE": ["v.fits"]})
    assert both.inputs == {"variance": "v.fits"}
    assert translate({"BACK_TYPE": ["MANUAL"], "BACK_VALUE": ["3.5"]}).inputs == {"background": 3.5}


def test_cards_count_where_the_header_has_them():
    words = {"GAIN": ["2"], "GAIN_KEY": ["GAIN"], "SATUR_KEY": ["SATURATE"], "SATUR_LEVEL": ["9"]}
    found = translate(words, has_card=lambda name: name == "GAIN").parameters
    assert (found.effective_gain, found.saturation) == ("GAIN", 9.0)


@pytest.mark.parametrize(
    ("words", "note"),
    [
        ({"CLEAN": ["Y"]}, "CLEAN Y: detections in the wings"),
        ({"ANALYSIS_THRESH": ["3"], "DETECT_THRESH": ["2"]}, "ANALYSIS_THRESH 3: "),
        ({"DETECT_TYPE": ["PHOTO"]}, "DETECT_TYPE PHOTO: "),
        ({"CHECKIMAGE_TYPE": ["BACKGROUND"]}, "CHECKIMAGE_TYPE BACKGROUND: "),
        ({"NONSENSE": ["3"]}, "NONSENSE 3: is no keyword"),
    ],
)
def test_what_cannot_be_followed_is_said_in_a_line(words, note):
    (line,) = translate(words).notes
    assert line.startswith(note)


def test_what_loses_nothing_is_not_said():
    words = {
        "CLEAN": ["N"],
        "CLEAN_PARAM": ["2.0"],
        "BACK_FILTTHRESH": ["0"],
        "VERBOSE_TYPE": ["F"],
    }
    assert translate(words).notes == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("DETECT_THRESH low\n", "DETECT_THRESH must be numbers"),
        ("DETECT_THRESH 22.5,24\n", "magnitudes per square arcsecond"),
        ("MASK_TYPE HIDE\n", "MASK_TYPE HIDE must be one of"),
        ("WEIGHT_TYPE MAP\n", "WEIGHT_TYPE MAP is not known"),
        ("DEBLEND_MINCONT 2\n", "contrast must be a number"),
    ],
)
def test_a_bad_value_is_refused_by_file_and_keyword(text, message, tmp_path):
    path = tmp_path / "bad.sex"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        read_config(path)
    assert str(path) in str(caught.value)


def test_names_and_kernel_are_looked_for_beside_the_configuration(tmp_path):
    (tmp_path / "my.param").write_text("NUMBER\n#FLUX_ISO\nMAG_APER(2) # mag\nVIGNET(9,9)\n")
    (tmp_path / "my.conv").write_text("CONV NORM\n1 2 1\n2 9 2\n1 2 1\n")
    path = tmp_path / "my.sex"
    path.write_text("PARAMETERS_NAME my.param\nFILTER_NAME my.conv\n")
    found = read_config(path)
    assert found.parameters.columns == ("NUMBER", "MAG_APER")
    assert found.parameters.kernel == str(tmp_path / "my.conv")
    assert found.notes == [
        "VIGNET: is not measured; SourceCatalog.make_cutouts gives images of sources"
    ]


def test_the_command_line_reads_a_configuration(tmp_path, capsys):
    from astropy.io import fits

    from skyshed.output import read_catalog

    data = make_field().astype(np.float32)
    fits.writeto(tmp_path / "field.fits", data)
    (tmp_path / "my.param").write_text("NUMBER\nX_IMAGE\nFLUX_AUTO\n")
    (tmp_path / "my.sex").write_text("PARAMETERS_NAME my.param\nCLEAN Y\nDETECT_THRESH 2\n")
    arguments = [str(tmp_path / "field.fits"), "--sextractor", str(tmp_path / "my.sex")]
    out = str(tmp_path / "out")
    assert main(["extract", *arguments, "--out", out, "--no-preview", "--npixels", "9"]) == 0
    assert "CLEAN Y: detections" in capsys.readouterr().err
    table = read_catalog(tmp_path / "out/catalog.fits")
    assert table.colnames == ["NUMBER", "X_IMAGE", "FLUX_AUTO"]
    preset = Parameters.preset("sextractor", nsigma=2, npixels=9)
    expected = extract(data, parameters=preset).table
    np.testing.assert_array_equal(table["X_IMAGE"].value, expected["xcentroid"] + 1)
    assert main(["extract", *arguments, "--preset", "photutils", "--out", out]) == 2
    assert "give one of them" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    ["extract i.fits", "bands g=g.fits r=r.fits", "quality i.fits --out q", "survey list --out c"],
)
def test_a_preset_comes_before_files_and_options(command, tmp_path):
    from skyshed.cli import make_parser
    from skyshed.cli.extract import read_parameters

    path = tmp_path / "p.toml"
    path.write_text("nsigma = 3\nnpixels = 9\n")
    words = [*command.split(), "--preset", "sextractor", "--config", str(path), "--npixels", "4"]
    found = read_parameters(make_parser().parse_args(words))
    assert found == Parameters.preset("sextractor", nsigma=3, npixels=4)


def test_the_preset_of_photutils_is_what_the_defaults_were():
    assert Parameters.preset("photutils", nsigma=2).contrast == 0.001
    with pytest.raises(ValueError, match="preset must be"):
        Parameters.preset("sep")


def test_a_gaussian_that_is_asked_for_takes_the_place_of_the_kernel_of_a_preset():
    kernel = Parameters.preset("sextractor").kernel
    assert kernel is not None
    for asked in (
        Parameters.preset("sextractor", kernel_fwhm=4),
        Parameters.preset("sextractor").replace(kernel_fwhm=4),
    ):
        assert (asked.kernel, asked.kernel_fwhm) == (None, 4)
    with pytest.raises(ValueError, match=r"kernel_fwhm = 4 is of a Gaussian, .* leave one"):
        Parameters.preset("sextractor", kernel_fwhm=4, kernel=kernel)
    given = Parameters(kernel_fwhm=4).replace(kernel=kernel)
    assert (given.kernel, given.kernel_fwhm) == (kernel, Parameters().kernel_fwhm)
    assert Parameters(**given.to_dict()) == given
    assert Parameters.preset("sextractor").replace(nsigma=2).kernel == kernel


def test_yes_and_no_are_told_by_their_first_letter():
    assert translate({"FILTER": ["NO"]}).parameters.kernel is None
    assert translate({"FILTER": ["no"]}).parameters.kernel_fwhm is None
    assert translate({"FILTER": ["YES"]}).parameters.kernel is not None
    assert translate({"CLEAN": ["NO"]}).notes == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"DETECT_MINAREA": ["0"]}, "npixels must be"),
        ({"PHOT_AUTOPARAMS": ["0", "3.5"]}, "PHOT_AUTOPARAMS must begin with"),
        ({"WEIGHT_TYPE": ["MAP_WEIGHT"]}, "MAP_WEIGHT needs WEIGHT_IMAGE"),
        ({"WEIGHT_TYPE": ["MAP_RMS", "MAP_RMS"], "WEIGHT_IMAGE": ["a"]}, "needs WEIGHT_IMAGE"),
    ],
)
def test_what_sextractor_refuses_is_refused(words, message):
    with pytest.raises(ValueError, match=message):
        translate(words)


def test_a_scale_of_pixels_that_surface_brightnesses_do_not_take_is_said(tmp_path):
    (tmp_path / "my.param").write_text("NUMBER\nMU_MAX\n")
    for scale, notes in (
        ("0.3", ["PIXEL_SCALE 0.3: surface brightnesses are by the WCS"]),
        ("0", []),
    ):
        (tmp_path / "my.sex").write_text(
            f"PARAMETERS_NAME my.param\nCLEAN N\nPIXEL_SCALE {scale}\n"
        )
        assert read_config(tmp_path / "my.sex").notes == notes
