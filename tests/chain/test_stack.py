"""Equal images at once: each has what it has alone, bit by bit."""

import contextlib
import warnings

import numpy as np
import pytest
from astropy.wcs import WCS

from skyshed import Parameters
from skyshed.chain.association import Association
from skyshed.chain.stack import are_alike, can_be_stacked, run_stack
from skyshed.chain.whole import run_whole
from skyshed.exceptions import DeblendWarning, NoDetectionsWarning
from skyshed.extraction.entry import open_request
from skyshed.flags import SEGMENTATION_FLAGS
from skyshed.images.window import Window
from tests.device import scenes

SHAPE = (90, 101)
#: Boxes that are cut off at both ends.
SETTINGS = {
    "box_size": 32, "npixels": 5, "nsigma": 1.5, "localbkg_width": 8, "fluxfrac_radii": (0.5,),
    "aperture_radii": (3.0,), "n_threads": 1,
}  # fmt: skip


def images(dtype=np.float32):
    """Return a field, one without sources, one with bad pixels, and one with stars at its edges."""
    fields = [scenes.image(seed, SHAPE, 40, dtype) for seed in (1, 2, 3)]
    empty = np.random.default_rng(1).normal(20, 1, SHAPE).astype(dtype)
    spoiled, mask = scenes.spoiled(fields[1])
    edge = fields[2]
    y, x = np.indices(SHAPE)
    for y0 in (0, 1, SHAPE[0] - 1):
        for x0 in (10, 30, 50, 70):
            edge += (80 * np.exp(-((x - x0) ** 2 + (y - y0) ** 2) / 4)).astype(dtype)
    return [fields[0], empty, spoiled, edge], [None, None, mask, None]


def opened(data, parameters, **planes):
    """Return the request of each image; planes are lists of one for each."""
    return [
        open_request(
            image, parameters=parameters, **{name: each[k] for name, each in planes.items()}
        )
        for k, image in enumerate(data)
    ]


def stacked(requests):
    """Return the runs, and what was said of each image."""
    heard = [[] for _ in requests]

    @contextlib.contextmanager
    def about(k):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
        if k is not None:
            heard[k] += [(each.category, str(each.message)) for each in caught]

    assert all(map(can_be_stacked, requests))
    assert all(are_alike(requests[0], each) for each in requests)
    return run_stack(requests, lambda stage: None, about), heard


