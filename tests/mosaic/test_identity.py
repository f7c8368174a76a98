"""Tile by tile, labels and catalogs have the bits of a run at once."""

import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skyshed import NoDetectionsWarning
from skyshed.catalog import registry
from skyshed.datasets import make_survey_image
from skyshed.mosaic import measure
from tests.mosaic.fields import (
    add_source,
    assert_same,
    at_once,
    by_tiles,
    draw_field,
    draw_parameters,
)
from tests.pipeline_field import SHAPE, make_field, make_wcs

#: Boxes of the fields drawn by hand: tiles are whole boxes.
BOX = 16


def compare(data, tile, **options):
    """Run both ways and compare; return what the run over tiles found."""
    names = ("weight", "rms", "error", "mask")
    companions = {name: options.pop(name) for name in names if name in options}
    wcs = options.pop("wcs", None)
    whole = at_once(data, wcs=wcs, **companions, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tiled = by_tiles(data, tile, companions=companions, wcs=wcs, **options)
    assert_same(tiled, whole)
    return tiled


def quiet(shape, seed=1):
    """Return a field of noise, float32."""
    return np.random.default_rng(seed).normal(10, 1, shape)


any_tiles = given(seed=st.integers(0, 2**32 - 1), high=st.integers(1, 4), wide=st.integers(1, 4))
health = {"suppress_health_check": list(HealthCheck)}


@pytest.mark.parametrize("part", range(4))  # for workers to share
@settings(max_examples=20, **health)
@any_tiles
def test_any_field_in_any_tiles(part, seed, high, wide):
    check_any_field(part, seed, high, wide)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4, 8))
@settings(max_examples=200, **health)
@any_tiles
def test_many_fields_in_any_tiles(part, seed, high, wide):
    check_any_field(part, seed, high, wide)


def check_any_field(part, seed, high, wide):
    rng = np.random.default_rng([part, seed])
    (data, mask), options = draw_field(rng), draw_parameters(rng)
    box = np.minimum(options["box_size"], data.shape)
    try:
        whole = at_once(data, mask=mask, n_threads=1, **options)
    except ValueError:  # such as no box of the background that has a good pixel
        whole = None
    tile = int(box[0]) * high, int(box[1]) * wide
    given_ = {} if mask is None else {"mask": mask}
    options |= {"n_threads": 1}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if whole is None:
            with pytest.raises(ValueError, match=r"no box|no pixel"):
                by_tiles(data, tile, companions=given_, **options)
        else:
            assert_same(by_tiles(data, tile, companions=given_, **options), whole)


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("offset", [-1.5, -0.5, 0.0, 0.5])
def test_sources_on_the_corner_of_four_tiles(offset, connectivity):
    data = quiet((96, 96))
    for y in (32, 64):
        for x in (32, 64):
            add_source(data, y + offset, x + offset, 60, 2, 0.8, 0.4)
    found = compare(
        data.astype(np.float32), (32, 32), box_size=BOX, nsigma=4, connectivity=connectivity
    )
    assert found.segmentation.nlabels == 4


def test_a_trail_across_many_tiles():
    data = quiet((260, 280))
    # Thin enough for the background of its boxes to be known.
    add_source(data, 130, 140, 60, 90, 0.015, 0.7)
    for step in (-60, -20, 5, 40):
        add_source(data, 130 + 0.64 * step, 140 + 0.76 * step, 200, 1.5, 0.9, 0.0)
    found = compare(data.astype(np.float32), (32, 48), box_size=BOX, contrast=0)
    table = found.table
    assert np.sum(table["area"].value > 30) >= 4
    one = at_once(data.astype(np.float32), box_size=BOX, deblend=False).table
    assert np.any(one["bbox_ymax"] - one["bbox_ymin"] > 3 * 32)


def test_a_source_larger_than_a_tile():
    data = quiet((260, 280))
    add_source(data, 130, 140, 60, 90, 0.015, 0.7)
    found = compare(data.astype(np.float32), (32, 48), box_size=BOX, deblend=False)
    table = found.table
    assert np.any(table["bbox_ymax"] - table["bbox_ymin"] > 3 * 32)
    assert np.any(table["bbox_xmax"] - table["bbox_xmin"] > 3 * 48)


def test_a_blend_over_many_tiles_is_split_as_at_once():
    rng = np.random.default_rng(4)
    data = quiet((160, 160))
    for y, x in rng.uniform(30, 130, (60, 2)):
        add_source(data, y, x, rng.uniform(50, 500), 3, 0.9, 0.3)
    data[30:130, 30:130] += 30
    found = compare(data, (32, 48), box_size=BOX, exclude_percentile=100)
    assert found.segmentation.nlabels > 30


