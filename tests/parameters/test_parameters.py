"""Parameters: one place for every parameter, checked wherever it comes from."""

import dataclasses
import tomllib

import pytest

from skyshed import Parameters

BAD = {
    "scale_weight": ["yes", 1, None],
    "mask_bits": [
        "",
        "3-1",
        "0x",
        "64",
        "1,,2",
        (-1,),
        (64,),
        (1.5,),
        (),
        1.5,
        (True,),
        "SAT,",
        "-SAT",
        ("SAT", 64),
        ("SAT,CR",),
    ],
    "box_size": [0, -3, 2.5, "64", (3,), (3, 4, 5), True, float("nan")],
    "filter_size": [2, (3, 4), 0],
    "filter_threshold": ["high", float("inf")],
    "exclude_percentile": [-1, 100.5, "10"],
    "clip_sigma": [0, -2, None],
    "clip_maxiters": [0, 1.5],
    "bkg_estimator": ["sex", None, 3],
    "bkgrms_estimator": ["rms"],
    "background_passes": [0, 3, "2", True],
    "background_growth": [-1, float("inf"), None],
    "background_nsigma": [0, -1.0, "1"],
    "noise_nsigma": [0, -1.0, "1"],
    "background_fwhm": [0, -4.0, "4"],
    "correlated_noise": [1, "yes"],
    "kernel_fwhm": [-1, float("nan")],
    "kernel_size": [4, -1],
    "kernel": ["", 3, ((1, 2),), ((1, 2, 1), (1, 2)), ((0, 0, 0),), (("a",),)],
    "filter": ["mexhat", None],
    "template_fwhm": [3.0, (0,), (-1, 2)],
    "nsigma": [0, -1, "1.5", True, [1.5]],
    "significance": [0, -1, "5"],
    "threshold": ["5", float("nan")],
    "threshold_type": ["absolute", None],
    "max_npixels": [0, 2.5],
    "npixels": [0, 2.5],
    "connectivity": [6, "8", True],
    "deblend": [0, "no"],
    "nlevels": [0],
    "contrast": [-0.1, 1.1],
    "mode": ["log"],
    "contrast_method": [None, "watershed"],
    "deblend_npixels": [0, 1.5],
    "deblend_on": ["raw", None],
    "max_markers": [0, -1],
    "localbkg_width": [-1, 2.5],
    "apermask_method": ["ignore", None],
    "kron_params": [(2.5,), (2.5, 1.4, 0, 0), 2.5, (-1, 1.4), (2.5, 0), (2, 1, -1), "2.5"],
    "fluxfrac_radii": [(0,), (1.5,), 0.5],
    "aperture_radii": [(0,), (-3,)],
    "aperture_center": ["peak", None],
    "aperture_correction": [1, "yes"],
    "effective_gain": [-1],
    "exposure_time": [0, -1],
    "saturation": ["", "65000,", "1 e", True],
    "weight_threshold": [-1, "low"],
    "renumber": ["yes", 2],
    "zero_point": ["25.3 mag", "=AB", float("inf"), True],
    "zero_point_system": ["ST", 25],
    "calibrate": ["yes", None],
    "columns": ["label", ("label", 3), ("",)],
    "designation": ["SKY", "", 5, "É Jhhmmss+ddmmss"],
    "n_threads": [0, 1.5, -1],
}
GOOD = [
    {"box_size": (32, 48), "filter_size": 5.0, "filter_threshold": -1.5},
    {"clip_maxiters": None, "kernel_fwhm": 0, "kernel_size": None, "mask_bits": "0,3-5"},
    {"columns": ["label", "kron_flux"], "zero_point": 25, "designation": None},
    {"aperture_radii": [3, 5.5], "fluxfrac_radii": [], "kron_params": (2.0, 1.0)},
    {"kernel": [[1, 2, 1], [2, 4, 2], [1, 2, 1]], "deblend_on": "data", "max_markers": None},
    {"kernel": "psf.fits[1]", "filter": "matched", "template_fwhm": [2, 4], "significance": 5},
    {"threshold": -2, "threshold_type": "global", "max_npixels": 900, "deblend_npixels": 3},
    {"designation": "E Jhhmmss+ddmmss", "mask_bits": 7, "n_threads": 3, "effective_gain": 0},
    {"apermask_method": "none", "deblend": False, "scale_weight": True, "connectivity": 4},
]


