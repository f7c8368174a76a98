"""What a catalog promises as an object: names, selection, printing, checks, reproducibility."""

import pickle
import pydoc

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord

from skyshed import SegmentationImage, SourceCatalog, convolve
from skyshed.catalog.registry import ALIASES, COLUMNS
from skyshed.frame import Frame
from skyshed.kernels import threads
from skyshed.names import ATTRIBUTES
from skyshed.sources import Sources

PUBLIC = sorted(name for name, (column, _) in COLUMNS.items() if column.public)


@pytest.fixture
def catalog(make_case):
    return make_case("full")


def same(a, b):
    if a is None or isinstance(a, str):
        return a == b
    if isinstance(a, SkyCoord):
        return np.array_equal(a.ra, b.ra, equal_nan=True) and np.array_equal(
            a.dec, b.dec, equal_nan=True
        )
    if isinstance(a, np.ma.MaskedArray):
        return np.array_equal(a.mask, b.mask) and np.array_equal(a.compressed(), b.compressed())
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return np.asarray(a).dtype == object or np.array_equal(a, b, equal_nan=True)


def test_it_prints_as_the_guide_does(catalog, make_case):
    labels = "[ 1  2  3  4  5 ... 28 29 30 31 32]"
    assert str(catalog) == f"<skyshed.catalog.SourceCatalog>\nLength: 26\nlabels: {labels}"
    assert repr(catalog) == str(catalog)
    assert str(catalog[:3]).splitlines()[1:] == ["Length: 3", "labels: [1 2 3]"]


def test_every_column_is_an_attribute_with_help(catalog):
    for name in PUBLIC:
        assert name in dir(catalog)
        assert (name in catalog.properties) == (name != "inertia_tensor")
        column = COLUMNS[name][0]
        assert column.description
        assert column.description in pydoc.render_doc(getattr(SourceCatalog, name))
    assert not any(name.startswith("_") for name in catalog.properties)


def test_names_of_photutils_3_are_the_guides(catalog):
    for alias, name in ALIASES.items():
        assert same(getattr(catalog, alias), getattr(catalog, name)), alias
    for alias in ("n_labels", "data_cutout", "data_cutout_masked", "local_bkg_width",
                  "aperture_mask_method", "custom_properties"):  # fmt: skip
        assert same(getattr(catalog, alias), getattr(catalog, ATTRIBUTES[alias])), alias
    assert catalog.select_label(3).label == 3
    assert same(catalog.flux_radius(0.5), catalog.fluxfrac_radius(0.5))


def test_keywords_of_photutils_3_are_the_guides(reference):
    scene = reference.scene
    segment_img = SegmentationImage(scene["labels"])
    a = SourceCatalog(scene["data"], segment_img, localbkg_width=8, apermask_method="mask")
    b = SourceCatalog(
        scene["data"], segmentation_image=segment_img, local_bkg_width=8,
        aperture_mask_method="mask",
    )  # fmt: skip
    assert same(a.kron_flux, b.kron_flux)
    assert b.local_bkg_width == 8
    with pytest.raises(TypeError, match="'localbkg_width' and its alias 'local_bkg_width'"):
        SourceCatalog(scene["data"], segment_img, localbkg_width=8, local_bkg_width=8)


def test_what_is_no_attribute_says_so(catalog):
    with pytest.raises(AttributeError, match="no attribute 'xcentre'"):
        _ = catalog.xcentre
    with pytest.raises(AttributeError, match="no attribute '_nothing'"):
        _ = catalog._nothing
    assert hasattr(catalog, "xcentroid")
    assert not hasattr(catalog, "xcentre")


@pytest.mark.parametrize(
    "index",
    [slice(3, 12, 2), [4, 1, 17], np.array([25, 0]), np.arange(26) % 3 == 1, slice(-2, None)],
)
@pytest.mark.parametrize("measured_before", [False, True])
def test_a_selection_has_the_bits_of_the_whole(make_case, index, measured_before):
    catalog = make_case("local", wcs=None)
    if measured_before:
        for name in PUBLIC:
            getattr(catalog, name)
    selected = catalog[index]
    fresh = make_case("local", wcs=None)
    assert list(selected.labels) == list(fresh.labels[index])
    for name in PUBLIC:
        assert same(getattr(selected, name), getattr(fresh, name)[index]), name
    assert same(selected.fluxfrac_radius(0.5), fresh.fluxfrac_radius(0.5)[index])


def test_a_selection_carries_over_what_was_measured(catalog):
    flux = catalog.kron_flux
    selected = catalog[[2, 5]]
    assert {"kron_flux", "xcentroid", "_count"} <= set(selected.results.kept)
    assert same(selected.kron_flux, flux[[2, 5]])