def test_apertures_beyond_the_margin(monkeypatch):
    alone = []
    original = measure._alone
    monkeypatch.setattr(measure, "_alone", lambda *a: alone.append(1) or original(*a))
    data = quiet((180, 180))
    for y, x in ((40, 40), (90, 100), (140, 60)):
        add_source(data, y, x, 300, 5, 0.6, 0.5)
    found = compare(
        data, (32, 32), box_size=BOX, kron_params=(4.0, 3.0, 0.0), aperture_radii=(30.0,),
        localbkg_width=30, exclude_percentile=100,
    )  # fmt: skip
    assert len(alone) >= 3
    assert found._run.job.margin < 30


def test_a_search_that_leaves_a_tile_is_followed_in_windows_of_its_own(monkeypatch):
    """They grow from what its source is known to need, not from the tile, which may be large."""
    searches, alone, measured = [], measure._alone, measure.catalogs_in

    def searching(job, *others):
        windows = []

        def noting(job, window, *others):
            windows.append(window.shape)
            return measured(job, window, *others)

        with monkeypatch.context() as patch:
            patch.setattr(measure, "catalogs_in", noting)
            found = alone(job, *others)
        searches.append(windows)
        return found

    monkeypatch.setattr(measure, "_alone", searching)
    survey = make_survey_image((500, 500), seed=8)
    data = survey.data.astype(np.float32)
    found = compare(data, (128, 128), mask=survey.mask, box_size=32, n_threads=1)
    followed = [windows for windows in searches if len(windows) > 1]
    assert followed
    tile = 128 + 2 * found._run.job.margin
    assert max(max(shape) for windows in followed for shape in windows) < tile


def test_columns_of_ones_own_read_the_convolved_image_beyond_the_segments(monkeypatch):
    """Tiles keep it at the pixels of sources alone."""
    for known in (registry.MEASUREMENTS, registry.COLUMNS):  # what is registered here goes again
        monkeypatch.setitem(known, "smooth_sum", None)
        del known["smooth_sum"]

    @registry.measurement(registry.Column("smooth_sum"), reach=registry.SEGMENT)
    def smooth_sum(frame, sources):
        boxes = sources.host.bbox
        return np.array([frame.shape_data[y0:y1, x0:x1].sum() for y0, y1, x0, x1 in boxes])

    survey = make_survey_image((150, 150), seed=8)
    found = compare(
        survey.data.astype(np.float32), (64, 64), mask=survey.mask, box_size=32, n_threads=1,
        effective_gain=2.0, columns=("label", "smooth_sum", "centroid_err"),
    )  # fmt: skip
    assert len(found.table) > 5


def test_chip_gaps_and_tiles_without_a_good_pixel():
    data = make_field().astype(np.float32)
    data[:, 90:96] = np.nan
    data[40:44] = np.nan
    mask = np.zeros(data.shape, bool)
    mask[64:128, 64:128] = True
    compare(data, (32, 32), box_size=BOX, mask=mask, wcs=make_wcs())


@pytest.mark.parametrize("relative", [False, True])
def test_weights(relative):
    data = make_field()
    weight = np.full(data.shape, 0.5, np.float32)
    weight[:, :60] = 2.0
    weight[20:30, 20:30] = 0
    compare(data, (48, 32), box_size=BOX, weight=weight, scale_weight=relative)


def test_noise_errors_and_a_gain():
    data = make_field(dtype=np.float64)
    rms = np.random.default_rng(2).uniform(0.8, 1.2, data.shape)
    compare(data, (48, 32), box_size=BOX, rms=rms)
    compare(data, (48, 32), box_size=BOX, rms=rms, error=2 * rms, effective_gain=3.0)


def test_positions_and_names_on_the_sky():
    found = compare(
        make_field(), (48, 64), box_size=BOX, wcs=make_wcs(), columns=("all",), zero_point=25.0
    )
    assert found.table["name"][0].startswith("SKYSHED J")


def test_where_every_box_lacks_pixels_all_are_used():
    data = make_field()
    mask = np.random.default_rng(3).random(data.shape) < 0.25
    found = compare(data, (32, 64), box_size=BOX, mask=mask)
    assert found.parameters.exclude_percentile == 100


def test_no_source_at_all():
    data = quiet((100, 100)).astype(np.float32)
    with pytest.warns(NoDetectionsWarning, match="No sources were found"):
        found = by_tiles(data, (32, 32), nsigma=50, box_size=BOX)
    assert_same(found, at_once(data, nsigma=50, box_size=BOX))
    assert len(found.table) == 0


@pytest.mark.parametrize("columns", [None, ("default", "centroid_err", "background_mean")])
def test_another_band_for_detection(columns):
    data = make_field()
    band = 2 * make_field(seed=7, dtype=np.float64) + np.random.default_rng(1).normal(0, 1, SHAPE)
    band[30:34, 40:90] = np.nan
    options = {"box_size": BOX, "aperture_radii": (9.0,), "columns": columns}
    whole = at_once(data, detection_image=band, wcs=make_wcs(), **options)
    tiled = by_tiles(data, (48, 32), band=band, wcs=make_wcs(), **options)
    assert_same(tiled, whole)
    assert len(whole.table) > 30


def test_one_tile_is_enough():
    compare(make_field(), (256, 256), box_size=BOX)
