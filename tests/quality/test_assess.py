"""What is injected is found again as it is known to be: completeness, bias, errors, purity."""

import numpy as np
import pytest

from skyshed.cli import main
from skyshed.datasets import make_survey_image
from skyshed.datasets.write import write_survey
from skyshed.parameters import Parameters
from skyshed.quality import assess
from skyshed.quality.inject import draw, light_of


@pytest.fixture(scope="module")
def field():
    return make_survey_image((480, 520), density=900, seed=31, chip_shape=None)


@pytest.fixture(scope="module")
def quality(field):
    return assess(
        field.data, mask=field.mask, psf_fwhm=3.5, n_sources=700, seed=5, effective_gain=4.0,
        background_passes=2, n_threads=1, zero_point=30.0,
    )  # fmt: skip


def test_the_light_injected_is_the_flux_told():
    drawn = draw((400, 500), (100.0, 3e5), 3.0, 0.5, np.random.default_rng(2))
    assert drawn.star.any()
    assert not drawn.star.all()
    for one in (drawn.star, ~drawn.star):
        alone = type(drawn)(*(getattr(drawn, name)[one] for name in vars(drawn)))
        light = light_of(alone, (400, 500), 3.0, 1e-4)
        assert light.sum() == pytest.approx(alone.flux.sum(), rel=0.02)


def test_injected_sources_do_not_disturb_each_other():
    drawn = draw((600, 700), (1.0, 10.0), 4.0, 0.5, np.random.default_rng(3))
    distance = np.hypot(drawn.x[:, None] - drawn.x, drawn.y[:, None] - drawn.y)
    assert distance[~np.eye(len(drawn.x), dtype=bool)].min() > 20


def test_the_bright_are_found_and_the_faint_are_not(quality):
    for kind in ("star", "galaxy"):
        mine = quality.bins[np.asarray(quality.bins["kind"]) == kind]
        assert mine["completeness"][-3:].min() > 0.85
        assert mine["completeness"][0] < 0.1
        assert sum(mine["n"]) == np.count_nonzero(np.asarray(quality.injected["kind"]) == kind)
    assert quality.facts["flux_limit_50"] < quality.facts["flux_limit_90"]
    np.testing.assert_allclose(quality.bins["magnitude"], 30 - 2.5 * np.log10(quality.bins["flux"]))


def test_fluxes_and_positions_of_bright_stars_are_right(quality):
    stars = quality.bins[np.asarray(quality.bins["kind"]) == "star"]
    assert 0.94 < stars["kron_ratio"][-2] < 1.02
    assert stars["kron_spread"][-2] < 0.03
    assert stars["x_spread"][-2] < 0.05
    assert stars["x_spread"][-2] < stars["x_spread"][-6]


def test_what_is_false_is_counted_in_the_mirror_image(quality):
    assert np.all(quality.purity["n_false"] >= 0)
    assert np.nanmin(np.asarray(quality.purity["purity"])[-4:]) > 0.95


def test_a_seed_repeats_it(field, quality):
    again = assess(
        field.data, mask=field.mask, psf_fwhm=3.5, n_sources=700, seed=5, effective_gain=4.0,
        background_passes=2, n_threads=2, zero_point=30.0,
    )  # fmt: skip
    for name in quality.injected.colnames:
        np.testing.assert_array_equal(again.injected[name], quality.injected[name])


def test_the_image_is_not_changed(field):
    before = field.data.copy()
    assess(field.data, mask=field.mask, psf_fwhm=3.5, n_sources=10, seed=1)
    np.testing.assert_array_equal(field.data, before)


def test_the_seeing_is_that_of_the_stars():
    image = make_survey_image((700, 700), seed=6, star_fraction=0.5, psf_fwhm=4.0)
    found = assess(image.data, mask=image.mask, n_sources=10, seed=1)
    assert found.facts["psf_fwhm"] == pytest.approx(4.0, rel=0.06)


