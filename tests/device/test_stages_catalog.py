"""Catalogs of images on the device: the columns of the host, within the twins' tolerance."""

from pathlib import Path

import astropy.units as u
import numpy as np
import pytest

import skyshed
from skyshed.catalog.registry import COLUMNS
from tests.device import scenes
from tests.device.scenes import FIELDS, close, is_image, on_device, stages
from tests.pipeline_field import make_wcs

#: Columns whose last bits depend on nearly cancelling sums, or that are found by iteration.
LOOSE = {
    "orientation": 1e-8, "sky_orientation": 1e-6, "eccentricity": 1e-8, "ellipticity": 1e-9,
    "elongation": 1e-9, "gini": 1e-10,
}  # fmt: skip
LOOSE |= {name: 1e-8 for name in COLUMNS if "centroid_win" in name}


def segments(cupy, scene):
    """Return the scene's segmentation image on the device, with what deblending noted."""
    noted = scene.segm.provenance
    return skyshed.SegmentationImage.from_labels(
        cupy.asarray(scene.segm.data),
        deblended_labels_map=(noted.child, noted.parent),
        flags_map=(noted.flagged, noted.flags),
        before_map=(noted.whole, noted.before),
    )


def catalogs(cupy, scene, **options):
    """Return the catalog of the device and that of the host."""
    images = scene.catalog_inputs()
    segm = segments(cupy, scene)
    there = skyshed.SourceCatalog(segment_img=segm, **on_device(cupy, **images), **options)
    return there, skyshed.SourceCatalog(segment_img=scene.segm, **images, **options)


def terms(scene, here):
    """Return the sums of the absolute terms of each flux column."""
    images = {**scene.catalog_inputs(), "data": np.abs(scene.data)}
    options = {"apermask_method": here.apermask_method, "kron_params": here.kron_params}
    total = skyshed.SourceCatalog(segment_img=scene.segm, **images, detection_cat=here, **options)
    level = np.abs(here.local_background)
    area = np.nan_to_num(np.pi * (6 * plain_of(here, "semimajor_sigma")) ** 2) + 1
    found = {
        name: np.nan_to_num(np.abs(getattr(total, name))) + np.nan_to_num(level) * area
        for name in ("segment_flux", "kron_flux")
    }
    found["background_sum"] = np.nan_to_num(np.abs(here.background_sum))
    return found


def plain_of(catalog, name):
    return scenes.plain(getattr(catalog, name))


def compare(there, here, magnitude=None):
    """Compare all public columns."""
    for name, (column, _) in COLUMNS.items():
        if not column.public:
            continue
        actual, expected = getattr(there, name), getattr(here, name)
        assert type(actual) is type(expected), name
        assert getattr(actual, "unit", None) == getattr(expected, "unit", None), name
        size = (
            np.abs(np.nan_to_num(scenes.plain(expected).astype(float)))
            if column.unit != "sky"
            else 0
        )
        if magnitude and name in magnitude:
            tolerance = 1e-12 * magnitude[name]
        else:
            tolerance = LOOSE.get(name, 1e-10) * (1 + size)
        if scenes.plain(expected).dtype != object:
            close(actual, expected, tolerance, name)


@pytest.mark.parametrize("field", FIELDS)
def test_all_columns(cupy, field):
    scene = stages(*field)
    options = {} if field[0] % 2 else {"localbkg_width": 12, "apermask_method": "mask"}
    there, here = catalogs(cupy, scene, wcs=make_wcs(), **options)
    compare(there, here, terms(scene, here))
    close(there.fluxfrac_radius(0.5), here.fluxfrac_radius(0.5), 1e-8)
    is_image(cupy, there._results["frame"].data, scene.data)


def test_columns_with_a_detection_catalog(cupy):
    scene, other = stages(), stages(6, np.float32, True)
    there, here = catalogs(cupy, scene, wcs=make_wcs())
    images = {"data": other.data, "error": other.rms, "mask": other.mask}
    segm = segments(cupy, scene)
    given = on_device(cupy, **images)
    compare(
        skyshed.SourceCatalog(segment_img=segm, detection_cat=there, **given),
        skyshed.SourceCatalog(segment_img=scene.segm, detection_cat=here, **images),
    )
    with pytest.raises(TypeError, match="cupy"):
        skyshed.SourceCatalog(segment_img=segm, detection_cat=here, **given)


def test_columns_without_anything_but_data(cupy):
    scene = stages(1, np.float32, False)
    segm = segments(cupy, scene)
    compare(
        skyshed.SourceCatalog(cupy.asarray(scene.data), segm),
        skyshed.SourceCatalog(scene.data, scene.segm),
    )


def test_photometry_of_the_callers(cupy):
    there, here = catalogs(cupy, stages(1, np.float32, False))
    for name, args in (("kron_photometry", ((2.0, 1.0),)), ("circular_photometry", (3.0,))):
        for actual, expected in zip(
            getattr(there, name)(*args), getattr(here, name)(*args), strict=True
        ):
            close(actual, expected, 1e-10 * (1 + np.abs(np.nan_to_num(expected))), name)
    assert len(there.make_kron_apertures()) == len(here)
    assert len(there.make_circular_apertures(2.0)) == len(here)


