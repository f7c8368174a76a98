"""The benchmark with truth: fields hold the light that they tell, perfect catalogs are perfect."""

import numpy as np
import pytest
import sep

from benchmarks.truth.catalogs import Catalog
from benchmarks.truth.fields import FIELDS
from benchmarks.truth.figures import UNCERTAIN, Judge, Sample, bad_at, pooled
from benchmarks.truth.simulate import noise, simulate
from skyshed.quality.scores import middle, spread

SIDE = 400


def test_the_table_of_fields_is_what_was_asked_for():
    assert len(FIELDS) >= 8
    assert {plan.simulator for plan in FIELDS} == {"survey", "bulges"}
    assert any(plan.conditions.get("density") == 12000 for plan in FIELDS)
    assert [round(plan.correlation, 2) for plan in FIELDS if plan.correlation] == [0.3, 0.67, 0.3]


@pytest.mark.parametrize("name", ["survey", "bulges"])
def test_the_flux_told_is_the_light_in_the_image(name):
    plan = next(plan for plan in FIELDS if plan.name == name)
    sky = simulate(plan, 8, SIDE)
    # What leaves the image at its edges is little: 4 % of the bulges here.
    assert sky.light.sum() == pytest.approx(sky.flux.sum(), rel=0.07)
    residual = (sky.data - sky.sky - sky.light) / np.sqrt(
        sky.rms**2 + np.maximum(sky.light, 0) / sky.gain
    )
    assert np.std(residual) == pytest.approx(1, abs=0.02)


def test_noise_is_correlated_as_the_plan_says():
    for plan in FIELDS:
        image = noise((500, 500), plan, np.random.default_rng(9))
        assert np.mean(image[:, 1:] * image[:, :-1]) == pytest.approx(plan.correlation, abs=0.02)
        assert np.var(image) == pytest.approx(1, abs=0.03)


def test_a_perfect_catalog_is_judged_to_be_perfect():
    sky = simulate(FIELDS[0], 10, 900)
    judge = Judge(sky, 24.0)
    rng = np.random.default_rng(11)
    bright = sky.magnitude < 24.5
    x, y, flux = sky.x[bright], sky.y[bright], sky.flux[bright]

    def sums(light):
        apertures = {}
        for radius in judge.radii:
            true, _, _ = sep.sum_circle(light, x, y, radius, subpix=0)
            error = rng.uniform(5, 20, x.size)
            apertures[radius] = true + error * rng.standard_normal(x.size), error
        return apertures

    apertures = sums(sky.light)
    catalog = Catalog(x, y, None, {"all": flux}, apertures, sky.sky)
    figures = judge.figures(catalog)
    assert figures["sky bias"] == 0
    assert figures["bad"] == 0
    assert figures["complete"] > 0.95  # faint ones beside brighter ones are none of their own
    assert figures["total -1"] == pytest.approx(1)
    assert figures["flux pull, all light"] == pytest.approx(1, abs=0.25)
    assert figures["flux pull"] > 1.25  # what is fainter than the limit is noise
    own = sums(sky.light_of(sky.magnitude < judge.limit))
    figures = judge.figures(Catalog(x, y, None, {"all": flux}, own, sky.sky))
    assert figures["flux pull"] == pytest.approx(1, abs=0.25)
    far = Catalog(x + 50, y, None, {"all": flux}, apertures, sky.sky + sky.rms)
    worse = judge.figures(far)
    assert worse["sky bias"] == pytest.approx(1)
    assert worse["of them no source"] > 100


@pytest.mark.parametrize("figure", [middle, spread])
def test_figures_scatter_by_as_much_as_they_are_uncertain(figure):
    rng = np.random.default_rng(12)
    draws = [
        pooled([{"any": Sample(rng.normal(3, 2, 100), figure)} for _ in range(2)])
        for _ in range(400)
    ]
    scatter = np.std([each["any"] for each in draws])
    assert scatter == pytest.approx(np.mean([each[f"any{UNCERTAIN}"] for each in draws]), rel=0.15)


def test_bad_detections_are_those_at_the_threshold_that_finds_as_much():
    sky = simulate(FIELDS[0], 10, 900)
    judge = Judge(sky, 24.0)
    y, x = np.mgrid[20:880:20, 20:880:20].reshape(2, -1).astype(float)
    far = np.hypot(x[:, None] - sky.x, y[:, None] - sky.y).min(axis=1) > 4
    of_limit = sky.flux[np.abs(sky.magnitude - 24.0) < 0.1].mean()

    def measure(nsigma):
        # Sources brighter than the limit at a threshold of 2, and fewer false ones than below it.
        found = sky.flux > of_limit * nsigma / 2
        n_false = round(100 / nsigma)
        x_all, y_all = (
            np.append(one[found], other[far][:n_false]) for one, other in ((sky.x, x), (sky.y, y))
        )
        flux = np.append(sky.flux[found], np.ones(n_false))
        apertures = {r: (np.ones(flux.size), np.ones(flux.size)) for r in judge.radii}
        return Catalog(x_all, y_all, None, {"all": flux}, apertures, sky.sky)

    def figures_at(nsigma):
        return judge.figures(measure(nsigma))

    wanted = figures_at(2.0)
    found = bad_at(figures_at, wanted["complete"] - 1e-9)
    assert found == pytest.approx(wanted["bad"], rel=0.05)
    assert bad_at(figures_at, 0.7) < found
    assert np.isnan(bad_at(figures_at, 1.1))


def test_figures_of_several_realizations_are_of_all_their_sources():
    rng = np.random.default_rng(12)
    parts = []
    for seed in (10, 13):
        sky = simulate(FIELDS[0], seed, 900)
        judge = Judge(sky, 24.0)
        bright = sky.magnitude < 24.5 - (seed - 10) / 6
        x, y, flux = sky.x[bright], sky.y[bright], sky.flux[bright]
        x = x + rng.normal(0, (seed - 9) / 10, x.size)
        apertures = {r: (flux, np.ones(flux.size)) for r in judge.radii}
        error = np.full(x.size, 0.1)
        parts.append(judge.samples(Catalog(x, y, error, {"all": flux}, apertures, sky.sky)))
    one, other = (pooled([part]) for part in parts)
    both = pooled(parts)
    assert both["sources"] == (one["sources"] + other["sources"]) / 2
    for name in ("complete", "x pull"):
        low, high = sorted((one[name], other[name]))
        assert low < both[name] < high