def test_an_integer_selects_a_scalar_catalog(catalog):
    source = catalog[4]
    assert source.isscalar
    assert not catalog.isscalar
    assert source.label == catalog.labels[4]
    assert list(source.labels) == [source.label]
    assert source.nlabels == 1
    assert source.segment_flux == catalog.segment_flux[4]
    assert source.area == catalog.area[4]
    assert source.area.isscalar
    assert source.moments.shape == (4, 4)
    assert source.centroid.shape == (2,)
    assert source.sky_centroid.isscalar
    assert source.slices == catalog.slices[4]
    assert source.bbox == catalog.bbox[4]
    assert source.data.shape == catalog.data[4].shape
    assert source.fluxfrac_radius(0.5) == catalog.fluxfrac_radius(0.5)[4]
    assert source.circular_photometry(3.0)[0] == catalog.circular_photometry(3.0)[0][4]
    assert len(source.to_table()) == 1
    with pytest.raises(TypeError, match="A scalar 'SourceCatalog' object cannot be indexed"):
        source[0]
    with pytest.raises(TypeError, match=r"Scalar 'SourceCatalog' object has no len\(\)"):
        len(source)


def test_a_catalog_of_one_source_is_no_scalar():
    one = SourceCatalog(np.ones((3, 3)), SegmentationImage(np.ones((3, 3), int)))
    assert not one.isscalar
    assert one.segment_flux.shape == (1,)
    assert len(one) == 1


def test_iterating_gives_each_source(catalog):
    assert [source.label for source in catalog] == list(catalog.labels)
    assert len(catalog) == 26


def test_labels_select_in_the_order_given(catalog):
    assert list(catalog.get_labels([24, 1, 7]).labels) == [24, 1, 7]
    assert catalog.get_label(24).isscalar
    assert list(catalog[::-1].get_labels([3, 9]).labels) == [3, 9]
    with pytest.raises(ValueError, match=r"labels \[18, 99\] are invalid \(not in this catalog\)"):
        catalog.get_labels([1, 18, 99])


def test_copies_and_pickles_are_equal_and_apart(catalog):
    catalog.add_extra_property("rank", np.arange(26))
    flux = catalog.segment_flux
    for other in (catalog.copy(), pickle.loads(pickle.dumps(catalog))):
        assert same(other.segment_flux, flux)
        assert same(other.kron_flux, catalog.kron_flux)
        other.remove_extra_property("rank")
        other.default_columns.append("gini")
    assert catalog.extra_properties == ["rank"]
    assert "gini" not in catalog.default_columns


def test_a_selection_does_not_share_what_users_change(catalog):
    selected = catalog[:5]
    selected.add_extra_property("rank", np.arange(5))
    selected.default_columns.append("gini")
    selected.meta["note"] = "mine"
    assert catalog.extra_properties == []
    assert "gini" not in catalog.default_columns
    assert "note" not in catalog.meta


@pytest.mark.parametrize("case", ["full", "float32", "local"])
def test_any_number_of_threads_gives_the_same_bits(make_case, case):
    one, three, all_ = (make_case(case, n_threads=n) for n in (1, 3, None))
    for name in PUBLIC:
        assert same(getattr(three, name), getattr(one, name)), name
        assert same(getattr(all_, name), getattr(one, name)), name


def squares(side, count):
    """A label image of ``count`` squares."""
    return np.kron(np.diag(np.arange(1, count + 1)), np.ones((side, side), int))


@pytest.mark.parametrize(
    ("labels", "expected"),
    [(squares(6, 199), 1), (squares(6, 200), 7), (squares(90, 1), 1), (squares(91, 1), 7)],
)
def test_more_threads_are_started_only_where_there_is_work_for_them(monkeypatch, labels, expected):
    monkeypatch.setattr(threads, "available_cores", lambda: 7)
    segm = SegmentationImage(labels)
    assert SourceCatalog(labels, segm).n_threads == expected
    assert SourceCatalog(labels, segm)[0].n_threads == expected
    assert SourceCatalog(labels, segm, n_threads=3).n_threads == 3