def test_a_selection_of_sources(cupy):
    there, here = catalogs(cupy, stages())
    assert there.segment_flux.shape == here.segment_flux.shape
    for pick in (lambda c: c[3:9], lambda c: c[[5, 1]], lambda c: c.get_label(7), lambda c: c[4]):
        one, other = pick(there), pick(here)
        np.testing.assert_array_equal(one.label, other.label)
        close(one.segment_flux, other.segment_flux, 1e-6)
        close(one.kron_flux, other.kron_flux, 1e-6)
        assert one.bbox == other.bbox
    assert repr(there) == repr(here)
    assert there.copy().nlabels == here.nlabels


def test_cutouts_are_views_on_the_device(cupy):
    there, here = catalogs(cupy, stages(1, np.float32, False))
    for name in ("data", "error", "segment"):
        is_image(cupy, getattr(there, name)[5], np.ascontiguousarray(getattr(here, name)[5]))
    with pytest.raises(TypeError, match="masked cutout"):
        there.data_ma  # noqa: B018


def test_cutouts_about_centroids_stay_on_the_device(cupy):
    there, here = catalogs(cupy, stages(1, np.float32, False))
    for mode in ("partial", "trim"):
        pairs = list(
            zip(
                there.make_cutouts((9, 40), mode=mode),
                here.make_cutouts((9, 40), mode=mode),
                strict=True,
            )
        )
        assert any(other.slices_original[1].start == 0 for _, other in pairs)
        for one, other in pairs:
            is_image(cupy, one.data, np.ascontiguousarray(other.data))
            np.testing.assert_array_equal(one.xyorigin, other.xyorigin)
    weight = cupy.ones(there._results["frame"].shape)
    assert isinstance(there[0].make_cutouts((3, 3), array=weight).data, cupy.ndarray)


def test_flags_are_decoded_and_annuli_made_on_the_host(cupy):
    there, here = catalogs(cupy, stages(), localbkg_width=9)
    assert there.decode_flags() == here.decode_flags()
    assert len({tuple(names) for names in here.decode_flags().values()}) > 3
    one, other = there.local_background_aperture, here.local_background_aperture
    assert [repr(each) for each in one] == [repr(each) for each in other]


def test_arrays_stay_on_the_device(cupy):
    there, here = catalogs(cupy, stages(), wcs=make_wcs())
    arrays = there.to_arrays()
    expected = here.to_arrays()
    assert list(arrays) == list(expected)
    assert "sky_centroid" not in arrays
    assert isinstance(expected["kron_flux"], np.ndarray)
    for name, array in arrays.items():
        assert isinstance(array, cupy.ndarray)
        close(array.get(), expected[name], 1e-7, name)
    assert list(there.to_arrays("x_centroid")) == ["x_centroid"]
    with pytest.raises(ValueError, match=r"\['sky_centroid'\] have none"):
        there.to_arrays(["label", "sky_centroid"])
    with pytest.raises(ValueError, match="Invalid column name"):
        there.to_arrays("flux")


def test_units_are_told(cupy):
    scene = stages(1, np.float32, False)
    segm = segments(cupy, scene)
    catalog = skyshed.SourceCatalog(cupy.asarray(scene.data), segm, unit="Jy")
    assert catalog.segment_flux.unit == u.Jy
    host = skyshed.SourceCatalog(scene.data << u.Jy, scene.segm)
    close(catalog.segment_flux, host.segment_flux, 1e-7)
    assert skyshed.SourceCatalog(scene.data << u.Jy, scene.segm, unit="Jy").kron_flux.unit == u.Jy
    with pytest.raises(ValueError, match="unit is 'm', but data is in 'Jy'"):
        skyshed.SourceCatalog(scene.data << u.Jy, scene.segm, unit="m")


def test_a_kernel_makes_the_convolved_data(cupy):
    scene = stages(1, np.float32, False)
    kernel = skyshed.make_2dgaussian_kernel(2, 3)
    segm = segments(cupy, scene)
    there = skyshed.SourceCatalog(cupy.asarray(scene.data), segm, kernel=kernel)
    here = skyshed.SourceCatalog(scene.data, scene.segm, kernel=kernel)
    close(there.xcentroid, here.xcentroid, 1e-5)


def test_every_property_of_photutils_is_there_for_device_images(cupy):
    """Masked cutouts excepted: CuPy has no masked arrays."""
    with np.load(Path(__file__).parents[1] / "oracle" / "catalog_names.npz") as file:
        names = file["properties"].tolist()
    there, _ = catalogs(cupy, stages(), wcs=make_wcs(), localbkg_width=9)
    few = there[2:5]
    for name in names:
        if name.endswith("_masked"):
            with pytest.raises(TypeError, match="masked cutout"):
                getattr(few, name)
        else:
            assert len(getattr(few, name)) == 3, name
