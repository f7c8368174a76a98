"""Presets: what each is better at, beside the truth."""

import numpy as np
import pytest

from skyshed import Parameters, extract
from skyshed.datasets import make_survey_image
from skyshed.quality.matching import match

SIDE, RADIUS = 500, 3.0


@pytest.fixture(scope="module")
def stars():
    """Return a field of 12,000 stars per million pixels."""
    return make_survey_image(
        (SIDE, SIDE), seed=21, density=12000.0, star_fraction=1.0, star_slope=0.2,
        clustered_fraction=0.0, bad_fraction=0.0, bad_columns=0, chip_shape=None, saturation=1e9,
    )  # fmt: skip


def judged(image, parameters):
    """Return the share of the brightest quarter of stars that is found, and how many are none."""
    table = extract(
        image.data, parameters=parameters.replace(
            columns=("xcentroid", "ycentroid"), aperture_correction=False
        ), box_size=64,
    ).table  # fmt: skip
    x, y = (np.asarray(table[name], float) for name in ("xcentroid", "ycentroid"))
    truth = {name: np.asarray(image.truth[name], float) for name in ("x", "y", "flux")}
    found = match(x, y, truth["x"], truth["y"], truth["flux"], RADIUS)
    bright = truth["flux"] > np.quantile(truth["flux"], 0.75)
    false = np.count_nonzero(found.source_of < 0)
    return np.mean(found.detection_of[bright] >= 0), false


@pytest.mark.filterwarnings("ignore:without the sources")
def test_in_crowded_fields_that_preset_finds_more_stars_and_no_more_false_ones(stars):
    share, false = judged(stars, Parameters.preset("crowded"))
    for other in (Parameters(), Parameters.preset("recommended"), Parameters.preset("sextractor")):
        share_of_other, false_of_other = judged(stars, other)
        assert share > share_of_other + 0.05
        assert false <= false_of_other


def test_what_is_recommended_has_the_sky_twice_and_all_light():
    image = make_survey_image((400, 500), seed=3, star_fraction=0.4)
    found = extract(
        image.data, mask=image.mask, effective_gain=4.0, parameters=Parameters.preset("recommended")
    )
    usual = extract(image.data, mask=image.mask, effective_gain=4.0)
    assert "total_flux" in found.table.colnames
    bias = [
        abs(np.median((np.asarray(each.background) - image.sky)[~image.mask]))
        for each in (found, usual)
    ]
    assert bias[0] < bias[1]