def test_a_tile_gives_the_bits_of_the_whole(make_case):
    """Sources wholly inside a window, measured in a frame that says where the window lies."""
    from skyshed.catalog.registry import Results, depends

    catalog = make_case("full", wcs=None)
    whole = catalog.results["frame"]
    y0, y1, x0, x1 = 5, 85, 20, 110
    cut = {
        name: np.ascontiguousarray(getattr(whole, name)[y0:y1, x0:x1])
        for name in (
            "data",
            "labels",
            "convolved_data",
            "error",
            "background",
            "mask",
            "input_mask",
        )
    }
    tile = Frame(**cut, origin=(y0, x0), full_shape=whole.shape)
    sources = Sources.from_labels(tile.labels)
    inside = np.all(
        [catalog.bbox_xmin > x0, catalog.bbox_xmax < x1 - 1,
         catalog.bbox_ymin > y0, catalog.bbox_ymax < y1 - 1], axis=0,
    )  # fmt: skip
    mine = np.isin(sources.labels, catalog.labels[inside])
    assert inside.sum() > 10
    results = Results({**catalog.results.inputs, "frame": tile, "sources": sources})
    # Apertures and dilated segments reach out of this small tile.
    for name in (name for name in PUBLIC if not depends(name, ("apermask_method",))):
        if name.startswith("dilated") or name == "asymmetry":
            continue
        got = results[name]
        assert same(got[mine], catalog.results[name][inside]), name


def test_columns_are_measured_once_and_only_when_asked_for(catalog, monkeypatch):
    from skyshed.catalog import isophotal

    calls = []
    measure = isophotal.isophotal.summarize
    monkeypatch.setattr(
        isophotal.isophotal, "summarize", lambda *args: calls.append(args) or measure(*args)
    )
    assert catalog.results.kept == {}
    for name in ("segment_flux", "min_value", "max_value", "area", "maxval_index"):
        getattr(catalog, name)
    assert len(calls) == 1
    assert "moments" not in catalog.results.kept


def test_quantities_in_give_quantities_out(make_case):
    with_unit, without = make_case("units"), make_case("full", wcs=None)
    for name in PUBLIC:
        column = COLUMNS[name][0]
        if column.unit == "data":
            assert getattr(with_unit, name).unit == u.Jy, name
            assert not hasattr(getattr(without, name), "unit")
    assert with_unit.data[0].unit == u.Jy
    assert with_unit.error[0].unit == u.Jy
    assert not hasattr(with_unit.data_ma[0], "unit")
    assert with_unit.circular_photometry(3)[0].unit == u.Jy


def test_a_kernel_convolves_the_data(reference):
    data = np.nan_to_num(reference.scene["data"], posinf=0, neginf=0)
    segment_img = SegmentationImage(reference.scene["labels"])
    kernel = np.array([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]]) / 16
    a = SourceCatalog(data, segment_img, kernel=kernel)
    b = SourceCatalog(data, segment_img, convolved_data=convolve(data, kernel))
    assert same(a.moments, b.moments)
    assert same(a.segment_flux, SourceCatalog(data, segment_img).segment_flux)
    assert not same(a.moments, SourceCatalog(data, segment_img).moments)
    with pytest.raises(TypeError, match="convolved_data and kernel are both given"):
        SourceCatalog(data, segment_img, convolved_data=data, kernel=kernel)


def test_a_detection_catalog_gives_positions_shapes_and_parameters(make_case):
    detection = make_case("full", kron_params=(2.0, 1.0), apermask_method="mask")
    other = make_case("plain", detection_cat=detection, kron_params=(3.0, 2.0))
    own = make_case("plain")
    assert other.kron_params == (2.0, 1.0)
    assert other.apermask_method == "mask"
    assert other.wcs is detection.wcs
    for name in PUBLIC:
        if COLUMNS[name][1].geometry:
            assert same(getattr(other, name), getattr(detection, name)), name
    for name in ("segment_flux", "max_value", "gini", "minval_index"):
        assert same(getattr(other, name), getattr(own, name)), name
    assert not same(other.xcentroid, own.xcentroid)
    assert same(other[3:9].kron_flux, other.kron_flux[3:9])
    assert same(
        other.kron_photometry((1.5, 1.2))[0],
        make_case("plain", detection_cat=make_case("full", kron_params=(1.5, 1.2),
                                                   apermask_method="mask")).kron_flux,
    )  # fmt: skip


def test_a_detection_catalog_must_be_of_the_same_sources(reference, catalog):
    data, labels = reference.scene["data"], reference.scene["labels"]
    with pytest.raises(ValueError, match="must have same segmentation_image as the input"):
        SourceCatalog(data, SegmentationImage(labels % 5), detection_cat=catalog)
    with pytest.raises(ValueError, match="and all of its sources"):
        SourceCatalog(data, SegmentationImage(labels), detection_cat=catalog[:4])
    with pytest.raises(
        TypeError, match=r"detection_catalog must be a skyshed.SourceCatalog, got str"
    ):
        SourceCatalog(data, SegmentationImage(labels), detection_cat="it")