def test_every_parameter_is_declared_with_kind_group_and_meaning():
    for each in dataclasses.fields(Parameters):
        assert set(each.metadata) == {"kind", "group", "about", "unit"}, each.name
        assert len(each.metadata["about"]) > 10, each.name
    assert set(BAD) == {each.name for each in dataclasses.fields(Parameters)}


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, values in BAD.items() for v in values])
def test_a_bad_value_is_refused_by_name_and_value(name, value):
    with pytest.raises(ValueError, match=f"{name} must be") as caught:
        Parameters(**{name: value})
    culprits = [value, *value] if isinstance(value, (tuple, list)) else [value]
    assert any(f"got {culprit!r}" in str(caught.value) for culprit in culprits)


@pytest.mark.parametrize("given", GOOD)
def test_parameters_survive_dict_and_toml(given, tmp_path):
    parameters = Parameters(**given)
    assert Parameters(**parameters.to_dict()) == parameters
    path = tmp_path / "p.toml"
    path.write_text(parameters.to_toml(), encoding="utf-8")
    assert Parameters.from_toml(path) == parameters


def test_values_are_normalised():
    parameters = Parameters(npixels=5.0, mask_bits="0x39", nsigma=2, columns=["label"])
    assert (parameters.npixels, type(parameters.npixels)) == (5, int)
    assert parameters.mask_bits == (0, 3, 4, 5)
    assert type(parameters.nsigma) is float
    assert parameters.columns == ("label",)
    assert Parameters(mask_bits="7, 0-2,1").mask_bits == (0, 1, 2, 7)


def test_parameters_are_frozen_and_comparable():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Parameters().nsigma = 3
    assert Parameters(nsigma=2) == Parameters(n_sigma=2.0) != Parameters()
    assert hash(Parameters()) == hash(Parameters())


def test_replace_takes_either_spelling_and_checks():
    assert Parameters(nlevels=8).replace(n_pixels=9, bkg_rms_estimator="mad") == Parameters(
        nlevels=8, npixels=9, bkgrms_estimator="mad"
    )
    with pytest.raises(TypeError, match="'nsigmas' is no parameter: did you mean 'nsigma'"):
        Parameters().replace(nsigmas=3)
    with pytest.raises(TypeError, match="'npixels' is given under two names"):
        Parameters().replace(npixels=3, n_pixels=4)
    with pytest.raises(TypeError, match="alias"):
        Parameters(npixels=3, n_pixels=4)


def write(tmp_path, text):
    path = tmp_path / "p.toml"
    path.write_text(text)
    return path


def test_toml_keys_are_flat_or_in_their_groups(tmp_path):
    flat = write(tmp_path, "nsigma = 2\nn_pixels = 7\n")
    assert Parameters.from_toml(flat) == Parameters(nsigma=2, npixels=7)
    grouped = write(tmp_path, "npixels = 7\n[background]\nbox_size = [32, 16]\n")
    assert Parameters.from_toml(grouped) == Parameters(npixels=7, box_size=(32, 16))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nsgima = 2", "'nsgima' is no parameter: did you mean 'nsigma'"),
        ("[detect]\nnsigma = 2", r"\[detect\] is no table of parameters"),
        ("[background]\nnsigma = 2", r"nsigma belongs in the table \[detection\]"),
        ("nsigma = 1\n[detection]\nnsigma = 2", "nsigma is given twice"),
        ("nsigma = -2", "nsigma must be a number above 0; got -2"),
        ("nsigma = ", "Invalid value"),
    ],
)
def test_a_bad_configuration_file_is_refused_with_its_name(tmp_path, text, message):
    with pytest.raises(ValueError, match=f"p.toml: .*{message}"):
        Parameters.from_toml(write(tmp_path, text))


def test_the_toml_written_says_every_parameter_in_its_group():
    content = tomllib.loads(Parameters().to_toml())
    for each in dataclasses.fields(Parameters):
        assert each.name in content[each.metadata["group"]]


def test_choices_are_the_same_in_capitals():
    parameters = Parameters(zero_point=25.0, zero_point_system="ab", mode="Exponential")
    assert (parameters.zero_point_system, parameters.mode) == ("AB", "exponential")
    assert Parameters(zero_point=25.0, zero_point_system="vega").zero_point_system == "Vega"