def test_too_few_stars_tell_no_seeing():
    noise = np.random.default_rng(7).normal(0, 1, (128, 128))
    noise[60:64, 60:64] += 20
    with pytest.raises(ValueError, match=r"psf_fwhm is not given, .* give psf_fwhm \(--psf-fwhm\)"):
        assess(noise, n_sources=10)


@pytest.mark.parametrize(
    ("option", "value"),
    [("n_sources", 0), ("star_fraction", 1.5), ("psf_fwhm", -1.0), ("psf_fwhm", np.nan)],
)
def test_a_wrong_argument_is_refused(option, value):
    with pytest.raises(ValueError, match=option):
        assess(np.ones((64, 64)), **{option: value})


@pytest.mark.parametrize("columns", [("label",), ("NUMBER", "MAG_AUTO"), ("default",)])
def test_what_is_compared_is_measured_whichever_columns_are_asked_for(field, columns):
    options = {"psf_fwhm": 3.5, "n_sources": 50, "seed": 1, "zero_point": 25.0}
    expected = assess(field.data, **options)
    for given in ({"columns": columns}, {"parameters": Parameters(columns=columns)}):
        found = assess(field.data, **options, **given)
        for name in ("completeness", "kron_ratio"):
            assert np.array_equal(found.bins[name], expected.bins[name], equal_nan=True)


def test_the_command_writes_tables_and_a_picture(tmp_path, field, capsys):
    pytest.importorskip("matplotlib")
    write_survey(field, tmp_path / "field.fits")
    command = ["quality", str(tmp_path / "field.fits"), "--out", str(tmp_path / "out"),
               "--psf-fwhm", "3.5", "--n-sources", "100", "--seed", "3", "--preset", "photutils",
               "--mask", str(tmp_path / "field.fits[MASK]")]  # fmt: skip
    assert main(command) == 0
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"quality.ecsv", "purity.ecsv", "injected.ecsv", "quality.png"}
    assert (tmp_path / "out/quality.png").read_bytes()[1:4] == b"PNG"
    assert "flux_limit_50" in capsys.readouterr().out


def test_the_command_refuses_what_is_no_image(tmp_path, capsys):
    assert main(["quality", str(tmp_path / "none.fits"), "--out", str(tmp_path / "out")]) == 2
    assert "there is no such file" in capsys.readouterr().err


def test_columns_that_are_named_do_not_hide_what_is_compared():
    image = make_survey_image((256, 256), seed=4)
    options = {"mask": image.mask, "psf_fwhm": 3.5, "n_sources": 20, "seed": 1}
    usual = assess(image.data, **options)
    for columns in (("label", "isocor_flux"), ("NUMBER", "FLUX_AUTO")):
        found = assess(image.data, columns=columns, **options)
        for name in ("completeness", "kron_ratio"):
            np.testing.assert_array_equal(found.bins[name], usual.bins[name])
        np.testing.assert_array_equal(found.purity["n_false"], usual.purity["n_false"])


def test_a_mask_is_that_of_the_region():
    image = make_survey_image((300, 256), seed=4)
    options = {"psf_fwhm": 3.5, "n_sources": 20, "seed": 1}
    part = assess(image.data, mask=image.mask, region="20:276,0:256", **options)
    cut = assess(image.data[20:276], mask=image.mask[20:276], **options)
    np.testing.assert_array_equal(part.bins["kron_ratio"], cut.bins["kron_ratio"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"segmentation": np.eye(64, dtype=int)}, "segmentation does not go with injected"),
        ({"detection_image": np.ones((64, 64))}, "detection_image does not go with injected"),
        ({"region": "0:32,0:32", "rms": np.ones((64, 64))}, "region does not go with rms"),
    ],
)
def test_what_would_be_dropped_without_a_word_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        assess(np.ones((64, 64)), psf_fwhm=3.0, **options)
