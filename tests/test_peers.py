"""Our objects pass where a library asks whether they are photutils', and stay what they are."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import photutils.background as their_background
import photutils.segmentation as their_segmentation
import pytest

import skyshed
from skyshed.peers import peer_of

DATA = np.random.default_rng(5).normal(10, 1, (60, 70))
DATA[20:24, 30:35] += 40
DATA[40:44, 10:15] += 60
SEGMENTS = skyshed.detect_sources(DATA, 15.0, npixels=5)

#: An object of each class, and the package of photutils that has the class.
OBJECTS = {
    "SegmentationImage": (SEGMENTS, their_segmentation),
    "Segment": (SEGMENTS.segments[0], their_segmentation),
    "SourceCatalog": (skyshed.SourceCatalog(DATA, SEGMENTS), their_segmentation),
    "SourceFinder": (skyshed.SourceFinder(5), their_segmentation),
    "Background2D": (skyshed.Background2D(DATA, 20), their_background),
    "LocalBackground": (skyshed.LocalBackground(5, 10), their_background),
    "MedianBackground": (skyshed.MedianBackground(), their_background),
    "MADStdBackgroundRMS": (skyshed.MADStdBackgroundRMS(), their_background),
    "BkgZoomInterpolator": (skyshed.BkgZoomInterpolator(), their_background),
    "BkgIDWInterpolator": (skyshed.BkgIDWInterpolator(), their_background),
}


@pytest.mark.parametrize("name", OBJECTS)
def test_an_object_is_an_instance_of_either_class(name):
    ours, package = OBJECTS[name]
    assert isinstance(ours, getattr(package, name))
    assert isinstance(ours, getattr(skyshed, name))
    assert type(ours) is getattr(skyshed, name)
    assert not isinstance(ours, np.ndarray)
    assert {*dir(ours)} - {*dir(type(ours))} == {*vars(ours)} - {*dir(type(ours))}


def test_estimators_are_instances_of_the_base_classes_too():
    assert isinstance(skyshed.MedianBackground(), their_background.BackgroundBase)
    assert isinstance(skyshed.MedianBackground(), skyshed.BackgroundBase)
    assert not isinstance(skyshed.MedianBackground(), their_background.BackgroundRMSBase)
    assert not isinstance(skyshed.MedianBackground(), their_background.MeanBackground)


@pytest.mark.parametrize("protocol", [0, 2, pickle.HIGHEST_PROTOCOL])
@pytest.mark.parametrize("name", OBJECTS)
def test_copies_and_pickles_are_ours(name, protocol):
    ours, _ = OBJECTS[name]
    for back in (pickle.loads(pickle.dumps(ours, protocol)), copy.copy(ours), copy.deepcopy(ours)):
        assert type(back) is type(ours)


class Mine(skyshed.SegmentationImage):
    """A class that a user derives."""

    def like(self, data):
        """Make another one."""
        return self.__class__(data)


def test_a_class_that_a_user_derives_is_that_class_alone():
    mine = Mine(np.array([[0, 1]]))
    assert type(mine.like(np.array([[2]]))) is Mine
    assert mine.__class__ is Mine
    assert type(pickle.loads(pickle.dumps(mine))) is Mine
    assert peer_of(Mine) is None


def test_photutils_measures_a_segmentation_image_of_ours():
    deblended = skyshed.deblend_sources(DATA, SEGMENTS, npixels=5, progress_bar=False)
    ours = their_segmentation.SourceCatalog(DATA, deblended)
    theirs = their_segmentation.SourceCatalog(DATA, deblended.to_photutils())
    for name in ("segment_flux", "kron_flux", "x_centroid"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))
    if hasattr(theirs, "flags"):
        np.testing.assert_array_equal(ours.flags, theirs.flags)
    again = their_segmentation.deblend_sources(DATA, SEGMENTS, 5, progress_bar=False)
    np.testing.assert_array_equal(again.data, deblended.data)


def test_photutils_psf_photometry_takes_a_local_background_of_ours():
    from astropy.table import QTable
    from photutils.psf import CircularGaussianPRF, PSFPhotometry

    start = QTable({"x": [32.0], "y": [21.5]})
    fluxes = [
        PSFPhotometry(
            CircularGaussianPRF(fwhm=4.0), (9, 9), aperture_radius=4, local_bkg_estimator=estimator
        )(DATA, init_params=start)["flux_fit"][0]
        for estimator in (skyshed.LocalBackground(8, 14), their_background.LocalBackground(8, 14))
    ]
    np.testing.assert_allclose(*fluxes, rtol=1e-9)


def test_a_detection_catalog_of_the_other_library_is_refused_by_name():
    theirs = their_segmentation.SourceCatalog(DATA, SEGMENTS)
    ours = skyshed.SourceCatalog(DATA, SEGMENTS)
    with pytest.raises(TypeError, match=r"photutils.segmentation.*with skyshed\.SourceCatalog"):
        skyshed.SourceCatalog(DATA, SEGMENTS, detection_cat=theirs)
    with pytest.raises(TypeError, match=r"photutils' SourceCatalog.*with skyshed\.SourceCatalog"):
        their_segmentation.SourceCatalog(DATA, SEGMENTS, detection_catalog=ours)


def test_photutils_is_not_imported_to_find_its_classes():
    code = (
        "import sys, numpy, skyshed\n"
        "segm = skyshed.SegmentationImage(numpy.array([[0, 1]]))\n"
        "assert segm.__class__ is skyshed.SegmentationImage\n"
        "assert not isinstance(segm, dict)\n"
        "assert 'photutils' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