def test_edits_of_the_segmentation_image_do_not_reach_the_catalog(reference):
    segment_img = SegmentationImage(reference.scene["labels"].copy())
    catalog = SourceCatalog(reference.scene["data"], segment_img)
    segment_img.remove_labels([1, 2, 3])
    assert list(catalog.labels[:3]) == [1, 2, 3]
    assert same(
        catalog.segment_flux,
        SourceCatalog(
            reference.scene["data"], SegmentationImage(reference.scene["labels"])
        ).segment_flux,
    )


DATA, SEGMENTS = np.ones((4, 5)), SegmentationImage(np.ones((4, 5), int))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"segment_img": np.ones((4, 5), int)}, TypeError,
         "segmentation_image must be a SegmentationImage.*got ndarray"),
        ({"segment_img": SegmentationImage(np.ones((5, 4), int))}, ValueError,
         r"segmentation_image and data must have the same shape, got \(5, 4\), and \(4, 5\)"),
        ({"data": np.ones(4)}, ValueError, "data must be a 2D array, got 1-D"),
        ({"error": np.ones((5, 4))}, ValueError,
         r"data and error must have the same shape.*\(5, 4\)"),
        ({"convolved_data": np.ones((1, 5))}, ValueError,
         r"data and convolved_data must have the same shape.*\(1, 5\)"),
        ({"background": np.ones(5)}, ValueError, "background must be a 2D array"),
        ({"mask": np.ones((1, 5), bool)}, ValueError,
         r"data and mask must have the same shape.*\(1, 5\)"),
        ({"error": np.ones((4, 5)) * u.Jy}, ValueError, "data: no unit, error: Jy"),
        ({"localbkg_width": -1}, ValueError, "local_bkg_width must be >= 0, got -1"),
        ({"localbkg_width": 2.5}, ValueError, "local_bkg_width must be an integer.*got 2.5"),
        ({"apermask_method": "blank"}, ValueError,
         "Invalid aperture_mask_method value 'blank'.*'correct', 'mask' or 'none'"),
        ({"kron_params": 2.5}, ValueError, "kron_params must be 1D.*got 2.5"),
        ({"kron_params": (1, 2, 3, 4)}, ValueError, "kron_params must have 2 or 3 elements"),
        ({"kron_params": (0, 1)}, ValueError, r"kron_params\[0\] must be > 0.*got \(0, 1\)"),
        ({"kron_params": (1, 1, -1)}, ValueError,
         r"kron_params\[2\] must be >= 0.*got \(1, 1, -1\)"),
        ({"n_threads": 0}, ValueError, "n_threads must be a positive integer, got 0"),
    ],
)  # fmt: skip
def test_errors_name_the_argument_and_the_value(arguments, error, message):
    with pytest.raises(error, match=message):
        SourceCatalog(**{"data": DATA, "segment_img": SEGMENTS, **arguments})


def test_parameters_of_methods_are_checked(catalog):
    with pytest.raises(ValueError, match=r"radius must be > 0 \(in pixels\), got 0"):
        catalog.circular_photometry(0)
    with pytest.raises(ValueError, match=r"fraction must be > 0 and <= 1, got 1\.5"):
        catalog.fluxfrac_radius(1.5)
    with pytest.raises(ValueError, match=r"kron_params\[0\] must be > 0"):
        catalog.kron_photometry((-1, 1))


def test_without_a_wcs_sky_columns_hold_none(make_case):
    catalog = make_case("plain")
    names = (
        "sky_centroid", "sky_centroid_icrs", "sky_bbox_ll", "sky_orientation", "sky_pixel_area"
    )  # fmt: skip
    for name in names:
        assert list(getattr(catalog, name)) == [None] * 26


def test_the_area_of_a_pixel_is_that_of_the_wcs_at_the_source(make_case):
    from astropy.wcs import WCS
    from astropy.wcs.utils import proj_plane_pixel_area

    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval = ["RA---CAR", "DEC--CAR"], [80, 0]
    wcs.wcs.crpix, wcs.wcs.cdelt = [1, -7200 * 60], [-0.5 / 3600, 0.25 / 3600]
    catalog = make_case("plain", wcs=wcs)
    # Meridians converge: in plate carree the area falls with the cosine of the declination.
    at_equator = proj_plane_pixel_area(wcs) * 3600**2
    expected = at_equator * np.cos(np.radians(catalog.dec.value))
    np.testing.assert_allclose(catalog.sky_pixel_area.value, expected, rtol=1e-7)
    assert catalog.sky_pixel_area.unit == "arcsec2"


def test_a_wcs_that_is_not_celestial_is_named(make_case):
    from astropy.wcs import WCS

    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["WAVE", "LINEAR"]
    with pytest.raises(ValueError, match="wcs must have one celestial longitude"):
        _ = make_case("plain", wcs=wcs).sky_orientation