def alone(request):
    """Return the run of one image, or its error, and what was said of it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            run = run_whole(request, lambda stage: None)
        except ValueError as error:
            run = error
    return run, [(each.category, str(each.message)) for each in caught]


def identical(actual, expected, name=""):
    """Check arrays, with or without units, to the bit."""
    if hasattr(expected, "ra"):
        identical(actual.ra.deg, expected.ra.deg, name)
        identical(actual.dec.deg, expected.dec.deg, name)
        return
    assert getattr(actual, "unit", None) == getattr(expected, "unit", None), name
    actual, expected = (np.asarray(getattr(each, "value", each)) for each in (actual, expected))
    assert actual.dtype == expected.dtype, name
    np.testing.assert_array_equal(actual, expected, err_msg=name)


def same_tables(actual, expected):
    """Check the columns of two tables."""
    assert actual.colnames == expected.colnames
    for name in expected.colnames:
        identical(actual[name], expected[name], name)


def same_runs(actual, expected):
    """Check all that two runs have."""
    same_tables(actual.table, expected.table)
    whole = Window(0, SHAPE[0], 0, SHAPE[1])
    maps = ("data", "convolved_data", "error", "mask", "background", "background_rms", "threshold")
    for name in (*maps, "noise"):
        identical(actual.read(name, whole), expected.read(name, whole), name)
    assert actual.has_mask == expected.has_mask
    ours, theirs = actual.segmentation, expected.segmentation
    identical(ours.data, theirs.data, "labels")
    identical(ours.labels, theirs.labels)
    identical(ours.areas, theirs.areas)
    assert ours.bbox == theirs.bbox
    assert ours.info.keys() == theirs.info.keys()
    for name in theirs.info:
        identical(ours.info[name], theirs.info[name])
    for name in ("child", "parent", "flagged", "flags", "whole", "before"):
        identical(getattr(ours.provenance, name), getattr(theirs.provenance, name), name)
    for name in ("level", "noise", "gaps", "n_good"):
        identical(getattr(actual.mesh().mesh, name), getattr(expected.mesh().mesh, name), name)
    assert (actual.catalog is None) == (expected.catalog is None)
    if expected.catalog is None:
        return
    for name in ("start", "pixel", "bbox", "labels"):
        identical(getattr(actual.catalog.sources, name), getattr(expected.catalog.sources, name))
    # Columns that the table does not have, too.
    same_tables(*(each.catalog.to_table(every(each.catalog)) for each in (actual, expected)))


def every(catalog):
    """Return the columns of a catalog that hold numbers."""
    from skyshed.catalog.registry import public_columns, required

    return [
        each.name for each in public_columns()
        if catalog.wcs is not None or "wcs" not in required(each.name)
    ]  # fmt: skip


def check(requests, again):
    """Check a stack against each of its images; return the runs."""
    runs, heard = stacked(requests)
    for run, said, request in zip(runs, heard, again, strict=True):
        expected, said_alone = alone(request)
        assert said == said_alone
        if isinstance(expected, Exception):
            assert (type(run), str(run)) == (type(expected), str(expected))
        else:
            same_runs(run, expected)
    return runs, heard


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32])
@pytest.mark.parametrize(
    "settings",
    [
        {}, {"apermask_method": "none", "kernel_size": 0}, {"threshold": 3.0, "deblend": False},
        {"max_npixels": 60, "localbkg_width": 0, "apermask_method": "mask"},
        {"columns": ("all",), "effective_gain": 2.0, "saturation": 60.0, "zero_point": 25.0},
        {"columns": ("all",), "threshold": 3.0, "kernel_size": 0, "bkg_estimator": "median"},
        {"columns": ("label", "isocor_flux", "minval_index"), "threshold": 3.0},
    ],
)  # fmt: skip
def test_each_image_has_what_it_has_alone(dtype, settings):
    data, masks = images(np.float32 if dtype == np.float32 else np.float64)
    if dtype == np.int32:
        data = [np.nan_to_num(10 * each, posinf=0).astype(dtype) for each in data]
    parameters = Parameters(**{**SETTINGS, **settings})
    runs, _ = check(
        opened(data, parameters, mask=[zero(each) for each in masks]),
        opened(data, parameters, mask=[zero(each) for each in masks]),
    )
    assert sum(len(each.table) for each in runs) > 15


def zero(mask):
    """Return a mask where there is none: images of a stack have the same planes."""
    return np.zeros(SHAPE, bool) if mask is None else mask


def test_nothing_is_connected_across_the_edges_of_images():
    data, _ = images()
    data = [data[3], data[3], data[3][::-1].copy()]
    runs, _ = check(*(opened(data, Parameters(**SETTINGS)) for _ in range(2)))
    labels = [each.segmentation.data for each in runs]
    assert (labels[0][-1] & labels[1][0]).any()  # they would touch
    flags = [np.asarray(each.table["flags"]) for each in runs]
    assert all((each & SEGMENTATION_FLAGS.EDGE_TOUCH).any() for each in flags)


def test_sources_that_meet_at_an_edge_of_images_may_have_the_same_label():
    rng = np.random.default_rng(5)
    data = [rng.normal(20, 0.1, SHAPE).astype(np.float32) for _ in range(4)]
    for k, rows in enumerate([slice(-4, None), slice(0, 4), slice(-2, None), slice(0, 9)]):
        data[k][rows, 40:60] += 50
    parameters = Parameters(**SETTINGS, columns=("all",), effective_gain=1.5)
    runs, _ = check(*(opened(data, parameters) for _ in range(2)))
    assert [each.segmentation.labels.tolist() for each in runs] == [[1]] * 4


def test_sources_are_matched_against_a_list_in_the_pixels_of_their_image():
    data, _ = images()
    stars = Association([10, 30, 50], [0.5, 1, SHAPE[0] - 1], [[1], [2], [3]], radius=4)
    parameters = Parameters(**SETTINGS)
    given = {"association": [stars] * len(data)}
    runs, _ = check(*(opened(data, parameters, **given) for _ in range(2)))
    assert len(runs[3].table) > 0


def test_an_image_without_a_good_pixel_fails_alone():
    data, _ = images()
    data.insert(1, np.full(SHAPE, np.nan, np.float32))
    runs, heard = check(*(opened(data, Parameters(**SETTINGS)) for _ in range(2)))
    assert isinstance(runs[1], ValueError)
    assert [each for each, _ in heard[2]] == [NoDetectionsWarning]
    assert not any(heard[k] for k in (0, 1, 3, 4))
    # And where a threshold that is given could be exceeded there.
    check(*(opened(data, Parameters(**SETTINGS, threshold=2.0)) for _ in range(2)))


def test_images_that_all_fail_and_images_without_any_source():
    data = [np.full(SHAPE, np.nan, np.float32)] * 2
    runs, _ = check(*(opened(data, Parameters(**SETTINGS)) for _ in range(2)))
    assert all(isinstance(each, ValueError) for each in runs)
    data = [images()[0][1]] * 3
    runs, _ = check(*(opened(data, Parameters(**SETTINGS)) for _ in range(2)))
    assert [len(each.table) for each in runs] == [0, 0, 0]
    assert [each.segmentation.sources.start.tolist() for each in runs] == [[0]] * 3


def test_a_constant_image_among_others():
    data, _ = images()
    data[1] = np.full(SHAPE, 7, np.float32)
    check(*(opened(data, Parameters(**SETTINGS)) for _ in range(2)))


@pytest.mark.parametrize("plane", ["rms", "variance", "weight", "relative", "error", "background"])
def test_planes_that_go_with_the_images(plane):
    data, _ = images()
    rng = np.random.default_rng(3)
    given = [rng.uniform(0.8, 1.3, SHAPE).astype(np.float32) for _ in data]
    settings = {**SETTINGS, "effective_gain": 2.0}
    if plane == "relative":
        settings["scale_weight"] = True
        given[2][5:9, 5:20] = 0
    if plane == "background":
        given = [20 + each for each in given]
    name = "weight" if plane == "relative" else plane
    parameters = Parameters(**settings)
    check(*(opened(data, parameters, **{name: given}) for _ in range(2)))


def test_each_image_keeps_its_own_wcs_and_unit():
    data, _ = images()
    wcs = []
    for k in range(len(data)):
        own = WCS(naxis=2)
        own.wcs.ctype, own.wcs.crval = ("RA---TAN", "DEC--TAN"), (10 + 20 * k, k)
        own.wcs.crpix, own.wcs.cdelt = (50, 45), (-1e-4, 1e-4)
        wcs.append(own)
    parameters = Parameters(**SETTINGS, zero_point=25.0)
    runs, _ = check(*(opened(data, parameters, wcs=wcs) for _ in range(2)))
    for columns in [
        ("all",), ("label", "name", "ra", "kron_mag"), ("sky_centroid", "sky_bbox_ll"),
        ("NUMBER", "ALPHA_J2000", "X_IMAGE", "MAG_AUTO", "FLAGS"),
    ]:  # fmt: skip
        asked = parameters.replace(columns=columns)
        check(*(opened(data, asked, wcs=wcs) for _ in range(2)))
    assert np.allclose(runs[3].table["ra"].value, 70, atol=0.1)
    assert len(set(runs[3].table["name"])) == len(runs[3].table)


def test_what_is_said_of_deblending_is_said_of_its_image():
    data, _ = images()
    y, x = np.indices(SHAPE)
    comb = 150 + 20 * np.cos(x * np.pi / 4) * np.cos(y * np.pi / 4)
    data[2] = data[2].copy()
    data[2][20:60, 20:70] = comb[20:60, 20:70]
    parameters = Parameters(**{**SETTINGS, "max_markers": 20})
    _, heard = check(*(opened(data, parameters) for _ in range(2)))
    assert [[each for each, _ in said if each is DeblendWarning] for said in heard] == [
        [], [], [DeblendWarning], [],
    ]  # fmt: skip


@pytest.mark.parametrize(
    "settings",
    [
        {"background_passes": 2}, {"filter": "matched"}, {"threshold_type": "global"},
        {"significance": 3.0}, {"threshold": -1.0}, {"aperture_correction": True},
    ],
)  # fmt: skip
def test_some_requests_are_for_one_image_at_a_time(settings):
    (request,) = opened(images()[0][:1], Parameters(**{**SETTINGS, **settings}))
    assert not can_be_stacked(request)


def test_images_are_alike_if_all_but_their_pixels_is_the_same():
    data, _ = images()
    parameters = Parameters(**SETTINGS)
    one, other = opened(data[:2], parameters)
    assert are_alike(one, other)
    (masked,) = opened(data[:1], parameters, mask=[np.zeros(SHAPE, bool)])
    assert not are_alike(one, masked)
    (narrow,) = opened([data[0][:, :-1]], parameters)
    assert not are_alike(one, narrow)
    (double,) = opened([data[0].astype(float)], parameters)
    assert not are_alike(one, double)
    (lower,) = opened(data[:1], parameters.replace(nsigma=1.4))
    assert not are_alike(one, lower)
